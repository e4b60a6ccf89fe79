"""What households with AOW have besides it, who is entitled to AIO by the rule, and who does not use it.

UWV knows wages, benefits and pensions; Belastingdienst knows other income and assets. Entitlement follows from the
rule, with the norms of the calibration table; only *use* is drawn. What candidates for AIO have beside their AOW was
not found, so its scale is solved for, apart for single people and couples: it is the one at which the rule finds as
many households as there are users and, by the estimate of non-use, non-users. A few households are put close to the
norm or to the limit of assets on purpose, so that a comparison that is wrong by a cent shows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.amounts import close, lognormal_cents
from psi_match.population.calibration import cents, figure, scaled
from psi_match.population.choices import Choices, Rules
from psi_match.population.households import TABLE
from psi_match.population.streams import stream

PREFIX = {"person": "", "partner": "partner_"}
"""What stands before the names of a household's columns about each of the two."""
MEANS = {"uwv": ("income_cents",), "belastingdienst": ("other_income_cents", "assets_cents")}
"""Who holds which columns about people in households with AOW."""


def add_means(households: pd.DataFrame, persons: int, choices: Choices, seed: int) -> None:
    """Add what each household has, and who gets AIO.

    Adds ``income_cents``, ``other_income_cents`` and ``assets_cents``, the same with ``partner_`` before it,
    ``entitled`` and ``receives_aio``. Without a partner the partner's are zero.

    Args:
        households: as ``draw_households`` returns them.
        persons: residents of the Netherlands.
        choices: whose rules, and how much non-use.
        seed: equal seeds give equal draws.
    """
    there = households["has_partner"].to_numpy()
    kinds = _kind(households["person_incomplete"].to_numpy(), np.zeros(len(there), dtype=np.bool_))
    _draw(households, "", kinds, np.ones(len(there), dtype=np.bool_), stream(seed, "means"))
    kinds = _kind(households["partner_incomplete"].to_numpy(), households["partner_young"].to_numpy())
    _draw(households, "partner_", kinds, there, stream(seed, "means/partner"))
    put_close = _put_close(households, choices.rules, stream(seed, "means/close"))
    use = np.zeros(len(there), dtype=np.bool_)
    candidate = (households["candidate"] & households["lives_in_nl"]).to_numpy()
    for form, users in users_by_form(persons).items():
        of_form = candidate & (there == (form == "couple"))
        wanted = round(users / (1 - figure(TABLE, "nl", f"non_use_{choices.non_use}")))
        _scale(households, of_form, ~put_close, wanted, choices.rules)
        gap = _by_household(there, "norm", choices.rules) - _income(households).to_numpy()
        meets = np.flatnonzero(of_form & entitled(households, choices.rules))
        use[_users(meets, gap[meets], min(users, len(meets)), stream(seed, f"aio/{form}"))] = True
    households["entitled"] = entitled(households, choices.rules)
    households["receives_aio"] = use


def users_by_form(persons: int) -> dict[str, int]:
    """Return how many households with one and with two people get AIO, among ``persons`` residents.

    Published are people, and households follow from other figures: what is more in people is couples.
    """
    households = scaled(persons, TABLE, "nl", "aio_households")
    couples = scaled(persons, TABLE, "nl", "aio_persons") - households
    return {"single": households - couples, "couple": couples}


def meets_income(households: pd.DataFrame, rules: Rules) -> NDArray[np.bool_]:
    """Return which households pass the part of the rule that looks at income only, assets left out."""
    couple = households["has_partner"].to_numpy()
    meets = households["candidate"] & households["lives_in_nl"]
    return (meets & (_income(households) < _by_household(couple, "norm", rules))).to_numpy()


def entitled(households: pd.DataFrame, rules: Rules) -> NDArray[np.bool_]:
    """Return which households are entitled to AIO by the rule, with the norms of the calibration table."""
    couple = households["has_partner"].to_numpy()
    assets = households["assets_cents"] + households["partner_assets_cents"]
    return meets_income(households, rules) & (assets < _by_household(couple, "assets", rules)).to_numpy()


_KINDS = ("full", "incomplete", "young")


def _kind(incomplete: NDArray[np.bool_], young: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return which of ``_KINDS`` each person is."""
    return np.where(young, 2, incomplete).astype(np.int8)


def _by_kind(body: str, quantity: str, kinds: NDArray[np.int8]) -> NDArray[np.float64]:
    return np.array([figure(TABLE, body, f"{quantity}_{kind}") for kind in _KINDS])[kinds]


def _by_household(couple: NDArray[np.bool_], amount: str, rules: Rules) -> NDArray[np.int64]:
    of_two, of_one = (cents(TABLE, "nl", f"{amount}_{form}_{rules}") for form in ("couple", "single"))
    return np.where(couple, of_two, of_one)


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


def _put_close(households: pd.DataFrame, rules: Rules, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Change what a few candidates have, so that their income or assets lie close to the limit; return whose."""
    couple, candidate = households["has_partner"].to_numpy(), households["candidate"].to_numpy()
    changed = np.zeros(len(couple), dtype=np.bool_)
    for amount, column, rest in (
        ("norm", "income_cents", _income(households) - households["income_cents"]),
        ("assets", "assets_cents", households["partner_assets_cents"]),
    ):
        width = cents(TABLE, "nl", f"near_{amount}_width")
        value = _by_household(couple, amount, rules) - rest.to_numpy() + close(width, len(couple), rng)
        chosen = candidate & (rng.random(len(couple)) < figure(TABLE, "nl", f"near_{amount}_share")) & (value >= 0)
        households[column] = np.where(chosen, value, households[column])
        changed |= chosen
    return changed


def _scale(
    households: pd.DataFrame,
    of_form: NDArray[np.bool_],
    free: NDArray[np.bool_],
    wanted: int,
    rules: Rules,
) -> None:
    """Scale what candidates of one form have beside AOW, so that the rule finds as many as wanted, or all it can."""
    wanted -= int((of_form & ~free & entitled(households, rules)).sum())
    rows = np.flatnonzero(of_form & free)
    own = households.iloc[rows]
    couple = own["has_partner"].to_numpy()
    room = (_by_household(couple, "norm", rules) - own["aow_cents"]).to_numpy(dtype=np.float64)
    beside = (_income(own) - own["aow_cents"]).to_numpy(dtype=np.float64)
    assets = (own["assets_cents"] + own["partner_assets_cents"]).to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        # The scale up to which a household stays entitled; none at all where AOW alone reaches the norm.
        by_income = np.where(room <= 0, 0, np.where(beside > 0, room / beside, np.inf))
        by_assets = np.where(assets > 0, _by_household(couple, "assets", rules) / assets, np.inf)
    limits = np.sort(np.minimum(by_income, by_assets))[::-1]
    possible = limits[(limits > 0) & np.isfinite(limits)]
    always = int(np.isinf(limits).sum())
    if not len(possible):
        return
    position = min(max(wanted - always, 0), len(possible))
    upper = possible[position - 1] if position else 2 * possible[0]
    lower = possible[position] if position < len(possible) else possible[-1] / 2
    scale = np.sqrt(upper * lower)
    for columns in MEANS.values():
        for column in (f"{prefix}{column}" for prefix in PREFIX.values() for column in columns):
            values = households[column].to_numpy(copy=True)
            values[rows] = np.rint(values[rows] * scale).astype(np.int64)
            households[column] = values


def _users(meets: NDArray[np.intp], gap: NDArray[np.int64], users: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return who of the entitled gets AIO. Non-users tend to have an income just below the norm."""
    standing = np.log(gap.astype(np.float64)) + rng.standard_normal(len(meets))
    return meets[np.argsort(-standing, kind="stable")[:users]]
