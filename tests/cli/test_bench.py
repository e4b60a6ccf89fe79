"""The bench as a user types it, with real nodes and small sets: bytes follow the protocol's formulas."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from psi_match.bench.report_file import read_report
from psi_match.protocols.sizes import table_bins, value_bytes

ROW_BYTES = 56
"""Of a bin in the OPRF."""
LISTS = 3
CONTROL_BYTES = 60_000
"""More than session set-up, base OTs, frames and transcripts are together."""


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "psi_match", "bench", *words], capture_output=True, text=True, check=False
    )


def test_psi_is_measured_and_its_bytes_follow_the_formulas(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = bench("psi", "--size", "2^12", "--runs", "2", "--json", "--out", str(out))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    report = read_report(out / "report.json")
    assert document["format"] == 1
    assert document["command"] == "psi-match bench psi --size 2^12 --runs 2 --json --out DIR"
    (row,) = report.rows
    assert json.loads((out / "report.json").read_text()) == document
    assert (row.suite, row.task, row.name, len(row.runs)) == ("psi", "2^12 x 2^12", "psi-match kkrt", 2)
    assert row.parameters == {"rows": 4096, "data_rows": 4096, "net": "loopback", "from": "memory"}
    for run in (*row.runs, row.warm_up):
        assert run is not None
        rows, values = table_bins(4096) * ROW_BYTES, LISTS * 4096 * value_bytes(4096, 4096, 1)
        assert rows < run.bytes["cjib->belastingdienst"] < rows + CONTROL_BYTES
        assert values < run.bytes["belastingdienst->cjib"] < values + CONTROL_BYTES
        assert run.bytes == row.runs[0].bytes
        assert run.rounds == 13
        assert list(run.phases) == ["load", "agree", "table", "base-ot", "oprf", "values", "compare", "store"]
        assert rows < run.phase_bytes["oprf"] < rows + 200
        assert sum(run.phases.values()) <= run.wall_s
        assert set(run.cpu_s) == set(run.peak_rss_bytes) == {"cjib", "belastingdienst"}
    assert {path.name for path in out.iterdir()} == {
        "report.json",
        "tables.md",
        *(f"{kind}-psi.{suffix}" for kind in ("time", "bytes", "phases") for suffix in ("svg", "png")),
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("psi", "--engine", "rsa"), "no engine named rsa"),
        (("psi", "--size", "many"), "'many' is no size"),
        (("psi", "--net", "moon"), "no network named moon"),
        (("psi", "--peers", "nobody"), "no program named nobody"),
        (("join", "--case", "none"), "no case named none"),
        (("join", "--adder", "viper"), "no adder named viper"),
        (("predicate", "--size", "7"), "at least 436 rows"),
        (("quorum", "--parties", "4", "--threshold", "5"), "needs 2 to 4"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(words: tuple[str, ...], said: str) -> None:
    from typer.testing import CliRunner

    from psi_match.base.errors import UsageError
    from psi_match.cli.bench import app

    done = CliRunner().invoke(app, list(words))
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = bench("population", "--persons", "100", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_predicate_is_measured_alone_and_within_a_whole_run() -> None:
    done = bench("predicate", "--size", "500", "--runs", "1", "--no-warm-up", "--json")
    assert done.returncode == 0, done.stderr
    predicate, whole = json.loads(done.stdout)["rows"]
    assert predicate["parameters"] == {"rows": 436, "net": "loopback", "part": "predicate alone"}
    assert whole["parameters"]["part"] == "joint run"
    (alone,), (run,) = predicate["runs"], whole["runs"]
    stages = ["load", "agree", "join", "match", "row-inputs", "row-circuit", "finish", "compare", "open"]
    assert list(run["phases"]) == stages
    assert alone["wall_s"] == run["phases"]["row-circuit"]
    sent = run["phase_bytes"]["row-circuit"]
    assert (alone["bytes"], alone["phase_bytes"]) == ({"all->all": sent}, {"row-circuit": sent})
    assert set(run["cpu_s"]) == {"cjib", "belastingdienst", "rekennode"}
    assert len(run["bytes"]) == 6
    assert whole["warm_up"] is None
