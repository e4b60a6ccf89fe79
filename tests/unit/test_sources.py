"""Sources byte by byte: what CSV files look like when they go wrong, and what databases and libraries must not tell.

What a body's file goes through from end to end is in test_datasets.py.
"""

from __future__ import annotations

import datetime
import logging
import os
import sqlite3
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from psi_match.base.errors import DataError
from psi_match.domain.bsn import BsnKind, format_bsn, is_of_kind
from psi_match.domain.dataset import Dataset, DatasetSpec
from psi_match.node import csv_source, sql_source
from psi_match.node.sources import (
    CsvSource,
    ParquetSource,
    SourceConfig,
    SqlSource,
    fingerprint,
    load,
    read_batches,
)

DAY = datetime.date(2026, 1, 31)
_RANGE = np.arange(999_900_000, 10**9, dtype=np.uint32)
NUMBERS = _RANGE[is_of_kind(_RANGE, BsnKind.TEST)]
A, B, C, D = format_bsn(NUMBERS[:4]).tolist()
SECRET = "geheim"


def spec(**changes: Any) -> DatasetSpec:
    return DatasetSpec.model_validate({"name": "arrears", "bsn": "test", "reference_date": DAY} | changes)


WITH_TEXT = spec(columns=({"name": "x", "type": "text"},))


def read(folder: Path, content: str | bytes, declared: DatasetSpec | None = None, **source: Any) -> Dataset:
    path = folder / "export.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load(declared or spec(), CsvSource(kind="csv", path=path, **source))


def refused(source: SourceConfig, declared: DatasetSpec | None = None) -> str:
    """Load what must be refused; return the sentence after a look for planted values in all that can be shown."""
    with pytest.raises(DataError) as raised:
        load(declared or spec(), source)
    error = raised.value
    assert error.__context__ is None, "a library's error travels along"
    assert error.__cause__ is None
    shown = "".join([str(error), repr(error), error.hint, *traceback.format_exception(error)])
    assert not [value for value in (A, B, C, D, SECRET) if value in shown]
    assert error.hint
    return str(error)


def refused_csv(folder: Path, content: str | bytes, declared: DatasetSpec | None = None, **source: Any) -> str:
    path = folder / "export.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return refused(CsvSource(kind="csv", path=path, **source), declared)


# CSV: what is read


@pytest.mark.parametrize(
    "content",
    [
        f"bsn;x\n{A};1\n{B};2\n",
        f"bsn;x\n{A};1\n{B};2",
        f"bsn;x\r\n{A};1\r\n{B};2\r\n",
        f"bsn;x\r{A};1\r{B};2\r",
        f"\ufeffbsn;x\n{A};1\n{B};2\n",
        f"\ufeff\r\n\r\nbsn;x\r\n\r\n{A};1\r\n\r\n{B};2\r\n\r\n",
        f'"bsn";"x"\n"{A}";"1"\n"{B}";"2"\n',
        f'\ufeff"bsn";"x"\n"{A}";"1"\n"{B}";"2"\n',
        f"y;x; bsn ;\n;1;{A};\n;2;{B};\n",
        f'"y;,|";x;bsn\n"a;""b""\n\n";1;{A}\n"";2;{B}\n',
        f"bsn,x,y,y\n{A},1,,\n{B},2,,\n",
        f"bsn\tx\n {A} \t1\n\u00a0{B}\t2\n",
    ],
)
def test_exports_of_all_kinds_hold_the_same_rows(tmp_path: Path, content: str) -> None:
    dataset = read(tmp_path, content, WITH_TEXT)
    assert format_bsn(dataset.bsn).tolist() == [A, B]
    assert dataset.columns["x"].tolist() == ["1", "2"]


def test_the_header_alone_decides_on_the_delimiter(tmp_path: Path) -> None:
    assert read(tmp_path, f"bsn;x\n{A};a,b,c,d,e\n", WITH_TEXT).columns["x"].tolist() == ["a,b,c,d,e"]
    assert "no column named bsn; it has bsn;x." in refused_csv(tmp_path, f"bsn;x\n{A};1\n", delimiter=",")
    assert (
        read(tmp_path, f"bsn,a;x;y\n{A},b;1;2\n", spec(bsn_column="bsn,a", on_invalid="drop"), delimiter=";").rows == 0
    )


def test_leading_zeros_stay(tmp_path: Path) -> None:
    assert read(tmp_path, f"bsn;x\n{A};007\n", WITH_TEXT).columns["x"].tolist() == ["007"]


def test_blank_lines_do_not_count_as_rows(tmp_path: Path) -> None:
    assert "in row 3" in refused_csv(tmp_path, f"\nbsn;x\n\n{A};1\n\n\n{B};2\n\n{SECRET};3\n")
    assert "at row 3" in refused_csv(tmp_path, f"\nbsn;x\n\n{A};1\n\n\n{B};2\n\n{C}\n")


def test_nothing_after_the_header_is_an_empty_dataset(tmp_path: Path) -> None:
    for content in ("bsn;x", "bsn;x\r\n", "bsn;x\n\n \n", "\ufeffbsn;x\n"):
        assert read(tmp_path, content, WITH_TEXT).rows == 0
    for content in ("", "\n\n", "\ufeff", " \r\n"):
        assert "is empty: it has no header line" in refused_csv(tmp_path, content)


# CSV: what is refused


def test_a_file_without_a_header_line_does_not_tell_its_first_row(tmp_path: Path) -> None:
    for content in (f"{A};{SECRET}\n{B};1\n", f"{A}\n", f'"{A}";"{SECRET}"', f"{SECRET} {A},5\n"):
        assert "looks like a value" in refused_csv(tmp_path, content)


@pytest.mark.parametrize("rows", [1, 200_000])
def test_an_open_quote_does_not_swallow_the_rows_after_it(tmp_path: Path, rows: int) -> None:
    tail = f"{B};2\n" * rows
    assert "quote that is opened and never closed" in refused_csv(tmp_path, f'bsn;x\n{A};"1\n{tail}')
    # Closed by the opening quote of a later row, with the right number of cells: Arrow reads one row of four.
    assert "out of place" in refused_csv(tmp_path, f'bsn;x\n{A};"1\n{tail}{C};"{SECRET}"\n')
    assert "open quote in its header" in refused_csv(tmp_path, f'bsn;"x\n{tail}')


def test_a_misplaced_quote_is_found_at_its_line(tmp_path: Path) -> None:
    assert "line 4 of" in refused_csv(tmp_path, f'\nbsn;x\n{A};1\n{B};5" {SECRET} "\n')
    assert "line 3 of" in refused_csv(tmp_path, f'bsn;x\r\n{A};1\r\n{B};"5" {SECRET}\r\n')
    assert "line 3 of" in refused_csv(tmp_path, f'bsn;x\r{A};1\r{B};"5" {SECRET}\r')


@given(
    st.lists(st.lists(st.text(st.sampled_from('a";\r\n é'), max_size=5), min_size=2, max_size=2), max_size=6),
    st.integers(1, 9),
)
def test_quotes_and_bytes_are_right_in_whatever_blocks_they_come(cells: list[list[str]], block_bytes: int) -> None:
    """All files that quote by the rules pass; each of their quotes, when it is lost, is missed."""
    rows = "".join(";".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) + "\n" for row in cells)
    content = f"bsn;x\n{rows}".encode()
    assert checked(content, block_bytes) == (bool(cells))
    for at in range(6, len(content)):
        if content[at] == ord('"'):
            with pytest.raises(DataError):
                checked(content[:at] + content[at + 1 :], block_bytes)


def checked(content: bytes, block_bytes: int) -> bool:
    """Run the check of a file's bytes in blocks of a few bytes."""
    before = csv_source._BLOCK_BYTES
    descriptor = os.memfd_create("export.csv")
    try:
        os.write(descriptor, content)
        source = CsvSource(kind="csv", path=Path(f"/proc/self/fd/{descriptor}"))
        header = csv_source._header(source)
        assert header is not None
        csv_source._BLOCK_BYTES = block_bytes
        return csv_source._check_bytes(source, header)
    finally:
        csv_source._BLOCK_BYTES = before
        os.close(descriptor)


@pytest.mark.parametrize("block_bytes", range(1, 12))
@pytest.mark.parametrize("row", ['1;a"b"', '1;"a"b;""c"', '1; "a"', 'a"";1', '"a" ;1'])
def test_quotes_in_pairs_can_be_out_of_place_too(row: str, block_bytes: int) -> None:
    with pytest.raises(DataError, match="line 2"):
        checked(f"bsn;x\n{row}\n".encode(), block_bytes)


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 7, 64])
def test_wrong_bytes_are_found_at_their_offset(block_bytes: int) -> None:
    good = "bsn;x\nüü;é\n".encode()
    assert checked(good, block_bytes)
    for bad in (b"\xff;1\n", b"\xc3;1\n", b"\xe2\x82"):
        with pytest.raises(DataError, match=f"byte at offset {len(good)} is not utf-8 text"):
            checked(good + bad, block_bytes)


def test_files_in_another_encoding_are_refused(tmp_path: Path) -> None:
    rows = f"bsn;x\n{A};Súdwest {SECRET}\n"
    assert "offset 17 is not utf-8 text" in refused_csv(tmp_path, rows.encode("windows-1252"))
    assert "header line is not utf-8" in refused_csv(tmp_path, rows.encode("utf-16"))
    wrong = rows.encode("windows-1252").replace("ú".encode("windows-1252"), b"\x81")
    assert "not windows-1252 text" in refused_csv(tmp_path, wrong, encoding="windows-1252")
    assert read(tmp_path, rows.encode("windows-1252"), encoding="windows-1252").rows == 1


@pytest.mark.parametrize("before", [0, 100_000])
@pytest.mark.parametrize("row", [f"{B}", f"{B};{SECRET};{SECRET}", " "])
def test_a_ragged_row_is_refused_by_its_number(tmp_path: Path, before: int, row: str) -> None:
    content = "bsn;x\n" + f"{A};1\n" * before + f"{row}\n{C};2\n"
    assert f"at row {before + 1}: it has another number of cells" in refused_csv(tmp_path, content)


def test_a_cell_longer_than_a_block_is_refused(tmp_path: Path) -> None:
    assert "not a readable CSV" in refused_csv(tmp_path, f'bsn;x\n{A};"{SECRET * (1 << 19)}"\n{B};1\n')


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    assert "has column bsn more than once" in refused_csv(tmp_path, f"bsn;bsn\n{A};{B}\n")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_paths_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    adapter: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
    for path, said in (
        (tmp_path / "absent", "No such file"),
        (tmp_path, "Is a directory"),
        (Path("/proc/self/mem"), ""),
    ):
        text = refused(adapter.validate_python({"kind": kind, "path": path}))
        assert text.startswith(f"Cannot read {path}")
        assert said in text
        assert text.count(str(path)) == 1


# Parquet


def parquet(folder: Path, **columns: Any) -> ParquetSource:
    pq.write_table(pa.table(columns), folder / "rows.parquet", row_group_size=2)
    return ParquetSource(kind="parquet", path=folder / "rows.parquet")


def test_parquet_in_several_groups(tmp_path: Path) -> None:
    source = parquet(tmp_path, x=pa.array(["a", None, "a"]), y=pa.array([1.5, 2, 3]), bsn=pa.array([A, B, C]))
    assert load(spec(), source).bsn.tolist() == NUMBERS[:3].tolist()
    assert "column x does not fit its type in row 2" in refused(source, WITH_TEXT)


def test_parquet_with_other_columns(tmp_path: Path) -> None:
    assert "no column named bsn; it has nummer" in refused(parquet(tmp_path, nummer=pa.array([A])))
    assert "holds whole numbers" in refused(parquet(tmp_path, bsn=pa.array([int(A)])))
    assert "has type double" in refused(parquet(tmp_path, bsn=pa.array([float(A), None])), spec(bsn_type="integer"))


def test_parquet_with_a_damaged_page(tmp_path: Path) -> None:
    source = parquet(tmp_path, bsn=pa.array([A, B, C]))
    content = source.path.read_bytes()
    source.path.write_bytes(content[:8] + bytes(24) + content[32:])
    assert "is damaged" in refused(source)


# Databases


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "body.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE "Open posten" ("het BSN" TEXT, bsn TEXT, x TEXT)')
        rows = [(A, A, "1"), (B, B, ":x"), (C, C, None)]
        connection.executemany('INSERT INTO "Open posten" VALUES (?, ?, ?)', rows)
        connection.execute('CREATE VIEW twice AS SELECT bsn, x FROM "Open posten" UNION ALL SELECT 999900006, 1')
    connection.close()
    return f"sqlite:///{path}"


def sql(url: str, **source: str) -> SqlSource:
    return SqlSource.model_validate({"kind": "sql", "url": url} | source)


def test_names_are_quoted_and_nothing_is_an_empty_cell(database: str) -> None:
    assert load(spec(bsn_column="het BSN"), sql(database, table="Open posten")).rows == 3
    assert "column x does not fit its type in row 3" in refused(sql(database, table="Open posten"), WITH_TEXT)
    assert "cannot read table" in refused(sql(database, table='Open posten" --'))


def test_rows_of_a_database_come_in_batches(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_source, "_BATCH_ROWS", 2)
    assert [len(batch) for batch in read_batches(spec(), sql(database, table="Open posten"))] == [2, 1]


def test_a_query_runs_as_it_is(database: str) -> None:
    query = "SELECT x, bsn FROM \"Open posten\" WHERE x = ':x' OR x LIKE '%:y%' OR '10:30' = '10:31'"
    assert load(WITH_TEXT, sql(database, query=query)).columns["x"].tolist() == [":x"]


def test_a_query_changes_nothing(database: str) -> None:
    refused(sql(database, query='DELETE FROM "Open posten"'))
    assert load(spec(), sql(database, table="Open posten")).rows == 3


def test_queries_with_unclear_columns_are_refused(database: str) -> None:
    query = 'SELECT p.bsn, q.bsn FROM "Open posten" p, "Open posten" q'
    assert "the query has column bsn more than once" in refused(sql(database, query=query))
    assert "values of different types" in refused(sql(database, table="twice"))


def test_rows_stay_out_of_the_log_at_any_level(database: str, caplog: pytest.LogCaptureFixture) -> None:
    names = ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool")
    for name in names:
        caplog.set_level(logging.DEBUG, logger=name)
    caplog.set_level(logging.DEBUG)
    assert load(spec(), sql(database, table="Open posten")).rows == 3
    assert A not in caplog.text
    with sqlite_engine_logged(database):
        assert A in caplog.text, "the check above cannot fail"


class sqlite_engine_logged:  # noqa: N801
    """An engine that is not ours, and logs its rows."""

    def __init__(self, url: str) -> None:
        import sqlalchemy as sa

        self._engine = sa.create_engine(url, poolclass=sa.NullPool)

    def __enter__(self) -> None:
        import sqlalchemy as sa

        with self._engine.connect() as connection:
            connection.execute(sa.text('SELECT bsn FROM "Open posten"')).fetchall()

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()


def test_a_database_file_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "absent.sqlite"
    assert "No such file" in refused(sql(f"sqlite:///{path}", table="x"))
    assert not path.exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"{SECRET}", "database URL is not valid"),
        (f"absent://cjib:{SECRET}@localhost/x", "no driver"),
        (f"postgresql+absent://cjib:{SECRET}@localhost/x", "no driver"),
        (f"sqlite:///{SECRET}/absent/x", "database file cannot be read: No such file"),
        (f"postgresql://cjib:{SECRET}@localhost:port/x", "URL is not valid"),
    ],
)
def test_bad_urls_are_told_apart_and_never_shown(url: str, said: str) -> None:
    source = sql(url, table="x")
    assert SECRET not in repr(source) + str(source) + source.model_dump_json()
    assert said in refused(source)


def test_the_url_may_stand_in_a_file(tmp_path: Path, database: str) -> None:
    path = tmp_path / "url"
    path.write_text(f"{database}\n")
    source = SqlSource(kind="sql", url_file=Path("url"), table="Open posten").relative_to(tmp_path)
    assert load(spec(), source).rows == 3
    path.unlink()
    assert "its url_file cannot be read: No such file" in refused(source)


def test_the_password_may_stand_in_a_file_of_its_own(tmp_path: Path, database: str) -> None:
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n")
    given_source = {"kind": "sql", "url": database, "password_file": "password", "table": "Open posten"}
    source = SqlSource.model_validate(given_source).relative_to(tmp_path)
    assert source.password_file == path
    assert SECRET not in repr(source)
    # SQLite knows no passwords: SQLAlchemy says so, and does not get to show it.
    assert "does not fit its driver" in refused(source)
    for content in ("", "\n", f"{SECRET}\n\n", f"{SECRET}\0"):
        path.write_text(content)
        assert "does not hold one line" in refused(source)
    path.write_bytes(b"\xff")
    assert "password_file cannot be read" in refused(source)
    path.unlink()
    assert "password_file cannot be read: No such file" in refused(source)
    with pytest.raises(ValidationError, match="no password in url beside") as raised:
        SqlSource.model_validate(given_source | {"url": f"postgresql+psycopg://cjib:{SECRET}@localhost/cjib"})
    assert SECRET not in str(raised.value)
    (tmp_path / "url").write_text(f"postgresql+psycopg://cjib:{SECRET}@localhost/cjib")
    path.write_text(SECRET)
    both = {"kind": "sql", "url_file": tmp_path / "url", "password_file": path, "table": "x"}
    assert "a password in the URL too" in refused(SqlSource.model_validate(both))


def test_without_the_driver_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for scheme in ("postgresql", "postgresql+psycopg"):
        text = refused(sql(f"{scheme}://cjib:{SECRET}@localhost/x", table="x"))
        assert "the driver for PostgreSQL (psycopg) is not installed" in text


@pytest.mark.parametrize(
    "more", [{"url_file": "x"}, {"query": "x"}, {"table": None}, {"port": 1}, {"url": None}, {"kind": "csv"}]
)
def test_wrong_declarations_do_not_show_the_password(more: dict[str, Any]) -> None:
    # Short and in front: pydantic leaves out the middle of what it quotes.
    given_source = {"url": SECRET, "kind": "sql", "table": "x"}
    with pytest.raises(ValidationError) as raised:
        SqlSource.model_validate(given_source | more)
    assert SECRET not in str(raised.value)


def test_fingerprints_tell_of_change(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("bsn\n")
    source = CsvSource(kind="csv", path=path)
    before = fingerprint(source)
    assert fingerprint(source) == before
    path.write_text(f"bsn\n{A}\n")
    assert fingerprint(source) != before
    assert fingerprint(sql("sqlite://", table="x")) != fingerprint(sql("sqlite://", table="x"))
