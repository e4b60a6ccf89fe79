"""What a bench lets nodes do: made-up rows, their answers, and scenario files that nodes accept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from psi_match.bench.draws import (
    dataset_of,
    draw_many,
    draw_pair,
    pair_answer,
    predicate_inputs,
    psi_inputs,
    quorum_answer,
    quorum_inputs,
)
from psi_match.bench.intersections import SCENARIO as PAIR_SCENARIO
from psi_match.bench.intersections import scenario_toml as pair_toml
from psi_match.bench.joins import CASES, SCENARIO, Case, scenario_toml, several
from psi_match.bench.quorums import quorum_case
from psi_match.bench.sizes import Size
from psi_match.domain.bsn import format_bsn
from psi_match.domain.dataset import DatasetSpec
from psi_match.node.sources import CsvSource, load
from psi_match.protocols.integers import ADDERS
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import JoinScenario
from psi_match.scenario.model import ENGINES, Scenario
from psi_match.scenario.plan import compile_plan


@pytest.mark.parametrize("size", [Size(100, 100), Size(10, 300), Size(300, 11), Size(1, 1), Size(1, 2)])
def test_half_of_the_smaller_set_is_common(size: Size) -> None:
    leader, data_party = draw_pair(size)
    assert (len(set(leader.tolist())), len(set(data_party.tolist()))) == (size.rows, size.data_rows)
    common = {f"{number:09d}" for number in set(leader.tolist()) & set(data_party.tolist())}
    assert len(common) == min(size.rows, size.data_rows) // 2
    assert pair_answer(leader, data_party).tolist() == sorted(common)
    assert np.array_equal(draw_pair(size)[0], leader)


def test_csv_files_are_as_nodes_and_other_programs_read_them(tmp_path: Path) -> None:
    inputs = psi_inputs(Size(50, 70), tmp_path)
    lines = inputs.data_csv.read_text().splitlines()
    assert lines[0] == "bsn"
    assert len(lines) == 71
    assert all(len(line) == 9 and line.isdigit() for line in lines[1:])
    spec = DatasetSpec(name="rows", bsn="synthetic", reference_date="2026-11-24")
    loaded = load(spec, CsvSource(kind="csv", path=inputs.leader_csv))
    assert np.array_equal(np.sort(loaded.bsn), np.sort(draw_pair(Size(50, 70))[0]))
    assert "reference_date = 20" in dataset_of(inputs.leader_csv).toml("rows")
    assert "preload = true" in dataset_of(tmp_path / "rows.parquet").toml("rows")


def test_columns_of_the_predicate_hold_both_answers(tmp_path: Path) -> None:
    inputs = predicate_inputs(1000, tmp_path)
    a, b, bound, expected = (np.load(path) for path in (inputs.a, inputs.b, inputs.bound, inputs.expected))
    assert a.dtype == b.dtype == bound.dtype == np.uint64
    assert max(int(column.max()) for column in (a, b, bound)) < 1 << 62
    assert int(a.max()) + int(b.max()) < 1 << 63
    assert [int(x) + int(y) < int(z) for x, y, z in zip(a, b, bound, strict=True)] == expected.tolist()
    assert 300 < expected.sum() < 700


def test_a_quorum_counts_parties(tmp_path: Path) -> None:
    sets = draw_many(("cjib", "uwv", "svb", "cak"), 100)
    for threshold in (2, 3, 4):
        everyone = [number for own in sets.values() for number in own.tolist()]
        wanted = sorted(f"{number:09d}" for number in set(everyone) if everyone.count(number) >= threshold)
        assert quorum_answer(sets, threshold).tolist() == wanted
        tables = {party: pd.DataFrame({"bsn": format_bsn(own)}) for party, own in sets.items()}
        assert sorted(several(tables, threshold)) == wanted
        leaders = tuple(sets)[: len(sets) - threshold + 1]
        assert sorted(several(tables, threshold, leaders)) == wanted  # nobody is with fewer than all leaders' parties
    inputs = quorum_inputs(sets, 3, tmp_path)
    assert list(inputs.csv) == list(sets)
    assert inputs.rows == 100


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_nodes_accept_the_scenario_of_an_intersection(engine: str, tmp_path: Path) -> None:
    (tmp_path / f"{PAIR_SCENARIO}.toml").write_text(pair_toml(engine))
    scenario = Catalogue(tmp_path).get(PAIR_SCENARIO)
    assert isinstance(scenario, Scenario)
    assert len(scenario.engines) == (2 if engine == "auto" else 1)


@pytest.mark.parametrize("case", [*CASES.values(), *(quorum_case(n, k) for n in range(3, 7) for k in range(2, n + 1))])
def test_nodes_accept_the_scenario_of_a_joint_run(case: Case, tmp_path: Path) -> None:
    (tmp_path / f"{SCENARIO}.toml").write_text(scenario_toml(case))
    scenario = Catalogue(tmp_path).get(SCENARIO)
    assert isinstance(scenario, JoinScenario)
    assert set(scenario.party_ids) == set(case.parties)
    plan = compile_plan(scenario, ADDERS[0])
    assert [turn.leader for turn in plan.turns] == list(case.leaders)


def test_five_parties_of_whom_three_are_needed_take_twelve_joins(tmp_path: Path) -> None:
    (tmp_path / f"{SCENARIO}.toml").write_text(scenario_toml(quorum_case(5, 3)))
    scenario = Catalogue(tmp_path).get(SCENARIO)
    assert isinstance(scenario, JoinScenario)
    assert sum(len(turn.joins) for turn in compile_plan(scenario, ADDERS[0]).turns) == 12
