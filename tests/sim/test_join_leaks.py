"""Attacks on what one party sees, each run on a naive variant, where it works, and on ours, where it does not.

Every attack is one piece of code. The naive variants leave out one precaution each: a mask, a path, a shuffle, the AND
with a real row, a public bound, a refreshed share, a fresh seed, rounding.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.joint import PARTIES, SID, among_three, random_planes, share

from psi_match.base.errors import PeerError
from psi_match.base.randomness import RandomSource, SeededRandomness
from psi_match.crypto import okvs
from psi_match.crypto.aes import KeyStreams
from psi_match.crypto.derive import public_key
from psi_match.crypto.okvs_size import slots
from psi_match.protocols import join_session, permutation
from psi_match.protocols.circuits import Circuit, CircuitBuilder, Planes
from psi_match.protocols.counting import release
from psi_match.protocols.effects import Recv, Role, Rows
from psi_match.protocols.join import Store
from psi_match.protocols.join_plan import JoinStep, Plan, SessionTerms, Signal, Turn
from psi_match.protocols.join_session import OwnRows, play
from psi_match.protocols.join_terms import JoinEngine, JoinTerms
from psi_match.protocols.permutation import Factor, MaskedBySecond, permute, rows_of
from psi_match.protocols.planes import from_planes
from psi_match.protocols.sharing import (
    ComputeParty,
    InputShares,
    OpenedShares,
    PairKey,
    RandomPlanes,
    give_input,
    open_to,
    receive_opened,
    take_input,
)
from psi_match.sim.simulator import Simulation, simulate

WORDS, BITS = 4, 66
ROWS = 64 * WORDS


class _Zeros(KeyStreams):
    """A stream that masks nothing."""

    def __init__(self) -> None:
        super().__init__([])

    def read(self, count: int) -> NDArray[np.uint8]:
        return np.zeros((1, count), dtype=np.uint8)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a switch that turns all streams of one purpose into zeros."""

    def switch_off(purpose: str) -> None:
        for name in ("with_next", "with_previous"):
            real = getattr(ComputeParty, name)

            def stream(me: ComputeParty, wanted: str, path: Any, real: Any = real) -> KeyStreams:
                return _Zeros() if wanted == purpose else real(me, wanted, path)

            monkeypatch.setattr(ComputeParty, name, stream)

    return switch_off


# The order that the permuting party chose.


def _joined(run: Simulation, party: str, kind: type[Any]) -> NDArray[np.uint8]:
    return np.concatenate([m.rows for m in run.view(party) if isinstance(m, kind)])


def _match_order(known: NDArray[np.uint8], seen: NDArray[np.uint8], factor: NDArray[np.uint8]) -> NDArray[np.int64]:
    """P2's attack: find its own rows in what P1 sent, and so q1, and with q2 the chosen order; -1 where it fails."""
    place = {row.tobytes(): i for i, row in enumerate(known)}
    first = np.array([place.get(row.tobytes(), -1) for row in seen])
    return first[factor.copy().view("<u4")[:, 0]]


def _permuted(path: tuple[str, ...], values: Planes, seed: int, order: NDArray[np.uint32]) -> tuple[Any, Simulation]:
    shares = share(values, seed)
    run = among_three(lambda me, own: permute(me, 0, own, ROWS, order if me.index == 0 else None, path), shares)
    return shares, run


@pytest.mark.parametrize("masked", [False, True])
def test_p2_matches_rows_of_an_unmasked_share(masked: bool, without: Callable[[str], None]) -> None:
    if not masked:
        without("permutation-mask")
    order = np.random.default_rng(5).permutation(ROWS).astype(np.uint32)
    shares, run = _permuted(("p",), random_planes(BITS, WORDS), 6, order)
    third = PARTIES[2]
    found = _match_order(rows_of(shares[2][0]), _joined(run, third, MaskedBySecond), _joined(run, third, Factor))
    assert (found == order).all() if not masked else (found == -1).all()


@pytest.mark.parametrize("fresh", [False, True])
def test_p2_compares_two_permutations_under_one_path(fresh: bool) -> None:
    order = np.random.default_rng(5).permutation(ROWS).astype(np.uint32)
    one, first = _permuted(("p", "0"), random_planes(BITS, WORDS, 1), 6, order)
    two, second = _permuted(("p", "1" if fresh else "0"), random_planes(BITS, WORDS, 2), 7, order)
    third = PARTIES[2]
    known = rows_of(one[2][0] ^ two[2][0])
    seen = _joined(first, third, MaskedBySecond) ^ _joined(second, third, MaskedBySecond)
    found = _match_order(known, seen, _joined(first, third, Factor))
    assert (found == -1).all() if fresh else (found == order).all()


# Shares that are opened as they are.


@pytest.mark.parametrize("refreshed", [False, True])
def test_a_recipient_combines_shares_of_two_opened_sums(refreshed: bool, without: Callable[[str], None]) -> None:
    if not refreshed:
        without("open")
    secrets = {party: random_planes(3, WORDS, seed) for seed, party in enumerate(PARTIES)}

    def inside(me: ComputeParty, _: object) -> Role[None]:
        shares = {}
        for party in PARTIES:
            own = me.parties[me.index] == party
            give = give_input(me, secrets[party], ("in", party)) if own else None
            shares[party] = (yield from give) if give else (yield from take_input(me, party, 3, WORDS, ("in", party)))
        a, b, c = (shares[party] for party in PARTIES)
        yield from open_to(me, "outsider", a ^ b, ("out", 0))
        yield from open_to(me, "outsider", b ^ c, ("out", 1))

    def outside() -> Role[list[Planes]]:
        first = yield from receive_opened(PARTIES, 3, WORDS)
        return [first, (yield from receive_opened(PARTIES, 3, WORDS))]

    run = among_three(inside, [None] * 3, {"outsider": outside()})
    a, b, c = (secrets[party] for party in PARTIES)
    assert np.array_equal(run.results["outsider"][0], a ^ b)
    assert np.array_equal(run.results["outsider"][1], b ^ c)
    opened = {
        party: [s.message.rows.copy().view("<u8") for s in run.sent if s.sender == party and s.recipient == "outsider"]
        for party in PARTIES
    }
    # P1's input b has shares 0, b ^ s, s: s is P2's share of the first sum, b ^ s is P1's share of the second.
    guess = opened[PARTIES[2]][0] ^ opened[PARTIES[1]][1]
    assert np.array_equal(guess, b) != refreshed


# Whole sessions.

IDS = ("cas", "dora", "eve", "reader", "third")
LEADERS = ("cas", "dora")


def _circuit(leader: str, *, valid: bool = True, negated: bool = False) -> Circuit:
    builder = CircuitBuilder()
    (is_row,) = builder.input("valid", 1)
    others = [party for party in ("cas", "dora", "eve") if party != leader]
    present = {other: builder.input(f"{other}/self/present", 1)[0] for other in others}
    holds = builder.any_(list(present.values()))
    if leader == "dora":
        holds = builder.and_(holds, builder.not_(present["cas"]))
    if negated:
        holds = builder.not_(present["eve"])
    shown = builder.and_(holds, is_row) if valid else holds
    bsn = builder.input("leader/bsn", 30)
    builder.output("signal/0", [shown, *(builder.and_(shown, wire) for wire in bsn)])
    return builder.build()


def _plan(leaders: tuple[str, ...] = LEADERS, **how: bool) -> Plan:
    turns = tuple(
        Turn(
            leader,
            ("self",),
            tuple(JoinStep(other, ()) for other in ("cas", "dora", "eve") if other != leader),
            (),
            with_bsn=True,
            circuit=_circuit(leader, **how),
        )
        for leader in leaders
    )
    signals = (Signal("signal/0", 31, "reader"),)
    return Plan(b"d" * 32, IDS, ("cas", "dora", "third"), turns, False, 0, signals, ())


def _numbers(seed: int, count: int) -> NDArray[np.uint32]:
    return np.random.default_rng(seed).permutation(np.arange(1, 700, dtype=np.uint32))[:count]


def _session(
    plan: Plan, sets: dict[str, NDArray[np.uint32]], rngs: dict[str, RandomSource] | None = None
) -> Simulation:
    nobody = np.empty(0, dtype=np.uint32)
    own = {party: OwnRows((numbers,), {}, nobody) for party, numbers in sets.items()}
    sizes = dict.fromkeys(sets, 256)
    terms = SessionTerms(plan, SID, {turn.leader: 256 for turn in plan.turns}, sizes)
    sources = {party: SeededRandomness(party.encode()) for party in IDS} | (rngs or {})
    return simulate({party: play(terms, party, own.get(party), sources[party]) for party in IDS})


SETS = {"cas": _numbers(1, 200), "dora": _numbers(2, 220), "eve": _numbers(3, 250)}


def _read(run: Simulation) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What the reader was sent: the places of rows with a set bit, and the numbers there."""
    planes = run.results["reader"].signals[0]
    rows = planes.shape[1] * 64
    at = np.flatnonzero(from_planes(planes[:1], rows))
    return at, from_planes(planes[1:], rows)[at]


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_reader_tells_by_position_who_reported(shuffled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shuffled:

        def in_order(_me: ComputeParty, shares: Any, _rng: RandomSource, _path: Any) -> Role[Any]:
            yield from ()
            return shares

        monkeypatch.setattr(join_session, "shuffle", in_order)
    places, numbers = _read(_session(_plan(), SETS))
    expected = {
        int(n): leader
        for leader in reversed(LEADERS)
        for n in SETS[leader]
        if sum(n in numbers for numbers in SETS.values()) >= 2
    }
    assert sorted(numbers.tolist()) == sorted(expected)
    half = len(_session_words()) // 2
    guesses = [LEADERS[int(place >= half * 64)] for place in places]
    right = np.mean([guess == expected[int(n)] for guess, n in zip(guesses, numbers, strict=True)])
    assert right == 1.0 if not shuffled else right < 0.8


def _session_words() -> range:
    terms = SessionTerms(_plan(), SID, dict.fromkeys(LEADERS, 256), dict.fromkeys(SETS, 256))
    return range(sum(-(-terms.rows(turn) // 64) for turn in terms.plan.turns))


@pytest.mark.parametrize("valid", [False, True])
def test_a_negation_on_empty_bins_tells_how_full_the_table_is(valid: bool) -> None:
    _, numbers = _read(_session(_plan(("cas",), valid=valid, negated=True), SETS))
    strangers = int((numbers == 0).sum())
    # The attack: all places minus those without a number are the leader's true number of rows, not the public 256.
    assert (448 - strangers == len(SETS["cas"])) == (not valid)
    assert set(numbers[numbers > 0].tolist()) == set(SETS["cas"].tolist()) - set(SETS["eve"].tolist())


class _FromSessionId:
    """A careless party: the seeds of its tags follow from the session id."""

    def __init__(self) -> None:
        self._real = SeededRandomness(b"eve")
        self._drawn = 0

    def bytes(self, count: int) -> bytes:
        self._drawn += 1
        return public_key(SID, f"tag/{self._drawn}") if self._drawn <= 3 else self._real.bytes(count)


@pytest.mark.parametrize("careless", [True, False])
def test_the_leader_recognises_tags_that_it_can_compute(careless: bool) -> None:
    rngs: dict[str, RandomSource] = {"eve": _FromSessionId()} if careless else {}
    plan = _plan(("cas",))
    run = _session(plan, SETS, rngs)
    terms = SessionTerms(plan, SID, {"cas": 256}, dict.fromkeys(SETS, 256))
    join = terms.joins(plan.turns[0])[1]
    assert join.data_party == "eve"
    # The leader is P0: what it decoded is the share that it sent, under its stream with P1. Its own values are in its
    # state; here they are rebuilt from what left it and from that stream, which the leader knows.
    sent = [s.message.rows for s in run.sent if s.sender == "cas" and isinstance(s.message, InputShares)][1]
    between = [s.message for s in run.sent if {s.sender, s.recipient} == {"cas", "dora"}]
    key = next(message.rows.tobytes() for message in between if isinstance(message, PairKey))
    me = ComputeParty(plan.compute, 0, SID, key, bytes(32))
    stream = me.with_next("input", ("turn", 0, "join", 1, "in", 0)).read(8 * join.value_bits * join.words)
    decoded = sent.copy().view("<u8") ^ stream.view("<u8").reshape(join.value_bits, join.words)
    guess = RandomPlanes([public_key(SID, f"tag/{i}") for i in (1, 2, 3)], join.value_bits).read_values(join.words)
    differ = np.bitwise_or.reduce(decoded[: join.tag_bits] ^ guess[: join.tag_bits])
    recognised = int((from_planes(differ.reshape(1, -1), join.bins) == 0).sum())
    matches = len(set(SETS["cas"].tolist()) & set(SETS["eve"].tolist()))
    assert recognised == (matches if careless else 0)
    assert len({row.tobytes() for row in permutation.rows_of(decoded)[: join.bins]}) == join.bins, "no value repeats"


@pytest.mark.parametrize("odd", IDS)
@pytest.mark.parametrize("change", ["engine", "adder"])
def test_parties_that_disagree_on_how_stop_before_anything_else_is_sent(odd: str, change: str) -> None:
    plan, sizes = _plan(), dict.fromkeys(SETS, 256)
    nobody = np.empty(0, dtype=np.uint32)
    sent = []

    def carry(sender: str, _recipient: str, message: Rows, _expected: Recv) -> Rows:
        sent.append((sender, message.STEP))
        return message

    roles = {}
    for party in IDS:
        own = OwnRows((SETS[party],), {}, nobody) if party in SETS else None
        differs = party == odd
        engine: JoinEngine = "vole" if differs and change == "engine" else "kkrt"
        its = replace(plan, adder="prefix") if differs and change == "adder" else plan
        terms = SessionTerms(its, SID, {turn.leader: 256 for turn in plan.turns}, sizes, engine)
        roles[party] = play(terms, party, own, SeededRandomness(party.encode()))
    with pytest.raises(PeerError, match="another session id, plan, engine, adder or size"):
        simulate(roles, carry)
    assert {step for _, step in sent} == {"session-terms"}


@pytest.mark.parametrize("bounded", [False, True])
def test_the_leader_reads_the_true_size_from_the_size_of_a_store(
    bounded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not bounded:
        sizes: list[int] = []
        monkeypatch.setattr(JoinTerms, "capacity", lambda _terms, _bins: 3 * sizes[0])
    guesses = []
    for count in (200, 250):
        if not bounded:
            sizes[:] = [count]
        run = _session(_plan(("cas",)), {party: numbers[:count] for party, numbers in SETS.items()})
        rows = sum(len(m.rows) for m in run.view("cas") if isinstance(m, Store)) // 2
        guesses.append(next(n for n in range(1, 257) if slots(3 * n) >= rows))
    assert (guesses == [200, 250]) != bounded
    assert len(set(guesses)) == (1 if bounded else 2)


@pytest.mark.parametrize("dense", [False, True])
def test_a_second_seed_tells_the_leader_that_two_of_its_rows_match(dense: bool) -> None:
    """Without dense slots some sets need another seed; which one was taken tells about keys that the leader knows."""
    seeds = [public_key(SID, f"store/{attempt}") for attempt in range(8)]
    own = np.random.default_rng(5).integers(0, 256, (4000, 16), dtype=np.uint8)
    capacity = 60
    # The leader looks for two of its keys that collide under the first seed: those exist, there are many pairs.
    slots_of = np.sort(okvs._positions(seeds[0], own, capacity), axis=1)
    seen: dict[bytes, int] = {}
    pair = next([seen[row.tobytes()], i] for i, row in enumerate(slots_of) if seen.setdefault(row.tobytes(), i) != i)
    rest = [i for i in range(50) if i not in pair]
    guesses = []
    for matching in ([*rest, *pair], [*rest, pair[0]]):
        keys = np.ascontiguousarray(own[matching])
        values = np.random.default_rng(6).integers(0, 1 << 64, (len(keys), 1), dtype=np.uint64)
        accepted = seeds[0]
        if dense:
            table = okvs.encode(accepted, keys, values, capacity, SeededRandomness(b"dense"))
            assert np.array_equal(okvs.decode(accepted, table, keys, capacity), values)
        else:
            accepted = next(seed for seed in seeds if _peels(okvs._positions(seed, keys, capacity)))
        # The attack: whatever sets the two worlds apart is the seed, and it is public.
        guesses.append(accepted != seeds[0])
    assert guesses == ([False, False] if dense else [True, False])


def _peels(positions: NDArray[np.uint32]) -> bool:
    """Tell whether a store of sparse slots alone can be solved by peeling."""
    left = {i: set(row.tolist()) for i, row in enumerate(positions)}
    while left:
        used = collections.Counter(slot for row in left.values() for slot in row)
        free = [i for i, row in left.items() if any(used[slot] == 1 for slot in row)]
        if not free:
            return False
        for i in free:
            del left[i]
    return True


def test_every_message_of_a_session_has_the_same_size_whatever_the_sets() -> None:
    same = np.arange(1, 201, dtype=np.uint32)
    runs = [
        _session(_plan(), SETS),
        _session(_plan(), dict.fromkeys(SETS, same)),
        _session(_plan(), dict.fromkeys(SETS, same[:0])),
        _session(_plan(), {"cas": same, "dora": same + 200, "eve": same + 400}),
    ]
    assert all(run.sizes() == runs[0].sizes() for run in runs[1:])
    assert {s.recipient for s in runs[0].sent if isinstance(s.message, OpenedShares)} == {"reader"}


# Released tables.


def _consistent(shown: list[int | None], group: int, total: int | None, *, exact: bool) -> set[tuple[int, ...]]:
    """The attack: every table of exact counts that could have led to what was released."""
    most = 40
    return {
        cells
        for cells in itertools.product(range(most), repeat=len(shown))
        if (total is None or sum(cells) == total)
        and all(
            (c == s if exact else release(c, [sum(cells)], group) == s)
            for c, s in zip(cells, shown, strict=True)
            if not (exact and s is None)
        )
        and all(c < group for c, s in zip(cells, shown, strict=True) if exact and s is None)
    }


@pytest.mark.parametrize("rounded", [False, True])
def test_a_suppressed_cell_is_recomputed_from_its_margin(rounded: bool) -> None:
    cells, group = (31, 22, 3), 10
    if rounded:
        shown = [release(c, [sum(cells)], group) for c in cells]
        possible = _consistent(shown, group, None, exact=False)
    else:
        possible = _consistent([c if c >= group else None for c in cells], group, sum(cells), exact=True)
    assert cells in possible
    hidden = {candidate[2] for candidate in possible}
    assert (hidden == {3}) if not rounded else hidden == set(range(group))


@pytest.mark.parametrize("rounded", [False, True])
def test_a_suppressed_cell_is_recomputed_from_pair_counts(rounded: bool) -> None:
    """Whoever is at three bodies is in three pairs: both tables of one snapshot together give the hidden cell."""
    two, three, group = 31, 2, 10
    pairs = (12, 14, 11)
    assert sum(pairs) == two + 3 * three
    total, set_sizes = 100 + two + three, 70

    def shown(count: int, wholes: list[int]) -> int | None:
        if rounded:
            return release(count, wholes, group)
        return count if count >= group else None

    # The attack: every number of people at exactly three that fits both released tables.
    both = [shown(count, [set_sizes, set_sizes]) for count in pairs]
    at_two, at_three = shown(two, [total]), shown(three, [total])
    assert at_three is None
    possible = {
        hidden
        for hidden in range(group)
        for twice in range(100)
        for counts in itertools.product(*(range(s or 0, (s or 0) + (group if rounded else 1)) for s in both))
        if sum(counts) == twice + 3 * hidden and shown(twice, [total]) == at_two
    }
    assert three in possible
    assert possible == (set(range(group)) if rounded else {three})
