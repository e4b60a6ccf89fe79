"""A validated table: distinct BSNs of one declared kind, typed columns, a reference date, and a report of rejects.

Batches come from a source as Arrow tables; each is checked, converted and shrunk to compact arrays at once. Errors name
rows by number and columns by name; no value of a row ever enters a message. Even a column's name is shown only if no
name looks like a value: a file without a header line has its first row there.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from psi_match.base.errors import DataError
from psi_match.domain.bsn import DIGITS, LIMIT, NO_KEY, BsnKind, is_of_kind
from psi_match.domain.columns import DTYPES, ColumnSpec, ColumnType, convert, is_text, plain_text, trimmed
from psi_match.domain.rejects import Problem, RejectReport, bad_cell

_MOST_DIGITS_IN_A_NAME = 5
_LONGEST_NAME = 60
_ROWS_TO_GROW = 1 << 20


class DatasetSpec(BaseModel):
    """What a dataset declares of itself.

    Args:
        name: the name under which scenarios know it.
        bsn: kind of its BSNs; a number of another kind is rejected.
        bsn_column: name of the BSN column in the source.
        bsn_type: ``text``; ``integer`` must be said explicitly, because an integer has lost its leading zeros and its
            meaning as an identifier.
        columns: the other columns that scenarios may use.
        on_invalid: ``refuse`` the dataset if any row is invalid, or ``drop`` such rows and count them.
        reference_date: how recent the data are; or
        reference_date_column: a column that says so. The oldest date counts, also that of a row that is dropped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")
    bsn: BsnKind
    bsn_column: str = "bsn"
    bsn_type: Literal["text", "integer"] = "text"
    columns: tuple[ColumnSpec, ...] = ()
    on_invalid: Literal["refuse", "drop"] = "refuse"
    reference_date: datetime.date | None = None
    reference_date_column: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.reference_date is None) == (self.reference_date_column is None):
            raise ValueError("must have either reference_date or reference_date_column")
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("columns hold a name twice")
        return self

    @property
    def source_columns(self) -> list[str]:
        """Names of all needed columns in the source."""
        names = [self.bsn_column, *(column.source_name for column in self.columns)]
        if self.reference_date_column:
            names.append(self.reference_date_column)
        return list(dict.fromkeys(names))

    def column(self, name: str) -> ColumnSpec | None:
        """Return a declared column by its canonical name, None if there is none."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True, repr=False)
class Dataset:
    """A validated table.

    Args:
        bsn: (n,) distinct BSNs.
        columns: canonical name to (n,) values.
        reference_date: how recent the data are; None only for an empty dataset whose rows would have told.
        rejects: what was dropped.
    """

    bsn: NDArray[np.uint32]
    columns: dict[str, NDArray[Any]]
    reference_date: datetime.date | None
    rejects: RejectReport

    @property
    def rows(self) -> int:
        """Valid rows."""
        return len(self.bsn)

    def __repr__(self) -> str:
        return f"Dataset({self.rows} rows, {len(self.columns)} columns, {self.rejects.total} rejected)"


class _GrowingArray:
    """One array that grows in place: millions of rows in parts, and then in one piece, would need twice the memory."""

    def __init__(self, dtype: str) -> None:
        self._values = np.empty(0, dtype=dtype)
        self._rows = 0

    def append(self, values: NDArray[Any]) -> None:
        """Put values behind those that are there."""
        end = self._rows + len(values)
        if end > len(self._values):
            self._resize(max(end, len(self._values) + _ROWS_TO_GROW))
        self._values[self._rows : end] = values
        self._rows = end

    def finish(self) -> NDArray[Any]:
        """Return the array; nothing can be appended any more."""
        self._resize(self._rows)
        return self._values

    def _resize(self, rows: int) -> None:
        # Safe without numpy's check: no view of the array leaves this object before it is finished.
        self._values.resize(rows, refcheck=False)


class DatasetBuilder:
    """Collects batches into a dataset.

    Args:
        spec: the declaration.
        report: where rejected rows are counted; by default one that keeps the first few row numbers.
    """

    def __init__(self, spec: DatasetSpec, report: RejectReport | None = None) -> None:
        self._spec = spec
        self._report = RejectReport() if report is None else report
        self._seen = 0
        self._numbers = _GrowingArray("uint32")
        self._kept = _GrowingArray("bool")
        self._columns = {column.name: _GrowingArray(DTYPES[column.type]) for column in spec.columns}
        self._oldest: np.datetime64 | None = None

    def add(self, batch: pa.Table) -> None:
        """Check and take in one batch.

        Raises:
            DataError: a column is missing or of an impossible type.
        """
        missing = [name for name in self._spec.source_columns if name not in batch.column_names]
        if missing:
            raise missing_columns(self._spec.name, missing, batch.column_names)
        row_numbers = np.arange(self._seen + 1, self._seen + 1 + len(batch), dtype=np.int64)
        self._seen += len(batch)
        numbers, good = self._bsn(batch.column(self._spec.bsn_column), row_numbers)
        kept: dict[str, NDArray[Any]] = {}
        for column in self._spec.columns:
            cells = batch.column(column.source_name)
            if column.type is ColumnType.BSN:
                self._refuse_undeclared_integers(column.source_name, cells.type)
            values, fits = convert(cells, column)
            self._report.add(bad_cell(column.source_name), row_numbers[good & ~fits])
            good = good & fits
            if column.type is ColumnType.BSN:
                good = self._check_second_bsn(column.source_name, values, numbers, row_numbers, good)
            kept[column.name] = values
        if self._spec.reference_date_column:
            good = self._note_dates(batch.column(self._spec.reference_date_column), row_numbers, good)
        self._numbers.append(numbers[good])
        self._kept.append(good)
        for name, values in kept.items():
            self._columns[name].append(values[good])

    def finish(self) -> Dataset:
        """Return the dataset.

        Raises:
            DataError: rows were rejected and the declaration says ``refuse``.
        """
        numbers = self._numbers.finish()
        later = duplicates(numbers)
        if len(later):
            row_numbers = np.flatnonzero(self._kept.finish()) + 1
            self._report.add(Problem.DUPLICATE, row_numbers[later])
        if self._report.total and self._spec.on_invalid == "refuse":
            raise self._refusal()
        columns = {name: _without(values.finish(), later) for name, values in self._columns.items()}
        oldest = self._spec.reference_date
        if self._oldest is not None:
            oldest = self._oldest.astype("datetime64[D]").item()
        return Dataset(_without(numbers, later), columns, oldest, self._report)

    def _bsn(
        self, column: pa.ChunkedArray, row_numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        """Return the BSNs of a batch and which rows have a good one."""
        column = plain_text(column)
        if pa.types.is_integer(column.type):
            self._refuse_undeclared_integers(self._spec.bsn_column, column.type)
            numbers, good = self._bsn_from_integers(column, row_numbers)
        elif is_text(column.type) or pa.types.is_null(column.type):
            numbers, good = self._bsn_from_text(column, row_numbers)
        else:
            raise DataError(
                f"Dataset {self._spec.name}: column {self._spec.bsn_column} has type {column.type}, not text.",
                "Export BSNs as text of nine digits.",
            )
        zero = good & (numbers == 0)
        other = good & ~zero & ~is_of_kind(numbers, self._spec.bsn)
        self._report.add(Problem.ALL_ZEROS, row_numbers[zero])
        self._report.add(Problem.OTHER_KIND, row_numbers[other])
        return numbers, good & ~zero & ~other

    def _bsn_from_text(
        self, column: pa.ChunkedArray, row_numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        text = trimmed(pc.cast(column, pa.string()) if pa.types.is_null(column.type) else column)
        length = pc.utf8_length(text).to_numpy()
        only_digits = pc.match_substring_regex(text, "^[0-9]+$")
        digits = np.asarray(only_digits.to_numpy(zero_copy_only=False), dtype=np.bool_)
        fits = digits & ((length == DIGITS - 1) | (length == DIGITS))
        self._report.add(Problem.EMPTY_BSN, row_numbers[length == 0])
        self._report.add(Problem.NOT_DIGITS, row_numbers[(length > 0) & ~digits])
        self._report.add(Problem.WRONG_LENGTH, row_numbers[digits & ~fits])
        # Eight digits have lost a leading zero, which a number does not need.
        numbers = pc.cast(pc.if_else(pa.array(fits), text, "0"), pa.uint32()).to_numpy()
        return numbers, fits

    def _bsn_from_integers(
        self, column: pa.ChunkedArray, row_numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        there = np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), dtype=np.bool_)
        values = pc.fill_null(column, 0).to_numpy()
        fits = there & (values >= LIMIT // 100) & (values < LIMIT)
        self._report.add(Problem.EMPTY_BSN, row_numbers[~there])
        self._report.add(Problem.WRONG_LENGTH, row_numbers[there & ~fits])
        return np.where(fits, values, 0).astype(np.uint32), fits

    def _refuse_undeclared_integers(self, column: str, kind: pa.DataType) -> None:
        if pa.types.is_integer(kind) and self._spec.bsn_type != "integer":
            raise DataError(
                f"Dataset {self._spec.name}: column {column} holds whole numbers, not text.",
                'Export BSNs as text of nine digits, or say bsn_type = "integer" in the config.',
            )

    def _check_second_bsn(
        self,
        column: str,
        values: NDArray[np.uint32],
        numbers: NDArray[np.uint32],
        row_numbers: NDArray[np.int64],
        good: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Return which good rows stay good: a second BSN is of the declared kind and not the row's own."""
        there = values != NO_KEY
        other = good & there & ~is_of_kind(values, self._spec.bsn)
        own = good & there & ~other & (values == numbers)
        self._report.add(second_of_other_kind(column), row_numbers[other])
        self._report.add(second_is_own(column), row_numbers[own])
        kept: NDArray[np.bool_] = good & ~other & ~own
        return kept

    def _note_dates(
        self, column: pa.ChunkedArray, row_numbers: NDArray[np.int64], good: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        name = self._spec.reference_date_column or ""
        days, fits = convert(column, ColumnSpec(name="reference_date", source=name, type=ColumnType.DATE))
        self._report.add(bad_cell(name), row_numbers[good & ~fits])
        if fits.any():
            oldest = days[fits].min()
            self._oldest = oldest if self._oldest is None else min(self._oldest, oldest)
        return good & fits

    def _refusal(self) -> DataError:
        hint = 'Correct the rows, or say on_invalid = "drop" to leave them out.'
        total = self._report.total
        sentence = f"Dataset {self._spec.name} has {total} invalid row{'s' * (total != 1)}: {self._report.render()}"
        others = self._report.counts.get(Problem.OTHER_KIND, 0)
        if others:
            first = self._report.rows[Problem.OTHER_KIND][0]
            rows = f"row {first} is" if others == 1 else f"row {first} and {others - 1} others are"
            kinds = ", ".join(kind for kind in BsnKind if kind is not self._spec.bsn)
            sentence += f"; declared as {self._spec.bsn}, but {rows} of another kind ({kinds} or unknown)"
            hint = f'Its BSNs are declared as "{self._spec.bsn}": check `bsn` in the config, or the export. ' + hint
        return DataError(f"{sentence}.", hint)


def second_of_other_kind(column: str) -> str:
    """Return the problem of a second BSN that is not of the declared kind; ``column`` is the name in the source."""
    return f"column {column} holds a BSN that is not of the declared kind"


def second_is_own(column: str) -> str:
    """Return the problem of a second BSN that is the row's own; ``column`` is the name in the source."""
    return f"column {column} holds the row's own BSN"


def missing_columns(dataset: str, missing: Sequence[str], present: Sequence[str]) -> DataError:
    """Return the error for columns that a source does not have."""
    if any(map(_looks_like_a_value, present)):
        found = f"it has {len(present)} columns, not named here because one of the names looks like a value"
        hint = "Check that the first line of the source names the columns. "
    else:
        found = f"it has {', '.join(present) or 'none'}"
        hint = ""
    return DataError(
        f"Dataset {dataset} has no column named {', '.join(missing)}; {found}.",
        hint + "Check the names in the config: `bsn_column`, and `source` of each column.",
    )


def _looks_like_a_value(name: str) -> bool:
    """Tell whether a column's name could be a cell of a file without a header line: a BSN, an amount, nothing."""
    digits = sum(character.isdigit() for character in name)
    return digits > _MOST_DIGITS_IN_A_NAME or len(name) > _LONGEST_NAME or not re.search(r"[^\W\d_]", name)


def _without(values: NDArray[Any], positions: NDArray[np.intp]) -> NDArray[Any]:
    return np.delete(values, positions) if len(positions) else values


def duplicates(numbers: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return the positions, ascending, of numbers that stand at an earlier position too; ``NO_KEY`` may repeat."""
    ordered = np.sort(numbers)
    ordered = ordered[: np.searchsorted(ordered, np.uint32(NO_KEY))]
    # The order of positions costs four times as much as the order of values, and is rarely needed.
    if not (ordered[1:] == ordered[:-1]).any():
        return np.empty(0, dtype=np.intp)
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    return np.sort(order[1:][(ordered[1:] == ordered[:-1]) & (ordered[1:] != NO_KEY)])
