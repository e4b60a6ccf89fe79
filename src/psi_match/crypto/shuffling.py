"""Shuffle rows uniformly with secret randomness, draw permutations, and apply them.

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


def permutation(count: int, stream: KeyStreams) -> NDArray[np.uint32]:
    """Draw a uniform permutation of ``range(count)`` from one secret stream; equal streams give equal permutations."""
    order = np.arange(count, dtype=np.uint32)
    last = count - 1
    while last > 0:
        size = min(last, _BLOCK_ROWS)
        _swap_indices_down(order, last, stream.read(8 * size).view("<u8")[0])
        last -= size
    return order


@kernel
def _swap_indices_down(order: NDArray[np.uint32], last: int, words: NDArray[np.uint64]) -> None:
    """As ``_swap_down``, for a list of indices."""
    low_32 = np.uint64(0xFFFFFFFF)
    for i in range(words.shape[0]):
        row = last - i
        choices = np.uint64(row + 1)
        high = (words[i] >> np.uint64(32)) * choices
        low = ((words[i] & low_32) * choices) >> np.uint64(32)
        other = np.int64((high + low) >> np.uint64(32))
        order[row], order[other] = order[other], order[row]


@kernel
def _all_distinct(indices: NDArray[np.uint32], seen: NDArray[np.bool_]) -> bool:
    for i in range(indices.shape[0]):
        if indices[i] >= seen.shape[0] or seen[indices[i]]:
            return False
        seen[indices[i]] = True
    return True


def is_injective(indices: NDArray[np.uint32], count: int) -> bool:
    """Tell whether all indices are below ``count`` and none comes twice."""
    return bool(_all_distinct(indices, np.zeros(count, dtype=np.bool_)))


@kernel
def _gather(rows: NDArray[np.uint8], order: NDArray[np.uint32], out: NDArray[np.uint8]) -> None:
    for i in range(order.shape[0]):
        source = order[i]
        for byte in range(rows.shape[1]):
            out[i, byte] = rows[source, byte]


def gather_rows(rows: NDArray[np.uint8], order: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return ``rows[order]`` of a (n, width) byte array; every index must be below n, or ``ValueError`` is raised."""
    if len(order) and int(order.max()) >= len(rows):
        raise ValueError("an index is beyond the rows")
    out = np.empty((len(order), rows.shape[1]), dtype=np.uint8)
    _gather(rows, order, out)
    return out


@kernel
def _gather_numbers(numbers: NDArray[np.uint32], order: NDArray[np.uint32], out: NDArray[np.uint32]) -> None:
    for i in range(order.shape[0]):
        out[i] = numbers[order[i]]


def gather_numbers(numbers: NDArray[np.uint32], order: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return ``numbers[order]``; every index must be below n. Numpy widens the indices first and takes far longer."""
    out = np.empty(len(order), dtype=np.uint32)
    _gather_numbers(numbers, order, out)
    return out
