"""What ``psi-match bench`` leaves: a table for people or JSON on standard output, and with --out a folder."""

from __future__ import annotations

import datetime
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from psi_match.bench.model import Report, Row

REPORT_NAME, TABLES_NAME = "report.json", "tables.md"
_DETAILED = 4
"""Rows up to which a terminal also gets their parties and phases."""
_OUT = "--out"


class Measuring:
    """A call of the bench: rows as they come, one report at the end.

    Args:
        out: the folder, if there is one.
        as_json: whether standard output gets the report as JSON.
        versions: of other programs that take part.

    Raises:
        UsageError: the folder is not empty or cannot be made, or there is nothing to draw charts with.
    """

    def __init__(self, out: Path | None, *, as_json: bool, versions: Mapping[str, str] | None = None) -> None:
        from psi_match.bench import machine
        from psi_match.bench.model import Report
        from psi_match.cli.options import keep_numba_quiet

        keep_numba_quiet()
        self._out, self._as_json = out, as_json
        if out:
            _check(out)
        self._report: Report = Report(
            started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            command=typed(sys.argv[1:]),
            machine=machine.describe(),
            versions=machine.versions(versions),
        )

    def watch(self, what: str) -> None:
        """Say on standard error what is being done."""
        typer.echo(f"- {what}", err=True)

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows; with a folder they are on the disk at once, so that a later failure does not lose them."""
        self._report = replace(self._report, rows=(*self._report.rows, *rows))
        if self._out:
            _write(self._out / REPORT_NAME, self._text())

    def finish(self) -> None:
        """Print, and write tables and charts."""
        if self._as_json:
            sys.stdout.write(self._text())
        else:
            _print(self._report)
        if self._out:
            from psi_match.bench.chart_files import write_charts
            from psi_match.bench.charts import charts

            _write(self._out / TABLES_NAME, _markdown(self._report))
            write_charts(charts(self._report.rows), self._out)
            typer.echo(f"Report, tables and charts are in {self._out}.", err=True)

    def _text(self) -> str:
        from psi_match.bench.report_file import as_json

        return as_json(self._report)


@contextmanager
def folder() -> Iterator[Path]:
    """Give an empty folder for the time of one measurement."""
    with tempfile.TemporaryDirectory(prefix="psi-match-bench-") as name:
        yield Path(name)


def typed(words: Sequence[str]) -> str:
    """Return the command as it was typed, without the folder, whose path is nobody's business."""
    told = []
    previous = ""
    for word in words:
        if previous == _OUT:
            told.append("DIR")
        elif word.startswith(f"{_OUT}="):
            told.append(f"{_OUT}=DIR")
        else:
            told.append(word)
        previous = word
    return " ".join(["psi-match", *told])


def _check(out: Path) -> None:
    from psi_match.base.errors import UsageError
    from psi_match.bench.chart_files import check_matplotlib

    check_matplotlib()
    try:
        out.mkdir(parents=True, exist_ok=True)
        used = any(out.iterdir())
    except OSError as cause:
        raise UsageError(f"Cannot use {out}: {cause.strerror}.", "Choose another folder for --out.") from None
    if used:
        raise UsageError(f"{out} is not empty.", "Choose a new folder for --out.")


def _write(path: Path, text: str) -> None:
    from psi_match.base.errors import UsageError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as cause:
        raise UsageError(f"Cannot write {path}: {cause.strerror}.", "Choose another folder for --out.") from None


def _print(report: Report) -> None:
    from psi_match.bench.tables import parties, phases, summary
    from psi_match.cli.tables import print_table

    machine = report.machine
    sys.stdout.write(f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB; {report.started}\n\n")
    tables = [summary(report.rows)]
    if len(report.rows) <= _DETAILED:
        tables += [table for row in report.rows for table in (parties(row), phases(row)) if table.lines]
    for table in tables:
        print_table(table.headers, table.lines, table.title, table.numbers)
        sys.stdout.write("\n")
    said = dict.fromkeys((row.name, remark) for row in report.rows for remark in row.remarks)
    for name, remark in said:
        sys.stdout.write(f"{name}: {remark}\n")


def _markdown(report: Report) -> str:
    from psi_match.bench.tables import as_markdown, pairs, parties, phases, summary

    parts = [f"# {report.command}\n\n{report.started}\n", as_markdown(summary(report.rows))]
    for row in report.rows:
        tables = [table for table in (parties(row), pairs(row), phases(row)) if table.lines]
        parts += [f"## {row.suite}: {row.task}: {row.name}\n", *(as_markdown(table) for table in tables)]
    return "\n".join(parts)
