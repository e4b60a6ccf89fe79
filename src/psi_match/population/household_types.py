"""With whom people in arrears live."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.ages import TABLE
from psi_match.population.calibration import figure
from psi_match.population.households import NOBODY
from psi_match.population.quotas import laid_out
from psi_match.population.streams import stream

HOUSEHOLD_TYPES = ("single", "couple", "single_parent")
"""In the order of their codes, from 1 on."""


def draw_household_types(
    arrears: pd.DataFrame, households: pd.DataFrame, clients: pd.DataFrame, seed: int
) -> NDArray[np.int8]:
    """Draw the household type of everyone in arrears.

    People with AOW and clients of UWV have the one that is known of them; all others get one by quota.

    Args:
        arrears: people in arrears, with ``person``.
        households: households with AOW.
        clients: clients of UWV, with ``person`` and ``household_type``.
        seed: equal seeds give equal draws.

    Returns:
        One code per row of ``arrears``, from 1 on.
    """
    person = arrears["person"]
    types = np.zeros(len(person), dtype=np.int8)
    couples = households["has_partner"].to_numpy()
    partner = households["partner"].to_numpy()
    for known, codes in (
        (households["person"].to_numpy(), 1 + couples),
        (partner[partner != NOBODY], np.full(int(couples.sum()), 2)),
        (clients["person"].to_numpy(), clients["household_type"].to_numpy()),
    ):
        found = pd.Series(codes, index=known).reindex(person).to_numpy()
        types = np.where(np.isnan(found), types, found).astype(np.int8)
    free = np.flatnonzero(types == 0)
    shares = np.array([figure(TABLE, "nl", f"{name}_share") for name in HOUSEHOLD_TYPES])
    codes = np.arange(1, len(HOUSEHOLD_TYPES) + 1, dtype=np.int8)
    types[free] = stream(seed, "household types").permutation(laid_out(codes, shares, len(free)))
    return types
