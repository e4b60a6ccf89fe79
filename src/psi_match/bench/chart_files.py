"""Charts as files: SVG with letters as text, and PNG for where SVG is not shown. Equal numbers give equal SVG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psi_match.base.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.6
"""Inches: as wide as a page; letters of 9 points stay readable there."""
INK, MUTED, GRID = "#1b1b1b", "#595959", "#d9d9d9"
_FONT = ["DejaVu Sans", "Verdana", "sans-serif"]
_PNG_DPI = 144


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Args:
        name: of its files, without suffix.
        title: for people.
        alt: what it shows, for whoever does not see it.
        figure: as drawn.
    """

    name: str
    title: str
    alt: str
    figure: Figure


def check_matplotlib() -> None:
    """Refuse to go on without what draws.

    Raises:
        UsageError: matplotlib is missing.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise UsageError("Charts need matplotlib.", "Install psi-match[report].") from None
    # Settings are global; a bench is a program of its own and draws nothing else.
    mpl.rcParams.update({"svg.hashsalt": "psi-match", "svg.fonttype": "none", "font.family": _FONT[:1]})


def new_figure(height: float) -> Figure:
    """Return an empty white figure of a height in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), facecolor="white")


def write_title(figure: Figure, title: str, below: str) -> None:
    """Write a title at the top of a figure, and below it what is shown: together they would be wider than a page."""
    height = figure.get_size_inches()[1]
    figure.text(0.01, 1 - 0.15 / height, title, fontsize=10, color=INK, weight="bold", va="center")
    figure.text(0.01, 1 - 0.34 / height, below, fontsize=9, color=MUTED, va="center")


def write_charts(charts: list[Chart], folder: Path, *, png: bool = True) -> None:
    """Write charts into a folder.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for chart in charts:
            metadata = {"Date": None, "Creator": None, "Title": chart.title}
            chart.figure.savefig(folder / f"{chart.name}.svg", format="svg", metadata=metadata)
            if png:
                chart.figure.savefig(folder / f"{chart.name}.png", format="png", dpi=_PNG_DPI)
    except OSError as cause:
        raise UsageError(f"Cannot write in {folder}: {cause.strerror}.", "Choose another folder.") from None
