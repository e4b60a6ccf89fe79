"""Pictures of a run itself: how long each stage took at each party, and who sent how much to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from psi_match.domain.parties import display_name
from psi_match.report.minimisation import RunDossier
from psi_match.report.numbers import grouped
from psi_match.report.pictures_canvas import INK, MUTED, NARROW, WIDE, Picture, alone, as_picture, bare, new_figure
from psi_match.scenario.model import Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MB, _KB = 1_000_000, 1_000
_FEW = 4
"""Parties that a narrow table of who sent what to whom has room for in letters of common size."""
_DARK = 0.74
"""Shade from which white letters are easier to read than black ones: both have 4.5 to 1 there."""
_STAGES = {
    "run": Text(nl="hele match", en="whole match"),
    "load": Text(nl="rijen inlezen", en="load rows"),
    "agree": Text(nl="sessie afspreken", en="agree on session"),
    "table": Text(nl="tabel bouwen", en="build table"),
    "base-ot": Text(nl="sleutels wisselen", en="exchange keys"),
    "oprf": Text(nl="gesloten functie", en="oblivious function"),
    "buckets": Text(nl="vakken vergelijken", en="compare buckets"),
    "encode": Text(nl="rijen in tabel", en="encode rows"),
    "vole": Text(nl="maskers maken", en="make masks"),
    "request": Text(nl="vraag versleutelen", en="encrypt request"),
    "response": Text(nl="antwoord versleutelen", en="encrypt response"),
    "values": Text(nl="waarden vergelijken", en="compare values"),
    "join": Text(nl="koppelen", en="join"),
    "match": Text(nl="vergelijken", en="compare tags"),
    "row-inputs": Text(nl="invoer delen", en="share inputs"),
    "row-circuit": Text(nl="regel toepassen", en="apply rule"),
    "count": Text(nl="tellen", en="count"),
    "finish": Text(nl="schudden, afronden", en="shuffle, round"),
    "compare": Text(nl="verloop vergelijken", en="compare transcripts"),
    "open": Text(nl="uitkomst openen", en="open outcome"),
    "store": Text(nl="uitkomst bewaren", en="store outcome"),
}
"""Kinds of stages by the first word of a stage's name; what follows it is whose turn it was."""
_LOOKS = (
    ("#0072b2", ""),
    ("#e69f00", "///"),
    ("#004d40", ""),
    ("#cc79a7", "..."),
    ("#7a5195", ""),
    ("#56b4e9", "xxx"),
    ("#b34f00", ""),
    ("#bdbdbd", "\\\\\\"),
    ("#4d4d4d", ""),
)


@alone
def stages(dossier: RunDossier, language: str, *, outlined: bool = False, narrow: bool = False) -> Picture:
    """Draw per party how long the kinds of stages took, and how many bytes it sent in them.

    Args:
        dossier: of the run; of a pairwise run, which has no stages, the whole run counts as one.
        language: ``nl`` or ``en``.
        outlined: letters as outlines, for PDF.
        narrow: for a screen of 390 pixels: one chart below the other.
    """
    english = language == "en"
    seconds = {party: _per_kind(record, "wall_s") for party, record in dossier.records.items()}
    sent = {party: _per_kind(record, "bytes_out") for party, record in dossier.records.items()}
    kinds = list(dict.fromkeys([k for k in _STAGES if any(k in own for own in seconds.values())]))
    kinds += sorted({kind for own in seconds.values() for kind in own} - set(kinds))
    width = NARROW if narrow else WIDE
    columns = 2 if narrow else 4
    legend, row, head = 0.19 * -(-len(kinds) // columns) + 0.18, 0.27, 0.34
    panel = head + row * max(len(seconds), 1)
    height = legend + panel * (2 if narrow else 1) + 0.08
    figure = new_figure(width, height)
    left, gap = 1.32, 0.85
    each = width - left - 0.72 if narrow else (width - left - 2 * gap) / 2
    titles = ("seconds", "bytes sent") if english else ("seconden", "verzonden bytes")
    for number, (values, title) in enumerate(zip((seconds, sent), titles, strict=True)):
        x = left if narrow else left + number * (each + gap)
        bottom = 0.08 + (panel * (1 - number) if narrow else 0)
        axes = figure.add_axes((x / width, bottom / height, each / width, (panel - head) / height))
        _stacked(axes, values, kinds, title, language, names=narrow or number == 0, of_bytes=number == 1)
    _key(figure.add_axes((0.02, 1 - legend / height, 0.96, legend / height)), kinds, columns, language)
    return as_picture(figure, _stages_alt(seconds, sent, kinds, language), outlined=outlined)


def _per_kind(record: Mapping[str, Any], name: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for stage in record.get("stages", ()):
        kind = stage["name"].split("/", 1)[0]
        found[kind] = found.get(kind, 0) + stage[name]
    if not found:
        pairs = record.get("pairs", {}).values()
        return {"run": record.get("wall_s", 0) if name == "wall_s" else sum(pair["bytes_out"] for pair in pairs)}
    return found


def _stacked(
    axes: Axes,
    values: Mapping[str, Mapping[str, float]],
    kinds: list[str],
    title: str,
    language: str,
    *,
    names: bool,
    of_bytes: bool,
) -> None:
    most = max([sum(own.values()) for own in values.values()] + [1e-9])
    for line, own in enumerate(values.values()):
        start = 0.0
        for place, kind in enumerate(kinds):
            colour, hatch = _LOOKS[place % len(_LOOKS)]
            length = own.get(kind, 0)
            if length:
                axes.barh(
                    line, length, left=start, height=0.62, color=colour, hatch=hatch, edgecolor="white", linewidth=0.4
                )
            start += length
        text = size(round(start), language) if of_bytes else f"{grouped(start, 2, language)}\u00a0s"
        axes.annotate(text, (start, line), (3, 0), textcoords="offset points", va="center", fontsize=7.5, color=INK)
    axes.set_xlim(0, most)
    axes.set_ylim(max(len(values), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(values)), [display_name(party) for party in values] if names else [""] * len(values))
    axes.set_xticks([])
    axes.set_title(title, fontsize=9, loc="left", color=INK, weight="bold", pad=4)
    bare(axes)
    axes.tick_params(labelsize=8.5)


def _key(axes: Axes, kinds: list[str], columns: int, language: str) -> None:
    axes.set_axis_off()
    lines = max(1, -(-len(kinds) // columns))
    axes.set_xlim(0, columns)
    axes.set_ylim(lines, 0)
    for place, kind in enumerate(kinds):
        line, column = divmod(place, columns)
        colour, hatch = _LOOKS[place % len(_LOOKS)]
        axes.barh(
            line + 0.5, 0.16, left=column, height=0.55, color=colour, hatch=hatch, edgecolor="white", linewidth=0.4
        )
        axes.text(column + 0.2, line + 0.5, _kind(kind, language), va="center", fontsize=8, color=INK)


def _kind(kind: str, language: str) -> str:
    return _STAGES[kind].in_language(language) if kind in _STAGES else kind


def _stages_alt(
    seconds: Mapping[str, Mapping[str, float]], sent: Mapping[str, Mapping[str, float]], kinds: list[str], language: str
) -> str:
    english = language == "en"
    parts = []
    for party, own in seconds.items():
        steps = ", ".join(
            f"{_kind(kind, language)} {grouped(own[kind], 2, language)} s, {size(round(sent[party][kind]), language)}"
            for kind in kinds
            if kind in own
        )
        parts.append(f"{display_name(party)}: {steps}.")
    lead = "Time and bytes sent per stage and party. " if english else "Tijd en verzonden bytes per stap en partij. "
    return lead + " ".join(parts)


@alone
def flows(dossier: RunDossier, language: str, *, outlined: bool = False, narrow: bool = False) -> Picture:
    """Draw who sent how many bytes to whom, as a table of cells that are darker where there is more.

    A pair is told by the sender's record, or by the receiver's if the sender's is missing.

    Args:
        dossier: of the run.
        language: ``nl`` or ``en``.
        outlined: letters as outlines, for PDF.
        narrow: for a screen of 390 pixels.
    """
    english = language == "en"
    amounts = _amounts(dossier.records)
    parties = list(dict.fromkeys([*dossier.records, *(party for pair in amounts for party in pair)]))
    width = NARROW if narrow else WIDE
    # A narrow table has no room to write labels aslant, and writes a number above its unit.
    left, right, head, row = (1.32, 0.08, 1.42, 0.36) if narrow else (1.32, 0.72, 1.32, 0.30)
    height = head + row * max(len(parties), 1) + 0.3
    figure = new_figure(width, height)
    axes = figure.add_axes(
        (left / width, 0.26 / height, (width - left - right) / width, row * max(len(parties), 1) / height)
    )
    most = max(amounts.values(), default=1)
    for (sender, receiver), amount in amounts.items():
        x, y = parties.index(receiver), parties.index(sender)
        # Light to dark by the logarithm: from a hundred bytes to the largest.
        dark = float(np.clip(np.log(max(amount, 100) / 100) / np.log(max(most, 1000) / 100), 0, 1))
        shade = tuple(1 - dark * (1 - channel) for channel in (0.0, 0.30, 0.50))
        axes.barh(y, 0.94, left=x - 0.47, height=0.88, color=shade, linewidth=0)
        text = size(amount, language)
        axes.text(
            x,
            y,
            text.replace("\u00a0", "\n") if narrow else text,
            ha="center",
            va="center",
            fontsize=6.5 if narrow and len(parties) > _FEW else 7.5,
            linespacing=1.05,
            color="white" if dark > _DARK else "black",
        )
    for place in range(len(parties)):
        axes.text(place, place, "-", ha="center", va="center", fontsize=8, color=MUTED)
    axes.set_xlim(-0.5, max(len(parties), 1) - 0.5)
    axes.set_ylim(max(len(parties), 1) - 0.5, -0.5)
    labels = [display_name(party) for party in parties]
    axes.set_yticks(range(len(parties)), labels)
    axes.xaxis.tick_top()
    turn = {"rotation": 90} if narrow else {"rotation": 50, "ha": "left", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(parties)), labels, **turn)
    bare(axes)
    axes.tick_params(labelsize=8.5, pad=2)
    figure.text(
        0.02,
        1 - 0.18 / height,
        "from row to column" if english else "van rij naar kolom",
        fontsize=9,
        color=INK,
        weight="bold",
    )
    note = "empty: no connection; darker: more bytes" if english else "leeg: geen verbinding; donkerder: meer bytes"
    figure.text(0.02, 0.07 / height, note, fontsize=8, color=MUTED)
    return as_picture(figure, _flows_alt(amounts, language), outlined=outlined)


def _amounts(records: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    amounts: dict[tuple[str, str], int] = {}
    for party, record in records.items():
        for peer, pair in record.get("pairs", {}).items():
            amounts[party, peer] = pair["bytes_out"]
            if peer not in records:
                amounts[peer, party] = pair["bytes_in"]
    return {pair: amount for pair, amount in amounts.items() if amount}


def _flows_alt(amounts: Mapping[tuple[str, str], int], language: str) -> str:
    english = language == "en"
    lead = "Who sent how much to whom: " if english else "Wie hoeveel naar wie stuurde: "
    word = "to" if english else "naar"
    parts = [
        f"{display_name(sender)} {word} {display_name(receiver)} {size(amount, language)}"
        for (sender, receiver), amount in amounts.items()
    ]
    return lead + ("; ".join(parts) or ("nothing" if english else "niets")) + "."


def size(count: int, language: str) -> str:
    """Return bytes for people."""
    if count >= _MB / 10:
        return f"{grouped(count / _MB, 2, language)}\u00a0MB"
    if count >= _KB:
        return f"{grouped(count / _KB, 1, language)}\u00a0kB"
    return f"{grouped(count, 0, language)}\u00a0B"
