"""Every shipped joint scenario on small random populations: the protocol, its plaintext twin and a plain oracle agree.

The oracles at the end of this file know the scenarios by their purpose alone: no expression, no circuit. Most sessions
run with base transfers dealt by the test, which are most of the work and are tested elsewhere; one of each is real.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from psi_match.base.randomness import SeededRandomness, SystemRandomness
from psi_match.domain.bsn import NO_KEY
from psi_match.protocols import base_ot, oprf, vole_oprf
from psi_match.protocols.effects import recv, send
from psi_match.protocols.join_plan import BSN_BITS, Plan, SessionTerms
from psi_match.protocols.join_session import OwnRows, play
from psi_match.protocols.join_terms import JoinEngine
from psi_match.protocols.planes import from_planes
from psi_match.protocols.sizes import public_size
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import JoinScenario
from psi_match.scenario.plain_scenario import PlainOutcome, plain_outcome
from psi_match.scenario.plan import compile_plan
from psi_match.scenario.row_circuit import label_field, signal_fields
from psi_match.sim.simulator import Simulation, simulate

CREDITORS = ("belastingdienst", "toeslagen", "cak", "cjib")
SID = bytes(range(32))
STRANGERS = (700_000_001, 700_000_002)

NAMES = sorted(s.name for s in Catalogue().all() if isinstance(s, JoinScenario))


@dataclass
class World:
    """What the parties hold: per party BSN to columns, people who opted out, and partners of couples."""

    rows: dict[str, dict[int, dict[str, int]]]
    opted_out: dict[str, set[int]] = field(default_factory=dict)
    partners: dict[int, int] = field(default_factory=dict)

    def out(self) -> set[int]:
        return set().union(*self.opted_out.values())


def shipped(name: str) -> JoinScenario:
    scenario = Catalogue().get(name)
    assert isinstance(scenario, JoinScenario)
    return scenario


def own_rows(scenario: JoinScenario, world: World) -> dict[str, OwnRows]:
    found = {}
    for party in scenario.with_data:
        rows, part = world.rows.get(party, {}), scenario.party(party)
        keys = [list(rows)]
        if len(part.keys) > 1:
            keys.append([world.partners.get(bsn, NO_KEY) for bsn in rows])
        found[party] = OwnRows(
            tuple(np.array(column, dtype=np.uint32) for column in keys),
            {c.name: np.array([row[c.name] for row in rows.values()], dtype=np.int64) for c in part.columns},
            np.array(sorted(world.opted_out.get(party, ())), dtype=np.uint32),
        )
    return found


def run(
    scenario: JoinScenario, own: dict[str, OwnRows], seed: bytes | None = b"", engine: JoinEngine = "kkrt"
) -> tuple[Plan, Simulation]:
    plan = compile_plan(scenario)
    terms = SessionTerms(
        plan,
        SID,
        {leader: public_size(len(own[leader].keys[0]), scenario.party(leader).cap) for leader in scenario.leaders},
        {party: public_size(own[party].set_size, scenario.party(party).cap) for party in scenario.with_data},
        engine,
    )
    roles = {}
    for party in plan.parties:
        rng = SystemRandomness() if seed is None else SeededRandomness(seed + party.encode())
        roles[party] = play(terms, party, own.get(party), rng)
    return plan, simulate(roles)


def learned(scenario: JoinScenario, plan: Plan, run_: Simulation, own: dict[str, OwnRows]) -> PlainOutcome:
    """Read what every party returned; nobody but a recipient may have returned anything."""
    found = PlainOutcome()
    for party, result in run_.results.items():
        if party in plan.recipients:
            continue
        assert result.members is None
        assert result.label is None
        assert not result.signals
        assert not result.statistics
    numbers = [number for number, output in enumerate(scenario.outputs) if output.kind == "signal"]
    for index, (number, signal) in enumerate(zip(numbers, plan.signals, strict=True)):
        shown = {party for party, result in run_.results.items() if index in result.signals}
        assert shown == {signal.recipient}
        planes = run_.results[signal.recipient].signals[index]
        rows = planes.shape[1] * 64
        widths = [(1, False), (BSN_BITS, False)] + [(f.bits, f.signed) for f in signal_fields(scenario, number)]
        starts = np.cumsum([0] + [bits for bits, _ in widths])
        assert starts[-1] == len(planes)
        table = [
            from_planes(planes[at : at + bits], rows, signed=signed)
            for at, (bits, signed) in zip(starts, widths, strict=False)
        ]
        chosen = table[0] == 1
        assert not any(one[~chosen].any() for one in table), "a row that is not signalled must be all zero"
        found.signals[number] = sorted(zip(*(one[chosen].tolist() for one in table[1:]), strict=True))
    numbers = [number for number, output in enumerate(scenario.outputs) if output.kind == "statistics"]
    for index, (number, statistics) in enumerate(zip(numbers, plan.statistics, strict=True)):
        shown = {party for party, result in run_.results.items() if index in result.statistics}
        assert shown == {statistics.recipient}
        found.statistics[number] = run_.results[statistics.recipient].statistics[index]
    if plan.members:
        leader = scenario.leaders[0]
        assert {party for party, result in run_.results.items() if result.members is not None} == {leader}
        result = run_.results[leader]
        bsn = own[leader].keys[0]
        found.members = sorted(bsn[result.members].tolist())
        if plan.label_bits:
            assert label_field(scenario).bits == plan.label_bits
            found.label = dict(zip(bsn[result.members].tolist(), result.label[result.members].tolist(), strict=True))
    return found


# Base transfers from a dealer.


def _dealt(label: base_ot.OtLabel, index: int, slot: int) -> bytes:
    return hashlib.blake2s(label.at(index) + bytes([slot]), digest_size=base_ot.KEY_BYTES).digest()


def _send_keys(receiver: str, label: base_ot.OtLabel, _rng: Any, transfers: int = base_ot.TRANSFERS) -> Iterator[Any]:
    yield from send(receiver, base_ot.SenderPoints(np.zeros((transfers, 32), dtype=np.uint8)))
    yield from recv(receiver, base_ot.ReceiverPoints, (transfers, 64))
    return [(_dealt(label, index, 0), _dealt(label, index, 1)) for index in range(transfers)]


def _receive_keys(sender: str, label: base_ot.OtLabel, choices: list[int], _rng: Any) -> Iterator[Any]:
    yield from send(sender, base_ot.ReceiverPoints(np.zeros((len(choices), 64), dtype=np.uint8)))
    yield from recv(sender, base_ot.SenderPoints, (len(choices), 32))
    return [_dealt(label, index, choice) for index, choice in enumerate(choices)]


@pytest.fixture
def dealer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_ot, "send_keys", _send_keys)
    monkeypatch.setattr(base_ot, "receive_keys", _receive_keys)


# Populations.

NORM_SINGLE, NORM_COUPLE = 142_602, 195_081
ASSETS_SINGLE, ASSETS_COUPLE = 777_000, 1_554_000
MINIMUM = {1: 135_472, 2: 185_327, 3: 150_524}
MOST_MONTHLY, MOST_ASSETS, MOST_AOW = 10_000_000, 1_000_000_000, 1_000_000


def people(most: int) -> st.SearchStrategy[list[int]]:
    return st.integers(0, most).map(lambda count: [100_000_001 + 7 * number for number in range(count)])


@st.composite
def opt_outs(draw: st.DrawFn, parties: list[str], known: list[int]) -> dict[str, set[int]]:
    some = st.sets(st.sampled_from([*known, *STRANGERS]), max_size=3)
    return {party: draw(some) for party in parties if draw(st.booleans())}


@st.composite
def debtor_worlds(draw: st.DrawFn, name: str) -> World:
    """Creditors of which each holds some of the same people; sometimes one holds nobody, sometimes all hold all."""
    known = draw(people(40))
    helpers = ("gemeente-a", "gemeente-b") if name == "vroegsignaal-nieuw" else ()
    parties = ["cjib", "belastingdienst", "toeslagen"] if name == "betalingsregeling-rijk" else list(CREDITORS)
    rows: dict[str, dict[int, dict[str, int]]] = {party: {} for party in [*parties, *helpers]}
    home = {}
    for bsn in known:
        home[bsn] = draw(st.sampled_from([0, 363, 344, 344, 363, 9999]))
        at = draw(st.integers(0, 2 ** len(parties) - 1) | st.just(2 ** len(parties) - 1))
        for number, party in enumerate(parties):
            if at >> number & 1:
                rows[party][bsn] = {"municipality": home[bsn]}
        for party in helpers:
            if draw(st.integers(0, 3)) == 0:
                rows[party][bsn] = {}
    if draw(st.integers(0, 4)) == 0:
        rows[draw(st.sampled_from(parties))] = {}
    return World(rows, draw(opt_outs([*parties, *helpers], known)))


@st.composite
def household_worlds(draw: st.DrawFn) -> World:
    """Couples and singles, some of them exactly at the norm; partners may lead a row of their own."""
    known = draw(people(24))
    world = World({"svb": {}, "uwv": {}, "belastingdienst": {}})
    free = list(known)
    for bsn in known:
        shape = draw(st.sampled_from(["single", "couple", "couple", "beyond", "none"]))
        if shape == "none":
            continue
        aow = draw(st.sampled_from([0, 1, 50_000, NORM_SINGLE, NORM_COUPLE, MOST_AOW]))
        world.rows["svb"][bsn] = {"aow_cents": aow, "has_partner": int(shape != "single")}
        if shape == "couple" and free:
            # Anyone, also somebody who leads a row of their own, and once even the same person.
            world.partners[bsn] = free.pop(draw(st.integers(0, len(free) - 1)))
        elif shape == "beyond":
            world.partners[bsn] = bsn + 400_000_000
    amounts = st.sampled_from([0, 0, 1, 40_000, NORM_SINGLE, MOST_MONTHLY])
    assets = st.sampled_from([0, 0, 1, ASSETS_SINGLE - 1, ASSETS_SINGLE, ASSETS_COUPLE, MOST_ASSETS])
    for bsn in sorted({*known, *world.partners.values()}):
        if draw(st.booleans()):
            world.rows["uwv"][bsn] = {"income_cents": draw(amounts)}
        if draw(st.booleans()):
            world.rows["belastingdienst"][bsn] = {"other_income_cents": draw(amounts), "assets_cents": draw(assets)}
    for bsn, row in world.rows["svb"].items():
        # Some households are brought to the norm itself, or one cent below it.
        gap = draw(st.sampled_from([None, 0, 1]))
        couple = row["has_partner"]
        income = _income(world, bsn) - row["aow_cents"]
        if gap is not None and 0 <= (NORM_COUPLE if couple else NORM_SINGLE) - gap - income <= MOST_AOW:
            row["aow_cents"] = (NORM_COUPLE if couple else NORM_SINGLE) - gap - income
    world.opted_out = draw(opt_outs(list(world.rows), sorted({*known, *world.partners.values()})))
    return world


@st.composite
def client_worlds(draw: st.DrawFn) -> World:
    """Clients with instalments at some creditors, some of them left with exactly the minimum."""
    known = draw(people(40))
    world = World({party: {} for party in ("uwv", *CREDITORS)})
    instalments = st.sampled_from([1, 2, 5_000, 100_000, MOST_MONTHLY])
    for bsn in known:
        paid = 0
        for party in CREDITORS:
            if draw(st.booleans()):
                amount = draw(instalments)
                world.rows[party][bsn] = {"instalment_cents": amount}
                paid += amount
        kind = draw(st.sampled_from([0, 1, 2, 3, 9]))
        norm = MINIMUM.get(kind, MINIMUM[1])
        income = draw(st.sampled_from([0, norm, paid, norm + paid, norm + paid - 1, MOST_MONTHLY]))
        if draw(st.integers(0, 5)):
            world.rows["uwv"][bsn] = {"household_type": kind, "income_cents": min(income, MOST_MONTHLY)}
    world.opted_out = draw(opt_outs(list(world.rows), known))
    return world


def worlds(name: str) -> st.SearchStrategy[World]:
    if name == "aio-niet-gebruik":
        return household_worlds()
    return client_worlds() if name == "bestaansminimum-uwv" else debtor_worlds(name)


# Tests.


def agree_on(name: str, world: World, seed: bytes | None = b"", engine: JoinEngine = "kkrt") -> Simulation:
    scenario = shipped(name)
    own = own_rows(scenario, world)
    expected = ORACLES[name](world)
    assert plain_outcome(scenario, own) == expected
    plan, outcome = run(scenario, own, seed, engine)
    assert learned(scenario, plan, outcome, own) == expected
    return outcome


def joins(name: str) -> int:
    scenario = shipped(name)
    return len(scenario.leaders) * (len(scenario.with_data) - 1)


@pytest.mark.usefixtures("dealer")
@pytest.mark.parametrize("name", NAMES)
def test_protocol_twin_and_oracle_agree(name: str) -> None:
    @settings(
        max_examples=max(4, 32 // joins(name)),
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],  # an example takes a second; shrinking would take minutes
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(worlds(name))
    def check(world: World) -> None:
        agree_on(name, world)

    check()


@pytest.mark.parametrize("name", NAMES)
def test_twin_and_oracle_agree(name: str) -> None:
    """Without the protocol many more populations can be tried."""

    @settings(
        max_examples=100,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(worlds(name))
    def check(world: World) -> None:
        scenario = shipped(name)
        assert plain_outcome(scenario, own_rows(scenario, world)) == ORACLES[name](world)

    check()


def crowd(name: str, seed: int) -> World:
    """A population large enough for counts to be shown, with every kind of person and as many as fit 256 rows."""
    rng = np.random.default_rng(seed)
    bsn = [100_000_001 + 3 * number for number in range(240)]
    if name == "aio-niet-gebruik":
        world = World({"svb": {}, "uwv": {}, "belastingdienst": {}})
        for one in bsn[:110]:
            couple = one % 2 == 0
            if couple:
                world.partners[one] = one + 3
            norm = NORM_COUPLE if couple else NORM_SINGLE
            income, assets = int(rng.integers(0, 40_000)), ASSETS_COUPLE if couple else ASSETS_SINGLE
            world.rows["svb"][one] = {"aow_cents": norm - 40_000 - one % 3 + 1, "has_partner": int(couple)}
            world.rows["uwv"][one] = {"income_cents": 40_000 if one % 5 else income}
            if one % 7 == 0:
                world.rows["belastingdienst"][one] = {"other_income_cents": 0, "assets_cents": assets - one % 2}
    elif name == "bestaansminimum-uwv":
        world = World({party: {} for party in ("uwv", *CREDITORS)})
        for one in bsn:
            kind = one % 4
            for party in CREDITORS:
                if rng.random() < 0.4:
                    world.rows[party][one] = {"instalment_cents": int(rng.integers(1, 30_000))}
            paid = sum(world.rows[party][one]["instalment_cents"] for party in CREDITORS if one in world.rows[party])
            income = MINIMUM.get(kind, MINIMUM[1]) + paid - int(rng.integers(0, 3))
            world.rows["uwv"][one] = {"household_type": kind, "income_cents": income}
    else:
        world = World({party: {} for party in (*CREDITORS, "gemeente-a", "gemeente-b")})
        for one in bsn:
            for party in CREDITORS:
                if rng.random() < 0.55:
                    world.rows[party][one] = {"municipality": (0, 363, 344, 9999)[one % 4]}
            for party in ("gemeente-a", "gemeente-b"):
                if rng.random() < 0.3:
                    world.rows[party][one] = {}
    parties = list(world.rows)
    world.opted_out = {parties[0]: set(bsn[:5]), parties[1]: {*bsn[3:9], *STRANGERS}, parties[2]: {STRANGERS[0]}}
    return world


@pytest.mark.parametrize("name", NAMES)
def test_a_crowd_with_real_base_transfers_and_the_systems_randomness(name: str) -> None:
    world = crowd(name, 1)
    expected = ORACLES[name](world)
    # The populations are such that every output shows something and hides something.
    led = len(world.rows[shipped(name).leaders[0]])
    for shown in [expected.members, *expected.signals.values()]:
        assert shown is None or 10 < len(shown) < led
    for cells in expected.statistics.values():
        assert any(cells)
    outcome = agree_on(name, world, seed=None)
    points = [sent.message.rows for sent in outcome.sent if sent.message.STEP == base_ot.SenderPoints.STEP]
    assert len(points) == joins(name)
    assert all(rows.any(axis=1).all() for rows in points), "not the test's dealer"


@pytest.mark.usefixtures("dealer")
@pytest.mark.parametrize("name", NAMES)
def test_a_crowd_by_the_engine_of_few_bytes(name: str) -> None:
    outcome = agree_on(name, crowd(name, 3), engine="vole")
    steps = {sent.message.STEP for sent in outcome.sent}
    assert vole_oprf.MaskedItems.STEP in steps
    assert oprf.MaskedRows.STEP not in steps


@pytest.mark.usefixtures("dealer")
@pytest.mark.parametrize("name", NAMES)
def test_message_sizes_depend_on_public_sizes_only(name: str) -> None:
    scenario = shipped(name)
    nothing = World({})
    seen = set()
    for number, world in enumerate((nothing, crowd(name, 2))):
        _, outcome = run(scenario, own_rows(scenario, world), bytes([number]))
        seen.add(tuple(outcome.sizes()))
    assert len(seen) == 1


@pytest.mark.usefixtures("dealer")
@pytest.mark.parametrize("name", NAMES)
def test_results_leave_for_their_recipients_only_and_at_the_very_end(name: str) -> None:
    scenario = shipped(name)
    plan, outcome = run(scenario, own_rows(scenario, World({})))
    opened = [(number, sent) for number, sent in enumerate(outcome.sent) if sent.message.STEP == "opened-shares"]
    assert {sent.recipient for _, sent in opened} == set(scenario.recipients) == set(plan.recipients)
    assert {sent.sender for _, sent in opened} <= set(plan.compute)
    ready = [number for number, sent in enumerate(outcome.sent) if sent.message.STEP == "ready"]
    assert len(ready) == 6
    assert max(ready) < min(number for number, _ in opened)
    # A party without data that only receives gets nothing else but fingerprints of the terms.
    for party in set(plan.recipients) - set(plan.with_rows) - set(plan.compute):
        assert {message.STEP for message in outcome.view(party)} == {"session-terms", "opened-shares"}
    for party in set(plan.parties) - set(plan.recipients):
        assert not [sent for _, sent in opened if sent.recipient == party]


# Oracles: each scenario once more, by its purpose, on sets and dicts.


def _creditors_of(world: World) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for party in CREDITORS:
        for bsn in set(world.rows.get(party, {})) - world.out():
            found.setdefault(bsn, set()).add(party)
    return found


def _early_signals(world: World) -> PlainOutcome:
    several = {bsn for bsn, at in _creditors_of(world).items() if len(at) >= 2}
    homes = {bsn: row["municipality"] for party in CREDITORS for bsn, row in world.rows.get(party, {}).items()}
    return PlainOutcome(
        signals={
            number: [(bsn,) for bsn in sorted(several) if homes[bsn] == code] for number, code in enumerate((363, 344))
        }
    )


def _new_early_signals(world: World) -> PlainOutcome:
    known = {0: world.rows.get("gemeente-a", {}), 1: world.rows.get("gemeente-b", {})}
    signals = _early_signals(world).signals
    return PlainOutcome(signals={n: [row for row in rows if row[0] not in known[n]] for n, rows in signals.items()})


def _elsewhere_too(world: World) -> PlainOutcome:
    owes = _creditors_of(world)
    return PlainOutcome(
        members=sorted(b for b, at in owes.items() if "cjib" in at and at & {"belastingdienst", "toeslagen"})
    )


def _income(world: World, bsn: int) -> int:
    home = [bsn] + ([world.partners[bsn]] if bsn in world.partners else [])
    uwv, taxes = world.rows["uwv"], world.rows["belastingdienst"]
    return world.rows["svb"][bsn]["aow_cents"] + sum(
        uwv.get(one, {}).get("income_cents", 0) + taxes.get(one, {}).get("other_income_cents", 0) for one in home
    )


def _entitled(world: World) -> PlainOutcome:
    found = []
    for bsn, row in world.rows.get("svb", {}).items():
        home = {bsn, world.partners.get(bsn, bsn)}
        if home & world.out():
            continue
        # A partner who is the same person counts twice, as two key columns say.
        both = [bsn] + ([world.partners[bsn]] if bsn in world.partners else [])
        assets = sum(world.rows["belastingdienst"].get(one, {}).get("assets_cents", 0) for one in both)
        if row["has_partner"]:
            entitled = _income(world, bsn) < NORM_COUPLE and assets < ASSETS_COUPLE
        else:
            entitled = _income(world, bsn) < NORM_SINGLE and assets < ASSETS_SINGLE
        found += [bsn] if entitled else []
    return PlainOutcome(members=sorted(found))


def _below_minimum(world: World) -> PlainOutcome:
    found = []
    for bsn in set(world.rows.get("uwv", {})) - world.out():
        row = world.rows["uwv"][bsn]
        paid = sum(world.rows[party].get(bsn, {}).get("instalment_cents", 0) for party in CREDITORS)
        if paid and row["income_cents"] - paid < MINIMUM.get(row["household_type"], MINIMUM[1]):
            found.append(bsn)
    return PlainOutcome(members=sorted(found))


def _shown(count: int, *rests: int) -> int | None:
    return None if count < 10 or min(rests) < 10 else count // 10 * 10


def _how_many(world: World) -> PlainOutcome:
    at = [len(parties) for parties in _creditors_of(world).values()]
    return PlainOutcome(statistics={0: [_shown(at.count(m), len(at) - at.count(m)) for m in (1, 2, 3, 4)]})


def _pairs(world: World) -> PlainOutcome:
    owes = _creditors_of(world)
    sizes = {p: len(set(world.rows.get(p, {})) - world.opted_out.get(p, set())) for p in CREDITORS}
    cells = []
    for one, other in itertools.combinations(CREDITORS, 2):
        count = sum({one, other} <= at for at in owes.values())
        cells.append(_shown(count, sizes[one] - count, sizes[other] - count))
    return PlainOutcome(statistics={0: cells})


ORACLES: dict[str, Callable[[World], PlainOutcome]] = {
    "aio-niet-gebruik": _entitled,
    "bestaansminimum-uwv": _below_minimum,
    "betalingsregeling-rijk": _elsewhere_too,
    "overlap-statistiek": _how_many,
    "overlap-statistiek-paren": _pairs,
    "vroegsignaal-gezamenlijk": _early_signals,
    "vroegsignaal-nieuw": _new_early_signals,
}
