"""Shuffle rows in place, uniformly, with secret randomness.

Source:
    Fisher and Yates, in Durstenfeld's form (CACM 1964). An index is floor(word * choices / 2^64) of a 64-bit AES-CTR
    word; for up to 2^32 rows each index is within 2^-32 (relative) of uniform, and 2^-20 in statistical distance at the
    very worst would need 2^32 rows: the words are therefore 64 bits wide, never 32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.base.randomness import RandomSource
from psi_match.crypto.aes import KEY_BYTES, KeyStreams
from psi_match.crypto.kernel import kernel

_BLOCK_ROWS = 1 << 16


@kernel
def _swap_down(rows: NDArray[np.uint8], last: int, words: NDArray[np.uint64]) -> None:
    """Do one Fisher-Yates swap per word, for rows ``last``, ``last`` - 1, and so on."""
    low_32 = np.uint64(0xFFFFFFFF)
    for i in range(words.shape[0]):
        row = last - i
        choices = np.uint64(row + 1)
        # floor(word * choices / 2^64) in two halves; choices is below 2^32.
        high = (words[i] >> np.uint64(32)) * choices
        low = ((words[i] & low_32) * choices) >> np.uint64(32)
        other = np.int64((high + low) >> np.uint64(32))
        for byte in range(rows.shape[1]):
            rows[row, byte], rows[other, byte] = rows[other, byte], rows[row, byte]


def shuffle_rows(rows: NDArray[np.uint8], rng: RandomSource) -> None:
    """Shuffle the rows of a (n, width) byte array in place; n is below 2^32."""
    stream = KeyStreams([rng.bytes(KEY_BYTES)])
    last = len(rows) - 1
    while last > 0:
        count = min(last, _BLOCK_ROWS)
        _swap_down(rows, last, stream.read(8 * count).view("<u8")[0])
        last -= count
