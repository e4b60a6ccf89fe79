"""Where a node's rows come from: CSV as bodies export it, Parquet, or a database. All are read in batches.

Every failure becomes one sentence that names the file or table and, where known, the row; what a library says may hold
a value or a password, so it is never passed on, not even as the context of an error.

A CSV file is read twice: first its bytes, because Arrow takes an open quote as the start of one long cell and so loses
all rows up to the next quote without a word; then its cells.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from psi_match.base.errors import DataError
from psi_match.domain.dataset import Dataset, DatasetBuilder, DatasetSpec, missing_columns

if TYPE_CHECKING:
    import sqlalchemy as sa

_BATCH_ROWS = 1 << 17
_BLOCK_BYTES = 1 << 20
"""As fast as larger blocks, in half the memory. No row of a CSV file may be longer."""
_DELIMITERS = (";", ",", "\t", "|")
Anything = TypeVar("Anything")


class _Source(BaseModel):
    # A URL may hold a password, which must not come back in the error about another key.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CsvSource(_Source):
    """A CSV file.

    Args:
        path: the file.
        delimiter: ``auto`` takes the one that stands most often in the header line, without looking at any row.
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
    except DataError:
        raise
    except OSError as cause:
        if cause.errno:
            # The system's own text: what Arrow puts into `strerror` repeats the path.
            sentence = f"{sentence.removesuffix('.')}: {os.strerror(cause.errno)}."
    except Exception:  # any library error: its text may hold a value  # noqa: BLE001, S110
        pass
    if not done:
        raise DataError(sentence, hint)
    return done[0]


@dataclass(frozen=True, slots=True)
class _Header:
    """The header line of a CSV file.

    Args:
        names: column names.
        delimiter: between cells.
        ends_at: offset of the byte after it.
        line: its number in the file; blank lines may come before it.
    """

    names: list[str]
    delimiter: str
    ends_at: int
    line: int


_READABLE = "Save it as a CSV file with a header line, in UTF-8 or with `encoding` set."
_BYTE_ORDER_MARK = codecs.BOM_UTF8
_QUOTE = ord('"')


def _read_csv(spec: DatasetSpec, source: CsvSource) -> Iterator[pa.Table]:
    header = _attempt(lambda: _header(source), f"Cannot read {source.path}.", _READABLE)
    if header is None:
        raise DataError(f"{source.path} is empty: it has no header line.", _READABLE)
    _check_columns(spec, str(source.path), header.names)
    if not _attempt(lambda: _check_bytes(source, header), f"Cannot read {source.path}.", _READABLE):
        yield pa.table({name: pa.array([], pa.string()) for name in spec.source_columns})
        return
    ragged: list[int | None] = []

    def note_ragged(row: Any) -> str:  # noqa: ANN401
        ragged.append(row.number)
        return "error"

    reader = None
    with _attempt(lambda: pa.OSFile(str(source.path)), f"Cannot read {source.path}.", _READABLE) as file:
        file.seek(header.ends_at)
        while True:
            batch = None
            try:
                reader = reader or _open_csv(file, source, spec, header, note_ragged)
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except Exception:  # Arrow quotes the row  # noqa: BLE001, S110
                pass
            if batch is None:
                where = f" at row {ragged[0]}: it has another number of cells than the header" if any(ragged) else ""
                raise DataError(f"{source.path} is not a readable CSV file{where}.", _READABLE)
            yield pa.Table.from_batches([batch])


def _open_csv(
    file: pa.NativeFile, source: CsvSource, spec: DatasetSpec, header: _Header, on_ragged: Callable[[Any], str]
) -> pa_csv.CSVStreamingReader:
    return pa_csv.open_csv(
        file,
        read_options=pa_csv.ReadOptions(
            use_threads=False,  # else a ragged row has no number
            block_size=_BLOCK_BYTES,
            encoding=source.encoding,
            column_names=header.names,
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=on_ragged
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(header.names, pa.string()),
            include_columns=spec.source_columns,
            strings_can_be_null=False,
        ),
    )


def _header(source: CsvSource) -> _Header | None:
    """Return the first line that is not blank; None if there is none.

    Raises:
        DataError: it is not text, or has an open quote.
    """
    with source.path.open("rb") as file:
        ends_at = len(_BYTE_ORDER_MARK) if _starts_with_mark(source) else 0
        number = 0
        line = b""
        while not line.strip():
            file.seek(ends_at)
            # Lines may end in CR alone, which `readline` does not know.
            lines = file.readline(_BLOCK_BYTES).splitlines(keepends=True)
            if not lines:
                return None
            line = lines[0]
            ends_at += len(line)
            number += 1
    try:
        text = line.decode(source.encoding)
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise DataError(
            f"{source.path} is not a readable CSV file: its header line is not {source.encoding} text.", _READABLE
        )
    if text.count('"') % 2:
        raise DataError(f"{source.path} has an open quote in its header line.", _READABLE)
    delimiter: str = max(_DELIMITERS, key=text.count) if source.delimiter == "auto" else source.delimiter
    names = [name.strip() for name in next(csv.reader([text.strip("\r\n")], delimiter=delimiter))]
    return _Header(names, delimiter, ends_at, number)


def _starts_with_mark(source: CsvSource) -> bool:
    with source.path.open("rb") as file:
        return source.encoding == "utf-8" and file.read(len(_BYTE_ORDER_MARK)) == _BYTE_ORDER_MARK


def _check_bytes(source: CsvSource, header: _Header) -> bool:
    """Check the text encoding and the quotes of all rows: a quote stands around a whole cell, or doubled inside one.

    Returns:
        Whether there is anything after the header line.

    Raises:
        DataError: a byte is not text, or a quote is out of place.
    """
    decoder = codecs.getincrementaldecoder(source.encoding)()
    around = np.zeros(256, dtype=np.bool_)
    around[[_QUOTE, ord(header.delimiter), ord("\r"), ord("\n")]] = True
    offset, line, quotes, anything = header.ends_at, header.line + 1, 0, False
    last = b"\n"
    with source.path.open("rb") as file:
        file.seek(offset)
        while last:
            block = file.read(_BLOCK_BYTES)
            wrong = _first_wrong_byte(decoder, block)
            if wrong is not None:
                raise DataError(
                    f"{source.path} is not a readable CSV file: "
                    f"the byte at offset {offset + wrong} is not {source.encoding} text.",
                    _READABLE,
                )
            anything = anything or bool(block.strip())
            # One byte of the block before comes along, so that each quote sees both its neighbours.
            window = last + (block or b"\n")
            if b'"' in window:
                cells = np.frombuffer(window, dtype=np.uint8)
                at = np.flatnonzero(cells == _QUOTE)
                opens = (quotes + np.arange(len(at))) % 2 == 0
                opening, closing = at[opens], at[~opens]
                opening, closing = opening[opening > 0], closing[closing < len(window) - 1]
                misplaced = np.concatenate([opening[~around[cells[opening - 1]]], closing[~around[cells[closing + 1]]]])
                if len(misplaced):
                    raise _quote_error(source, line + _line_ends(window[1 : int(misplaced.min())]))
                quotes += len(at) - int(window[-1] == _QUOTE)
            line += _line_ends(block)
            offset += len(block)
            last = block[-1:]
    if quotes % 2:
        raise DataError(f"{source.path} has a quote that is opened and never closed.", _QUOTE_HINT)
    return anything


_QUOTE_HINT = 'Quotes stand around a whole cell; a quote inside it is doubled: "5"" pipe".'


def _quote_error(source: CsvSource, line: int) -> DataError:
    return DataError(f"{source.path} has a quote out of place at or before line {line} of the file.", _QUOTE_HINT)


def _line_ends(text: bytes) -> int:
    return text.count(b"\n") or text.count(b"\r")


def _first_wrong_byte(decoder: codecs.IncrementalDecoder, block: bytes) -> int | None:
    """Return the offset in a block, negative if in the one before, of the first byte that is not text."""
    try:
        decoder.decode(block, final=not block)
    except UnicodeDecodeError as cause:
        return cause.start - (len(cause.object) - len(block))
    return None


def _check_columns(spec: DatasetSpec, what: str, present: list[str]) -> None:
    missing = [name for name in spec.source_columns if name not in present]
    if missing:
        raise missing_columns(spec.name, missing, present)
    twice = [name for name in spec.source_columns if present.count(name) > 1]
    if twice:
        raise DataError(f"{what} has column {', '.join(twice)} more than once.", "Rename one of them.")


def _read_parquet(spec: DatasetSpec, source: ParquetSource) -> Iterator[pa.Table]:
    hint = "Check the path, and that it is a Parquet file."
    # Opened by Python first, which tells what is wrong with a path; Arrow does not tell a folder from a damaged file.
    _attempt(lambda: source.path.open("rb").close(), f"Cannot read {source.path}.", hint)
    # Without read-ahead and threads of its own: half the memory, and not slower beside the checks.
    file = _attempt(lambda: pq.ParquetFile(source.path, pre_buffer=False), f"Cannot read {source.path}.", hint)
    with file:
        names = list(file.schema_arrow.names)
        _check_columns(spec, str(source.path), names)
        yield pa.table({name: pa.array([], file.schema_arrow.field(name).type) for name in spec.source_columns})
        batches = file.iter_batches(_BATCH_ROWS, columns=spec.source_columns, use_threads=False)
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
    engine = _engine(spec, source, hint)
    names = spec.source_columns
    if source.table:
        _check_columns(spec, what, _attempt(lambda: _column_names(engine, source.table or ""), failed, hint))
        # Built from the config's names by SQLAlchemy, which quotes them; never from data.
        schema, _, table = source.table.rpartition(".")
        statement: Any = sa.select(*map(sa.column, names)).select_from(sa.table(table, schema=schema or None))
    else:
        # As it is: a colon in it is no parameter.
        statement = sa.text((source.query or "").replace(":", "\\:"))
    connection = _attempt(engine.connect, failed, hint)
    try:
        options = {"stream_results": True, "yield_per": _BATCH_ROWS}
        result = _attempt(lambda: connection.execution_options(**options).execute(statement), failed, hint)
        present = _attempt(lambda: list(result.keys()), failed, hint)
        _check_columns(spec, what, present)
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
        # What a driver says while it hangs up is of no use, and may hold a value.
        with contextlib.suppress(Exception):
            connection.close()
            engine.dispose()


_ENGINE_NAME = "psi_match"


def _engine(spec: DatasetSpec, source: SqlSource, hint: str) -> sa.Engine:
    import sqlalchemy as sa

    # At level DEBUG the engine logs each row that it fetches, whatever `echo` says.
    logging.getLogger(f"sqlalchemy.engine.Engine.{_ENGINE_NAME}").setLevel(logging.WARNING)
    secret = _attempt(lambda: _database_url(source), f"Dataset {spec.name}: its url_file cannot be read.", hint)
    url = _attempt(
        lambda: sa.make_url(secret),
        f"Dataset {spec.name}: its database URL is not valid.",
        "It looks like postgresql+psycopg://user:password@host/database.",
    )
    # SQLite makes a missing file instead of refusing it.
    file = url.database or ""
    if url.get_backend_name() == "sqlite" and file not in {"", ":memory:"} and not file.startswith("file:"):
        _attempt(Path(file).stat, f"Dataset {spec.name}: its database file cannot be read.", hint)
    engine: sa.Engine = _attempt(
        lambda: sa.create_engine(url, poolclass=sa.NullPool, logging_name=_ENGINE_NAME, hide_parameters=True),
        f"Dataset {spec.name}: no driver for this kind of database is installed.",
        "Install the driver that the URL names, such as psycopg for postgresql+psycopg.",
    )
    return engine


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
