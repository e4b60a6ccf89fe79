"""Draw distinct nine-digit numbers that deliberately fail the 11-proef with remainder 1: nobody's BSN."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.domain.bsn import SYNTHETIC_REMAINDER, remainders

_PREFIXES = 10**8
AVAILABLE = 90_909_090
"""Nine-digit numbers with remainder 1."""


def draw_numbers(count: int, rng: np.random.Generator) -> NDArray[np.uint32]:
    """Draw distinct synthetic numbers in random order.

    The first eight digits are drawn, the last is solved for; where it would have to be ten the draw is thrown away.

    Args:
        count: how many, at most half of those that exist: beyond that, drawing anew takes too long.
        rng: generator; equal states give equal numbers.

    Returns:
        (count,) numbers.

    Raises:
        ValueError: ``count`` is out of range.
    """
    if not 0 <= count <= AVAILABLE // 2:
        raise ValueError("count is out of range")
    found = np.empty(0, dtype=np.uint32)
    while len(found) < count:
        wanted = int((count - len(found)) * 1.2) + 64
        prefixes = rng.integers(0, _PREFIXES, wanted, dtype=np.uint32) * np.uint32(10)
        # The last digit counts once, negatively: prefix - last = 1 (mod 11).
        last = (remainders(prefixes).astype(np.int16) - SYNTHETIC_REMAINDER) % 11
        drawn = (prefixes + last.astype(np.uint32))[last < 10]
        found = _distinct(np.concatenate([found, drawn]))
    return found[:count]


def _distinct(numbers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Keep the first occurrence of each number, in order."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    keep = np.ones(len(numbers), dtype=np.bool_)
    keep[order[1:][ordered[1:] == ordered[:-1]]] = False
    return numbers[keep]
