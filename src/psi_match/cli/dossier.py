"""``psi-match dossier RUN``: each node's own record and timeline of a run, put together for a report or a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.cli.options import Json, Language, check_language

if TYPE_CHECKING:
    from psi_match.node.certificates import Credentials
    from psi_match.node.dossier import Dossier, Missing

_PLACE = "{party}"
_REASONS = {
    "not-asked": ("niet gevraagd", "not asked"),
    "unreachable": ("niet bereikbaar", "cannot be reached"),
    "refused": ("geweigerd", "refused"),
    "unknown": ("heeft het niet", "has none"),
    "running": ("run nog bezig", "run still under way"),
    "unreadable": ("onleesbaar, of van een andere run", "unreadable, or of another run"),
}


def dossier(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, as `psi-match status` shows it.")],
    out: Annotated[Path, typer.Option("--out", help="New folder that receives dossier.json.")],
    node: Annotated[
        list[str],
        typer.Option(
            "--node",
            help="HOST:PORT, where {party} stands for each body, as in {party}:50051; or PARTY=HOST:PORT; repeat.",
        ),
    ],
    keys: Annotated[
        str,
        typer.Option(
            "--keys",
            help="Folder with ca.pem, observer.pem and observer.key; {party} stands for each body that has one.",
        ),
    ],
    evaluation: Annotated[
        Path | None, typer.Option("--evaluation", help="What `psi-match population evaluate` wrote.")
    ] = None,
    as_json: Json = False,
    language: Language = "nl",
) -> None:
    """Collect a dossier of a run from every node at which you may look on; what a node does not tell is named in it."""
    from contextlib import ExitStack

    from psi_match.base.errors import UsageError
    from psi_match.bench.evaluation import fits, of_scenario
    from psi_match.node.dossier import collect, read_evaluation
    from psi_match.node.observer_client import ObserverClient

    check_language(language)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not an empty folder.", "Choose a new folder for --out.")
    known = read_evaluation(evaluation) if evaluation else {}
    credentials = _observers(keys)
    addresses = _addresses(node, list(credentials))
    with ExitStack() as stack:
        clients = {
            party: stack.enter_context(ObserverClient(address, credentials[party]))
            for party, address in addresses.items()
        }
        found = collect(clients, run_id)
    if known:
        about = of_scenario(known, found.scenario)
        if about is None:
            raise UsageError(f"The evaluation says nothing of scenario {found.scenario}.", "Make it anew.")
        if not fits(about, found.records):
            raise UsageError("The evaluation is of another text of the scenario than the run.", "Make it anew.")
        found = found.with_evaluation(about)
    path = found.write(out)
    if as_json:
        summary = {"path": str(path), "run_id": run_id, "scenario": found.scenario, "parties": sorted(found.records)}
        sys.stdout.write(json.dumps(summary | {"missing": found.as_dict()["missing"]}, indent=2) + "\n")
    else:
        _print(found, path, english=language == "en")


def _observers(keys: str) -> dict[str, Credentials]:
    """Return the observers' certificates that are there, by party."""
    from psi_match.base.errors import UsageError
    from psi_match.node.certificates import OBSERVER, Credentials

    if _PLACE not in keys:
        only = Credentials.read(Path(keys), OBSERVER)
        return {only.identity.party: only}
    before, after = keys.split(_PLACE, 1)
    parent = Path(before or ".")
    if not before.endswith("/") and before:
        raise UsageError("In --keys, {party} stands for a whole folder name.", "For example: --keys 'keys/{party}'.")
    folders = sorted(folder for folder in parent.glob("*") if (folder / after.strip("/") / f"{OBSERVER}.pem").exists())
    if not folders:
        raise UsageError(f"{keys} holds no observer's certificate.", "Make demo keys with `psi-match keys init DIR`.")
    found = [Credentials.read(folder / after.strip("/"), OBSERVER) for folder in folders]
    return {each.identity.party: each for each in found}


def _addresses(nodes: list[str], parties: list[str]) -> dict[str, str]:
    """Return where each party's node is: what names the party goes before what is meant for all."""
    from psi_match.base.errors import UsageError

    named = dict(entry.split("=", 1) for entry in nodes if "=" in entry)
    general = [entry for entry in nodes if "=" not in entry]
    unknown = sorted(set(named) - set(parties))
    if unknown:
        raise UsageError(f"There is no observer's certificate of {', '.join(unknown)}.", "See --keys.")
    if len(general) > 1 or (general and _PLACE not in general[0] and len(parties) - len(named) > 1):
        raise UsageError("One address cannot be that of several nodes.", "Write {party} in it, or PARTY=HOST:PORT.")
    everyone = {party: general[0].replace(_PLACE, party) for party in parties} if general else {}
    return everyone | named


def _print(found: Dossier, path: Path, *, english: bool) -> None:
    from psi_match.cli.tables import number, print_table
    from psi_match.domain.parties import display_name

    headers = (
        ("party", "record", "events", "missing") if english else ("partij", "verslag", "gebeurtenissen", "ontbreekt")
    )
    lacking = {each.party: each for each in found.missing}
    yes, no = ("yes", "no") if english else ("ja", "nee")
    rows = [
        [
            display_name(party),
            yes if party in found.records else no,
            number(len(found.timelines[party])) if party in found.timelines else "-",
            _said(lacking[party], english=english) if party in lacking else "",
        ]
        for party in sorted({*found.records, *lacking})
    ]
    title = "Dossier of run" if english else "Dossier van run"
    sys.stdout.write(f"{title} {found.run_id}, {found.scenario}\n\n")
    print_table(headers, rows, numbers=(2,))
    sys.stdout.write(f"\n{path}\n")


def _said(missing: Missing, *, english: bool) -> str:
    parts = {"record": ("verslag", "record"), "timeline": ("tijdlijn", "timeline")}
    return f"{parts[missing.part][english]}: {_REASONS[missing.reason][english]}"
