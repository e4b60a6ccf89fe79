"""What households with AOW have besides it, who is entitled to AIO by the rule, and who does not use it.

UWV knows wages, benefits and pensions; Belastingdienst knows other income and assets. Entitlement follows from the
rule, with the norms of the calibration table; only *use* is drawn. Some households are put close to the norm or to the
limit of assets on purpose, so that a comparison that is wrong by a cent shows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.amounts import close, lognormal_cents
from psi_match.population.calibration import cents, figure
from psi_match.population.households import TABLE
from psi_match.population.streams import stream

PREFIX = {"person": "", "partner": "partner_"}
"""What stands before the names of a household's columns about each of the two."""
MEANS = {"uwv": ("income_cents",), "belastingdienst": ("other_income_cents", "assets_cents")}
"""Who holds which columns about people in households with AOW."""


def add_means(households: pd.DataFrame, seed: int) -> None:
    """Add what each household has, and who gets AIO.

    Adds ``income_cents``, ``other_income_cents`` and ``assets_cents``, the same with ``partner_`` before it,
    ``entitled`` and ``receives_aio``. Without a partner the partner's are zero.

    Args:
        households: as ``draw_households`` returns them.
        seed: equal seeds give equal draws.
    """
    there = households["has_partner"].to_numpy()
    kinds = _kind(households["person_incomplete"].to_numpy(), np.zeros(len(there), dtype=np.bool_))
    _draw(households, "", kinds, np.ones(len(there), dtype=np.bool_), stream(seed, "means"))
    kinds = _kind(households["partner_incomplete"].to_numpy(), households["partner_young"].to_numpy())
    _draw(households, "partner_", kinds, there, stream(seed, "means/partner"))
    _put_close(households, stream(seed, "means/close"))
    households["entitled"] = entitled(households)
    households["receives_aio"] = _users(households["entitled"].to_numpy(), stream(seed, "aio"))


def entitled(households: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which households are entitled to AIO by the rule, with the norms of the calibration table."""
    couple = households["has_partner"].to_numpy()
    meets = households["candidate"] & households["lives_in_nl"]
    meets &= _income(households) < _by_household(couple, "norm")
    meets &= households["assets_cents"] + households["partner_assets_cents"] < _by_household(couple, "assets")
    return meets.to_numpy()


_KINDS = ("full", "incomplete", "young")


def _kind(incomplete: NDArray[np.bool_], young: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return which of ``_KINDS`` each person is."""
    return np.where(young, 2, incomplete).astype(np.int8)


def _by_kind(body: str, quantity: str, kinds: NDArray[np.int8]) -> NDArray[np.float64]:
    return np.array([figure(TABLE, body, f"{quantity}_{kind}") for kind in _KINDS])[kinds]


def _by_household(couple: NDArray[np.bool_], amount: str) -> NDArray[np.int64]:
    return np.where(couple, cents(TABLE, "nl", f"{amount}_couple"), cents(TABLE, "nl", f"{amount}_single"))


def _income(households: pd.DataFrame) -> pd.Series:
    """Return what comes in each month, AOW included."""
    names = ("aow_cents", "income_cents", "partner_income_cents", "other_income_cents", "partner_other_income_cents")
    return households[list(names)].sum(axis=1)


def _draw(
    households: pd.DataFrame, who: str, kinds: NDArray[np.int8], there: NDArray[np.bool_], rng: np.random.Generator
) -> None:
    """Add the means of one person per household; nothing where there is nobody."""
    for body, quantity, column in (
        ("uwv", "income", "income_cents"),
        ("belastingdienst", "other", "other_income_cents"),
        ("belastingdienst", "assets", "assets_cents"),
    ):
        medians, shares = (_by_kind(body, f"{quantity}_{what}", kinds) for what in ("median", "share"))
        sigma, most = (figure(TABLE, body, f"{quantity}_{what}") for what in ("sigma", "max"))
        households[who + column] = lognormal_cents(medians, sigma, most, shares * there, rng)


def _put_close(households: pd.DataFrame, rng: np.random.Generator) -> None:
    """Change what some candidates have, so that their income or assets lie close to the limit."""
    couple, candidate = households["has_partner"].to_numpy(), households["candidate"].to_numpy()
    for amount, column, rest in (
        ("norm", "income_cents", _income(households) - households["income_cents"]),
        ("assets", "assets_cents", households["partner_assets_cents"]),
    ):
        width = cents(TABLE, "nl", f"near_{amount}_width")
        value = _by_household(couple, amount) - rest.to_numpy() + close(width, len(couple), rng)
        chosen = candidate & (rng.random(len(couple)) < figure(TABLE, "nl", f"near_{amount}_share")) & (value >= 0)
        households[column] = np.where(chosen, value, households[column])


def _users(entitled_households: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return who of the entitled gets AIO: all but a quota."""
    use = entitled_households.copy()
    rows = np.flatnonzero(use)
    without = round(len(rows) * figure(TABLE, "nl", "non_use_share"))
    use[rng.choice(rows, without, replace=False, shuffle=False)] = False
    return use
