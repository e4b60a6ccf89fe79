"""What chapters share: cells, tables with headers in two languages, the section of a chapter's title."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psi_match.report.model import Block, Callout, Inline, Number, Paragraph, Parts, Section, Table
from psi_match.report.numbers import fill
from psi_match.report.texts.form import CHAPTERS, UNKNOWN
from psi_match.scenario.model import Text

Cell = Inline | Parts | None
HEX_GROUP = 16


def cell(content: Cell, language: str) -> Parts:
    """Return a cell; what is not there is said to be unknown, never left empty."""
    if content is None:
        return (UNKNOWN.in_language(language),)
    return (content,) if isinstance(content, str | Number) else content


def table(
    caption: Text,
    headers: Text,
    rows: Iterable[Sequence[Cell]],
    widths: Sequence[float],
    language: str,
    *,
    right: Iterable[int] = (),
    small: bool = False,
) -> Table:
    """Return a table.

    Args:
        caption: what it shows.
        headers: separated by ``|``.
        rows: cells.
        widths: shares of the width.
        language: ``nl`` or ``en``.
        right: columns that align right.
        small: smaller type.
    """
    return Table(
        caption.in_language(language),
        tuple(headers.in_language(language).split("|")),
        tuple(tuple(cell(content, language) for content in row) for row in rows),
        tuple(widths),
        frozenset(right),
        small,
    )


def say(text: Text, language: str, lead: Text | None = None, **values: Inline | Parts) -> Paragraph:
    """Return a paragraph of a text with values put in."""
    return Paragraph(fill(text, language, **values), lead.in_language(language) if lead else "")


def warn(label: Text, text: Text, language: str, **values: Inline | Parts) -> Callout:
    """Return a box about something that is missing or went wrong."""
    return Callout("warning", label.in_language(language), fill(text, language, **values))


def note(label: Text, text: Text, language: str, **values: Inline | Parts) -> Callout:
    """Return a box on how to read what follows."""
    return Callout("note", label.in_language(language), fill(text, language, **values))


def chapter(name: str, blocks: Iterable[Block], language: str) -> Section:
    """Return the section that opens a chapter."""
    return Section(name, CHAPTERS[name].in_language(language), 1, tuple(blocks))


def hex_groups(digest: str) -> str:
    """Return a digest in groups, so that a line can break in it."""
    return " ".join(digest[start : start + HEX_GROUP] for start in range(0, len(digest), HEX_GROUP))


def sentence(text: str) -> str:
    """Return a title as a sentence: with a full stop unless it ends in a mark."""
    return text if text.endswith((".", "?", "!")) else f"{text}."
