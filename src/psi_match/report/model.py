"""What a report says, in one language, before it has a form: the same model becomes HTML and PDF.

A number is never a piece of text. It keeps its value and where it comes from, so that the last chapter of a report,
"where each number comes from", is read off the report itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

SourceKind = Literal["record", "timeline", "evaluation", "scenario", "agreement", "literature", "baseline"]
Unit = Literal["count", "bytes", "megabytes", "seconds", "share", "cents", "small", "plain"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number comes from.

    Args:
        kind: which part of the dossier, or a published source.
        field: name of the field, or how it was worked out from fields; for literature which source.
        party: whose record or timeline; empty if of all.
    """

    kind: SourceKind
    field: str
    party: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit and its source.

    Args:
        value: as stored.
        unit: how to show it; ``megabytes`` shows a number of bytes rounded.
        source: where it comes from.
    """

    value: int | float
    unit: Unit
    source: Source


Inline = str | Number
Parts = tuple[Inline, ...]
"""A sentence: text and numbers in turn. Text is literal: it holds no markup of any kind."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph.

    Args:
        parts: what it says.
        lead: words before it, in bold; empty: none.
    """

    parts: Parts
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[Parts, ...]


@dataclass(frozen=True, slots=True)
class Callout:
    """A box that nobody should miss.

    Args:
        kind: ``open``: somebody must still fill this; ``warning``: something is missing or wrong; ``note``: how
            to read.
        label: its first words, in bold: the kind in words, for colour alone never says it.
        parts: what it says.
    """

    kind: Literal["open", "warning", "note"]
    label: str
    parts: Parts


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names its rows.

    Args:
        caption: what it shows.
        headers: one per column.
        rows: cells per row.
        right: columns that align right.
        widths: share of the page's width per column.
        small: set it in smaller type.
    """

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Parts, ...], ...]
    widths: tuple[float, ...]
    right: frozenset[int] = frozenset()
    small: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture.

    Args:
        svg: with text as text, for HTML.
        svg_outlined: with text as outlines, for PDF.
        alt: what it shows, for whoever does not see it.
        width: natural width in CSS pixels.
        caption: below it.
        numbers: what it draws, for the table of sources.
    """

    svg: str
    svg_outlined: str
    alt: str
    width: int
    caption: str
    numbers: tuple[Number, ...] = ()


Block = Paragraph | Bullets | Callout | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter or a part of one.

    Args:
        id: for links; unique in a report.
        title: heading.
        level: 1 for a chapter, 2 for a part of it.
        blocks: content.
    """

    id: str
    title: str
    level: Literal[1, 2]
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report in one language.

    Args:
        title: title of the document.
        subtitle: below it.
        language: ``nl`` or ``en``.
        notice: said on every page.
        words: fixed words of the form: contents, figure, table, page.
        summary: the one page for a minister.
        sections: everything behind it, in order.
        created: ISO time; that of the dossier, so that one dossier gives one report.
    """

    title: str
    subtitle: str
    language: str
    notice: str
    words: dict[str, str]
    summary: tuple[Section, ...]
    sections: tuple[Section, ...]
    created: str = ""

    def all_sections(self) -> tuple[Section, ...]:
        """Return the sections of the summary and those behind it."""
        return (*self.summary, *self.sections)


@dataclass(frozen=True, slots=True)
class Used:
    """A number and where in the report it stands.

    Args:
        where: title of the section, and of the table or figure if it stands in one.
        number: what stands there.
    """

    where: str
    number: Number


def used_numbers(sections: tuple[Section, ...], words: dict[str, str]) -> Iterator[Used]:
    """Yield every number of some sections in reading order, with its place.

    Args:
        sections: from the report's start on, or tables and figures are misnumbered.
        words: the report's words for ``table`` and ``figure``.
    """
    tables = figures = 0
    for section in sections:
        for block in section.blocks:
            where = section.title
            match block:
                case Table():
                    tables += 1
                    where = f"{words['table']} {tables}"
                    parts: list[Inline] = [part for row in block.rows for cell in row for part in cell]
                case Figure():
                    figures += 1
                    where = f"{words['figure']} {figures}"
                    parts = list(block.numbers)
                case Bullets():
                    parts = [part for item in block.items for part in item]
                case _:
                    parts = list(block.parts)
            yield from (Used(where, part) for part in parts if isinstance(part, Number))
