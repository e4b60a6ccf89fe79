"""Rows of a report as tables for people: for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psi_match.bench.model import Row, RunFigures

_MB = 1e6


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts.

    Args:
        title: what it is of.
        headers: of its columns.
        lines: cells.
        numbers: columns that align right.
    """

    title: str
    headers: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]


def summary(rows: Sequence[Row], title: str = "") -> Table:
    """Return one line per row: wall seconds, processor seconds and memory of all parties, bytes, rounds."""
    headers = ("task", "contender", "min s", "median s", "max s", "CPU s", "peak MB", "bytes sent", "rounds")
    several = len({row.parameters.get("net") for row in rows} - {None}) > 1
    lines = []
    for row in rows:
        run = row.median
        lines.append(
            (
                _task(row, several=several),
                row.label,
                *(seconds(wall) for wall in row.walls),
                seconds(sum(run.cpu_s.values())) if run.cpu_s else "-",
                "-" if not run.peak_rss_bytes else f"{max(run.peak_rss_bytes.values()) / _MB:.0f}",
                grouped(run.sent) if run.bytes else "-",
                "-" if run.rounds is None else str(run.rounds),
            )
        )
    return Table(title, headers, tuple(lines), tuple(range(2, len(headers))))


def parties(row: Row) -> Table:
    """Return one line per party of a row's median run."""
    run = row.median
    names = list(run.cpu_s) or list(run.peak_rss_bytes)
    lines = tuple(
        (
            party,
            seconds(run.cpu_s[party]) if party in run.cpu_s else "-",
            f"{run.peak_rss_bytes[party] / _MB:.0f}" if party in run.peak_rss_bytes else "-",
            grouped(_sent(run, party, 0)) if run.bytes else "-",
            grouped(_sent(run, party, 1)) if run.bytes else "-",
        )
        for party in names
    )
    return Table(_title(row), ("party", "CPU s", "peak MB", "bytes sent", "bytes received"), lines, (1, 2, 3, 4))


def pairs(row: Row) -> Table:
    """Return one line per directed pair of a row's median run."""
    lines = tuple((pair, grouped(count)) for pair, count in row.median.bytes.items())
    return Table(_title(row), ("pair", f"bytes ({row.bytes_are})"), lines, (1,))


_PHASES = ("phase", "s", "min s", "max s", "bytes sent by all")


def phases(row: Row) -> Table:
    """Return one line per phase: seconds of the median run, over all runs the least and the most, and bytes."""
    return Table(_title(row), _PHASES, tuple(_phases(row)), (1, 2, 3, 4))


def all_phases(rows: Sequence[tuple[str, Row]]) -> Table:
    """Return the phases of several contenders, each with its name, in one table."""
    lines = tuple((name, *line) for name, row in rows for line in _phases(row))
    return Table("", ("contender", *_PHASES), lines, (2, 3, 4, 5))


def _phases(row: Row) -> Iterator[tuple[str, ...]]:
    run = row.median
    for phase, took in run.phases.items():
        walls = [one.phases.get(phase, 0.0) for one in row.runs]
        sent = run.phase_bytes.get(phase)
        told = "-" if sent is None else grouped(sent)
        yield phase, seconds(took), seconds(min(walls)), seconds(max(walls)), told


def as_markdown(table: Table) -> str:
    """Return a table as Markdown."""
    bars = ["---:" if column in table.numbers else "---" for column in range(len(table.headers))]
    rows = [table.headers, bars, *table.lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def seconds(value: float) -> str:
    """Return seconds with as many digits as a run has meaning."""
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def grouped(count: int) -> str:
    """Return a count in groups of three."""
    return f"{count:,}".replace(",", " ")


def _sent(run: RunFigures, party: str, end: int) -> int:
    return sum(count for pair, count in run.bytes.items() if pair.split("->", 1)[end] == party)


def _task(row: Row, *, several: bool) -> str:
    return f"{row.task}, {row.parameters.get('net')}" if several else row.task


def _title(row: Row) -> str:
    return f"{row.suite}: {row.task}: {row.label}"
