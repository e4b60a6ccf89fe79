"""Who lives where, and whom the debt help of a municipality knows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.arrears import in_core
from psi_match.population.calibration import bodies_with, figure
from psi_match.population.quotas import laid_out
from psi_match.population.streams import stream

TABLE = "municipalities"
SIZES_TABLE = "municipality_sizes"
MUNICIPALITIES = ("gemeente-a", "gemeente-b")
"""The municipalities that have a node. Those without one are codes only."""


def code(municipality: str) -> int:
    """Return the code of a municipality that has a node."""
    return int(figure(TABLE, municipality, "code"))


def draw_municipalities(adults: int, seed: int) -> NDArray[np.int16]:
    """Draw where each adult lives: every municipality has its share of adults.

    Args:
        adults: how many.
        seed: equal seeds give equal draws.

    Returns:
        (adults,) codes of CBS, the digits after GM.
    """
    sizes = bodies_with(SIZES_TABLE, "inhabitants")
    codes = np.array([int(name.removeprefix("GM")) for name in sizes], dtype=np.int16)
    shares = np.array(list(sizes.values()))
    drawn = laid_out(codes, shares / shares.sum(), adults)
    moved: NDArray[np.int16] = stream(seed, "municipalities").permutation(drawn)
    return moved


def draw_debt_help(arrears: pd.DataFrame, municipality: NDArray[np.int16], seed: int) -> dict[str, NDArray[np.int32]]:
    """Draw whom debt help knows: residents in arrears at all core bodies, elsewhere, and nowhere.

    Args:
        arrears: people in arrears, with ``person``, ``municipality`` and ``BODY_present``.
        municipality: (adults,) codes.
        seed: equal seeds give equal draws.

    Returns:
        Municipality to the indices of the adults it knows, ascending.
    """
    person = arrears["person"].to_numpy()
    at_all = in_core(arrears)
    without = np.ones(len(municipality), dtype=np.bool_)
    without[person] = False
    known = {}
    for name in MUNICIPALITIES:
        rng = stream(seed, f"debt help/{name}")
        resident = arrears["municipality"].to_numpy() == code(name)
        known[name] = np.sort(
            np.concatenate(
                [
                    _some(person[resident & at_all], "known_of_core", rng),
                    _some(person[resident & ~at_all], "known_of_others", rng),
                    _some(np.flatnonzero((municipality == code(name)) & without), "known_without_arrears", rng),
                ]
            )
        ).astype(np.int32)
    return known


def _some(people: NDArray[np.integer], share: str, rng: np.random.Generator) -> NDArray[np.integer]:
    count = round(len(people) * figure(TABLE, "nl", share))
    return rng.choice(people, count, replace=False, shuffle=False)
