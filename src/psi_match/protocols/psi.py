"""Two-party intersection, engine ``kkrt``: the leader learns which of its rows the data party has too.

1. Both agree on public terms; the leader builds its cuckoo table.
2. Base OTs, then the batched OPRF on the leader's table, chunk by chunk.
3. The data party evaluates F at each of its rows under each of the three hash indices, cuts the values, and keeps three
   lists, one per hash index, padded with random values to its public size.
4. It shuffles each list *as a whole* and sends them last. Values sent per chunk would tell the leader in which bins the
   data party's other rows lie.
5. The leader looks up, in list k, the values of its rows that sit in their bin under hash index k. Dummy bins are never
   compared.

Kept per row: at the data party three cut values (30 bytes at 2^20 rows and one run, 33 at two) and, while they are
collected, 18 bytes of index; at the leader one cut value, its bin and its hash index.

Reveals:
    Leader: which of its own rows are in the data party's set, and the data party's public size.
    Data party: the leader's public size.
    Either, and whoever watches the network: how long the other computes, which grows with its *true* number of rows
    (docs/protocols/README.md, what timing tells). Message sizes and counts follow from public sizes alone.
    Both together: everything; there is no third party.

Source:
    Kolesnikov, Kumaresan, Rosulek, Trieu (ePrint 2016/799), section 4 (PSI from batched OPRF with cuckoo hashing);
    Pinkas, Schneider, Zohner (ePrint 2016/930).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import InternalError
from psi_match.base.randomness import RandomSource
from psi_match.crypto.aes import KEY_BYTES, KeyStreams
from psi_match.crypto.blake2s import ROW_BYTES
from psi_match.crypto.hashes import HASHES
from psi_match.crypto.items import encode_items
from psi_match.crypto.kernel import kernel
from psi_match.crypto.shuffling import gather_numbers, shuffle_rows
from psi_match.protocols import base_ot, oprf
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.effects import Role, Rows, recv, send, stage
from psi_match.protocols.sizes import CHUNK_BINS, FRAME_PAYLOAD_BYTES, chunks
from psi_match.protocols.tables import CuckooTable, positions_key, simple_table


class CutValues(Rows):
    """Cut OPRF values of one hash index, shuffled and padded: (rows, value bytes)."""

    STEP = "psi-values"


def _rows_per_frame(terms: PairTerms) -> int:
    return FRAME_PAYLOAD_BYTES // terms.value_bytes


def message_count(terms: PairTerms) -> int:
    """Return the messages of one run in both directions."""
    return 2 + len(chunks(terms.bins, CHUNK_BINS)) + HASHES * len(chunks(terms.data_size, _rows_per_frame(terms)))


def lead(terms: PairTerms, table: CuckooTable, rng: RandomSource) -> Role[NDArray[np.bool_]]:
    """Play the leader.

    Args:
        terms: the public terms.
        table: the leader's rows in ``terms.bins`` bins.
        rng: fresh local randomness.

    Returns:
        (n,) True where the leader's row is in the data party's set.

    Raises:
        PeerError: the data party sends something that is not of the agreed kind, size or group.

    Reveals:
        To the data party: the leader's public size.
    """
    yield from stage("base-ot")
    keys = yield from base_ot.send_keys(terms.data_party, base_ot.OtLabel(terms.sid, terms.instance), rng)
    receiver = oprf.Receiver(keys, oprf.Code(terms.sid), terms.instance)
    dummies = KeyStreams([rng.bytes(KEY_BYTES)])
    own_values = np.empty((len(table.numbers), terms.value_bytes), dtype=np.uint8)
    own_index = np.empty(len(table.numbers), dtype=np.uint8)
    yield from stage("oprf")
    for start, stop in chunks(terms.bins, CHUNK_BINS):
        items, occupied, rows, hash_index = table.items(start, stop, dummies)
        message, outputs = receiver.chunk(start, items)
        yield from send(terms.data_party, message)
        _keep(outputs, occupied, rows, hash_index, own_values, own_index)
    yield from stage("values")
    found = np.zeros(len(own_values), dtype=np.bool_)
    for k in range(HASHES):
        lookup = Lookup(own_values, np.flatnonzero(own_index == k).astype(np.uint32))
        for start, stop in chunks(terms.data_size, _rows_per_frame(terms)):
            values = yield from recv(terms.data_party, CutValues, (stop - start, terms.value_bytes))
            lookup.mark(values.rows, found)
    return found


def answer(terms: PairTerms, numbers: NDArray[np.uint32], rng: RandomSource) -> Role[None]:
    """Play the data party.

    Args:
        terms: the public terms.
        numbers: (m,) the data party's distinct BSNs, at most ``terms.data_size``.
        rng: fresh local randomness.

    Raises:
        PeerError: the leader sends something that is not of the agreed kind, size or group.

    Reveals:
        To the leader: which of its rows are in this set, and this set's public size.
    """
    if len(numbers) > terms.data_size:
        raise InternalError("The set is larger than its public size.", peer=terms.leader, step=CutValues.STEP)
    yield from stage("base-ot")
    label = base_ot.OtLabel(terms.sid, terms.instance)
    choices = oprf.choice_bits(rng.bytes(oprf.CHOICE_BYTES))
    keys = yield from base_ot.receive_keys(terms.leader, label, choices, rng)
    sender = oprf.Sender(keys, choices, oprf.Code(terms.sid), terms.instance)
    lists = [np.empty((terms.data_size, terms.value_bytes), dtype=np.uint8) for _ in range(HASHES)]
    filled = np.zeros(HASHES, dtype=np.int64)
    yield from stage("oprf")
    table = simple_table(positions_key(terms.sid), numbers, terms.bins)
    for (start, stop), entries in zip(chunks(terms.bins, CHUNK_BINS), table, strict=True):
        message = yield from recv(terms.leader, oprf.MaskedRows, (stop - start, ROW_BYTES))
        here = sender.absorb(start, message)
        for piece in entries.pieces():
            items = encode_items(gather_numbers(numbers, piece.rows), piece.hash_index)
            values = here.evaluate(piece.bins, items)
            append_by_index(values, piece.hash_index, lists[0], lists[1], lists[2], filled)
    if (filled != len(numbers)).any():
        # What was not filled is whatever memory held: it must never be sent.
        raise InternalError("The simple table does not list every row.", peer=terms.leader, step=CutValues.STEP)
    yield from stage("values")
    padding = terms.data_size - len(numbers)
    while lists:
        cut = lists.pop(0)
        random = np.frombuffer(rng.bytes(padding * terms.value_bytes), dtype=np.uint8)
        cut[len(numbers) :] = random.reshape(padding, terms.value_bytes)
        # One list is shuffled while the one before it travels.
        shuffle_rows(cut, rng)
        for start, stop in chunks(terms.data_size, _rows_per_frame(terms)):
            yield from send(terms.leader, CutValues(cut[start:stop]))


def plaintext_intersection(leader: NDArray[np.uint32], data_party: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """The plaintext twin: which of the leader's rows are in the data party's set."""
    return np.isin(leader, data_party)


@kernel
def _keep(
    outputs: NDArray[np.uint8],
    occupied: NDArray[np.intp],
    rows: NDArray[np.uint32],
    hash_index: NDArray[np.uint8],
    own_values: NDArray[np.uint8],
    own_index: NDArray[np.uint8],
) -> None:
    """Keep, at each row in a bin of this chunk, its output, cut to the width of the values, and its hash index."""
    for i in range(occupied.shape[0]):
        for byte in range(own_values.shape[1]):
            own_values[rows[i], byte] = outputs[occupied[i], byte]
        own_index[rows[i]] = hash_index[i]


@kernel
def append_by_index(
    values: NDArray[np.uint8],
    hash_index: NDArray[np.uint8],
    list_0: NDArray[np.uint8],
    list_1: NDArray[np.uint8],
    list_2: NDArray[np.uint8],
    filled: NDArray[np.int64],
) -> None:
    """Append each value, cut to the lists' width, to the list of its hash index."""
    for i in range(values.shape[0]):
        k = hash_index[i]
        at = filled[k]
        filled[k] += 1
        if k == 0:
            for byte in range(list_0.shape[1]):
                list_0[at, byte] = values[i, byte]
        elif k == 1:
            for byte in range(list_1.shape[1]):
                list_1[at, byte] = values[i, byte]
        else:
            for byte in range(list_2.shape[1]):
                list_2[at, byte] = values[i, byte]


@kernel
def _head(row: NDArray[np.uint8]) -> np.uint64:
    """The first eight bytes of a value as a number: uniform, so its own hash."""
    word = np.uint64(0)
    for byte in range(8):
        word |= np.uint64(row[byte]) << np.uint64(8 * byte)
    return word


@kernel
def _fill(slots: NDArray[np.uint32], values: NDArray[np.uint8], rows: NDArray[np.uint32]) -> None:
    """Open addressing with linear probing; a slot holds row + 1, 0 is free."""
    mask = np.uint64(slots.shape[0] - 1)
    for i in range(rows.shape[0]):
        slot = _head(values[rows[i]]) & mask
        while slots[slot]:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = rows[i] + np.uint32(1)


@kernel
def _mark(
    slots: NDArray[np.uint32], values: NDArray[np.uint8], received: NDArray[np.uint8], found: NDArray[np.bool_]
) -> None:
    mask = np.uint64(slots.shape[0] - 1)
    for i in range(received.shape[0]):
        slot = _head(received[i]) & mask
        while slots[slot]:
            row = slots[slot] - np.uint32(1)
            same = True
            for byte in range(received.shape[1]):
                if values[row, byte] != received[i, byte]:
                    same = False
                    break
            if same:
                found[row] = True
            slot = (slot + np.uint64(1)) & mask


class Lookup:
    """The leader's own values of one hash index, to be looked up in a stream of received ones."""

    def __init__(self, values: NDArray[np.uint8], rows: NDArray[np.uint32]) -> None:
        self._values = values
        self._slots = np.zeros(1 << (2 * len(rows)).bit_length(), dtype=np.uint32)
        _fill(self._slots, values, rows)

    def mark(self, received: NDArray[np.uint8], found: NDArray[np.bool_]) -> None:
        """Set ``found`` at the rows whose value is among those received."""
        _mark(self._slots, self._values, received, found)
