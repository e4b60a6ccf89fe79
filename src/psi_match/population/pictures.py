"""Pictures of a population: how close it is to its figures, and how the bodies overlap (an UpSet plot).

Drawn with matplotlib, which comes with the extra ``pictures``. Equal populations give equal SVG files.

Source:
    Lex, Gehlenborg, Strobelt, Vuillemot, Pfister, UpSet: Visualization of Intersecting Sets (IEEE TVCG 2014).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import UsageError
from psi_match.domain.parties import display_name
from psi_match.population.check import Report
from psi_match.population.membership import ARREARS_BODIES, DUO
from psi_match.population.truth import Truth

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".svg", ".png", ".pdf")
_SHOWN = 24
# Blue and orange of Okabe and Ito: told apart by everyone.
_INSIDE, _OUTSIDE, _PALE = "#0072B2", "#D55E00", "#D9D9D9"
_NAMES = {DUO: "DUO"}


def draw_check(report: Report, path: Path) -> None:
    """Draw how far every figure is off, next to its bound.

    Args:
        report: of the population.
        path: ``.svg``, ``.png`` or ``.pdf``.

    Raises:
        UsageError: matplotlib is missing, the suffix is another one, or the file cannot be written.
    """
    figures = report.figures
    picture = _picture(9.5, 1.6 + 0.22 * len(figures), path)
    axes = picture.add_axes((0.36, 0.09, 0.60, 0.83))
    rows = np.arange(len(figures))
    off = np.array([checked.difference for checked in figures]) * 100
    bounds = np.array([100 * (checked.bound or 0) for checked in figures])
    axes.barh(rows, 2 * bounds, left=-bounds, height=0.7, color=_PALE, label="bound")
    within = np.array([checked.within for checked in figures])
    for chosen, colour, label in ((within, _INSIDE, "achieved"), (~within, _OUTSIDE, "achieved, out of bounds")):
        if chosen.any():
            axes.plot(off[chosen], rows[chosen], "o", color=colour, markersize=5, label=label)
    axes.axvline(0, color="black", linewidth=0.8)
    widest = max(6.0, float(np.abs(off).max()) * 1.1)
    axes.set_xlim(-widest, widest)
    axes.set_ylim(len(figures) - 0.4, -0.6)
    axes.set_yticks(rows, [f"{checked.name} [{checked.figure.tag}]" for checked in figures], fontsize=7.5)
    axes.set_xlabel("difference from the calibrated figure, %")
    axes.set_title(f"{report.persons:,} synthetic persons against their figures".replace(",", " "), fontsize=11)
    axes.legend(loc="lower right", fontsize=8)
    _bare(axes)
    _save(picture, path, "Differences between a synthetic population and the figures it is calibrated to.")


def draw_overlaps(truth: Truth, persons: int, path: Path) -> None:
    """Draw how many people are in arrears at exactly which bodies, the most frequent combinations first.

    Args:
        truth: of the population.
        persons: residents.
        path: ``.svg``, ``.png`` or ``.pdf``.

    Raises:
        UsageError: matplotlib is missing, the suffix is another one, or the file cannot be written.
    """
    present = truth.people[[f"{body}_present" for body in ARREARS_BODIES]].to_numpy()
    sizes = present.sum(axis=0)
    bodies = np.argsort(-sizes, kind="stable")
    combinations, counts = np.unique(present[:, bodies], axis=0, return_counts=True)
    largest = np.argsort(-counts, kind="stable")[:_SHOWN]
    combinations, counts = combinations[largest], counts[largest]
    picture = _picture(11, 6.2, path)
    _count_bars(picture.add_axes((0.31, 0.42, 0.67, 0.50)), counts, persons)
    _matrix(picture.add_axes((0.31, 0.06, 0.67, 0.34)), combinations)
    names = [_NAMES.get(ARREARS_BODIES[body], display_name(ARREARS_BODIES[body])) for body in bodies]
    _size_bars(picture.add_axes((0.02, 0.06, 0.12, 0.34)), sizes[bodies], names)
    _save(picture, path, "People in arrears at exactly which bodies: an UpSet plot of a synthetic population.")


def _count_bars(axes: Axes, counts: NDArray[np.int64], persons: int) -> None:
    places = np.arange(len(counts))
    axes.bar(places, counts, color=_INSIDE, width=0.65)
    for place, count in zip(places, counts, strict=True):
        text = f"{count:,}".replace(",", " ")
        axes.annotate(text, (place, count), (0, 3), textcoords="offset points", ha="center", rotation=60, fontsize=7)
    axes.set_yscale("log")
    axes.set_xlim(-0.6, max(len(counts), 1) - 0.4)
    if len(counts):
        axes.set_ylim(max(0.7, counts.min() / 2), counts.max() * 4)
    axes.set_xticks([])
    axes.set_ylabel("people (logarithmic)")
    title = f"In arrears at exactly these bodies: {persons:,} synthetic persons".replace(",", " ")
    axes.set_title(title, fontsize=11)
    _bare(axes)


def _matrix(axes: Axes, combinations: NDArray[np.bool_]) -> None:
    bodies = len(ARREARS_BODIES)
    for row in range(0, bodies, 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#F5F5F5", zorder=0)
    for place, combination in enumerate(combinations):
        rows = np.flatnonzero(combination)
        axes.plot([place] * bodies, range(bodies), "o", color=_PALE, markersize=6, zorder=1)
        axes.plot([place] * len(rows), rows, "o-", color="black", markersize=6, linewidth=1.5, zorder=2)
    axes.set_xlim(-0.6, max(len(combinations), 1) - 0.4)
    axes.set_ylim(bodies - 0.5, -0.5)
    axes.set_axis_off()


def _size_bars(axes: Axes, sizes: NDArray[np.int64], names: list[str]) -> None:
    rows = np.arange(len(sizes))
    axes.barh(rows, sizes, color=_INSIDE, height=0.6)
    axes.invert_xaxis()
    axes.set_ylim(len(sizes) - 0.5, -0.5)
    axes.yaxis.tick_right()
    labels = [f"{name} ({size:,})".replace(",", " ") for name, size in zip(names, sizes, strict=True)]
    axes.set_yticks(rows, labels, fontsize=8)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    _bare(axes)


def _bare(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _picture(width: float, height: float, path: Path) -> Figure:
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            f"Cannot draw a picture as {path.suffix or 'a file without suffix'}.", "Use .svg, .png or .pdf."
        )
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("Pictures need matplotlib.", "Install it: pip install 'psi-match[pictures]'") from None
    return Figure(figsize=(width, height), facecolor="white")


def _save(picture: Figure, path: Path, description: str) -> None:
    import matplotlib as mpl

    suffix = path.suffix.lower()
    by_format: dict[str, dict[str, str | None]] = {
        ".svg": {"Date": None, "Description": description},
        ".pdf": {"CreationDate": None, "Subject": description},
        ".png": {"Description": description},
    }
    metadata = by_format[suffix]
    try:
        # Text stays text, so that it can be searched and read aloud; identifiers are the same on every run.
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "psi-match", "pdf.fonttype": 42}):
            picture.savefig(path, format=suffix[1:], dpi=150, metadata=metadata)
    except OSError as cause:
        raise UsageError(
            f"Cannot write {path}: {cause.strerror or 'refused'}.", "Check the folder's owner and space."
        ) from None
