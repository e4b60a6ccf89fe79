"""Which engine a pairwise run uses, and the measured path that it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nodes import LEADER, make_bodies, serving
from support.protocol import intersect
from support.sets import numbers, two_sets

from psi_match.node import bandwidth, engine_choice
from psi_match.node.bandwidth import PathRates, rate_of
from psi_match.node.engine_choice import COSTS, choose_engine, depends_on_path, estimate
from psi_match.scenario.model import ENGINES

GIGABIT, HUNDRED, TEN = 125e6, 12.5e6, 1.25e6
MILLION = [(1 << 20, 1 << 20)]
ALL = ("kkrt", "vole", "ecdh")


def test_the_costs_are_of_engines_that_exist() -> None:
    assert set(COSTS) <= set(ENGINES)


def test_a_fast_path_has_the_engine_that_computes_least_and_a_slow_one_that_sends_least() -> None:
    assert choose_engine(ALL, 10e9, MILLION) == "kkrt"
    assert choose_engine(ALL, HUNDRED, MILLION) == "vole"
    assert choose_engine(ALL, TEN, MILLION) == "vole"


def test_the_slower_the_path_the_fewer_bytes_are_sent() -> None:
    sent = [COSTS[choose_engine(ALL, 1e10 / 2**step, MILLION)].sent_bytes(*MILLION[0]) for step in range(24)]
    assert sent == sorted(sent, reverse=True)
    assert len(set(sent)) > 1


def test_only_what_the_scenario_allows_is_chosen() -> None:
    assert choose_engine(("kkrt", "ecdh"), TEN, MILLION) == "kkrt"
    assert choose_engine(("vole",), 10e9, MILLION) == "vole"
    assert choose_engine(("ecdh",), TEN, MILLION) == "ecdh"
    assert set(estimate(("kkrt", "ecdh"), TEN, MILLION)) == {"kkrt", "ecdh"}


def test_the_first_engine_stays_where_none_is_clearly_better(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = engine_choice.EngineCost(1.0, 0.0, 0.0, 0, 0.0, 0.0)
    slightly, clearly = (
        engine_choice.EngineCost(0.95, 0.0, 0.0, 0, 0.0, 0.0),
        engine_choice.EngineCost(0.7, 0.0, 0.0, 0, 0.0, 0.0),
    )
    monkeypatch.setattr(engine_choice, "COSTS", {"kkrt": cost, "vole": slightly, "ecdh": clearly})
    assert choose_engine(("kkrt", "vole"), GIGABIT, MILLION) == "kkrt"
    assert choose_engine(("vole", "kkrt"), GIGABIT, MILLION) == "vole"
    assert choose_engine(("kkrt", "vole", "ecdh"), GIGABIT, MILLION) == "ecdh"


def test_an_engine_without_a_cost_is_used_where_it_comes_first_only() -> None:
    assert choose_engine(("kkrt-buckets", "vole"), TEN, MILLION) == "kkrt-buckets"
    assert choose_engine(("kkrt", "kkrt-buckets"), TEN, MILLION) == "kkrt"


def test_intersections_of_one_run_share_the_line() -> None:
    one = estimate(ALL, TEN, MILLION)
    three = estimate(ALL, TEN, MILLION * 3)
    assert three == pytest.approx({name: 3 * seconds for name, seconds in one.items()})


@pytest.mark.parametrize("engine", ["kkrt", "vole", pytest.param("ecdh", marks=pytest.mark.openmined)])
def test_bytes_are_those_of_the_protocol(engine: str) -> None:
    # ecdh is slow, and its bytes are the same for every row.
    many, few = (1 << 10, 1 << 8) if engine == "ecdh" else (1 << 15, 1 << 12)
    for leader, data in ((many, many), (many, few), (few, many)):
        played = intersect(engine, *two_sets(leader, data, few // 2))
        sent = sum(message.size for message in played.sent)
        assert COSTS[engine].sent_bytes(leader, data) == pytest.approx(sent, rel=0.1)


def test_paths_are_measured_only_where_that_pays() -> None:
    assert depends_on_path(ALL, MILLION)
    assert not depends_on_path(ALL, [(1 << 12, 1 << 12)] * 5), "kkrt sends less of so few rows"
    assert not depends_on_path(ALL, [(1 << 15, 1 << 15)]), "vole saves less than measuring sends"
    assert not depends_on_path(("vole", "ecdh"), MILLION), "vole is faster on every path"
    assert not depends_on_path(("kkrt",), MILLION)
    assert not depends_on_path(("kkrt-buckets", "vole"), MILLION)


# The path.


def greetings(rate: float, round_trip_s: float, taken: list[int]) -> Iterator[tuple[int, float]]:
    """Greetings on an ideal path: the first one pays for the handshake."""
    for index, padding in enumerate((0, 0, 0, 1 << 16, 1 << 18, 1 << 20)):
        taken.append(padding)
        yield padding, padding / rate + round_trip_s * (4 if index == 0 else 1)


@pytest.mark.parametrize("rate", [TEN, HUNDRED, GIGABIT])
def test_the_rate_is_that_of_the_path_whatever_its_round_trip(rate: float) -> None:
    for round_trip_s in (0.0001, 0.05, 0.4):
        assert rate_of(greetings(rate, round_trip_s, [])) == pytest.approx(rate)


def test_a_slow_path_is_not_filled_with_more_greetings_than_needed() -> None:
    taken: list[int] = []
    rate_of(greetings(TEN, 0.05, taken))
    assert taken[-1] == 1 << 18
    rate_of(greetings(TEN / 100, 0.05, taken))
    assert taken[-1] == 1 << 16
    rate_of(greetings(GIGABIT, 0.05, taken))
    assert taken[-1] == 1 << 20


def test_what_is_in_the_way_once_does_not_count() -> None:
    busy = [(0, 0.5), (0, 0.02), (1 << 16, 0.021), (1 << 20, 0.06), (1 << 20, 0.03), (1 << 20, 0.05)]
    assert rate_of(busy) == pytest.approx((1 << 20) / 0.01)


def test_a_path_too_fast_to_measure_has_a_rate() -> None:
    assert rate_of([(0, 0.02), (1 << 20, 0.01)]) > GIGABIT


def test_a_rate_is_remembered_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    now, rates = [0.0], iter([5e6, 7e6])
    monkeypatch.setattr(bandwidth, "_padded_rate", lambda *_: next(rates))
    paths = PathRates(lambda: now[0])
    assert paths.known("svb:1") is None
    assert [paths.measure("svb:1", "svb", None) for _ in range(2)] == [5e6, 5e6]  # type: ignore[arg-type]
    now[0] = 3599.0
    assert paths.known("svb:1") == 5e6
    assert paths.known("uwv:1") is None
    now[0] = 3601.0
    assert paths.measure("svb:1", "svb", None) == 7e6  # type: ignore[arg-type]


# Real nodes.


@pytest.mark.openmined
def test_a_run_record_says_what_was_measured_and_what_was_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = numbers(1000)
    bodies = make_bodies(
        tmp_path, {"cjib": drawn[:400], "belastingdienst": drawn[300:700], "toeslagen": drawn[350:750]}
    )
    with serving(bodies) as nodes, bodies.nodes[LEADER].operator() as operator:
        few = operator.run("paren", "")
        assert (few["engine"], few["engine_choice"]) == ("kkrt", {}), "at so few rows no path needs to be measured"
        monkeypatch.setattr(engine_choice, "depends_on_path", lambda *_: True)
        # As on a line of a kilobyte per second to one of the parties: the engine that sends least at this size.
        address = nodes[LEADER].context.config.peer("toeslagen").address
        nodes[LEADER].context.paths._measured[address] = (1e3, nodes[LEADER].context.paths.clock())
        chosen = operator.run("paren", "")
        compared = chosen["engine_choice"]["estimated_s"]
        assert chosen["engine_choice"]["bytes_per_s"]["toeslagen"] == 1000
        assert chosen["engine_choice"]["bytes_per_s"]["belastingdienst"] > 1000, "measured by padded greetings"
        assert set(compared) == {"kkrt", "vole", "ecdh"}
        assert chosen["engine"] == min(compared, key=lambda name: compared[name])
        assert {record["engine"] for node in nodes.values() for record in node.context.store.records()} == {
            "kkrt",
            chosen["engine"],
        }
        forced = operator.run("paren", "vole")
        assert (forced["engine"], forced["engine_choice"]) == ("vole", {})
