"""Two reports side by side: ratios of medians with the range that the runs allow, and exact differences of bytes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from psi_match.base.errors import UsageError
from psi_match.bench.machine import differences
from psi_match.bench.model import Report, Row

_NEWS = ("kernel", "python")
"""May differ on the same machine; said all the same."""

_LEAST_S = 1e-4
"""What a report rounds seconds to."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one row.

    Args:
        suite: as in ``Row``.
        task: as in ``Row``.
        contender: system, variant and part.
        old_s: median wall seconds before.
        new_s: and after.
        ratio: after over before.
        least: the ratio of the fastest run after to the slowest before.
        most: the ratio of the slowest run after to the fastest before.
        cpu_ratio: of the processor seconds of all parties; None where one report has none.
        old_bytes: bytes of all pairs before.
        new_bytes: and after.
        byte_changes: difference per directed pair, where there is one.
        old_rounds: before.
        new_rounds: after.
    """

    suite: str
    task: str
    contender: str
    old_s: float
    new_s: float
    ratio: float
    least: float
    most: float
    cpu_ratio: float | None
    old_bytes: int
    new_bytes: int
    byte_changes: dict[str, int]
    old_rounds: int | None
    new_rounds: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of all rows.

    Args:
        changes: of the rows that are in both reports.
        only_old: rows that are in the old one alone, for people.
        only_new: rows that are in the new one alone.
        notes: in what machine and versions differ.
    """

    changes: tuple[Change, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    notes: tuple[str, ...]

    def slower(self, threshold: float) -> list[Change]:
        """Return the rows whose median grew by more than a factor."""
        return [change for change in self.changes if change.ratio > threshold]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def compare(old: Report, new: Report, *, any_machine: bool = False) -> Comparison:
    """Compare two reports.

    Args:
        old: before.
        new: after.
        any_machine: also when they are of different machines.

    Raises:
        UsageError: they are of different machines, or have no row in common.
    """
    found = differences(old.machine, new.machine)
    if found and not any_machine:
        raise UsageError(
            f"The reports are of different machines: {'; '.join(found)}.",
            "Seconds of two machines tell nothing of a change; say --any-machine to see them all the same.",
        )
    before, after = _by_key(old), _by_key(new)
    if not before.keys() & after.keys():
        raise UsageError("The reports have no row in common.", "Compare reports of the same suites, tasks and engines.")
    news = differences(old.machine, new.machine, _NEWS)
    packages = tuple(dict.fromkeys([*old.versions, *new.versions]))
    return Comparison(
        changes=tuple(_change(row, after[key]) for key, row in before.items() if key in after),
        only_old=tuple(_told(row) for key, row in before.items() if key not in after),
        only_new=tuple(_told(row) for key, row in after.items() if key not in before),
        notes=(*found, *news, *differences(old.versions, new.versions, packages)),
    )


def _by_key(report: Report) -> dict[tuple[object, ...], Row]:
    """Return rows by what makes two of them the same; of several the last, as measured last."""
    return {row_key(row): row for row in report.rows}


def row_key(row: Row) -> tuple[object, ...]:
    """Return what makes two rows the same."""
    return (row.suite, row.task, tuple(sorted(row.parameters.items())), row.system, row.variant)


def _change(old: Row, new: Row) -> Change:
    (old_min, old_median, old_max), (new_min, new_median, new_max) = old.walls, new.walls
    was, now = old.median, new.median
    cpu = sum(was.cpu_s.values()), sum(now.cpu_s.values())
    pairs = dict.fromkeys([*was.bytes, *now.bytes])
    deltas = {pair: now.bytes.get(pair, 0) - was.bytes.get(pair, 0) for pair in pairs}
    return Change(
        suite=new.suite,
        task=new.task,
        contender=new.label,
        old_s=old_median,
        new_s=new_median,
        ratio=_ratio(new_median, old_median),
        least=_ratio(new_min, old_max),
        most=_ratio(new_max, old_min),
        cpu_ratio=cpu[1] / cpu[0] if all(cpu) else None,
        old_bytes=was.sent,
        new_bytes=now.sent,
        byte_changes={pair: delta for pair, delta in deltas.items() if delta},
        old_rounds=was.rounds,
        new_rounds=now.rounds,
    )


def _ratio(new: float, old: float) -> float:
    """Return new over old; what took no time that a report can hold counts as its least."""
    return max(new, _LEAST_S) / max(old, _LEAST_S)


def _told(row: Row) -> str:
    return f"{row.suite}: {row.task}: {row.label}"
