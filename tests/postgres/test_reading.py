"""Datasets in PostgreSQL: what is read."""

# ruff: noqa: S608 - the values are made here
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.postgres import WAITS_FOR_A_LOCK, Server
from support.postgres_rows import DAY, NUMBERS, A, B, C, D, E, refused, spec, table
from support.sets import numbers

from psi_match.domain.bsn import format_bsn
from psi_match.domain.dataset import DatasetSpec
from psi_match.node import postgresql_source
from psi_match.node.sources import load, read_batches

pytestmark = pytest.mark.postgres


def test_rows_of_all_types_are_read(server: Server) -> None:
    source = table(
        server,
        "bsn char(9), open numeric(12, 2), months smallint, sent boolean, since date, moment timestamp, code text,"
        " partner varchar, noise bytea",
        f"('{A}', 12.30, 5, true, '2020-02-29', '2021-12-31 23:59:59', 'a, \"b\"\nc', NULL, '')",
        f"('{B}', 1234, -5, false, '1900-02-28', '2021-01-01', 'é €', '{D}', '')",
        f"('{C}', 0.01, 0, true, '1999-12-31', '2021-01-01', '\\.', '', '')",
    )
    declared = spec(
        open="euros", months="integer", sent="boolean", since="date", moment="date", code="text", partner="bsn"
    )
    found = load(declared, source)
    assert format_bsn(found.bsn).tolist() == [A, B, C]
    assert found.columns["open"].tolist() == [1230, 123400, 1]
    assert found.columns["months"].tolist() == [5, -5, 0]
    assert found.columns["sent"].tolist() == [True, False, True]
    assert found.columns["since"].astype(str).tolist() == ["2020-02-29", "1900-02-28", "1999-12-31"]
    assert found.columns["moment"].astype(str).tolist() == ["2021-12-31", "2021-01-01", "2021-01-01"]
    assert found.columns["code"].tolist() == ['a, "b"\nc', "é €", "\\."]
    assert found.columns["partner"][1] == NUMBERS[3]


def test_amounts_never_lose_their_point(server: Server) -> None:
    """As text 1.234 would be one thousand two hundred thirty-four euros."""
    source = table(
        server,
        "bsn text, x numeric",
        *(f"('{bsn}', {x})" for bsn, x in zip((A, B, C, D, E), ("1.5", "2.500", "3", "1.234", "'NaN'"), strict=True)),
    )
    assert "column x does not fit its type in rows 4, 5" in refused(source, spec(x="euros"))
    assert "in rows 1, 2, 4, 5" in refused(source, spec(x="cents"))
    server.owner("cjib", "DELETE FROM rows WHERE x NOT IN (1.5, 2.5, 3)")
    assert load(spec(x="euros"), source).columns["x"].tolist() == [150, 250, 300]
    server.owner("cjib", "ALTER TABLE rows ALTER x TYPE numeric(9, 3)")
    assert "which cannot be read as euros" in refused(source, spec(x="euros"))
    server.owner("cjib", "ALTER TABLE rows ALTER x TYPE double precision")
    assert "has type double" in refused(source, spec(x="euros"))


def test_cells_that_fit_no_type_are_told_by_their_row(server: Server) -> None:
    rows = [f"('{A}', '2020-01-01')", "(NULL, '2020-01-01')", f"('{B}', 'infinity')", f"('{C}', '0044-03-15 BC')"]
    source = table(server, "bsn text, x date", *rows, f"('{D}', '10000-01-01')", f"('{E}', NULL)")
    said = refused(source, spec(x="date"))
    assert "the BSN is empty in row 2" in said
    assert "does not fit its type in rows 3, 4, 5" in said
    alone = server.source(query="SELECT bsn FROM rows")
    assert "the BSN is empty in row 2" in refused(alone)


def test_an_empty_table_is_an_empty_dataset(server: Server) -> None:
    assert load(spec(x="cents"), table(server, "bsn text, x bigint")).rows == 0
    assert "holds whole numbers" in refused(server.source(query="SELECT 1 AS bsn WHERE false"))


def test_queries_views_schemas_and_odd_names(server: Server) -> None:
    server.owner("cjib", f"CREATE TABLE rows (\"het BSN\" text, \"50%\" text); INSERT INTO rows VALUES ('{A}', ':x')")
    server.owner("cjib", 'CREATE VIEW "Open posten" AS SELECT "het BSN" AS bsn, "50%" AS x FROM rows')
    assert load(spec(x="text"), server.source(table="Open posten")).columns["x"].tolist() == [":x"]
    assert load(spec(), server.source(table="public.Open posten")).rows == 1
    odd = DatasetSpec.model_validate(
        {"name": "a", "bsn": "synthetic", "bsn_column": "het BSN", "reference_date": DAY}
        | {"columns": [{"name": "x", "source": "50%", "type": "text"}]}
    )
    assert load(odd, server.source(table="rows")).rows == 1
    query = "SELECT x, bsn FROM \"Open posten\" WHERE x LIKE '%:x' AND '10:30' <> '50%s' ; "
    assert load(spec(x="text"), server.source(query=query)).rows == 1
    assert load(spec(), server.source(query='SELECT bsn FROM "Open posten" -- why')).rows == 1
    assert "is not there" in refused(server.source(table='rows"; DROP TABLE rows; --'))


def test_strings_of_other_kinds(server: Server) -> None:
    server.owner("cjib", "DROP TYPE IF EXISTS colour, nine CASCADE; CREATE TYPE colour AS ENUM ('red')")
    server.owner("cjib", "CREATE DOMAIN nine AS text CHECK (VALUE ~ '^[0-9]{9}$')")
    source = table(server, "bsn nine, x colour", f"('{A}', 'red')")
    assert load(spec(x="text"), source).columns["x"].tolist() == ["red"]


@pytest.mark.parametrize("kind", ["timestamptz", "bytea", "text[]", "interval", "money", "json"])
def test_columns_of_types_that_are_none_of_ours_are_refused(server: Server, kind: str) -> None:
    source = table(server, f"bsn text, x {kind}")
    said = refused(source, spec(x="text"))
    assert "column x has type" in said
    assert "which cannot be read" in said


def test_rows_come_in_blocks(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_source, "_BLOCK_BYTES", 1000)
    drawn = numbers(1000)
    source = table(server, "bsn char(9)", *(f"('{bsn}')" for bsn in format_bsn(drawn)))
    assert max(map(len, read_batches(spec(), source))) == 100
    found = load(spec(), source)
    assert found.bsn.tolist() == drawn.tolist()


def test_only_the_columns_that_may_be_read_are_asked_for(server: Server) -> None:
    source = table(server, "bsn text, x text, secret text", f"('{A}', 'a', 'b')")
    server.owner("cjib", "REVOKE ALL ON rows FROM cjib_reader; GRANT SELECT (bsn, x) ON rows TO cjib_reader")
    assert load(spec(x="text"), source).rows == 1
    assert "the user has no permission for table rows" in refused(source, spec(secret="text"))


def test_a_reload_that_is_waited_for_is_seen_whole(server: Server) -> None:
    """The snapshot is taken after the wait: one from before a TRUNCATE would show an empty table."""
    source = table(server, "bsn text", f"('{A}')", f"('{B}')")
    with ThreadPoolExecutor(1) as pool:
        with server.connect("cjib") as owner:
            owner.execute(f"TRUNCATE rows; INSERT INTO rows VALUES ('{C}'), ('{D}'), ('{E}')".encode())
            found = pool.submit(load, spec(), source)
            server.wait_for(WAITS_FOR_A_LOCK)
        assert format_bsn(found.result().bsn).tolist() == [C, D, E]
