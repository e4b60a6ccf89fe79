"""The leader's cuckoo table and the data party's simple table: which BSN belongs in which bin.

Both are built from public session keys and a party's own rows; neither leaves its party.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.aes import BLOCK_BYTES, KeyStreams
from psi_match.crypto.cuckoo import EMPTY, insert_all
from psi_match.crypto.derive import public_key
from psi_match.crypto.hashes import HASHES
from psi_match.crypto.items import encode_items, item_bins
from psi_match.crypto.kernel import kernel
from psi_match.crypto.shuffling import gather_numbers
from psi_match.protocols.sizes import CHUNK_BINS, chunks

_BLOCK_ROWS = 1 << 16
PIECE_ENTRIES = 1 << 14
"""Entries that are evaluated at a time: what is computed of them stays in a processor's second-level cache, and a chunk
of a small table into which a large set falls takes no more memory than others."""


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
        numbers = gather_numbers(self.numbers, rows)
        # Which of its three bins a row is in is computed again rather than kept: 12 bytes a row less.
        hash_index = np.empty(len(rows), dtype=np.uint8)
        _find_index(item_bins(self.key, numbers, self.bins), first_bin, occupied, hash_index)
        items = dummies.read(BLOCK_BYTES * len(row_of_bin)).reshape(-1, BLOCK_BYTES)
        _place(encode_items(numbers, hash_index).view("<u8"), occupied, items.view("<u8"))
        return items, occupied, rows, hash_index


@kernel
def _find_index(
    places: NDArray[np.uint32], first_bin: int, occupied: NDArray[np.intp], hash_index: NDArray[np.uint8]
) -> None:
    """Tell of each row which of its places is the bin that it occupies."""
    for row in range(places.shape[0]):
        found = 0
        for k in range(HASHES):
            # Without a branch: it would be guessed wrong for most rows.
            found += k * (places[row, k] == first_bin + occupied[row])
        hash_index[row] = found


@kernel
def _place(encoded: NDArray[np.uint64], occupied: NDArray[np.intp], items: NDArray[np.uint64]) -> None:
    for row in range(encoded.shape[0]):
        for word in range(BLOCK_BYTES // 8):
            items[occupied[row], word] = encoded[row, word]


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

    def pieces(self) -> Iterator[Entries]:
        """Split into pieces of at most ``PIECE_ENTRIES``."""
        for start, stop in chunks(len(self.rows), PIECE_ENTRIES):
            yield Entries(self.rows[start:stop], self.bins[start:stop], self.hash_index[start:stop])


def simple_table(key: bytes, numbers: NDArray[np.uint32], bins: int) -> Iterator[Entries]:
    """Yield, for each chunk of bins in order, which rows fall into it under which hash index.

    A list of all entries in the order of their chunks is made first, of 18 bytes a row, by counting: each row's bins
    are computed twice, once to count and once to put every entry where its chunk begins.

    Args:
        key: public key for positions.
        numbers: (n,) the data party's BSNs.
        bins: number of bins of the leader's table.
    """
    sizes = np.zeros(len(chunks(bins, CHUNK_BINS)), dtype=np.int64)
    for start, stop in chunks(len(numbers), _BLOCK_ROWS):
        _count(item_bins(key, numbers[start:stop], bins), sizes)
    ends = np.cumsum(sizes)
    packed = np.empty(HASHES * len(numbers), dtype=np.uint32)
    in_chunk = np.empty(HASHES * len(numbers), dtype=np.uint16)
    free = ends - sizes
    for start, stop in chunks(len(numbers), _BLOCK_ROWS):
        _distribute(item_bins(key, numbers[start:stop], bins), start, free, packed, in_chunk)
    for first_bin, size, end in zip(range(0, bins, CHUNK_BINS), sizes, ends, strict=True):
        entries = Entries(np.empty(size, np.uint32), np.empty(size, np.uint32), np.empty(size, np.uint8))
        here = slice(end - size, end)
        _unpack(packed[here], in_chunk[here], first_bin, entries.rows, entries.bins, entries.hash_index)
        yield entries


@kernel
def _count(places: NDArray[np.uint32], sizes: NDArray[np.int64]) -> None:
    for row in range(places.shape[0]):
        for k in range(HASHES):
            sizes[places[row, k] // CHUNK_BINS] += 1


@kernel
def _distribute(
    places: NDArray[np.uint32],
    first_row: int,
    free: NDArray[np.int64],
    packed: NDArray[np.uint32],
    in_chunk: NDArray[np.uint16],
) -> None:
    """Append every (row, hash index), packed in one number, and its bin within the chunk to the chunk's entries."""
    for row in range(places.shape[0]):
        for k in range(HASHES):
            chunk = places[row, k] // CHUNK_BINS
            at = free[chunk]
            free[chunk] += 1
            packed[at] = HASHES * (first_row + row) + k
            in_chunk[at] = places[row, k] % CHUNK_BINS


@kernel
def _unpack(
    packed: NDArray[np.uint32],
    in_chunk: NDArray[np.uint16],
    first_bin: int,
    rows: NDArray[np.uint32],
    bins: NDArray[np.uint32],
    hash_index: NDArray[np.uint8],
) -> None:
    for i in range(packed.shape[0]):
        rows[i] = packed[i] // np.uint32(HASHES)
        hash_index[i] = packed[i] % np.uint32(HASHES)
        bins[i] = first_bin + in_chunk[i]
