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

DIGITS = 9
LIMIT = 10**DIGITS
NO_KEY = 0xFFFF_FFFF
"""Stands for an empty cell of a column that may hold a second BSN; larger than any number of nine digits."""
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
    rest = numbers
    for weight in _WEIGHTS:
        rest, last = _split_last_digit(rest)
        total += last.astype(np.int16) * np.int16(weight)
    return (total % 11).astype(np.uint8)


def is_of_kind(numbers: NDArray[np.uint32], kind: BsnKind) -> NDArray[np.bool_]:
    """Tell of each number whether it is of a kind."""
    found = remainders(numbers)
    fits: NDArray[np.bool_]
    match kind:
        case BsnKind.REAL:
            fits = (found == 0) & (numbers != 0) & (numbers < _TEST_FIRST)
        case BsnKind.SYNTHETIC:
            fits = found == SYNTHETIC_REMAINDER
        case BsnKind.TEST:
            fits = (found == 0) & (numbers >= _TEST_FIRST)
    return fits


def digits(numbers: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the nine ASCII digits of each number, (n, 9), leading zeros included."""
    # Built digit by digit in whole rows, and turned at the end: writing columns of nine bytes is slower.
    turned = np.empty((DIGITS, len(numbers)), dtype=np.uint8)
    rest = numbers
    for place in reversed(range(DIGITS)):
        rest, turned[place] = _split_last_digit(rest)
    turned += np.uint8(ord("0"))
    return np.ascontiguousarray(turned.T)


def format_bsn(numbers: NDArray[np.uint32]) -> NDArray[np.str_]:
    """Return the numbers as text of nine digits, leading zeros included."""
    # A row of nine UCS-4 code points is exactly numpy's text of nine characters.
    return digits(numbers).astype(np.uint32).view(f"<U{DIGITS}")[:, 0]


def is_among(numbers: NDArray[np.uint32], few: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Tell of each number whether it is among a few: looked up, since sorting all numbers would take far longer."""
    few = np.sort(few)
    if not len(few):
        return np.zeros(len(numbers), dtype=np.bool_)
    found: NDArray[np.bool_] = few[np.minimum(np.searchsorted(few, numbers), len(few) - 1)] == numbers
    return found


def _split_last_digit(numbers: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return all digits but the last one, and the last one; half the time of `%` beside `//`."""
    tens = numbers // np.uint32(10)
    return tens, numbers - tens * np.uint32(10)
