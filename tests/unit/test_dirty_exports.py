"""Dirty exports: every fault stands where the list says, and validation makes of it what it should."""

from __future__ import annotations

import datetime
import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from psi_match.base.errors import ResultMismatch, UsageError
from psi_match.bench import validation
from psi_match.bench.validation import CLEAN, score
from psi_match.cli.main import app
from psi_match.domain import dataset
from psi_match.domain.bsn import BsnKind
from psi_match.domain.dataset import DatasetSpec
from psi_match.node.sources import CsvSource, load
from psi_match.population.dirty import BLANK, FAULTS, columns_of, make_dirty, read_injected
from psi_match.population.generate import generate

DATE = datetime.date(2026, 1, 1)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean") / "population"
    generate(20_000, 4, out, DATE)
    return out


@pytest.fixture(scope="module")
def exports(population: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dirty") / "out"
    make_dirty(population, out, 3, 0.05)
    return out


def lines(path: Path) -> list[str]:
    return path.read_text().split("\n")


def remainder(bsn: str) -> int:
    return sum(weight * int(digit) for weight, digit in zip((9, 8, 7, 6, 5, 4, 3, 2, -1), bsn, strict=True)) % 11


def test_every_fault_stands_at_its_line(exports: Path) -> None:
    injected = read_injected(exports)
    assert {fault.kind for fault in injected} == {*FAULTS, BLANK}
    for fault in injected:
        line = lines(exports / fault.file)[fault.line - 1].rstrip("\r")
        header = lines(exports / fault.file)[0].rstrip("\r").split(";")
        cells = dict(zip(header, line.split(";"), strict=False))
        seen = {
            BLANK: line == "",
            "empty": cells.get("bsn") == "",
            "zero-lost": bool(re.fullmatch("[1-9][0-9]{7}", cells.get("bsn", ""))),
            "digits-missing": bool(re.fullmatch("[0-9]{7}", cells.get("bsn", ""))),
            "letter": "O" in cells.get("bsn", ""),
            "spaces-around": cells.get("bsn", "").startswith(" "),
            "amount-garbled": ",," in line,
            "date-impossible": "31-02-2026" in line,
            "own-partner": cells.get("partner_bsn") == cells.get("bsn"),
            "decimal-point": any("." in cell for cell in cells.values()),
        }
        assert seen.get(fault.kind, True), fault


def test_no_number_becomes_somebodys(exports: Path) -> None:
    for path in exports.glob("*/*.csv"):
        table = pd.read_csv(path, sep=";", dtype=str)
        for name in {"bsn", "partner_bsn"} & set(table):
            numbers = table[name].dropna().str.strip()
            numbers = numbers[numbers.str.fullmatch("[0-9]{8,9}")].str.zfill(9)
            assert len(numbers) > 20
            assert 0 not in {remainder(number) for number in numbers}
    assert not re.search("[0-9]{9}", (exports / "injected.csv").read_text())


def test_partners_of_nobody_are_in_no_file(population: Path, exports: Path) -> None:
    known: set[str] = set()
    for path in population.glob("*/*.parquet"):
        table = pd.read_parquet(path)
        known |= set(table["bsn"]) | set(table.get("partner_bsn", pd.Series(dtype=str)).dropna())
    rows = [fault for fault in read_injected(exports) if fault.kind == "partner-of-nobody"]
    assert len(rows) > 3
    for fault in rows:
        assert lines(exports / fault.file)[fault.line - 1].split(";")[1] not in known


def test_rows_without_a_fault_are_what_they_were(population: Path, exports: Path) -> None:
    path = exports / "cjib" / "arrears.csv"
    spec = DatasetSpec(
        name="arrears",
        bsn=BsnKind.SYNTHETIC,
        columns=tuple(columns_of(lines(path)[0].rstrip("\r").split(";"))),
        on_invalid="drop",
        reference_date_column="peildatum",
    )
    read = load(spec, CsvSource(kind="csv", path=path))
    clean = pd.read_parquet(population / "cjib" / "arrears.parquet")
    expected = clean.set_index(clean["bsn"].astype("int64"))
    refused = Counter(fault.kind for fault in read_injected(exports) if fault.file == "cjib/arrears.csv")
    lost = sum(refused[kind] for kind in FAULTS if FAULTS[kind].expected == "rejected" and not FAULTS[kind].again)
    assert read.rows == len(clean) - lost
    for name in ("open_cents", "municipality", "instalment_cents", "reminder_sent"):
        assert (expected.loc[read.bsn.astype("int64"), name].to_numpy() == read.columns[name]).all()


def test_equal_seeds_give_equal_exports(population: Path, exports: Path, tmp_path: Path) -> None:
    make_dirty(population, tmp_path / "same", 3, 0.05)
    make_dirty(population, tmp_path / "other", 4, 0.05)
    for path in exports.rglob("*.csv"):
        name = path.relative_to(exports)
        assert (tmp_path / "same" / name).read_bytes() == path.read_bytes()
        assert (tmp_path / "other" / name).read_bytes() != path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600


def test_validation_finds_everything_that_a_file_can_tell(exports: Path) -> None:
    scored = score(exports)
    assert all(each.right for each in scored)
    assert {each.kind for each in scored} == {*FAULTS, BLANK, CLEAN}
    assert sum(each.rejected for each in scored if each.kind == CLEAN) == 0
    assert sum(each.rejected for each in scored) > 300


def test_a_weaker_validation_scores_worse(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "is_of_kind", lambda numbers, _kind: numbers >= 0)
    wrong = {each.kind for each in score(exports) if not each.right}
    assert wrong == {"digit-wrong"}
    monkeypatch.setattr(validation, "columns_of", lambda _header: [])
    wrong = {each.kind for each in score(exports) if not each.right}
    assert wrong == {"digit-wrong", "amount-garbled", "own-partner"}
    result = CliRunner().invoke(app, ["population", "score", str(exports)])
    assert isinstance(result.exception, ResultMismatch)


def test_the_commands_print_counts(population: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    result = CliRunner().invoke(app, ["population", "dirty", str(population), "--out", out])
    assert result.exit_code == 0
    assert "late-mutation" in result.stdout
    result = CliRunner().invoke(app, ["population", "score", out])
    assert result.exit_code == 0
    assert "no single file can tell" in result.stdout
    content = json.loads(CliRunner().invoke(app, ["population", "score", out, "--json"]).stdout)
    assert all(each["right"] for each in content)


@pytest.mark.parametrize("share", [0, -1, 0.6])
def test_an_impossible_share_is_refused(population: Path, tmp_path: Path, share: float) -> None:
    with pytest.raises(UsageError, match="share"):
        make_dirty(population, tmp_path / "out", 1, share)


def test_wrong_folders_are_refused(population: Path, exports: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no population"):
        make_dirty(tmp_path, tmp_path / "out", 1, 0.01)
    with pytest.raises(UsageError, match="not an empty folder"):
        make_dirty(population, exports, 1, 0.01)
    with pytest.raises(UsageError, match="no dirty exports"):
        score(tmp_path)


def test_small_populations_have_few_faults(tmp_path: Path) -> None:
    generate(50, 1, tmp_path / "population", DATE)
    make_dirty(tmp_path / "population", tmp_path / "out", 1, 0.01)
    assert all(each.right for each in score(tmp_path / "out"))
