"""A report as one HTML file: no script, nothing fetched from elsewhere, WCAG 2.1 AA."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from psi_match.report.legible import legible
from psi_match.report.model import Block, Figure, Number, Report, Section, Table
from psi_match.report.numbers import shown
from psi_match.report.origins import origin

_TEMPLATES = Path(__file__).parent / "templates"
_ROOT = re.compile(r"<svg\b")
_IDS = re.compile(r'(\bid="|url\(#|href="#)')


def as_html(report: Report) -> str:
    """Return the report as the text of an HTML file."""
    import jinja2
    import markupsafe

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        # What is marked as HTML, as pictures and the style are, has been looked at already.
        finalize=lambda value: legible(value) if type(value) is str else value,
    )
    count = {"table": 0, "figure": 0}

    def plain_block(block: Block) -> dict[str, Any]:
        content: dict[str, Any] = {f.name: getattr(block, f.name) for f in dataclasses.fields(block)}
        content["kind_name"] = type(block).__name__
        if isinstance(block, Table):
            count["table"] += 1
            content["number"] = count["table"]
        if isinstance(block, Figure):
            count["figure"] += 1
            content["number"] = count["figure"]
            # Safe: our own pictures; matplotlib escapes all text in them.
            content["svg"] = markupsafe.Markup(inline_svg(block, f"figure-{count['figure']}"))  # noqa: S704
        return content

    def plain_section(section: Section) -> dict[str, Any]:
        blocks = [plain_block(block) for block in section.blocks]
        return {"id": section.id, "title": section.title, "level": section.level, "blocks": blocks}

    def shown_number(number: Number) -> str:
        return shown(number, report.language)

    def origin_of(number: Number) -> str:
        return origin(number.source, report.language)

    return environment.get_template("report.html.j2").render(
        report=report,
        words=report.words,
        summary=[plain_section(section) for section in report.summary],
        sections=[plain_section(section) for section in report.sections],
        # Safe: a file of this package, and a sentence of it as a CSS string.
        css=markupsafe.Markup(_style(report.notice)),  # noqa: S704
        shown=shown_number,
        origin=origin_of,
    )


def _style(notice: str) -> str:
    """Return the style sheet; on paper every page has the notice in its margin, where the browser supports that."""
    margin = (
        f"@page {{ @top-left {{ content: {json.dumps(notice, ensure_ascii=False)}; font: bold 8pt sans-serif; }} }}"
    )
    return (_TEMPLATES / "report.css").read_text(encoding="utf-8") + margin + "\n"


def inline_svg(figure: Figure, name: str) -> str:
    """Return a picture's SVG to stand inside a page: named, described, and with ids that no other picture has."""
    from markupsafe import escape

    svg = figure.svg[figure.svg.index("<svg") :]
    svg = _IDS.sub(lambda found: f"{found[1]}{name}-", svg)
    opening_end = svg.index(">") + 1
    opening = _ROOT.sub(f'<svg role="img" aria-labelledby="{name}-t {name}-d"', svg[:opening_end], count=1)
    label = f'<title id="{name}-t">{escape(figure.caption)}</title><desc id="{name}-d">{escape(figure.alt)}</desc>'
    return opening + label + svg[opening_end:]
