"""Households with AOW, their means and AIO; clients of UWV; debt help; opt-outs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from psi_match.population.calibration import figure, scaled
from psi_match.population.choices import Choices, NonUse, Rules
from psi_match.population.clients import instalments_of
from psi_match.population.households import forms
from psi_match.population.membership import CORE_BODIES
from psi_match.population.people import PARTIES, People, draw_people

PERSONS = 300_000
NORM = {False: 142602, True: 195081}
LIMIT = {False: 777000, True: 1554000}


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(PERSONS, 7)


@pytest.fixture(scope="module")
def homes(people: People) -> pd.DataFrame:
    return people.households


@pytest.fixture(scope="module")
def candidates(homes: pd.DataFrame) -> pd.DataFrame:
    return homes[homes["candidate"] & homes["lives_in_nl"]]


def income(homes: pd.DataFrame) -> pd.Series:
    names = ("aow", "income", "other_income", "partner_income", "partner_other_income")
    return sum(homes[f"{name}_cents"] for name in names)


def assets(homes: pd.DataFrame) -> pd.Series:
    return homes["assets_cents"] + homes["partner_assets_cents"]


# Households


def test_recipients_and_cut_aows_are_those_of_the_table(homes: pd.DataFrame) -> None:
    for place, here in (("nl", homes["lives_in_nl"]), ("abroad", ~homes["lives_in_nl"])):
        with_aow = here.sum() + (homes["has_partner"] & ~homes["partner_young"])[here].sum()
        assert with_aow == scaled(PERSONS, "aow_households", "svb", f"recipients_{place}")
        cut = homes[["person_incomplete", "partner_incomplete"]][here].sum().sum()
        assert cut == scaled(PERSONS, "aow_households", "svb", f"incomplete_{place}")


def test_national_counts_are_the_published_ones() -> None:
    counts = forms(17_900_000, abroad=False)
    two = counts.both_incomplete + counts.one_incomplete + counts.both_full
    assert counts.households + two == 3_248_080
    assert counts.young_full == 50_000
    assert counts.single_full + counts.single_incomplete == pytest.approx(0.374 * 3_248_080, abs=2)
    candidates = counts.households - counts.single_full - counts.both_full
    assert 340_000 < candidates <= 370_291 + 50_000


def test_nobody_is_alone_with_a_partner_or_cut_without_aow(homes: pd.DataFrame) -> None:
    single = ~homes["has_partner"]
    assert not (homes["partner_young"] & single).any()
    assert not (homes["partner_incomplete"] & (single | homes["partner_young"])).any()


def test_full_aow_is_one_amount_and_cut_aow_is_less(homes: pd.DataFrame) -> None:
    cut = homes["person_incomplete"] | homes["partner_incomplete"]
    full = homes[~cut]
    single, one, two = (~full["has_partner"], full["partner_young"], full["has_partner"] & ~full["partner_young"])
    assert set(full["aow_cents"][single]) == {145000}
    assert set(full["aow_cents"][one]) == {102000}
    assert set(full["aow_cents"][two]) == {204000}
    most = np.where(homes["has_partner"], np.where(homes["partner_young"], 102000, 204000), 145000)[cut]
    assert (homes["aow_cents"][cut] < most).all()
    assert (homes["aow_cents"][cut] > 0).all()
    assert len(set(homes["aow_cents"][cut])) > 80


def test_the_one_whose_aow_is_cut_is_either_of_a_couple(homes: pd.DataFrame) -> None:
    one = homes[homes["has_partner"] & (homes["person_incomplete"] != homes["partner_incomplete"])]
    one = one[~one["partner_young"]]
    assert 0.45 < one["person_incomplete"].mean() < 0.55


# Means and AIO


def test_entitlement_follows_from_the_rule(homes: pd.DataFrame) -> None:
    couple = homes["has_partner"]
    meets = homes["candidate"] & homes["lives_in_nl"]
    meets &= (income(homes) < couple.map(NORM)) & (assets(homes) < couple.map(LIMIT))
    assert (homes["entitled"] == meets).all()
    assert not (homes["receives_aio"] & ~meets).any()


@pytest.mark.parametrize(("non_use", "share"), [("base", 0.29), ("stress", 0.5)])
@pytest.mark.parametrize("rules", ["2024", "2025"])
def test_users_and_non_users_are_those_of_the_table(non_use: str, share: float, rules: str) -> None:
    homes = draw_people(PERSONS, 7, Choices(rules=Rules(rules), non_use=NonUse(non_use))).households
    users = homes["receives_aio"]
    assert users.sum() == scaled(PERSONS, "aow_households", "nl", "aio_households")
    assert (users * (1 + homes["has_partner"])).sum() == scaled(PERSONS, "aow_households", "nl", "aio_persons")
    assert 1 - users.sum() / homes["entitled"].sum() == pytest.approx(share, abs=0.002)


def test_the_rules_of_2024_have_their_own_norms() -> None:
    homes = draw_people(PERSONS, 7, Choices(rules=Rules.YEAR_2024)).households
    couple = homes["has_partner"]
    meets = homes["candidate"] & homes["lives_in_nl"]
    meets &= income(homes) < couple.map({False: 135447, True: 183570})
    meets &= assets(homes) < couple.map({False: 757500, True: 1515000})
    assert (homes["entitled"] == meets).all()


def test_non_users_tend_to_lie_just_below_the_norm(candidates: pd.DataFrame) -> None:
    entitled = candidates[candidates["entitled"]]
    gap = entitled["has_partner"].map(NORM) - income(entitled)
    assert gap[~entitled["receives_aio"]].median() < 0.7 * gap[entitled["receives_aio"]].median()


def test_some_households_lie_just_around_the_limits(candidates: pd.DataFrame) -> None:
    from_norm = income(candidates) - candidates["has_partner"].map(NORM)
    assert {-1, 0, 1} & set(from_norm)
    assert 0.005 < (from_norm.abs() <= 5000).mean() < 0.1
    from_limit = assets(candidates) - candidates["has_partner"].map(LIMIT)
    assert (from_limit.abs() <= 20000).mean() > 0.002


def test_assets_matter(candidates: pd.DataFrame) -> None:
    by_income = income(candidates) < candidates["has_partner"].map(NORM)
    assert by_income.sum() > 1.2 * candidates["entitled"].sum()


def test_some_have_nothing_that_is_known(candidates: pd.DataFrame) -> None:
    assert 0.1 < (candidates["income_cents"] == 0).mean() < 0.4
    nothing = (candidates["other_income_cents"] == 0) & (candidates["assets_cents"] == 0)
    assert 0.02 < nothing.mean() < 0.2


# Clients


def test_clients_are_in_arrears_as_often_as_the_table_says(people: People) -> None:
    clients = people.clients
    assert len(clients) == scaled(PERSONS, "uwv_clients", "uwv", "clients")
    owes = clients["person"].isin(people.arrears["person"]).mean()
    assert owes == pytest.approx(figure("uwv_clients", "uwv", "in_arrears_share"), abs=0.001)
    shares = clients["household_type"].value_counts(normalize=True)
    assert shares[2] == pytest.approx(0.4, abs=0.02)
    assert shares[3] == pytest.approx(0.12, abs=0.02)


def test_instalments_are_summed_per_person(people: People) -> None:
    arrears = people.arrears.set_index("person")
    some = arrears[arrears["cjib_instalment_cents"] > 0].index[:50].to_numpy()
    expected = [sum(arrears.loc[who, f"{body}_instalment_cents"] for body in CORE_BODIES) for who in some]
    backwards = instalments_of(some[::-1].astype(np.int32), people.arrears)
    assert backwards[::-1].tolist() == expected
    absent = np.setdiff1d(np.arange(1000, dtype=np.int32), arrears.index.to_numpy())
    assert not instalments_of(absent, people.arrears).any()
    assert instalments_of(absent[:3], people.arrears[:0]).tolist() == [0, 0, 0]


def test_many_clients_lie_just_around_the_minimum(people: People) -> None:
    clients = people.clients
    paid = instalments_of(clients["person"].to_numpy(), people.arrears)
    left = clients["income_cents"] - paid - clients["household_type"].map({1: 135472, 2: 185327, 3: 150524})
    assert ((left[paid > 0]).abs() <= 5000).mean() > 0.15
    assert 0 in set(left[paid > 0])
    below = (left < 0)[paid > 0].mean()
    assert 0.1 < below < 0.5


# Debt help and opt-outs


def test_debt_help_knows_a_tenth_of_those_in_arrears_everywhere(people: People) -> None:
    arrears = people.arrears
    in_core = np.logical_and.reduce([arrears[f"{body}_present"] for body in CORE_BODIES])
    for code, name in ((363, "gemeente-a"), (344, "gemeente-b")):
        known = people.debt_help[name]
        residents = arrears[in_core & (arrears["municipality"] == code)]
        assert np.isin(residents["person"], known).sum() == round(0.1 * len(residents))
        listed = arrears[arrears["person"].isin(known)]
        assert (listed["municipality"] == code).all()
        assert len(listed) < len(known)
    assert not set(people.debt_help["gemeente-a"]) & set(people.debt_help["gemeente-b"])


def test_opt_outs_are_people_inside_and_outside(people: People) -> None:
    assert tuple(people.opt_outs) == PARTIES
    known = np.count_nonzero(people.numbers)
    for body in CORE_BODIES:
        out = people.opt_outs[body]
        assert len(out) == pytest.approx(0.002 * known, abs=3)
        inside = people.arrears["person"][people.arrears[f"{body}_present"]]
        assert 0 < np.isin(out, inside).sum() < len(out)
    residents = set(people.arrears["person"][people.arrears["municipality"] == 363])
    others = set(people.arrears["person"]) - residents
    assert not set(people.opt_outs["gemeente-a"]) & others


def test_people_do_not_print(people: People) -> None:
    assert repr(people) == f"People({np.count_nonzero(people.numbers)} people)"
