"""Tables and queries of databases that SQLAlchemy knows; PostgreSQL has a module of its own."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from psi_match.base.errors import DataError
from psi_match.domain.dataset import DatasetSpec
from psi_match.node.database import DRIVER_HINT, database_url, is_postgresql
from psi_match.node.postgresql_source import read_postgresql
from psi_match.node.reading import attempt, check_columns, explained
from psi_match.node.source_config import SqlSource

_BATCH_ROWS = 1 << 17
_HINT = "Check the URL, the password, the table or query, and that the database runs."
_ENGINE_NAME = "psi_match"


def read_sql(spec: DatasetSpec, source: SqlSource) -> Iterator[pa.Table]:
    """Yield the rows of a table or query.

    Raises:
        DataError: it cannot be read.
    """
    url = database_url(source, f"Dataset {spec.name}")
    if is_postgresql(url):
        yield from read_postgresql(spec, source, url)
    else:
        yield from _read_any(spec, source, url)


def _read_any(spec: DatasetSpec, source: SqlSource, url: sa.URL) -> Iterator[pa.Table]:
    what = f"table {source.table}" if source.table else "the query"
    failed = f"Dataset {spec.name}: cannot read {what} from the database."
    engine = _engine(spec, url)
    names = spec.source_columns
    if source.table:
        check_columns(spec, what, attempt(lambda: _column_names(engine, source.table or ""), failed, _HINT))
        # Built from the config's names by SQLAlchemy, which quotes them; never from data.
        schema, _, table = source.table.rpartition(".")
        statement: Any = sa.select(*map(sa.column, names)).select_from(sa.table(table, schema=schema or None))
    else:
        # As it is: a colon in it is no parameter.
        statement = sa.text((source.query or "").replace(":", "\\:"))
    connection = attempt(engine.connect, failed, _HINT)
    try:
        options = {"stream_results": True, "yield_per": _BATCH_ROWS}
        result = attempt(lambda: connection.execution_options(**options).execute(statement), failed, _HINT)
        present = attempt(lambda: list(result.keys()), failed, _HINT)
        check_columns(spec, what, present)
        picked = [present.index(name) for name in names]
        partitions = result.partitions(_BATCH_ROWS)
        empty = True
        while True:
            rows = attempt(lambda: next(partitions, None), f"{failed[:-1]}: the connection broke off.", _HINT)
            if rows is None:
                break
            empty = False
            yield attempt(
                lambda rows=rows: _table_of(rows, names, picked),  # type: ignore[misc]
                f"Dataset {spec.name}: a column of {what} holds values of different types.",
                "Cast it to one type in the query.",
            )
        if empty:
            yield pa.table({name: pa.array([], pa.string()) for name in names})
    finally:
        # What a driver says while it hangs up is of no use, and may hold a value.
        with contextlib.suppress(Exception):
            connection.close()
            engine.dispose()


def _engine(spec: DatasetSpec, url: sa.URL) -> sa.Engine:
    # At level DEBUG the engine logs each row that it fetches, whatever `echo` says.
    logging.getLogger(f"sqlalchemy.engine.Engine.{_ENGINE_NAME}").setLevel(logging.WARNING)
    # SQLite makes a missing file instead of refusing it.
    file = url.database or ""
    if url.get_backend_name() == "sqlite" and file not in {"", ":memory:"} and not file.startswith("file:"):
        attempt(Path(file).stat, f"Dataset {spec.name}: its database file cannot be read.", _HINT)
    engine: sa.Engine = explained(
        lambda: sa.create_engine(url, poolclass=sa.NullPool, logging_name=_ENGINE_NAME, hide_parameters=True),
        lambda cause: _no_engine(cause, spec),
    )
    return engine


def _no_engine(cause: Exception, spec: DatasetSpec) -> DataError:
    if isinstance(cause, (sa.exc.NoSuchModuleError, ImportError)):
        return DataError(
            f"Dataset {spec.name}: no driver for this kind of database is installed.",
            f"Install the driver that the URL names. For PostgreSQL it is postgresql+psycopg. {DRIVER_HINT}",
        )
    return DataError(
        f"Dataset {spec.name}: its database URL does not fit its driver.",
        "SQLite, for one, has no users and passwords.",
    )


def _column_names(engine: sa.Engine, table: str) -> list[str]:
    schema, _, name = table.rpartition(".")
    return [column["name"] for column in sa.inspect(engine).get_columns(name, schema=schema or None)]


def _table_of(rows: list[Any], names: list[str], picked: list[int]) -> pa.Table:
    return pa.table({name: pa.array([row[at] for row in rows]) for name, at in zip(names, picked, strict=True)})
