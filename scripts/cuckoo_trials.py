"""Try cuckoo insertion under many random seeds and count failures. Run by hand; takes some minutes.

    .venv/bin/python scripts/cuckoo_trials.py --seeds 1000000

The result of the last full run stands in docs/protocols/cuckoo.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import secrets
import time
from collections import Counter

import numpy as np

from psi_match.base.errors import CuckooFailure
from psi_match.crypto.cuckoo import insert_all
from psi_match.crypto.items import item_bins
from psi_match.protocols.sizes import ladder_step, table_bins

BATCH = 500
LARGE = {1 << 15: 400, 1 << 16: 300, 1 << 18: 100, 1 << 20: 30}


def trials(job: tuple[int, int]) -> tuple[int, int, int]:
    """Insert ``count`` times ``size`` rows under a fresh key each; return size, tries, failures."""
    size, count = job
    rng = np.random.default_rng(secrets.randbits(128))
    numbers = np.unique(rng.integers(0, 10**9, size + size // 4 + 100, dtype=np.uint32))[:size]
    failures = 0
    for _ in range(count):
        try:
            insert_all(item_bins(secrets.token_bytes(16), numbers, table_bins(size)), table_bins(size))
        except CuckooFailure:
            failures += 1
    return size, count, failures


def plan(seeds: int) -> list[tuple[int, int]]:
    """Spread seeds over the steps of the ladder up to 2^14, most on the small ones, where failure is likeliest."""
    sizes, size = [], 256
    while size <= 1 << 14:
        sizes.append(size)
        size = ladder_step(size + 1)
    weights = np.array([1 / size for size in sizes])
    counts = np.ceil(seeds * weights / weights.sum()).astype(int)
    jobs = [
        (size, min(BATCH, count - done))
        for size, count in zip(sizes, counts.tolist(), strict=True)
        for done in range(0, count, BATCH)
    ]
    return jobs + [(size, 10) for size, count in LARGE.items() for _ in range(count // 10)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    began, tried, failed = time.monotonic(), Counter[int](), Counter[int]()
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for size, count, failures in pool.imap_unordered(trials, plan(arguments.seeds)):
            tried[size] += count
            failed[size] += failures
    print("rows      bins      seeds    failures")
    for size in sorted(tried):
        print(f"{size:8}  {table_bins(size):8}  {tried[size]:8}  {failed[size]}")
    small = sum(count for size, count in tried.items() if size <= 1 << 14)
    print(
        f"{small} seeds up to 2^14 rows, {sum(tried.values()) - small} above; {sum(failed.values())} failures;", end=" "
    )
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
