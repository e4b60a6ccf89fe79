"""Joins by either engine: the same answer as the plaintext twin, and what their messages tell.

The attacks run on a variant that lacks one precaution, where they must succeed, and on the real one.
"""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.sets import two_sets

from psi_match.base.errors import PeerError
from psi_match.base.randomness import RandomSource, SeededRandomness, SystemRandomness
from psi_match.crypto.aes import encrypt_blocks
from psi_match.crypto.cuckoo import EMPTY
from psi_match.crypto.derive import public_key
from psi_match.crypto.items import encode_items, item_bins
from psi_match.protocols import join, join_oprf, vole, vole_oprf
from psi_match.protocols.effects import Recv, Rows
from psi_match.protocols.join import Payload
from psi_match.protocols.join_terms import JOIN_ENGINES, JoinEngine, JoinTerms
from psi_match.protocols.planes import from_planes
from psi_match.protocols.sharing import RandomPlanes
from psi_match.protocols.sizes import public_size, table_bins
from psi_match.protocols.tables import CuckooTable, positions_key
from psi_match.sim.simulator import Carrier, Simulation, _as_is, simulate

SID = bytes(range(32))
BITS = 9
LEADER, DATA = two_sets(600, 700, 200)


def _terms(engine: JoinEngine, leader: int = len(LEADER), data: int = len(DATA)) -> JoinTerms:
    size = public_size(leader, None)
    return JoinTerms(SID, "leader", "data", size, public_size(data, None), 0, table_bins(size), BITS, engine)


@dataclass
class Joined:
    """A join in the simulator.

    Args:
        run: the simulation.
        terms: its terms.
        table: the leader's table.
        secrets: r and s as planes.
    """

    run: Simulation
    terms: JoinTerms
    table: CuckooTable
    secrets: NDArray[np.uint64]

    def found(self) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """What the compute parties would find per bin: whether tags are equal, and the payload there."""
        decoded = self.run.results["leader"] ^ self.secrets
        tags = np.bitwise_or.reduce(decoded[: self.terms.tag_bits]).reshape(1, -1)
        found = from_planes(tags, self.terms.bins) == 0
        return found, np.where(found, from_planes(decoded[self.terms.tag_bits :], self.terms.bins), 0)


def _join(
    engine: JoinEngine,
    leader: NDArray[np.uint32] = LEADER,
    data: NDArray[np.uint32] = DATA,
    rngs: tuple[RandomSource, RandomSource] | None = None,
    carry: Carrier = _as_is,
) -> Joined:
    terms = _terms(engine, len(leader), len(data))
    ours, theirs = rngs or (SystemRandomness(), SystemRandomness())
    seeds = [SystemRandomness().bytes(16) for _ in range(3)]
    table = CuckooTable.build(SID, leader, terms.bins)
    payload = Payload(data, ((data.astype(np.int64) % (1 << BITS), BITS),))
    roles = {
        "leader": join.lead(terms, table, ours),
        "data": join.answer(terms, payload, RandomPlanes(seeds, terms.value_bits), theirs),
    }
    run = simulate(roles, carry)
    return Joined(run, terms, table, RandomPlanes(seeds, terms.value_bits).read_values(terms.words))


@pytest.mark.parametrize("engine", JOIN_ENGINES)
@pytest.mark.parametrize(
    ("leader", "data", "common"), [(0, 0, 0), (1, 1, 1), (600, 700, 200), (300, 300, 0), (256, 3000, 256)]
)
def test_a_join_finds_what_the_twin_finds(engine: JoinEngine, leader: int, data: int, common: int) -> None:
    own, theirs = two_sets(leader, data, common)
    _check(_join(engine, own, theirs), theirs)


@pytest.mark.parametrize("engine", JOIN_ENGINES)
def test_a_join_of_more_chunks_than_travel_at_a_time(engine: JoinEngine) -> None:
    """Batches, chunks and stores must come in the order in which the leader reads them: 11 chunks, two batches."""
    own, theirs = two_sets(1 << 18, 3000, 2500)
    joined = _join(engine, own, theirs)
    chunks = -(-joined.terms.bins // (1 << 15))
    assert chunks > join.AHEAD + join.TASKS
    assert len(vole.batches(joined.terms.bins)) > 1
    _check(joined, theirs)


def _check(joined: Joined, theirs: NDArray[np.uint32]) -> None:
    found, values = joined.found()
    occupied = np.flatnonzero(joined.table.row_of_bin != EMPTY)
    items = joined.table.numbers[joined.table.row_of_bin[occupied]]
    payload = Payload(theirs, ((theirs.astype(np.int64) % (1 << BITS), BITS),))
    expected, (fields,) = join.plaintext_join(items, payload)
    assert np.array_equal(found[occupied], expected)
    assert np.array_equal(values[occupied], fields)
    assert not np.delete(found, occupied).any(), "an empty bin never matches"


@pytest.mark.parametrize("engine", JOIN_ENGINES)
def test_message_sizes_depend_on_public_sizes_only(engine: JoinEngine) -> None:
    shapes = []
    for seed, leader, data, common in ((0, 520, 660, 0), (1, 640, 768, 640)):
        own, theirs = two_sets(leader, data, common, seed)
        run = _join(engine, own, theirs).run
        shapes.append([(s.sender, s.recipient, s.message.STEP, s.message.rows.shape) for s in run.sent])
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) == join.message_count(_terms(engine))


@pytest.mark.parametrize("engine", JOIN_ENGINES)
def test_announced_bytes_are_those_sent(engine: JoinEngine) -> None:
    joined = _join(engine)
    others = {"base-ot-sender", "base-ot-receiver", "join-store"}
    sent = sum(s.message.rows.size for s in joined.run.sent if s.message.STEP not in others)
    assert sent == join_oprf.oprf_bytes(engine, joined.terms.bins)


def test_vole_sends_a_third_of_what_kkrt_sends_for_its_function() -> None:
    bins = table_bins(1 << 20)
    assert 3 * join_oprf.oprf_bytes("vole", bins) < join_oprf.oprf_bytes("kkrt", bins)


@pytest.mark.parametrize("engine", JOIN_ENGINES)
def test_one_chunk_at_a_time_is_the_same_join(engine: JoinEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    own, theirs = two_sets(1 << 17, 3000, 2500)
    whole = [(s.sender, s.message.STEP, s.message.rows.shape) for s in _join(engine, own, theirs).run.sent]
    monkeypatch.setattr(join, "KEYS_AT_A_TIME", 1)
    joined = _join(engine, own, theirs)
    _check(joined, theirs)
    assert [(s.sender, s.message.STEP, s.message.rows.shape) for s in joined.run.sent] == whole


@pytest.mark.parametrize("engine", JOIN_ENGINES)
def test_a_task_done_twice_on_another_machine_says_the_same(
    engine: JoinEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = []
    real = join.program

    def twice(*arguments: Any) -> NDArray[np.uint8]:
        again = real(*pickle.loads(pickle.dumps(arguments)))  # noqa: S301  # just pickled here
        stores.append((real(*arguments), again))
        return again

    monkeypatch.setattr(join, "program", twice)
    _check(_join(engine), DATA)
    assert stores
    assert all(np.array_equal(one, other) for one, other in stores)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_mask_does_not_depend_on_how_many_are_made_with_it(rows: int) -> None:
    terms = dataclasses.replace(_terms("kkrt"), payload_bits=300)
    assert terms.value_words >= 5
    outputs = np.random.default_rng(3).integers(0, 256, (rows, 32), dtype=np.uint8)
    before = outputs.copy()
    masks = join._masks(terms, outputs)
    assert np.array_equal(outputs, before)
    for row in range(rows):
        assert np.array_equal(join._masks(terms, outputs[row : row + 1]), masks[row : row + 1])
        key = public_key(SID, "value-mask")
        for word in range(0, terms.value_words - 1, 2):
            seed = int.from_bytes(outputs[row, 16:].tobytes(), "little") ^ (word // 2)
            block = np.frombuffer(seed.to_bytes(16, "little"), dtype=np.uint8).reshape(1, 16)
            expected = encrypt_blocks(key, block).view("<u8") ^ block.view("<u8")
            assert np.array_equal(masks[row, word : word + 2], expected[0])


@pytest.mark.parametrize("engine", JOIN_ENGINES)
def test_a_wide_payload_of_one_row_arrives(engine: JoinEngine) -> None:
    leader = two_sets(1 << 17, 1, 1)[0]
    data = leader[:1]
    terms = dataclasses.replace(_terms(engine, len(leader), 1), payload_bits=300)
    seeds = [SystemRandomness().bytes(16) for _ in range(3)]
    table = CuckooTable.build(SID, leader, terms.bins)
    values = [np.array([(1 << 60) - 1 - column], dtype=np.int64) for column in range(5)]
    payload = Payload(data, tuple((value, 60) for value in values))
    roles = {
        "leader": join.lead(terms, table, SystemRandomness()),
        "data": join.answer(terms, payload, RandomPlanes(seeds, terms.value_bits), SystemRandomness()),
    }
    secrets = RandomPlanes(seeds, terms.value_bits).read_values(terms.words)
    decoded = simulate(roles).results["leader"] ^ secrets
    tags = from_planes(np.bitwise_or.reduce(decoded[: terms.tag_bits]).reshape(1, -1), terms.bins)
    (found,) = np.flatnonzero(tags == 0)
    for column, value in enumerate(values):
        first = terms.tag_bits + 60 * column
        assert from_planes(decoded[first : first + 60], terms.bins)[found] == value[0]


# The masked items.


def _item_attack(joined: Joined) -> set[int]:
    """A curious data party, or whoever reads the wire: which numbers stand as they are in their bins?"""
    sent = np.concatenate([m.rows for m in joined.run.view("data") if isinstance(m, vole_oprf.MaskedItems)])
    domain = np.unique(np.concatenate([LEADER, DATA]))
    places = item_bins(positions_key(SID), domain, joined.terms.bins)
    seen = set()
    for k in range(3):
        items = encode_items(domain, np.full(len(domain), k, dtype=np.uint8))
        seen |= set(domain[(sent[places[:, k]] == items).all(axis=1)].tolist())
    return seen


def test_the_masked_items_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = vole.Receiver.batch

    def unmasked(self: vole.Receiver, number: int):  # noqa: ANN202
        a, c = yield from real(self, number)
        return np.zeros_like(a), c

    with monkeypatch.context() as naive:
        naive.setattr(vole.Receiver, "batch", unmasked)
        assert _item_attack(_join("vole")) == set(LEADER.tolist()), "the attack must succeed without the mask"
    assert not _item_attack(_join("vole"))


# The values of other people.


class _NoScalar(SystemRandomness):
    """A data party whose D is zero, and that is random in all else."""

    def __init__(self) -> None:
        super().__init__()
        self._first = True

    def bytes(self, count: int) -> bytes:
        first, self._first = self._first, False
        return bytes(count) if first else super().bytes(count)


def _other_values(monkeypatch: pytest.MonkeyPatch, data_rng: RandomSource) -> tuple[int, int]:
    """A curious leader makes F of people in its bins who are not its own; how many, of how many, are right?"""
    correlations: list[NDArray[np.uint64]] = []
    evaluators: list[vole_oprf.Evaluator] = []
    real_batch, real_chunk = vole.Receiver.batch, vole_oprf.Sender.chunk

    def batch(self: vole.Receiver, number: int):  # noqa: ANN202
        a, c = yield from real_batch(self, number)
        correlations.append(c.copy())
        return a, c

    def chunk(self: vole_oprf.Sender, first_bin: int, bins: int, until: int):  # noqa: ANN202
        evaluators.append((yield from real_chunk(self, first_bin, bins, until)))
        return evaluators[-1]

    with monkeypatch.context() as patch:
        patch.setattr(vole.Receiver, "batch", batch)
        patch.setattr(vole_oprf.Sender, "chunk", chunk)
        joined = _join("vole", rngs=(SystemRandomness(), data_rng))
    assert len(correlations) == len(evaluators) == 1
    strangers = np.setdiff1d(DATA, LEADER)
    bins = item_bins(positions_key(SID), strangers, joined.terms.bins)[:, 0].astype(np.uint32)
    items = encode_items(strangers, np.zeros(len(strangers), dtype=np.uint8))
    right = evaluators[0].evaluate(bins, items)
    person = evaluators[0].person
    guess = vole_oprf.Evaluator(correlations[0], 0, np.zeros((16, 256, 2), dtype=np.uint64), person)
    return int((guess.evaluate(bins, items) == right).all(axis=1).sum()), len(strangers)


def test_the_leader_can_make_no_value_but_of_its_own_items(monkeypatch: pytest.MonkeyPatch) -> None:
    made, of = _other_values(monkeypatch, _NoScalar())
    assert made == of, "the attack must succeed where D is known"
    made, _ = _other_values(monkeypatch, SystemRandomness())
    assert made == 0


def test_nothing_that_is_sent_repeats_between_two_runs_of_one_session_id() -> None:
    def rows(joined: Joined) -> set[bytes]:
        sent = [s.message.rows for s in joined.run.sent if s.message.STEP != "ot-extension"]
        return {row.tobytes() for message in sent for row in message if message.shape[1] >= 16}

    one, other = rows(_join("vole")), rows(_join("vole"))
    assert len(one) > 1000
    assert not one & other


@pytest.mark.parametrize(
    ("engine", "step"),
    [
        ("kkrt", "oprf-rows"),
        ("kkrt", "join-store"),
        ("vole", "vole-products"),
        ("vole", "vole-levels"),
        ("vole", "vole-blocks"),
        ("vole", "vole-items"),
        ("vole", "join-store"),
    ],
)
def test_a_changed_message_breaks_matches_and_invents_none(engine: JoinEngine, step: str) -> None:
    changed = []

    def carry(_sender: str, _recipient: str, message: Rows, _expected: Recv) -> Rows:
        if step != message.STEP:
            return message
        changed.append(step)
        # Another change in every row: equal ones can cancel each other.
        return type(message)(message.rows ^ np.arange(1, len(message.rows) + 1).astype(np.uint8)[:, None])

    joined = _join(engine, rngs=(SeededRandomness(b"l"), SeededRandomness(b"d")), carry=carry)
    assert changed
    found, _ = joined.found()
    assert found.sum() < 200, "a change breaks matches"
    occupied = np.flatnonzero(joined.table.row_of_bin != EMPTY)
    items = joined.table.numbers[joined.table.row_of_bin[occupied]]
    assert not found[occupied][~np.isin(items, DATA)].any()


def test_a_message_of_another_size_is_refused() -> None:
    def carry(_sender: str, _recipient: str, message: Rows, _expected: Recv) -> Rows:
        return vole_oprf.MaskedItems(message.rows[:-1]) if isinstance(message, vole_oprf.MaskedItems) else message

    with pytest.raises(PeerError, match="another kind or size"):
        _join("vole", carry=carry)
