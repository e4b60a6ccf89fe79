"""``psi-match bench psi``: time the intersection in two real nodes, with exact bytes and checked answers."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json

if TYPE_CHECKING:
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
