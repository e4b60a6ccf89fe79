"""``psi-match bench compare`` and ``bench page``: what is made of reports that were measured before."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json

if TYPE_CHECKING:
    from psi_match.bench.compare import Change, Comparison


def compare_reports(
    old: Annotated[Path, typer.Argument(help="report.json of before.")],
    new: Annotated[Path, typer.Argument(help="report.json of after.")],
    slower: Annotated[
        float | None,
        typer.Option("--slower", min=1.0, help="End with code 12 if a median grew by more than this factor."),
    ] = None,
    any_machine: Annotated[bool, typer.Option("--any-machine", help="Compare reports of different machines.")] = False,
    as_json: Json = False,
) -> None:
    """Compare two reports: ratios of medians, exact differences of bytes, rounds."""
    from psi_match.base.errors import Regression
    from psi_match.bench.compare import compare
    from psi_match.bench.report_file import read_report

    found = compare(read_report(old), read_report(new), any_machine=any_machine)
    if as_json:
        sys.stdout.write(json.dumps(found.as_dict(), indent=2) + "\n")
    else:
        _print(found)
    if slower is not None and (worse := found.slower(slower)):
        worst = max(worse, key=lambda change: change.ratio)
        rows = "1 row" if len(worse) == 1 else f"{len(worse)} rows"
        raise Regression(
            f"{rows} took more than {slower:g} times as long; most so {worst.suite} {worst.task} {worst.contender}, "
            f"{worst.ratio:.2f} times.",
            "Measure both again in turn before you believe it: another load on the machine looks the same.",
        )


def page(
    reports: Annotated[list[Path], typer.Argument(help="Reports of one machine.")],
    out: Annotated[Path, typer.Option("--out", help="Markdown file; its charts go to `pictures` beside it.")],
) -> None:
    """Make the page of results from reports."""
    from psi_match.bench.report_file import read_report
    from psi_match.bench.results_page import write_page

    written = write_page([read_report(path) for path in reports], out)
    typer.echo(f"{written[0]} and {len(written) - 1} charts written.")


def _print(found: Comparison) -> None:
    from psi_match.bench.tables import seconds
    from psi_match.cli.tables import print_table

    lines = [
        [
            change.suite,
            change.task,
            change.contender,
            seconds(change.old_s),
            seconds(change.new_s),
            f"{change.ratio:.3f}",
            f"{change.least:.2f} - {change.most:.2f}",
            "-" if change.cpu_ratio is None else f"{change.cpu_ratio:.3f}",
            f"{change.new_bytes - change.old_bytes:+d}" if change.byte_changes else "equal",
            _rounds(change),
        ]
        for change in found.changes
    ]
    headers = ("suite", "task", "contender", "old s", "new s", "new/old", "range", "CPU new/old", "bytes", "rounds")
    print_table(headers, lines, numbers=(3, 4, 5, 6, 7, 8, 9))
    for change in found.changes:
        for pair, difference in change.byte_changes.items():
            sys.stdout.write(f"{change.suite} {change.task} {change.contender}: {pair} {difference:+d} bytes\n")
    for row in found.only_old:
        sys.stdout.write(f"Only in the old report: {row}\n")
    for row in found.only_new:
        sys.stdout.write(f"Only in the new report: {row}\n")
    for note in found.notes:
        sys.stdout.write(f"Differs: {note}\n")


def _rounds(change: Change) -> str:
    old, new = ("-" if rounds is None else str(rounds) for rounds in (change.old_rounds, change.new_rounds))
    return new if old == new else f"{old} -> {new}"
