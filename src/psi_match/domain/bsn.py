"""BSN: the citizen service number of the Netherlands, its check, and the three kinds that a dataset may declare.

A BSN is text of nine digits; a number ABCDEFGHI is real only if 9A+8B+7C+6D+5E+4F+3G+2H-I is divisible by 11
(the *11-proef*). Exactly 90,909,091 nine-digit numbers pass, all-zero included, so an unkeyed hash of a BSN hides
nothing. Inside a node a validated BSN is a uint32.

Synthetic numbers deliberately *fail* the check, with remainder 1: same width, 90,909,090 of them, and never a number
of a living person. Test numbers are the published range 9999xxxxx that passes the check and is barred from real use.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

LIMIT = 10**9
SYNTHETIC_REMAINDER = 1
_TEST_FIRST = 999_900_000
_WEIGHTS = (-1, 2, 3, 4, 5, 6, 7, 8, 9)
"""From the last digit to the first."""


class BsnKind(StrEnum):
    """What the BSNs of a dataset are."""

    REAL = "real"
    SYNTHETIC = "synthetic"
    TEST = "test"


def remainders(numbers: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the weighted digit sum of the 11-proef modulo 11."""
    total = np.zeros(len(numbers), dtype=np.int16)
    rest = numbers.astype(np.uint32, copy=True)
    for weight in _WEIGHTS:
        total += (rest % np.uint32(10)).astype(np.int16) * np.int16(weight)
        rest //= np.uint32(10)
    return (total % 11).astype(np.uint8)


def is_of_kind(numbers: NDArray[np.uint32], kind: BsnKind) -> NDArray[np.bool_]:
    """Tell of each number whether it is of a kind."""
    found = remainders(numbers)
    in_test_range = numbers >= _TEST_FIRST
    fits: dict[BsnKind, NDArray[np.bool_]] = {
        BsnKind.REAL: (found == 0) & (numbers != 0) & ~in_test_range,
        BsnKind.SYNTHETIC: found == SYNTHETIC_REMAINDER,
        BsnKind.TEST: (found == 0) & in_test_range,
    }
    return fits[kind]


def format_bsn(numbers: NDArray[np.uint32]) -> NDArray[np.str_]:
    """Return the numbers as text of nine digits, leading zeros included."""
    digits = np.empty((len(numbers), 9), dtype=np.uint32)
    rest = numbers.astype(np.uint32, copy=True)
    for position in range(8, -1, -1):
        digits[:, position] = ord("0") + rest % np.uint32(10)
        rest //= np.uint32(10)
    # A row of nine UCS-4 code points is exactly numpy's text of nine characters.
    return digits.view("<U9")[:, 0]
