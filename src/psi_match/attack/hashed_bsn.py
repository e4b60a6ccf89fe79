"""Recover BSNs from unkeyed hashes by hashing every number there is.

Reveals:
    Every BSN whose SHA-256, bare or behind a public salt, is in the list: to anyone who has the list.

Source:
    Exhaustive search. A digest has 256 bits, but a BSN no more than log2(90,909,091) = 26.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from psi_match.attack.candidates import GROUPS, Progress, candidates, no_progress
from psi_match.attack.sha256 import DIGEST_BYTES, WORDS, sha256_numbers
from psi_match.attack.space import Space
from psi_match.crypto.kernel import kernel
from psi_match.domain.bsn import NO_KEY

NOT_FOUND = NO_KEY
"""Stands for the number behind a digest that no candidate has."""

_MOST_BUCKET_BITS = 26
_WORD_BITS = 32


@dataclass(frozen=True, slots=True)
class _Targets:
    """Digests in buckets by their first bits, one or fewer to a bucket on average.

    Args:
        words: (m, 8), sorted by bucket.
        order: row in the caller's list of each row of ``words``.
        first_rows: row at which each bucket begins, and the end.
        shift: what leaves the bucket of a digest's first word.
    """

    words: NDArray[np.uint32] = field(repr=False)
    order: NDArray[np.int64] = field(repr=False)
    first_rows: NDArray[np.int64] = field(repr=False)
    shift: int


@kernel
def _look_up(
    hashed: NDArray[np.uint32],
    numbers: NDArray[np.uint32],
    targets: NDArray[np.uint32],
    first_rows: NDArray[np.int64],
    shift: int,
    found: NDArray[np.uint32],
) -> None:
    """Write into ``found`` the number of each target whose eight words are all equal to those of a candidate."""
    for row in range(hashed.shape[0]):
        bucket = hashed[row, 0] >> np.uint32(shift)
        for target in range(first_rows[bucket], first_rows[bucket + 1]):
            equal = 0
            while equal < WORDS and hashed[row, equal] == targets[target, equal]:
                equal += 1
            if equal == WORDS:
                found[target] = numbers[row]


def recover_hashed(
    digests: NDArray[np.uint8],
    space: Space,
    salt: bytes = b"",
    groups: Sequence[int] = range(GROUPS),
    progress: Progress = no_progress,
) -> NDArray[np.uint32]:
    """Find the number behind every digest.

    Args:
        digests: (m, 32) bytes, in any order; a digest may stand more than once.
        space: the numbers to try.
        salt: what stands before the digits in each hash.
        groups: the first four digits to try; all by default.
        progress: see ``candidates``.

    Returns:
        (m,) numbers, ``NOT_FOUND`` where no candidate has the digest.

    Raises:
        ValueError: the salt is too long, or the digests have another shape.
    """
    targets = _in_buckets(digests)
    found = np.full(len(digests), NOT_FOUND, dtype=np.uint32)
    for numbers in candidates(space, groups, progress):
        hashed = sha256_numbers(numbers, salt)
        _look_up(hashed, numbers, targets.words, targets.first_rows, targets.shift, found)
    recovered = np.empty_like(found)
    recovered[targets.order] = found
    return recovered


def _in_buckets(digests: NDArray[np.uint8]) -> _Targets:
    if digests.dtype != np.uint8 or digests.ndim != 2 or digests.shape[1] != DIGEST_BYTES:
        raise ValueError(f"digests must be (m, {DIGEST_BYTES}) uint8")
    words = np.ascontiguousarray(digests).view(">u4").astype(np.uint32)
    bits = min(len(words).bit_length() + 1, _MOST_BUCKET_BITS)
    shift = _WORD_BITS - bits
    buckets = words[:, 0] >> np.uint32(shift)
    order = np.argsort(buckets, kind="stable")
    first_rows = np.searchsorted(buckets[order], np.arange((1 << bits) + 1))
    return _Targets(words[order], order, first_rows, shift)
