"""In which age group every adult is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.calibration import figure
from psi_match.population.households import NOBODY
from psi_match.population.quotas import laid_out, largest_remainders
from psi_match.population.streams import stream

TABLE = "age_groups"
AGE_GROUPS = (18, 25, 35, 45, 55, 67)
"""The youngest age of each group. The last group has AOW."""
_WITH_AOW = len(AGE_GROUPS) - 1
_NEXT_TO_AOW = _WITH_AOW - 1


def draw_age_groups(adults: int, households: pd.DataFrame, seed: int) -> NDArray[np.int8]:
    """Draw an age group for every adult.

    Args:
        adults: how many.
        households: households with AOW; who gets it is in the last group, a partner without it in the one before.
        seed: equal seeds give equal draws.

    Returns:
        (adults,) index into ``AGE_GROUPS``.
    """
    groups = np.full(adults, NOBODY, dtype=np.int8)
    here = households[households["lives_in_nl"]]
    partner, young = here["partner"].to_numpy(), here["partner_young"].to_numpy()
    groups[here["person"]] = _WITH_AOW
    groups[partner[(partner != NOBODY) & ~young]] = _WITH_AOW
    groups[partner[young]] = _NEXT_TO_AOW
    free = np.flatnonzero(groups == NOBODY)
    shares = np.array([figure(TABLE, "nl", f"adults_{age}") for age in AGE_GROUPS[:_WITH_AOW]])
    expected = shares * (len(free) + int(young.sum()))
    expected[_NEXT_TO_AOW] = max(0, expected[_NEXT_TO_AOW] - int(young.sum()))
    expected *= len(free) / max(expected.sum(), 1)
    drawn = np.repeat(np.arange(_WITH_AOW, dtype=np.int8), largest_remainders(expected))
    groups[free] = stream(seed, "ages").permutation(drawn)
    return groups


def debtors_by_age(debtors: int, ages: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return how many of the people in arrears are in each age group: (groups,), no more than there are in it."""
    shares = np.array([figure(TABLE, "nl", f"debtors_{age}") for age in AGE_GROUPS])
    wanted = np.bincount(laid_out(np.arange(len(AGE_GROUPS)), shares, debtors), minlength=len(AGE_GROUPS))
    room = np.bincount(ages, minlength=len(AGE_GROUPS))
    counts = np.minimum(wanted, room)
    for group in np.argsort(counts - room):  # where most room is, first
        counts[group] += min(room[group] - counts[group], debtors - counts.sum())
    return counts
