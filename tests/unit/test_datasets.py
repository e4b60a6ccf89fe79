"""Datasets as bodies export them: what is read, what is refused, and that no error ever holds a value."""

from __future__ import annotations

import datetime
import sqlite3
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from psi_match.base.errors import ConfigError, DataError, ScenarioError
from psi_match.domain.bsn import format_bsn
from psi_match.domain.columns import ColumnSpec, ColumnType, convert
from psi_match.domain.dataset import Dataset, DatasetSpec
from psi_match.domain.where import Condition, check, select
from psi_match.node.sources import CsvSource, ParquetSource, SqlSource, load
from psi_match.population.numbers import draw_numbers

DAY = datetime.date(2026, 1, 31)
PEOPLE = np.sort(draw_numbers(2000, np.random.default_rng(5)))
SMALL = PEOPLE[(PEOPLE >= 10**7) & (PEOPLE < 10**8)]
"""Numbers whose text has one leading zero."""
LARGE = PEOPLE[PEOPLE >= 10**8]


def spec(**changes: Any) -> DatasetSpec:
    columns = (
        {"name": "open_cents", "source": "Openstaand bedrag", "type": "euros"},
        {"name": "reminder_sent", "source": "Aanmaning", "type": "boolean"},
        {"name": "since", "source": "Oudste vordering", "type": "date"},
        {"name": "gemeente", "source": "Gemeente", "type": "text"},
    )
    given_spec = {"name": "arrears", "bsn": "synthetic", "bsn_column": "BSN", "reference_date": DAY, "columns": columns}
    return DatasetSpec.model_validate(given_spec | changes)


def bare(**changes: Any) -> DatasetSpec:
    return spec(**({"columns": (), "bsn_column": "bsn"} | changes))


def from_csv(tmp_path: Path, content: bytes | str, declared: DatasetSpec, **source: Any) -> Dataset:
    path = tmp_path / "export.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load(declared, CsvSource(kind="csv", path=path, **source))


def refused(tmp_path: Path, content: bytes | str, declared: DatasetSpec, **source: Any) -> str:
    """Load what must be refused; return the error's text after checking that it leaks no digits of the content."""
    with pytest.raises(DataError) as raised:
        from_csv(tmp_path, content, declared, **source)
    assert_no_leak(raised.value, content if isinstance(content, bytes) else content.encode())
    return str(raised.value)


def assert_no_leak(error: DataError, content: bytes) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error) + error.hint
    context: BaseException | None = error
    while context is not None:
        shown += str(context) + repr(context.args)
        context = context.__context__ or context.__cause__
    for cell in content.decode("latin-1").replace("\r", "").replace('"', "").replace("\n", ";").split(";"):
        digits = "".join(character for character in cell if character.isdigit())
        assert len(digits) < 5 or digits not in shown, "a value of a row is in the error"
        assert "geheim" not in shown


def test_an_export_with_everything_that_exports_have(tmp_path: Path) -> None:
    numbers = format_bsn(np.concatenate([SMALL[:2], PEOPLE[-1:]])).tolist()
    content = (
        "\ufeffGemeente;Aanmaning;Openstaand bedrag;Overig;BSN;Oudste vordering\r\n"
        f'"Hof; van Twente";ja;"1.234,56";x;{numbers[0]};31-12-2025\r\n'
        "\r\n"
        f"Ede;NEE;€ 12;;{numbers[1].lstrip('0')};2025-01-02\r\n"
        f'Ede;J;0,5;"a\nb"; {numbers[2]} ;1-2-2024\r\n'
    )
    table = from_csv(tmp_path, content, spec())
    assert format_bsn(table.bsn).tolist() == numbers
    assert table.columns["open_cents"].tolist() == [123456, 1200, 50]
    assert table.columns["reminder_sent"].tolist() == [True, False, True]
    assert table.columns["since"].astype(str).tolist() == ["2025-12-31", "2025-01-02", "2024-02-01"]
    assert table.columns["gemeente"].tolist() == ["Hof; van Twente", "Ede", "Ede"]
    assert table.reference_date == DAY
    assert repr(table) == "Dataset(3 rows, 4 columns, 0 rejected)"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    content = f"x{delimiter}bsn{delimiter}y\n1{delimiter}{PEOPLE[-1]:09d}{delimiter}2\n"
    assert from_csv(tmp_path, content, bare()).rows == 1


def test_windows_1252(tmp_path: Path) -> None:
    content = f"BSN;Gemeente;Openstaand bedrag;Aanmaning;Oudste vordering\n{PEOPLE[9]:09d};Súdwest;1;1;2025-01-01\n"
    table = from_csv(tmp_path, content.encode("windows-1252"), spec(), encoding="windows-1252")
    assert table.columns["gemeente"].tolist() == ["Súdwest"]
    assert "not a readable CSV" in refused(tmp_path, content.encode("windows-1252"), spec())


BAD_BSN = {
    "empty": ("", "the BSN is empty"),
    "letters": ("12345678A", "something else than digits"),
    "name": ("geheim", "something else than digits"),
    "other digits": ("١٢٣٤٥٦٧٨٩", "something else than digits"),
    "seven": ("1234567", "not eight or nine digits"),
    "ten": ("1234567890", "not eight or nine digits"),
    "float": ("123456782.0", "something else than digits"),
    "real": ("123456782", "not of the declared kind"),
    "test": ("999900006", "not of the declared kind"),
    "zero": ("000000000", "not of the declared kind"),
}


@pytest.mark.parametrize("name", BAD_BSN)
def test_a_bad_bsn_is_refused_by_row_number_never_by_value(tmp_path: Path, name: str) -> None:
    value, problem = BAD_BSN[name]
    content = f"x;bsn\n1;{PEOPLE[0]:09d}\n2;{value}\n3;{PEOPLE[1]:09d}\n"
    text = refused(tmp_path, content, bare())
    assert problem in text
    assert "in row 2" in text
    assert "1 invalid row:" in text
    dropped = from_csv(tmp_path, content, bare(on_invalid="drop"))
    assert dropped.bsn.tolist() == PEOPLE[:2].tolist()
    assert dropped.rejects.total == 1
    assert dropped.rejects.rows == {next(iter(dropped.rejects.counts)): [2]}


def test_real_numbers_in_a_synthetic_dataset_get_a_hint(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        from_csv(tmp_path, "bsn\n111222333\n123456782\n", bare())
    assert 'declared as "synthetic"' in raised.value.hint
    assert from_csv(tmp_path, "bsn\n111222333\n123456782\n", bare(bsn="real")).rows == 2
    assert from_csv(tmp_path, "bsn\n999900006\n", bare(bsn="test")).rows == 1
    assert "declared kind" in refused(tmp_path, f"bsn\n{PEOPLE[0]:09d}\n", bare(bsn="real"))


def test_duplicates_are_counted_and_the_first_one_is_kept(tmp_path: Path) -> None:
    one, two = f"{SMALL[0]:09d}", f"{PEOPLE[-1]:09d}"
    content = f"bsn;open\n{one};1\n{two};2\n{one};3\n{one.lstrip('0')};4\n"
    declared = bare(columns=({"name": "open", "type": "cents"},))
    text = refused(tmp_path, content, declared)
    assert "stands in an earlier row in rows 3, 4" in text
    kept = from_csv(tmp_path, content, bare(columns=declared.columns, on_invalid="drop"))
    assert kept.columns["open"].tolist() == [1, 2]
    assert kept.rejects.counts == {"the BSN stands in an earlier row": 2}


def test_only_the_first_rows_of_many_are_named(tmp_path: Path) -> None:
    text = refused(tmp_path, "x;bsn\n" + "1;\n" * 500, bare())
    assert "500 invalid rows" in text
    assert text.count(",") == 19
    assert "and 480 more" in text


def test_no_header_no_rows_no_file(tmp_path: Path) -> None:
    assert "no header line" in refused(tmp_path, "", bare())
    for content in ("bsn\n", "bsn", "bsn\n\n\n"):
        assert from_csv(tmp_path, content, bare()).rows == 0
    with pytest.raises(DataError, match="No such file"):
        load(bare(), CsvSource(kind="csv", path=tmp_path / "absent.csv"))
    with pytest.raises(DataError, match="Is a directory"):
        load(bare(), CsvSource(kind="csv", path=tmp_path))


def test_a_missing_column_names_those_that_are_there(tmp_path: Path) -> None:
    text = refused(tmp_path, "burgerservicenummer;naam\n1;2\n", bare())
    assert "no column named bsn" in text
    assert "burgerservicenummer, naam" in text
    assert "more than once" in refused(tmp_path, "bsn;bsn\n1;2\n", bare())


def test_ragged_rows_and_wrong_bytes_are_refused(tmp_path: Path) -> None:
    text = refused(tmp_path, f"a;bsn\n1;{PEOPLE[0]:09d}\n1;{PEOPLE[1]:09d};geheim\n", bare())
    assert "at row 2" in text
    assert "not a readable CSV" in refused(tmp_path, b"bsn;x\n\xff\xfe987654321;1\n", bare())


BAD_CELLS = {
    "Openstaand bedrag": ("12,345", "1.2345", "twaalf geheim", "1e5", "", "--5", "9" * 20),
    "Aanmaning": ("misschien geheim", "2", ""),
    "Oudste vordering": ("31-02-2025", "2025-13-01", "gisteren", "", "20250101"),
    "Gemeente": ("",),
}


@pytest.mark.parametrize(("column", "cell"), [(column, cell) for column, cells in BAD_CELLS.items() for cell in cells])
def test_a_cell_that_does_not_fit_is_refused_by_row_and_column(tmp_path: Path, column: str, cell: str) -> None:
    good = {"Openstaand bedrag": "1", "Aanmaning": "ja", "Oudste vordering": "2025-01-01", "Gemeente": "Ede"}
    header = ";".join(["BSN", *good])
    rows = [
        ";".join([f"{PEOPLE[0]:09d}", *good.values()]),
        ";".join([f"{PEOPLE[1]:09d}", *(good | {column: cell}).values()]),
    ]
    text = refused(tmp_path, f"{header}\n{rows[0]}\n{rows[1]}\n", spec())
    assert f"column {column} does not fit its type in row 2" in text


@given(st.integers(-(10**13), 10**13), st.sampled_from(["1.234,56", "1234,56", "1234.56", "+"]))
def test_amounts_are_exact(cents: int, style: str) -> None:
    euros, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else "+" if style == "+" else ""
    grouped = f"{euros:,}".replace(",", ".")
    text = {
        "1.234,56": f"{sign}{grouped},{rest:02d}",
        "1234,56": f"{sign}{euros},{rest:02d}",
        "1234.56": f"{sign}{euros}.{rest:02d}",
        "+": f"{sign}{euros},{rest:02d}",
    }[style]
    values, fits = convert(pa.chunked_array([[text]]), ColumnSpec(name="open", type=ColumnType.EUROS))
    assert fits.tolist() == [True]
    assert values.tolist() == [cents]


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_whole_numbers_are_exact(number: int) -> None:
    for kind in (ColumnType.CENTS, ColumnType.INTEGER):
        values, fits = convert(pa.chunked_array([[str(number)]]), ColumnSpec(name="open", type=kind))
        assert fits.all()
        assert values.tolist() == [number]


def test_binary_fractions_are_refused() -> None:
    for kind in (ColumnType.CENTS, ColumnType.EUROS, ColumnType.INTEGER):
        with pytest.raises(DataError, match="double"):
            convert(pa.chunked_array([[1.5]]), ColumnSpec(name="open", type=kind))


def _parquet(path: Path, **columns: Any) -> ParquetSource:
    pq.write_table(pa.table(columns), path)
    return ParquetSource(kind="parquet", path=path)


def test_parquet_with_native_types(tmp_path: Path) -> None:
    source = _parquet(
        tmp_path / "t.parquet",
        BSN=pa.array(format_bsn(PEOPLE[:3])),
        **{
            "Openstaand bedrag": pa.array([1, 2, 3], pa.int32()),
            "Aanmaning": pa.array([True, False, True]),
            "Oudste vordering": pa.array([DAY] * 3, pa.date32()),
            "Gemeente": pa.array(["a", "b", "a"]).dictionary_encode(),
        },
    )
    table = load(spec(), source)
    assert table.columns["open_cents"].tolist() == [100, 200, 300]
    assert table.columns["gemeente"].tolist() == ["a", "b", "a"]


def test_an_integer_bsn_column_must_be_declared(tmp_path: Path) -> None:
    source = _parquet(tmp_path / "t.parquet", bsn=pa.array(LARGE[:3].astype(np.int64)))
    with pytest.raises(DataError, match="whole numbers, not text") as raised:
        load(bare(), source)
    assert 'bsn_type = "integer"' in raised.value.hint
    assert load(bare(bsn_type="integer"), source).bsn.tolist() == LARGE[:3].tolist()
    with pytest.raises(DataError, match="double"):
        load(bare(bsn_type="integer"), _parquet(tmp_path / "f.parquet", bsn=pa.array([1.0])))
    bad = _parquet(tmp_path / "n.parquet", bsn=pa.array([None, -5, 10**9, int(LARGE[0])], pa.int64()))
    assert load(bare(bsn_type="integer", on_invalid="drop"), bad).rejects.total == 3


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    _parquet(path, bsn=pa.array(format_bsn(PEOPLE)))
    content = path.read_bytes()
    for broken in (b"", b"geheim", content[:-20], content[:60] + bytes(400) + content[460:]):
        path.write_bytes(broken)
        with pytest.raises(DataError) as raised:
            load(bare(), ParquetSource(kind="parquet", path=path))
        assert_no_leak(raised.value, b"geheim")


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "bodies.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE arrears (naam TEXT, bsn TEXT, open INTEGER, nummer INTEGER)")
        rows = [("geheim", bsn, i, int(bsn)) for i, bsn in enumerate(format_bsn(PEOPLE).tolist())]
        connection.executemany("INSERT INTO arrears VALUES (?, ?, ?, ?)", rows)
        connection.execute("INSERT INTO arrears VALUES ('x', '12', 1, 1)")
        connection.execute("CREATE TABLE mixed (bsn)")
        connection.execute("INSERT INTO mixed VALUES (123456789), ('geheim')")
    connection.close()
    return f"sqlite:///{path}"


def test_a_table_and_a_query_of_a_database(database: str) -> None:
    declared = bare(columns=({"name": "open", "type": "cents"},), on_invalid="drop")
    from_table = load(declared, SqlSource(kind="sql", url=database, table="arrears"))
    assert from_table.rows == len(PEOPLE)
    assert from_table.rejects.total == 1
    query = "SELECT bsn, open FROM arrears WHERE open < 10 AND length(bsn) = 9"
    from_query = load(declared, SqlSource(kind="sql", url=database, query=query))
    assert from_query.columns["open"].tolist() == list(range(10))
    none = load(declared, SqlSource(kind="sql", url=database, query=query.replace("< 10", "< 0")))
    assert none.rows == 0
    with pytest.raises(DataError, match="whole numbers, not text"):
        load(bare(bsn_column="nummer"), SqlSource(kind="sql", url=database, table="arrears"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"table": "absent"}, "cannot read table absent"),
        ({"query": "SELEKT geheim"}, "cannot read the query"),
        ({"query": "SELECT 1 AS een"}, "no column named bsn"),
        ({"table": "mixed"}, "values of different types"),
    ],
)
def test_database_errors_are_one_sentence(database: str, source: dict[str, str], said: str) -> None:
    with pytest.raises(DataError, match=said) as raised:
        load(bare(), SqlSource.model_validate({"kind": "sql", "url": database} | source))
    assert_no_leak(raised.value, b"geheim")


def test_a_password_in_a_url_never_shows(tmp_path: Path) -> None:
    for url in ("postgresql+absent://cjib:geheim@localhost/x", "geheim", f"sqlite:////{tmp_path}/geheim/absent/x"):
        source = SqlSource.model_validate({"kind": "sql", "url": url, "table": "arrears"})
        assert "geheim" not in repr(source)
        with pytest.raises(DataError) as raised:
            load(bare(), source)
        assert_no_leak(raised.value, b"geheim")
    file = tmp_path / "url"
    file.write_text("geheim\n")
    with pytest.raises(DataError) as raised:
        load(bare(), SqlSource.model_validate({"kind": "sql", "url_file": file, "table": "arrears"}))
    assert_no_leak(raised.value, b"geheim")


def test_the_oldest_reference_date_counts(tmp_path: Path) -> None:
    declared = bare(reference_date=None, reference_date_column="peildatum")
    content = f"bsn;peildatum\n{PEOPLE[0]:09d};2026-01-31\n{PEOPLE[1]:09d};2025-12-31\n"
    assert from_csv(tmp_path, content, declared).reference_date == datetime.date(2025, 12, 31)
    assert from_csv(tmp_path, "bsn;peildatum\n", declared).reference_date is None
    assert "column peildatum does not fit" in refused(tmp_path, content.replace("2026-01-31", "ooit"), declared)
    with pytest.raises(ValueError, match="either reference_date"):
        bare(reference_date_column="peildatum")


def test_many_rows_cross_the_readers_batches(tmp_path: Path) -> None:
    people = draw_numbers(300_000, np.random.default_rng(8))
    lines = "\n".join(f"{bsn};{row}" for row, bsn in enumerate(format_bsn(people).tolist()))
    bad = f"bsn;open\n{lines}\nonzin;1\n{people[0]:09d};2\n"
    declared = bare(columns=({"name": "open", "type": "cents"},))
    with pytest.raises(DataError, match=r"digits in row 300001; .* in row 300002"):
        from_csv(tmp_path, bad, declared)
    table = from_csv(tmp_path, bad, bare(columns=declared.columns, on_invalid="drop"))
    assert np.array_equal(table.bsn, people)
    assert np.array_equal(table.columns["open"], np.arange(300_000))


def _table(tmp_path: Path) -> Dataset:
    rows = [(100, "ja", "2025-01-01", "Ede"), (60000, "nee", "2025-06-01", "Ede"), (60001, "ja", "2026-01-01", "Urk")]
    lines = [f"{bsn:09d};{c // 100},{c % 100:02d};{r};{d};{g}" for bsn, (c, r, d, g) in zip(PEOPLE, rows, strict=False)]
    header = "BSN;Openstaand bedrag;Aanmaning;Oudste vordering;Gemeente\n"
    return from_csv(tmp_path, header + "\n".join(lines) + "\n", spec())


@pytest.mark.parametrize(
    ("conditions", "chosen"),
    [
        ([], [True, True, True]),
        ([("open_cents", "at_least", 60000)], [False, True, True]),
        ([("open_cents", "at_most", 60000)], [True, True, False]),
        ([("open_cents", "equals", 60001)], [False, False, True]),
        ([("reminder_sent", "equals", True)], [True, False, True]),
        ([("since", "at_most", datetime.date(2025, 6, 1))], [True, True, False]),
        ([("gemeente", "equals", "Ede"), ("reminder_sent", "equals", False)], [False, True, False]),
    ],
)
def test_where(tmp_path: Path, conditions: list[tuple[str, Any, Any]], chosen: list[bool]) -> None:
    parsed = [Condition(column=column, operator=operator, value=value) for column, operator, value in conditions]
    check(parsed, spec())
    assert select(_table(tmp_path), parsed).tolist() == chosen


@pytest.mark.parametrize(
    "condition",
    [
        ("absent", "at_least", 1),
        ("open_cents", "at_least", True),
        ("open_cents", "equals", "1"),
        ("reminder_sent", "at_least", True),
        ("reminder_sent", "equals", 1),
        ("gemeente", "at_most", "Ede"),
        ("since", "at_least", 2025),
    ],
)
def test_conditions_that_do_not_fit_are_refused(condition: tuple[str, Any, Any]) -> None:
    column, operator, value = condition
    with pytest.raises(ScenarioError, match=column):
        check([Condition(column=column, operator=operator, value=value)], spec())
    assert issubclass(ScenarioError, ConfigError)
