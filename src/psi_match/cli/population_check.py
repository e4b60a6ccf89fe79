"""``psi-match population check``: a population against every figure that it was calibrated to."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json

if TYPE_CHECKING:
    from psi_match.population.check import Report

_NOTES = (
    "EUR 18,000 was said of households in long-term arrears at six bodies; it is read as the mean at the four.",
    "Medians of EUR 600 to 1,200 and EUR 12 bn in all agree only with a very heavy tail at Belastingdienst.",
    "A quarter at two bodies or more: whether taxes and benefits count as one was not found (--tax-as-one).",
    "Non-use of AIO is 29 % to CBS and 48 to 56 % to the Rekenkamer (--non-use).",
    "71,664 people and about 60,000 households with AIO leave 11,664 couples; the households are derived.",
)
"""Figures that cannot all hold as they are written, and what was chosen."""


def check(
    folder: Annotated[Path, typer.Argument(help="Folder of a population.")],
    picture: Annotated[Path | None, typer.Option(help="Draw the differences: .svg, .png or .pdf.")] = None,
    overlaps: Annotated[Path | None, typer.Option(help="Draw the overlaps of bodies: .svg, .png or .pdf.")] = None,
    as_json: Json = False,
) -> None:
    """Compare a population with every figure that it was calibrated to. Exit code 9 if one is out of bounds."""
    from psi_match.base.errors import ResultMismatch
    from psi_match.population.check import check as check_population
    from psi_match.population.truth import read_whole_truth

    report = check_population(folder)
    if picture or overlaps:
        from psi_match.population.pictures import draw_check, draw_overlaps

        if picture:
            draw_check(report, picture)
        if overlaps:
            draw_overlaps(read_whole_truth(folder), report.persons, overlaps)
    if as_json:
        content = {"persons": report.persons, "within": report.within, "notes": list(_NOTES)}
        content["figures"] = [checked.as_dict() for checked in report.figures]
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    else:
        _print(report)
    if not report.within:
        wrong = ", ".join(checked.name for checked in report.figures if not checked.within)
        raise ResultMismatch(
            f"Figures are out of bounds: {wrong}.", "A population of 1,000,000 persons or more meets them all."
        )


def _print(report: Report) -> None:
    from psi_match.cli.tables import number, print_table

    rows = []
    for checked in report.figures:
        bound = "-" if checked.bound is None else f"{checked.bound:.0%}"
        mark = "" if checked.bound is None else ("yes" if checked.within else "NO")
        target, achieved = (_written(value, checked.figure.unit) for value in (checked.target, checked.achieved))
        rows.append([checked.name, checked.figure.tag, target, achieved, f"{checked.difference:+.2%}", bound, mark])
    headers = ("figure", "tag", "target", "achieved", "difference", "bound", "within")
    print_table(headers, rows, title=f"{number(report.persons)} synthetic persons", numbers=(2, 3, 4, 5))
    sys.stdout.write("\nS stated, D derived, A assumed. Sources: --json, or synthetic_data.\n\n")
    sys.stdout.write("Figures that cannot all hold as they are written, and what was chosen:\n")
    sys.stdout.write("".join(f"- {note}\n" for note in _NOTES))


def _written(value: float, unit: str) -> str:
    from psi_match.cli.tables import number

    if unit.startswith("share"):
        return f"{value:.2%}"
    if unit.startswith("EUR"):
        return f"EUR {number(round(value))}"
    return number(round(value))
