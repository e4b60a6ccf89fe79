"""The leader's cuckoo table and the data party's simple table: which BSN belongs in which bin.

Both are built from public session keys and a party's own rows; neither leaves its party.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.aes import BLOCK_BYTES, KeyStreams
from psi_match.crypto.cuckoo import EMPTY, insert_all
from psi_match.crypto.derive import public_key
from psi_match.crypto.hashes import HASHES
from psi_match.crypto.items import encode_items, item_bins
from psi_match.crypto.kernel import kernel
from psi_match.protocols.sizes import CHUNK_BINS, chunks

Number = TypeVar("Number", bound=np.generic)
_BLOCK_ROWS = 1 << 16
GROUPS = 4
"""The simple table is sorted by bin in this many passes over the rows, so that its index never holds more than
3 x 9 / 4 bytes a row."""


def positions_key(sid: bytes) -> bytes:
    """Return the public key under which items get their bins."""
    return public_key(sid, "positions")


@dataclass(frozen=True, slots=True, repr=False)
class CuckooTable:
    """The leader's rows in bins; one table per leader and run, shared by all its data parties.

    Args:
        key: public key for positions.
        numbers: (n,) the leader's BSNs.
        bins: number of bins.
        row_of_bin: (bins,) row index or ``EMPTY``.
    """

    key: bytes
    numbers: NDArray[np.uint32]
    bins: int
    row_of_bin: NDArray[np.uint32]

    @classmethod
    def build(cls, sid: bytes, numbers: NDArray[np.uint32], bins: int) -> CuckooTable:
        """Place all rows.

        Raises:
            CuckooFailure: no placement exists; below 2^-40 for the parameters of ``sizes``.
        """
        key = positions_key(sid)
        places = np.empty((len(numbers), HASHES), dtype=np.uint32)
        for start, stop in chunks(len(numbers), _BLOCK_ROWS):
            places[start:stop] = item_bins(key, numbers[start:stop], bins)
        return cls(key, numbers, bins, insert_all(places, bins))

    def __repr__(self) -> str:
        return f"CuckooTable({len(self.numbers)} rows, {self.bins} bins)"

    def items(
        self, first_bin: int, last_bin: int, dummies: KeyStreams
    ) -> tuple[NDArray[np.uint8], NDArray[np.intp], NDArray[np.uint32], NDArray[np.uint8]]:
        """Return one item per bin of a chunk, random dummies where a bin is empty.

        Args:
            first_bin: first bin of the chunk.
            last_bin: the bin after its last.
            dummies: one secret stream from which the dummies come.

        Returns:
            Items (bins, 16); the occupied bins relative to ``first_bin``; their rows; their hash indices.
        """
        row_of_bin = self.row_of_bin[first_bin:last_bin]
        occupied = np.flatnonzero(row_of_bin != EMPTY)
        rows = row_of_bin[occupied]
        numbers = self.numbers[rows]
        # Which of its three bins a row is in is computed again rather than kept: 12 bytes a row less.
        places = item_bins(self.key, numbers, self.bins)
        hash_index = np.argmax(places == (first_bin + occupied)[:, None], axis=1).astype(np.uint8)
        items = dummies.read(BLOCK_BYTES * len(row_of_bin)).reshape(-1, BLOCK_BYTES)
        items[occupied] = encode_items(numbers, hash_index)
        return items, occupied, rows, hash_index


@kernel
def _select(
    places: NDArray[np.uint32],
    low: int,
    high: int,
    first_row: int,
    rows: NDArray[np.uint32],
    bins: NDArray[np.uint32],
    hash_index: NDArray[np.uint8],
) -> int:
    """List the (row, bin, hash index) whose bin lies in [low, high); return how many."""
    count = 0
    for row in range(places.shape[0]):
        for k in range(HASHES):
            b = places[row, k]
            if low <= b < high:
                rows[count] = first_row + row
                bins[count] = b
                hash_index[count] = k
                count += 1
    return count


@dataclass(frozen=True, slots=True, repr=False)
class Entries:
    """The simple table's content of one chunk of bins.

    Args:
        rows: (m,) row indices of the data party.
        bins: (m,) global bin indices.
        hash_index: (m,) which of the row's three bins it is.
    """

    rows: NDArray[np.uint32]
    bins: NDArray[np.uint32]
    hash_index: NDArray[np.uint8]


def simple_table(key: bytes, numbers: NDArray[np.uint32], bins: int) -> Iterator[Entries]:
    """Yield, for each chunk of bins in order, which rows fall into it under which hash index.

    Args:
        key: public key for positions.
        numbers: (n,) the data party's BSNs.
        bins: number of bins of the leader's table.
    """
    all_chunks = chunks(bins, CHUNK_BINS)
    rows = np.empty(HASHES * _BLOCK_ROWS, dtype=np.uint32)
    at = np.empty(HASHES * _BLOCK_ROWS, dtype=np.uint32)
    index = np.empty(HASHES * _BLOCK_ROWS, dtype=np.uint8)
    for first, last in chunks(len(all_chunks), -(-len(all_chunks) // GROUPS)):
        low, high = all_chunks[first][0], all_chunks[last - 1][1]
        parts: list[tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint8]]] = []
        for start, stop in chunks(len(numbers), _BLOCK_ROWS):
            places = item_bins(key, numbers[start:stop], bins)
            count = _select(places, low, high, start, rows, at, index)
            parts.append((rows[:count].copy(), at[:count].copy(), index[:count].copy()))
        group_rows = _joined([part[0] for part in parts], np.uint32)
        group_bins = _joined([part[1] for part in parts], np.uint32)
        group_index = _joined([part[2] for part in parts], np.uint8)
        del parts
        chunk_of = ((group_bins - np.uint32(low)) // np.uint32(CHUNK_BINS)).astype(np.uint16)
        order = np.argsort(chunk_of, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(chunk_of, minlength=last - first))])
        for chunk in range(last - first):
            here = order[bounds[chunk] : bounds[chunk + 1]]
            yield Entries(group_rows[here], group_bins[here], group_index[here])


def _joined(parts: list[NDArray[Number]], dtype: type[Number]) -> NDArray[Number]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)
