"""Charts of a report: time and bytes against size with all contenders on the same axes, and where the time goes.

Both axes of the first two are logarithmic; a bar goes from the fastest run to the slowest. Lines are told apart by
marker and dash as well as by colour, and bear their names at their ends.

Source:
    Okabe and Ito, Color Universal Design: colours that everybody tells apart, some darker here for contrast on white.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from psi_match.bench.chart_files import GRID, INK, MUTED, WIDTH, Chart, check_matplotlib, new_figure, write_title
from psi_match.bench.chart_groups import Group, Line, groups
from psi_match.bench.chart_phases import phase_chart
from psi_match.bench.model import Row
from psi_match.bench.sizes import in_powers
from psi_match.bench.tables import seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#0072b2", "#b34f00", "#00734f", "#7a5195", "#1b1b1b", "#a3416f", "#5c6b00", "#8a5a00")
_MARKERS = "osD^vPX*"
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (6, 2, 1, 2)))
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.7, 2.15, 0.55, 0.5
_LABEL_GAP = 0.16
_FEW_DECADES = 100
"""Below this range of values decades alone would leave an axis with hardly a number."""
_Figures = Callable[[Row], tuple[float, float, float]]


def charts(rows: Sequence[Row]) -> list[Chart]:
    """Draw all charts of rows.

    Raises:
        UsageError: matplotlib is missing.
    """
    check_matplotlib()
    found = []
    for group in groups(rows):
        found.append(_against_size(group, "time", "seconds", lambda row: row.walls, seconds))
        if any(run.bytes for line in group.lines for _, row in line.points for run in row.runs):
            found.append(_against_size(group, "bytes", "megabytes sent, all parties", _megabytes, _told_megabytes))
        found.append(phase_chart(group))
    return found


def _megabytes(row: Row) -> tuple[float, float, float]:
    sent = sorted(run.sent / 1e6 for run in row.runs)
    return sent[0], sent[len(sent) // 2], sent[-1]


def _told_megabytes(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _against_size(group: Group, kind: str, unit: str, of: _Figures, told: Callable[[float], str]) -> Chart:
    title = f"{group.title}: {'wall time' if kind == 'time' else 'bytes'}"
    name = f"{kind}-{group.key}"
    alt = f"{title}, {unit}: " + "; ".join(
        f"{line.name}: " + ", ".join(f"{in_powers(size)}: {told(of(row)[1])}" for size, row in line.points)
        for line in group.lines
    )
    if len(group.sizes) == 1:
        return Chart(name, title, alt, _bars(group, title, unit, of, told))
    figure = new_figure(3.9)
    height = figure.get_size_inches()[1]
    axes = figure.add_axes(
        (_LEFT / WIDTH, _BOTTOM / height, (WIDTH - _LEFT - _RIGHT) / WIDTH, (height - _TOP - _BOTTOM) / height)
    )
    ends = []
    for place, line in enumerate(group.lines):
        ends.append(_draw(axes, place, line, of))
    _scale(axes, group)
    write_title(figure, title, unit)
    _label(axes, group.lines, ends, height - _TOP - _BOTTOM)
    return Chart(name, title, alt, figure)


def _draw(axes: Axes, place: int, line: Line, of: _Figures) -> tuple[float, float]:
    sizes = [size for size, _ in line.points]
    values = [of(row) for _, row in line.points]
    middle = [value[1] for value in values]
    axes.errorbar(
        sizes,
        middle,
        yerr=[[value[1] - value[0] for value in values], [value[2] - value[1] for value in values]],
        color=_COLOURS[place % len(_COLOURS)],
        marker=_MARKERS[place % len(_MARKERS)],
        linestyle=_DASHES[place % len(_DASHES)],
        linewidth=2.2 if line.ours else 1.4,
        markersize=5.5,
        elinewidth=1.1,
        capsize=2.5,
    )
    return float(sizes[-1]), middle[-1]


def _scale(axes: Axes, group: Group) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(group.sizes, [in_powers(size) for size in group.sizes])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(group.size_name, fontsize=9, color=INK)
    axes.tick_params(labelsize=8.5, labelcolor=INK, color=MUTED)
    axes.set_axisbelow(True)
    axes.grid(which="major", color=GRID, linewidth=0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    low, high = axes.get_ylim()
    axes.set_ylim(10 ** (math.floor(math.log10(low) * 3) / 3), 10 ** (math.ceil(math.log10(high) * 3) / 3))
    steps = (1, 2, 5) if high < _FEW_DECADES * low else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=steps))


def _label(axes: Axes, lines: Sequence[Line], ends: Sequence[tuple[float, float]], inches: float) -> None:
    """Write each line's name to the right of the axes, as near to its end as the others allow."""
    low, high = (math.log10(value) for value in axes.get_ylim())
    at = [(math.log10(y) - low) / (high - low) for _, y in ends]
    for place, height in _spread(at, _LABEL_GAP / inches).items():
        colour = _COLOURS[place % len(_COLOURS)]
        axes.annotate(
            lines[place].name,
            ends[place],
            (1.03, height),
            textcoords="axes fraction",
            fontsize=8.5,
            color=colour,
            weight="bold" if lines[place].ours else "normal",
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 4},
        )


def _spread(at: Sequence[float], gap: float) -> dict[int, float]:
    """Move heights apart until each is a gap above the next lower one, and all stay within 0 and 1 where they fit."""
    order = sorted(range(len(at)), key=lambda place: at[place])
    placed: dict[int, float] = {}
    floor = 0.0
    for place in order:
        placed[place] = max(at[place], floor)
        floor = placed[place] + gap
    ceiling = 1.0
    for place in reversed(order):
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - gap
    return placed


def _bars(group: Group, title: str, unit: str, of: _Figures, told: Callable[[float], str]) -> Any:  # noqa: ANN401
    """Draw one size as bars: no line has two points."""
    rows = [(line, line.points[-1][1]) for line in group.lines]
    height = 0.9 + 0.3 * len(rows)
    figure = new_figure(height)
    left = 2.3
    axes = figure.add_axes((left / WIDTH, 0.28 / height, (WIDTH - left - 0.9) / WIDTH, 0.3 * len(rows) / height))
    for place, (line, row) in enumerate(rows):
        least, middle, most = of(row)
        colour = _COLOURS[0] if line.ours else "#8c8c8c"
        axes.barh(place, middle, height=0.62, color=colour)
        axes.errorbar(middle, place, xerr=[[middle - least], [most - middle]], color=INK, elinewidth=1.1, capsize=2.5)
        axes.annotate(
            told(middle), (most, place), (5, 0), textcoords="offset points", va="center", fontsize=8.5, color=INK
        )
    axes.set_yticks(range(len(rows)), [line.name for line, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, None)
    axes.tick_params(labelsize=8.5, labelcolor=INK, length=0)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    size = f"{in_powers(group.sizes[0])} {group.size_name}"
    write_title(figure, title, f"{unit}; {size}")
    return figure
