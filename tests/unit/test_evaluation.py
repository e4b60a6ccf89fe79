"""Evaluation: the current value of every threshold gives the expected answer, and counts agree with each other."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from psi_match.base.errors import DataError, UsageError
from psi_match.bench.evaluation import evaluate, evaluate_scenario, fits, of_scenario
from psi_match.bench.evaluation_answers import answer
from psi_match.bench.evaluation_quality import relevant
from psi_match.bench.evaluation_thresholds import thresholds
from psi_match.bench.truth import expected_join, expected_result
from psi_match.cli.main import app
from psi_match.population.choices import Choices, Rules
from psi_match.population.generate import generate
from psi_match.population.truth import Truth, read_whole_truth
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import JoinScenario

DATE = datetime.date(2026, 1, 1)
NAMES = Catalogue().names()


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluation") / "population"
    generate(20_000, 7, out, DATE)
    return out


@pytest.fixture(scope="module")
def truth(population: Path) -> Truth:
    return read_whole_truth(population)


@pytest.fixture(scope="module")
def found(population: Path) -> dict[str, Any]:
    # As a reader of the file sees it: plain JSON values only.
    read: dict[str, Any] = json.loads(json.dumps(evaluate(population)))
    return read


def test_every_scenario_is_there_with_all_that_the_format_names(found: dict[str, Any]) -> None:
    assert found["format"] == 1
    assert found["population"]["persons"] == 20_000
    assert found["population"]["seed"] == 7
    assert sorted(found["scenarios"]) == NAMES
    for entry in found["scenarios"].values():
        assert {"scenario_digest", "expected", "rows", "distinct_persons", "overlap", "quality", "thresholds"} <= set(
            entry
        )


@pytest.mark.parametrize("name", NAMES)
def test_expected_counts_are_those_of_the_truth(name: str, found: dict[str, Any], truth: Truth) -> None:
    scenario = Catalogue().get(name)
    expected = found["scenarios"][name]["expected"]
    if isinstance(scenario, JoinScenario):
        assert expected == {party: len(table) for party, table in expected_join(scenario, truth).items()}
    else:
        result = expected_result(truth, scenario)
        assert expected[scenario.leader] == len(result)
        assert all(expected[party] == result[party].sum() for party in scenario.data_parties)


@pytest.mark.parametrize("name", NAMES)
def test_the_current_value_of_every_threshold_gives_the_expected_answer(name: str, found: dict[str, Any]) -> None:
    entry = found["scenarios"][name]
    assert entry["thresholds"]
    for threshold in entry["thresholds"]:
        values = [point["value"] for point in threshold["points"]]
        assert values == sorted(set(values))
        assert len(values) >= 2
        (current,) = [point for point in threshold["points"] if point["value"] == threshold["current"]]
        assert current["selected"] == entry["selected"]
        if entry["quality"]:
            assert {key: entry["quality"][key] for key in current if key != "value"} == {
                key: value for key, value in current.items() if key != "value"
            }
        assert threshold["label"]["nl"]
        assert threshold["label"]["en"]


@pytest.mark.parametrize("name", NAMES)
def test_a_stricter_threshold_selects_no_more(name: str, found: dict[str, Any]) -> None:
    everything = found["scenarios"][name]["thresholds"]
    assert any(len({point["selected"] for point in threshold["points"]}) > 1 for threshold in everything)
    for threshold in everything:
        selected = [point["selected"] for point in threshold["points"]]
        looser = threshold["name"].startswith(("norm_", "assets_", "minimum_"))
        if threshold["name"] == "min_group" or "statistiek" in name:
            continue  # Rounding goes by steps: a smaller group may show more or fewer.
        assert selected == sorted(selected, reverse=not looser)


@pytest.mark.parametrize("name", NAMES)
def test_precision_and_recall_follow_from_their_counts(name: str, found: dict[str, Any]) -> None:
    entry = found["scenarios"][name]
    if entry["quality"] is None:
        assert entry["quality_reason"]["nl"]
        assert entry["quality_reason"]["en"]
        assert all(p["recall"] is None and p["relevant"] is None for t in entry["thresholds"] for p in t["points"])
        return
    assert entry["quality_reason"] is None
    for point in [entry["quality"], *(point for t in entry["thresholds"] for point in t["points"])]:
        assert 0 <= point["hits"] <= min(point["selected"], point["relevant"])
        assert point["precision"] == (point["hits"] / point["selected"] if point["selected"] else None)
        assert point["recall"] == point["hits"] / point["relevant"]
        assert point["relevant"] == entry["quality"]["relevant"]


@pytest.mark.parametrize("name", NAMES)
def test_overlap_counts_everyone_once(name: str, found: dict[str, Any]) -> None:
    entry = found["scenarios"][name]
    cells = entry["overlap"]["cells"]
    assert sum(cell["count"] for cell in cells) == entry["distinct_persons"]
    assert len({tuple(cell["in"]) for cell in cells}) == len(cells)
    assert all(cell["in"] and cell["count"] for cell in cells)
    assert entry["overlap"]["parties"] == list(entry["rows"])


def test_overlap_of_a_pairwise_scenario_is_its_result(found: dict[str, Any]) -> None:
    entry = found["scenarios"]["betalingsregeling-rijk-paren"]
    cells = entry["overlap"]["cells"]
    for party in ("belastingdienst", "toeslagen"):
        both = sum(cell["count"] for cell in cells if {"cjib", party} <= set(cell["in"]))
        assert both == entry["expected"][party]
    for party, rows in entry["rows"].items():
        assert sum(cell["count"] for cell in cells if party in cell["in"]) == rows


def test_overlap_of_a_table_is_what_it_rounds(found: dict[str, Any]) -> None:
    entry = found["scenarios"]["overlap-statistiek"]
    exact = {str(n): sum(c["count"] for c in entry["overlap"]["cells"] if len(c["in"]) == n) for n in range(1, 5)}
    for cell in entry["table"]:
        assert cell["suppressed"] or cell["count"] == exact[cell["group"]] // 10 * 10
    assert any(not cell["suppressed"] for cell in entry["table"])


def test_a_lower_k_than_the_purpose_says_costs_precision(found: dict[str, Any]) -> None:
    entry = found["scenarios"]["vroegsignaal-gezamenlijk"]
    points = {point["value"]: point for point in entry["thresholds"][0]["points"]}
    assert points[1]["precision"] < points[2]["precision"] == 1
    assert points[1]["recall"] > points[2]["recall"] > points[3]["recall"]


def test_rows_of_residents_hold_whom_the_signal_names(found: dict[str, Any]) -> None:
    entry = found["scenarios"]["vroegsignaal-gezamenlijk"]
    for recipient, rows in entry["rows_of_residents"].items():
        people = entry["residents"][recipient]
        assert max(rows.values()) <= people <= sum(rows.values())
        assert people >= entry["expected"][recipient]


def test_who_opted_out_is_in_no_answer_and_missed_by_none(truth: Truth) -> None:
    scenario = Catalogue().get("vroegsignaal-gezamenlijk")
    person = min(answer(scenario, truth).selected)
    lists = pd.concat([truth.opt_outs, pd.DataFrame({"party": ["cjib"], "bsn": [person]})])
    without = Truth(truth.people, truth.households, truth.clients, truth.debt_help, lists)
    assert answer(scenario, truth).selected - answer(scenario, without).selected == {person}
    wanted, rest = relevant(scenario, truth), relevant(scenario, without)
    assert wanted is not None
    assert rest is not None
    assert wanted - rest == {person}


def test_norms_of_another_year_than_the_rule_show_in_quality(tmp_path: Path) -> None:
    generate(20_000, 7, tmp_path / "population", DATE, Choices(rules=Rules.YEAR_2024))
    truth = read_whole_truth(tmp_path / "population")
    entry = evaluate_scenario(Catalogue().get("aio-niet-gebruik"), truth, tmp_path / "population")
    assert entry["quality"]["precision"] < 1


def test_moving_a_threshold_leaves_the_scenario_as_it_was(truth: Truth) -> None:
    scenario = Catalogue().get("betalingsregeling-rijk")
    before = scenario.model_dump()
    thresholds(scenario, truth)
    assert scenario.model_dump() == before


def test_no_number_of_a_person_is_in_it(found: dict[str, Any], truth: Truth) -> None:
    text = json.dumps(found)
    assert not any(bsn in text for bsn in truth.people["bsn"])


def test_a_dossier_takes_one_scenario(found: dict[str, Any]) -> None:
    part = of_scenario(found, "overlap-statistiek")
    assert part == {"population": found["population"], "scenario": found["scenarios"]["overlap-statistiek"]}
    assert of_scenario(found, "no-such") is None


def test_an_evaluation_fits_runs_of_its_own_text_of_the_scenario_only(found: dict[str, Any]) -> None:
    part = of_scenario(found, "vroegsignaal-nieuw")
    assert part is not None
    own = {"scenario_digest": digest(Catalogue().get("vroegsignaal-nieuw")).hex()}
    other = {"scenario_digest": found["scenarios"]["vroegsignaal-gezamenlijk"]["scenario_digest"]}
    assert fits(part, {"cak": own, "cjib": own})
    assert not fits(part, {"cak": own, "cjib": other})
    without = {name: value for name, value in part["scenario"].items() if name != "scenario_digest"}
    assert not fits(part | {"scenario": without}, {"cak": own})


def test_every_definition_says_that_whoever_opted_out_is_left_out(found: dict[str, Any]) -> None:
    judged = [entry["quality"]["definition"] for entry in found["scenarios"].values() if entry["quality"]]
    assert len(judged) >= 4
    assert all("Whoever opted out is left out" in " ".join(text["en"].split()) for text in judged)
    assert all("bezwaar maakte" in text["nl"] for text in judged)


def test_what_is_no_population_is_refused(population: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no population"):
        evaluate(tmp_path)
    for path in population.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=r"aow_households\.parquet"):
        evaluate(tmp_path)


def test_the_command_writes_a_file_or_prints_a_table(population: Path, tmp_path: Path, found: dict[str, Any]) -> None:
    out = tmp_path / "evaluation.json"
    written = CliRunner().invoke(app, ["population", "evaluate", str(population), "--out", str(out)])
    assert written.exit_code == 0, written.output
    assert json.loads(out.read_text()) == found
    english = CliRunner().invoke(app, ["population", "evaluate", str(population), "--lang", "en"]).stdout
    assert "AIO norm, single" in english
    dutch = CliRunner().invoke(app, ["population", "evaluate", str(population)]).stdout
    assert "AIO-norm alleenstaande" in dutch
    assert "Wat relevant is:" in dutch
    refused = CliRunner().invoke(app, ["population", "evaluate", str(population), "--out", str(tmp_path / "no" / "x")])
    assert refused.exit_code != 0
