"""Reports of a bench: figures, files, comparisons, tables, the machine, what was typed."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.bench import MACHINE, a_report, a_row, a_run
from typer.testing import CliRunner

from psi_match.base.errors import InternalError, Regression, ResultMismatch, UsageError
from psi_match.bench import machine
from psi_match.bench.compare import compare
from psi_match.bench.measuring import Effort, Task, measure
from psi_match.bench.model import RunFigures, alternate
from psi_match.bench.predicates import alone, rows_for
from psi_match.bench.quorums import combinations, quorum_case
from psi_match.bench.report_file import FORMAT, as_json, read_report
from psi_match.bench.run_figures import figures, stage_seconds
from psi_match.bench.sizes import Size, parse_rows, parse_sizes
from psi_match.bench.tables import as_markdown, pairs, parties, phases, summary
from psi_match.bench.winners import where_others_win
from psi_match.cli.bench import app
from psi_match.cli.bench_output import typed
from psi_match.protocols.sizes import table_bins


@pytest.mark.parametrize(
    ("text", "size", "shown"),
    [
        ("2^20", Size(1 << 20, 1 << 20), "2^20 x 2^20"),
        ("2^14x2^22", Size(1 << 14, 1 << 22), "2^14 x 2^22"),
        ("2^14X1000000", Size(1 << 14, 1_000_000), "2^14 x 1 000 000"),
        (" 1000 ", Size(1000, 1000), "1 000 x 1 000"),
        ("1", Size(1, 1), "1 x 1"),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: Size, shown: str) -> None:
    assert parse_sizes([text]) == [size]
    assert str(size) == shown


@pytest.mark.parametrize(
    "text", ["", "x", "2^", "2^14x", "0", "-4", "2^26", "1e6", "2^14x2^22x3", "99999999999", "3^4"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_sizes([text])


def test_two_sizes_are_refused_where_all_parties_have_the_same() -> None:
    assert parse_rows(["2^10", "1000"]) == [1024, 1000]
    with pytest.raises(UsageError, match="two sizes"):
        parse_rows(["2^10x2^11"])


def test_the_median_run_is_a_run_and_of_two_the_faster() -> None:
    row = a_row(walls=(3.0, 1.0, 2.0))
    assert (row.walls, row.median.wall_s) == ((1.0, 2.0, 3.0), 2.0)
    even = a_row(walls=(4.0, 1.0, 2.0, 3.0))
    assert (even.walls, even.median.wall_s) == ((1.0, 2.5, 4.0), 2.0)


def test_contenders_take_turns_in_both_orders() -> None:
    said: list[str] = []

    def runs(name: str) -> RunFigures:
        said.append(name)
        return a_run(1.0)

    found = [name for name, _ in alternate({"a": lambda: runs("a"), "b": lambda: runs("b")}, 3)]
    assert found == said == ["a", "b", "b", "a", "a", "b"]


class _Contender:
    """A contender whose runs are numbered."""

    variant, bytes_are, reveals, remarks, system = "kkrt", "serialised messages", "", ("fair",), "psi-match"

    def __init__(self, wrong_at: int = -1) -> None:
        self.runs, self.stopped, self._wrong_at = 0, False, wrong_at

    def ready(self) -> _Contender:
        return self

    def __enter__(self) -> _Contender:
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped = True

    def __call__(self) -> RunFigures:
        self.runs += 1
        if self.runs == self._wrong_at:
            raise ResultMismatch("Wrong.")
        return a_run(float(self.runs))


def test_the_warm_up_does_not_count() -> None:
    contender = _Contender()
    (row,) = measure(Task("psi", "2^4 x 2^4", {"rows": 16}), [contender], Effort(2), lambda _what: None)
    assert row.warm_up is not None
    assert (row.warm_up.wall_s, [run.wall_s for run in row.runs]) == (1.0, [2.0, 3.0])
    assert (row.remarks, contender.stopped) == (("fair",), True)
    (cold,) = measure(Task("psi", "x", {}), [_Contender()], Effort(1, warm_up=False), lambda _what: None)
    assert (cold.warm_up, len(cold.runs)) == (None, 1)


def test_a_wrong_answer_ends_a_measurement_and_stops_everybody() -> None:
    right, wrong = _Contender(), _Contender(wrong_at=2)
    wrong.variant = "ecdh"
    with pytest.raises(ResultMismatch):
        measure(Task("psi", "x", {}), [right, wrong], Effort(3), lambda _what: None)
    assert right.stopped
    assert wrong.stopped


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    report = a_report(a_row(), replace(a_row("spu", "rr22"), remarks=("a", "b"), warm_up=a_run(9.0)))
    (tmp_path / "report.json").write_text(as_json(report))
    assert read_report(tmp_path / "report.json") == report
    assert json.loads(as_json(report))["format"] == FORMAT


def _broken(change: str) -> str:
    document = json.loads(as_json(a_report(a_row())))
    match change:
        case "format":
            document["format"] = FORMAT + 1
        case "no format":
            del document["format"]
        case "a field":
            document["rows"][0]["runs"][0]["wall_s"] = "soon"
        case "no runs":
            document["rows"][0]["runs"] = []
        case "a list":
            document = [document]
    return "no JSON {" if change == "no JSON" else json.dumps(document)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("format", f"is of format {FORMAT + 1}; this version reads format {FORMAT}"),
        ("no format", "is no report"),
        ("a field", r"wrong at rows\.0\.runs\.0\.wall_s"),
        ("no runs", "a row without runs"),
        ("a list", "is no report"),
        ("no JSON", "is no JSON"),
    ],
)
def test_what_is_no_report_is_refused(change: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(_broken(change))
    with pytest.raises(UsageError, match=said):
        read_report(path)
    with pytest.raises(UsageError, match="Cannot read"):
        read_report(tmp_path / "none.json")


def test_a_comparison_gives_ratios_ranges_and_exact_bytes() -> None:
    old = a_report(a_row(walls=(1.0, 2.0, 4.0)), a_row("spu", "rr22"))
    changed = replace(a_row(walls=(2.0, 3.0, 5.0)), variant="kkrt")
    runs = tuple(replace(run, bytes=run.bytes | {"cjib->belastingdienst": 1007}, rounds=15) for run in changed.runs)
    found = compare(old, a_report(replace(changed, runs=runs), a_row("psi-match", "vole")))
    (change,) = found.changes
    assert (change.ratio, change.least, change.most) == (1.5, 0.5, 5.0)
    assert change.byte_changes == {"cjib->belastingdienst": 7}
    assert (change.old_rounds, change.new_rounds) == (13, 15)
    assert found.only_old == ("psi: 2^10 x 2^10: spu rr22",)
    assert found.only_new == ("psi: 2^10 x 2^10: psi-match vole",)
    assert found.slower(1.4) == [change]
    assert found.slower(1.5) == []


def test_reports_of_different_machines_are_compared_on_demand_only() -> None:
    old = a_report(a_row())
    new = replace(old, machine=MACHINE | {"cores": 64, "kernel": "7"}, versions={"numpy": "3"})
    with pytest.raises(UsageError, match="cores 2 against 64"):
        compare(old, new)
    notes = compare(old, new, any_machine=True).notes
    assert notes == ("cores 2 against 64", "kernel 6 against 7", "psi-match 0.1.0 against unknown", "numpy 2 against 3")
    assert compare(old, replace(old, machine=MACHINE | {"load_at_start": 9.0})).notes == ()


def test_rows_of_other_parameters_are_not_compared() -> None:
    other = replace(a_row(), parameters={"rows": 1024, "data_rows": 1024, "net": "wan", "from": "memory"})
    with pytest.raises(UsageError, match="no row in common"):
        compare(a_report(a_row()), a_report(other))


def test_a_regression_has_its_exit_code(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(as_json(a_report(a_row(walls=(1.0,)))))
    new.write_text(as_json(a_report(a_row(walls=(1.2,)))))
    run = CliRunner().invoke
    assert run(app, ["compare", str(old), str(new)]).exit_code == 0
    assert run(app, ["compare", str(old), str(new), "--slower", "1.25"]).exit_code == 0
    failed = run(app, ["compare", str(old), str(new), "--slower", "1.15"])
    assert isinstance(failed.exception, Regression)
    assert "psi 2^10 x 2^10 psi-match kkrt, 1.20 times" in str(failed.exception)
    assert "1.200" in failed.stdout
    told = json.loads(run(app, ["compare", str(old), str(new), "--json"]).stdout)
    assert told["changes"][0]["ratio"] == pytest.approx(1.2)


def test_the_machine_is_described_without_names() -> None:
    told = machine.describe()
    assert set(machine.IDENTITY) <= set(told)
    assert int(told["cores"]) >= 1
    assert float(told["memory_gib"]) > 0
    words = json.dumps(told).replace('"', " ").split()
    assert socket.gethostname() not in words
    assert getpass.getuser() not in words
    assert not [word for word in words if word.startswith("/")]
    assert machine.versions({"spu (beside)": "0.9.5"})["spu (beside)"] == "0.9.5"
    assert machine.versions()["numpy"] == np.__version__


def test_the_command_is_told_without_the_folder() -> None:
    words = ["bench", "psi", "--size", "2^10", "--out", "/home/someone/x", "--runs", "2"]
    assert typed(words) == "psi-match bench psi --size 2^10 --out DIR --runs 2"
    assert typed(["bench", "join", "--out=/home/someone/x"]) == "psi-match bench join --out=DIR"


def test_tables_hold_every_figure() -> None:
    row = a_row(walls=(1.0, 2.0, 12.34))
    (line,) = summary([row]).lines
    assert line == ("2^10 x 2^10", "psi-match kkrt", "1.00", "2.00", "12.3", "1.50", "320", "1 500", "13")
    assert parties(row).lines[0] == ("cjib", "1.00", "320", "1 000", "500")
    assert pairs(row).lines == (("cjib->belastingdienst", "1 000"), ("belastingdienst->cjib", "500"))
    assert phases(row).lines[0] == ("oprf", "1.00", "0.50", "6.17", "900")
    markdown = as_markdown(summary([row])).splitlines()
    assert markdown[1].split("|")[3].strip() == "---:"
    assert len({line.count("|") for line in markdown}) == 1


def test_phases_of_turns_add_up_and_those_of_pairs_do_not() -> None:
    stages = [
        {"name": "oprf/uwv", "wall_s": 1.0, "bytes_out": 5},
        {"name": "oprf/svb", "wall_s": 3.0, "bytes_out": 6},
        {"name": "open", "wall_s": 0.5, "bytes_out": 0},
    ]
    assert stage_seconds({"stages": stages, "sizes": {"rows": {"cjib": 9}}}) == {"oprf": 3.0, "open": 0.5}
    assert stage_seconds({"stages": stages, "sizes": {"rows": {"uwv": 9, "svb": 9}}}) == {"oprf": 4.0, "open": 0.5}


def test_figures_come_from_all_records() -> None:
    def record(stages: Iterable[str], pairs: dict[str, tuple[int, int]]) -> dict[str, object]:
        return {
            "stages": [{"name": name, "wall_s": 1.0, "bytes_out": 10} for name in stages],
            "sizes": {"rows": {"cjib": 9}},
            "cpu_s": 2.0,
            "peak_rss_bytes": 100,
            "pairs": {peer: {"bytes_out": out, "rounds": rounds} for peer, (out, rounds) in pairs.items()},
        }

    records = {
        "cjib": record(["join", "open"], {"uwv": (7, 4), "svb": (9, 6)}),
        "uwv": record(["join", "row-circuit", "open"], {"cjib": (3, 5)}),
        "svb": record(["join"], {"cjib": (1, 2)}),
    }
    found = figures(records, 5.0, {"result": 0.5})
    assert found.phases == {"join": 1.0, "row-circuit": 1.0, "open": 1.0, "result": 0.5}
    assert found.bytes == {"cjib->uwv": 7, "cjib->svb": 9, "uwv->cjib": 3, "svb->cjib": 1}
    assert (found.rounds, found.sent, found.phase_bytes["join"]) == (6, 20, 30)


def test_the_predicate_alone_is_its_phase() -> None:
    run = replace(a_run(9.0), phases={"join": 7.0, "row-circuit": 0.5}, phase_bytes={"join": 5, "row-circuit": 77})
    found = alone(replace(a_row(), runs=(run,)))
    assert (found.walls, found.median.sent, found.parameters["part"]) == ((0.5, 0.5, 0.5), 77, "predicate alone")
    theirs = alone(replace(a_row("spu", "aby3"), runs=(replace(run, phases={"share": 1.0, "compute": 2.0}),)))
    assert theirs.median.wall_s == 2.0
    with pytest.raises(InternalError):
        alone(a_row())


@pytest.mark.parametrize("comparisons", [436, 437, 5000, 1 << 14, 1_000_000, 1 << 20])
def test_a_predicate_compares_at_most_what_was_asked_for(comparisons: int) -> None:
    bins = table_bins(rows_for(comparisons))
    assert comparisons / 1.5 < bins <= comparisons


def test_a_quorum_needs_a_leader_more_than_may_lack() -> None:
    case = quorum_case(5, 3)
    assert len(case.leaders) == 3
    assert case.recipient not in {*case.sizes, *case.compute}
    assert len(case.parties) == 7
    assert combinations([3, 4], [2, 4]) == [(3, 2), (4, 2), (4, 4)]
    for parties_, threshold in ((2, 2), (7, 3), (4, 1), (4, 5)):
        with pytest.raises(UsageError):
            combinations([parties_], [threshold])


def test_where_others_win_is_said() -> None:
    ours = a_row(walls=(2.0,))
    theirs = a_row("spu", "rr22", walls=(1.0,))
    slow = a_row("spu", "kkrt", walls=(3.0,))
    others_task = replace(a_row("spu", "rr22", walls=(0.1,)), task="2^12 x 2^12")
    assert where_others_win([ours, theirs, slow, others_task]) == [
        "psi: spu rr22 is faster: 2^10 x 2^10 (1.00 s against 2.00 s of kkrt)."
    ]
