"""CSV files as bodies export them.

A file is read twice: first its bytes, because Arrow takes an open quote as the start of one long cell and so loses all
rows up to the next quote without a word; then its cells.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from psi_match.base.errors import DataError
from psi_match.domain.dataset import DatasetSpec
from psi_match.node.reading import attempt, check_columns
from psi_match.node.source_config import CsvSource

_BLOCK_BYTES = 1 << 20
"""As fast as larger blocks, in half the memory. No row of a CSV file may be longer."""
_DELIMITERS = (";", ",", "\t", "|")


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


def read_csv(spec: DatasetSpec, source: CsvSource) -> Iterator[pa.Table]:
    """Yield the rows of a CSV file as texts.

    Raises:
        DataError: the file cannot be read.
    """
    header = attempt(lambda: _header(source), f"Cannot read {source.path}.", _READABLE)
    if header is None:
        raise DataError(f"{source.path} is empty: it has no header line.", _READABLE)
    check_columns(spec, str(source.path), header.names)
    if not attempt(lambda: _check_bytes(source, header), f"Cannot read {source.path}.", _READABLE):
        yield pa.table({name: pa.array([], pa.string()) for name in spec.source_columns})
        return
    ragged: list[int | None] = []

    def note_ragged(row: Any) -> str:  # noqa: ANN401
        ragged.append(row.number)
        return "error"

    reader = None
    with attempt(lambda: pa.OSFile(str(source.path)), f"Cannot read {source.path}.", _READABLE) as file:
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
