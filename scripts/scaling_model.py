"""Fit the model of docs/scaling.md to a report of the bench, compare it with one, and predict what was never run.

    psi-match bench psi --engine kkrt-buckets --size 2^18 --size 2^20 --size 2^22 --out measured --json
    .venv/bin/python scripts/scaling_model.py fit measured/report.json > docs/scaling.json
    .venv/bin/python scripts/scaling_model.py check docs/scaling.json measured/report.json
    .venv/bin/python scripts/scaling_model.py predict docs/scaling.json --cores 2 --mbit 1000 --round-trip-ms 1

``fit`` measures the tasks of one bucket here: run it on the machine that the report is of, while nothing else runs.
With ``--up-to ROWS`` it leaves larger sizes out, which ``check`` then compares as predictions.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from psi_match.bench.report_file import read_report
from psi_match.bench.scaling import (
    Constants,
    SideConstants,
    Surroundings,
    fit,
    fitting_rows,
    measure_tasks,
    on_one_machine_s,
    predict,
    relative_error,
    rows_of,
)
from psi_match.protocols.buckets import ROWS_PER_BUCKET

LEADER, DATA_PARTY = "cjib", "belastingdienst"
NETHERLANDS, EUROPE = 18_000_000, 450_000_000
SIZES = (1 << 20, 1 << 22, 1 << 24, NETHERLANDS, EUROPE)
MB, GB = 1e6, 1e9


def _constants(path: Path) -> Constants:
    read = json.loads(path.read_text(encoding="utf-8"))["constants"]
    sides = {side: SideConstants(**read[side]) for side in ("leader", "data_party")}
    return Constants(**(read | sides))


def _fit(report: Path, up_to: int) -> None:
    found = read_report(report)
    rows = [row for row in fitting_rows(found.rows) if rows_of(row) <= up_to]
    constants = fit(rows, LEADER, DATA_PARTY, measure_tasks(ROWS_PER_BUCKET), int(found.machine["cores"]))
    document = {
        "measured": found.started,
        "machine": found.machine,
        "versions": found.versions,
        "fitted_to": [rows_of(row) for row in rows],
        "constants": asdict(constants),
    }
    print(json.dumps(document, indent=2))


def _check(constants: Constants, report: Path) -> None:
    print("| rows of each | | predicted | measured | off by |\n|---|---|---|---|---|")
    found = read_report(report)
    for row in fitting_rows(found.rows):
        guess, run = predict(constants, rows_of(row), Surroundings()), row.median
        for what, predicted, measured, unit, digits in (
            ("MB on the wire", guess.bytes, run.sent, MB, 2),
            ("CPU seconds, both", guess.cpu_s, sum(run.cpu_s.values()), 1, 2),
            (
                "seconds",
                on_one_machine_s(constants, rows_of(row), int(found.machine["cores"])),
                run.wall_s,
                1,
                2,
            ),
            ("MB at the leader", guess.leader_memory_bytes, run.peak_rss_bytes[LEADER], MB, 0),
            ("MB at the data party", guess.data_memory_bytes, run.peak_rss_bytes[DATA_PARTY], MB, 0),
        ):
            off = relative_error(predicted, measured)
            print(
                f"| {rows_of(row):,} | {what} | {predicted / unit:,.{digits}f} | {measured / unit:,.{digits}f} "
                f"| {off:+.1%} |"
            )


def _predict(constants: Constants, surroundings: Surroundings) -> None:
    print("| rows of each | buckets | GB on the wire | CPU s, both | GB leader / data party | seconds | bound by |")
    print("|---|---|---|---|---|---|---|")
    for rows in SIZES:
        guess = predict(constants, rows, surroundings)
        memory = f"{guess.leader_memory_bytes / GB:.1f} / {guess.data_memory_bytes / GB:.1f}"
        print(
            f"| {rows:,} | {guess.buckets:,} | {guess.bytes / GB:.2f} | {guess.cpu_s:,.0f} | {memory} "
            f"| {guess.wall_s:,.0f} | {guess.bound_by} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    fitting = commands.add_parser("fit")
    fitting.add_argument("report", type=Path)
    fitting.add_argument("--up-to", type=int, default=EUROPE)
    checking = commands.add_parser("check")
    checking.add_argument("constants", type=Path)
    checking.add_argument("report", type=Path)
    predicting = commands.add_parser("predict")
    predicting.add_argument("constants", type=Path)
    predicting.add_argument("--cores", type=int, default=2)
    predicting.add_argument("--mbit", type=float, default=1000.0)
    predicting.add_argument("--round-trip-ms", type=float, default=1.0)
    predicting.add_argument("--shipping-us", type=float, default=0.0, help="per row, to and from a cluster")
    given = parser.parse_args()
    match given.command:
        case "fit":
            _fit(given.report, given.up_to)
        case "check":
            _check(_constants(given.constants), given.report)
        case _:
            _predict(
                _constants(given.constants),
                Surroundings(given.cores, given.mbit * 1e6 / 8, given.round_trip_ms / 1e3, given.shipping_us / 1e6),
            )


if __name__ == "__main__":
    main()
