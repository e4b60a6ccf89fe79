"""CPU seconds of one run in two checkouts of this project, in alternating rounds: what a change costs.

    git worktree add ../before COMMIT
    .venv/bin/python scripts/compare_checkouts.py ../before . --rows 1048576

Each round measures each checkout by `psi-match bench psi` with few and with many runs; the difference, over all
processes and divided by the number of runs, is one run's share, without start, data and kernels.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

FEW, MANY = 1, 9


def main() -> int:
    """Measure, and print every round and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs=2, type=Path, help="the one before, the one after")
    parser.add_argument("--rows", type=int, default=1 << 20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    seconds: list[list[float]] = [[], []]
    for number in range(options.rounds):
        for place, checkout in enumerate(options.checkouts):
            few, _ = _bench(checkout, options.rows, FEW)
            many, wall = _bench(checkout, options.rows, MANY)
            seconds[place].append((many - few) / (MANY - FEW))
            print(
                f"round {number + 1}: {checkout}: {seconds[place][-1]:.3f} CPU s a run, median wall {wall:.2f} s",
                flush=True,
            )
    before, after = (statistics.median(each) for each in seconds)
    ratios = [b / a for a, b in zip(*seconds, strict=True)]
    print(f"medians: {before:.3f} and {after:.3f} CPU s; after / before {after / before:.4f}")
    print(f"median of the rounds' ratios: {statistics.median(ratios):.4f} ({min(ratios):.4f} to {max(ratios):.4f})")
    return 0


def _bench(checkout: Path, rows: int, runs: int) -> tuple[float, float]:
    """Return the CPU seconds of a bench with all its processes, and its median wall seconds a run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(  # our own interpreter and module  # noqa: S603
        [sys.executable, "-m", "psi_match", "bench", "psi", "--rows", str(rows), "--runs", str(runs), "--json"],
        env=os.environ | {"PYTHONPATH": str(checkout.resolve() / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    (row,) = json.loads(done.stdout)["rows"]
    return used, statistics.median(run["wall_s"] for run in row["runs"])


if __name__ == "__main__":
    sys.exit(main())
