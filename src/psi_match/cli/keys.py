"""``psi-match keys init DIR``: a demo certificate authority, and node and operator certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Keys and certificates for demos and tests.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keys and certificates for demos and tests."""


@app.command("init")
def init(
    directory: Annotated[Path, typer.Argument(help="Folder to make; one folder per party in it.")],
    party: Annotated[
        list[str] | None, typer.Option("--party", help="Party id; repeat. Default: all that the scenarios name.")
    ] = None,
) -> None:
    """Make a certificate authority and, per party, a node and an operator certificate.

    The authority's own key is thrown away after use: nobody can issue another certificate under it.
    """
    import datetime

    from psi_match.base.errors import ConfigError, UsageError
    from psi_match.domain.parties import BODIES, OTHERS, is_party_id
    from psi_match.node.certificates import NODE, OPERATOR, Authority, write_key_folder

    parties = party or [body.id for body in (*BODIES, *OTHERS)]
    for name in parties:
        if not is_party_id(name):
            raise UsageError("A party id is lower case, digits and hyphens.", "For example: --party cjib.")
    used = [name for name in parties if (directory / name).exists() and any((directory / name).iterdir())]
    if used:
        raise UsageError(f"{directory} holds keys already.", "Choose a new folder, or remove the old keys first.")
    now = datetime.datetime.now(datetime.UTC)
    try:
        authority = Authority.create(now)
        for name in parties:
            write_key_folder(directory / name, authority, name, (NODE, OPERATOR), now)
    except OSError as cause:
        raise ConfigError(f"Cannot write in {directory}: {cause.strerror}.", "Check the folder's owner.") from None
    typer.echo(f"Keys of {len(parties)} parties in {directory}, valid for 90 days. For demos and tests only.")
