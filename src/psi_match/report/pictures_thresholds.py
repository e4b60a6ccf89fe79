"""Curves of a rule's thresholds: what becomes of precision and recall, or of the number selected, if one is moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psi_match.report.numbers import grouped
from psi_match.report.pictures_canvas import (
    BLUE,
    INK,
    MUTED,
    NARROW,
    ORANGE,
    WIDE,
    Picture,
    alone,
    as_picture,
    bare,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CENTS = 100


@alone
def thresholds(
    entries: Sequence[Mapping[str, Any]], language: str, *, outlined: bool = False, narrow: bool = False
) -> Picture:
    """Draw a small chart per threshold, the current value marked.

    Args:
        entries: ``thresholds`` of a scenario in an evaluation.
        language: ``nl`` or ``en``.
        outlined: letters as outlines, for PDF.
        narrow: for a screen of 390 pixels: one chart beside none.
    """
    columns = 1 if narrow or len(entries) == 1 else 2
    rows = -(-len(entries) // columns)
    width, panel, head = NARROW if narrow else WIDE, 1.95, 0.45
    height = head + panel * max(rows, 1)
    figure = new_figure(width, height)
    for number, entry in enumerate(entries):
        line, column = divmod(number, columns)
        bottom = height - head - panel * (line + 1) + 0.48
        across = 1 / columns
        axes = figure.add_axes(
            (column * across + 0.5 / width, bottom / height, across - 0.72 / width, (panel - 0.78) / height)
        )
        _panel(axes, entry, language)
    _legend(figure.add_axes((0.02, 1 - head / height, 0.96, head / height)), entries, language, narrow=narrow)
    return as_picture(figure, _alt(entries, language), outlined=outlined)


def _judged(entries: Sequence[Mapping[str, Any]]) -> bool:
    return any(point["recall"] is not None for entry in entries for point in entry["points"])


def _panel(axes: Axes, entry: Mapping[str, Any], language: str) -> None:
    points = entry["points"]
    places = list(range(len(points)))
    current = next(i for i, point in enumerate(points) if point["value"] == entry["current"])
    half = 0.064 * len(points)
    axes.axvspan(current - half, current + half, color="#e8e8e8", linewidth=0)
    if _judged([entry]):
        for name, colour, marker, line in (("recall", ORANGE, "s", "--"), ("precision", BLUE, "o", "-")):
            known = [(i, point[name]) for i, point in enumerate(points) if point[name] is not None]
            axes.plot(
                *zip(*known, strict=True), line, color=colour, marker=marker, markersize=5, linewidth=1.4, clip_on=False
            )
        axes.set_ylim(0, 1.02)
        axes.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
    else:
        counts = [point["selected"] for point in points]
        axes.plot(places, counts, "-", color=BLUE, marker="D", markersize=5, linewidth=1.4, clip_on=False)
        top = max([*counts, 1])
        axes.set_ylim(0, top * 1.05)
        axes.set_yticks([0, top], ["0", grouped(top, 0, language)])
    labels = [f"{_value(p['value'], entry['unit'], language)}\n({grouped(p['selected'], 0, language)})" for p in points]
    axes.set_xticks(places, labels)
    axes.set_xlim(-0.5, len(points) - 0.5)
    axes.set_title(entry["label"][language], fontsize=8.5, loc="left", color=INK, x=-0.14, pad=7)
    bare(axes, grid="y")
    axes.tick_params(labelsize=7)
    axes.get_xticklabels()[current].set_fontweight("bold")


def _legend(axes: Axes, entries: Sequence[Mapping[str, Any]], language: str, *, narrow: bool) -> None:
    english = language == "en"
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    if _judged(entries):
        names = [
            ("o", "-", BLUE, "precision" if english else "precisie"),
            ("s", "--", ORANGE, "recall" if english else "dekking (recall)"),
        ]
    else:
        names = [("D", "-", BLUE, "selected" if english else "geselecteerd")]
    step = 0.34 if narrow else 0.2
    for place, (marker, line, colour, name) in enumerate(names):
        x = place * step
        axes.plot(
            [x, x + 0.05],
            [0.72, 0.72],
            line,
            color=colour,
            marker=marker,
            markersize=5,
            markevery=[0],
            clip_on=False,
            linewidth=1.4,
        )
        axes.text(x + 0.065, 0.72, name, va="center", fontsize=8.5, color=INK)
    note = (
        "grey: as it is now; in brackets: how many are selected"
        if english
        else "grijs: zoals het nu is; tussen haakjes: hoeveel geselecteerd"
    )
    axes.text(0, 0.24, note, va="center", fontsize=8, color=MUTED)


def _value(value: int, unit: str, language: str, *, exact: bool = False) -> str:
    if unit == "boolean":
        return {"en": ("no", "yes"), "nl": ("nee", "ja")}[language][value]
    if unit.startswith("cents"):
        # Under an axis there is room for whole euros; in words the amount is the one that was tried.
        return f"€\u00a0{grouped(value / _CENTS, 2 if exact and value % _CENTS else 0, language)}"
    return grouped(value, 0, language)


def _share(value: float | None, language: str) -> str:
    return "-" if value is None else f"{grouped(100 * value, 1, language)}%"


def _alt(entries: Sequence[Mapping[str, Any]], language: str) -> str:
    english = language == "en"
    parts = []
    for entry in entries:
        points = []
        for point in entry["points"]:
            value = _value(point["value"], entry["unit"], language, exact=True)
            text = f"{value}: {grouped(point['selected'], 0, language)}"
            text += " selected" if english else " geselecteerd"
            if point["recall"] is not None:
                names = ("precision", "recall") if english else ("precisie", "dekking")
                text += f", {names[0]} {_share(point['precision'], language)}, {names[1]} "
                text += _share(point["recall"], language)
            if point["value"] == entry["current"]:
                text += " (current)" if english else " (nu)"
            points.append(text)
        parts.append(f"{entry['label'][language]}: {'; '.join(points)}.")
    lead = "Curves per threshold, on synthetic people. " if english else "Lijnen per drempel, op synthetische mensen. "
    return lead + " ".join(parts)
