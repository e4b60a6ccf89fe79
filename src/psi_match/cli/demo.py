"""``psi-match demo``: the whole story on one machine, compared with the truth."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json, Language, check_language

if TYPE_CHECKING:
    from psi_match.bench.demonstration import DemoOutcome, PartyOutcome

_STAGES = {
    "population": ("bevolking maken", "make a population"),
    "kernels": ("rekenkernen laden", "load kernels"),
    "nodes": ("nodes starten", "start nodes"),
    "run": ("matchen", "match"),
}


def demo(
    scenario: Annotated[str, typer.Argument(help="Name of a scenario.")] = "betalingsregeling-rijk-paren",
    persons: Annotated[int, typer.Option("--persons", help="Residents of the synthetic population.")] = 100_000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the population.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Keep population, keys, logs, results and a dossier in this new folder."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            help="kkrt, kkrt-buckets, vole or ecdh; for a joint scenario kkrt or vole, ripple or prefix: vole+prefix.",
        ),
    ] = "",
    attach: Annotated[
        str,
        typer.Option(
            "--attach", help="Use nodes that serve already; {party} stands for each body, as in {party}:50051."
        ),
    ] = "",
    keys: Annotated[Path, typer.Option("--keys", help="With --attach: folder with one key folder per body.")] = Path(
        "keys"
    ),
    truth: Annotated[Path, typer.Option("--truth", help="With --attach: the population's truth.parquet.")] = Path(
        "truth.parquet"
    ),
    as_json: Json = False,
    language: Language = "nl",
) -> None:
    """Make a population, start a node per party, run a scenario, and compare the result with the truth."""
    from psi_match.base.errors import UsageError
    from psi_match.bench.demonstration import demonstrate
    from psi_match.cli.progress import follow

    check_language(language)
    if attach:
        _report(_attached(scenario, engine, attach, keys, truth), language, as_json=as_json)
        return
    if out and out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty.", "Choose a new folder for --out.")

    def stage(name: str) -> None:
        if sys.stderr.isatty() or not as_json:
            sys.stderr.write(f"- {_STAGES[name][language == 'en']}\n")

    with tempfile.TemporaryDirectory(prefix="psi-match-demo-") as temporary:
        folder = out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with follow() as progress:
            outcome = demonstrate(scenario, persons, seed, folder.resolve(), engine, stage, progress.advanced)
    _report(outcome, language, as_json=as_json)


def _attached(scenario_name: str, engine: str, address: str, keys: Path, truth: Path) -> DemoOutcome:
    """Run at nodes that serve already, as the operator of every body: for a demo, where one person plays them all."""
    from functools import partial

    from psi_match.bench.demonstration import demo_parties, match_and_compare
    from psi_match.cli.progress import follow
    from psi_match.node.certificates import OPERATOR, Credentials
    from psi_match.node.operator_client import OperatorClient
    from psi_match.scenario.catalogue import Catalogue

    scenario = Catalogue().get(scenario_name)
    operators = {
        party: partial(OperatorClient, address.replace("{party}", party), Credentials.read(keys / party, OPERATOR))
        for party in demo_parties(scenario)
    }
    with follow() as progress:
        return match_and_compare(scenario, operators, truth, engine, progress.advanced)


def _report(outcome: DemoOutcome, language: str, *, as_json: bool) -> None:
    from psi_match.base.errors import ResultMismatch

    if as_json:
        sys.stdout.write(json.dumps(outcome.as_dict(), indent=2) + "\n")
    else:
        print_outcome(outcome, language)
    if not outcome.equal_truth:
        raise ResultMismatch("The result of the run differs from the truth of the population.", "Please report it.")


def print_outcome(outcome: DemoOutcome, language: str) -> None:
    """Print the demo's table: who put in what, who learned what, and what crossed the wire."""
    from psi_match.cli.tables import megabytes, number, print_table
    from psi_match.domain.parties import display_name

    english = language == "en"
    headers = (
        ("party", "put in", "learned", "bytes out", "bytes in")
        if english
        else ("partij", "bracht in", "kwam te weten", "bytes uit", "bytes in")
    )
    rows = [
        [
            display_name(party.party),
            number(party.rows_in) if party.role else "-",
            _learned(party, outcome, english=english),
            megabytes(party.bytes_out),
            megabytes(party.bytes_in),
        ]
        for party in outcome.parties
    ]
    sys.stdout.write(f"\n{outcome.scenario}, {outcome.engine}, ")
    sys.stdout.write(f"{number(outcome.persons)} {'synthetic people' if english else 'synthetische personen'}\n\n")
    print_table(headers, rows, numbers=(1, 3, 4))
    same = outcome.equal_truth
    if english:
        verdict = "equal to the truth of the population" if same else "NOT equal to the truth of the population"
        text = f"\nResult: {verdict}. Match {outcome.run_wall_s:.2f} s, demo {outcome.wall_s:.1f} s.\n"
    else:
        verdict = "gelijk aan de waarheid van de bevolking" if same else "NIET gelijk aan de waarheid van de bevolking"
        text = f"\nUitkomst: {verdict}. Matchen {outcome.run_wall_s:.2f} s, demo {outcome.wall_s:.1f} s.\n"
    sys.stdout.write(text)


def _learned(party: PartyOutcome, outcome: DemoOutcome, *, english: bool) -> str:
    from psi_match.cli.tables import number
    from psi_match.domain.parties import display_name

    if not party.role:
        return "takes no part" if english else "doet niet mee"
    if party.party in outcome.tables:
        hidden = "suppressed" if english else "onderdrukt"
        cells = outcome.tables[party.party].items()
        return "; ".join(f"{name}: {hidden if count is None else number(count)}" for name, count in cells)
    if party.learned is None:
        return "about no person; rounded sizes" if english else "over geen mens iets; afgeronde omvang"
    if party.party in outcome.matches:
        return f"{number(party.learned)} {'persons or households' if english else 'personen of huishoudens'}"
    found = ", ".join(f"{number(count)} {display_name(other)}" for other, count in outcome.matches.items())
    return (
        f"{number(party.learned)} own rows with arrears elsewhere ({found})"
        if english
        else f"{number(party.learned)} eigen rijen ook elders ({found})"
    )
