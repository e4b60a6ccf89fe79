"""Items: a BSN and a hash index as one 16-byte block, and the three bins of a BSN.

Item = scheme tag (6 bytes) || nine ASCII digits || hash index (1 byte). The encoding is injective, so equal items mean
equal BSNs and equal hash indices. Both the bins and the OPRF code words are AES images of items under public session
keys: whoever knows a BSN can compute them, and nobody can before the session id is fixed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.aes import BLOCK_BYTES, encrypt_blocks
from psi_match.crypto.hashes import HASHES
from psi_match.crypto.kernel import kernel

NO_INDEX = 0xFF
"""Hash index byte of the item that determines the bins themselves."""

SCHEME_TAG = b"BSN/1:"
MAX_BINS = 1 << 31

_TAG_AND_ZEROS = np.uint64(int.from_bytes(SCHEME_TAG + b"00", "little"))
_ZEROS = np.uint64(int.from_bytes(b"0000000", "little"))
_LAST_DIGITS = 7
"""Digits in the second half of an item; the first half ends with the other two."""


@kernel
def _encode(numbers: NDArray[np.uint32], index: NDArray[np.uint8], out: NDArray[np.uint64]) -> None:
    """Write items as two little-endian words each: built in registers, not byte by byte."""
    for row in range(numbers.shape[0]):
        rest = np.uint64(numbers[row])
        last = _ZEROS | (np.uint64(index[row if index.shape[0] > 1 else 0]) << np.uint64(56))
        for place in range(_LAST_DIGITS):
            tens = rest // np.uint64(10)
            last += (rest - tens * np.uint64(10)) << np.uint64(8 * (_LAST_DIGITS - 1 - place))
            rest = tens
        tens = rest // np.uint64(10)
        out[row, 0] = _TAG_AND_ZEROS + (tens << np.uint64(48)) + ((rest - tens * np.uint64(10)) << np.uint64(56))
        out[row, 1] = last


@kernel
def _scale(piece: np.uint64, bins: int) -> np.int64:
    """Return floor(piece * bins / 2^40) for a 40-bit piece and up to 2^31 bins, without leaving 64 bits."""
    high = np.int64(piece >> np.uint64(8))
    low = np.int64(piece & np.uint64(0xFF))
    return (high * bins + ((low * bins) >> 8)) >> 32


@kernel
def _three_bins(blocks: NDArray[np.uint64], bins: int, out: NDArray[np.uint32]) -> None:
    """Map 128 uniform bits to three distinct bins: three 40-bit pieces, over bins, bins - 1 and bins - 2 choices."""
    low_40, low_16 = np.uint64((1 << 40) - 1), np.uint64((1 << 16) - 1)
    for row in range(blocks.shape[0]):
        low, high = blocks[row, 0], blocks[row, 1]
        rest = (low >> np.uint64(40)) | (((high >> np.uint64(40)) & low_16) << np.uint64(24))
        first = _scale(low & low_40, bins)
        second = _scale(high & low_40, bins - 1)
        third = _scale(rest, bins - 2)
        # The choice skips the bins that are taken, in ascending order.
        if second >= first:
            second += 1
        smaller, larger = min(first, second), max(first, second)
        if third >= smaller:
            third += 1
        if third >= larger:
            third += 1
        out[row, 0], out[row, 1], out[row, 2] = first, second, third


def encode_items(numbers: NDArray[np.uint32], hash_index: int | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Encode BSNs as items.

    Args:
        numbers: (n,) BSNs below 10^9.
        hash_index: one index for all rows, or one for each.

    Returns:
        (n, 16) bytes.
    """
    out = np.empty((len(numbers), BLOCK_BYTES // 8), dtype=np.uint64)
    index = np.array([hash_index], dtype=np.uint8) if isinstance(hash_index, int) else hash_index
    _encode(numbers, index, out)
    return out.view(np.uint8)


def item_bins(key: bytes, numbers: NDArray[np.uint32], bins: int) -> NDArray[np.uint32]:
    """Return the three distinct bins of each BSN.

    Args:
        key: 16-byte public session key for positions.
        numbers: (n,) BSNs.
        bins: number of bins, at least 3 and at most 2^31.

    Returns:
        (n, 3) bin indices; column k is hash function k.

    Raises:
        ValueError: the number of bins is out of range.
    """
    if not HASHES <= bins <= MAX_BINS:
        raise ValueError("number of bins is out of range")
    out = np.empty((len(numbers), HASHES), dtype=np.uint32)
    _three_bins(encrypt_blocks(key, encode_items(numbers, NO_INDEX)).view("<u8"), bins, out)
    return out
