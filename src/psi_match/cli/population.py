"""``psi-match population``: synthetic people for demos, tests and benches."""

from __future__ import annotations

import datetime
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from psi_match.cli.options import Json, Language, check_language
from psi_match.cli.population_check import check
from psi_match.cli.population_dirty import dirty, score
from psi_match.cli.population_evaluate import evaluate
from psi_match.cli.population_load import load
from psi_match.population.choices import Choices, NonUse, Rules

app = typer.Typer(help="Synthetic populations: nobody's data.", no_args_is_help=True)


app.command("check")(check)
app.command("dirty")(dirty)
app.command("evaluate")(evaluate)
app.command("score")(score)
app.command("load")(load)


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
    rules: Annotated[Rules, typer.Option("--rules", help="Year of the norms and limits of AIO.")] = Rules.YEAR_2025,
    non_use: Annotated[
        NonUse, typer.Option("--non-use", help="Of AIO: base is about 30 %, stress 50 %.")
    ] = NonUse.BASE,
    tax_as_one: Annotated[
        bool,
        typer.Option("--tax-as-one", help="Read 'at two bodies or more' with Belastingdienst and Toeslagen as one."),
    ] = False,
    with_duo: Annotated[bool, typer.Option("--with-duo", help="Write DUO's file too.")] = False,
    as_json: Json = False,
) -> None:
    """Write one folder per party with what it would hold, and the truth apart."""
    from psi_match.base.errors import UsageError
    from psi_match.cli.progress import step_bar
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
    choices = Choices(rules, non_use, tax_as_one, with_duo)
    with step_bar() as watch:
        summary = generate_population(persons, seed, out, day, choices, watch)
    if as_json:
        sys.stdout.write(json.dumps(summary.as_dict(), indent=2) + "\n")
        return
    rows = [[*file.removesuffix(".parquet").split("/"), number(count)] for file, count in summary.files.items()]
    title = f"{number(persons)} synthetic people in {out}; {number(summary.anywhere)} of them in arrears"
    print_table(("party", "file", "rows"), rows, title=title, numbers=(2,))


@app.command("outcomes")
def outcomes(
    folders: Annotated[list[Path], typer.Argument(help="One population or more, such as one per seed.")],
    language: Language = "nl",
    as_json: Json = False,
) -> None:
    """Show what the headline scenarios find, and what that means for the whole country."""
    from psi_match.bench.outcomes import outcomes as work_out
    from psi_match.cli.tables import print_outcomes
    from psi_match.scenario.catalogue import Catalogue
    from psi_match.scenario.join_model import JoinScenario

    check_language(language)
    scenarios = {scenario.name: scenario for scenario in Catalogue().all() if isinstance(scenario, JoinScenario)}
    found = {str(folder): work_out(folder, scenarios) for folder in folders}
    if as_json:
        content = {folder: [asdict(outcome) for outcome in own] for folder, own in found.items()}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
        return
    print_outcomes(list(found.values()), language)
