"""Numbers and hashes to show an attack on when nobody brings a file; never a number that may be a living person's.

The hashes are the standard library's, so that another implementation checks what the kernels recover.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from psi_match.attack.candidates import candidates
from psi_match.attack.sha256 import DIGEST_BYTES
from psi_match.attack.space import Space
from psi_match.population.numbers import draw_numbers

TEST_NUMBERS = 9_091
"""Numbers of the published test range that pass the 11-proef: the only ones of the real space that are shown."""

MOST_NUMBERS = 10_000_000
"""Of an exhibit: these take 1.6 GB."""

_TEST_GROUP = 9999


def most_numbers(space: Space) -> int:
    """Return how many numbers an exhibit can have."""
    return TEST_NUMBERS if space is Space.REAL else MOST_NUMBERS


def draw_exhibit(space: Space, count: int, rng: np.random.Generator) -> NDArray[np.uint32]:
    """Draw distinct numbers in random order.

    Args:
        space: synthetic numbers, or for the real space published test numbers (9999xxxxx) only.
        count: how many.
        rng: generator; equal states give equal numbers.

    Returns:
        (count,) numbers.

    Raises:
        ValueError: there are not so many.
    """
    if not 0 <= count <= most_numbers(space):
        raise ValueError("count is out of range")
    if space is Space.SYNTHETIC:
        return draw_numbers(count, rng)
    test_numbers = np.concatenate(list(candidates(Space.REAL, [_TEST_GROUP])))
    return rng.permutation(test_numbers)[:count]


def hash_exhibit(numbers: NDArray[np.uint32], salt: bytes = b"") -> NDArray[np.uint8]:
    """Return the (n, 32) SHA-256 digests of salt and nine digits."""
    digests = bytearray()
    for number in numbers.tolist():
        digests += hashlib.sha256(salt + b"%09d" % number).digest()
    return np.frombuffer(digests, dtype=np.uint8).reshape(-1, DIGEST_BYTES)
