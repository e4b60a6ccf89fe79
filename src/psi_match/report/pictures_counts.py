"""Pictures of counts of people: who is where (an UpSet plot), and how many are readable in which way (bars)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from psi_match.domain.parties import display_name
from psi_match.report.minimisation import TRUSTED_THIRD_PARTY, Baseline, party_name
from psi_match.report.numbers import grouped
from psi_match.report.pictures_canvas import (
    BLUE,
    INK,
    MUTED,
    NARROW,
    ORANGE,
    PALE,
    WIDE,
    Picture,
    alone,
    as_picture,
    bare,
    new_figure,
)

_COLUMNS = {False: 16, True: 8}
"""Combinations that an UpSet plot shows, the largest first: wide, narrow."""
_LOG_FROM = 30
"""Where the largest number is this many times the smallest, bars are drawn on a logarithmic scale."""


@alone
def upset(overlap: Mapping[str, Any], language: str, *, outlined: bool = False, narrow: bool = False) -> Picture:
    """Draw how many people have rows at exactly which parties.

    Args:
        overlap: ``parties`` and ``cells`` with ``in`` and ``count``, as an evaluation has them.
        language: ``nl`` or ``en``.
        outlined: letters as outlines, for PDF.
        narrow: for a screen of 390 pixels.
    """
    english = language == "en"
    cells = sorted((c for c in overlap["cells"] if c["count"]), key=lambda c: (-c["count"], c["in"]))
    shown, rest = cells[: _COLUMNS[narrow]], cells[_COLUMNS[narrow] :]
    sizes = {party: sum(c["count"] for c in cells if party in c["in"]) for party in overlap["parties"]}
    parties = sorted(sizes, key=lambda party: -sizes[party])
    width = NARROW if narrow else WIDE
    row, left, right = 0.30, 1.95, 0.12
    height = 2.05 + row * len(parties) + 0.1
    figure = new_figure(width, height)
    across, along = (width - left - right) / width, row * len(parties) / height
    bars = figure.add_axes((left / width, along + 0.14 / height, across, 1.55 / height))
    matrix = figure.add_axes((left / width, 0.05 / height, across, along), sharex=bars)
    places = range(len(shown))
    bars.bar(list(places), [c["count"] for c in shown], width=0.62, color=BLUE)
    for place, cell in enumerate(shown):
        text = grouped(cell["count"], 0, language)
        bars.annotate(
            text,
            (place, cell["count"]),
            (0, 3 if narrow else 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=INK,
            rotation=90 if narrow else 0,
        )
    bars.set_ylim(0, max([c["count"] for c in shown], default=1) * (1.3 if narrow else 1.08))
    bars.set_yticks([])
    bare(bars)
    bars.tick_params(labelbottom=False)
    title = "people with rows at exactly these parties" if english else "mensen met rijen bij precies deze partijen"
    figure.text(0.02, 1 - 0.17 / height, title, fontsize=9.5, color=INK, weight="bold")
    note = "synthetic truth: no party knows the whole picture" if english else _NOTE_NL
    figure.text(0.02, 1 - 0.34 / height, note, fontsize=7.5 if narrow else 8.5, color=MUTED)
    for line, party in enumerate(parties):
        y = len(parties) - 1 - line
        if line % 2 == 0:
            matrix.axhspan(y - 0.5, y + 0.5, color=PALE, linewidth=0)
        for place, cell in enumerate(shown):
            inside = party in cell["in"]
            matrix.plot(place, y, "o", markersize=7 if inside else 4, color=INK if inside else "#bdbdbd")
        matrix.annotate(
            f"{display_name(party)}  {grouped(sizes[party], 0, language)}",
            (0, y),
            (-8, 0),
            xycoords=matrix.get_yaxis_transform(),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8.5,
            color=INK,
        )
    for place, cell in enumerate(shown):
        ys = [len(parties) - 1 - parties.index(party) for party in cell["in"]]
        matrix.plot([place, place], [min(ys), max(ys)], color=INK, linewidth=1.8)
    matrix.set_ylim(-0.5, len(parties) - 0.5)
    matrix.set_xlim(-0.6, max(len(shown), 1) - 0.4)
    matrix.set_yticks([])
    matrix.set_xticks([])
    bare(matrix)
    return as_picture(figure, _upset_alt(sizes, shown, rest, language), outlined=outlined)


_NOTE_NL = "synthetische waarheid: geen partij kent de hele figuur"


def _upset_alt(
    sizes: Mapping[str, int], shown: Sequence[Mapping[str, Any]], rest: Sequence[Mapping[str, Any]], language: str
) -> str:
    english = language == "en"
    own = ", ".join(f"{display_name(party)} {grouped(size, 0, language)}" for party, size in sizes.items())
    cells = "; ".join(
        " + ".join(display_name(party) for party in cell["in"]) + f" {grouped(cell['count'], 0, language)}"
        for cell in shown
    )
    beyond = sum(cell["count"] for cell in rest)
    if english:
        more = f" {len(rest)} more combinations have {grouped(beyond, 0, language)} people together." if rest else ""
        return (
            f"UpSet plot of a synthetic population. People per party: {own}. People at exactly these parties and no"
            f" other: {cells or 'nobody'}.{more} No party knows the whole picture."
        )
    more = f" Nog {len(rest)} combinaties tellen samen {grouped(beyond, 0, language)} mensen." if rest else ""
    return (
        f"UpSet-plot van een synthetische bevolking. Mensen per partij: {own}. Mensen bij precies deze partijen en geen"
        f" andere: {cells or 'niemand'}.{more} Geen partij kent de hele figuur."
    )


@alone
def baselines(ways: Sequence[Baseline], language: str, *, outlined: bool = False, narrow: bool = False) -> Picture:
    """Draw per way how many rows about people whoever reads most can read.

    Args:
        ways: as ``minimisation.baselines`` gives them.
        language: ``nl`` or ``en``.
        outlined: letters as outlines, for PDF.
        narrow: for a screen of 390 pixels.
    """
    english = language == "en"
    worst = [_reads_most(way) for way in ways]
    counts = [count for _, count in worst]
    positive = [count for count in counts if count]
    log = bool(positive) and max(positive) >= _LOG_FROM * min(positive)
    width = NARROW if narrow else WIDE
    row = 0.50
    height = 0.62 + row * len(ways) + 0.38
    figure = new_figure(width, height)
    axes = figure.add_axes((0.03, 0.38 / height, 0.94, row * len(ways) / height))
    room = 2.6 if log else 1.2
    low, high = (0.7, max([*positive, 10]) * room) if log else (0, max([*counts, 1]) * room)
    for place, (way, (party, count)) in enumerate(zip(ways, worst, strict=True)):
        own = way.name == "psi-match"
        colour, hatch = (ORANGE, "///") if own else (BLUE, "")
        if count:
            axes.barh(
                place + 0.2,
                count - (low if log else 0),
                left=low if log else 0,
                height=0.34,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0,
            )
        number = grouped(count, 0, language)
        axes.annotate(
            number,
            (max(count, low), place + 0.2),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=INK,
            weight="bold" if own else "normal",
        )
        # Who reads stands beside the name of the way: there is always room for it there.
        label = way.title.in_language(language) + (
            f" ({party_name(party, language)})" if count and party != way.name else ""
        )
        axes.annotate(
            label,
            (0, place - 0.18),
            (1, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            fontsize=9,
            weight="bold" if own else "normal",
            color=INK,
            bbox={"facecolor": "white", "linewidth": 0, "pad": 0.5},
        )
    if log:
        axes.set_xscale("log")
        top = math.floor(math.log10(high))
        ticks = [10**power for power in range(top + 1)]
        axes.set_xticks(ticks, [grouped(tick, 0, language) for tick in ticks])
        axes.minorticks_off()
    else:
        axes.set_xticks([])
    axes.set_xlim(low, high)
    axes.set_ylim(len(ways) - 0.5, -0.5)
    axes.set_yticks([])
    bare(axes, grid="x" if log else "")
    axes.tick_params(labelsize=8, labelcolor=MUTED)
    title = "rows about people that whoever reads most can read" if english else _WORST_NL
    figure.text(0.03, 1 - 0.2 / height, title, fontsize=9.5 if not narrow else 8.5, color=INK, weight="bold")
    scale = (
        (
            "logarithmic scale: each line is ten times the one before"
            if english
            else "logaritmische schaal: elke lijn is tien keer de vorige"
        )
        if log
        else ""
    )
    figure.text(0.03, 1 - 0.38 / height, scale, fontsize=8, color=MUTED)
    alt = _baselines_alt(ways, worst, language)
    return as_picture(figure, alt, outlined=outlined)


_WORST_NL = "rijen over mensen die wie het meeste leest, kan lezen"


def _reads_most(way: Baseline) -> tuple[str, int]:
    """Return who reads most in a way, and how many rows."""
    if not way.readable:
        return TRUSTED_THIRD_PARTY, 0
    return max(way.readable.items(), key=lambda item: item[1])


def _baselines_alt(ways: Sequence[Baseline], worst: Sequence[tuple[str, int]], language: str) -> str:
    english = language == "en"
    nobody = "nobody" if english else "niemand"
    parts = []
    for way, (party, count) in zip(ways, worst, strict=True):
        who = f"{grouped(count, 0, language)} ({party_name(party, language)})" if count else f"0 ({nobody})"
        parts.append(f"{way.title.in_language(language)} {who}")
    lead = (
        "Bars: rows about people that whoever reads most can read, per way: "
        if english
        else "Staven: rijen over mensen die wie het meeste leest kan lezen, per werkwijze: "
    )
    return lead + "; ".join(parts) + "."
