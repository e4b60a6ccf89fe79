"""``psi-match population generate``: synthetic people for demos, tests and benches."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from psi_match.cli.options import Json

app = typer.Typer(help="Synthetic populations: nobody's data.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Synthetic populations: nobody's data."""


@app.command("generate")
def generate(
    out: Annotated[Path, typer.Option("--out", help="Folder to make: one folder per party, and the truth apart.")],
    persons: Annotated[int, typer.Option("--persons", help="Residents of the Netherlands.")] = 100_000,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same bytes.")] = 1,
    reference_date: Annotated[
        str, typer.Option("--reference-date", help="YYYY-MM-DD; default: today.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """Write one folder per party with what it would hold, and the truth apart."""
    from psi_match.base.errors import UsageError
    from psi_match.cli.tables import number, print_table
    from psi_match.population.generate import generate as generate_population

    try:
        day = (
            datetime.date.fromisoformat(reference_date)
            if reference_date
            else datetime.datetime.now(datetime.UTC).date()
        )
    except ValueError:
        raise UsageError("The reference date is not a date.", "Write it as 2026-01-31.") from None
    summary = generate_population(persons, seed, out, day)
    if as_json:
        sys.stdout.write(json.dumps(summary.as_dict(), indent=2) + "\n")
        return
    rows = [[*file.removesuffix(".parquet").split("/"), number(count)] for file, count in summary.files.items()]
    title = f"{number(persons)} synthetic people in {out}; {number(summary.anywhere)} of them in arrears"
    print_table(("party", "file", "rows"), rows, title=title, numbers=(2,))
