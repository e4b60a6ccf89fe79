"""Where the time goes: a stacked bar per contender, as shares of its own time, at the largest size of its group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psi_match.bench.chart_files import INK, WIDTH, Chart, new_figure, write_title
from psi_match.bench.chart_groups import Group
from psi_match.bench.model import RunFigures
from psi_match.bench.sizes import in_powers
from psi_match.bench.tables import seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OTHER = "other"
"""What no phase accounts for: before the first, between them and after the last."""
_COLOURS = (
    "#0072b2",
    "#e69f00",
    "#004d40",
    "#cc79a7",
    "#56b4e9",
    "#7a5195",
    "#b34f00",
    "#009e73",
    "#d9c400",
    "#4d4d4d",
)
_HATCHES = ("", "///", "xx", "\\\\\\")
_REST = ("#d9d9d9", "")
_DARK = {"#0072b2", "#004d40", "#7a5195", "#4d4d4d"}
_LEFT, _RIGHT, _BAR = 2.3, 0.75, 0.34
_COLUMNS = 6
_SHARE_WITH_NAME = 0.11


def phase_chart(group: Group) -> Chart:
    """Draw where the time of the median runs goes."""
    rows = group.largest
    runs = {name: _with_rest(row.median) for name, row in rows}
    kinds = list(dict.fromkeys(kind for run in runs.values() for kind in run if kind != OTHER))
    looks = {kind: _look(place) for place, kind in enumerate(kinds)} | {OTHER: _REST}
    shown = [*kinds, *([OTHER] if any(OTHER in run for run in runs.values()) else [])]
    lines = -(-len(shown) // _COLUMNS)
    height = 0.65 + 0.22 * lines + _BAR * len(runs) + 0.1
    figure = new_figure(height)
    axes = figure.add_axes((_LEFT / WIDTH, 0.1 / height, (WIDTH - _LEFT - _RIGHT) / WIDTH, _BAR * len(runs) / height))
    for place, run in enumerate(runs.values()):
        _stack(axes, place, run, looks)
    axes.set_yticks(range(len(runs)), list(runs))
    axes.set_ylim(len(runs) - 0.5, -0.5)
    axes.set_xticks([])
    axes.tick_params(labelsize=8.5, labelcolor=INK, length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    size = f"{in_powers(group.sizes[-1])} {group.size_name}"
    title = f"{group.title}: where the time goes"
    write_title(figure, title, f"shares of each contender's own time; {size}")
    _key(figure.add_axes((0.01, 1 - (0.51 + 0.22 * lines) / height, 0.98, 0.22 * lines / height)), shown, looks)
    alt = f"{title}, {size}: " + "; ".join(
        f"{name}: " + ", ".join(f"{kind} {seconds(took)} s" for kind, took in run.items()) for name, run in runs.items()
    )
    return Chart(f"phases-{group.key}", title, alt, figure)


def _look(place: int) -> tuple[str, str]:
    """Return colour and hatch, another pair for each of the first forty."""
    return _COLOURS[place % len(_COLOURS)], _HATCHES[(place + place // len(_COLOURS)) % len(_HATCHES)]


def _with_rest(run: RunFigures) -> dict[str, float]:
    found = {kind: took for kind, took in run.phases.items() if took > 0}
    rest = run.wall_s - sum(found.values())
    return found | ({OTHER: rest} if rest > 0.005 * run.wall_s else {})


def _stack(axes: Axes, place: int, run: dict[str, float], looks: dict[str, tuple[str, str]]) -> None:
    """Draw one run as shares of its own time: contenders may differ by a factor of a hundred."""
    whole, start = sum(run.values()), 0.0
    for kind, took in run.items():
        colour, hatch = looks[kind]
        share = took / whole
        axes.barh(place, share, left=start, height=0.7, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5)
        if share > _SHARE_WITH_NAME:
            axes.text(
                start + share / 2,
                place,
                kind,
                ha="center",
                va="center",
                fontsize=8,
                color="white" if colour in _DARK and not hatch else INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2} if hatch else None,
            )
        start += share
    axes.annotate(
        f"{seconds(whole)} s", (1, place), (4, 0), textcoords="offset points", va="center", fontsize=8.5, color=INK
    )
    axes.set_xlim(0, 1)


def _key(axes: Axes, shown: list[str], looks: dict[str, tuple[str, str]]) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, _COLUMNS)
    axes.set_ylim(-(-len(shown) // _COLUMNS), 0)
    for place, kind in enumerate(shown):
        line, column = divmod(place, _COLUMNS)
        colour, hatch = looks[kind]
        axes.barh(line + 0.5, 0.2, left=column + 0.02, height=0.6, color=colour, hatch=hatch, edgecolor="white")
        axes.text(column + 0.27, line + 0.5, kind, va="center", fontsize=8, color=INK)
