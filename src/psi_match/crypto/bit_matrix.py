"""Transposition of a bit matrix: from one bit stream per column to one packed row per bin.

The OPRF generates its matrix by columns (one AES stream each) and uses it by rows (one per bin). Blocks of 64 x 64 bits
are transposed by the recursive swap of Hacker's Delight, ``_LANES`` of them side by side.

Source:
    H. S. Warren, Hacker's Delight, 2nd edition, section 7-3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.kernel import kernel

BLOCK_BITS = 64
_LANES = 32
"""Blocks that are transposed at a time, side by side: each swap is then one vector instruction on several of them."""


@kernel
def _transpose(columns: NDArray[np.uint64], rows: NDArray[np.uint64]) -> None:
    """Transpose ``columns`` (w, n/64) uint64 into ``rows`` (n, w/64) uint64, bit 0 first in both."""
    blocks = np.empty(BLOCK_BITS * _LANES, dtype=np.uint64)
    for across in range(columns.shape[0] // BLOCK_BITS):
        for first in range(0, columns.shape[1], _LANES):
            lanes = min(_LANES, columns.shape[1] - first)
            for i in range(BLOCK_BITS):
                for lane in range(lanes):
                    blocks[i * _LANES + lane] = columns[across * BLOCK_BITS + i, first + lane]
            distance = 32
            mask = np.uint64(0x00000000FFFFFFFF)
            while distance:
                shift = np.uint64(distance)
                apart = distance * _LANES  # a constant once unrolled: lanes that are not filled are swapped too
                for start in range(0, BLOCK_BITS * _LANES, 2 * apart):
                    for k in range(start, start + apart):
                        swap = ((blocks[k] >> shift) ^ blocks[k + apart]) & mask
                        blocks[k] ^= swap << shift
                        blocks[k + apart] ^= swap
                distance >>= 1
                mask ^= mask << np.uint64(distance)
            for lane in range(lanes):
                for i in range(BLOCK_BITS):
                    rows[(first + lane) * BLOCK_BITS + i, across] = blocks[i * _LANES + lane]


def transpose_columns(columns: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn packed bit columns into packed bit rows.

    Args:
        columns: (width, n / 8) bytes; bit j of column i is ``columns[i, j // 8] >> (j % 8) & 1``. Width and n are
            multiples of 64.

    Returns:
        (n, width / 8) bytes; bit i of row j is ``rows[j, i // 8] >> (i % 8) & 1``.

    Raises:
        ValueError: a shape or type is wrong.
    """
    width, column_bytes = columns.shape
    if columns.dtype != np.uint8 or not columns.flags.c_contiguous:
        raise ValueError("columns must be contiguous uint8")
    if width % BLOCK_BITS or column_bytes % (BLOCK_BITS // 8):
        raise ValueError("width and number of rows must be multiples of 64")
    rows = np.empty((column_bytes * 8, width // BLOCK_BITS), dtype=np.uint64)
    _transpose(columns.view("<u8"), rows)
    return rows.view(np.uint8)
