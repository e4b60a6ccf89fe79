"""The server of docker-compose.yml: who gets in, and what they may do."""

from __future__ import annotations

import subprocess

import psycopg
import pytest
from support.postgres import SECRET, Server, postgres

pytestmark = pytest.mark.postgres


def connect(server: Server, user: str, database: str, password: str = "") -> psycopg.Connection[tuple[object, ...]]:
    password = password or server.password_file(user).read_text().removesuffix("\n")
    return psycopg.connect(
        host="127.0.0.1", port=server.port, user=user, dbname=database, password=password, connect_timeout=5
    )


@pytest.mark.parametrize("user", ["cjib", "cjib_reader"])
@pytest.mark.parametrize("database", ["belastingdienst", "gemeente_a", "postgres", "template1"])
def test_nobody_gets_into_another_database(server: Server, user: str, database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
        connect(server, user, database)


def test_nobody_is_superuser_over_the_network(server: Server) -> None:
    for database in ("postgres", "cjib"):
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
            connect(server, "postgres", database, "postgres")
    assert server.admin("SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper") == "postgres"
    stored = server.admin("SELECT DISTINCT left(rolpassword, 14) FROM pg_authid WHERE rolcanlogin AND NOT rolsuper")
    assert stored == "SCRAM-SHA-256$"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO rows VALUES ('x')",
        "UPDATE rows SET bsn = 'x'",
        "DELETE FROM rows",
        "TRUNCATE rows",
        "DROP TABLE rows",
        "ALTER TABLE rows ADD y text",
        "CREATE TABLE mine (x text)",
        "CREATE TEMPORARY TABLE mine (x text)",
        "CREATE SCHEMA mine",
        "SET ROLE cjib",
        "SET SESSION AUTHORIZATION postgres",
        "SELECT * FROM pg_authid",
        "COPY rows TO '/tmp/rows'",
        "COPY rows TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "CREATE ROLE other",
        "CREATE DATABASE other",
        "CREATE EXTENSION dblink",
        "SELECT lo_create(0)",
        "SELECT lo_creat(-1)",
        "SELECT lo_from_bytea(0, 'x')",
    ],
)
def test_the_reader_reads_and_does_nothing_else(server: Server, statement: str) -> None:
    server.owner("cjib", "CREATE TABLE rows (bsn text)")
    with connect(server, "cjib_reader", "cjib") as connection:
        connection.autocommit = True
        assert connection.execute("SELECT count(*) FROM rows").fetchone() == (0,)
        # Its own default does not hold it back: the grants must.
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.Error):
            connection.execute(statement.encode())


def test_the_owner_is_no_more_than_an_owner(server: Server) -> None:
    with connect(server, "cjib", "cjib") as connection:
        connection.autocommit = True
        connection.execute("CREATE TABLE mine (x text)")
        for statement in ("CREATE ROLE other", "CREATE DATABASE other", "SELECT * FROM pg_authid", "SET ROLE postgres"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_passwords_and_bodies_are_taken_over_at_each_start() -> None:
    first = {"cjib": f"{SECRET}-1", "cjib_reader": f"{SECRET}-2"}
    with postgres(first) as server:
        server.owner("cjib", "CREATE TABLE rows (bsn text); INSERT INTO rows VALUES ('x')")
        server.stop()
        server.write_passwords(
            {"cjib": f"{SECRET}-1", "cjib_reader": f"{SECRET}-3", "svb": f"{SECRET}-4", "svb_reader": f"{SECRET}-5"}
        )
        server.start()
        with connect(server, "cjib_reader", "cjib") as connection:
            assert connection.execute("SELECT count(*) FROM rows").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(server, "cjib_reader", "cjib", f"{SECRET}-2")
        connect(server, "svb_reader", "svb").close()
        # A body whose passwords went: its rows stay, and nobody gets at them.
        server.stop()
        server.write_passwords({"svb": f"{SECRET}-4", "svb_reader": f"{SECRET}-5"})
        server.start()
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
            connect(server, "cjib_reader", "cjib", f"{SECRET}-3")
        # Half a pair, and none.
        server.stop()
        for passwords, said in (({"svb_reader": "x"}, "each body needs two passwords"), ({}, "no body has passwords")):
            server.write_passwords(passwords)
            done = subprocess.run(
                server.command(), env=server.environment(), capture_output=True, text=True, check=False, cwd="/"
            )
            assert done.returncode == 1
            assert said in done.stderr
        # A first start that was broken off.
        data = server.folder / "data"
        (data / "cluster").rename(data / "cluster.new")
        server.write_passwords(first)
        server.start()
        assert server.admin("SELECT count(*) FROM pg_class WHERE relname = 'rows'", "cjib") == "0"
        assert SECRET not in server.log.read_text()
