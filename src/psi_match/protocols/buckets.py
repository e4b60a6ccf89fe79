"""Hash buckets: how many there are, how many rows each is padded to, and which row belongs in which.

A row's bucket is a function of its BSN under a public session key, the same at both ends, so that equal rows meet.
What peers see of a bucket is its *capacity*, which follows from public sizes alone; how many rows it really gets never
leaves its party. The bucket key comes from the session id, to which every party contributes *after* it has fixed its
rows: nobody, a curious peer included, can choose rows that crowd into one bucket.

Source:
    Splitting a set into buckets of padded size: Pinkas, Schneider, Segev, Zohner, Phasing (ePrint 2015/634). Tail of a
    bucket's load: Bernstein's inequality, Boucheron, Lugosi, Massart, Concentration Inequalities (2013), corollary
    2.11; a union bound over buckets, both sets and all runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import BucketOverflow
from psi_match.crypto.aes import encrypt_blocks
from psi_match.crypto.derive import public_key
from psi_match.crypto.items import NO_INDEX, encode_items
from psi_match.crypto.kernel import kernel
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.sizes import (
    SMALL_TABLE_ROWS,
    STATISTICAL_SECURITY_BITS,
    chunks,
    table_bins,
    value_bytes,
)

ROWS_PER_BUCKET = 1 << 18
"""Rows of the larger set in a bucket: a third of a second of one core, 19 MB of masked rows. Part of the protocol, as
are the next two: whoever changes one changes the wire version."""
LEADER_ROWS_PER_BUCKET = 1 << 10
"""A bucket gets at least as many of the leader's rows on average. Below, padding would be most of it, and the bound on
small cuckoo tables would not bear a union over all buckets."""
FEWEST_BUCKETS = 2
MOST_BUCKETS = 1 << 16
"""Bucket numbers are 16 bits."""

_LN_2_MILLIONTHS = 693_148
"""ln 2, rounded up: capacities are whole-number arithmetic, so that both ends get the same on every machine."""
_BLOCK_ROWS = 1 << 16


def bucket_count(leader_size: int, data_size: int) -> int:
    """Return the number of buckets for two public sizes."""
    wanted = -(-max(leader_size, data_size) // ROWS_PER_BUCKET)
    return max(FEWEST_BUCKETS, min(wanted, leader_size // LEADER_ROWS_PER_BUCKET, MOST_BUCKETS))


def capacity(size: int, buckets: int, runs: int) -> int:
    """Return to how many rows each bucket of a set is padded.

    n rows fall independently into B buckets. The load of one bucket exceeds its mean by t or more with probability at
    most exp(-t^2 / (2 (v + t / 3))), v = n (B - 1) / B^2. The returned capacity keeps B times that below 2^-41 / runs,
    so that over both sets of all runs of the session it stays below 2^-40 that any bucket overflows.

    Args:
        size: public size of the set.
        buckets: number of buckets.
        runs: PSI runs in the session.
    """
    bits = STATISTICAL_SECURITY_BITS + (buckets - 1).bit_length() + (2 * runs - 1).bit_length()
    # t^2 >= 2 L (v + t / 3) with L = bits ln 2 is 3 B^2 M t^2 - 2 B^2 l t - 6 n (B - 1) l >= 0, where L = l / M.
    scaled, million = bits * _LN_2_MILLIONTHS, 1_000_000
    a, b, c = 3 * buckets**2 * million, buckets**2 * scaled, 6 * size * (buckets - 1) * scaled
    excess = (b + isqrt(b * b + a * c) + 1) // a + 1
    return min(size, -(-size // buckets) + excess)


def bucket_bins(rows: int, buckets: int) -> int:
    """Return the bins of each bucket's cuckoo table: as many as its share of one table of all the set's rows.

    Below 2^14 rows a bucket the proven bound covers the union over all buckets. From there it covers violators of
    Hall's condition of up to a tenth of a bucket's rows (2^-70 per table and less); larger ones rest on the fit for one
    table, as in ``kkrt``: docs/protocols/buckets.md.

    Args:
        rows: capacity of a bucket.
        buckets: number of buckets.
    """
    if rows < SMALL_TABLE_ROWS:
        return table_bins(rows)
    return -(-table_bins(buckets * rows) // buckets)


@dataclass(frozen=True, slots=True)
class BucketTerms:
    """The public terms of one intersection in buckets.

    Args:
        pair: the terms of the intersection.
        buckets: number of buckets.
    """

    pair: PairTerms
    buckets: int

    @classmethod
    def of(cls, pair: PairTerms) -> BucketTerms:
        """Return the terms that follow from the public sizes."""
        return cls(pair, bucket_count(pair.leader_size, pair.data_size))

    @property
    def leader_rows(self) -> int:
        """Capacity of the leader's buckets."""
        return capacity(self.pair.leader_size, self.buckets, self.pair.runs)

    @property
    def data_rows(self) -> int:
        """Capacity of the data party's buckets."""
        return capacity(self.pair.data_size, self.buckets, self.pair.runs)

    @property
    def bins(self) -> int:
        """Bins of one bucket's cuckoo table."""
        return bucket_bins(self.leader_rows, self.buckets)

    @property
    def value_bytes(self) -> int:
        """Bytes of a truncated OPRF value: a leader's row is compared with the values of its own bucket only."""
        return value_bytes(self.pair.leader_size, self.data_rows, self.pair.runs)

    def first_bin(self, bucket: int) -> int:
        """Return the global index of a bucket's first bin: no two bins of the instance share one."""
        return bucket * self.bins


@dataclass(frozen=True, slots=True, repr=False)
class Split:
    """A party's rows, bucket after bucket.

    Args:
        numbers: (n,) the BSNs, those of bucket 0 first.
        order: (n,) row of the party's own order at each place of ``numbers``.
        starts: (buckets + 1,) where each bucket begins; the last one is n.
    """

    numbers: NDArray[np.uint32]
    order: NDArray[np.uint32]
    starts: NDArray[np.int64]

    def __repr__(self) -> str:
        return f"Split({len(self.starts) - 1} buckets)"

    def of(self, bucket: int) -> NDArray[np.uint32]:
        """Return the BSNs of one bucket."""
        return self.numbers[self.starts[bucket] : self.starts[bucket + 1]]

    def rows(self, bucket: int) -> NDArray[np.uint32]:
        """Return which of the party's rows they are."""
        return self.order[self.starts[bucket] : self.starts[bucket + 1]]


@kernel
def _scale(blocks: NDArray[np.uint64], buckets: int, out: NDArray[np.uint16]) -> None:
    """floor(piece * buckets / 2^48) of a 48-bit piece: for up to 2^16 buckets within 2^-32 (relative) of uniform."""
    for row in range(out.shape[0]):
        out[row] = np.uint16(((blocks[row, 0] >> np.uint64(16)) * np.uint64(buckets)) >> np.uint64(48))


@kernel
def _gather(
    numbers: NDArray[np.uint32],
    bucket: NDArray[np.uint16],
    at: NDArray[np.int64],
    out: NDArray[np.uint32],
    order: NDArray[np.uint32],
) -> None:
    """Counting sort: put each row at the next place of its bucket; ``at`` is used up."""
    for row in range(numbers.shape[0]):
        place = at[bucket[row]]
        at[bucket[row]] += 1
        out[place] = numbers[row]
        order[place] = row


def bucket_of(sid: bytes, numbers: NDArray[np.uint32], buckets: int) -> NDArray[np.uint16]:
    """Return the bucket of each BSN.

    Args:
        sid: session id.
        numbers: (n,) BSNs.
        buckets: number of buckets, at most 2^16.
    """
    key = public_key(sid, "buckets")
    out = np.empty(len(numbers), dtype=np.uint16)
    for start, stop in chunks(len(numbers), _BLOCK_ROWS):
        blocks = encrypt_blocks(key, encode_items(numbers[start:stop], NO_INDEX))
        _scale(blocks.view("<u8"), buckets, out[start:stop])
    return out


def split(sid: bytes, numbers: NDArray[np.uint32], buckets: int, rows: int) -> Split:
    """Put a party's rows in buckets.

    Args:
        sid: session id.
        numbers: (n,) distinct BSNs, fixed before the session id was known.
        buckets: number of buckets.
        rows: capacity of each.

    Raises:
        BucketOverflow: a bucket gets more rows than its capacity; below 2^-40 in the session.
    """
    bucket = bucket_of(sid, numbers, buckets)
    counts = np.bincount(bucket, minlength=buckets)
    if counts.max() > rows:
        raise BucketOverflow("A hash bucket gets more rows than its public size.", "Start the run again.")
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    grouped, order = np.empty(len(numbers), dtype=np.uint32), np.empty(len(numbers), dtype=np.uint32)
    _gather(numbers, bucket, starts[:-1].copy(), grouped, order)
    return Split(grouped, order, starts)
