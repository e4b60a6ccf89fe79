"""``psi-match scenario list / show / check``: what can be run, and who learns what, before anyone runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from psi_match.cli.options import Json, Language, check_language

app = typer.Typer(help="The catalogue of scenarios.", no_args_is_help=True)
Folder = Annotated[
    Path | None, typer.Option("--folder", help="Folder of scenario files; default: those that come along.")
]


@app.command("list")
def list_scenarios(folder: Folder = None, language: Language = "nl", as_json: Json = False) -> None:
    """List the scenarios."""
    from psi_match.cli.tables import print_table
    from psi_match.scenario.catalogue import Catalogue
    from psi_match.scenario.digest import digest

    check_language(language)
    scenarios = Catalogue(folder).all()
    if as_json:
        content = [{"name": s.name, "digest": digest(s).hex(), "title": s.title.model_dump()} for s in scenarios]
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return
    headers = ("scenario", "title", "leader") if language == "en" else ("scenario", "titel", "leider")
    print_table(headers, [[s.name, s.title.in_language(language), ", ".join(s.leaders)] for s in scenarios])


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of a scenario.")],
    folder: Folder = None,
    language: Language = "nl",
    as_json: Json = False,
) -> None:
    """Show a scenario with its disclosure table: who puts in what and who learns what."""
    from psi_match.cli.tables import print_disclosure
    from psi_match.scenario.catalogue import Catalogue
    from psi_match.scenario.digest import digest
    from psi_match.scenario.tables import all_disclosures

    check_language(language)
    scenario = Catalogue(folder).get(name)
    if as_json:
        content = scenario.model_dump(mode="json") | {"digest": digest(scenario).hex()}
        content["disclosure"] = [
            {
                "party": d.party,
                "puts_in": d.puts_in.model_dump(),
                "learns": d.learns.model_dump(),
                "does_not_learn": d.does_not_learn.model_dump(),
            }
            for d in all_disclosures(scenario)
        ]
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return
    print_disclosure(scenario, language)


@app.command("check")
def check(file: Annotated[Path, typer.Argument(help="Scenario file.")]) -> None:
    """Check a scenario file; an error names the key and the line."""
    from psi_match.scenario.catalogue import read_scenario
    from psi_match.scenario.digest import digest

    scenario = read_scenario(file)
    typer.echo(f"{scenario.name}: valid, digest {digest(scenario).hex()}")
