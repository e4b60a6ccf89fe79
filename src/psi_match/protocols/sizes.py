"""Public sizes: how a set's size is rounded up, and everything that is computed from it.

What a peer sees of a set is its *public size*: the cap of the agreement, or the next step of a coarse ladder. Bins,
lists and message sizes are functions of public sizes alone.

Source:
    Bins from 2^14 rows on: Pinkas, Schneider, Zohner (ePrint 2016/930), fitted parameters for three hash functions
    without stash. Below: the union bound over Hall violators in docs/protocols/cuckoo.md. Truncation: the same paper,
    section on hash lengths, with a union over the PSI runs of the session.
"""

from __future__ import annotations

import math
from itertools import pairwise

STATISTICAL_SECURITY_BITS = 40
"""Per session: the union over all its runs and bins stays below 2^-40."""

SMALLEST_PUBLIC_SIZE = 256
LARGEST_PUBLIC_SIZE = 1 << 25
"""Above any register of persons in the Netherlands; a peer that declares more is refused before memory is touched. The
OPRF's code (448 bits, distance below 128 with probability 2^-66.5 per pair) keeps 40 bits over the 3 x 2^25 pairs."""

SMALL_TABLE_ROWS = 1 << 14
SMALL_TABLE_FACTOR = 1.7
SMALL_TABLE_MIN_BINS = 352
FACTOR = 1.27
LARGE_TABLE_ROWS = 1 << 24
LARGE_TABLE_FACTOR = 1.28

MIN_VALUE_BYTES = 8
"""A cut value is never shorter than a machine word: the leader's look-up reads its first eight bytes."""

CHUNK_BINS = 1 << 15
"""Bins per OPRF chunk: 56 bytes each make one frame of 1.8 MB, below the limit of 2 MiB."""

FRAME_PAYLOAD_BYTES = CHUNK_BINS * 56
"""Largest payload of one data frame."""


def ladder_step(rows: int) -> int:
    """Return the smallest step of {1, 1.25, 1.5, 1.75} x 2^k that holds ``rows``, at least 256.

    Raises:
        ValueError: ``rows`` is negative or above the largest public size.
    """
    if not 0 <= rows <= LARGEST_PUBLIC_SIZE:
        raise ValueError("number of rows is out of range")
    if rows <= SMALLEST_PUBLIC_SIZE:
        return SMALLEST_PUBLIC_SIZE
    quarter = 1 << ((rows - 1).bit_length() - 3)
    return -(-rows // quarter) * quarter


def public_size(rows: int, cap: int | None) -> int:
    """Return the size that peers see: the agreed cap if there is one, else the next step of the ladder.

    Raises:
        ValueError: the rows exceed the cap, or a size is out of range.
    """
    if cap is None:
        return ladder_step(rows)
    if not SMALLEST_PUBLIC_SIZE <= cap <= LARGEST_PUBLIC_SIZE:
        raise ValueError("cap is out of range")
    if rows > cap:
        raise ValueError("more rows than the agreed cap")
    return cap


def table_bins(size: int) -> int:
    """Return the number of bins of a cuckoo table for ``size`` rows (a public size)."""
    if size < SMALL_TABLE_ROWS:
        return max(math.ceil(SMALL_TABLE_FACTOR * size), SMALL_TABLE_MIN_BINS)
    return math.ceil((FACTOR if size < LARGE_TABLE_ROWS else LARGE_TABLE_FACTOR) * size)


def value_bytes(leader_size: int, data_size: int, runs: int) -> int:
    """Return the bytes to which OPRF values are cut, so that a false match in the session stays below 2^-40.

    Args:
        leader_size: public size of the leader's set.
        data_size: public size of the data party's set.
        runs: PSI runs in the session.
    """
    bits = STATISTICAL_SECURITY_BITS + math.log2(leader_size) + math.log2(data_size) + math.log2(runs)
    return max(MIN_VALUE_BYTES, math.ceil(bits / 8))


def chunks(total: int, size: int) -> list[tuple[int, int]]:
    """Split ``range(total)`` into consecutive (start, stop) pieces of at most ``size``."""
    return list(pairwise([*range(0, total, size), total])) if total else []
