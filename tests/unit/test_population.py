"""Populations: numbers of nobody, exact quotas, dependent arrears, equal bytes for equal seeds, private files.

Households, clients and debt help are in test_population_households.py.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from psi_match.base.errors import DataError, InternalError, UsageError
from psi_match.domain.bsn import BsnKind
from psi_match.domain.columns import ColumnSpec, ColumnType
from psi_match.domain.dataset import DatasetBuilder, DatasetSpec
from psi_match.population import calibration
from psi_match.population.ages import AGE_GROUPS
from psi_match.population.choices import Choices
from psi_match.population.claims import INSTALMENT_BODIES, Claims, draw_claims, draw_instalments
from psi_match.population.generate import MAX_PERSONS, generate
from psi_match.population.membership import ARREARS_BODIES, CORE_BODIES, TABLE
from psi_match.population.municipalities import draw_municipalities
from psi_match.population.numbers import AVAILABLE, draw_numbers
from psi_match.population.people import PARTIES, draw_people
from psi_match.population.streams import stream
from psi_match.population.truth import read_truth, read_whole_truth

IDS = list(ARREARS_BODIES)
WITH_FILES = [body for body in IDS if body != "duo"]
DATE = datetime.date(2026, 1, 1)
SMALL = Path(__file__).parents[2] / "synthetic_data" / "small"
DAY = {"peildatum": pa.date32()}
BSN = {"bsn": pa.string()}
CLAIMS = {"open_cents": pa.int64(), "oldest_claim_months": pa.int16(), "reminder_sent": pa.bool_()}
CLIENTS = {"household_type": pa.int16(), "income_cents": pa.int64()}
HOUSEHOLDS = {"aow_cents": pa.int64()} | dict.fromkeys(
    ("has_partner", "lives_in_nl", "receives_aio", "candidate"), pa.bool_()
)
SCHEMAS = {
    **{f"{body}/arrears": pa.schema(BSN | CLAIMS | DAY) for body in ("svb", "uwv")},
    **{
        f"{body}/arrears": pa.schema(BSN | CLAIMS | {"instalment_cents": pa.int64(), "municipality": pa.int16()} | DAY)
        for body in INSTALMENT_BODIES
    },
    "svb/aow_households": pa.schema(BSN | {"partner_bsn": pa.string()} | HOUSEHOLDS | DAY),
    "uwv/income": pa.schema(BSN | {"income_cents": pa.int64()} | DAY),
    "uwv/clients": pa.schema(BSN | CLIENTS | DAY),
    "belastingdienst/means": pa.schema(BSN | {"other_income_cents": pa.int64(), "assets_cents": pa.int64()} | DAY),
    **{f"{name}/debt_help": pa.schema(BSN | DAY) for name in ("gemeente-a", "gemeente-b")},
    **{f"{party}/opt_outs": pa.schema(BSN | DAY) for party in PARTIES if party != "duo"},
}
TRUTHS = ("truth", "truth_households", "truth_clients", "truth_debt_help", "truth_opt_outs")


def remainder(bsn: str) -> int:
    """The 11-proef by hand, sharing nothing with the code under test."""
    assert re.fullmatch(r"[0-9]{9}", bsn)
    return sum(weight * int(digit) for weight, digit in zip((9, 8, 7, 6, 5, 4, 3, 2, -1), bsn, strict=True)) % 11


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def present(people: pd.DataFrame, body: str) -> np.ndarray:
    return people[f"{body}_present"].to_numpy()


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return draw_people(100_000, 1).arrears


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("population") / "out"
    generate(20_000, 3, out, DATE)
    return out


def claims_of(body: str, count: int) -> Claims:
    """Claims of people at one body only."""
    return draw_claims(body, np.ones(count, dtype=np.int64), np.zeros(count), stream(1, "test"))


# Numbers


def test_as_many_numbers_leave_remainder_one_as_the_module_says() -> None:
    counts = [1] + [0] * 10
    for weight in (9, 8, 7, 6, 5, 4, 3, 2, -1):
        counts = [sum(counts[(rest - weight * digit) % 11] for digit in range(10)) for rest in range(11)]
    assert counts[1] == AVAILABLE


def test_numbers_are_distinct_and_nobodys() -> None:
    drawn = [f"{number:09}" for number in draw_numbers(20_000, stream(1, "test")).tolist()]
    assert len(set(drawn)) == 20_000
    assert {remainder(bsn) for bsn in drawn} == {1}
    assert {bsn[0] for bsn in drawn} == set("0123456789")
    assert {bsn[-1] for bsn in drawn} == set("0123456789")


@pytest.mark.parametrize("count", [-1, AVAILABLE // 2 + 1])
def test_impossible_counts_of_numbers_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        draw_numbers(count, stream(1, "test"))


# Who, where, how much


@pytest.mark.parametrize(
    ("persons", "expected"),
    [
        (0, (0, 0, 0, 0, 0, 0, 0)),
        (1, (0, 0, 0, 0, 0, 0, 0)),
        (50, (1, 3, 3, 1, 0, 0, 0)),
        (17_900, (250, 1050, 900, 200, 30, 100, 150)),
    ],
)
def test_quotas_are_exact(persons: int, expected: tuple[int, ...]) -> None:
    people = draw_people(persons, 5).arrears
    assert tuple(int(present(people, body).sum()) for body in IDS) == expected


def test_arrears_depend_on_each_other(people: pd.DataFrame) -> None:
    adults = 100_000 * 14.5 / 17.9
    all_four = np.logical_and.reduce([present(people, body) for body in CORE_BODIES]).sum()
    independent = adults * np.prod([present(people, body).sum() / adults for body in CORE_BODIES])
    assert all_four > 1000 * independent
    assert all_four == 335  # 60,000 of 17.9 million


def test_two_in_three_of_cjib_are_at_belastingdienst_or_toeslagen(people: pd.DataFrame) -> None:
    elsewhere = present(people, "belastingdienst") | present(people, "toeslagen")
    assert elsewhere[present(people, "cjib")].mean() == pytest.approx(2 / 3, abs=0.002)


@pytest.mark.parametrize("tax_as_one", [False, True])
def test_a_quarter_of_all_debtors_is_at_two_bodies_or_more(tax_as_one: bool) -> None:
    people = draw_people(100_000, 1, Choices(tax_as_one=tax_as_one)).arrears
    bodies = np.sum([present(people, body) for body in IDS], axis=0)
    if tax_as_one:
        bodies = bodies - (present(people, "belastingdienst") & present(people, "toeslagen"))
    assert bodies.min() == 1
    assert (bodies >= 2).mean() == pytest.approx(0.25, abs=0.001)
    assert len(people) == pytest.approx(1_950_000 / 17_900_000 * 100_000, abs=10)


def test_people_at_more_bodies_owe_more_to_each(people: pd.DataFrame) -> None:
    bodies = np.sum([present(people, body) for body in IDS], axis=0)
    owed = people["belastingdienst_open_cents"][present(people, "belastingdienst")]
    several = pd.Series(bodies, index=people.index)[owed.index] >= 4
    assert np.median(owed[several]) > 1.2 * np.median(owed[~several])


def test_people_are_in_arrears_at_the_ages_of_the_table(people: pd.DataFrame) -> None:
    shares = people["age_group"].value_counts(normalize=True).sort_index()
    wanted = [calibration.figure("age_groups", "nl", f"debtors_{age}") for age in AGE_GROUPS]
    assert shares.to_numpy() == pytest.approx(wanted, abs=0.001)


def test_people_with_aow_are_in_the_last_age_group() -> None:
    drawn = draw_people(50_000, 2)
    homes = drawn.households[drawn.households["lives_in_nl"]]
    with_aow = {*homes["person"], *homes["partner"][homes["has_partner"] & ~homes["partner_young"]]}
    old = drawn.arrears["person"][drawn.arrears["age_group"] == len(AGE_GROUPS) - 1]
    assert len(old) > 100
    assert set(old) <= with_aow
    assert not set(drawn.arrears["person"][drawn.arrears["age_group"] < len(AGE_GROUPS) - 1]) & with_aow


def test_household_types_are_those_of_the_other_files() -> None:
    drawn = draw_people(100_000, 2)
    types = drawn.arrears.set_index("person")["household_type"]
    assert set(types) == {1, 2, 3}
    clients = drawn.clients.set_index("person")["household_type"]
    both = types.index.intersection(clients.index)
    assert len(both) > 100
    assert (types[both] == clients[both]).all()
    alone = drawn.households["person"][~drawn.households["has_partner"] & drawn.households["lives_in_nl"]]
    assert set(types[types.index.intersection(alone)]) == {1}


@pytest.mark.parametrize("body", IDS)
def test_amounts_have_the_median_of_the_table_and_a_heavy_tail(body: str) -> None:
    euros = claims_of(body, 50_000).open_cents / 100
    assert np.median(euros) == pytest.approx(calibration.figure(TABLE, body, "median"), rel=0.001)
    sigma = calibration.figure(TABLE, body, "sigma")
    assert np.std(np.log(euros)) == pytest.approx(sigma, rel=0.001)
    assert euros.min() >= 0.01
    assert euros.mean() > 1.4 * np.median(euros)


def test_ages_are_skewed_and_older_claims_got_more_reminders() -> None:
    claims = claims_of("cjib", 50_000)
    months, reminded = claims.oldest_claim_months, claims.reminder_sent
    assert months.min() == 0
    assert months.max() == 120
    assert months.mean() > np.median(months)
    shares = [reminded[(months >= low) & (months < high)].mean() for low, high in [(0, 1), (1, 3), (3, 7), (7, 121)]]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] > 0.9


def test_absent_people_owe_nothing(people: pd.DataFrame) -> None:
    for body in IDS:
        absent = people[~people[f"{body}_present"]]
        assert not absent[[f"{body}_open_cents", f"{body}_oldest_claim_months", f"{body}_reminder_sent"]].any(axis=None)
        assert (people[people[f"{body}_present"]][f"{body}_open_cents"] >= 1).all()


@pytest.mark.parametrize("body", INSTALMENT_BODIES)
def test_an_arrangement_spreads_what_is_open(body: str) -> None:
    open_cents = claims_of(body, 50_000).open_cents
    instalments = draw_instalments(body, open_cents, stream(2, "test"))
    has = instalments > 0
    assert has.mean() == pytest.approx(calibration.figure(TABLE, body, "arrangement_share"), rel=0.05)
    assert (instalments <= open_cents).all()
    months = calibration.figure(TABLE, body, "arrangement_months")
    bounded = has & (instalments >= 1500) & (instalments < 75000) & (instalments < open_cents)
    assert bounded.sum() > 100
    assert (instalments[bounded] >= open_cents[bounded] / months).all()
    assert instalments.max() == 75000
    assert (instalments[has & (open_cents < 1500)] == open_cents[has & (open_cents < 1500)]).all()


def test_municipalities_have_the_codes_and_sizes_of_the_table(people: pd.DataFrame) -> None:
    sizes = pd.read_csv(calibration.calibration_file("municipality_sizes.csv"))
    assert len(sizes) == 352
    assert sizes["value"].sum() == pytest.approx(17_590_672, rel=0.001)  # CBS, 1 January 2022
    shares = people["municipality"].value_counts(normalize=True)
    assert set(shares.index) <= set(sizes["body"].str.removeprefix("GM").astype(int))
    # By chance among people in arrears: four standard deviations are 0.009.
    assert shares[363] == pytest.approx(883_487 / sizes["value"].sum(), abs=0.009)
    everyone = pd.Series(draw_municipalities(100_000, 1)).value_counts()
    for body, inhabitants in zip(sizes["body"], sizes["value"], strict=True):
        expected = inhabitants / sizes["value"].sum() * 100_000
        assert abs(everyone.get(int(body.removeprefix("GM")), 0) - expected) < 1


# Files


def test_truth_is_the_union_of_the_folders(population: Path) -> None:
    truth = read_truth(population / "truth.parquet").set_index("bsn")
    everyone: set[str] = set(truth.index[truth["duo_present"]])
    for body in WITH_FILES:
        own = pd.read_parquet(population / body / "arrears.parquet").set_index("bsn")
        everyone |= set(own.index)
        expected = truth[truth[f"{body}_present"]].loc[own.index]
        for column in ("open_cents", "oldest_claim_months", "reminder_sent"):
            assert (own[column] == expected[f"{body}_{column}"]).all()
        if body in INSTALMENT_BODIES:
            assert (own["instalment_cents"] == expected[f"{body}_instalment_cents"]).all()
            assert (own["municipality"] == expected["municipality"]).all()
        assert len(own) == truth[f"{body}_present"].sum()
    assert everyone == set(truth.index)
    assert truth.index.is_unique


def test_no_number_in_any_file_passes_the_11_proef(population: Path) -> None:
    for path in population.rglob("*.parquet"):
        table = pq.read_table(path)
        for name in {"bsn", "partner_bsn"} & set(table.column_names):
            assert {remainder(bsn) for bsn in table[name].to_pylist() if bsn is not None} == {1}


def test_nobody_stands_in_a_file_twice(population: Path) -> None:
    for path in population.glob("*/*.parquet"):
        numbers = pd.read_parquet(path)["bsn"]
        assert numbers.is_unique


@pytest.mark.parametrize("persons", [0, 1, 50])
def test_small_populations_have_all_files_and_columns(tmp_path: Path, persons: int) -> None:
    generate(persons, 1, tmp_path / "out", DATE)
    names = {f"{name}.parquet" for name in (*SCHEMAS, *TRUTHS)} | {"population.json"}
    assert files(tmp_path / "out").keys() == names
    for name, schema in SCHEMAS.items():
        table = pq.read_table(tmp_path / "out" / f"{name}.parquet")
        assert table.schema.equals(schema, check_metadata=True)
        assert set(table["peildatum"].to_pylist()) <= {DATE}
    truth = read_whole_truth(tmp_path / "out")
    assert len(truth.people.columns) == 4 + 4 * len(IDS) + len(INSTALMENT_BODIES)
    assert list(truth.households.columns) == [
        "bsn",
        "partner_bsn",
        *HOUSEHOLDS,
        "person_incomplete",
        "partner_incomplete",
        "partner_young",
        "entitled",
        *(f"{who}{name}_cents" for name in ("income", "other_income", "assets") for who in ("", "partner_")),
    ]
    assert list(truth.clients.columns) == [*BSN, *CLIENTS]
    assert list(truth.debt_help.columns) == list(truth.opt_outs.columns) == ["party", "bsn"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_nodes_accept_every_row(population: Path, name: str) -> None:
    table = pq.read_table(population / f"{name}.parquet")
    columns = {column: _declared(column, table.schema.field(column).type) for column in table.column_names[1:-1]}
    spec = DatasetSpec(
        name="arrears",
        bsn=BsnKind.SYNTHETIC,
        columns=tuple(ColumnSpec(name=column, type=kind) for column, kind in columns.items()),
        reference_date_column="peildatum",
    )
    builder = DatasetBuilder(spec)
    builder.add(table)
    dataset = builder.finish()
    assert (dataset.rows, dataset.rejects.total, dataset.reference_date) == (len(table), 0, DATE)


def _declared(column: str, kind: pa.DataType) -> ColumnType:
    if pa.types.is_boolean(kind):
        return ColumnType.BOOLEAN
    if pa.types.is_string(kind):
        return ColumnType.BSN
    return ColumnType.CENTS if column.endswith("_cents") else ColumnType.INTEGER


def test_order_of_rows_does_not_link_the_bodies(population: Path) -> None:
    left, right = (
        pd.Series(range(len(table)), index=table["bsn"].to_pylist())
        for table in (pq.read_table(population / body / "arrears.parquet") for body in ("belastingdienst", "toeslagen"))
    )
    both = left.index.intersection(right.index)
    assert len(both) > 300
    assert abs(np.corrcoef(left[both], right[both])[0, 1]) < 0.2


def test_summary_holds_counts_and_no_numbers_of_people(population: Path) -> None:
    text = (population / "population.json").read_text()
    summary = json.loads(text)
    truth = read_truth(population / "truth.parquet")
    assert summary["rows"] == {body: int(present(truth, body).sum()) for body in IDS}
    assert summary["files"] == {
        f"{name}.parquet": pq.read_metadata(population / f"{name}.parquet").num_rows for name in SCHEMAS
    }
    assert summary["anywhere"] == len(truth)
    assert (summary["persons"], summary["seed"], summary["reference_date"]) == (20_000, 3, "2026-01-01")
    assert summary["generator"] == 3
    assert not re.search(r"[0-9]{9}", text)


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        generate(50, 1, tmp_path / "out", DATE)
    finally:
        os.umask(before)
    for party in set(PARTIES) - {"duo"}:
        assert (tmp_path / "out" / party).stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "out").rglob("*.parquet"):
        assert path.stat().st_mode & 0o777 == 0o600


# Determinism


def test_equal_seeds_give_equal_bytes_in_another_process(tmp_path: Path, population: Path) -> None:
    code = (
        "import datetime, pathlib, sys; from psi_match.population.generate import generate; "
        "generate(20_000, 3, pathlib.Path(sys.argv[1]), datetime.date(2026, 1, 1))"
    )
    for hash_seed in ("0", "1"):
        out = tmp_path / hash_seed
        subprocess.run([sys.executable, "-c", code, out], env=os.environ | {"PYTHONHASHSEED": hash_seed}, check=True)
        assert files(out) == files(population)


def test_another_seed_gives_other_people(population: Path, tmp_path: Path) -> None:
    generate(20_000, 4, tmp_path / "out", DATE)
    left, right = (set(read_truth(folder / "truth.parquet")["bsn"]) for folder in (population, tmp_path / "out"))
    assert len(left & right) < 10


def test_another_date_changes_the_date_only(population: Path, tmp_path: Path) -> None:
    generate(20_000, 3, tmp_path / "out", datetime.date(2025, 6, 30))
    for name in SCHEMAS:
        left, right = (pq.read_table(root / f"{name}.parquet") for root in (population, tmp_path / "out"))
        assert left.drop_columns("peildatum").equals(right.drop_columns("peildatum"))
        assert set(right["peildatum"].to_pylist()) == {datetime.date(2025, 6, 30)}


def test_committed_population_comes_from_its_command(tmp_path: Path) -> None:
    """synthetic_data/README.md states the command; pyarrow's version is part of the bytes, so the tables count then."""
    generate(20_000, 1, tmp_path / "out", DATE)
    assert json.loads((SMALL / "population.json").read_text()) == json.loads(
        (tmp_path / "out" / "population.json").read_text()
    )
    committed, made = files(SMALL), files(tmp_path / "out")
    assert committed.keys() == made.keys()
    if (
        pq.read_metadata(SMALL / "truth.parquet").created_by
        == pq.read_metadata(tmp_path / "out/truth.parquet").created_by
    ):
        assert committed == made
    for name in committed:
        if name.endswith(".parquet"):
            assert pq.read_table(SMALL / name).equals(pq.read_table(tmp_path / "out" / name))
    assert sum(map(len, committed.values())) < 600_000


# Errors


@pytest.mark.parametrize(("persons", "seed"), [(-1, 1), (MAX_PERSONS + 1, 1), (10, -1)])
def test_numbers_out_of_range_are_the_users_fault(tmp_path: Path, persons: int, seed: int) -> None:
    with pytest.raises(UsageError) as caught:
        generate(persons, seed, tmp_path / "out", DATE)
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(UsageError, match="not an empty folder") as caught:
        generate(50, 1, tmp_path, DATE)
    assert caught.value.hint
    assert files(tmp_path) == {"mine": b"kept"}


def test_duo_gets_a_folder_on_demand(tmp_path: Path) -> None:
    generate(20_000, 3, tmp_path / "out", DATE, Choices(with_duo=True))
    rows = pd.read_parquet(tmp_path / "out" / "duo" / "arrears.parquet")
    truth = read_truth(tmp_path / "out" / "truth.parquet")
    assert set(rows["bsn"]) == set(truth["bsn"][truth["duo_present"]])
    assert json.loads((tmp_path / "out" / "population.json").read_text())["choices"]["with_duo"]


def test_steps_are_counted_for_whoever_watches(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    generate(50, 1, tmp_path / "out", DATE, watch=lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == list(range(len(seen)))
    assert {total for _, _, total in seen} == {len(seen)}


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    generate(50, 1, tmp_path, DATE)
    assert (tmp_path / "truth.parquet").exists()


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_file_is_no_folder(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as caught:
        generate(50, 1, tmp_path / out, DATE)
    assert caught.value.hint


def test_reading_what_is_no_truth_says_so(tmp_path: Path, population: Path) -> None:
    (tmp_path / "text.parquet").write_text("no Parquet")
    (tmp_path / "empty.parquet").touch()
    wrong = ["missing.parquet", "text.parquet", "empty.parquet", "."]
    for path in [*(tmp_path / name for name in wrong), population / "cak" / "arrears.parquet"]:
        with pytest.raises(DataError) as caught:
            read_truth(path)
        assert caught.value.hint


@pytest.mark.parametrize("name", TRUTHS)
def test_a_truth_without_one_of_its_files_says_which(tmp_path: Path, population: Path, name: str) -> None:
    for other in TRUTHS:
        (tmp_path / f"{other}.parquet").write_bytes((population / f"{other}.parquet").read_bytes())
    read_whole_truth(tmp_path)
    (tmp_path / f"{name}.parquet").unlink()
    with pytest.raises(DataError, match=f"{name}.parquet: no such file") as caught:
        read_whole_truth(tmp_path)
    assert caught.value.hint


# Calibration tables


@pytest.mark.parametrize("name", [TABLE, "aow_households", "municipalities", "opt_outs", "uwv_clients"])
def test_every_figure_has_a_unit_a_source_and_a_tag(name: str) -> None:
    table = pd.read_csv(calibration.calibration_file(f"{name}.csv"), dtype=str, keep_default_na=False)
    assert list(table.columns) == ["body", "quantity", "value", "unit", "year", "source", "tag"]
    assert not table.duplicated(["body", "quantity"]).any()
    assert (table != "").all(axis=None)
    assert set(table["tag"]) <= {"S", "D", "A"}
    assert table["value"].astype(float).gt(0).all()
    assert set(table["body"]) <= {*PARTIES, "nl"}


def test_tables_of_the_installed_package_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "arrears_marginals.csv").touch()
    assert calibration.calibration_file("arrears_marginals.csv").parent.name in {"synthetic_data", "calibration_tables"}
    monkeypatch.setattr(calibration, "_PACKAGED", tmp_path)
    assert calibration.calibration_file("arrears_marginals.csv").parent == tmp_path


@pytest.mark.parametrize(("table", "body"), [("no-such-table", "cjib"), (TABLE, "nobody")])
def test_a_missing_figure_is_our_fault(table: str, body: str) -> None:
    with pytest.raises(InternalError) as caught:
        calibration.figure(table, body, "persons")
    assert caught.value.hint
