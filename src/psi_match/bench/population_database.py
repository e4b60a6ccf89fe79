"""Load one party's files of a population into its database, as a body would have them there."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from psi_match.base.errors import DataError, UsageError
from psi_match.domain.bsn import DIGITS
from psi_match.node.database import connect_postgresql, database_url, is_postgresql
from psi_match.node.database_errors import not_done
from psi_match.node.reading import attempt, explained
from psi_match.node.source_config import DatabaseLogin

if TYPE_CHECKING:
    import psycopg

_BATCH_ROWS = 1 << 16
_ANEW = "Make the population anew."
_TYPES = {
    pa.int64(): "bigint",
    pa.int32(): "integer",
    pa.int16(): "smallint",
    pa.int8(): "smallint",
    pa.bool_(): "boolean",
    pa.date32(): "date",
}


def load_population(folder: Path, party: str, login: DatabaseLogin) -> dict[str, int]:
    """Replace a party's tables by what its files hold, all in one transaction: others see all of the old or of the new.

    Args:
        folder: of a population.
        party: whose files; each becomes a table of the same name.
        login: to the party's database, as the role that owns the tables.

    Returns:
        Rows per table.

    Raises:
        UsageError: the folder has no files of the party, or the URL is not for PostgreSQL.
        DataError: a file cannot be read, or the database does not let us write; nothing is changed then.
    """
    who = f"Party {party}"
    paths = sorted((folder / party).glob("*.parquet"))
    if not paths:
        raise UsageError(
            f"{folder} has no files of {party}.", "Name the folder of a population, and a party that holds data."
        )
    url = database_url(login, who)
    if not is_postgresql(url):
        raise UsageError(
            "Only a PostgreSQL database can be loaded.", "Use a URL like postgresql+psycopg://user@host/db."
        )
    connection = connect_postgresql(url, who)
    # Roles that usually read have another default.
    connection.read_only = False
    loaded: dict[str, int] = {}
    try:
        for path in paths:
            loaded[path.stem] = _replace(connection, path, who)
        explained(connection.commit, lambda cause: not_done(cause, who, "the load"))
    finally:
        with contextlib.suppress(Exception):
            connection.close()
    return loaded


def _replace(connection: psycopg.Connection[Any], path: Path, who: str) -> int:
    file = attempt(lambda: pq.ParquetFile(path), f"Cannot read {path}.", _ANEW)
    schema = file.schema_arrow
    unknown = [field.name for field in schema if _type(field) is None]
    if unknown:
        raise DataError(f"{path} has columns of a type that no table gets: {', '.join(unknown)}.", _ANEW)
    what = f"table {path.stem}"
    explained(lambda: _make_table(connection, path.stem, schema), lambda cause: not_done(cause, who, what))
    explained(lambda: _copy(connection, path.stem, _batches(file, path)), lambda cause: not_done(cause, who, what))
    return int(file.metadata.num_rows)


def _batches(file: pq.ParquetFile, path: Path) -> Iterator[pa.RecordBatch]:
    with file:
        batches = file.iter_batches(_BATCH_ROWS, use_threads=False)
        while True:
            batch = attempt(lambda: next(batches, None), f"{path} is damaged.", _ANEW)
            if batch is None:
                return
            yield batch


def _make_table(connection: psycopg.Connection[Any], name: str, schema: pa.Schema) -> None:
    from psycopg import sql

    columns = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(field.name), sql.SQL(_type(field) or ""), sql.SQL(" NOT NULL" * (field.name == "bsn"))
        )
        for field in schema
    ]
    table = sql.Identifier(name)
    # Without CASCADE: what somebody else built on the table must not go with it.
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns)))


def _type(field: pa.Field) -> str | None:
    if pa.types.is_string(field.type):
        return f"char({DIGITS})" if field.name.endswith("bsn") else "text"
    return _TYPES.get(field.type)


def _copy(connection: psycopg.Connection[Any], name: str, batches: Iterator[pa.RecordBatch]) -> None:
    from psycopg import sql

    # FREEZE: who began to wait for the table before this transaction ends sees the new rows, not an empty table.
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT csv, FREEZE)").format(sql.Identifier(name))
    # In quotes whatever is there, so that nothing is told from an empty text.
    options = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")
    with connection.cursor().copy(statement) as copy:
        for batch in batches:
            text = io.BytesIO()
            pa_csv.write_csv(batch, text, options)
            copy.write(text.getbuffer())
