"""Read a Bloom filter of plain BSNs by asking it about every number there is.

What is attacked is a filter as parties exchange it in filter-based matching: each set bit comes from a BSN by a hash
that all parties can compute. It is *not* the filter in which the package ``openmined-psi`` can send its set: that one
holds curve points that are masked with a secret key, and nobody without the key can ask it about a number.

Positions: with SHA-256 of the salt and nine digits, h1 its first eight bytes and h2 the next eight (big-endian), the
positions are (h1 + i h2) mod size for i = 0 .. k - 1. Bit i is bit i mod 8, lowest first, of byte i div 8.

Reveals:
    Every BSN in the filter, among as many others as the false-positive rate times the space.

Source:
    Bloom, Space/Time Trade-offs in Hash Coding with Allowable Errors, CACM 1970. Double hashing: Kirsch and
    Mitzenmacher, Less Hashing, Same Performance: Building a Better Bloom Filter, ESA 2006; what it costs in false
    positives: Dillinger and Manolios, Bloom Filters in Probabilistic Verification, FMCAD 2004. Number of items:
    Swamidass and Baldi, Mathematical Correction for Fingerprint Similarity Measures to Improve Chemical Retrieval,
    J. Chem. Inf. Model. 47, 2007.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from psi_match.attack.candidates import GROUPS, Progress, candidates, no_progress
from psi_match.attack.sha256 import sha256_numbers
from psi_match.attack.space import Space
from psi_match.crypto.kernel import kernel


@dataclass(frozen=True, slots=True)
class BloomFilter:
    """A filter with its public parameters.

    Args:
        content: bytes that hold the bits.
        size: bits.
        positions: bits that an item sets, fewer where they coincide.

    Raises:
        ValueError: the bytes are not as many as the bits need, or a parameter is not positive.
    """

    content: NDArray[np.uint8] = field(repr=False)
    size: int
    positions: int

    def __post_init__(self) -> None:
        if self.size < 1 or self.positions < 1 or len(self.content) != -(-self.size // 8):
            raise ValueError("bytes, bits and positions do not fit each other")

    @property
    def filled(self) -> float:
        """Share of the bits that are set."""
        return int(np.bitwise_count(self.content).sum(dtype=np.int64)) / self.size

    @property
    def estimated_items(self) -> float:
        """Items that set so many bits on average (Swamidass and Baldi)."""
        return -self.size / self.positions * math.log1p(-self.filled) if self.filled < 1 else math.inf

    @property
    def false_positive_rate(self) -> float:
        """Chance that a number which is not in the filter seems to be.

        There are three ways: all positions are set by chance, the usual formula; the step has a short period, so that
        there are few positions; or most positions are an item's, forwards or backwards, shifted by some places.
        """
        if self.filled == 1:
            return 1.0
        powers = [self.filled**i for i in range(self.positions + 1)]
        by_period = (_steps_of_period(d) * powers[d] for d in range(1, self.positions) if self.size % d == 0)
        like_an_item = 2 * (2 * sum(powers[:-1]) - 1) * self.estimated_items / self.size
        return min(1.0, powers[-1] + (sum(by_period) + like_an_item) / self.size)


def _steps_of_period(period: int) -> int:
    """Return how many steps come back after ``period`` positions and no sooner, where it divides the size."""
    return sum(math.gcd(step, period) == 1 for step in range(1, period + 1))


def parameters(count: int, rate: float) -> tuple[int, int]:
    """Return size and positions of the smallest filter of ``count`` items with a rate: half of its bits get set."""
    positions = max(1, math.ceil(-math.log2(rate)))
    return math.ceil(count * positions / math.log(2)), positions


def make_filter(digests: NDArray[np.uint8], size: int, positions: int) -> BloomFilter:
    """Put items in a filter, given their (n, 32) SHA-256 digests."""
    halves = np.ascontiguousarray(digests[:, :16]).view(">u8").astype(np.uint64) % np.uint64(size)
    bits = np.zeros(size, dtype=np.bool_)
    for i in range(positions):
        bits[(halves[:, 0] + np.uint64(i) * halves[:, 1]) % np.uint64(size)] = True
    return BloomFilter(np.packbits(bits, bitorder="little"), size, positions)


@kernel
def _fitting(
    hashed: NDArray[np.uint32], content: NDArray[np.uint8], size: np.uint64, positions: int, fits: NDArray[np.bool_]
) -> None:
    """Tell of each digest whether all its positions are set; most fail at the first or second."""
    for row in range(hashed.shape[0]):
        position = (np.uint64(hashed[row, 0]) << np.uint64(32) | np.uint64(hashed[row, 1])) % size
        step = (np.uint64(hashed[row, 2]) << np.uint64(32) | np.uint64(hashed[row, 3])) % size
        left = positions
        while left > 0 and content[position >> np.uint64(3)] >> np.uint8(position & np.uint64(7)) & np.uint8(1):
            position += step
            if position >= size:
                position -= size
            left -= 1
        fits[row] = left == 0


def recover_filtered(
    bloom: BloomFilter,
    space: Space,
    salt: bytes = b"",
    groups: Sequence[int] = range(GROUPS),
    progress: Progress = no_progress,
) -> NDArray[np.uint32]:
    """Find all numbers that the filter says it holds.

    Args:
        bloom: the filter.
        space: the numbers to try.
        salt: what stands before the digits in each hash.
        groups: the first four digits to try; all by default.
        progress: see ``candidates``.

    Returns:
        The numbers that fit, ascending: all that were put in, and false positives.

    Raises:
        ValueError: the salt is too long.
    """
    found = [np.empty(0, dtype=np.uint32)]
    for numbers in candidates(space, groups, progress):
        fits = np.empty(len(numbers), dtype=np.bool_)
        _fitting(sha256_numbers(numbers, salt), bloom.content, np.uint64(bloom.size), bloom.positions, fits)
        found.append(numbers[fits])
    return np.concatenate(found)
