"""Populations against their figures: exact enough, and a figure that is off is named. Pictures, outcomes, commands."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from psi_match.base.errors import DataError, UsageError
from psi_match.bench.outcomes import outcomes
from psi_match.bench.truth import expected_join
from psi_match.cli.main import app
from psi_match.population.calibration import row
from psi_match.population.check import check
from psi_match.population.choices import Choices, NonUse, Rules
from psi_match.population.generate import generate
from psi_match.population.membership import ARREARS_BODIES
from psi_match.population.truth import read_whole_truth
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import JoinScenario

DATE = datetime.date(2026, 1, 1)
PERSONS = 100_000


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("check") / "population"
    generate(PERSONS, 5, out, DATE)
    return out


@pytest.fixture(scope="module")
def scenarios() -> dict[str, JoinScenario]:
    return {scenario.name: scenario for scenario in Catalogue().all() if isinstance(scenario, JoinScenario)}


@pytest.fixture
def copied(population: Path, tmp_path: Path) -> Path:
    for path in population.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def tamper(folder: Path, name: str, change: Any) -> None:
    path = folder / name
    table = pd.read_parquet(path)
    change(table).to_parquet(path)


@pytest.mark.parametrize(
    "choices",
    [
        Choices(),
        Choices(rules=Rules.YEAR_2024, non_use=NonUse.STRESS),
        Choices(tax_as_one=True, with_duo=True),
    ],
)
def test_a_population_meets_its_figures(tmp_path: Path, choices: Choices) -> None:
    generate(PERSONS, 2, tmp_path / "out", DATE, choices)
    report = check(tmp_path / "out")
    assert report.within
    assert report.choices == choices
    stated = [checked for checked in report.figures if checked.figure.tag == "S"]
    assert len(stated) > 12
    # Not by luck: but for what whole people and few large amounts do, everything is much closer than its bound.
    loose = {"all_four_mean", "known_of_core"}
    assert all(abs(c.difference) < 0.01 for c in report.figures if c.figure.quantity not in loose)


def test_figures_are_those_of_the_files(population: Path) -> None:
    figures = {checked.name: checked for checked in check(population).figures}
    truth = pd.read_parquet(population / "truth.parquet")
    present = truth[[f"{body}_present" for body in ARREARS_BODIES]].to_numpy()
    assert figures["nl anywhere_persons"].achieved == len(truth)
    assert figures["nl several_share"].achieved == pytest.approx((present.sum(axis=1) >= 2).mean())
    assert figures["toeslagen median"].achieved == pytest.approx(
        np.median(truth["toeslagen_open_cents"][truth["toeslagen_present"]]) / 100
    )
    assert figures["belastingdienst persons"].target == pytest.approx(1_050_000 * PERSONS / 17_900_000)
    assert figures["belastingdienst persons"].figure == row("arrears_marginals", "belastingdienst", "persons")


@pytest.mark.parametrize(
    ("name", "change", "figures"),
    [
        ("truth.parquet", lambda t: t[~t["duo_present"]], {"duo persons", "nl anywhere_persons"}),
        (
            "truth.parquet",
            lambda t: t.assign(toeslagen_open_cents=t["toeslagen_open_cents"] * 2),
            {"toeslagen median", "toeslagen mean"},
        ),
        ("truth_households.parquet", lambda t: t.assign(receives_aio=t["entitled"]), {"nl aio_persons"}),
        ("truth_households.parquet", lambda t: t[t["lives_in_nl"]], {"svb recipients_abroad"}),
    ],
)
def test_what_is_off_is_named(copied: Path, name: str, change: Any, figures: set[str]) -> None:
    tamper(copied, name, change)
    report = check(copied)
    assert not report.within
    assert figures <= {checked.name for checked in report.figures if not checked.within}
    result = CliRunner().invoke(app, ["population", "check", str(copied)], catch_exceptions=True)
    assert result.exception is not None
    assert "out of bounds" in str(result.exception)


def test_the_command_prints_and_writes_json(population: Path) -> None:
    result = CliRunner().invoke(app, ["population", "check", str(population), "--json"])
    content = json.loads(result.stdout)
    assert content["within"] is True
    assert content["persons"] == PERSONS
    assert content["notes"]
    first = content["figures"][0]
    assert first.keys() >= {"body", "quantity", "target", "achieved", "difference", "bound", "within", "source", "tag"}
    text = CliRunner().invoke(app, ["population", "check", str(population)]).stdout
    assert "nl all_four_persons" in text
    assert "tax-as-one" in text


def test_what_is_no_population_is_refused(tmp_path: Path, population: Path) -> None:
    with pytest.raises(UsageError, match="holds no population"):
        check(tmp_path)
    (tmp_path / "population.json").write_bytes((population / "population.json").read_bytes())
    with pytest.raises(DataError):
        check(tmp_path)


# Pictures


def test_pictures_are_drawn_and_equal_for_equal_populations(population: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    names = [tmp_path / f"{name}{suffix}" for name in ("check", "overlaps") for suffix in (".svg", ".png", ".pdf")]
    for _ in range(2):
        before = {path: path.read_bytes() for path in names if path.exists()}
        for suffix in (".svg", ".png", ".pdf"):
            options = ["--picture", str(tmp_path / f"check{suffix}"), "--overlaps", str(tmp_path / f"overlaps{suffix}")]
            assert CliRunner().invoke(app, ["population", "check", str(population), *options]).exit_code == 0
        assert all(path.read_bytes() == content for path, content in before.items())
    svg = (tmp_path / "check.svg").read_text()
    assert "toeslagen median [S]" in svg
    overlaps = (tmp_path / "overlaps.svg").read_text()
    truth = read_whole_truth(population).people
    assert f"CAK ({truth['cak_present'].sum():,})".replace(",", " ") in overlaps
    alone = truth[[f"{body}_present" for body in ARREARS_BODIES]].sum(axis=1) == 1
    only = int((truth["belastingdienst_present"] & alone).sum())
    assert f"{only:,}".replace(",", " ") in overlaps


def test_pictures_of_nobody_are_drawn_too(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    generate(1, 1, tmp_path / "out", DATE)
    options = ["--picture", str(tmp_path / "c.svg"), "--overlaps", str(tmp_path / "o.svg")]
    assert CliRunner().invoke(app, ["population", "check", str(tmp_path / "out"), *options]).exit_code == 0


def test_a_picture_needs_a_known_suffix_and_matplotlib(
    population: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from psi_match.population.pictures import draw_check

    report = check(population)
    with pytest.raises(UsageError, match=r"\.bmp"):
        draw_check(report, tmp_path / "x.bmp")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(UsageError) as caught:
        draw_check(report, tmp_path / "x.svg")
    assert "psi-match[pictures]" in caught.value.hint


# Outcomes


def test_outcomes_agree_with_what_the_scenarios_must_give(population: Path, scenarios: dict[str, JoinScenario]) -> None:
    found = {(each.scenario, each.what): each for each in outcomes(population, scenarios)}
    truth = read_whole_truth(population)
    households = found["aio-niet-gebruik", "households/found"]
    assert households.found == len(expected_join(scenarios["aio-niet-gebruik"], truth)["svb"])
    assert households.national == round(households.found * 179)
    income_only = found["aio-niet-gebruik", "households/income-only"].found
    beyond = found["aio-niet-gebruik", "households/income-only-beyond"].found
    assert income_only - beyond == households.found
    assert beyond > 0.3 * income_only
    signalled = [found["vroegsignaal-gezamenlijk", f"signalled/{k}"].found for k in (2, 3, 4)]
    assert signalled == sorted(signalled, reverse=True)
    one_place = expected_join(scenarios["vroegsignaal-gezamenlijk"], truth)["gemeente-a"]
    # Amsterdam has one in twenty people: about one in twenty signals.
    assert len(one_place) == pytest.approx(signalled[0] / 20, rel=0.4)


def test_outcomes_of_several_populations_have_a_range(population: Path, tmp_path: Path) -> None:
    generate(PERSONS, 6, tmp_path / "other", DATE)
    arguments = ["population", "outcomes", str(population), str(tmp_path / "other")]
    text = CliRunner().invoke(app, [*arguments, "--lang", "en"]).stdout
    assert "range" in text
    assert "households that the rule finds" in text
    content = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert list(content) == arguments[2:]
    assert {each["what"] for each in content[str(population)]} >= {"signalled/2", "households/found", "clients"}


def test_outcomes_of_nobody_are_refused(tmp_path: Path, scenarios: dict[str, JoinScenario]) -> None:
    with pytest.raises(UsageError, match="no population"):
        outcomes(tmp_path, scenarios)
    generate(0, 1, tmp_path / "out", DATE)
    with pytest.raises(UsageError, match="nobody"):
        outcomes(tmp_path / "out", scenarios)
