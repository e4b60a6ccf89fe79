"""A report as PDF: Typst sets it, tagged for screen readers (PDF/UA-1), with outline and embedded fonts.

The report goes in as one JSON text. Typst reads it as data, so a `#` or `*` from a dossier is printed as such. Fonts
are those inside the typst package: no machine's own fonts are asked for, so a report looks the same everywhere.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from psi_match.base.errors import InternalError
from psi_match.report.legible import legible
from psi_match.report.model import Block, Bullets, Callout, Figure, Paragraph, Report, Section, Table
from psi_match.report.numbers import plain

_TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
_KEPT_ROWS, _KEPT_LETTERS = 10, 1500
"""A table this small stays on one page: about a third of a page at most."""


def as_pdf(report: Report) -> bytes:
    """Return the report as a PDF file.

    Raises:
        InternalError: it could not be set.
    """
    import typst

    try:
        return typst.compile(
            _TEMPLATE.read_bytes(),
            format="pdf",
            pdf_standards=["ua-1"],
            sys_inputs={"report": json.dumps(_legible(_plain_report(report)), ensure_ascii=False)},
            ignore_system_fonts=True,
            timestamp=_created(report),
        )
    except RuntimeError as cause:
        # A diagnostic quotes the source only, which is ours; the dossier's text stays out of it.
        raise InternalError(f"The PDF could not be set ({type(cause).__name__}).", "Please report it.") from cause


def _created(report: Report) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(report.created)
    except ValueError:
        moment = datetime.datetime.fromtimestamp(0, datetime.UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _legible(value: Any) -> Any:  # noqa: ANN401 - a tree of JSON
    """Return a tree with all its texts legible, but for pictures, whose letters are outlines."""
    if isinstance(value, dict):
        return {name: item if name == "svg" else _legible(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_legible(item) for item in value]
    return legible(value) if isinstance(value, str) else value


def _plain_report(report: Report) -> dict[str, Any]:
    return {
        "title": report.title,
        "subtitle": report.subtitle,
        "language": report.language,
        "notice": report.notice,
        "words": report.words,
        "summary": [_plain_section(section, report.language) for section in report.summary],
        "sections": [_plain_section(section, report.language) for section in report.sections],
    }


def _plain_section(section: Section, language: str) -> dict[str, Any]:
    blocks = [_plain_block(block, language) for block in section.blocks]
    return {"title": section.title, "level": section.level, "blocks": blocks}


def _plain_block(block: Block, language: str) -> dict[str, Any]:
    match block:
        case Paragraph():
            return {"type": "paragraph", "lead": block.lead, "text": plain(block.parts, language)}
        case Bullets():
            return {"type": "bullets", "items": [plain(item, language) for item in block.items]}
        case Callout():
            return {
                "type": "callout",
                "kind": block.kind,
                "label": block.label,
                "text": plain(block.parts, language),
            }
        case Table():
            rows = [[plain(cell, language) for cell in row] for row in block.rows]
            return {
                "type": "table",
                "caption": block.caption,
                "headers": list(block.headers),
                "rows": rows,
                "widths": list(block.widths),
                "right": [column in block.right for column in range(len(block.headers))],
                "small": block.small,
                "breakable": len(rows) > _KEPT_ROWS or sum(len(text) for row in rows for text in row) > _KEPT_LETTERS,
            }
        case Figure():
            return {"type": "figure", "svg": block.svg_outlined, "alt": block.alt, "caption": block.caption}
