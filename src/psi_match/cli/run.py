"""``psi-match run SCENARIO``: start a match as an operator of the party that leads it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from psi_match.cli.options import LEADER, Json, Language, LeaderKeys, LeaderNodeAddress, check_language


def run(
    scenario: Annotated[str, typer.Argument(help="Name of a scenario that the node knows.")],
    node: LeaderNodeAddress,
    keys: LeaderKeys,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            help="kkrt, kkrt-buckets, vole or ecdh; of a joint scenario kkrt or vole, ripple or prefix, or both with a"
            " plus; default: the fastest on the measured path.",
        ),
    ] = "",
    agreement: Annotated[
        str, typer.Option("--agreement", help="Under which agreement; default: the only one in force on the scenario.")
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Folder that receives the run record.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Load, validate and check peers; send nothing of a run.")
    ] = False,
    as_json: Json = False,
    language: Language = "nl",
) -> None:
    """Start a run at your own node and follow it to its end."""
    from psi_match.cli.progress import follow
    from psi_match.cli.tables import print_record, print_rehearsal
    from psi_match.node.certificates import OPERATOR, Credentials
    from psi_match.node.operator_client import OperatorClient

    check_language(language)
    node, keys = _at_leader(scenario, node, keys)
    credentials = Credentials.read(keys, OPERATOR)
    with OperatorClient(node, credentials) as client, follow() as progress:
        record = client.run(
            scenario,
            engine,
            agreement=agreement,
            dry_run=dry_run,
            on_started=progress.started,
            on_progress=progress.advanced,
        )
    if out and not dry_run:
        _write_record(out, record)
    if as_json:
        sys.stdout.write(json.dumps(record, indent=2, sort_keys=True) + "\n")
    elif dry_run:
        print_rehearsal(record, language)
    else:
        print_record(record, language)


def _at_leader(scenario: str, node: str, keys: Path) -> tuple[str, Path]:
    """Fill in who leads the scenario, by the catalogue that comes along; of several leaders it is the first one.

    Raises:
        ScenarioError: the catalogue does not have the scenario.
    """
    if LEADER not in f"{node}{keys}":
        return node, keys
    from psi_match.scenario.catalogue import Catalogue

    leader = Catalogue().get(scenario).leaders[0]
    return node.replace(LEADER, leader), Path(str(keys).replace(LEADER, leader))


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    from psi_match.base.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{record['run_id']}.json").write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")
    except OSError as cause:
        raise UsageError(f"Cannot write in {folder}: {cause.strerror}.", "Choose another --out.") from None
