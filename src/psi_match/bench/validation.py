"""How well the validation of datasets finds the faults of dirty exports: the nodes' own code, scored."""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from psi_match.base.errors import DataError
from psi_match.domain.bsn import BsnKind
from psi_match.domain.dataset import DatasetBuilder, DatasetSpec
from psi_match.domain.rejects import RejectReport
from psi_match.node.sources import CsvSource, read_batches
from psi_match.population.dirty import DATE_COLUMN, Expected, Injected, columns_of, read_injected

CLEAN = "clean"
"""Stands for the rows without a fault."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one kind of fault in one file.

    Args:
        file: ``PARTY/NAME.csv``.
        kind: of fault, or ``clean``.
        expected: what validation should make of it.
        rows: how many there are.
        rejected: how many of them validation rejected.
    """

    file: str
    kind: str
    expected: Expected
    rows: int
    rejected: int

    @property
    def right(self) -> bool:
        """Whether validation made of it what it should."""
        return self.rejected == (self.rows if self.expected is Expected.REJECTED else 0)


def score(out: Path) -> list[Scored]:
    """Read dirty exports as a node would, with ``on_invalid = "drop"``, and compare with the list of faults.

    Args:
        out: as ``make_dirty`` left it.

    Raises:
        UsageError: there are no dirty exports.
        DataError: a file cannot be read at all.
    """
    by_file: dict[str, list[Injected]] = defaultdict(list)
    for fault in read_injected(out):
        by_file[fault.file].append(fault)
    scored = []
    for file, faults in sorted(by_file.items()):
        seen, rejected = _validate(out / file)
        kinds = sorted({(fault.kind, fault.expected) for fault in faults})
        for kind, expected in kinds:
            rows = {fault.row for fault in faults if fault.kind == kind}  # after a blank line: the row behind it
            scored.append(Scored(file, kind, expected, len(rows), len(rows & rejected)))
        faulty = {fault.row for fault in faults}
        scored.append(Scored(file, CLEAN, Expected.MENDED, seen - len(faulty), len(rejected - faulty)))
    return scored


def _validate(path: Path) -> tuple[int, set[int]]:
    """Return how many rows a file has, and which of them validation rejects."""
    try:
        with path.open(newline="") as file:
            header = next(csv.reader(file, delimiter=";"))
    except (OSError, StopIteration):
        raise DataError(f"Cannot read {path}.", "Make the dirty exports anew.") from None
    spec = DatasetSpec(
        name="dirty",
        bsn=BsnKind.SYNTHETIC,
        columns=tuple(columns_of(header)),
        on_invalid="drop",
        reference_date_column=DATE_COLUMN,
    )
    report = RejectReport(shown=sys.maxsize)
    builder = DatasetBuilder(spec, report)
    seen = 0
    for batch in read_batches(spec, CsvSource(kind="csv", path=path)):
        seen += len(batch)
        builder.add(batch)
    builder.finish()
    return seen, {row for rows in report.rows.values() for row in rows}
