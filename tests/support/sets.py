"""Made-up numbers for tests: synthetic ones, which fail the 11-proef with remainder 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.population.numbers import draw_numbers


def numbers(count: int, seed: int = 0) -> NDArray[np.uint32]:
    """Distinct synthetic numbers."""
    return draw_numbers(count, np.random.default_rng(seed))


def two_sets(leader: int, data_party: int, common: int, seed: int = 0) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Two sets of given sizes with a given number of common members, in unrelated orders."""
    drawn = numbers(leader + data_party - common, seed)
    mine, theirs = drawn[:leader], np.concatenate([drawn[:common], drawn[leader:]])
    rng = np.random.default_rng(seed + 1)
    return rng.permutation(mine), rng.permutation(theirs)
