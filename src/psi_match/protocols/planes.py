"""Bit planes: numbers of many rows, one bit of 64 rows per machine word, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.bit_matrix import transpose_columns
from psi_match.protocols.circuits import WORD_ROWS, Planes


def to_planes(numbers: NDArray[np.int64], bits: int, words: int) -> Planes:
    """Return numbers as at most 64 bit planes, two's complement for negative ones.

    Args:
        numbers: (n,) integers; bools count as 0 and 1.
        bits: planes to make.
        words: words per plane, at least ``words_for(n)``; rows beyond n are zero.
    """
    if bits > WORD_ROWS:
        raise ValueError("a number has at most 64 bits")
    rows = np.zeros((words * WORD_ROWS, 1), dtype=np.int64)
    rows[: len(numbers), 0] = numbers
    planes: Planes = transpose_columns(rows.view(np.uint8)).view("<u8")[:bits]
    return planes


def from_planes(planes: Planes, rows: int, *, signed: bool = False) -> NDArray[np.int64]:
    """Return (rows,) integers from at most 64 bit planes (63 if unsigned)."""
    padded = np.zeros((WORD_ROWS, planes.shape[1]), dtype=np.uint64)
    padded[: len(planes)] = planes
    if signed and len(planes):
        padded[len(planes) :] = planes[-1]
    numbers: NDArray[np.int64] = transpose_columns(padded.view(np.uint8)).view("<i8")[:rows, 0]
    return numbers
