"""The code of the vector OLE seen as binary: the form in which an attacker would cancel its noise by elimination.

The compressing map is l + B (I + T + x S)^-1 (I + T' + x S)^-1 r, with binary B, T, T' and S. Multiplied from the left
by N = (I + T' + x S)(I + T + x S) and the inverse of B it becomes N B^-1 l + x^2 r in which x has degree 2: three
binary matrices on l and one on r. The bits of the elements are then 128 words of one binary code again, which share
their noise: three places for each on the left, one for each on the right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.aes import KeyStreams
from psi_match.crypto.expand_convolute import _key
from psi_match.crypto.gf128 import doubled_rows
from psi_match.crypto.kernel import kernel

ELEMENT_BITS = 128
Bits = NDArray[np.uint8]


def bits_of(words: NDArray[np.uint64]) -> Bits:
    """One row of bits per element."""
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")


def packed(bits: Bits) -> NDArray[np.uint64]:
    """Rows of bits as words."""
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 64)))
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


@kernel
def eliminate(matrix: NDArray[np.uint64], columns: int, whole: bool) -> int:
    """Bring the first columns of a packed bit matrix to (reduced, if ``whole``) echelon form; return their rank."""
    rank = 0
    for column in range(columns):
        word, bit = column >> 6, np.uint64(column & 63)
        pivot = -1
        for row in range(rank, matrix.shape[0]):
            if (matrix[row, word] >> bit) & np.uint64(1):
                pivot = row
                break
        if pivot < 0:
            continue
        for k in range(matrix.shape[1]):
            matrix[pivot, k], matrix[rank, k] = matrix[rank, k], matrix[pivot, k]
        for row in range(0 if whole else rank + 1, matrix.shape[0]):
            if row != rank and (matrix[row, word] >> bit) & np.uint64(1):
                for k in range(word, matrix.shape[1]):
                    matrix[row, k] ^= matrix[rank, k]
        rank += 1
    return rank


def rank_of(bits: Bits) -> int:
    """Rank of a bit matrix."""
    return int(eliminate(packed(bits), bits.shape[1], False))


def rank_left_over(code: Bits, syndromes: Bits, cancelled: NDArray[np.int64]) -> int:
    """Cancel these columns of a binary code in all syndromes; return the rank of what is left of them."""
    matrix = packed(np.concatenate([code[:, cancelled], syndromes], axis=1))
    rank = eliminate(matrix, len(cancelled), False)
    left = np.unpackbits(matrix.view(np.uint8), axis=1, bitorder="little")[rank:, len(cancelled) :]
    return rank_of(np.ascontiguousarray(left[:, : syndromes.shape[1]].T))


def _product(left: Bits, right: Bits) -> Bits:
    return (left.astype(np.float32) @ right.astype(np.float32)).astype(np.int64).astype(np.uint8) & 1


class BinaryForm:
    """The degree-2 form of the code of one seed and size; the expander of that seed must be invertible.

    Args:
        seed: of the code.
        size: rows of A.
    """

    def __init__(self, seed: bytes, size: int) -> None:
        identity = np.eye(size, dtype=np.uint8)
        shift = np.zeros((size, size), dtype=np.uint8)
        shift[np.arange(25, size), np.arange(size - 25)] = 1
        first, second = (identity ^ taps for taps in self._taps(seed, size))
        inverse = np.concatenate([self._expander(seed, size), identity], axis=1)
        words = packed(inverse)
        assert eliminate(words, size, True) == size, "choose another seed: the expander has no inverse"
        inverse = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, size : 2 * size]
        by_degree = (_product(first, second), _product(shift, second) ^ _product(first, shift), _product(shift, shift))
        self._left = [_product(matrix, inverse) for matrix in by_degree]
        self.columns = np.concatenate([*self._left, identity], axis=1)
        """The binary code: three columns for each place on the left, one for each on the right."""

    @staticmethod
    def _taps(seed: bytes, size: int) -> list[Bits]:
        found = []
        for turn in range(2):
            words = KeyStreams([_key(seed, f"convolution-{turn}")]).read(4 * size).view("<u4")[0]
            taps = np.zeros((size, size), dtype=np.uint8)
            for row in range(size):
                for back in range(1, min(row, 24) + 1):
                    taps[row, row - back] = int(words[row]) >> (back - 1) & 1
            found.append(taps)
        return found

    @staticmethod
    def _expander(seed: bytes, size: int) -> Bits:
        words = KeyStreams([_key(seed, "expander")]).read(4 * 21 * size).view("<u4").reshape(size, 21)
        part, out = size // 11, np.zeros((size, size), dtype=np.uint8)
        for row in range(size):
            for k in range(21):
                word = int(words[row, k])
                out[row, k * part + (word * part >> 32) if k < 11 else word * size >> 32] ^= 1
        return out

    def syndromes(self, compressed: NDArray[np.uint64]) -> Bits:
        """Bring A into this form: 128 words of the binary code's syndromes."""
        total, power = np.zeros_like(bits_of(compressed)), compressed
        for matrix in self._left:
            total ^= _product(matrix, bits_of(power))
            power = doubled_rows(power)
        return total
