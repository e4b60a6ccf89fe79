"""Typed columns of a dataset: from what a file or database holds to exact numbers, with a mask of what did not fit.

All conversions are vectorised and decide by pattern before they convert, so that no library ever meets, and quotes, a
value that it cannot read. Amounts never become binary fractions. What repeats - dates, yes and no, codes - is converted
once per distinct text of a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from psi_match.base.errors import DataError
from psi_match.domain.bsn import DIGITS, LIMIT, NO_KEY
from psi_match.domain.bsn import digits as bsn_digits


class ColumnType(StrEnum):
    """What a column holds.

    ``cents``: whole cents. ``euros``: decimal amounts, ``1234,56``, ``1.234,56`` or ``1234.56``, kept as cents.
    ``integer``: whole numbers. ``boolean``: ja/nee, j/n, yes/no, y, true/false, t/f, waar/onwaar, 1/0. ``date``:
    2026-01-31 or 31-01-2026. ``text``: a code or name, of which many rows share one. ``bsn``: a second BSN, such as the
    partner's, or nothing.
    """

    CENTS = "cents"
    EUROS = "euros"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    TEXT = "text"
    BSN = "bsn"


NUMERIC = (ColumnType.CENTS, ColumnType.EUROS, ColumnType.INTEGER)
DTYPES: dict[ColumnType, str] = dict.fromkeys(NUMERIC, "int64") | {
    ColumnType.BOOLEAN: "bool",
    ColumnType.DATE: "datetime64[D]",
    ColumnType.TEXT: "object",
    ColumnType.BSN: "uint32",
}
"""What numpy holds of each type."""


class ColumnSpec(BaseModel):
    """One declared column.

    Args:
        name: the name under which scenarios know it.
        source: its name in the file or table; the same if absent.
        type: what it holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")
    source: str = ""
    type: ColumnType

    @property
    def source_name(self) -> str:
        """Name in the file or table."""
        return self.source or self.name


_LARGEST_WHOLE = 10**15 - 1
_WHOLE = r"^[+-]?[0-9]{1,15}$"
_DUTCH = r"^[+-]?([0-9]{1,13}|[0-9]{1,3}(\.[0-9]{3}){1,4})(,[0-9]{1,2})?$"
_POINT = r"^[+-]?[0-9]{1,13}\.[0-9]{1,2}$"
_DATE = r"^[1-9][0-9]{3}-[0-9]{1,2}-[0-9]{1,2}$"
_BSN = f"^[0-9]{{{DIGITS - 1},{DIGITS}}}$"
_DUTCH_DATE = r"^([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})$"
_FIRST_DAY, _LAST_DAY = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")
"""Outside them numpy gives back a number where a date is expected."""
_TRUE = ("ja", "j", "true", "t", "waar", "yes", "y", "1")
_FALSE = ("nee", "n", "false", "f", "onwaar", "no", "0")

Converted = tuple[NDArray[Any], NDArray[np.bool_]]


def convert(column: pa.ChunkedArray, spec: ColumnSpec) -> Converted:
    """Convert a column to its declared type.

    Args:
        column: as the source delivers it: text, or a native type.
        spec: the declaration.

    Returns:
        Values (n,) - int64, bool, datetime64[D], texts of which equal ones share one object, or BSNs as uint32 with
        ``NO_KEY`` for an empty cell - and a mask (n,) of cells that fit; where a cell does not fit the value means
        nothing. Of what kind a BSN is, and whose, is for the dataset to check.

    Raises:
        DataError: the column as a whole is of a type that cannot be what is declared.
    """
    column = plain_text(column)
    kind = column.type
    if pa.types.is_null(kind):
        if spec.type is ColumnType.BSN:
            return np.full(len(column), NO_KEY, dtype=np.uint32), np.ones(len(column), dtype=np.bool_)
        return np.zeros(len(column), dtype=DTYPES[spec.type]), np.zeros(len(column), dtype=np.bool_)
    if is_text(kind):
        return _from_text(trimmed(column), spec.type)
    native = _from_native(column, spec.type)
    if native is None:
        raise DataError(
            f"Column {spec.source_name} has type {kind}, which cannot be read as {spec.type}.",
            "Declare another type, or export the column as text or whole numbers; binary fractions are refused.",
        )
    return native


def plain_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of encoded texts - categories of pandas, views of polars - as plain texts; others as they are."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return plain_text(pc.cast(column, kind.value_type)) if _any_text(kind.value_type) else column
    return pc.cast(column, pa.string()) if pa.types.is_string_view(kind) else column


def _any_text(kind: pa.DataType) -> bool:
    return is_text(kind) or bool(pa.types.is_string_view(kind))


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column's type is plain text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def trimmed(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts without the white space around them; no value is an empty text."""
    return pc.utf8_trim_whitespace(pc.fill_null(text, ""))


def _from_text(text: pa.ChunkedArray, kind: ColumnType) -> Converted:
    match kind:
        case ColumnType.CENTS | ColumnType.INTEGER:
            return _whole(text, pc.match_substring_regex(text, _WHOLE))
        case ColumnType.EUROS:
            return _euros(text)
        case ColumnType.BOOLEAN:
            return _once_each(text, _booleans)
        case ColumnType.DATE:
            return _once_each(text, _dates)
        case ColumnType.TEXT:
            return _once_each(text, _texts)
        case ColumnType.BSN:
            return _second_bsn(text)


def _once_each(text: pa.ChunkedArray, convert_distinct: Callable[[pa.Array], Converted]) -> Converted:
    """Convert each distinct text once."""
    encoded = text.combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy()
    values, fits = convert_distinct(encoded.dictionary)
    return values[codes], fits[codes]


def _booleans(text: pa.Array) -> Converted:
    low = pc.utf8_lower(text)
    true = _mask(pc.is_in(low, value_set=pa.array(_TRUE, low.type)))
    return true, true | _mask(pc.is_in(low, value_set=pa.array(_FALSE, low.type)))


def _dates(text: pa.Array) -> Converted:
    iso = pc.replace_substring_regex(text, _DUTCH_DATE, r"\3-\2-\1")
    fits = pc.match_substring_regex(iso, _DATE)
    safe = pc.if_else(fits, iso, "2000-01-01")
    parsed = pc.strptime(safe, format="%Y-%m-%d", unit="s", error_is_null=True)
    # strptime rolls 31 April over to 1 May: where the day is another than was written, there is no such date.
    day_written = pc.cast(pc.replace_substring_regex(safe, r"^.*-", ""), pa.int64())
    exists = pc.fill_null(pc.equal(pc.day(parsed), day_written), False)
    days = pc.fill_null(parsed, 0).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return days, _mask(pc.and_(fits, exists))


def _texts(text: pa.Array) -> Converted:
    values = text.to_numpy(zero_copy_only=False).astype(object)
    return values, np.asarray(values != "", dtype=np.bool_)


def _euros(text: pa.ChunkedArray) -> Converted:
    bare = pc.replace_substring_regex(text, r"^(€|EUR)?\s*(.*?)\s*(€|EUR)?$", r"\2")
    dutch = pc.match_substring_regex(bare, _DUTCH)
    point = pc.match_substring_regex(bare, _POINT)
    without_groups = pc.replace_substring(pc.replace_substring(bare, ".", ""), ",", ".")
    plain = pc.if_else(dutch, without_groups, bare)
    # Two digits after the point in every row, then no point: whole cents, without a binary fraction on the way.
    with_point = pc.replace_substring_regex(plain, r"^([^.]*)$", r"\1.0")
    two_digits = pc.replace_substring_regex(with_point, r"\.([0-9])$", r".\1x")
    cents = pc.replace_substring(pc.replace_substring(two_digits, "x", "0"), ".", "")
    return _whole(cents, pc.or_(dutch, point))


def _whole(text: pa.ChunkedArray, fits: pa.ChunkedArray) -> Converted:
    # Arrow reads no plus sign; what does not fit becomes 0 before anything is parsed.
    digits = pc.replace_substring_regex(pc.if_else(fits, text, "0"), r"^\+", "")
    return pc.cast(digits, pa.int64()).to_numpy(), _mask(fits)


def _second_bsn(text: pa.ChunkedArray) -> Converted:
    # Eight digits have lost a leading zero, which a number does not need: as for the first BSN.
    digits = pc.match_substring_regex(text, _BSN)
    numbers = pc.cast(pc.if_else(digits, text, "0"), pa.uint32()).to_numpy()
    empty = _mask(pc.equal(text, ""))
    return np.where(empty, np.uint32(NO_KEY), numbers), _mask(digits) | empty


def _from_native(column: pa.ChunkedArray, kind: ColumnType) -> Converted | None:
    there = _mask(pc.is_valid(column))
    source = column.type
    if kind in NUMERIC and pa.types.is_integer(source) and not pa.types.is_uint64(source):
        values = pc.fill_null(pc.cast(column, pa.int64()), 0).to_numpy()
        # The same bounds as for text; beyond them, cents of euros would leave 64 bits unnoticed.
        there &= (values >= -_LARGEST_WHOLE) & (values <= _LARGEST_WHOLE)
        return values * (100 if kind is ColumnType.EUROS else 1), there
    if kind in NUMERIC and pa.types.is_decimal(source) and source.scale <= (2 if kind is ColumnType.EUROS else 0):
        return _from_text(pc.fill_null(pc.cast(column, pa.string()), ""), kind)
    if kind is ColumnType.BOOLEAN and pa.types.is_boolean(source):
        return _mask(pc.fill_null(column, False)), there
    if kind is ColumnType.BOOLEAN and pa.types.is_integer(source):
        values = pc.fill_null(column, -1).to_numpy() if pa.types.is_signed_integer(source) else column.to_numpy()
        return values == 1, there & np.isin(values, (0, 1))
    if kind is ColumnType.DATE and (pa.types.is_date(source) or pa.types.is_timestamp(source)):
        numbers = pc.fill_null(pc.cast(pc.cast(column, pa.date32(), safe=False), pa.int32()), 0)
        days = numbers.to_numpy().astype("datetime64[D]")
        return days, there & (days >= _FIRST_DAY) & (days <= _LAST_DAY)
    if kind is ColumnType.BSN and pa.types.is_integer(source):
        values = pc.fill_null(column, 0).to_numpy()
        fits = there & (values >= LIMIT // 100) & (values < LIMIT)
        return np.where(fits, values, NO_KEY).astype(np.uint32), fits | ~there
    if kind is ColumnType.TEXT and pa.types.is_integer(source):
        return _from_text(pc.fill_null(pc.cast(column, pa.string()), ""), kind)
    return None


def _mask(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def bsn_column(numbers: NDArray[np.uint32]) -> pa.LargeStringArray:
    """Return BSNs as a column of a table: texts in one piece of memory, no object or numpy text for each row."""
    ends = np.arange(0, DIGITS * len(numbers) + 1, DIGITS, dtype=np.int64)
    return pa.LargeStringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(bsn_digits(numbers)))
