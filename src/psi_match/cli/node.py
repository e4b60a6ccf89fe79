"""``psi-match node serve`` and ``psi-match node health``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
