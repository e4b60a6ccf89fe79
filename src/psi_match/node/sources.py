"""Where a node's rows come from: CSV as bodies export it, Parquet, or a database. All are read in batches.

Every failure becomes one sentence that names the file or table and, where known, the row; what a library says may hold
a value or a password, so it is never passed on, not even as the context of an error.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from psi_match.base.errors import DataError
from psi_match.domain.dataset import Dataset, DatasetBuilder, DatasetSpec, missing_columns

_BATCH_ROWS = 1 << 17
_BLOCK_BYTES = 1 << 22
_DELIMITERS = (";", ",", "\t", "|")
Anything = TypeVar("Anything")


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CsvSource(_Source):
    """A CSV file.

    Args:
        path: the file.
        delimiter: ``auto`` takes the one that stands most often in the header line.
        encoding: ``utf-8`` (a byte order mark is skipped) or ``windows-1252``.
    """

    kind: Literal["csv"]
    path: Path
    delimiter: Literal["auto", ";", ",", "\t", "|"] = "auto"
    encoding: Literal["utf-8", "windows-1252"] = "utf-8"

    def relative_to(self, base: Path) -> Self:
        """Return the source with its path counted from a folder."""
        return self.model_copy(update={"path": base / self.path})


class ParquetSource(_Source):
    """A Parquet file."""

    kind: Literal["parquet"]
    path: Path

    def relative_to(self, base: Path) -> Self:
        """Return the source with its path counted from a folder."""
        return self.model_copy(update={"path": base / self.path})


class SqlSource(_Source):
    """A table or query of a database.

    Args:
        url: SQLAlchemy URL; or
        url_file: a file that holds it, so that a password need not stand in the config.
        table: name of a table or view; or
        query: one SELECT, run as it is.
    """

    kind: Literal["sql"]
    url: SecretStr | None = None
    url_file: Path | None = None
    table: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("must have either url or url_file")
        if (self.table is None) == (self.query is None):
            raise ValueError("must have either table or query")
        return self

    def relative_to(self, base: Path) -> Self:
        """Return the source with its password file counted from a folder."""
        return self.model_copy(update={"url_file": base / self.url_file}) if self.url_file else self


SourceConfig = Annotated[CsvSource | ParquetSource | SqlSource, Field(discriminator="kind")]


def load(spec: DatasetSpec, source: SourceConfig) -> Dataset:
    """Read, check and convert a dataset.

    Raises:
        DataError: it cannot be read, or holds what its declaration does not allow.
    """
    builder = DatasetBuilder(spec)
    for batch in read_batches(spec, source):
        builder.add(batch)
    return builder.finish()


def fingerprint(source: SourceConfig) -> object:
    """Return something that changes when a file changes; a database is never taken as unchanged."""
    if isinstance(source, SqlSource):
        return object()
    status = _attempt(source.path.stat, f"Cannot read {source.path}.", "Check the path and the permissions.")
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def read_batches(spec: DatasetSpec, source: SourceConfig) -> Iterator[pa.Table]:
    """Yield the rows of a source as Arrow tables with the columns that the dataset needs; at least one table.

    Raises:
        DataError: the source cannot be read.
    """
    match source:
        case CsvSource():
            yield from _read_csv(spec, source)
        case ParquetSource():
            yield from _read_parquet(spec, source)
        case SqlSource():
            yield from _read_sql(spec, source)


def _attempt(action: Callable[[], Anything], sentence: str, hint: str) -> Anything:
    """Do something that may fail with a text that must not be shown; the failure leaves no context behind."""
    done: list[Anything] = []
    try:
        done.append(action())
    except OSError as cause:
        if cause.strerror:
            sentence = f"{sentence.removesuffix('.')}: {cause.strerror}."
    except Exception:  # any library error: its text may hold a value  # noqa: BLE001, S110
        pass
    if not done:
        raise DataError(sentence, hint)
    return done[0]


def _read_csv(spec: DatasetSpec, source: CsvSource) -> Iterator[pa.Table]:
    readable = "Save it as a CSV file with a header line, in UTF-8 or with `encoding` set."
    first_line = _attempt(lambda: _first_line(source), f"Cannot read {source.path}.", readable)
    if not first_line.strip():
        raise DataError(f"{source.path} is empty: it has no header line.", readable)
    delimiter: str = max(_DELIMITERS, key=first_line.count) if source.delimiter == "auto" else source.delimiter
    header = [name.strip() for name in next(csv.reader(io.StringIO(first_line), delimiter=delimiter))]
    missing = [name for name in spec.source_columns if name not in header]
    if missing:
        raise missing_columns(spec.name, missing, header)
    if twice := sorted({name for name in spec.source_columns if header.count(name) > 1}):
        raise DataError(f"{source.path} has column {', '.join(twice)} more than once.", "Rename one of them.")
    ragged: list[int | None] = []

    def note_ragged(row: Any) -> str:  # noqa: ANN401
        ragged.append(row.number)
        return "error"

    def where() -> str:
        # The header is row 1 for the reader, the first data row for people comes after it.
        return (
            f" at row {ragged[0] - 1}: it has another number of cells than the header" if ragged and ragged[0] else ""
        )

    def opened() -> pa_csv.CSVStreamingReader:
        return pa_csv.open_csv(
            source.path,
            read_options=pa_csv.ReadOptions(
                use_threads=False,
                block_size=_BLOCK_BYTES,
                encoding=source.encoding,
                column_names=header,
                skip_rows=1,
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note_ragged
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                include_columns=spec.source_columns,
                strings_can_be_null=False,
            ),
        )

    def failed() -> str:
        return f"{source.path} is not a readable CSV file{where()}."

    reader = None
    rest = _attempt(lambda: _rest_is_empty(source), f"Cannot read {source.path}.", readable)
    if rest:
        yield pa.table({name: pa.array([], pa.string()) for name in spec.source_columns})
        return
    problem = False
    try:
        reader = opened()
    except Exception:  # Arrow quotes the row  # noqa: BLE001
        problem = True
    while reader is not None and not problem:
        batch = None
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except Exception:  # noqa: BLE001
            problem = True
        if batch is not None:
            yield pa.Table.from_batches([batch])
    raise DataError(failed(), readable)


def _first_line(source: CsvSource) -> str:
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
    with source.path.open("rb") as file:
        return file.readline().decode(encoding)


def _rest_is_empty(source: CsvSource) -> bool:
    with source.path.open("rb") as file:
        file.readline()
        while block := file.read(1 << 16):
            if block.strip():
                return False
    return True


def _read_parquet(spec: DatasetSpec, source: ParquetSource) -> Iterator[pa.Table]:
    hint = "Check the path, and that it is a Parquet file."
    file = _attempt(lambda: pq.ParquetFile(source.path), f"Cannot read {source.path}.", hint)
    with file:
        names = list(file.schema_arrow.names)
        missing = [name for name in spec.source_columns if name not in names]
        if missing:
            raise missing_columns(spec.name, missing, names)
        yield pa.table({name: pa.array([], file.schema_arrow.field(name).type) for name in spec.source_columns})
        batches = file.iter_batches(_BATCH_ROWS, columns=spec.source_columns)
        while True:
            batch = _attempt(lambda: next(batches, None), f"{source.path} is damaged.", hint)
            if batch is None:
                return
            yield pa.Table.from_batches([batch])


def _read_sql(spec: DatasetSpec, source: SqlSource) -> Iterator[pa.Table]:
    import sqlalchemy as sa

    what = f"table {source.table}" if source.table else "the query"
    failed = f"Dataset {spec.name}: cannot read {what} from the database."
    hint = "Check the URL, the password, the table or query, and that the database runs."
    url = _attempt(lambda: _database_url(source), f"Dataset {spec.name}: its url_file cannot be read.", hint)
    engine = _attempt(lambda: sa.create_engine(url, poolclass=sa.NullPool), failed, hint)
    names = spec.source_columns
    if source.table:
        present = _attempt(lambda: _column_names(engine, source.table or ""), failed, hint)
        missing = [name for name in names if name not in present]
        if missing:
            raise missing_columns(spec.name, missing, present)
        # Built from the config's names by SQLAlchemy, which quotes them; never from data.
        schema, _, table = source.table.rpartition(".")
        statement: Any = sa.select(*map(sa.column, names)).select_from(sa.table(table, schema=schema or None))
    else:
        statement = sa.text(source.query or "")
    connection = _attempt(engine.connect, failed, hint)
    try:
        options = {"stream_results": True, "yield_per": _BATCH_ROWS}
        result = _attempt(lambda: connection.execution_options(**options).execute(statement), failed, hint)
        present = list(result.keys())
        missing = [name for name in names if name not in present]
        if missing:
            raise missing_columns(spec.name, missing, present)
        picked = [present.index(name) for name in names]
        partitions = result.partitions()
        empty = True
        while True:
            rows = _attempt(lambda: next(partitions, None), f"{failed[:-1]}: the connection broke off.", hint)
            if rows is None:
                break
            empty = False
            yield _attempt(
                lambda rows=rows: _table_of(rows, names, picked),  # type: ignore[misc]
                f"Dataset {spec.name}: a column of {what} holds values of different types.",
                "Cast it to one type in the query.",
            )
        if empty:
            yield pa.table({name: pa.array([], pa.string()) for name in names})
    finally:
        connection.close()
        engine.dispose()


def _database_url(source: SqlSource) -> str:
    if source.url_file:
        return source.url_file.read_text(encoding="utf-8").strip()
    return source.url.get_secret_value() if source.url else ""


def _column_names(engine: Any, table: str) -> list[str]:  # noqa: ANN401
    import sqlalchemy as sa

    schema, _, name = table.rpartition(".")
    return [column["name"] for column in sa.inspect(engine).get_columns(name, schema=schema or None)]


def _table_of(rows: list[Any], names: list[str], picked: list[int]) -> pa.Table:
    return pa.table({name: pa.array([row[at] for row in rows]) for name, at in zip(names, picked, strict=True)})
