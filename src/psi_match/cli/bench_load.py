"""``psi-match bench load``: what is left of a node after rounds of load."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json

if TYPE_CHECKING:
    from psi_match.bench import load


def load_a_node(
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows per party.")] = 10_000,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=128, help="Runs that start at the same time.")] = 32,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds of load.")] = 5,
    as_json: Json = False,
) -> None:
    """Put a node under load, and show what is left of it: runs, threads, memory."""
    from psi_match.bench.load import bench_load

    with tempfile.TemporaryDirectory(prefix="psi-match-bench-") as folder:
        found = bench_load(
            rows, at_once, rounds, Path(folder), on_stage=lambda stage: typer.echo(f"- {stage}", err=True)
        )
    if as_json:
        sys.stdout.write(json.dumps(found.as_dict(), indent=2) + "\n")
    else:
        _print_load(found)


def _print_load(found: load.Measurement) -> None:
    from psi_match.cli.tables import print_table

    lines = [
        [
            name,
            str(one.accepted),
            str(one.refused),
            f"{one.wall_s:.2f}",
            str(one.live_sessions),
            str(one.threads),
            f"{one.rss_bytes / 1e6:.1f}",
        ]
        for name, one in [("one run", found.baseline), *((f"{n}", one) for n, one in enumerate(found.rounds, 1))]
    ]
    headers = ("round", "accepted", "refused", "wall s", "live runs after", "threads after", "MB after")
    print_table(headers, lines, numbers=(1, 2, 3, 4, 5, 6))
