"""Tables and queries of PostgreSQL, by COPY, in one read-only transaction that sees one moment of the database.

COPY instead of rows through a cursor: no Python object per cell, so it takes half the time (docs/adr/0019).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import sqlalchemy as sa

from psi_match.base.errors import DataError
from psi_match.domain.columns import ColumnType
from psi_match.domain.dataset import DatasetSpec
from psi_match.node.database import connect_postgresql
from psi_match.node.database_errors import not_done
from psi_match.node.reading import attempt, check_columns, explained
from psi_match.node.source_config import SqlSource

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

_BLOCK_BYTES = 1 << 22
_SETTINGS = (
    # Beyond it a query is taken as stuck; the node holds nothing of it till then but its blocks.
    "SET LOCAL statement_timeout = '30min'; "
    "SET LOCAL lock_timeout = '60s'; "
    # What texts of dates look like, and that rows come in the order in which they lie there: errors tell row numbers.
    "SET LOCAL datestyle = 'ISO, YMD'; "
    "SET LOCAL synchronize_seqscans = off"
)

_BOOLEAN, _NUMERIC, _TIMESTAMP, _TIMESTAMP_TZ = 16, 1700, 1114, 1184
_TYPES = {
    _BOOLEAN: pa.bool_(),
    **dict.fromkeys((20, 21, 23), pa.int64()),
    **dict.fromkeys((700, 701), pa.float64()),
    # name, text, char, varchar, date: as text, so that what does not fit is told by its row. Timestamps become dates.
    **dict.fromkeys((19, 25, 1042, 1043, 1082, _TIMESTAMP), pa.string()),
    _NUMERIC: pa.string(),
}
"""PostgreSQL's fixed numbers of its own types (src/include/catalog/pg_type.dat), and as what Arrow reads them."""
_LIKE_TEXT = frozenset("SE")
"""Categories of types that are strings of some kind: citext, enumerations."""
_LARGEST_PRECISION, _LARGEST_SCALE = 38, 18


@dataclass(frozen=True, slots=True)
class _Column:
    """A column as the database has it.

    Args:
        name: its name.
        type: number of its type.
        arrow: as what Arrow reads it.
        scale: of a ``numeric``: digits after the point that are taken; else None.
    """

    name: str
    type: int
    arrow: pa.DataType
    scale: int | None = None


def read_postgresql(spec: DatasetSpec, source: SqlSource, url: sa.URL) -> Iterator[pa.Table]:
    """Yield the rows of a table or query.

    Raises:
        DataError: it cannot be read; the sentence says why.
    """
    who = f"Dataset {spec.name}"
    what = f"table {source.table}" if source.table else "the query"
    connection = connect_postgresql(url, who)
    try:
        columns = explained(lambda: _describe(connection, spec, source, what), lambda cause: not_done(cause, who, what))
        yield pa.table({column.name: pa.array([], column.arrow) for column in columns})
        statement = _copy_statement(source, columns)
        with explained(lambda: _start(connection, statement), lambda cause: not_done(cause, who, what)) as blocks:
            while True:
                block = explained(lambda: next(blocks, None), lambda cause: not_done(cause, who, what))
                if block is None:
                    return
                yield attempt(
                    lambda block=block: _table_of(block, columns),  # type: ignore[misc]
                    f"{who}: {what} holds text that is not UTF-8.",
                    "Have the database tell its encoding as it is.",
                )
    finally:
        # What a driver says while it hangs up is of no use, and may hold a value.
        with contextlib.suppress(Exception):
            connection.close()


class _Blocks:
    """The bytes of a COPY in blocks of whole rows.

    Left early - a row that is refused, a run that is aborted - the connection is cut: psycopg would read on to the end.
    """

    def __init__(self, connection: psycopg.Connection[Any], statement: sql.Composed) -> None:
        self._connection = connection
        self._copy = connection.cursor().copy(statement)
        self._messages = iter(self._copy.__enter__())

    def __enter__(self) -> _Blocks:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __iter__(self) -> _Blocks:
        return self

    def __next__(self) -> bytes:
        block = bytearray()
        for message in self._messages:
            block += message
            if len(block) >= _BLOCK_BYTES:
                break
        if not block:
            raise StopIteration
        return bytes(block)


def _start(connection: psycopg.Connection[Any], statement: sql.Composed) -> _Blocks:
    return _Blocks(connection, statement)


def _begin(connection: psycopg.Connection[Any]) -> None:
    import psycopg

    connection.rollback()
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    connection.execute(_SETTINGS)


def _describe(connection: psycopg.Connection[Any], spec: DatasetSpec, source: SqlSource, what: str) -> list[_Column]:
    """Begin the transaction, and return the needed columns with their types.

    Raises:
        DataError: one is missing, or of a type that cannot be read.
    """
    import psycopg
    from psycopg import sql

    _begin(connection)
    names = spec.source_columns
    if source.table:
        _lock(connection, source)
    chosen = sql.SQL(", ").join(map(sql.Identifier, names)) if source.table else sql.SQL("*")
    cursor = connection.cursor()
    absent = False
    try:
        cursor.execute(sql.SQL("SELECT {} FROM {} LIMIT 0").format(chosen, _rows(source)))
    except psycopg.errors.UndefinedColumn:
        if not source.table:
            raise
        absent = True
    if absent:
        _begin(connection)
        check_columns(spec, what, _column_names(connection, source))
        raise DataError(f"Dataset {spec.name}: {what} changed while it was read.", "Try again.")
    described = {column.name: column for column in cursor.description or ()}
    check_columns(spec, what, [column.name for column in cursor.description or ()])
    return [_column(connection, spec, described[name]) for name in names]


def _lock(connection: psycopg.Connection[Any], source: SqlSource) -> None:
    """Wait for whoever reloads the table before the transaction's snapshot is taken.

    A snapshot from before a TRUNCATE sees the table empty after it, and that would pass for an empty dataset.
    """
    import psycopg
    from psycopg import sql

    try:
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(_rows(source)))
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.WrongObjectType):
        # Granted by column, or a foreign table: read without.
        _begin(connection)


def _rows(source: SqlSource) -> sql.Composable:
    from psycopg import sql

    if source.table:
        schema, _, table = source.table.rpartition(".")
        return sql.Identifier(schema, table) if schema else sql.Identifier(table)
    # On a line of its own: the query may end in a comment.
    query = (source.query or "").rstrip().removesuffix(";")
    return sql.SQL("(\n{}\n) AS psi_match_rows").format(sql.SQL(query))


def _column_names(connection: psycopg.Connection[Any], source: SqlSource) -> list[str]:
    rows = connection.execute(
        "SELECT attname FROM pg_catalog.pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [_rows(source).as_string(connection)],
    )
    return [str(name) for (name,) in rows]


def _column(connection: psycopg.Connection[Any], spec: DatasetSpec, described: psycopg.Column) -> _Column:
    number = described.type_code
    if number == _NUMERIC:
        # A numeric without a declared scale has as many digits after the point as each value needs.
        wants_euros = any(
            column.type is ColumnType.EUROS for column in spec.columns if column.source_name == described.name
        )
        scale = 2 * wants_euros if described.scale is None else min(described.scale, _LARGEST_SCALE)
        return _Column(described.name, number, pa.decimal128(_LARGEST_PRECISION, scale), scale)
    arrow = _TYPES.get(number)
    if arrow is None and number != _TIMESTAMP_TZ:
        found = connection.execute("SELECT typcategory FROM pg_catalog.pg_type WHERE oid = %s", [number]).fetchone()
        arrow = pa.string() if found and found[0] in _LIKE_TEXT else None
    if arrow is None:
        kind = described.type_display
        raise DataError(
            f"Dataset {spec.name}: column {described.name} has type {kind} in the database, which cannot be read.",
            "Cast it in a query: to text, date, boolean, numeric or a whole number.",
        )
    return _Column(described.name, number, arrow)


def _copy_statement(source: SqlSource, columns: list[_Column]) -> sql.Composed:
    from psycopg import sql

    chosen = [
        sql.SQL("{}::date" if column.type == _TIMESTAMP else "{}").format(sql.Identifier(column.name))
        for column in columns
    ]
    return sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv)").format(sql.SQL(", ").join(chosen), _rows(source))


def _table_of(block: bytes, columns: list[_Column]) -> pa.Table:
    """Return a block of CSV as a table. No cell can fail to convert: what may not fit a type is read as text."""
    names = [str(place) for place in range(len(columns))]
    kinds = [pa.string() if column.scale is not None else column.arrow for column in columns]
    table = pa_csv.read_csv(
        pa.BufferReader(block),
        read_options=pa_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(block) + 1),
        # A row of one cell without a value is an empty line.
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict(zip(names, kinds, strict=True)),
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    cells = [
        table.column(name) if column.scale is None else _decimals(table.column(name), column)
        for name, column in zip(names, columns, strict=True)
    ]
    return pa.table(dict(zip([column.name for column in columns], cells, strict=True)))


def _decimals(text: pa.ChunkedArray, column: _Column) -> pa.ChunkedArray:
    """Return amounts as decimals; NaN, infinity and those with more digits than are taken become empty cells."""
    scale = column.scale or 0
    bare = pc.replace_substring_regex(text, rf"^(-?[0-9]+\.[0-9]{{{scale}}})0+$", r"\1")
    bare = pc.replace_substring_regex(bare, r"\.$", "")
    fraction = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
    fits = pc.match_substring_regex(bare, f"^-?[0-9]{{1,{_LARGEST_PRECISION - scale}}}{fraction}$")
    return pc.cast(pc.if_else(fits, bare, pa.scalar(None, pa.string())), column.arrow)
