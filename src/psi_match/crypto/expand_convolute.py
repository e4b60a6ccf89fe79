"""Expand-convolute code: the public compressing map of a silent vector OLE, from 2n elements down to n.

The map is the transpose of a systematic linear code of rate 1/2 over GF(2^128). Of a vector (l, r) it returns
l + B * A * A' * r. A and A' are convolutions: each row becomes x times the sum of itself and the row 25 before it, plus
a random choice of the 24 rows between. Each row of B, the expander, adds up 21 positions, of which 11 lie each in an
own eleventh of the vector (what eleven does not divide is left to the other ten). A sparse random vector goes in and,
by the assumption of learning parity with noise for this code (docs/protocols/vole.md), a pseudorandom one comes out.

**The factor x makes an attack three times harder, and the amount of noise makes it hopeless.** Without the factor the
code is binary, and the bits of the elements are 128 syndromes of it that share one set of noisy places. Elimination on
such an *interleaved* code finds these places in seconds where there are not many more than 128. With the factor the map
can still be brought into a binary form, in which a place counts up to three times: tests/sim/test_vole_noise.py plays
both.

Source:
    Raghuraman, Rindal, Tanguy, Expand-Convolute Codes for Pseudorandom Correlation Generators from LPN (ePrint
    2023/882); expander weight 21, convolution of 24, applied twice, half-regular expander, systematic form and a factor
    in each convolution as in the authors' library libOTe (``ExConv21x24``, which they call conservative). There the
    factor is a dense constant and a convolution goes on from the end to the beginning.
    Decoding of interleaved codes: Metzner and Kapturowski (IEEE Transactions on Information Theory, 1990).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.aes import KeyStreams
from psi_match.crypto.derive import hash_fields
from psi_match.crypto.gf128 import MODULUS
from psi_match.crypto.kernel import kernel

WEIGHT = 21
"""Positions that a row of the expander adds up."""
REGULAR = 11
"""Of these, how many lie each in a part of their own."""
WINDOW = 24
"""Random diagonals of a convolution."""

_BLOCK_ROWS = 1 << 14
_REDUCTION = np.uint64(MODULUS & 0xFF)


def compress(seed: bytes, vector: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Map (2n, words) to (n, words); words is even: one or more elements of 128 bits side by side.

    Args:
        seed: public; names the code.
        vector: what to compress; its second half is overwritten.

    Raises:
        ValueError: the shape is wrong.
    """
    size = len(vector) // 2
    if vector.ndim != 2 or vector.shape[1] % 2 or len(vector) != 2 * size or size < WEIGHT:
        raise ValueError(f"the vector must have an even number of rows, at least {2 * WEIGHT}, of whole elements")
    right = vector[size:]
    for turn in range(2):
        coefficients = KeyStreams([_key(seed, f"convolution-{turn}")])
        for start in range(0, size, _BLOCK_ROWS):
            count = min(_BLOCK_ROWS, size - start)
            _convolve(right, start, coefficients.read(4 * count).view("<u4")[0])
    out = vector[:size].copy()
    positions = KeyStreams([_key(seed, "expander")])
    for start in range(0, size, _BLOCK_ROWS):
        rows = out[start : start + _BLOCK_ROWS]
        words = positions.read(4 * WEIGHT * len(rows)).view("<u4").reshape(len(rows), WEIGHT)
        _expand(right, words, rows)
    return out


def _key(seed: bytes, part: str) -> bytes:
    return hash_fields("expand-convolute/" + part, seed)[:16]


@kernel
def _convolve(vector: NDArray[np.uint64], start: int, coefficients: NDArray[np.uint32]) -> None:
    """Make each row x times itself and the 25th before it, plus those between that its coefficients name; in order."""
    for half in range(0, vector.shape[1], 2):
        for i in range(coefficients.shape[0]):
            row = start + i
            bits = np.uint64(coefficients[i])
            low, high = vector[row, half], vector[row, half + 1]
            if row > WINDOW:
                low ^= vector[row - WINDOW - 1, half]
                high ^= vector[row - WINDOW - 1, half + 1]
            carry = high >> np.uint64(63)
            high = (high << np.uint64(1)) | (low >> np.uint64(63))
            low = (low << np.uint64(1)) ^ (carry * _REDUCTION)
            if row >= WINDOW:
                # The count is fixed here, so that the compiler unrolls the loop.
                for back in range(1, WINDOW + 1):
                    mask = np.uint64(0) - ((bits >> np.uint64(back - 1)) & np.uint64(1))
                    low ^= mask & vector[row - back, half]
                    high ^= mask & vector[row - back, half + 1]
            else:
                for back in range(1, row + 1):
                    mask = np.uint64(0) - ((bits >> np.uint64(back - 1)) & np.uint64(1))
                    low ^= mask & vector[row - back, half]
                    high ^= mask & vector[row - back, half + 1]
            vector[row, half], vector[row, half + 1] = low, high


@kernel
def _expand(vector: NDArray[np.uint64], random: NDArray[np.uint32], out: NDArray[np.uint64]) -> None:
    """Add 21 rows of ``vector`` to each row of ``out``; the random words say which."""
    size = np.uint64(vector.shape[0])
    part = size // np.uint64(REGULAR)
    for row in range(out.shape[0]):
        for half in range(0, vector.shape[1], 2):
            low, high = out[row, half], out[row, half + 1]
            for k in range(REGULAR):
                position = np.uint64(k) * part + ((np.uint64(random[row, k]) * part) >> np.uint64(32))
                low ^= vector[position, half]
                high ^= vector[position, half + 1]
            for k in range(REGULAR, WEIGHT):
                position = (np.uint64(random[row, k]) * size) >> np.uint64(32)
                low ^= vector[position, half]
                high ^= vector[position, half + 1]
            out[row, half], out[row, half + 1] = low, high
