"""``psi-match bench psi`` and ``bench join``: time real nodes, with exact bytes and checked answers."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json

if TYPE_CHECKING:
    from psi_match.bench import joins
    from psi_match.bench.intersections import Measurement

app = typer.Typer(help="Timings, memory and exact bytes; every answer is compared with pandas.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Timings, memory and exact bytes; every answer is compared with pandas."""


@app.command("psi")
def psi(
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows per party.")] = 1 << 20,
    engine: Annotated[list[str] | None, typer.Option("--engine", help="kkrt or ecdh; repeat.")] = None,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Timed runs; the median one is shown.")] = 3,
    warm_up: Annotated[bool, typer.Option(help="Do one run first that does not count.")] = True,
    as_json: Json = False,
) -> None:
    """Time the two-party intersection."""
    from psi_match.base.errors import UsageError
    from psi_match.bench.intersections import bench_intersections
    from psi_match.scenario.model import ENGINES

    engines = engine or ["kkrt"]
    if unknown := [name for name in engines if name not in ENGINES]:
        raise UsageError(f"There is no engine named {unknown[0]}.", f"Choose from {', '.join(ENGINES)}.")
    found = []
    for name in engines:
        with tempfile.TemporaryDirectory(prefix="psi-match-bench-") as folder:
            found.append(
                bench_intersections(
                    rows,
                    name,
                    runs,
                    Path(folder),
                    warm_up=warm_up,
                    on_stage=lambda stage: typer.echo(f"- {stage}", err=True),
                )
            )
    if as_json:
        sys.stdout.write(json.dumps([measurement.as_dict() for measurement in found], indent=2) + "\n")
    else:
        _print(found)


@app.command("join")
def join(
    case: Annotated[
        list[str] | None, typer.Option("--case", help="pair, one-leader, full-coverage, aio; repeat.")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows per party with data.")] = 1 << 20,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Timed runs; the median one is shown.")] = 3,
    adder: Annotated[str, typer.Option("--adder", help="ripple (fewest bytes) or prefix (fewest rounds).")] = "",
    warm_up: Annotated[bool, typer.Option(help="Do one run first that does not count.")] = True,
    as_json: Json = False,
) -> None:
    """Time joint runs: private join and predicate on shares."""
    from psi_match.base.errors import UsageError
    from psi_match.bench.joins import CASES, bench_join

    names = case or ["pair"]
    if unknown := [name for name in names if name not in CASES]:
        raise UsageError(f"There is no case named {unknown[0]}.", f"Choose from {', '.join(CASES)}.")
    found = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="psi-match-bench-") as folder:
            found.append(
                bench_join(
                    CASES[name],
                    rows,
                    runs,
                    Path(folder),
                    adder=adder,
                    warm_up=warm_up,
                    on_stage=lambda stage: typer.echo(f"- {stage}", err=True),
                )
            )
    if as_json:
        sys.stdout.write(json.dumps([measurement.as_dict() for measurement in found], indent=2) + "\n")
    else:
        for one in found:
            _print_join(one)


def _print_join(one: joins.Measurement) -> None:
    from psi_match.bench.joins import CASES
    from psi_match.cli.tables import number, print_table

    walls = ", ".join(f"{wall:.2f}" for wall in sorted(one.runs_wall_s))
    sys.stdout.write(f"{one.case}: {CASES[one.case].what}\n{number(one.rows)} rows, {one.wall_s:.2f} s ({walls})\n\n")
    rows = []
    for party, peak in one.peak_rss_bytes.items():
        sent = sum(count for pair, count in one.bytes.items() if pair.startswith(f"{party}->"))
        rows.append([party, f"{one.cpu_s[party]:.2f}", f"{peak / 1e6:.0f}", number(sent)])
    print_table(("party", "cpu s", "peak MB", "bytes sent"), rows, numbers=(1, 2, 3))
    sys.stdout.write("\n")
    stages: dict[str, tuple[float, int]] = {}
    for parts in one.stages.values():
        for part in parts:
            longest, sent = stages.get(part["name"], (0.0, 0))
            stages[part["name"]] = (max(longest, part["wall_s"]), sent + part["bytes_out"])
    lines = [[name, f"{longest:.2f}", number(sent)] for name, (longest, sent) in stages.items()]
    print_table(("stage", "longest s", "bytes sent by all"), lines, numbers=(1, 2))
    sys.stdout.write("\n")


def _print(found: list[Measurement]) -> None:
    from psi_match.cli.tables import number, print_table

    rows = []
    for one in found:
        for party, peak in one.peak_rss_bytes.items():
            sent = sum(count for pair, count in one.bytes.items() if pair.startswith(f"{party}->"))
            rows.append(
                [
                    one.engine,
                    number(one.rows),
                    f"{one.wall_s:.2f}",
                    party,
                    f"{one.cpu_s[party]:.2f}",
                    f"{peak / 1e6:.0f}",
                    number(sent),
                    str(one.rounds),
                ]
            )
    headers = ("engine", "rows", "wall s", "party", "cpu s", "peak MB", "bytes sent", "rounds")
    print_table(headers, rows, numbers=(1, 2, 4, 5, 6, 7))
