"""The truth of join scenarios: examples by hand, and small random populations counted person by person."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psi_match.bench.truth import CREDITORS, JOINS, expected_join, expected_result, same_result
from psi_match.domain.parties import BODIES
from psi_match.population.generate import generate
from psi_match.population.truth import Truth, read_whole_truth
from psi_match.scenario.catalogue import Catalogue

CONSTANTS = {
    "k": 2,
    "norm_single": 142602,
    "norm_couple": 195081,
    "assets_single": 777000,
    "assets_couple": 1554000,
    "minimum_single": 135472,
    "minimum_couple": 185327,
    "minimum_single_parent": 150524,
}
FILTERS: dict[str, list[tuple[str, str, Any]]] = {
    "cjib": [("open_cents", "at_least", 1)],
    "belastingdienst": [("open_cents", "at_least", 60000), ("reminder_sent", "equals", True)],
    "toeslagen": [("reminder_sent", "equals", True)],
    "cak": [("open_cents", "at_least", 10000), ("oldest_claim_months", "at_least", 5)],
}
PARTIES = {
    "vroegsignaal-gezamenlijk": (*CREDITORS, "gemeente-a", "gemeente-b", "rekennode"),
    "vroegsignaal-nieuw": (*CREDITORS, "gemeente-a", "gemeente-b", "rekennode"),
    "betalingsregeling-rijk": ("cjib", "belastingdienst", "toeslagen"),
    "aio-niet-gebruik": ("svb", "uwv", "belastingdienst"),
    "bestaansminimum-uwv": ("uwv", *CREDITORS),
    "overlap-statistiek": (*CREDITORS, "cbs"),
    "overlap-statistiek-paren": (*CREDITORS, "cbs"),
}
UNFILTERED = ("bestaansminimum-uwv", "aio-niet-gebruik")


def scenario(name: str, min_group: int = 10, **constants: int) -> Any:
    """A scenario as far as the truth needs it, written down again."""
    where = {} if name in UNFILTERED else FILTERS
    return SimpleNamespace(
        name=name,
        parties=tuple(
            SimpleNamespace(
                id=party,
                dataset="arrears",
                where=tuple(SimpleNamespace(column=c, operator=o, value=v) for c, o, v in where.get(party, [])),
            )
            for party in PARTIES[name]
        ),
        constants={key: SimpleNamespace(value=value) for key, value in (CONSTANTS | constants).items()},
        outputs=(SimpleNamespace(kind="statistics", min_group=min_group),),
    )


# Populations by hand


MUNICIPALITIES = {1: 363, 2: 344}
"""Codes of the two municipalities with a node."""


def person(bsn: str, municipality: int = 1, **bodies: tuple[int, int, bool, int]) -> dict[str, Any]:
    """Someone in arrears; per body the open amount, months, reminder and instalment."""
    row: dict[str, Any] = {"bsn": bsn, "municipality": MUNICIPALITIES.get(municipality, municipality)}
    for body in (body.id for body in BODIES):
        open_cents, months, reminder, instalment = bodies.get(body, (0, 0, False, 0))
        row |= {
            f"{body}_present": body in bodies,
            f"{body}_open_cents": open_cents,
            f"{body}_oldest_claim_months": months,
            f"{body}_reminder_sent": reminder,
        }
        if body in CREDITORS:
            row[f"{body}_instalment_cents"] = instalment
    return row


def home(bsn: str, partner: str | None = None, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"bsn": bsn, "partner_bsn": partner, "has_partner": partner is not None, "aow_cents": 0}
    row |= {"lives_in_nl": True, "receives_aio": False, "candidate": True, "entitled": False}
    for who in ("", "partner_"):
        row |= {f"{who}{kind}_cents": 0 for kind in ("income", "other_income", "assets")}
    return row | values


def frame(rows: list[dict[str, Any]], like: dict[str, Any]) -> pd.DataFrame:
    """A table whose columns have their types also when there is no row."""
    return pd.DataFrame([*rows, like])[: len(rows)]


def truth(
    people: list[dict[str, Any]] = [],  # noqa: B006 - never changed
    homes: list[dict[str, Any]] = [],  # noqa: B006
    clients: list[dict[str, Any]] = [],  # noqa: B006
    debt_help: list[tuple[str, str]] = [],  # noqa: B006
    opt_outs: list[tuple[str, str]] = [],  # noqa: B006
) -> Truth:
    return Truth(
        people=frame(people, person("0")),
        households=frame(homes, home("0")),
        clients=frame(clients, {"bsn": "0", "household_type": 1, "income_cents": 0}),
        debt_help=pd.DataFrame(debt_help, columns=["party", "bsn"]),
        opt_outs=pd.DataFrame(opt_outs, columns=["party", "bsn"]),
    )


def learned(name: str, population: Truth, **constants: int) -> dict[str, list[str]]:
    tables = expected_join(scenario(name, **constants), population)
    assert all(list(table.columns) == ["bsn"] for table in tables.values())
    return {recipient: table["bsn"].tolist() for recipient, table in tables.items()}


TAXES = {"belastingdienst": (60000, 0, True, 0)}
FINE = {"cjib": (1, 0, False, 0)}
CARE = {"cak": (10000, 5, False, 0)}
BENEFIT = {"toeslagen": (1, 0, True, 0)}


def test_signals_go_to_the_own_municipality_at_k_creditors() -> None:
    population = truth(
        [
            person("5", 1, **TAXES, **FINE),
            person("2", 1, **CARE, **BENEFIT, **FINE, **TAXES),
            person("3", 2, **CARE, **BENEFIT),
            person("4", 3, **CARE, **BENEFIT),
            person("1", 1, **FINE),
            person("6", 1, **FINE, svb=(1, 99, True, 0)),
        ]
    )
    name = "vroegsignaal-gezamenlijk"
    assert learned(name, population) == {"gemeente-a": ["2", "5"], "gemeente-b": ["3"]}
    assert learned(name, population, k=1) == {"gemeente-a": ["1", "2", "5", "6"], "gemeente-b": ["3"]}
    assert learned(name, population, k=4) == {"gemeente-a": ["2"], "gemeente-b": []}


@pytest.mark.parametrize(
    "below",
    [
        {"belastingdienst": (59999, 0, True, 0)},
        {"belastingdienst": (60000, 0, False, 0)},
        {"toeslagen": (60000, 9, False, 0)},
        {"cak": (9999, 5, False, 0)},
        {"cak": (10000, 4, False, 0)},
    ],
)
def test_who_fails_a_local_filter_does_not_count(below: dict[str, Any]) -> None:
    population = truth([person("1", 1, **FINE, **below)])
    assert learned("vroegsignaal-gezamenlijk", population) == {"gemeente-a": [], "gemeente-b": []}


def test_an_opt_out_at_any_party_counts_everywhere() -> None:
    everyone = [person(str(number), 1, **FINE, **TAXES) for number in range(5)]
    out = [("cak", "1"), ("gemeente-b", "2"), ("svb", "3")]
    name = "vroegsignaal-gezamenlijk"
    assert learned(name, truth(everyone, opt_outs=out))["gemeente-a"] == ["0", "3", "4"]
    assert learned("betalingsregeling-rijk", truth(everyone, opt_outs=out))["cjib"] == ["0", "1", "2", "3", "4"]


def test_only_a_municipalitys_own_debt_help_counts() -> None:
    population = truth(
        [person("1", 1, **FINE, **TAXES), person("2", 1, **FINE, **TAXES), person("3", 2, **FINE, **TAXES)],
        debt_help=[("gemeente-a", "1"), ("gemeente-b", "2"), ("gemeente-a", "3"), ("gemeente-a", "9")],
    )
    assert learned("vroegsignaal-nieuw", population) == {"gemeente-a": ["2"], "gemeente-b": ["3"]}


def test_cjib_learns_who_is_elsewhere_too() -> None:
    population = truth([person("1", **FINE, **TAXES), person("2", **FINE, **CARE), person("3", **TAXES, **BENEFIT)])
    assert learned("betalingsregeling-rijk", population) == {"cjib": ["1"]}


SINGLE_AT_NORM = {"aow_cents": 100000, "income_cents": 40000, "other_income_cents": 2602, "assets_cents": 776999}
COUPLE_AT_NORM = {
    "aow_cents": 100000,
    "income_cents": 50000,
    "partner_income_cents": 40000,
    "partner_other_income_cents": 5081,
    "partner_assets_cents": 1553999,
}


def test_aio_goes_to_households_below_the_norm_and_not_at_it() -> None:
    population = truth(
        homes=[
            home("1", **SINGLE_AT_NORM),
            home("2", **SINGLE_AT_NORM | {"aow_cents": 99999}),
            home("3", **SINGLE_AT_NORM | {"aow_cents": 99999, "assets_cents": 777000}),
            home("4", "14", **COUPLE_AT_NORM),
            home("5", "15", **COUPLE_AT_NORM | {"income_cents": 49999}),
            home("6", "16", **COUPLE_AT_NORM | {"income_cents": 49999, "assets_cents": 1}),
            home("7", lives_in_nl=False),
            home("8", receives_aio=True),
            home("9", candidate=False),
            home("10"),
        ],
    )
    assert learned("aio-niet-gebruik", population) == {"svb": ["10", "2", "5"]}
    assert learned("aio-niet-gebruik", population, norm_single=142603)["svb"] == ["1", "10", "2", "5"]


def test_either_partner_may_opt_out() -> None:
    homes = [home("1", "11"), home("2", "12"), home("3", "13"), home("4")]
    out = [("uwv", "11"), ("svb", "2"), ("belastingdienst", "4"), ("cjib", "3"), ("cak", "13")]
    assert learned("aio-niet-gebruik", truth(homes=homes, opt_outs=out)) == {"svb": ["3"]}


def test_the_local_filter_of_svb_counts_too_and_others_are_not_overlooked() -> None:
    asked = scenario("aio-niet-gebruik")
    only_couples = SimpleNamespace(column="has_partner", operator="equals", value=True)
    asked.parties[0].where = (only_couples,)
    population = truth(homes=[home("1"), home("2", "12")])
    assert expected_join(asked, population)["svb"]["bsn"].tolist() == ["2"]
    asked.parties[1].where = (only_couples,)
    with pytest.raises(NotImplementedError):
        expected_join(asked, population)


def client(bsn: str, kind: int, income: int) -> dict[str, Any]:
    return {"bsn": bsn, "household_type": kind, "income_cents": income}


def test_a_minimum_must_remain_after_all_instalments() -> None:
    people = [
        person("1", cjib=(9, 0, False, 4), cak=(9, 0, False, 6), svb=(9, 0, False, 999)),
        person("2", toeslagen=(9, 0, False, 10)),
        person("3", belastingdienst=(9, 0, False, 10)),
        person("4", cjib=(9, 0, False, 0)),
        person("6", cjib=(9, 0, False, 10)),
    ]
    name = "bestaansminimum-uwv"
    at = [client("1", 1, 135482), client("2", 2, 185337), client("3", 3, 150534)]
    below = [client("1", 1, 135481), client("2", 2, 185336), client("3", 3, 150533)]
    poor = [client("4", 1, 0), client("5", 1, 0)]
    assert learned(name, truth(people, clients=[*at, *poor])) == {"uwv": []}
    assert learned(name, truth(people, clients=[*below, *poor])) == {"uwv": ["1", "2", "3"]}
    assert learned(name, truth(people, clients=below, opt_outs=[("cak", "1"), ("svb", "2"), ("uwv", "3")])) == {
        "uwv": ["2"]
    }


def test_cells_are_rounded_down_and_suppressed_when_small_or_nearly_all() -> None:
    people = [person(f"a{n}", **FINE) for n in range(27)] + [person(f"b{n}", **FINE, **CARE) for n in range(9)]
    people += [person(f"c{n}", **FINE, **CARE, **TAXES) for n in range(10)]
    table = expected_join(scenario("overlap-statistiek"), truth(people))["cbs"]
    assert table["group"].tolist() == ["1", "2", "3", "4"]
    assert table["count"].fillna(-1).tolist() == [20, -1, 10, -1]
    assert table["suppressed"].tolist() == [False, True, False, True]
    assert (str(table["count"].dtype), str(table["suppressed"].dtype)) == ("Int64", "bool")
    alone = expected_join(scenario("overlap-statistiek"), truth(people[:27]))["cbs"]
    assert alone["suppressed"].all()


def test_pairs_are_suppressed_by_either_set() -> None:
    people = [person(f"a{n}", **FINE, **CARE) for n in range(15)] + [person(f"b{n}", **FINE) for n in range(10)]
    people += [person(f"c{n}", **CARE) for n in range(10)]
    table = expected_join(scenario("overlap-statistiek-paren"), truth(people))["cbs"].set_index("group")
    assert len(table) == 6
    assert (table.loc["cak+cjib", "count"], table["suppressed"].sum()) == (10, 5)
    # The cell is 14 either way, CJIB's set 25 with a0 and 24 without; CAK's falls to 23, so one person less suppresses.
    for out, count in (
        ([("toeslagen", "a0")], 10),
        ([("cak", "a0")], 10),
        ([("cak", "a0"), ("cak", "c0")], -1),
        ([("toeslagen", "a0"), ("toeslagen", "c0")], 10),
    ):
        cells = expected_join(scenario("overlap-statistiek-paren"), truth(people, opt_outs=out))["cbs"]
        assert cells.set_index("group")["count"].fillna(-1)["cak+cjib"] == count


def test_results_are_the_same_or_not() -> None:
    table = pd.DataFrame({"group": ["1", "2"], "count": pd.array([10, pd.NA], "Int64")})
    assert same_result(table, table.copy())
    assert same_result(table[:0], table[:0])
    for other in (
        table[:1],
        table[["count", "group"]],
        table.assign(count=pd.array([10, 0], "Int64")),
        table.assign(count=pd.array([20, pd.NA], "Int64")),
        table.assign(count=pd.array([pd.NA, pd.NA], "Int64")),
    ):
        assert not same_result(table, other)
        assert not same_result(other, table)


def test_an_empty_population_has_nothing_to_tell() -> None:
    for name in JOINS:
        for table in expected_join(scenario(name), truth()).values():
            assert table["suppressed"].all() if "suppressed" in table else table.empty


def test_no_truth_is_known_of_other_scenarios() -> None:
    other = scenario("overlap-statistiek")
    other.name = "onbekend"
    with pytest.raises(KeyError):
        expected_join(other, truth())


# Person by person

AMOUNTS = st.sampled_from([0, 1, 9999, 10000, 59999, 60000])
CLAIM = st.tuples(AMOUNTS, st.sampled_from([0, 4, 5]), st.booleans(), st.sampled_from([0, 1, 50]))
DEBTS = st.dictionaries(st.sampled_from(CREDITORS), CLAIM, max_size=4)
WHO = st.integers(0, 11).map(str)
EVERYONE = ("gemeente-a", "gemeente-b", *(body.id for body in BODIES))
LISTS = st.lists(st.tuples(st.sampled_from(EVERYONE), WHO), max_size=6, unique=True)
MONEY = st.sampled_from([0, 1, 2, 3, 4])


@st.composite
def populations(draw: st.DrawFn) -> Truth:
    names = draw(st.lists(WHO, unique=True, max_size=12))
    people = [person(name, draw(st.integers(1, 3)), **draw(DEBTS)) for name in names]
    members = draw(st.permutations([str(number) for number in range(12)]))
    homes = []
    for one, other in zip(members[::2], members[1::2], strict=True):
        values = {f"{who}{kind}_cents": draw(MONEY) for who in ("", "partner_") for kind in ("income", "other_income")}
        values |= {name: draw(st.booleans()) for name in ("lives_in_nl", "receives_aio", "candidate")}
        single = draw(st.booleans())
        if single:
            values = {key: value for key, value in values.items() if not key.startswith("partner_")}
        homes.append(home(one, None if single else other, assets_cents=draw(MONEY), aow_cents=draw(MONEY), **values))
    incomes = st.sampled_from([0, 9, 10, 11, 60, 100])
    clients = [client(who, draw(st.integers(1, 3)), draw(incomes)) for who in draw(st.lists(WHO, unique=True))]
    return truth(people, homes[: draw(st.integers(0, 6))], clients, draw(LISTS), draw(LISTS))


def counts_at(row: dict[str, Any], creditor: str) -> bool:
    """The local filters again, in Python."""
    open_cents, months = row[f"{creditor}_open_cents"], row[f"{creditor}_oldest_claim_months"]
    reminded = row[f"{creditor}_reminder_sent"]
    fits = {
        "cjib": open_cents >= 1,
        "belastingdienst": open_cents >= 60000 and reminded,
        "toeslagen": reminded,
        "cak": open_cents >= 10000 and months >= 5,
    }
    return bool(row[f"{creditor}_present"] and fits[creditor])


def out_of(population: Truth, name: str) -> set[str]:
    return {who for party, who in population.opt_outs.itertuples(index=False) if party in PARTIES[name]}


@settings(deadline=None)
@given(populations(), st.integers(1, 4))
def test_signals_person_by_person(population: Truth, k: int) -> None:
    name = "vroegsignaal-gezamenlijk"
    known = set(population.debt_help.itertuples(index=False, name=None))
    signals: dict[str, list[str]] = {"gemeente-a": [], "gemeente-b": []}
    for row in population.people.to_dict("records"):
        several = sum(counts_at(row, creditor) for creditor in CREDITORS) >= k
        if several and row["bsn"] not in out_of(population, name) and row["municipality"] in (363, 344):
            signals[{363: "gemeente-a", 344: "gemeente-b"}[row["municipality"]]].append(row["bsn"])
    assert learned(name, population, k=k) == {to: sorted(who) for to, who in signals.items()}
    new = {to: sorted(who for who in list_ if (to, who) not in known) for to, list_ in signals.items()}
    assert learned("vroegsignaal-nieuw", population, k=k) == new


@settings(deadline=None)
@given(populations())
def test_joint_arrangements_person_by_person(population: Truth) -> None:
    expected = [
        row["bsn"]
        for row in population.people.to_dict("records")
        if row["bsn"] not in out_of(population, "betalingsregeling-rijk")
        and counts_at(row, "cjib")
        and (counts_at(row, "belastingdienst") or counts_at(row, "toeslagen"))
    ]
    assert learned("betalingsregeling-rijk", population) == {"cjib": sorted(expected)}


@settings(deadline=None)
@given(populations(), st.integers(0, 9), st.integers(0, 9), st.integers(0, 5), st.integers(0, 5))
def test_aio_home_by_home(population: Truth, single: int, couple: int, one: int, two: int) -> None:
    expected = []
    for row in population.households.to_dict("records"):
        income = row["aow_cents"] + sum(row[f"{who}{what}_cents"] for who in ("", "partner_") for what in INCOMES)
        assets = row["assets_cents"] + row["partner_assets_cents"]
        norm, limit = (couple, two) if row["has_partner"] else (single, one)
        asked = row["lives_in_nl"] and row["candidate"] and not row["receives_aio"]
        stays = not {row["bsn"], row["partner_bsn"]} & out_of(population, "aio-niet-gebruik")
        if asked and stays and income < norm and assets < limit:
            expected.append(row["bsn"])
    constants = {"norm_single": single, "norm_couple": couple, "assets_single": one, "assets_couple": two}
    assert learned("aio-niet-gebruik", population, **constants) == {"svb": sorted(expected)}


INCOMES = ("income", "other_income")


@settings(deadline=None)
@given(populations(), st.tuples(*[st.sampled_from([0, 10, 11, 60])] * 3))
def test_minimum_client_by_client(population: Truth, minimum: tuple[int, int, int]) -> None:
    people = {row["bsn"]: row for row in population.people.to_dict("records")}
    expected = []
    for row in population.clients.to_dict("records"):
        debts = people.get(row["bsn"], {})
        paid = sum(debts.get(f"{creditor}_instalment_cents", 0) for creditor in CREDITORS)
        stays = row["bsn"] not in out_of(population, "bestaansminimum-uwv")
        if stays and paid > 0 and row["income_cents"] - paid < minimum[row["household_type"] - 1]:
            expected.append(row["bsn"])
    names = ("minimum_single", "minimum_couple", "minimum_single_parent")
    constants = dict(zip(names, minimum, strict=True))
    assert learned("bestaansminimum-uwv", population, **constants) == {"uwv": sorted(expected)}


@settings(deadline=None)
@given(populations(), st.integers(1, 4))
def test_statistics_person_by_person(population: Truth, least: int) -> None:
    name = "overlap-statistiek"
    rows = population.people.to_dict("records")
    inside = [row for row in rows if row["bsn"] not in out_of(population, name)]
    owes = [{creditor for creditor in CREDITORS if counts_at(row, creditor)} for row in inside]
    cells = {str(m): sum(len(at) == m for at in owes) for m in (1, 2, 3, 4)}
    total = sum(cells.values())
    found = expected_join(scenario(name, min_group=least), population)["cbs"]
    check_cells(found, {group: (count, [total]) for group, count in cells.items()}, least)
    sizes = {
        creditor: sum(
            counts_at(row, creditor) and (creditor, row["bsn"]) not in set(population.opt_outs.itertuples(index=False))
            for row in rows
        )
        for creditor in CREDITORS
    }
    pairs = {
        f"{left}+{right}": (sum({left, right} <= at for at in owes), [sizes[left], sizes[right]])
        for place, left in enumerate(CREDITORS)
        for right in CREDITORS[place + 1 :]
    }
    check_cells(expected_join(scenario(f"{name}-paren", min_group=least), population)["cbs"], pairs, least)


def check_cells(found: pd.DataFrame, cells: dict[str, tuple[int, list[int]]], least: int) -> None:
    assert found["group"].tolist() == list(cells)
    for row, (count, totals) in zip(found.itertuples(), cells.values(), strict=True):
        small = count < least or min(totals) - count < least
        assert row.suppressed == small
        assert pd.isna(row[2]) if small else row[2] == least * (count // least)


# Whole populations


@pytest.mark.parametrize("persons", [0, 1, 20_000])
def test_generated_populations_have_a_truth_for_every_scenario(tmp_path: Path, persons: int) -> None:
    generate(persons, 1, tmp_path / "out", datetime.date(2026, 1, 1))
    population = read_whole_truth(tmp_path / "out")
    assert repr(population).startswith("Truth(")
    results = {name: expected_join(scenario(name), population) for name in JOINS}
    for name, tables in results.items():
        of_file = expected_join(Catalogue().get(name), population)
        assert of_file.keys() == tables.keys()
        assert all(same_result(of_file[recipient], table) for recipient, table in tables.items())
    for tables in results.values():
        for table in tables.values():
            assert "group" in table or table["bsn"].is_monotonic_increasing
            assert same_result(table, table.copy())
    if persons > 1:
        found = {name: sum(map(len, tables.values())) for name, tables in results.items()}
        assert all(count > 0 for count in found.values()), found
        homes = population.households
        out = population.opt_outs["bsn"][population.opt_outs["party"].isin(PARTIES["aio-niet-gebruik"])]
        asked = homes["entitled"] & ~homes["receives_aio"] & ~homes["bsn"].isin(out) & ~homes["partner_bsn"].isin(out)
        assert results["aio-niet-gebruik"]["svb"]["bsn"].tolist() == sorted(homes["bsn"][asked])


def test_the_pairwise_truth_reads_the_same_file(tmp_path: Path) -> None:
    generate(20_000, 1, tmp_path / "out", datetime.date(2026, 1, 1))
    population = read_whole_truth(tmp_path / "out")
    pairs = expected_result(population, Catalogue().get("betalingsregeling-rijk-paren"))
    name = "betalingsregeling-rijk"
    joint = expected_join(scenario(name), population)["cjib"]["bsn"]
    assert sorted(set(pairs["bsn"]) - out_of(population, name)) == joint.tolist()
