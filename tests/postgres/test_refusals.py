"""Datasets in PostgreSQL: what is refused in which words, and what a lost connection leaves behind."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest
from support.postgres import SECRET, Server
from support.postgres_rows import NUMBERS, A, refused, spec, table

from psi_match.base.errors import DataError
from psi_match.domain.dataset import Dataset
from psi_match.node import postgresql_source
from psi_match.node.config import DatasetConfig
from psi_match.node.database import connect_postgresql, database_url
from psi_match.node.dataset_cache import DatasetCache
from psi_match.node.local_nodes import free_ports
from psi_match.node.sources import SqlSource, load, read_batches

pytestmark = pytest.mark.postgres


def test_without_a_driver(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DataError) as raised:
        load(spec(), server.source(table="rows"))
    assert "psycopg) is not installed" in str(raised.value)
    assert "pip install 'psi-match[postgresql]'" in raised.value.hint


def at(server: Server, url: str, /, **more: Any) -> SqlSource:
    given = {"kind": "sql", "url": url, "password_file": server.password_file("cjib_reader"), "table": "rows"}
    return SqlSource.model_validate(given | more)


def test_a_server_that_is_not_there(server: Server) -> None:
    (port,) = free_ports(1)
    assert "the server cannot be reached" in refused(at(server, f"postgresql+psycopg://cjib@127.0.0.1:{port}/cjib"))


def test_a_server_that_says_nothing(server: Server) -> None:
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://cjib@127.0.0.1:{silent.getsockname()[1]}/cjib?connect_timeout=2"
        assert "the server cannot be reached" in refused(at(server, url))
    assert time.monotonic() - began < 10


def test_a_lost_network_is_noticed(server: Server) -> None:
    """No traffic tells of a cable that is cut: the kernel must ask, and soon."""
    login = server.login("cjib_reader")
    with connect_postgresql(database_url(login, "Test"), "Test") as connection:
        found = socket.socket(fileno=os.dup(connection.pgconn.socket))
        with found:
            assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            asked = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT]
            idle, every, times = (found.getsockopt(socket.IPPROTO_TCP, option) for option in asked)
            assert idle + every * times <= 30
            assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
    mine = database_url(server.login("cjib_reader", keepalives_idle="60"), "Test")
    with (
        connect_postgresql(mine, "Test") as connection,
        socket.socket(fileno=os.dup(connection.pgconn.socket)) as found,
    ):
        assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


def test_a_url_with_an_unknown_part(server: Server) -> None:
    assert "a part that is not known" in refused(at(server, server.url("cjib_reader", geheim="geheim")))


def test_a_server_without_the_tls_that_is_asked_for(server: Server) -> None:
    assert "no TLS connection" in refused(at(server, server.url("cjib_reader", sslmode="require")))


@pytest.mark.parametrize(
    ("user", "database", "rule", "before", "after", "said"),
    [
        ("cjib", "cjib", "", "", "", "user or password is wrong"),
        ("nobody", "cjib", "host cjib nobody all scram-sha-256", "", "", "user or password is wrong"),
        ("nobody", "cjib", "host cjib nobody all trust", "", "", "no such user"),
        ("nobody", "cjib", "", "", "", "does not let this user into this database"),
        ("cjib_reader", "absent", "", "", "", "does not let this user into this database"),
        ("cjib_reader", "absent", "host absent all all scram-sha-256", "", "", "no such database"),
        ("cjib_reader", "gemeente_a", "host gemeente_a all all trust", "", "", "may not connect to this database"),
        ("cjib_reader", "cjib", "", "ROLE cjib_reader NOLOGIN", "ROLE cjib_reader LOGIN", "may not log in"),
        (
            *("cjib_reader", "cjib", "", "ROLE cjib_reader CONNECTION LIMIT 0", "ROLE cjib_reader CONNECTION LIMIT 20"),
            "too many connections",
        ),
    ],
)
def test_logins_that_fail(
    server: Server, user: str, database: str, rule: str, before: str, after: str, said: str
) -> None:
    rules = server.folder / "data" / "cluster" / "pg_hba.conf"
    text = rules.read_text()
    try:
        rules.write_text(f"{rule}\n{text}")
        server.admin(f"ALTER {before}" if before else "SELECT 1")
        server.admin("SELECT pg_reload_conf()")
        # The reload is a signal: a login tells when it is through.
        deadline = time.monotonic() + 60
        while (found := refused(at(server, server.url(user, database)))) and said not in found:
            assert time.monotonic() < deadline, found
    finally:
        rules.write_text(text)
        server.admin(f"ALTER {after}" if after else "SELECT 1")
        server.admin("SELECT pg_reload_conf()")


def test_a_password_that_is_not_given(server: Server) -> None:
    assert "asks for a password" in refused(at(server, server.url("cjib_reader"), password_file=None))


def test_passwords_in_files(server: Server, tmp_path: Any) -> None:
    table(server, "bsn text", f"('{A}')")
    password = server.password_file("cjib_reader").read_text().strip()
    path = tmp_path / "password"
    for content in (password, f"{password}\n", f"{password}\r\n"):
        path.write_text(content, newline="")
        assert load(spec(), at(server, server.url("cjib_reader"), password_file=path)).rows == 1
    for content in ("", "\n", f"{password}\n\n", f"{password}\nmore", "a\0b"):
        path.write_text(content)
        assert "does not hold one line" in refused(at(server, server.url("cjib_reader"), password_file=path))
    whole = tmp_path / "url"
    whole.write_text(server.url("cjib_reader").replace("@", f":{password}@") + "\n")
    assert load(spec(), at(server, "", url=None, url_file=whole, password_file=None)).rows == 1
    assert "a password in the URL too" in refused(at(server, "", url=None, url_file=whole, password_file=path))
    path.unlink()
    assert "password_file cannot be read: No such file" in refused(
        at(server, server.url("cjib_reader"), password_file=path)
    )


def test_tables_and_columns_that_are_not_there(server: Server) -> None:
    assert "table rows is not there" in refused(server.source(table="rows"))
    assert "table absent.rows is in a schema that is not there" in refused(server.source(table="absent.rows"))
    source = table(server, "nummer text, x text")
    assert "no column named bsn; it has nummer, x." in refused(source)
    assert "no column named bsn; it has nummer." in refused(server.source(query="SELECT nummer FROM rows"))
    assert "has column bsn more than once" in refused(server.source(query="SELECT nummer bsn, x bsn FROM rows"))


def test_what_may_not_be_read(server: Server) -> None:
    source = table(server, "bsn text", f"('{A}')")
    server.owner("cjib", "REVOKE SELECT ON rows FROM cjib_reader")
    assert "the user has no permission for table rows" in refused(source)
    assert "the user has no permission for the query" in refused(server.source(query="SELECT bsn FROM rows"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT bsn FROM", "is not valid SQL"),
        ("SELECT bsn FROM rows; DELETE FROM rows", "is not valid SQL"),
        ("DELETE FROM rows RETURNING bsn", "is not valid SQL"),
        ("WITH gone AS (DELETE FROM rows RETURNING bsn) SELECT bsn FROM gone", "has no place for"),
        ("SELECT bsn, absent(bsn) FROM rows", "is not accepted"),
        ("SELECT write(bsn) AS bsn FROM rows", "would write, and a node only reads"),
        ("SELECT bsn, 1 / (x - x) FROM rows", "computes with a value"),
        ("SELECT (1 / (x - x))::text AS bsn FROM rows", "computes with a value"),
    ],
)
def test_queries_that_fail_or_would_write(server: Server, query: str, said: str) -> None:
    table(server, "bsn text, x int", f"('{A}', 1)")
    server.owner(
        "cjib",
        "CREATE OR REPLACE FUNCTION write(n text) RETURNS text LANGUAGE sql"
        " AS 'INSERT INTO rows VALUES (n) RETURNING n'",
    )
    found = server.source("cjib", query=query)
    if "1 / (x - x) FROM" in query:
        # A column that is not needed is not computed either.
        assert load(spec(), found).rows == 1
    else:
        assert said in refused(found)
    assert server.owner("cjib", "SELECT count(*) FROM rows") == "1"


def test_a_query_that_takes_too_long_or_waits_for_a_lock(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    source = table(server, "bsn text", f"('{A}')")
    monkeypatch.setattr(postgresql_source, "_SETTINGS", "SET LOCAL statement_timeout = '300ms'")
    assert "took too long" in refused(server.source(query="SELECT bsn FROM rows WHERE pg_sleep(60) IS NOT NULL"))
    monkeypatch.setattr(postgresql_source, "_SETTINGS", "SET LOCAL lock_timeout = '100ms'")
    with server.connect("cjib") as owner:
        owner.execute("LOCK TABLE rows")
        assert "is locked by somebody else" in refused(source)
    assert load(spec(), source).rows == 1


def big_table(server: Server) -> SqlSource:
    """More than any buffer between server and node holds."""
    server.owner(
        "cjib",
        "CREATE TABLE rows AS SELECT lpad(i::text, 9) AS bsn, repeat('x', 90) AS x FROM generate_series(1, 300000) i",
    )
    return server.source(table="rows")


READERS = "FROM pg_stat_activity WHERE usename = 'cjib_reader'"


def test_a_connection_that_is_lost_halfway(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("psycopg", "sqlalchemy"):
        caplog.set_level(logging.DEBUG, logger=name)
    batches = read_batches(spec(x="text"), big_table(server))
    assert sum(len(next(batches)) for _ in range(2)) > 0
    assert server.admin(f"SELECT count(pg_terminate_backend(pid)) {READERS}") == "1"
    with pytest.raises(DataError, match="the connection broke off while table rows was used") as raised:
        list(batches)
    assert raised.value.__context__ is None
    assert SECRET not in caplog.text
    assert "terminat" not in caplog.text


def test_a_lost_connection_leaves_nothing_in_the_cache(server: Server) -> None:
    table(server, "bsn text", f"('{A}')")
    server.owner("cjib", "CREATE TABLE slowness AS SELECT 60 AS seconds")
    source = server.source(query="SELECT bsn FROM rows, pg_sleep((SELECT seconds FROM slowness))")
    config = DatasetConfig.model_validate(spec().model_dump() | {"source": source, "preload": True})
    cache = DatasetCache()
    found: list[Dataset | DataError] = []

    def get() -> None:
        try:
            found.append(cache.get(config))
        except DataError as error:
            found.append(error)

    reader = threading.Thread(target=get)
    reader.start()
    server.wait_for(f"SELECT count(*) = 1 {READERS} AND query LIKE 'COPY%' AND wait_event = 'PgSleep'")
    server.admin(f"SELECT pg_terminate_backend(pid) {READERS}")
    reader.join(60)
    assert isinstance(found[0], DataError)
    assert cache._kept == {}
    server.owner("cjib", "UPDATE slowness SET seconds = 0")
    assert cache.get(config).rows == 1


def test_a_reader_that_stops_early_hangs_up_at_once(server: Server) -> None:
    big_table(server)
    # Whoever reads on to the end waits for it.
    query = "SELECT bsn, x FROM rows UNION ALL SELECT '' AS bsn, '' AS x FROM pg_sleep(120)"
    batches = read_batches(spec(x="text"), server.source(query=query))
    next(batches)
    next(batches)
    began = time.monotonic()
    batches.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 60
    server.wait_for(f"SELECT count(*) = 0 {READERS}")


def test_the_transaction_reads_one_moment_and_writes_nothing(server: Server) -> None:
    table(server, "bsn text", f"('{A}')")
    query = "SELECT bsn FROM rows WHERE current_setting('transaction_isolation') = '{}' AND {}"
    read_only = "current_setting('transaction_read_only') = 'on'"
    assert load(spec(), server.source("cjib", query=query.format("repeatable read", read_only))).rows == 1
    assert load(spec(), server.source("cjib", query=query.format("read committed", read_only))).rows == 0


def test_no_row_and_no_password_in_the_log(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "psycopg", "psycopg.pq", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool"):
        caplog.set_level(logging.DEBUG, logger=name)
    source = table(server, "bsn text", f"('{A}')")
    assert load(spec(), source).rows == 1
    refused(at(server, server.url("cjib")))
    assert A not in caplog.text
    assert SECRET not in caplog.text + server.log.read_text()
    assert SECRET not in repr(source) + source.model_dump_json()
    assert np.array_equal(load(spec(), source).bsn, NUMBERS[:1])
