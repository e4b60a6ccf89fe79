"""How processor time and memory of our own engines grow with the rows, from the rows of reports."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from psi_match.bench.model import OURS, Row
from psi_match.bench.sizes import in_powers
from psi_match.bench.tables import Table, seconds

SMALLEST_ROWS = 1 << 16
"""Below, what a run costs before its first row is most of it."""
_LINE_FROM_ROWS = 1 << 18
"""Below, memory is mostly that of the interpreter and its libraries."""
_FEWEST_SIZES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """Memory of a node: base + bytes x rows.

    Args:
        base_bytes: without rows.
        row_bytes: for each row of either party.
        furthest: largest deviation of a measured peak from the line, relative.
    """

    base_bytes: float
    row_bytes: float
    furthest: float


def growth_tables(rows: Sequence[Row]) -> list[Table]:
    """Return one table per engine that was measured at three sizes or more of two equal parties."""
    return [_table(own) for own in _series(rows)]


def memory_line(rows: Sequence[Row], party: str) -> Line:
    """Return the line through a party's peaks, relative errors weighing the same.

    Args:
        rows: of one engine, at two sizes or more.
        party: party id.
    """
    sizes = np.array([_size(row) for row in rows], dtype=np.float64)
    peaks = np.array([statistics.median(run.peak_rss_bytes[party] for run in row.runs) for row in rows])
    slope, base = np.polyfit(sizes, peaks, 1, w=1 / peaks)
    furthest = np.abs((base + slope * sizes) / peaks - 1).max()
    return Line(float(base), float(slope), float(furthest))


def _series(rows: Sequence[Row]) -> Iterator[list[Row]]:
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        equal = row.parameters.get("rows") == row.parameters.get("data_rows")
        measured = all(run.cpu_s and run.peak_rss_bytes for run in row.runs)
        if row.suite == "psi" and row.system == OURS and equal and measured and _size(row) >= SMALLEST_ROWS:
            found.setdefault((row.variant, row.parameters.get("from"), row.parameters.get("net")), []).append(row)
    for own in found.values():
        if len(own) >= _FEWEST_SIZES:
            yield sorted(own, key=_size)


def _table(own: Sequence[Row]) -> Table:
    first = own[0]
    lines, before = [], first
    for row in own:
        lines.append(
            (
                in_powers(_size(row)),
                str(len(row.runs)),
                seconds(_cpu_s(row)),
                f"{_cpu_s(row) / _size(row) * 1e6:.2f}",
                "-" if row is first else f"{_against_linear(before, row):.2f}",
                "-" if row is first else f"{_against_linear(first, row):.2f}",
                *(
                    f"{statistics.median(run.peak_rss_bytes[party] for run in row.runs) / 1e6:.0f}"
                    for party in _parties(row)
                ),
            )
        )
        before = row
    headers = (
        "rows of each",
        "runs",
        "CPU s, both",
        "us a row",
        "growth / linear, from the size before",
        "from the first",
        *(f"MB, {party}" for party in _parties(first)),
    )
    source = {"csv": ", from CSV files", "memory": ""}[str(first.parameters.get("from", "memory"))]
    return Table(f"{first.name}{source}", headers, tuple(lines), tuple(range(1, len(headers))))


def memory_sentences(rows: Sequence[Row]) -> list[str]:
    """Return per engine what a node needs: base and bytes a row, and how far measured peaks are from that."""
    said = []
    for own in _series(rows):
        large = [row for row in own if _size(row) >= _LINE_FROM_ROWS]
        if len(large) < _FEWEST_SIZES:
            continue
        parts = []
        for party in _parties(large[0]):
            line = memory_line(large, party)
            parts.append(
                f"{party} {line.base_bytes / 1e6:.0f} MB and {line.row_bytes:.0f} bytes a row"
                f" (furthest from it {line.furthest:.0%})"
            )
        said.append(f"{large[0].name}, from {in_powers(_size(large[0]))} rows on: {'; '.join(parts)}.")
    return said


def _cpu_s(row: Row) -> float:
    """Processor seconds of both parties: the median over runs."""
    return statistics.median(sum(run.cpu_s.values()) for run in row.runs)


def _against_linear(smaller: Row, larger: Row) -> float:
    """Return by how much more than its rows the processor time has grown."""
    return (_cpu_s(larger) / _cpu_s(smaller)) / (_size(larger) / _size(smaller))


def _size(row: Row) -> int:
    return int(row.parameters.get("data_rows", 0))


def _parties(row: Row) -> list[str]:
    return list(row.median.peak_rss_bytes)
