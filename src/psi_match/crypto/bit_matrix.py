"""Transposition of a bit matrix: from one bit stream per column to one packed row per bin.

The OPRF generates its matrix by columns (one AES stream each) and uses it by rows (one per bin). Blocks of 64 x 64 bits
are transposed in registers by the recursive swap of Hacker's Delight.

Source:
    H. S. Warren, Hacker's Delight, 2nd edition, section 7-3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.kernel import kernel

BLOCK_BITS = 64


@kernel
def _transpose(columns: NDArray[np.uint64], rows: NDArray[np.uint64]) -> None:
    """Transpose ``columns`` (w, n/64) uint64 into ``rows`` (n, w/64) uint64, bit 0 first in both."""
    block = np.empty(BLOCK_BITS, dtype=np.uint64)
    for across in range(columns.shape[0] // BLOCK_BITS):
        for down in range(columns.shape[1]):
            for i in range(BLOCK_BITS):
                block[i] = columns[across * BLOCK_BITS + i, down]
            distance = 32
            mask = np.uint64(0x00000000FFFFFFFF)
            while distance:
                shift = np.uint64(distance)
                for start in range(0, BLOCK_BITS, 2 * distance):
                    for k in range(start, start + distance):
                        swap = ((block[k] >> shift) ^ block[k + distance]) & mask
                        block[k] ^= swap << shift
                        block[k + distance] ^= swap
                distance >>= 1
                mask ^= mask << np.uint64(distance)
            for i in range(BLOCK_BITS):
                rows[down * BLOCK_BITS + i, across] = block[i]


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
