"""Where other programs win: said in sentences, so that no reader has to look for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from psi_match.bench.model import OURS, Row
from psi_match.bench.tables import grouped, seconds

_Measure = Callable[[Row], float | None]


def _time(row: Row) -> float | None:
    return row.walls[1]


def _cpu(row: Row) -> float | None:
    return sum(row.median.cpu_s.values()) or None


def _bytes(row: Row) -> float | None:
    return float(row.median.sent) if row.median.bytes else None


def _memory(row: Row) -> float | None:
    return float(max(row.median.peak_rss_bytes.values(), default=0)) or None


_MEASURES: tuple[tuple[str, _Measure, Callable[[float], str]], ...] = (
    ("is faster", _time, lambda value: f"{seconds(value)} s"),
    ("uses less processor time", _cpu, lambda value: f"{seconds(value)} s"),
    ("sends fewer bytes", _bytes, lambda value: grouped(round(value))),
    ("needs less memory", _memory, lambda value: f"{value / 1e6:.0f} MB"),
)


def where_others_win(rows: Sequence[Row]) -> list[str]:
    """Return a sentence per program and measure in which it beats the best variant of this one, with all such tasks."""
    found: dict[str, list[str]] = {}
    for task in _tasks(rows):
        for what, figures in _of_task(task):
            found.setdefault(what, []).append(figures)
    return [f"{what}: {'; '.join(figures)}." for what, figures in found.items()]


def compared(rows: Sequence[Row]) -> bool:
    """Tell whether another program took part at all."""
    return any(row.system != OURS for row in rows)


def _tasks(rows: Sequence[Row]) -> list[list[Row]]:
    """Put rows together that did the same."""
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        found.setdefault((row.suite, row.task, tuple(sorted(row.parameters.items()))), []).append(row)
    return list(found.values())


def _of_task(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    ours = [row for row in rows if row.system == OURS]
    for other in rows:
        if other.system == OURS:
            continue
        for what, measure, told in _MEASURES:
            theirs = measure(other)
            best = min(((value, row) for row in ours if (value := measure(row)) is not None), default=None, key=_first)
            if theirs is not None and best is not None and theirs < best[0]:
                figures = f"{other.task} ({told(theirs)} against {told(best[0])} of {best[1].variant})"
                yield f"{_where(other)}: {other.name} {what}", figures


def _first(pair: tuple[float, Row]) -> float:
    return pair[0]


def _where(row: Row) -> str:
    words = [row.suite]
    words += [
        str(row.parameters[name]) for name in ("part", "net") if row.parameters.get(name, "loopback") != "loopback"
    ]
    return ", ".join(words)
