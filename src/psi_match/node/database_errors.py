"""What went wrong at a database, in a sentence of our own: a server's texts hold names, queries and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psi_match.base.errors import DataError

_FROM_HERE = ("the server does not let this user into this database from here", "Ask for a line in its pg_hba.conf.")
_TLS = ("no TLS connection could be made that both sides trust", "Check sslmode and sslrootcert in the URL.")
_TOO_MANY = ("the server has too many connections", "Try again later.")
_REFUSALS: Mapping[str, tuple[str, str]] = {
    "password authentication failed": ("user or password is wrong", "Check the user in the URL, and the password."),
    "no pg_hba.conf entry": _FROM_HERE,
    "pg_hba.conf rejects": _FROM_HERE,
    "permission denied for database": ("the user may not connect to this database", "Ask for GRANT CONNECT."),
    "is not permitted to log in": ("the user may not log in", "Ask for a role with LOGIN."),
    "too many connections": _TOO_MANY,
    "connection slots": _TOO_MANY,
    'FATAL:  database "': ("the server has no such database", "Check the database in the URL."),
    'FATAL:  role "': ("the server has no such user", "Check the user in the URL."),
    "certificate": _TLS,
    "SSL": _TLS,
}
"""libpq passes no code on when a login fails, so the server's text must tell. Where it speaks another language than
English, the sentence stays general."""


def not_let_in(cause: Exception, arguments: Mapping[str, Any], who: str) -> DataError:
    """Return the error for a connection that did not come about.

    Args:
        cause: what psycopg raised.
        arguments: of the connection; no part of them is shown.
        who: first words of the sentence.
    """
    import psycopg
    from psycopg.conninfo import make_conninfo

    begin = f"{who}: cannot connect to its database: "
    if not isinstance(cause, psycopg.OperationalError):
        return DataError(f"{begin}the URL has a part that is not known.", "Compare it with libpq's parameters.")
    if cause.pgconn is not None and cause.pgconn.needs_password:
        return DataError(f"{begin}the server asks for a password.", "Set password_file.")
    text = str(cause)
    for sign, (sentence, hint) in _REFUSALS.items():
        if sign in text:
            return DataError(f"{begin}{sentence}.", hint)
    # It does not log in, so it tells apart who is not there from who refuses, in any language.
    answer = psycopg.pq.PGconn.ping(make_conninfo(**{**arguments, "password": None}).encode())
    if answer == psycopg.pq.Ping.OK:
        return DataError(f"{begin}the server refuses.", "Its log tells why. Check user, password and database.")
    if answer == psycopg.pq.Ping.REJECT:
        return DataError(f"{begin}the server is starting up or shutting down.", "Try again later.")
    return DataError(f"{begin}the server cannot be reached.", "Check host and port in the URL, and that it runs.")


_LOST = ("08", "57P")
_STATES: Mapping[str, tuple[str, str]] = {
    "42P01": ("{what} is not there", "Check the name, with its schema before it if it has one of its own."),
    "3F000": ("{what} is in a schema that is not there", "Check the name."),
    "0A000": ("{what} does what the server has no place for", "Use one SELECT that only reads."),
    "42501": (
        "the user has no permission for {what}",
        "A node needs GRANT SELECT, and USAGE on the schema; a load needs the role that owns the tables.",
    ),
    "25006": ("{what} would write, and a node only reads", "Use one SELECT."),
    "55P03": ("{what} is locked by somebody else", "Try again later."),
    "57014": ("{what} took too long, or was cancelled at the server", "Make it faster, or read a table."),
    "40001": ("the server broke off to catch up with its primary", "Try again."),
    "2BP01": ("something else in the database, such as a view, is built on {what}", "Drop that first."),
    "42601": ("{what} is not valid SQL", "Try it in psql: one SELECT, without a semicolon."),
}
_CLASSES: Mapping[str, tuple[str, str]] = {
    "22": ("{what} computes with a value that does not allow it", "Try it in psql."),
    "53": ("the server is out of memory, disk or connections", "Try again later."),
    "42": ("{what} is not accepted by the server", "Try it in psql."),
}


def not_done(cause: Exception, who: str, what: str) -> DataError:
    """Return the error for a statement that failed.

    Args:
        cause: what psycopg raised.
        who: first words of the sentence.
        what: table or query that it is about, by the config's words.
    """
    import psycopg

    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if isinstance(cause, psycopg.OperationalError) and (state is None or state.startswith(_LOST)):
        return DataError(
            f"{who}: the connection broke off while {what} was used; nothing of it is kept.",
            "Check the network and the server, and try again.",
        )
    known = _STATES.get(state or "") or _CLASSES.get((state or "")[:2])
    sentence, hint = known or ("the database cannot work with {what}", "The server's log tells why.")
    return DataError(f"{who}: {sentence.format(what=what)}.", hint)
