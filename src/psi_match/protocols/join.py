"""Private join: a data party's columns reach the leader's bins as shares; nobody learns which rows matched.

The leader's rows are in a cuckoo table; both run a batched OPRF on it (``join_oprf``), so the leader gets F_b at its
own item of each bin b. The data party owns random values r_b (a tag) and s_b (a payload mask) that the compute parties
hold as shares. For each of its rows y and hash index k, with b = h_k(y), it programs

    F_b(y, k)  ->  (r_b, payload(y) ^ s_b),        masked by a stream of that F,

in an oblivious key-value store per chunk of bins. The leader decodes every bin to (t_b, p_b): equal to
(r_b, payload ^ s_b) where its row is in the data party's set, pseudorandom otherwise. It cannot tell which, because r_b
is unknown to it. The leader then shares t and p among the compute parties, which compute

    found_b = (t_b == r_b),        payload_b = found_b ? p_b ^ s_b : 0.

The same (r_b, s_b) is programmed for every row of a bin. That is sound because the leader holds exactly one F per bin,
as long as it does not know the secret of F, so it can unmask at most one of them.

Reveals:
    Leader: the data party's public size. Data party: the leader's public size; with engine ``vole`` that it sees no
    more of the leader's rows rests on learning parity with noise. Compute parties: both sizes.
    Two compute parties together: which of the leader's rows matched, and their payloads; a data party among them also
    which of its own rows.

Source:
    Pinkas, Schneider, Tkachenko, Yanai (ePrint 2019/241) for circuit PSI from programmed OPRFs; Kolesnikov, Matania,
    Pinkas, Rosulek, Trieu (ePrint 2017/799) for the programmed OPRF; Chandran, Dasgupta, Gupta, Obbattu, Sekar, Shah
    (ePrint 2021/172) for its use with a quorum that computes on the shares.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import InternalError, OkvsFailure
from psi_match.base.randomness import RandomSource
from psi_match.crypto import okvs
from psi_match.crypto.aes import BLOCK_BYTES, KEY_BYTES, KeyStreams, encrypt_blocks
from psi_match.crypto.bit_matrix import transpose_columns
from psi_match.crypto.blake2s import DIGEST_BYTES
from psi_match.crypto.derive import public_key
from psi_match.crypto.expanded_seed import ExpandedSeed
from psi_match.crypto.items import encode_items
from psi_match.crypto.kernel import kernel
from psi_match.crypto.okvs_size import slots
from psi_match.crypto.shuffling import gather_numbers
from psi_match.protocols import join_oprf
from psi_match.protocols.circuits import WORD_ROWS, Planes, words_for
from psi_match.protocols.effects import Role, Rows, Started, finish, recv, send
from psi_match.protocols.effects import start as start_task
from psi_match.protocols.join_oprf import DataOprf, Evaluator, LeaderOprf
from psi_match.protocols.join_terms import JoinTerms
from psi_match.protocols.sharing import RandomPlanes
from psi_match.protocols.sizes import CHUNK_BINS, FRAME_PAYLOAD_BYTES, chunks
from psi_match.protocols.tables import PIECE_ENTRIES, CuckooTable, positions_key, simple_table

TASKS = 4
"""Chunks that a data party computes at a time, in its node's threads or on its own cluster."""
KEYS_AT_A_TIME = 1 << 20
"""And keys in them, by their public bound: a small leader's chunk holds nearly the whole of a large set, some 170 bytes
a key while its store is solved."""
AHEAD = TASKS + 1
"""Chunks that the leader sends before it reads the answer to the first. Both ends must go by the same number: whoever
changes it changes the wire version."""


class Store(Rows):
    """The key-value store of one chunk of bins: (slots, value bytes)."""

    STEP = "join-store"


@dataclass(frozen=True, slots=True, repr=False)
class Payload:
    """A data party's set with what it contributes per row.

    Args:
        numbers: (n,) distinct BSNs.
        fields: values and widths, lowest bits first; values are integers below 2^width, or two's complement.
    """

    numbers: NDArray[np.uint32]
    fields: tuple[tuple[NDArray[np.int64], int], ...]

    def __repr__(self) -> str:
        return f"Payload({len(self.numbers)} rows)"

    def packed(self, first_bit: int, words: int) -> NDArray[np.uint64]:
        """Return one row of words per BSN, the fields behind each other from ``first_bit`` on."""
        out = np.zeros((len(self.numbers), words), dtype=np.uint64)
        for values, bits in self.fields:
            _deposit(out, values.astype(np.int64, copy=False), first_bit, bits)
            first_bit += bits
        return out


def lead(terms: JoinTerms, table: CuckooTable, rng: RandomSource) -> Role[Planes]:
    """Play the leader.

    Args:
        terms: the public terms.
        table: the leader's cuckoo table of ``terms.bins`` bins.
        rng: fresh local randomness.

    Returns:
        (value bits, words): t and p of every bin, as bit planes. Pseudorandom to the leader, match or not.

    Raises:
        PeerError: the data party sends something that is not of the agreed kind, size or group.

    Reveals:
        To the data party: the leader's public size.
    """
    receiver = LeaderOprf(terms, rng)
    yield from receiver.meet()
    dummies = KeyStreams([rng.bytes(KEY_BYTES)])
    planes = np.zeros((terms.value_bits, terms.words), dtype=np.uint64)
    all_chunks = chunks(terms.bins, CHUNK_BINS)
    waiting: deque[NDArray[np.uint8]] = deque()
    for number in range(len(all_chunks) + AHEAD):
        if number < len(all_chunks):
            start, stop = all_chunks[number]
            items, _, _, _ = table.items(start, stop, dummies)
            waiting.append((yield from receiver.chunk(start, items)))
        if number >= AHEAD:
            start, stop = all_chunks[number - AHEAD]
            values = yield from _receive_values(terms, stop - start, waiting.popleft())
            first_word = start // WORD_ROWS
            planes[:, first_word : first_word + words_for(stop - start)] = _row_planes(values, terms.value_bits)
    return planes


def answer(terms: JoinTerms, payload: Payload, secrets: RandomPlanes, rng: RandomSource) -> Role[None]:
    """Play the data party.

    Args:
        terms: the public terms.
        payload: own rows, at most ``terms.data_size``.
        secrets: r and s: random planes of ``terms.value_bits``, whose shares the compute parties hold.
        rng: fresh local randomness.

    Raises:
        PeerError: the leader sends something that is not of the agreed kind, size or group.
        OkvsFailure: a store cannot be solved; below 2^-40 for the whole session.

    Reveals:
        To the leader: this set's public size.
    """
    numbers = payload.numbers
    if len(numbers) > terms.data_size:
        raise InternalError("The set is larger than its public size.", peer=terms.leader, step=Store.STEP)
    sender = DataOprf(terms, AHEAD - TASKS + 1, rng)
    yield from sender.meet()
    packed = payload.packed(terms.tag_bits, terms.value_words)
    table = simple_table(positions_key(terms.sid), numbers, terms.bins)
    programming: deque[Started[NDArray[np.uint8]]] = deque()
    ready: deque[NDArray[np.uint8]] = deque()
    for (start, stop), entries in zip(chunks(terms.bins, CHUNK_BINS), table, strict=True):
        here = yield from sender.chunk(start, stop - start)
        at_a_time = max(1, min(TASKS, KEYS_AT_A_TIME // terms.capacity(stop - start)))
        while len(programming) >= at_a_time:
            ready.append((yield from finish(programming.popleft())))
        secret_rows = _plane_rows(secrets.read_values(words_for(stop - start)), terms.value_words)
        values = _programmed(secret_rows, entries.bins, start, packed, entries.rows)
        own = ChunkRows(gather_numbers(numbers, entries.rows), entries.bins, entries.hash_index, values)
        programming.append((yield from start_task(program, terms, stop - start, here, own, rng.bytes(KEY_BYTES))))
        # Stores leave where the leader reads them, whenever they were computed.
        if len(ready) + len(programming) >= TASKS:
            yield from _send_store(terms, (yield from _next_store(ready, programming)))
    while ready or programming:
        yield from _send_store(terms, (yield from _next_store(ready, programming)))


def _next_store(
    ready: deque[NDArray[np.uint8]], programming: deque[Started[NDArray[np.uint8]]]
) -> Role[NDArray[np.uint8]]:
    """Return the oldest store, computed before or awaited now."""
    return ready.popleft() if ready else (yield from finish(programming.popleft()))


@dataclass(frozen=True, slots=True, repr=False)
class ChunkRows:
    """A data party's rows in one chunk of bins, once per hash index that puts them there.

    Args:
        numbers: (n,) BSNs.
        bins: (n,) global bin indices.
        hash_index: (n,) under which hash index.
        values: (n, value words) what the leader is to decode at them.
    """

    numbers: NDArray[np.uint32]
    bins: NDArray[np.uint32]
    hash_index: NDArray[np.uint8]
    values: NDArray[np.uint64]


def program(terms: JoinTerms, bins: int, oprf: Evaluator, own: ChunkRows, seed: bytes) -> NDArray[np.uint8]:
    """Task of the data party: evaluate F at the rows of a chunk and solve for its key-value store.

    Args:
        terms: the public terms.
        bins: bins of the chunk.
        oprf: F in the chunk.
        own: the rows that fall into it.
        seed: fresh secret randomness for the free slots.

    Returns:
        (slots, value bytes) as it is sent.

    Raises:
        OkvsFailure: the store cannot be solved, or too many rows fall into the chunk; below 2^-40 for the session.
    """
    capacity = terms.capacity(bins)
    if len(own.bins) > capacity:
        raise OkvsFailure("More rows fall into one chunk of bins than the public bound allows.", "Start the run again.")
    outputs = np.empty((len(own.bins), DIGEST_BYTES), dtype=np.uint8)
    for start, stop in chunks(len(own.bins), PIECE_ENTRIES):
        items = encode_items(own.numbers[start:stop], own.hash_index[start:stop])
        outputs[start:stop] = oprf.evaluate(own.bins[start:stop], items)
    values = own.values ^ _masks(terms, outputs)
    keys = np.ascontiguousarray(outputs[:, :BLOCK_BYTES])
    table = okvs.encode(_store_seed(terms), keys, values, capacity, ExpandedSeed(seed))
    return np.ascontiguousarray(table.view(np.uint8)[:, : terms.value_bytes])


def plaintext_join(
    items: NDArray[np.uint32], payload: Payload
) -> tuple[NDArray[np.bool_], tuple[NDArray[np.int64], ...]]:
    """The plaintext twin: per item of the leader whether it was found, and the fields, zero where not."""
    order = np.argsort(payload.numbers, kind="stable")
    ordered = payload.numbers[order]
    at = np.minimum(np.searchsorted(ordered, items), max(0, len(ordered) - 1))
    found = ordered[at] == items if len(ordered) else np.zeros(len(items), dtype=np.bool_)
    fields = []
    for values, _ in payload.fields:
        taken = np.zeros(len(items), dtype=np.int64)
        taken[found] = values[order[at[found]]]
        fields.append(taken)
    return found, tuple(fields)


def message_count(terms: JoinTerms) -> int:
    """Return the messages of one join, both directions: for progress displays."""
    stores = sum(
        len(chunks(slots(terms.capacity(stop - start)), _slots_per_frame(terms)))
        for start, stop in chunks(terms.bins, CHUNK_BINS)
    )
    return join_oprf.message_count(terms, len(chunks(terms.bins, CHUNK_BINS))) + stores


def _store_seed(terms: JoinTerms) -> bytes:
    return public_key(terms.sid, f"store/{terms.instance}")


def _slots_per_frame(terms: JoinTerms) -> int:
    return FRAME_PAYLOAD_BYTES // terms.value_bytes


def _masks(terms: JoinTerms, outputs: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return the mask of each value: blocks AES_K(seed ^ j) ^ seed ^ j, with bytes 16-31 of F as the seed.

    K is public; what makes a block unpredictable is its seed, a hash output that only the holder of this F knows.
    """
    key = public_key(terms.sid, "value-mask")
    masks = np.empty((len(outputs), 2 * -(-terms.value_words // 2)), dtype=np.uint64)
    # A copy in any case: what numpy takes for contiguous depends on the number of rows.
    seeds = outputs[:, BLOCK_BYTES:].copy().view("<u8")
    for block in range(masks.shape[1] // 2):
        here = seeds.copy()
        here[:, 0] ^= np.uint64(block)
        masks[:, 2 * block : 2 * block + 2] = encrypt_blocks(key, here.view(np.uint8)).view("<u8") ^ here
    return np.ascontiguousarray(masks[:, : terms.value_words])


def _send_store(terms: JoinTerms, table: NDArray[np.uint8]) -> Role[None]:
    for start, stop in chunks(len(table), _slots_per_frame(terms)):
        yield from send(terms.leader, Store(table[start:stop]))


def _receive_values(terms: JoinTerms, bins: int, outputs: NDArray[np.uint8]) -> Role[NDArray[np.uint64]]:
    capacity = terms.capacity(bins)
    table = np.zeros((slots(capacity), 8 * terms.value_words), dtype=np.uint8)
    for start, stop in chunks(len(table), _slots_per_frame(terms)):
        store = yield from recv(terms.data_party, Store, (stop - start, terms.value_bytes))
        table[start:stop, : terms.value_bytes] = store.rows
    keys = np.ascontiguousarray(outputs[:, :BLOCK_BYTES])
    values = okvs.decode(_store_seed(terms), table.view("<u8"), keys, capacity)
    values ^= _masks(terms, outputs)
    return values


def _row_planes(rows: NDArray[np.uint64], bits: int) -> Planes:
    """Turn (n, value words) into (bits, words) planes."""
    padded = np.zeros((words_for(len(rows)) * WORD_ROWS, rows.shape[1]), dtype=np.uint64)
    padded[: len(rows)] = rows
    planes: Planes = transpose_columns(padded.view(np.uint8)).view("<u8")[:bits]
    return planes


def _plane_rows(planes: Planes, words: int) -> NDArray[np.uint64]:
    """Turn (bits, plane words) into (rows, value words); bits beyond the planes are zero."""
    padded = np.zeros((64 * words, planes.shape[1]), dtype=np.uint64)
    padded[: len(planes)] = planes
    rows: NDArray[np.uint64] = transpose_columns(padded.view(np.uint8)).view("<u8")
    return rows


@kernel
def _deposit(out: NDArray[np.uint64], values: NDArray[np.int64], first_bit: int, bits: int) -> None:
    """Set bits first_bit to first_bit + bits - 1 of each row; a value has at most 64 bits."""
    word, shift = first_bit // 64, np.uint64(first_bit % 64)
    mask = ~np.uint64(0) if bits == 64 else (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    crosses = first_bit % 64 + bits > 64
    for row in range(out.shape[0]):
        value = np.uint64(values[row]) & mask
        out[row, word] |= value << shift
        if crosses:
            out[row, word + 1] |= value >> (np.uint64(64) - shift)


@kernel
def _combine(
    secret_rows: NDArray[np.uint64],
    bins: NDArray[np.uint32],
    first_bin: int,
    packed: NDArray[np.uint64],
    rows: NDArray[np.uint32],
    out: NDArray[np.uint64],
) -> None:
    for i in range(out.shape[0]):
        for word in range(out.shape[1]):
            out[i, word] = secret_rows[bins[i] - first_bin, word] ^ packed[rows[i], word]


def _programmed(
    secret_rows: NDArray[np.uint64],
    bins: NDArray[np.uint32],
    first_bin: int,
    packed: NDArray[np.uint64],
    rows: NDArray[np.uint32],
) -> NDArray[np.uint64]:
    """Return (r_b, payload ^ s_b) of each entry: (entries, value words)."""
    out = np.empty((len(bins), packed.shape[1]), dtype=np.uint64)
    _combine(secret_rows, bins, first_bin, packed, rows, out)
    return out
