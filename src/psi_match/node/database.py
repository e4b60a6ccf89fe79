"""Into a database: its URL and password from the config, and a connection that finds out when it is lost."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from psi_match.base.errors import DataError
from psi_match.node.database_errors import not_let_in
from psi_match.node.reading import attempt, explained
from psi_match.node.source_config import DatabaseLogin

if TYPE_CHECKING:
    import psycopg

LOGIN_HINT = "Check the URL, the password, and that the database runs."
DRIVER_HINT = "Install it beside psi-match: pip install 'psi-match[postgresql]'"

_NETWORK = {
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",
    "application_name": "psi-match",
    "client_encoding": "UTF8",
}
"""A server that vanishes without a word is noticed after half a minute. The URL may say otherwise."""


def database_url(login: DatabaseLogin, who: str) -> sa.URL:
    """Return the URL of a database, with the password in it.

    Args:
        login: from a config or the command line.
        who: whose data it is about: the first words of an error.

    Raises:
        DataError: a file cannot be read, or what it holds is no URL or no password.
    """
    if login.url_file:
        secret = _text(login.url_file, f"{who}: its url_file cannot be read.").strip()
    else:
        secret = login.url.get_secret_value() if login.url else ""
    url: sa.URL = attempt(
        lambda: sa.make_url(secret),
        f"{who}: its database URL is not valid.",
        "It looks like postgresql+psycopg://user@host/database.",
    )
    if login.password_file is None:
        return url
    if url.password is not None:
        raise DataError(f"{who}: it has a password_file, and a password in the URL too.", "Take it out of the URL.")
    password = _text(login.password_file, f"{who}: its password_file cannot be read.")
    password = password.removesuffix("\n").removesuffix("\r")
    if not password or any(character in password for character in "\n\r\0"):
        raise DataError(
            f"{who}: its password_file does not hold one line with a password.",
            "Write the password alone into it.",
        )
    return url.set(password=password)


def _text(path: Path, sentence: str) -> str:
    return attempt(lambda: path.read_bytes().decode("utf-8"), sentence, LOGIN_HINT)


def is_postgresql(url: sa.URL) -> bool:
    """Tell whether a URL is for PostgreSQL through psycopg, which is spoken to in its own way."""
    return url.drivername in {"postgresql", "postgresql+psycopg"}


def connect_postgresql(url: sa.URL, who: str) -> psycopg.Connection[Any]:
    """Connect to PostgreSQL.

    Raises:
        DataError: the driver is missing, the server cannot be reached, or it does not let us in.
    """
    # At DEBUG it logs the server's texts on failed logins, at WARNING those of queries that failed.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    psycopg = attempt(_import_psycopg, f"{who}: the driver for PostgreSQL (psycopg) is not installed.", DRIVER_HINT)
    given = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    arguments: dict[str, Any] = _NETWORK | given | url.translate_connect_args(username="user", database="dbname")
    return explained(lambda: psycopg.connect(**arguments), lambda cause: not_let_in(cause, arguments, who))


def _import_psycopg() -> Any:  # noqa: ANN401
    import psycopg

    return psycopg
