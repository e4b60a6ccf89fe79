"""Replicated secret sharing of bits among three compute parties, one of which may be corrupted.

A bit x is x0 ^ x1 ^ x2. Party P0 holds (x0, x1), P1 holds (x1, x2), P2 holds (x2, x0): any one party holds two of three
uniform shares, any two hold all. XOR is local. An AND costs one bit sent per party: P_i computes its summand

    z_i = x_i y_i ^ x_i y_(i+1) ^ x_(i+1) y_i ^ a_i,        a_0 ^ a_1 ^ a_2 = 0 from pairwise streams,

and sends it to P_(i-1), which thereby holds (z_(i-1), z_i). Everything is bit-sliced: 64 rows per word, all ANDs of one
level of a circuit in one message.

Shares are arrays (2, bits, words): component 0 is x_i, component 1 is x_(i+1).

Reveals:
    Compute party: nothing; each message that it gets is masked by a stream that it does not know. Two compute parties
    together: every shared value.
    Recipient of an opening: the opened value, nothing else: shares are refreshed before they leave for an outsider, and
    a compute party that is the recipient gets the one share that the value and its own two shares determine.

Source:
    Araki, Furukawa, Lindell, Nof, Ohara (ePrint 2016/768) for the AND and its correlated zero shares, in the share form
    of Mohassel and Rindal, ABY3 (ePrint 2018/403).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.base.randomness import RandomSource
from psi_match.crypto.aes import KEY_BYTES, KeyStreams
from psi_match.crypto.derive import secret_key
from psi_match.crypto.kernel import kernel
from psi_match.protocols.circuits import COMPUTE_PARTIES, ONE, XOR, Circuit, Planes, step_words
from psi_match.protocols.effects import Message, Role, Rows, recv, send
from psi_match.protocols.sizes import FRAME_PAYLOAD_BYTES, chunks

PAIR_KEY_BYTES = 32
Shares = NDArray[np.uint64]
"""(2, bits, words)."""
Path = tuple[str | int, ...]
"""Where in a session a stream is used; never used twice with one key and purpose."""


class PairKey(Rows):
    """A fresh key for the streams of two compute parties: (1, 32)."""

    STEP = "pair-key"


class InputKeys(Rows):
    """The keys of the two streams from which an outsider's inputs are shared, those that this party holds: (k, 32)."""

    STEP = "input-keys"


class InputShares(Rows):
    """One share of an input: (bits, 8 words)."""

    STEP = "input-shares"


class RandomSeeds(Rows):
    """The two seeds of a random input that this party holds: (2, 16)."""

    STEP = "random-seeds"


class AndShares(Rows):
    """Summands of all ANDs of one level: (gates, 8 words)."""

    STEP = "and-level"


class OpenedShares(Rows):
    """Shares of values that the recipient may learn: (bits, 8 words)."""

    STEP = "opened-shares"


@dataclass(frozen=True, slots=True, repr=False)
class ComputeParty:
    """One of the three compute parties of a session.

    Args:
        parties: the three party ids, P0, P1, P2.
        index: which of them this party is.
        sid: session id.
        next_key: secret shared with P_(i+1).
        previous_key: secret shared with P_(i-1).
    """

    parties: tuple[str, str, str]
    index: int
    sid: bytes
    next_key: bytes
    previous_key: bytes

    def __repr__(self) -> str:
        return f"ComputeParty({self.parties[self.index]})"

    @property
    def next(self) -> str:
        """Party id of P_(i+1)."""
        return self.parties[(self.index + 1) % COMPUTE_PARTIES]

    @property
    def previous(self) -> str:
        """Party id of P_(i-1)."""
        return self.parties[(self.index - 1) % COMPUTE_PARTIES]

    def with_next(self, purpose: str, path: Path) -> KeyStreams:
        """Return a stream that P_(i+1) can compute too."""
        return KeyStreams([secret_key(self.next_key, self.sid, purpose, *path)])

    def with_previous(self, purpose: str, path: Path) -> KeyStreams:
        """Return a stream that P_(i-1) can compute too."""
        return KeyStreams([secret_key(self.previous_key, self.sid, purpose, *path)])

    @property
    def public_component(self) -> int:
        """Component in which a public constant is added, x0: 0 for P0, 1 for P2, none (-1) for P1."""
        return {0: 0, 1: -1, 2: 1}[self.index]


def exchange_keys(parties: tuple[str, str, str], party: str, sid: bytes, rng: RandomSource) -> Role[ComputeParty]:
    """Agree on one fresh key per pair of compute parties: the lower party id draws it.

    Reveals:
        The pair: the key. Nobody else: it travels over the mutually authenticated, encrypted link of the two.
    """
    index = parties.index(party)
    keys = {}
    others = [parties[(index + 1) % COMPUTE_PARTIES], parties[(index - 1) % COMPUTE_PARTIES]]
    for other in others:
        if party < other:
            keys[other] = rng.bytes(PAIR_KEY_BYTES)
            yield from send(other, PairKey(_bytes(keys[other], 1)))
    for other in others:
        if other < party:
            keys[other] = (yield from recv(other, PairKey, (1, PAIR_KEY_BYTES))).rows.tobytes()
    return ComputeParty(parties, index, sid, keys[others[0]], keys[others[1]])


def evaluate(
    circuit: Circuit, me: ComputeParty, inputs: Mapping[str, Shares], words: int, path: Path
) -> Role[dict[str, Shares]]:
    """Evaluate a circuit on shares.

    Args:
        circuit: the circuit.
        me: this compute party.
        inputs: (2, bits, words) shares of every input field; fields that the circuit lacks are ignored.
        words: words per plane.
        path: where in the session.

    Returns:
        (2, bits, words) shares of every output field.
    """
    outputs = {name: np.empty((2, bits, words), dtype=np.uint64) for name, bits in circuit.output_bits().items()}
    schedule = circuit.schedule
    for chunk, (start, stop) in enumerate(chunks(words, step_words(circuit))):
        planes = np.empty((max(1, schedule.slots), 2, stop - start), dtype=np.uint64)
        for name, slots in schedule.inputs.items():
            planes[list(slots)] = inputs[name][:, :, start:stop].transpose(1, 0, 2)
        # One stream per neighbour and chunk; levels read it in their order, which the circuit fixes.
        zero_next, zero_previous = me.with_next("zero", (*path, chunk)), me.with_previous("zero", (*path, chunk))
        for level in schedule.levels:
            _run_free(level.free, planes, me.public_component)
            gates = len(level.ands)
            if gates:
                size = 8 * gates * (stop - start)
                own = zero_next.read(size).view("<u8").reshape(gates, -1)
                own ^= zero_previous.read(size).view("<u8").reshape(gates, -1)
                _multiply(level.ands, planes, own)
                yield from send(me.previous, AndShares(own.view(np.uint8)))
                theirs = yield from recv(me.next, AndShares, (gates, 8 * (stop - start)))
                _store(level.ands, planes, own, theirs.rows.view("<u8"))
        for name, wires in schedule.outputs.items():
            for bit, slot in enumerate(wires):
                if slot >= 0:
                    outputs[name][:, bit, start:stop] = planes[slot]
                else:
                    outputs[name][:, bit, start:stop] = constant(me, slot == ONE)
    return outputs


def constant(me: ComputeParty, value: bool) -> Planes:
    """Return this party's shares of a public bit, (2, 1), to be broadcast over rows."""
    shares = np.zeros((2, 1), dtype=np.uint64)
    if value and me.public_component >= 0:
        shares[me.public_component] = ~np.uint64(0)
    return shares


# Inputs.


@dataclass(frozen=True, slots=True, repr=False)
class Outsider:
    """An input owner that is not a compute party: x0 and x1 come from streams, x2 is sent to its two holders.

    Args:
        parties: the compute parties.
        sid: session id.
        keys: the stream keys of x0 and x1.
    """

    parties: tuple[str, str, str]
    sid: bytes
    keys: tuple[bytes, bytes]

    def __repr__(self) -> str:
        return "Outsider()"


@dataclass(frozen=True, slots=True, repr=False)
class OutsideOwner:
    """What a compute party holds of an outsider: its id, and the keys of those of x0 and x1 that this party holds."""

    party: str
    keys: Mapping[int, bytes]

    def __repr__(self) -> str:
        return f"OutsideOwner({self.party})"


def announce_inputs(parties: tuple[str, str, str], sid: bytes, rng: RandomSource) -> Role[Outsider]:
    """As an outsider, draw the keys of input streams and give each compute party those that it holds."""
    keys = (rng.bytes(PAIR_KEY_BYTES), rng.bytes(PAIR_KEY_BYTES))
    for index, party in enumerate(parties):
        held = [keys[share] for share in _held(index) if share < len(keys)]
        yield from send(party, InputKeys(_bytes(b"".join(held), len(held))))
    return Outsider(parties, sid, keys)


def expect_inputs(me: ComputeParty, owner: str) -> Role[OutsideOwner]:
    """As a compute party, receive an outsider's keys of input streams."""
    held = [share for share in _held(me.index) if share < COMPUTE_PARTIES - 1]
    rows = (yield from recv(owner, InputKeys, (len(held), PAIR_KEY_BYTES))).rows
    return OutsideOwner(owner, {share: rows[position].tobytes() for position, share in enumerate(held)})


def give_input(me: ComputeParty | Outsider, planes: Planes, path: Path) -> Role[Shares | None]:
    """Share own values.

    Args:
        me: this party.
        planes: (bits, words) own values; one message of at most a frame.
        path: where in the session.

    Returns:
        This party's shares; None for an outsider.
    """
    bits, words = planes.shape
    if isinstance(me, Outsider):
        streams = [KeyStreams([secret_key(key, me.sid, "input", *path)]) for key in me.keys]
        last = planes.copy()
        for stream in streams:
            last ^= stream.read(8 * bits * words).view("<u8").reshape(bits, words)
        for index in (1, 2):
            yield from send(me.parties[index], InputShares(last.view(np.uint8)))
        return None
    shares = np.empty((2, bits, words), dtype=np.uint64)
    shares[1] = me.with_next("input", path).read(8 * bits * words).view("<u8").reshape(bits, words)
    shares[0] = planes ^ shares[1]
    yield from send(me.previous, InputShares(shares[0].view(np.uint8)))
    return shares


def take_input(me: ComputeParty, owner: str | OutsideOwner, bits: int, words: int, path: Path) -> Role[Shares]:
    """Receive shares of another party's values.

    Args:
        me: this compute party.
        owner: the party id of another compute party, or an announced outsider.
        bits: planes.
        words: words per plane.
        path: where in the session.

    Reveals:
        Nothing: of three shares this party sees two, of which the owner's value fixes only the sum with the third.
    """
    shares = np.zeros((2, bits, words), dtype=np.uint64)
    if isinstance(owner, OutsideOwner):
        for component, share in enumerate(_held(me.index)):
            if share in owner.keys:
                stream = KeyStreams([secret_key(owner.keys[share], me.sid, "input", *path)])
                shares[component] = stream.read(8 * bits * words).view("<u8").reshape(bits, words)
            else:
                shares[component] = yield from _receive_planes(owner.party, InputShares, bits, words)
    elif owner == me.previous:
        shares[0] = me.with_previous("input", path).read(8 * bits * words).view("<u8").reshape(bits, words)
    else:
        shares[1] = yield from _receive_planes(owner, InputShares, bits, words)
    return shares


class RandomPlanes:
    """Streams of random bit planes: the three shares of a random input, as far as this party holds them.

    Args:
        seeds: 16-byte seeds, each fresh: three for the owner, two for a compute party.
        bits: planes.
    """

    def __init__(self, seeds: list[bytes], bits: int) -> None:
        self._bits = bits
        self._streams = []
        for seed in seeds:
            keys = KeyStreams([seed]).read(KEY_BYTES * bits).reshape(bits, KEY_BYTES)
            self._streams.append(KeyStreams([key.tobytes() for key in keys]))

    def __repr__(self) -> str:
        return f"RandomPlanes({self._bits} bits)"

    def read(self, words: int) -> NDArray[np.uint64]:
        """Return the next words of every stream: (streams, bits, words)."""
        return np.stack([stream.read(8 * words).view("<u8") for stream in self._streams])

    def read_values(self, words: int) -> Planes:
        """As the owner, return the next words of the random values themselves: (bits, words)."""
        values: Planes = np.bitwise_xor.reduce(self.read(words))
        return values


def give_random(
    parties: tuple[str, str, str], party: str, bits: int, rng: RandomSource
) -> Role[tuple[RandomPlanes, RandomPlanes | None]]:
    """As the owner, share random values that cost nothing per row: three seeds, two of them to each compute party.

    Returns:
        The owner's streams of the values, and its streams of shares where it is a compute party itself.
    """
    seeds = [rng.bytes(KEY_BYTES) for _ in range(COMPUTE_PARTIES)]
    own: RandomPlanes | None = None
    for index, other in enumerate(parties):
        held = [seeds[share] for share in _held(index)]
        if other == party:
            own = RandomPlanes(held, bits)
        else:
            yield from send(other, RandomSeeds(_bytes(b"".join(held), 2)))
    return RandomPlanes(seeds, bits), own


def take_random(owner: str, bits: int) -> Role[RandomPlanes]:
    """As a compute party, receive the seeds of another party's random values."""
    rows = (yield from recv(owner, RandomSeeds, (2, KEY_BYTES))).rows
    return RandomPlanes([rows[0].tobytes(), rows[1].tobytes()], bits)


# Opening.


def open_to(me: ComputeParty, recipient: str, shares: Shares, path: Path) -> Role[Planes | None]:
    """Open values to one recipient, a compute party or an outsider.

    Args:
        me: this compute party.
        recipient: who learns the values.
        shares: (2, bits, words).
        path: where in the session.

    Returns:
        (bits, words) values where this party is the recipient, else None.

    Reveals:
        To the recipient: the values. To nobody else anything.
    """
    _, bits, words = shares.shape
    if recipient == me.parties[me.index]:
        opened: Planes = shares[0] ^ shares[1]
        for start, stop in chunks(words, _frame_words(bits)):
            opened[:, start:stop] ^= yield from _receive_planes(me.next, OpenedShares, bits, stop - start)
        return opened
    if recipient == me.previous:
        yield from _send_planes(recipient, shares[1])
    elif recipient not in me.parties:
        size = 8 * bits * words
        fresh = shares[0] ^ me.with_next("open", path).read(size).view("<u8").reshape(bits, words)
        fresh ^= me.with_previous("open", path).read(size).view("<u8").reshape(bits, words)
        yield from _send_planes(recipient, fresh)
    return None


def receive_opened(parties: tuple[str, str, str], bits: int, words: int) -> Role[Planes]:
    """As a recipient that is not a compute party, receive values: (bits, words).

    Reveals:
        The values: the three refreshed shares are uniform but for their sum.
    """
    opened = np.zeros((bits, words), dtype=np.uint64)
    for start, stop in chunks(words, _frame_words(bits)):
        for party in parties:
            opened[:, start:stop] ^= yield from _receive_planes(party, OpenedShares, bits, stop - start)
    return opened


def _held(index: int) -> tuple[int, int]:
    """Return which shares P_index holds, in the order of its components."""
    return index, (index + 1) % COMPUTE_PARTIES


def _frame_words(bits: int) -> int:
    return max(1, FRAME_PAYLOAD_BYTES // (8 * bits))


def _send_planes(to: str, planes: Planes) -> Role[None]:
    for start, stop in chunks(planes.shape[1], _frame_words(len(planes))):
        yield from send(to, OpenedShares(np.ascontiguousarray(planes[:, start:stop]).view(np.uint8)))


def _receive_planes(frm: str, kind: type[Message], bits: int, words: int) -> Role[Planes]:
    rows = (yield from recv(frm, kind, (bits, 8 * words))).rows
    return np.ascontiguousarray(rows).view("<u8")


def _bytes(content: bytes, rows: int) -> NDArray[np.uint8]:
    return np.frombuffer(content, dtype=np.uint8).reshape(rows, -1)


@kernel
def _run_free(gates: NDArray[np.int32], planes: NDArray[np.uint64], public: int) -> None:
    """XOR and NOT, in order; a NOT changes the component that holds x0."""
    for gate in range(gates.shape[0]):
        out, left, right = gates[gate, 1], gates[gate, 2], gates[gate, 3]
        if gates[gate, 0] == XOR:
            for component in range(2):
                for word in range(planes.shape[2]):
                    planes[out, component, word] = planes[left, component, word] ^ planes[right, component, word]
        else:
            for component in range(2):
                flip = ~np.uint64(0) if component == public else np.uint64(0)
                for word in range(planes.shape[2]):
                    planes[out, component, word] = planes[left, component, word] ^ flip


@kernel
def _multiply(gates: NDArray[np.int32], planes: NDArray[np.uint64], own: NDArray[np.uint64]) -> None:
    """Own ^= x_i y_i ^ x_i y_(i+1) ^ x_(i+1) y_i for every gate."""
    for gate in range(gates.shape[0]):
        left, right = gates[gate, 1], gates[gate, 2]
        for word in range(planes.shape[2]):
            x, x_next = planes[left, 0, word], planes[left, 1, word]
            y, y_next = planes[right, 0, word], planes[right, 1, word]
            own[gate, word] ^= (x & (y ^ y_next)) ^ (x_next & y)


@kernel
def _store(
    gates: NDArray[np.int32], planes: NDArray[np.uint64], own: NDArray[np.uint64], theirs: NDArray[np.uint64]
) -> None:
    for gate in range(gates.shape[0]):
        out = gates[gate, 0]
        for word in range(planes.shape[2]):
            planes[out, 0, word] = own[gate, word]
            planes[out, 1, word] = theirs[gate, word]
