"""People with a benefit of UWV: with whom they live, and what comes in. Many of them are in arrears."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.amounts import close, lognormal
from psi_match.population.calibration import CENTS_PER_EURO, cents, figure, scaled
from psi_match.population.claims import INSTALMENT_BODIES
from psi_match.population.household_types import HOUSEHOLD_TYPES
from psi_match.population.streams import stream

TABLE = "uwv_clients"


def draw_clients(persons: int, free: NDArray[np.int32], arrears: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw the clients.

    Args:
        persons: residents of the Netherlands.
        free: indices of the adults in no household with AOW, ascending: only they can be clients.
        arrears: people in arrears, with ``person`` and the instalments.
        seed: equal seeds give equal draws.

    Returns:
        One row per client: ``person``, ascending; ``household_type``; ``income_cents``, net a month.
    """
    rng = stream(seed, "clients")
    total = min(scaled(persons, TABLE, "uwv", "clients"), len(free))
    in_arrears = np.isin(free, arrears["person"].to_numpy(), assume_unique=True)
    debtors, others = free[in_arrears], free[~in_arrears]
    wanted = round(total * figure(TABLE, "uwv", "in_arrears_share"))
    from_debtors = min(max(wanted, total - len(others)), len(debtors), total)
    person = np.sort(
        np.concatenate(
            [
                rng.choice(debtors, from_debtors, replace=False, shuffle=False),
                rng.choice(others, total - from_debtors, replace=False, shuffle=False),
            ]
        )
    )
    couple, single_parent = (figure(TABLE, "uwv", f"{kind}_share") for kind in ("couple", "single_parent"))
    drawn = rng.random(total)
    kinds = np.where(drawn < couple, 1, np.where(drawn < couple + single_parent, 2, 0))
    medians = np.array([figure(TABLE, "uwv", f"income_median_{kind}") for kind in HOUSEHOLD_TYPES])
    euros = medians[kinds] * lognormal(1, figure(TABLE, "uwv", "income_sigma"), total, rng)
    income = np.rint(euros * CENTS_PER_EURO).astype(np.int64)
    return pd.DataFrame(
        {
            "person": person,
            "household_type": (kinds + 1).astype(np.int16),
            "income_cents": _some_close(income, kinds, instalments_of(person, arrears), rng),
        }
    )


def instalments_of(person: NDArray[np.int32], arrears: pd.DataFrame) -> NDArray[np.int64]:
    """Return what people pay a month in all arrangements together.

    Args:
        person: indices, in any order.
        arrears: people in arrears, with ``person``, ascending, and the instalments.

    Returns:
        One amount per person, in cents; zero for those who are not in arrears.
    """
    if arrears.empty:
        return np.zeros(len(person), dtype=np.int64)
    known = arrears["person"].to_numpy()
    sums = arrears[[f"{body}_instalment_cents" for body in INSTALMENT_BODIES]].sum(axis=1).to_numpy()
    place = np.minimum(np.searchsorted(known, person), len(known) - 1)
    return np.where(known[place] == person, sums[place], 0)


def _some_close(
    income: NDArray[np.int64], kinds: NDArray[np.int64], instalments: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Put what is left after the instalments close to the minimum, for some of those who pay instalments."""
    minimum = np.array([cents(TABLE, "uwv", f"minimum_{kind}") for kind in HOUSEHOLD_TYPES])
    value = minimum[kinds] + instalments + close(cents(TABLE, "uwv", "near_width"), len(income), rng)
    chosen = (instalments > 0) & (rng.random(len(income)) < figure(TABLE, "uwv", "near_share"))
    return np.where(chosen, value, income)
