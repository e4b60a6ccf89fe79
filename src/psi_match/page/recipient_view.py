"""One page of rows as people see it: BSNs hidden unless asked for, values in words, notices beside the row."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from psi_match.domain.parties import display_name
from psi_match.page.recipient_results import BSN, ROWS_PER_PAGE, HeldResult, Rows, masked

_SUPPRESSED = "suppressed"
_NOTICE = re.compile(r"notice_*")
_CORRECT = re.compile(r"(correct:[a-z][a-z0-9-]{1,39})( correct:[a-z][a-z0-9-]{1,39})*")


@dataclass(frozen=True, slots=True, repr=False)
class Cell:
    """What stands in a cell.

    Args:
        text: a value; of a hidden BSN its last digits.
        dots: stand for the digits that are hidden.
    """

    text: str
    dots: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """A page of rows.

    Args:
        headers: of the columns, in words.
        numeric: which columns hold numbers: aligned right.
        rows: number of the row, counted over all pages, and its cells.
        page: which page this is.
        pages: how many there are.
        count: rows of the whole result.
        shown: how many BSNs are shown in full.
        has_bsn: whether rows are people.
        has_suppressed: whether a count is missing.
        has_changed: whether a BSN was asked for of a result that is not the same any more.
        mark: of this content.
    """

    headers: list[str]
    numeric: set[int]
    rows: list[tuple[int, list[Cell]]]
    page: int
    pages: int
    count: int
    shown: int
    has_bsn: bool
    has_suppressed: bool
    has_changed: bool
    mark: str

    def __repr__(self) -> str:
        return f"View({len(self.rows)})"


def view_of(rows: Rows, what: str, page: int, text: dict[str, str], asked: dict[str, str]) -> View:
    """Return a page of rows.

    Args:
        rows: all of them.
        what: ``rows`` or ``notices``.
        page: which page; the last one if there are fewer.
        text: words of the page, in one language.
        asked: ``mark`` and ``show``: the number of one row, or ``page`` for all on it; may be empty.
    """
    page = min(page, rows.pages)
    names = [name for name in rows.table.column_names if not (what == "notices" and name == "reason")]
    is_table = _SUPPRESSED in names and BSN not in names
    shown_names = [name for name in names if not (is_table and name == _SUPPRESSED)]
    has_changed = bool(asked) and asked.get("mark") != rows.mark
    wanted = "" if has_changed else asked.get("show", "")
    first = (page - 1) * ROWS_PER_PAGE + 1
    found, shown, has_suppressed = [], 0, False
    for number, row in enumerate(rows.page(page), first):
        in_full = wanted in {"page", str(number)}
        shown += in_full and BSN in row
        has_suppressed |= is_table and bool(row[_SUPPRESSED])
        cells = [
            _cell(name, row[name], text, in_full=in_full, is_suppressed=is_table and bool(row[_SUPPRESSED]))
            for name in shown_names
        ]
        found.append((number, cells))
    return View(
        headers=[_header(name, what, text, is_table=is_table) for name in shown_names],
        numeric={place for place, name in enumerate(shown_names) if _is_numeric(rows, name)},
        rows=found,
        page=page,
        pages=rows.pages,
        count=rows.count,
        shown=shown,
        has_bsn=BSN in names,
        has_suppressed=has_suppressed,
        has_changed=has_changed,
        mark=rows.mark,
    )


def file_name(held: HeldResult) -> str:
    """Return the name of a file with a result: scenario, day and run; nothing of its content."""
    scenario = re.sub(r"[^a-z0-9-]", "", held.scenario)
    return f"{scenario}-{held.started:%Y-%m-%d}-{held.run_id[:8]}.csv"


def _header(name: str, what: str, text: dict[str, str], *, is_table: bool) -> str:
    if name == BSN:
        return "BSN"
    if what == "notices" or (is_table and name in {"group", "count"}):
        return text.get(name, name)
    if _NOTICE.fullmatch(name):
        return text["notice"]
    # Pairwise results have a column per party.
    return display_name(name)


def _is_numeric(rows: Rows, name: str) -> bool:
    kind = rows.table.schema.field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _cell(name: str, value: object, text: dict[str, str], *, in_full: bool, is_suppressed: bool) -> Cell:
    if name == BSN and isinstance(value, str):
        if in_full:
            return Cell(value)
        dots, last = masked(value)
        return Cell(last, dots)
    if name == "count" and is_suppressed:
        return Cell(text[_SUPPRESSED])
    if isinstance(value, bool):
        return Cell(text["yes"] if value else text["no"])
    if isinstance(value, int | float):
        return Cell(f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}"))
    if isinstance(value, str):
        return Cell(_in_words(name, value, text))
    return Cell("" if value is None else str(value))


def _in_words(name: str, value: str, text: dict[str, str]) -> str:
    if name == "kind":
        return text.get(value, value)
    if name == "party":
        return display_name(value)
    if _NOTICE.fullmatch(name) and _CORRECT.fullmatch(value):
        parties = [display_name(each.removeprefix("correct:")) for each in value.split(" ")]
        return f"{text['check_at']} {', '.join(parties)}"
    return value
