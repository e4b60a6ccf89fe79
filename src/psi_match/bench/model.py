"""What a bench measures and how it is kept: figures of one run, of one row of a table, of a whole report.

A row compares *contenders*: psi-match with one engine, or another program. Everything that is later shown, compared or
drawn is in the report, which is one JSON file.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

OURS = "psi-match"
"""Name of this program among the systems of a report."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The figures of one run.

    Args:
        wall_s: seconds that whoever started it waited.
        phases: seconds per phase, in order, at the party that has part in most of them; a phase's seconds include
            waiting for others.
        cpu_s: processor seconds per party.
        peak_rss_bytes: largest resident memory per party, since the start of its process.
        bytes: payload bytes per directed pair ``a->b``; ``a->all`` where only their sum is counted.
        rounds: messages in one direction after another, on the pair that has most; None where nobody counts them.
        phase_bytes: bytes that all parties together sent in a phase, where that is counted.
    """

    wall_s: float
    phases: Mapping[str, float]
    cpu_s: Mapping[str, float]
    peak_rss_bytes: Mapping[str, int]
    bytes: Mapping[str, int]
    rounds: int | None = None
    phase_bytes: Mapping[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """Bytes of all pairs together."""
        return sum(self.bytes.values())


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: one contender on one task.

    Args:
        suite: ``psi``, ``join``, ``predicate``, ``quorum``, ``scenario`` or ``population``.
        task: what was to be done, for people: ``2^20 x 2^20``.
        parameters: the same for programs: ``rows``, ``data_rows``, ``parties``, ``threshold``, ``net`` and so on.
        system: name of the program.
        variant: its engine or protocol.
        bytes_are: what is counted as bytes: ``serialised messages`` or ``TCP payload``.
        reveals: one sentence on what the contender reveals beside the answer; empty: nothing but public sizes.
        remarks: what a fair reader must know, such as a connect retry that was subtracted.
        warm_up: the run that does not count; None where there was none.
        runs: the timed runs, in order.
    """

    suite: str
    task: str
    parameters: Mapping[str, int | float | str]
    system: str
    variant: str
    bytes_are: str
    runs: tuple[RunFigures, ...]
    reveals: str = ""
    remarks: tuple[str, ...] = ()
    warm_up: RunFigures | None = None

    @property
    def name(self) -> str:
        """System and variant."""
        return f"{self.system} {self.variant}".strip()

    @property
    def label(self) -> str:
        """System, variant, and of what part of a run the row is, where it is of one."""
        part = self.parameters.get("part")
        return f"{self.name}, {part}" if part else self.name

    @property
    def median(self) -> RunFigures:
        """The run of median wall time; of two middle ones the faster."""
        return sorted(self.runs, key=lambda run: run.wall_s)[(len(self.runs) - 1) // 2]

    @property
    def walls(self) -> tuple[float, float, float]:
        """Minimum, median and maximum of the wall times."""
        walls = [run.wall_s for run in self.runs]
        return min(walls), statistics.median(walls), max(walls)


@dataclass(frozen=True, slots=True)
class Report:
    """All rows of one call, with when and where they were measured.

    Args:
        started: ISO 8601, UTC.
        command: the command that was typed, without paths.
        machine: as ``bench.machine`` describes it.
        versions: package to version, of this program and of the others.
        rows: in order of measurement.
    """

    started: str
    command: str
    machine: Mapping[str, str | int | float]
    versions: Mapping[str, str]
    rows: tuple[Row, ...] = field(default_factory=tuple)


class Measure(Protocol):
    """Does the task once, checks the answer and returns the figures."""

    def __call__(self) -> RunFigures:
        """Run once.

        Raises:
            ResultMismatch: the answer is not that of the plaintext.
            PsiMatchError: the run failed.
        """


class Contender(Protocol):
    """One way to do a task: an engine of psi-match, or another program."""

    system: str
    variant: str
    bytes_are: str
    reveals: str
    remarks: tuple[str, ...]

    def ready(self) -> AbstractContextManager[Measure]:
        """Start what must run beforehand (nodes with their rows, or nothing) and give what is timed."""


def alternate(measures: Mapping[str, Measure], runs: int) -> Iterator[tuple[str, RunFigures]]:
    """Run several contenders in turn, so that what else happens on the machine falls on all of them alike.

    Args:
        measures: per name; all of them ready.
        runs: runs of each.

    Yields:
        The name and the figures of each run as it ends.
    """
    for index in range(runs):
        names = list(measures)
        # Every second round backwards: whoever comes after a heavy run does so half of the time only.
        for name in reversed(names) if index % 2 else names:
            yield name, measures[name]()
