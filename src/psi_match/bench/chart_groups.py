"""Which rows of a report belong on the same axes, and what their lines are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psi_match.bench.model import OURS, Row
from psi_match.bench.sizes import in_powers

_SIZE_KEYS = ("rows", "data_rows", "persons")


@dataclass(frozen=True, slots=True)
class Line:
    """One contender at growing sizes.

    Args:
        name: for people.
        ours: whether it is this program.
        points: size and row, by size.
    """

    name: str
    ours: bool
    points: tuple[tuple[int, Row], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Lines on the same axes.

    Args:
        key: part of file names.
        title: what is compared.
        size_name: what the sizes count.
        lines: all contenders.
    """

    key: str
    title: str
    size_name: str
    lines: tuple[Line, ...]

    @property
    def sizes(self) -> list[int]:
        """All sizes at which something was measured."""
        return sorted({size for line in self.lines for size, _ in line.points})

    @property
    def largest(self) -> list[tuple[str, Row]]:
        """Per contender the row of its largest size, of those that have the largest size of all."""
        most = self.sizes[-1]
        return [(line.name, row) for line in self.lines for size, row in line.points if size == most]


def groups(rows: Sequence[Row]) -> list[Group]:
    """Put rows that may be compared together."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(_axes(row), []).append(row)
    return [_group(key, members) for key, members in found.items()]


def _axes(row: Row) -> tuple[str, ...]:
    """Return what must be equal on the same axes: the suite, the shape, and how it was measured."""
    parameters = row.parameters
    words = [row.suite]
    if parameters.get("data_rows", parameters.get("rows")) != parameters.get("rows"):
        words.append(f"leader {in_powers(int(parameters['rows']))}")
    words += [str(parameters[name]) for name in ("part", "net", "from") if name in parameters]
    return tuple(word for word in words if word not in {"loopback", "memory"})


def _group(key: tuple[str, ...], rows: Sequence[Row]) -> Group:
    lines: dict[str, dict[int, Row]] = {}
    for row in rows:
        lines.setdefault(_line_name(row, rows), {})[_size(row)] = row
    return Group(
        key="-".join(key).replace(" ", "-").replace("^", ""),
        title=", ".join(_words(key)),
        size_name=_size_name(rows[0]),
        lines=tuple(
            Line(name, next(iter(points.values())).system == OURS, tuple(sorted(points.items())))
            for name, points in lines.items()
        ),
    )


def _words(key: tuple[str, ...]) -> list[str]:
    spoken = {"csv": "from CSV files to a result file"}
    return [key[0], *(spoken.get(word, word) for word in key[1:])]


def _size(row: Row) -> int:
    parameters = row.parameters
    return int(next(parameters[name] for name in ("data_rows", "rows", "persons") if name in parameters))


def _size_name(row: Row) -> str:
    if "persons" in row.parameters:
        return "persons"
    if row.suite == "predicate":
        return "comparisons"
    if row.parameters.get("data_rows", row.parameters.get("rows")) != row.parameters.get("rows"):
        return "rows of the data party"
    return "rows per party"


def _line_name(row: Row, rows: Sequence[Row]) -> str:
    """Return a contender's name, with its task where the axes hold several kinds."""
    what = {name: value for name, value in row.parameters.items() if name in {"case", "scenario"}}
    words = [str(value) for value in what.values()]
    if "threshold" in row.parameters and row.system == OURS:
        words.append(f"{row.parameters['threshold']} of {row.parameters['parties']}")
    name = row.name if len({one.name for one in rows}) > 1 or not words else ""
    return " ".join(filter(None, [name, *words]))
