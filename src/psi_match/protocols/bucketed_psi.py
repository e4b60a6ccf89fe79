"""Two-party intersection, engine ``kkrt-buckets``: ``kkrt`` in hash buckets that can be computed on several machines.

1. Both split their rows into buckets (``protocols.buckets``) and play base OTs once.
2. For each bucket the leader builds a cuckoo table and masks its bins; the data party evaluates F at its own rows of
   that bucket, cuts the values, pads each of the three lists to the bucket's capacity, shuffles it as a whole and sends
   it; the leader compares. Bucket after bucket on one stream, all of constant size.
3. Masking, evaluating and comparing are tasks: pure functions that a driver computes in threads or on a party's own
   cluster. At most ``WINDOW`` buckets are under way at each end, whatever their number.

**One OPRF instance over all buckets.** Bins are numbered through all buckets, and the hash takes that number: the run
is KKRT on one table of buckets x bins, with one choice vector s for all its bins, as KKRT has it. What differs is how a
column's stream is made from its base-OT key k: not one AES-CTR stream, but one for each bucket, under the key
BLAKE2s_k(session id, bucket). That is a pseudorandom function followed by a pseudorandom generator, so all columns of
all buckets are jointly pseudorandom under k, and no two buckets share a stretch of a stream: restarting one would show
the sender the difference of two code words. Each task gets the keys of its bucket and no other.

**Lists per bucket tell nothing.** Values sent per *chunk* would place the data party's other rows: how many come
with a chunk follows from them. A bucket's lists always have its capacity. What is no match of the leader is a value
that the leader cannot tell from the padding beside it, so its view follows from its own result: of each bucket, its
matches among uniform rows.

Kept per row: 8 bytes of BSNs and order at each end, 1 byte of answer at the leader; everything else is per bucket.

Reveals:
    Leader: which of its own rows are in the data party's set, and the data party's public size.
    Data party: the leader's public size.
    Either, and whoever watches the network: how long the other computes each bucket, which grows with its true rows.
    Message sizes, counts and order follow from public sizes alone.
    Whoever computes a task: the BSNs of its bucket, and of the data party the choice bits s: workers are trusted as
    the party itself.
    Both together: everything; there is no third party.

Source:
    As ``protocols.psi``; buckets: Pinkas, Schneider, Segev, Zohner (ePrint 2015/634).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import InternalError
from psi_match.base.randomness import RandomSource
from psi_match.crypto.aes import KEY_BYTES, KeyStreams
from psi_match.crypto.blake2s import ROW_BYTES
from psi_match.crypto.derive import secret_key
from psi_match.crypto.expanded_seed import ExpandedSeed
from psi_match.crypto.hashes import HASHES
from psi_match.crypto.items import encode_items
from psi_match.crypto.shuffling import shuffle_rows
from psi_match.protocols import base_ot, oprf
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.buckets import BucketTerms, Split, split
from psi_match.protocols.effects import Role, Started, finish, recv, send, stage, start
from psi_match.protocols.psi import CutValues, Lookup, append_by_index
from psi_match.protocols.sizes import CHUNK_BINS, FRAME_PAYLOAD_BYTES, chunks
from psi_match.protocols.tables import CuckooTable, positions_key, simple_table

WINDOW = 8
"""Buckets that the leader may be ahead of the last lists it has received, and that either end computes at a time. Both
ends must go by the same number: whoever changes it changes the wire version."""


@dataclass(frozen=True, slots=True, repr=False)
class OwnValues:
    """The leader's own values of one bucket.

    Args:
        values: (n, value bytes) cut values of its rows.
        hash_index: (n,) under which hash index each row is in its bin.
    """

    values: NDArray[np.uint8]
    hash_index: NDArray[np.uint8]


def _list_frames(terms: BucketTerms) -> list[tuple[int, int]]:
    return chunks(terms.data_rows, FRAME_PAYLOAD_BYTES // terms.value_bytes)


def message_count(pair: PairTerms) -> int:
    """Return the messages of one run in both directions."""
    terms = BucketTerms.of(pair)
    return 2 + terms.buckets * (len(chunks(terms.bins, CHUNK_BINS)) + HASHES * len(_list_frames(terms)))


def _of_bucket(terms: BucketTerms, key: bytes, bucket: int) -> bytes:
    """Return the key of a column's stream in one bucket, from the column's base-OT key."""
    return secret_key(key, terms.pair.sid, "bucketed-psi/column", terms.pair.instance, bucket)


def lead(terms: BucketTerms, numbers: NDArray[np.uint32], rng: RandomSource) -> Role[NDArray[np.bool_]]:
    """Play the leader.

    Args:
        terms: the public terms.
        numbers: (n,) the leader's distinct BSNs, fixed before the session id was known.
        rng: fresh local randomness.

    Returns:
        (n,) True where the leader's row is in the data party's set.

    Raises:
        SeedFailure: a bucket overflows or its rows fit no table; below 2^-40 in the session.
        PeerError: the data party sends something that is not of the agreed kind, size or group.

    Reveals:
        To the data party: the leader's public size.
    """
    own = split(terms.pair.sid, numbers, terms.buckets, terms.leader_rows)
    yield from stage("base-ot")
    label = base_ot.OtLabel(terms.pair.sid, terms.pair.instance)
    keys = yield from base_ot.send_keys(terms.pair.data_party, label, rng)
    yield from stage("buckets")
    found = np.zeros(len(numbers), dtype=np.bool_)
    masking: deque[Started[tuple[NDArray[np.uint8], OwnValues]]] = deque()
    unanswered: deque[OwnValues] = deque()
    matching: deque[Started[NDArray[np.bool_]]] = deque()
    begun = answered = matched = 0
    while matched < terms.buckets:
        while begun < terms.buckets and len(masking) < WINDOW:
            pairs = [(_of_bucket(terms, zero, begun), _of_bucket(terms, one, begun)) for zero, one in keys]
            masking.append((yield from start(mask, terms, begun, own.of(begun), pairs, rng.bytes(KEY_BYTES))))
            begun += 1
        if masking:
            rows, values = yield from finish(masking.popleft())
            for first, last in chunks(terms.bins, CHUNK_BINS):
                yield from send(terms.pair.data_party, oprf.MaskedRows(rows[first:last]))
            del rows
            unanswered.append(values)
        if unanswered and (len(unanswered) > WINDOW or not masking):
            lists = yield from _receive_lists(terms)
            matching.append((yield from start(match, unanswered.popleft(), lists)))
            answered += 1
        if matching and (len(matching) > WINDOW or answered == terms.buckets):
            found[own.rows(matched)] = yield from finish(matching.popleft())
            matched += 1
    return found


def _receive_lists(terms: BucketTerms) -> Role[NDArray[np.uint8]]:
    """Receive the three lists of a bucket: (3, capacity, value bytes)."""
    lists = np.empty((HASHES, terms.data_rows, terms.value_bytes), dtype=np.uint8)
    for one in lists:
        for first, last in _list_frames(terms):
            values = yield from recv(terms.pair.data_party, CutValues, (last - first, terms.value_bytes))
            one[first:last] = values.rows
    return lists


def answer(terms: BucketTerms, numbers: NDArray[np.uint32], rng: RandomSource) -> Role[None]:
    """Play the data party.

    Args:
        terms: the public terms.
        numbers: (m,) the data party's distinct BSNs, fixed before the session id was known.
        rng: fresh local randomness.

    Raises:
        BucketOverflow: a bucket gets too many rows; below 2^-40 in the session.
        PeerError: the leader sends something that is not of the agreed kind, size or group.

    Reveals:
        To the leader: which of its rows are in this set, and this set's public size.
    """
    if len(numbers) > terms.pair.data_size:
        raise InternalError("The set is larger than its public size.", peer=terms.pair.leader, step=CutValues.STEP)
    own: Split = split(terms.pair.sid, numbers, terms.buckets, terms.data_rows)
    yield from stage("base-ot")
    label = base_ot.OtLabel(terms.pair.sid, terms.pair.instance)
    choices = oprf.choice_bits(rng.bytes(oprf.CHOICE_BYTES))
    keys = yield from base_ot.receive_keys(terms.pair.leader, label, choices, rng)
    yield from stage("buckets")
    evaluating: deque[Started[NDArray[np.uint8]]] = deque()
    for bucket in range(terms.buckets):
        masked = np.empty((terms.bins, ROW_BYTES), dtype=np.uint8)
        for first, last in chunks(terms.bins, CHUNK_BINS):
            message = yield from recv(terms.pair.leader, oprf.MaskedRows, (last - first, ROW_BYTES))
            masked[first:last] = message.rows
        chosen = [_of_bucket(terms, key, bucket) for key in keys]
        seed = rng.bytes(KEY_BYTES)
        task = yield from start(evaluate, terms, bucket, own.of(bucket), chosen, choices, masked, seed)
        evaluating.append(task)
        del masked
        if len(evaluating) > WINDOW:
            yield from _send_lists(terms, (yield from finish(evaluating.popleft())))
    while evaluating:
        yield from _send_lists(terms, (yield from finish(evaluating.popleft())))


def _send_lists(terms: BucketTerms, lists: NDArray[np.uint8]) -> Role[None]:
    for one in lists:
        for first, last in _list_frames(terms):
            yield from send(terms.pair.leader, CutValues(one[first:last]))


def mask(
    terms: BucketTerms, bucket: int, numbers: NDArray[np.uint32], keys: list[tuple[bytes, bytes]], dummy_key: bytes
) -> tuple[NDArray[np.uint8], OwnValues]:
    """Task of the leader: put a bucket's rows in a cuckoo table, mask its bins, and evaluate F at its own rows.

    Args:
        terms: the public terms.
        bucket: its number.
        numbers: (n,) the leader's BSNs in it.
        keys: both keys of each column's stream in this bucket.
        dummy_key: fresh secret key of the stream from which empty bins get their items.

    Returns:
        (bins, 56) masked rows; the own values.

    Raises:
        CuckooFailure: the rows fit no table.
    """
    table = CuckooTable.build(terms.pair.sid, numbers, terms.bins)
    receiver = oprf.Receiver(keys, oprf.Code(terms.pair.sid), terms.pair.instance)
    dummies = KeyStreams([dummy_key])
    masked = np.empty((terms.bins, ROW_BYTES), dtype=np.uint8)
    values = np.empty((len(numbers), terms.value_bytes), dtype=np.uint8)
    index = np.empty(len(numbers), dtype=np.uint8)
    for first, last in chunks(terms.bins, CHUNK_BINS):
        items, occupied, rows, hash_index = table.items(first, last, dummies)
        message, outputs = receiver.chunk(terms.first_bin(bucket) + first, items)
        masked[first:last] = message.rows
        values[rows] = outputs[occupied, : terms.value_bytes]
        index[rows] = hash_index
    return masked, OwnValues(values, index)


def evaluate(
    terms: BucketTerms,
    bucket: int,
    numbers: NDArray[np.uint32],
    keys: list[bytes],
    choices: list[int],
    masked: NDArray[np.uint8],
    seed: bytes,
) -> NDArray[np.uint8]:
    """Task of the data party: evaluate F at a bucket's rows; cut, pad and shuffle the values.

    Args:
        terms: the public terms.
        bucket: its number.
        numbers: (m,) the data party's BSNs in it.
        keys: the chosen key of each column's stream in this bucket.
        choices: the secret choice bits.
        masked: (bins, 56) what the leader sent.
        seed: fresh secret randomness for padding and shuffles.

    Returns:
        (3, capacity, value bytes): one list per hash index.
    """
    sender = oprf.Sender(keys, choices, oprf.Code(terms.pair.sid), terms.pair.instance)
    lists = np.empty((HASHES, terms.data_rows, terms.value_bytes), dtype=np.uint8)
    filled = np.zeros(HASHES, dtype=np.int64)
    offset = terms.first_bin(bucket)
    table = simple_table(positions_key(terms.pair.sid), numbers, terms.bins)
    for (first, last), entries in zip(chunks(terms.bins, CHUNK_BINS), table, strict=True):
        here = sender.absorb(offset + first, oprf.MaskedRows(masked[first:last]))
        items = encode_items(numbers[entries.rows], entries.hash_index)
        values = here.evaluate(entries.bins + np.uint32(offset), items)
        append_by_index(values, entries.hash_index, lists[0], lists[1], lists[2], filled)
    if (filled != len(numbers)).any():
        # What was not filled is whatever memory held: it must never be sent.
        raise InternalError("The simple table does not list every row.", step=CutValues.STEP)
    rng = ExpandedSeed(seed)
    padding = terms.data_rows - len(numbers)
    for one in lists:
        random = np.frombuffer(rng.bytes(padding * terms.value_bytes), dtype=np.uint8)
        one[len(numbers) :] = random.reshape(padding, terms.value_bytes)
        shuffle_rows(one, rng)
    return lists


def match(own: OwnValues, lists: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Task of the leader: which of its rows of a bucket have their value in the list of their hash index.

    Args:
        own: the leader's values.
        lists: (3, capacity, value bytes) what the data party sent.

    Returns:
        (n,) True where the row is in the data party's set.
    """
    found = np.zeros(len(own.values), dtype=np.bool_)
    for k in range(HASHES):
        Lookup(own.values, np.flatnonzero(own.hash_index == k).astype(np.uint32)).mark(lists[k], found)
    return found
