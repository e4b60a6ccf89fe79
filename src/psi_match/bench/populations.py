"""The suite ``population``: how long the generator takes, and how much memory.

Each run is a process of its own, so that its memory is its own. What it wrote is compared with its summary, and with
what the other runs of the same seed wrote.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from psi_match.base.errors import InternalError, ResultMismatch
from psi_match.base.resources import peak_rss_bytes
from psi_match.bench.measuring import Effort, Task, Watch, measure
from psi_match.bench.model import OURS, Measure, Row, RunFigures
from psi_match.bench.sizes import in_powers
from psi_match.population.generate import SUMMARY_NAME, generate

SUITE = "population"
_PROCESS = "generator"


@dataclass(slots=True, eq=False, repr=False)
class _Generator:
    persons: int
    seed: int
    folder: Path
    digests: set[str] = field(default_factory=set)
    runs: int = 0
    system: str = OURS
    variant: str = "generate"
    bytes_are: str = "nothing is sent"
    reveals: str = ""
    remarks: tuple[str, ...] = ("one process; its start and imports are not timed",)

    @contextmanager
    def ready(self) -> Iterator[Measure]:
        """Nothing has to run beforehand."""
        yield self._run

    def _run(self) -> RunFigures:
        self.runs += 1
        out = self.folder / str(self.runs)
        command = [sys.executable, "-m", "psi_match.bench.populations", str(self.persons), str(self.seed), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # ours  # noqa: S603
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            raise InternalError(f"The generator ended with {done.returncode}: {' '.join(last)}", "Please report it.")
        said = json.loads(done.stdout)
        self.digests.add(_checked(out))
        if len(self.digests) > 1:
            raise ResultMismatch("Two runs of one seed gave different populations.", "Please report it.")
        shutil.rmtree(out)
        return RunFigures(
            wall_s=said["wall_s"],
            phases={"generate": said["wall_s"]},
            cpu_s={_PROCESS: said["cpu_s"]},
            peak_rss_bytes={_PROCESS: said["peak_rss_bytes"]},
            bytes={},
        )


def bench_population(persons: int, folder: Path, effort: Effort, watch: Watch, *, seed: int = 1) -> Row:
    """Measure the generator.

    Args:
        persons: residents.
        folder: empty; receives one population at a time.
        effort: how often.
        watch: told what is being done.
        seed: of the population.

    Raises:
        ResultMismatch: a population is not what its summary says, or two of one seed differ.
    """
    task = Task(SUITE, f"{in_powers(persons)} persons", {"persons": persons, "seed": seed})
    (row,) = measure(task, [_Generator(persons, seed, folder)], effort, watch)
    return row


def _checked(out: Path) -> str:
    """Compare a population's files with its summary; return a digest of all its tables.

    Raises:
        ResultMismatch: a file has another number of rows than the summary says.
    """
    digest = hashlib.sha256()
    files = json.loads((out / SUMMARY_NAME).read_text(encoding="utf-8"))["files"]
    for name, rows in sorted(files.items()):
        table = pq.read_table(out / name)
        if table.num_rows != rows:
            raise ResultMismatch(f"{name} has another number of rows than the summary says.", "Please report it.")
        for batch in table.combine_chunks().to_batches():
            digest.update(batch.serialize())
    return digest.hexdigest()


def _main(persons: str, seed: str, out: str) -> None:
    """Generate one population in this process, and print what it took."""
    day = datetime.datetime.now(datetime.UTC).date()
    wall, cpu = time.monotonic(), time.process_time()
    generate(int(persons), int(seed), Path(out), day)
    took = {"wall_s": time.monotonic() - wall, "cpu_s": time.process_time() - cpu, "peak_rss_bytes": peak_rss_bytes()}
    sys.stdout.write(json.dumps(took) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
