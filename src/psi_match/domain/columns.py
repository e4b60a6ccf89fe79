"""Typed columns of a dataset: from what a file or database holds to exact numbers, with a mask of what did not fit.

All conversions are vectorised and decide by pattern before they convert, so that no library ever meets, and quotes, a
value that it cannot read. Amounts never become binary fractions.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from psi_match.base.errors import DataError


class ColumnType(StrEnum):
    """What a column holds.

    ``cents``: whole cents. ``euros``: decimal amounts, ``1234,56``, ``1.234,56`` or ``1234.56``, kept as cents.
    ``integer``: whole numbers. ``boolean``: ja/nee, j/n, true/false, waar/onwaar, 1/0. ``date``: 2026-01-31 or
    31-01-2026. ``text``: a code or name.
    """

    CENTS = "cents"
    EUROS = "euros"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    TEXT = "text"


NUMERIC = (ColumnType.CENTS, ColumnType.EUROS, ColumnType.INTEGER)


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


_WHOLE = r"^[+-]?[0-9]{1,15}$"
_DUTCH = r"^[+-]?([0-9]{1,13}|[0-9]{1,3}(\.[0-9]{3}){1,4})(,[0-9]{1,2})?$"
_POINT = r"^[+-]?[0-9]{1,13}\.[0-9]{1,2}$"
_TRUE = ("ja", "j", "true", "t", "waar", "yes", "y", "1")
_FALSE = ("nee", "n", "false", "f", "onwaar", "no", "0")

Converted = tuple[NDArray[Any], NDArray[np.bool_]]


def convert(column: pa.ChunkedArray, spec: ColumnSpec) -> Converted:
    """Convert a column to its declared type.

    Args:
        column: as the source delivers it: text, or a native type.
        spec: the declaration.

    Returns:
        Values (n,) - int64, bool, datetime64[D] or text - and a mask (n,) of cells that fit; where a cell does not fit
        the value means nothing.

    Raises:
        DataError: the column as a whole is of a type that cannot be what is declared.
    """
    kind = column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if pa.types.is_null(kind):
        return _empty(len(column), spec.type)
    if text:
        return _from_text(pc.utf8_trim_whitespace(pc.fill_null(column, "")), spec.type)
    native = _from_native(column, spec.type)
    if native is None:
        raise DataError(
            f"Column {spec.source_name} has type {kind}, which cannot be read as {spec.type}.",
            "Declare another type, or export the column as text or whole numbers; binary fractions are refused.",
        )
    return native


def _empty(rows: int, kind: ColumnType) -> Converted:
    dtype = {ColumnType.BOOLEAN: "bool", ColumnType.DATE: "datetime64[D]", ColumnType.TEXT: "<U1"}.get(kind, "int64")
    return np.zeros(rows, dtype=dtype), np.zeros(rows, dtype=np.bool_)


def _from_text(text: pa.ChunkedArray, kind: ColumnType) -> Converted:
    match kind:
        case ColumnType.CENTS | ColumnType.INTEGER:
            return _whole(text, pc.match_substring_regex(text, _WHOLE))
        case ColumnType.EUROS:
            return _euros(text)
        case ColumnType.BOOLEAN:
            low = pc.utf8_lower(text)
            true = _mask(pc.is_in(low, value_set=pa.array(_TRUE)))
            false = _mask(pc.is_in(low, value_set=pa.array(_FALSE)))
            return true, true | false
        case ColumnType.DATE:
            iso = pc.replace_substring_regex(text, r"^([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})$", r"\3-\2-\1")
            fits = pc.match_substring_regex(iso, r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$")
            parsed = pc.strptime(pc.if_else(fits, iso, ""), format="%Y-%m-%d", unit="s", error_is_null=True)
            days = pc.fill_null(parsed, 0).to_numpy().astype("datetime64[D]")
            # strptime rolls over 31 February; what does not come back as it was written is not a date.
            written = pc.replace_substring_regex(iso, r"-([0-9])(-|$)", r"-0\1\2")
            written = pc.replace_substring_regex(written, r"-([0-9])$", r"-0\1")
            same = days.astype(str) == written.to_numpy(zero_copy_only=False).astype(str)
            return days, _mask(pc.is_valid(parsed)) & same
        case ColumnType.TEXT:
            values = text.to_numpy(zero_copy_only=False).astype(str)
            return values, values != ""


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


def _from_native(column: pa.ChunkedArray, kind: ColumnType) -> Converted | None:
    there = _mask(pc.is_valid(column))
    source = column.type
    if kind in NUMERIC and pa.types.is_integer(source) and not pa.types.is_uint64(source):
        factor = 100 if kind is ColumnType.EUROS else 1
        return pc.fill_null(pc.cast(column, pa.int64()), 0).to_numpy() * factor, there
    if kind in NUMERIC and pa.types.is_decimal(source) and source.scale <= (2 if kind is ColumnType.EUROS else 0):
        return _from_text(pc.fill_null(pc.cast(column, pa.string()), ""), kind)
    if kind is ColumnType.BOOLEAN and pa.types.is_boolean(source):
        return _mask(pc.fill_null(column, False)), there
    if kind is ColumnType.BOOLEAN and pa.types.is_integer(source):
        values = pc.fill_null(column, -1).to_numpy() if pa.types.is_signed_integer(source) else column.to_numpy()
        return values == 1, there & np.isin(values, (0, 1))
    if kind is ColumnType.DATE and (pa.types.is_date(source) or pa.types.is_timestamp(source)):
        days = pc.cast(column, pa.date32(), safe=False)
        return pc.fill_null(pc.cast(days, pa.int32()), 0).to_numpy().astype("datetime64[D]"), there
    if kind is ColumnType.TEXT and (pa.types.is_integer(source) or pa.types.is_dictionary(source)):
        return _from_text(pc.fill_null(pc.cast(column, pa.string()), ""), kind)
    return None


def _mask(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
