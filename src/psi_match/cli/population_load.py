"""``psi-match population load``: a party's files into its database."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from psi_match.cli.options import Json


def load(
    folder: Annotated[Path, typer.Argument(help="Folder of a population.")],
    party: Annotated[str, typer.Option("--party", help="Whose files to load.")],
    url: Annotated[
        str, typer.Option("--url", help="postgresql+psycopg://user@host/database, without a password.")
    ] = "",
    url_file: Annotated[
        Path | None, typer.Option("--url-file", help="File with the URL, which may hold the password.")
    ] = None,
    password_file: Annotated[Path | None, typer.Option("--password-file", help="File with the password alone.")] = None,
    as_json: Json = False,
) -> None:
    """Replace the tables of a party's PostgreSQL database by its files, in one transaction.

    May be repeated. The role of the URL must own the tables.
    """
    from pydantic import ValidationError

    from psi_match.base.errors import UsageError
    from psi_match.bench.population_database import load_population
    from psi_match.cli.tables import number, print_table
    from psi_match.node.source_config import DatabaseLogin, has_password

    if has_password(url):
        raise UsageError("A password on the command line is seen by everyone on the machine.", "Use --password-file.")
    login = None
    with contextlib.suppress(ValidationError):
        login = DatabaseLogin.model_validate({"url": url or None, "url_file": url_file, "password_file": password_file})
    if login is None:
        raise UsageError("It takes either --url or --url-file.", "Give one of them.")
    loaded = load_population(folder, party, login)
    if as_json:
        sys.stdout.write(json.dumps(loaded, indent=2) + "\n")
        return
    print_table(("table", "rows"), [[name, number(rows)] for name, rows in loaded.items()], title=party, numbers=(1,))
