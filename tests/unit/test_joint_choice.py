"""Which engine and which adder a joint run uses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from support.joint_nodes import COMPUTING, DATA_ONLY, LEADER, draw_people, make_joint_bodies, records, serving_jointly

from psi_match.base.errors import UsageError
from psi_match.node import joint_choice
from psi_match.node.joint_choice import Asked, choose_engine, depends_on_path, estimate, read_asked
from psi_match.protocols.join_terms import JOIN_ENGINES
from psi_match.protocols.sizes import table_bins
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import JoinScenario

GIGABIT, HUNDRED, TEN = 125e6, 12.5e6, 1.25e6
MILLION = table_bins(1 << 20)


def _scenario(name: str) -> JoinScenario:
    scenario = Catalogue().get(name)
    assert isinstance(scenario, JoinScenario)
    return scenario


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", Asked()),
        ("vole", Asked("vole")),
        ("kkrt", Asked("kkrt")),
        ("prefix", Asked(None, "prefix")),
        ("vole+prefix", Asked("vole", "prefix")),
        ("ripple+kkrt", Asked("kkrt", "ripple")),
    ],
)
def test_what_an_operator_may_ask_for(text: str, asked: Asked) -> None:
    assert read_asked(_scenario("vroegsignaal-gezamenlijk"), text) == asked


@pytest.mark.parametrize("text", ["ecdh", "kkrt-buckets", "vole+kkrt", "ripple+prefix", "vole,prefix", "+", "vole+"])
def test_what_no_joint_run_has(text: str) -> None:
    with pytest.raises(UsageError, match="no engine of that name"):
        read_asked(_scenario("vroegsignaal-gezamenlijk"), text)


def test_a_scenario_that_does_not_list_vole_refuses_it() -> None:
    scenario = _scenario("overlap-statistiek")
    assert scenario.engines == ("kkrt",)
    with pytest.raises(UsageError, match="does not allow this engine"):
        read_asked(scenario, "vole")


def test_the_network_decides() -> None:
    assert choose_engine(JOIN_ENGINES, 10e9, MILLION) == "kkrt"
    assert choose_engine(JOIN_ENGINES, HUNDRED, MILLION) == "vole"
    assert choose_engine(JOIN_ENGINES, TEN, MILLION) == "vole"
    assert choose_engine(("kkrt",), TEN, MILLION) == "kkrt"
    assert choose_engine(("vole", "kkrt"), math.inf, MILLION) in JOIN_ENGINES


def test_small_sets_stay_with_the_first_engine_and_measure_nothing() -> None:
    small = table_bins(256)
    assert choose_engine(JOIN_ENGINES, HUNDRED, small) == "kkrt"
    assert not depends_on_path(JOIN_ENGINES, small)
    assert depends_on_path(JOIN_ENGINES, MILLION)
    assert not depends_on_path(("kkrt",), MILLION)


def test_an_estimate_falls_with_bandwidth() -> None:
    for engine in JOIN_ENGINES:
        seconds = [estimate(engine, rate, MILLION) for rate in (TEN, HUNDRED, GIGABIT)]
        assert seconds == sorted(seconds, reverse=True)


def test_a_coordinator_on_a_slow_path_takes_the_engine_of_few_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = make_joint_bodies(tmp_path, draw_people())
    with serving_jointly(bodies) as nodes:
        few = bodies.run("leden", LEADER)
        assert (few["engine"], few["engine_choice"]) == ("kkrt", {}), "at so few rows no path needs to be measured"
        # As if these were large sets, on a line of a kilobyte per second to one of the parties.
        monkeypatch.setattr(joint_choice, "table_bins", lambda _size: MILLION)
        context = nodes[LEADER].context
        context.paths._measured[context.config.peer(DATA_ONLY).address] = (1e3, context.paths.clock())
        slow = bodies.run("leden", LEADER)
        assert slow["engine"] == "vole"
        assert slow["engine_choice"]["bytes_per_s"][DATA_ONLY] == 1000
        assert slow["engine_choice"]["bytes_per_s"][COMPUTING] > 1000, "measured by padded greetings"
        assert set(slow["engine_choice"]["estimated_s"]) == set(JOIN_ENGINES)
        theirs = [record for record in records(nodes[DATA_ONLY]) if record["run_id"] == slow["run_id"]]
        assert [record["engine"] for record in theirs] == ["vole"]
        forced = bodies.run("leden", LEADER, "kkrt")
        assert (forced["engine"], forced["engine_choice"]) == ("kkrt", {})
