"""The builder on Arrow tables: declarations, problems per row, wrong kinds, native types, many pieces.

What a body's file goes through from end to end is in test_datasets.py.
"""

from __future__ import annotations

import datetime
import decimal
import itertools
import traceback
import zoneinfo
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from psi_match.base.errors import DataError
from psi_match.domain.bsn import NO_KEY, BsnKind, format_bsn, is_of_kind
from psi_match.domain.columns import ColumnSpec, ColumnType, convert
from psi_match.domain.dataset import (
    Dataset,
    DatasetBuilder,
    DatasetSpec,
    duplicates,
    missing_columns,
    second_is_own,
    second_of_other_kind,
)
from psi_match.domain.rejects import SHOWN_ROWS, Problem, RejectReport, bad_cell

DAY = datetime.date(2026, 1, 31)
_RANGE = np.arange(999_900_000, 10**9, dtype=np.uint32)
TEST_NUMBERS = _RANGE[is_of_kind(_RANGE, BsnKind.TEST)]
SYNTHETIC_NUMBERS = _RANGE[is_of_kind(_RANGE, BsnKind.SYNTHETIC)]
TEST = format_bsn(TEST_NUMBERS).tolist()
SYNTHETIC = format_bsn(SYNTHETIC_NUMBERS).tolist()
REAL = ["111222333", "123456782"]


def declared(**changes: Any) -> DatasetSpec:
    return DatasetSpec.model_validate({"name": "arrears", "bsn": "test", "reference_date": DAY} | changes)


def build(spec: DatasetSpec, *batches: Any) -> Dataset:
    builder = DatasetBuilder(spec)
    for batch in batches:
        builder.add(batch if isinstance(batch, pa.Table) else pa.table(batch))
    return builder.finish()


def refusal(spec: DatasetSpec, *batches: Any, planted: tuple[str, ...] = ()) -> DataError:
    """Build what must be refused, and look for planted values in everything that an error can show."""
    with pytest.raises(DataError) as raised:
        build(spec, *batches)
    shown = all_texts(raised.value)
    assert not [value for value in planted if value in shown]
    return raised.value


def all_texts(error: DataError) -> str:
    assert error.__context__ is None, "a library's error travels along"
    assert error.__cause__ is None
    return "".join([str(error), repr(error), error.hint, *traceback.format_exception(error)])


def column(kind: str, **more: str) -> tuple[dict[str, str], ...]:
    return ({"name": "value", "type": kind} | more,)


def values_of(array: pa.Array, kind: str) -> list[Any]:
    """Convert a column; None where a cell does not fit."""
    values, fits = convert(pa.chunked_array([array]), ColumnSpec(name="value", type=ColumnType(kind)))
    return [value if fit else None for value, fit in zip(values.tolist(), fits.tolist(), strict=True)]


# Declarations


@pytest.mark.parametrize(
    "changes",
    [
        {"reference_date": None},
        {"reference_date_column": "peildatum"},
        {"columns": (*column("cents"), *column("text"))},
        {"unknown": 1},
        {"bsn": "echt"},
        {"bsn_type": "float"},
        {"on_invalid": "ignore"},
        {"name": "No Name"},
    ],
)
def test_wrong_declarations_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declared(**changes)


def test_each_source_column_is_asked_for_once() -> None:
    spec = declared(
        reference_date=None,
        reference_date_column="peildatum",
        bsn_column="BSN",
        columns=({"name": "day", "source": "peildatum", "type": "date"}, {"name": "code", "type": "text"}),
    )
    assert spec.source_columns == ["BSN", "peildatum", "code"]
    assert spec.column("day") == spec.columns[0]
    assert spec.column("peildatum") is None


# Problems


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (None, Problem.EMPTY_BSN),
        ("", Problem.EMPTY_BSN),
        (" \t", Problem.EMPTY_BSN),
        ("99990000O6", Problem.NOT_DIGITS),
        ("99990000²", Problem.NOT_DIGITS),
        ("٩٩٩٩٠٠٠٠٦", Problem.NOT_DIGITS),
        ("9999.00.006", Problem.NOT_DIGITS),
        ("9999 00006", Problem.NOT_DIGITS),
        ("+99900006", Problem.NOT_DIGITS),
        ("999900006\0", Problem.NOT_DIGITS),
        ("9999000", Problem.WRONG_LENGTH),
        ("0999900006", Problem.WRONG_LENGTH),
        ("9" * 40, Problem.WRONG_LENGTH),
        ("000000000", Problem.ALL_ZEROS),
        ("00000000", Problem.ALL_ZEROS),
        (REAL[0], Problem.OTHER_KIND),
        (SYNTHETIC[0], Problem.OTHER_KIND),
        (TEST[0], Problem.DUPLICATE),
    ],
)
def test_each_problem_is_told_by_its_name_and_row(cell: str | None, problem: Problem) -> None:
    table = {"bsn": pa.array([TEST[0], TEST[1], cell, TEST[2]], pa.string())}
    error = refusal(declared(), table, planted=tuple(filter(None, [(cell or "").strip(), *TEST[:3]])))
    assert str(error).startswith(f"Dataset arrears has 1 invalid row: {problem} in row 3")
    assert 'on_invalid = "drop"' in error.hint
    kept = build(declared(on_invalid="drop"), table)
    assert kept.bsn.tolist() == TEST_NUMBERS[:3].tolist()
    assert (kept.rejects.counts, kept.rejects.rows) == ({problem: 1}, {problem: [3]})


def test_a_row_counts_once_for_its_first_problem() -> None:
    spec = declared(columns=column("cents"), reference_date=None, reference_date_column="day", on_invalid="drop")
    dataset = build(spec, {"bsn": ["x", TEST[0], TEST[1]], "value": ["x", "x", "1"], "day": ["x", "x", "x"]})
    assert dataset.rows == 0
    assert dataset.rejects.rows == {
        Problem.NOT_DIGITS: [1],
        "column value does not fit its type": [2],
        "column day does not fit its type": [3],
    }


def test_rows_of_another_kind_get_a_sentence_of_their_own() -> None:
    error = refusal(declared(bsn="synthetic"), {"bsn": [SYNTHETIC[0], *REAL, *TEST[:3]]}, planted=(*REAL, *TEST[:3]))
    assert "declared as synthetic, but row 2 and 4 others are of another kind (real, test or unknown)" in str(error)
    one = refusal(declared(bsn="real"), {"bsn": [*REAL, TEST[0]]}, planted=(TEST[0], *REAL))
    assert "declared as real, but row 3 is of another kind (synthetic, test or unknown)." in str(one)


@pytest.mark.parametrize("kind", list(BsnKind))
def test_a_dataset_of_only_another_kind_is_refused_as_clearly(kind: BsnKind) -> None:
    numbers = REAL if kind is not BsnKind.REAL else SYNTHETIC[:2]
    error = refusal(declared(bsn=kind), {"bsn": numbers}, planted=tuple(numbers))
    assert f"declared as {kind}, but row 1 and 1 others are of another kind" in str(error)


def test_wrong_length_alone_says_nothing_of_kinds() -> None:
    assert "another kind" not in str(refusal(declared(), {"bsn": ["1"]}))


def test_duplicates_in_different_batches_and_after_dropped_rows() -> None:
    spec = declared(columns=column("integer"), on_invalid="drop")
    batches = (
        {"bsn": ["", TEST[5], TEST[6]], "value": ["0", "1", "2"]},
        {"bsn": [TEST[6], "x", TEST[7]], "value": ["3", "4", "5"]},
        {"bsn": [f" {TEST[5]} ", TEST[4]], "value": ["6", "7"]},
    )
    dataset = build(spec, *batches)
    assert format_bsn(dataset.bsn).tolist() == [TEST[5], TEST[6], TEST[7], TEST[4]]
    assert dataset.columns["value"].tolist() == [1, 2, 5, 7]
    assert dataset.rejects.rows == {Problem.EMPTY_BSN: [1], Problem.DUPLICATE: [4, 7], Problem.NOT_DIGITS: [5]}


def test_eight_digits_and_their_nine_are_the_same_person() -> None:
    small = next(number for number in range(80_000_000, 80_000_100) if is_synthetic(number))
    error = refusal(declared(bsn="synthetic"), {"bsn": [str(small), f"{small:09}"]}, planted=(str(small),))
    assert f"{Problem.DUPLICATE} in row 2" in str(error)


def is_synthetic(number: int) -> bool:
    return bool(is_of_kind(np.array([number], dtype=np.uint32), BsnKind.SYNTHETIC).all())


def test_a_report_shows_the_first_rows_and_counts_the_others() -> None:
    report = RejectReport()
    for start in (1, 16, 31):
        report.add(Problem.EMPTY_BSN, np.arange(start, start + 15))
    report.add(Problem.DUPLICATE, np.array([], dtype=np.int64))
    assert report.rows == {Problem.EMPTY_BSN: list(range(1, SHOWN_ROWS + 1))}
    assert report.total == 45
    assert report.render().endswith("18, 19, 20 and 25 more")


def test_all_rows_are_dropped_and_nothing_is_left() -> None:
    dataset = build(declared(columns=column("text"), on_invalid="drop"), {"bsn": REAL, "value": ["a", "b"]})
    assert (dataset.rows, dataset.rejects.total, dataset.columns["value"].tolist()) == (0, 2, [])
    assert repr(dataset) == "Dataset(0 rows, 1 columns, 2 rejected)"


# Columns that are not what they should be


def test_a_missing_column_is_named_with_those_that_exist() -> None:
    error = refusal(declared(columns=column("cents")), {"bsn": [TEST[0]], "bedrag_2024": ["1"]}, planted=(TEST[0],))
    assert str(error) == "Dataset arrears has no column named value; it has bsn, bedrag_2024."


@pytest.mark.parametrize("planted", [TEST[0], "9999.00.006", "geheim 99990OO06", "120,50", "", "x" * 61, "1-2-1980"])
def test_names_that_may_be_values_are_never_shown(planted: str) -> None:
    error = missing_columns("arrears", ["bsn"], ["Jansen", planted])
    assert "Jansen" not in all_texts(error)
    assert not planted or planted not in all_texts(error)
    assert "it has 2 columns" in str(error)


@pytest.mark.parametrize("planted", [999_900_006.0, decimal.Decimal(999900006), True, b"999900006", DAY])
@pytest.mark.parametrize("bsn_type", ["text", "integer"])
def test_bsns_of_impossible_types_are_always_refused(planted: Any, bsn_type: str) -> None:
    error = refusal(declared(bsn_type=bsn_type), {"bsn": pa.array([planted])}, planted=(TEST[0],))
    assert "column bsn has type" in str(error)


def test_whole_numbers_are_refused_with_the_way_out() -> None:
    table = {"bsn": pa.array(TEST_NUMBERS[:2].astype(np.int64))}
    error = refusal(declared(), table, planted=tuple(TEST[:2]))
    assert "column bsn" in str(error)
    assert 'bsn_type = "integer"' in error.hint
    assert build(declared(bsn_type="integer"), table).rows == 2


def test_text_is_read_where_whole_numbers_are_expected() -> None:
    assert build(declared(bsn_type="integer"), {"bsn": TEST[:2]}).rows == 2


@pytest.mark.parametrize("encode", [pa.large_string(), pa.string_view(), "dictionary"])
def test_texts_in_other_encodings(encode: Any) -> None:
    texts = pa.array(TEST[:3]).dictionary_encode() if encode == "dictionary" else pa.array(TEST[:3], encode)
    assert build(declared(columns=column("text", source="bsn")), {"bsn": texts}).columns["value"].tolist() == TEST[:3]


def test_a_column_of_nothing_is_all_empty() -> None:
    table = {"bsn": pa.array(TEST[:2]), "value": pa.nulls(2)}
    for kind in set(ColumnType) - {ColumnType.BSN}:
        assert build(declared(columns=column(kind), on_invalid="drop"), table).rejects.total == 2
    assert build(declared(on_invalid="drop"), {"bsn": pa.nulls(2)}).rejects.counts == {Problem.EMPTY_BSN: 2}


# A second BSN


PARTNERS = declared(columns=column("bsn"))


def test_a_partner_may_be_there_or_not() -> None:
    for empty in (None, "", "  "):
        dataset = build(PARTNERS, {"bsn": TEST[:3], "value": [TEST[7], empty, f" {TEST[0]} "]})
        assert dataset.columns["value"].tolist() == [TEST_NUMBERS[7], NO_KEY, TEST_NUMBERS[0]]
        assert dataset.columns["value"].dtype == np.uint32
        assert dataset.rejects.total == 0
    assert build(PARTNERS, {"bsn": TEST[:2], "value": pa.nulls(2)}).columns["value"].tolist() == [NO_KEY, NO_KEY]
    assert build(PARTNERS, {"bsn": TEST[:1], "value": pa.array([TEST[1]], pa.string_view())}).rows == 1


def test_a_partner_without_a_leading_zero_is_read_like_the_first_bsn() -> None:
    short = np.arange(12345600, 12345700, dtype=np.uint32)
    first, second = short[is_of_kind(short, BsnKind.SYNTHETIC)][:2].tolist()
    spec = declared(bsn="synthetic", columns=column("bsn"))
    dataset = build(spec, {"bsn": [f"{first:09}"], "value": [str(second)]})
    assert (dataset.bsn.tolist(), dataset.columns["value"].tolist()) == ([first], [second])


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("12345678A", bad_cell("partner")),
        ("1234567", bad_cell("partner")),
        ("9999000060", bad_cell("partner")),
        ("٩٩٩٩٠٠٠٠٦", bad_cell("partner")),
        ("999900006.0", bad_cell("partner")),
        ("-", bad_cell("partner")),
        ("000000000", second_of_other_kind("partner")),
        (REAL[0], second_of_other_kind("partner")),
        (SYNTHETIC[0], second_of_other_kind("partner")),
        (TEST[1], second_is_own("partner")),
    ],
)
def test_what_is_wrong_with_a_partner_is_told_by_row(cell: str, problem: str) -> None:
    table = {"bsn": TEST[:3], "partner": ["", cell, TEST[9]]}
    spec = declared(columns=column("bsn", source="partner"), on_invalid="drop")
    dataset = build(spec, table)
    assert dataset.rejects.counts == {problem: 1}
    assert dataset.rejects.rows == {problem: [2]}
    assert dataset.bsn.tolist() == [TEST_NUMBERS[0], TEST_NUMBERS[2]]
    assert dataset.columns["value"].tolist() == [NO_KEY, TEST_NUMBERS[9]]
    error = refusal(declared(columns=column("bsn", source="partner")), table, planted=(cell, *TEST[:3]))
    assert f"{problem} in row 2" in str(error)


def test_a_row_counts_once_for_its_first_bsn() -> None:
    spec = declared(columns=column("bsn"), on_invalid="drop")
    assert build(spec, {"bsn": ["x"], "value": ["y"]}).rejects.counts == {Problem.NOT_DIGITS: 1}


def test_partners_as_whole_numbers_only_where_the_dataset_says_so() -> None:
    table = {"bsn": TEST[:3], "value": pa.array([int(TEST[5]), None, 7], pa.int64())}
    error = refusal(PARTNERS, table, planted=tuple(TEST[:6]))
    assert 'bsn_type = "integer"' in error.hint
    assert "column value holds whole numbers" in str(error)
    spec = declared(columns=column("bsn"), bsn_type="integer", on_invalid="drop")
    dataset = build(spec, table)
    assert dataset.columns["value"].tolist() == [TEST_NUMBERS[5], NO_KEY]
    assert dataset.rejects.counts == {bad_cell("value"): 1}


@pytest.mark.parametrize("kind", [pa.float64(), pa.bool_(), pa.date32()])
def test_partners_of_another_type_are_refused(kind: pa.DataType) -> None:
    table = {"bsn": TEST[:1], "value": pa.nulls(1, kind)}
    assert "cannot be read as bsn" in str(refusal(PARTNERS, table))


def test_a_partner_may_be_a_row_too_and_stand_twice() -> None:
    """Two rows with one partner are for the join to refuse: a dataset does not know which columns are keys."""
    assert build(PARTNERS, {"bsn": TEST[:3], "value": [TEST[1], TEST[0], TEST[1]]}).rows == 3


def test_later_occurrences_of_a_number_are_found() -> None:
    numbers = np.array([5, NO_KEY, 3, 5, NO_KEY, 3, 4, 5], dtype=np.uint32)
    assert duplicates(numbers).tolist() == [3, 5, 7]
    assert duplicates(np.array([NO_KEY, 1, NO_KEY], dtype=np.uint32)).tolist() == []
    assert duplicates(np.array([], dtype=np.uint32)).tolist() == []


# Values


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("1234,56", 123456),
        ("1.234,56", 123456),
        ("1234.56", 123456),
        ("1.234.567,8", 123456780),
        ("1.234", 123400),
        ("1.23", 123),
        ("0,05", 5),
        ("-0,05", -5),
        ("+7", 700),
        ("€ 1.000,00", 100000),
        ("12 EUR", 1200),
        ("0,1", 10),
        ("9007199254740,93", 900719925474093),
        *[
            (bad, None)
            for bad in ("", "-", ",", "5,", ",5", "1,234", "1.23,4", "12.34.56", "1e3", "1 000", "\u0661", "0x1")
        ],
    ],
)
def test_amounts_as_they_are_written(text: str, cents: int | None) -> None:
    assert values_of(pa.array([text, "1"]), "euros") == [cents, 100]


def test_amounts_in_native_types() -> None:
    amounts = [decimal.Decimal("10.5"), None, decimal.Decimal("-0.05"), decimal.Decimal("1234567.89")]
    assert values_of(pa.array(amounts), "euros") == [1050, None, -5, 123456789]
    assert values_of(pa.array([decimal.Decimal(1000)]), "cents") == [1000]
    assert values_of(pa.array([12, None], pa.int16()), "euros") == [1200, None]
    for impossible in (pa.array([1.5]), pa.array([decimal.Decimal("1.005")]), pa.array([True])):
        with pytest.raises(DataError, match="cannot be read as euros"):
            values_of(impossible, "euros")


def test_amounts_that_would_leave_64_bits_do_not_fit() -> None:
    assert values_of(pa.array([10**15 - 1, 10**17, -(10**17), -(2**63)]), "euros") == [10**17 - 100, None, None, None]


@pytest.mark.parametrize("kind", ["cents", "integer"])
def test_whole_numbers_as_they_are_written(kind: str) -> None:
    texts = ["007", "-3", "+4", " 5 ", "", "1,5", "1.000", "1e3", "--1", "9" * 16, "abc"]
    assert values_of(pa.array(texts), kind) == [7, -3, 4, 5] + [None] * 7


def test_yes_and_no() -> None:
    texts = ["ja", "Nee", "J", "n", "TRUE", "false", "1", "0", "waar", "onwaar", "", "2", "ja!"]
    assert values_of(pa.array(texts), "boolean") == [True, False] * 5 + [None] * 3
    assert values_of(pa.array([True, None, False]), "boolean") == [True, None, False]
    assert values_of(pa.array([1, 0, 2, None]), "boolean") == [True, False, None, None]


def test_dates_as_they_are_written() -> None:
    assert values_of(pa.array(["2024-02-29", "29-02-2024", "1-3-2024"]), "date") == [
        datetime.date(2024, 2, 29),
        datetime.date(2024, 2, 29),
        datetime.date(2024, 3, 1),
    ]
    impossible = [
        "2023-02-29",
        "31-04-2024",
        "2024-00-10",
        "2024-13-01",
        "2024-01-00",
        "0000-01-01",
        "20240101",
        "1/2/24",
    ]
    assert values_of(pa.array(impossible), "date") == [None] * len(impossible)


def test_all_days_of_some_years_and_no_others() -> None:
    def exists(year: int, month: int, day: int) -> datetime.date | None:
        try:
            return datetime.date(year, month, day)
        except ValueError:
            return None

    parts = list(itertools.product((1900, 2000, 2023, 2024), range(14), range(33)))
    for pattern in ("{0:04}-{1:02}-{2:02}", "{2:02}-{1:02}-{0:04}"):
        texts = [pattern.format(*part) for part in parts]
        assert values_of(pa.array(texts), "date") == [exists(*part) for part in parts]


def test_dates_in_native_types() -> None:
    midnight = datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Amsterdam"))
    local = pa.array([midnight], pa.timestamp("us", "Europe/Amsterdam"))
    assert values_of(local, "date") == [datetime.date(2026, 1, 1)], "the day on the clock there, not that of UTC"
    assert values_of(pa.array([DAY, None]), "date") == [DAY, None]
    assert values_of(pa.array([4_000_000], pa.date32()), "date") == [None]


def test_texts_share_one_object_and_take_part_whatever_their_length() -> None:
    long = "lang " * 50 + "x"
    dataset = build(
        declared(columns=column("text")),
        {"bsn": TEST[:3], "value": ["a", long, "a"]},
        {"bsn": TEST[3:5], "value": ["b", long]},
    )
    values = dataset.columns["value"]
    assert values.tolist() == ["a", long, "a", "b", long]
    assert values[0] is values[2]
    assert values_of(pa.array([12, None]), "text") == ["12", None]


# Reference dates


def test_the_oldest_date_counts_also_of_a_dropped_row() -> None:
    spec = declared(reference_date=None, reference_date_column="day", on_invalid="drop")
    table = {"bsn": [TEST[0], "x"], "day": ["2026-01-31", "30-01-2026"]}
    assert build(spec, table).reference_date == datetime.date(2026, 1, 30)
    assert build(spec, {"bsn": TEST[:1], "day": [DAY]}, {"bsn": TEST[1:2], "day": [DAY]}).reference_date == DAY


def test_an_empty_dataset_is_legal() -> None:
    nothing = {"bsn": pa.array([], pa.string()), "value": pa.array([], pa.string())}
    for kind in ColumnType:
        dataset = build(declared(columns=column(kind)), nothing)
        assert (dataset.rows, dataset.reference_date) == (0, DAY)
    dated = declared(reference_date=None, reference_date_column="value")
    assert build(dated, nothing).reference_date is None
    assert build(declared()).rows == 0


def test_tables_in_several_pieces_are_one_batch() -> None:
    pieces = pa.concat_tables([pa.table({"bsn": TEST[i : i + 7], "value": ["ja"] * 7}) for i in range(0, 70, 7)])
    dataset = build(declared(columns=column("boolean")), pieces)
    assert np.array_equal(dataset.bsn, TEST_NUMBERS[:70])
    assert dataset.columns["value"].all()


def test_more_rows_than_the_arrays_grow_by() -> None:
    everyone = np.arange(10**8, 10**8 + 13_000_000, dtype=np.uint32)
    numbers = everyone[is_of_kind(everyone, BsnKind.SYNTHETIC)][:1_100_000]
    halves = np.array_split(numbers, 2)
    spec = declared(bsn="synthetic", bsn_type="integer", columns=column("integer", source="bsn"))
    dataset = build(spec, *({"bsn": pa.array(half)} for half in halves))
    assert np.array_equal(dataset.bsn, numbers)
    assert np.array_equal(dataset.columns["value"], numbers)
