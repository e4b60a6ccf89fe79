"""``psi-match node serve``, ``node purge`` and ``node health``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from psi_match.cli.options import Json, Language, check_language

app = typer.Typer(help="Run a node, or ask whether one serves.", no_args_is_help=True)
Config = Annotated[Path, typer.Option("--config", help="The node's config file.")]


@app.command("serve")
def serve(
    config: Config,
    address_file: Annotated[
        Path | None, typer.Option("--address-file", help="Write the address here once the node serves.")
    ] = None,
) -> None:
    """Serve until SIGTERM. Everything is checked before the node listens."""
    from psi_match.cli.options import keep_numba_quiet

    keep_numba_quiet()
    from psi_match.node.config import read_config
    from psi_match.node.logs import configure_logs
    from psi_match.node.server import serve as serve_node

    def announce(address: str) -> None:
        if address_file:
            part = address_file.with_name(address_file.name + ".part")
            part.write_text(address)
            part.rename(address_file)

    configure_logs()
    serve_node(read_config(config), announce)


@app.command("purge")
def purge(
    config: Config,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is there and when it goes; delete nothing.")
    ] = False,
    as_json: Json = False,
    language: Language = "nl",
) -> None:
    """Delete results, secrets and records whose day has passed, as the agreements of their runs say.

    The node does the same by itself. Works beside a running node too.
    """
    from psi_match.cli.tables import print_table
    from psi_match.node.config import read_config
    from psi_match.node.maintenance import open_for_purge
    from psi_match.node.retention import kept, purge

    english = check_language(language) == "en"
    parts = open_for_purge(read_config(config))
    today = parts.clock.today()
    found = kept(parts.store) if dry_run else purge(parts.store, parts.audit(), today)
    if as_json:
        content = [asdict(part) | {"until": str(part.until), "due": part.is_due(today)} for part in found]
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
        return
    headers = ("run", "scenario", "what", "until", "") if english else ("run", "scenario", "wat", "tot en met", "")
    due = ("due", "") if english else ("nu", "")
    rows = [[p.run_id, p.scenario, p.part, str(p.until), due[not p.is_due(today)]] for p in found]
    if dry_run:
        title = "What this node keeps, and until when:" if english else "Wat deze node bewaart, en tot wanneer:"
    else:
        title = f"Deleted: {len(found)}" if english else f"Verwijderd: {len(found)}"
    print_table(headers, rows, title=title)


@app.command("health")
def health(
    config: Config,
    address: Annotated[
        str | None, typer.Option("--address", help="Where the node listens, if not as configured.")
    ] = None,
) -> None:
    """Exit 0 if this node serves; it is asked as a peer would ask, over mTLS."""
    from psi_match.base.errors import TransportError
    from psi_match.node.certificates import NODE, Credentials
    from psi_match.node.config import read_config
    from psi_match.node.health_client import is_serving

    node = read_config(config)
    where = address or node.listen.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")  # noqa: S104
    if not is_serving(where, Credentials.read(node.keys.directory, NODE)):
        raise TransportError(f"The node at {where} does not serve.", "Look in its log.")
    typer.echo(f"{node.party} serves at {where}.")
