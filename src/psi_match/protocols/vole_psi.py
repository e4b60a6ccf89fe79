"""Two-party intersection, engine ``vole``: one value per row, and about a third of the bytes of ``kkrt``.

1. Vector OLE: the leader holds A and C, the data party B and D, with C = A * D + B, one row per slot of a key-value
   store.
2. The leader encodes its rows: P is a store in which each of its items x has the value H(x). It sends P + A.
3. The data party computes K = B + (P + A) * D, which is C + P * D. Stores are linear, so for the leader's items
   K(x) + H(x) * D = C(x): the leader knows F(x) = BLAKE2s(C(x), x), the data party F(y) = BLAKE2s(K(y) + H(y) * D, y)
   for every y.
4. The data party sends the values of its rows, cut, padded with random ones to its public size, and shuffled. The
   leader looks its own up.

Reveals:
    Leader: which of its own rows are in the data party's set, and the data party's public size. Of any other row it
    knows a value that depends on D, which a leader that follows the protocol does not have.
    Data party: the leader's public size. P is hidden by A, which looks random *by the assumption of learning parity
    with noise*: who could break it would find the leader's whole set in P + A, also later (docs/protocols/vole.md).
    Engine ``kkrt`` does not rest on that assumption; a scenario that does not list ``vole`` refuses it.
    Either, and whoever watches the network: how long the other computes, which grows with its *true* number of rows.
    Both together: everything; there is no third party.

Source:
    Raghuraman and Rindal, Blazing Fast PSI from Improved OKVS and Subfield VOLE (ePrint 2022/320), the semi-honest
    protocol over the full field (its *fast* mode).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import InternalError
from psi_match.base.randomness import RandomSource
from psi_match.crypto import okvs
from psi_match.crypto.aes import encrypt_blocks
from psi_match.crypto.blake2s import ROW_BYTES, blake2s_rows
from psi_match.crypto.derive import public_key
from psi_match.crypto.gf128 import ELEMENT_BYTES, WORDS, add_products, multiples
from psi_match.crypto.items import encode_items
from psi_match.crypto.okvs_size import slots
from psi_match.crypto.shuffling import shuffle_rows
from psi_match.protocols import base_ot, vole
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.effects import Role, Rows, recv, send, stage
from psi_match.protocols.oprf import choice_bits
from psi_match.protocols.psi import CutValues, Lookup
from psi_match.protocols.sizes import FRAME_PAYLOAD_BYTES, chunks

_PURPOSE = b"V1"
"""First two bytes of the hash's personalisation."""
_ITEM_INDEX = 3
"""Hash index byte of this engine's items: none of a cuckoo table's."""
_BLOCK_ROWS = 1 << 15
_BATCHES_AHEAD = 3
_SLOTS_PER_FRAME = FRAME_PAYLOAD_BYTES // ELEMENT_BYTES


class MaskedStore(Rows):
    """A piece of P + A: (slots, 16)."""

    STEP = "vole-store"


def message_count(terms: PairTerms) -> int:
    """Return the messages of one run in both directions."""
    size = slots(terms.leader_size)
    store = sum(len(chunks(batch.used, _SLOTS_PER_FRAME)) for batch in vole.batches(size))
    return 2 + vole.message_count(size) + store + len(chunks(terms.data_size, _rows_per_frame(terms)))


def lead(terms: PairTerms, numbers: NDArray[np.uint32], rng: RandomSource) -> Role[NDArray[np.bool_]]:
    """Play the leader.

    Args:
        terms: the public terms.
        numbers: (n,) the leader's distinct BSNs, at most ``terms.leader_size``.
        rng: fresh local randomness.

    Returns:
        (n,) True where the leader's row is in the data party's set.

    Raises:
        PeerError: the data party sends something that is not of the agreed kind, size or group.
        OkvsFailure: the session's seeds leave the store without a solution; below 2^-40.

    Reveals:
        To the data party: the leader's public size.
    """
    if len(numbers) > terms.leader_size:
        raise InternalError("The set is larger than its public size.", peer=terms.data_party, step=MaskedStore.STEP)
    items = _Items(terms)
    yield from stage("base-ot")
    label = base_ot.OtLabel(terms.sid, terms.instance)
    pairs = yield from base_ot.send_keys(terms.data_party, label, rng, vole.BASE_TRANSFERS)
    receiver = vole.Receiver(terms.data_party, terms.sid, terms.instance, slots(terms.leader_size), pairs, rng)
    yield from receiver.ask()
    # The store is made while the data party works on the first batches.
    yield from stage("encode")
    keys = items.keys(numbers)
    store = okvs.encode(items.store_seed, keys, items.targets(numbers), terms.leader_size, rng)
    yield from stage("vole")
    first = 0
    for number, batch in enumerate(receiver.plan):
        a, c = yield from receiver.batch(number)
        here = store[first : first + batch.used]
        a ^= here
        # What is sent is forgotten: C takes its place.
        here[:] = c
        for start, stop in chunks(batch.used, _SLOTS_PER_FRAME):
            yield from send(terms.data_party, MaskedStore(np.ascontiguousarray(a[start:stop]).view(np.uint8)))
        first += batch.used
    yield from stage("values")
    own = np.empty((len(numbers), terms.value_bytes), dtype=np.uint8)
    for start, stop in chunks(len(numbers), _BLOCK_ROWS):
        at_rows = okvs.decode(items.store_seed, store, keys[start:stop], terms.leader_size)
        own[start:stop] = items.values(at_rows, numbers[start:stop])
    del store, keys
    found = np.zeros(len(numbers), dtype=np.bool_)
    lookup = Lookup(own, np.arange(len(numbers), dtype=np.uint32))
    for start, stop in chunks(terms.data_size, _rows_per_frame(terms)):
        received = yield from recv(terms.data_party, CutValues, (stop - start, terms.value_bytes))
        lookup.mark(received.rows, found)
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
    items = _Items(terms)
    yield from stage("base-ot")
    choices = choice_bits(rng.bytes(vole.BASE_TRANSFERS // 8))
    label = base_ot.OtLabel(terms.sid, terms.instance)
    chosen = yield from base_ot.receive_keys(terms.leader, label, choices, rng)
    yield from stage("vole")
    sender = vole.Sender(terms.leader, terms.sid, terms.instance, slots(terms.leader_size), chosen, choices, rng)
    yield from sender.attend()
    store = yield from _add_store(terms, sender)
    tables = multiples(sender.scalar)
    yield from stage("values")
    cut = np.empty((terms.data_size, terms.value_bytes), dtype=np.uint8)
    for start, stop in chunks(len(numbers), _BLOCK_ROWS):
        rows = numbers[start:stop]
        at_rows = okvs.decode(items.store_seed, store, items.keys(rows), terms.leader_size)
        add_products(tables, items.targets(rows), at_rows)
        cut[start:stop] = items.values(at_rows, rows)
    del store
    padding = terms.data_size - len(numbers)
    random = np.frombuffer(rng.bytes(padding * terms.value_bytes), dtype=np.uint8)
    cut[len(numbers) :] = random.reshape(padding, terms.value_bytes)
    shuffle_rows(cut, rng)
    for start, stop in chunks(terms.data_size, _rows_per_frame(terms)):
        yield from send(terms.leader, CutValues(cut[start:stop]))


def _add_store(terms: PairTerms, sender: vole.Sender) -> Role[NDArray[np.uint64]]:
    """Return K = B + (P + A) * D, (slots, 2) words: some batches of B ahead of the leader's store, never all of them.

    Both ends send at the same time here. If one sent everything before it read, both could wait for room for ever.
    """
    tables = multiples(sender.scalar)
    bounds = np.cumsum([0, *(batch.used for batch in sender.plan)])
    store = np.empty((int(bounds[-1]), WORDS), dtype=np.uint64)
    for number in range(len(sender.plan) + _BATCHES_AHEAD):
        if number < len(sender.plan):
            store[bounds[number] : bounds[number + 1]] = yield from sender.batch(number)
        if number >= _BATCHES_AHEAD:
            first, last = bounds[number - _BATCHES_AHEAD], bounds[number - _BATCHES_AHEAD + 1]
            for start, stop in chunks(int(last - first), _SLOTS_PER_FRAME):
                masked = yield from recv(terms.leader, MaskedStore, (stop - start, ELEMENT_BYTES))
                here = store[first + start : first + stop]
                add_products(tables, np.ascontiguousarray(masked.rows).view("<u8"), here)
    return store


def _rows_per_frame(terms: PairTerms) -> int:
    return FRAME_PAYLOAD_BYTES // terms.value_bytes


class _Items:
    """What both parties compute of a row: its key in the store, its value H there, and the last hash."""

    def __init__(self, terms: PairTerms) -> None:
        self.store_seed = public_key(terms.sid, "vole-store")
        self._keys = public_key(terms.sid, "vole-item/key")
        self._targets = public_key(terms.sid, "vole-item/target")
        self._person = _PURPOSE + terms.instance.to_bytes(6, "big")
        self._value_bytes = terms.value_bytes

    def keys(self, numbers: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """Return the rows' keys in the store, (n, 16) bytes."""
        return encrypt_blocks(self._keys, encode_items(numbers, _ITEM_INDEX))

    def targets(self, numbers: NDArray[np.uint32]) -> NDArray[np.uint64]:
        """Return H of the rows, (n, 2) words."""
        return encrypt_blocks(self._targets, encode_items(numbers, _ITEM_INDEX)).view("<u8")

    def values(self, at_rows: NDArray[np.uint64], numbers: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """Hash what the store gave at the rows, with the rows themselves; cut."""
        blocks = np.zeros((len(numbers), ROW_BYTES), dtype=np.uint8)
        blocks[:, :ELEMENT_BYTES] = at_rows.view(np.uint8).reshape(-1, WORDS * 8)
        blocks[:, ELEMENT_BYTES : 2 * ELEMENT_BYTES] = encode_items(numbers, _ITEM_INDEX)
        return blake2s_rows(blocks, np.zeros(len(numbers), dtype=np.uint64), self._person)[:, : self._value_bytes]
