"""``psi-match population evaluate``: what each scenario finds in a population, and how good that is by its truth."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from psi_match.cli.options import Language, check_language


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Folder of a population.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write JSON to this file instead of a table; counts only, no people.")
    ] = None,
    language: Language = "nl",
) -> None:
    """Show what each scenario finds, its precision and recall by the truth, and what other thresholds would do."""
    from psi_match.base.errors import UsageError
    from psi_match.bench.evaluation import evaluate as work_out

    check_language(language)
    found = work_out(folder)
    if out is None:
        _print(found, language)
        return
    try:
        out.write_text(json.dumps(found, indent=1) + "\n")
    except OSError as cause:
        raise UsageError(f"Cannot write {out}: {cause.strerror}.", "Choose another --out.") from None


def _print(found: dict[str, Any], language: str) -> None:
    from psi_match.cli.tables import number, print_table

    english = language == "en"
    headers = (
        ("scenario", "people in it", "selected", "relevant", "precision", "recall")
        if english
        else ("scenario", "mensen erin", "geselecteerd", "relevant", "precisie", "dekking")
    )
    rows = [
        [name, number(entry["distinct_persons"]), *_scores(entry["quality"] or {"selected": entry["selected"]})]
        for name, entry in found["scenarios"].items()
    ]
    persons = number(found["population"]["persons"])
    title = f"{persons} synthetic people" if english else f"{persons} synthetische mensen"
    print_table(headers, rows, title=title, numbers=(1, 2, 3, 4, 5))
    moved = (
        ("scenario", "threshold", "value", "selected", "relevant", "precision", "recall")
        if english
        else ("scenario", "drempel", "waarde", "geselecteerd", "relevant", "precisie", "dekking")
    )
    rows = [
        [
            name,
            threshold["label"][language],
            _value(point["value"], threshold["unit"]) + (" *" if point["value"] == threshold["current"] else "  "),
            *_scores(point),
        ]
        for name, entry in found["scenarios"].items()
        for threshold in entry["thresholds"]
        for point in threshold["points"]
    ]
    title = (
        "One threshold moved; * is the current value" if english else "Eén drempel verschoven; * is de huidige waarde"
    )
    sys.stdout.write("\n")
    print_table(moved, rows, title=title, numbers=(2, 3, 4, 5, 6))
    sys.stdout.write("\n" + ("What is relevant:" if english else "Wat relevant is:") + "\n")
    for name, entry in found["scenarios"].items():
        text = entry["quality"]["definition"] if entry["quality"] else entry["quality_reason"]
        sys.stdout.write(f"- {name}: {text[language]}\n")


def _scores(values: dict[str, Any]) -> list[str]:
    from psi_match.cli.tables import number

    counts = [values.get("selected"), values.get("relevant")]
    shares = [values.get("precision"), values.get("recall")]
    return [
        *("-" if count is None else number(count) for count in counts),
        *("-" if share is None else f"{share:.1%}" for share in shares),
    ]


def _value(value: int, unit: str) -> str:
    return f"EUR {value / 100:,.2f}".replace(",", " ") if unit.startswith("cents") else str(value)
