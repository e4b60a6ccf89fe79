"""Whatever the size and seed: distinct numbers of nobody, exact quotas, equal draws for equal seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from psi_match.population.calibration import scaled
from psi_match.population.households import forms
from psi_match.population.means import MEANS
from psi_match.population.membership import (
    ARREARS_BODIES,
    CELLS,
    CORE_BODIES,
    adults,
    at,
    cell_counts,
    quota,
    targets,
)
from psi_match.population.numbers import draw_numbers
from psi_match.population.people import PARTIES, People, draw_people
from psi_match.population.streams import stream

SEEDS = st.integers(0, 2**128)


@settings(deadline=None)
@given(st.integers(0, 3000), SEEDS)
def test_numbers_are_distinct_and_fail_the_11_proef_by_one(count: int, seed: int) -> None:
    drawn = draw_numbers(count, stream(seed, "test")).tolist()
    assert len(set(drawn)) == len(drawn) == count
    for number in drawn:
        digits = [int(digit) for digit in f"{number:09}"]
        assert len(digits) == 9
        total = sum((9 - place) * digit for place, digit in enumerate(digits[:8])) - digits[8]
        assert total % 11 == 1


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 20_000), SEEDS)
def test_quotas_and_core_are_exact_and_everyone_is_somewhere(persons: int, seed: int) -> None:
    drawn = draw_people(persons, seed)
    people = drawn.arrears
    present = people[[f"{body}_present" for body in ARREARS_BODIES]].to_numpy()
    assert present.sum(axis=0).tolist() == [quota(body, persons) for body in ARREARS_BODIES]
    assert present.any(axis=1).all()
    assert people["person"].is_monotonic_increasing
    numbers = drawn.numbers[drawn.numbers > 0]
    assert len(np.unique(numbers)) == len(numbers)
    assert (drawn.numbers[people["person"]] > 0).all()
    in_core = np.logical_and.reduce([people[f"{body}_present"] for body in CORE_BODIES])
    assert abs(in_core.sum() - scaled(persons, "arrears_marginals", "nl", "all_four_persons")) <= 1
    for body in ARREARS_BODIES:
        here = people[f"{body}_present"]
        assert ((people[f"{body}_open_cents"] >= 1) == here).all()
        assert people[f"{body}_oldest_claim_months"].between(0, 120).all()
        assert not (people[f"{body}_reminder_sent"] & ~here).any()


@given(st.integers(0, 22_000_000), st.booleans())
def test_cells_meet_every_figure_within_a_few_people(persons: int, as_one: bool) -> None:
    counts = cell_counts(persons, as_one)
    assert counts.shape == (CELLS,)
    assert counts.min() >= 0
    assert counts.sum() == adults(persons)
    for body in ARREARS_BODIES:
        assert counts[at(body)].sum() == quota(body, persons)
    for target in targets(as_one):
        # People in arrears anywhere follow from the rounding of all 120 cells of several bodies, which adds up to a
        # standard deviation of four; every other figure is rounded at once.
        most = 40 if target.name == "anywhere_persons" else 4
        assert abs(counts[target.cells].sum() - target.persons * persons / 17_900_000) <= most


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 3000) | st.integers(0, 40), SEEDS)
def test_households_clients_and_lists_hold_together(persons: int, seed: int) -> None:
    people = draw_people(persons, seed)
    _check_households(people)
    _check_entitlement(people.households)
    clients = people.clients
    assert clients["person"].is_unique
    assert clients["household_type"].isin((1, 2, 3)).all()
    assert (clients["income_cents"] >= 0).all()
    assert list(people.opt_outs) == list(PARTIES)
    for members in (*people.debt_help.values(), *people.opt_outs.values()):
        assert len(np.unique(members)) == len(members)
        assert (people.numbers[members] > 0).all()


def _check_households(people: People) -> None:
    """Nobody is in two households, nobody with AOW is a client, and who is not there has nothing."""
    homes = people.households
    partners = homes["partner"][homes["has_partner"]]
    members = pd.concat([homes["person"], partners, people.clients["person"]])
    assert members.is_unique
    assert (homes["partner"][~homes["has_partner"]] == -1).all()
    assert (people.numbers[members] > 0).all()
    amounts = [f"{who}{column}" for who in ("", "partner_") for columns in MEANS.values() for column in columns]
    assert (homes[["aow_cents", *amounts]] >= 0).all(axis=None)
    assert not homes.loc[~homes["has_partner"], [name for name in amounts if name.startswith("partner_")]].any(
        axis=None
    )
    cut = homes["person_incomplete"] | homes["partner_incomplete"]
    assert (homes["candidate"] == (cut | homes["partner_young"])).all()
    assert not (homes["partner_incomplete"] & (homes["partner_young"] | ~homes["has_partner"])).any()


def _check_entitlement(homes: pd.DataFrame) -> None:
    """The rule again, row by row."""
    for home in homes[homes["candidate"]].to_dict("records"):
        norm, limit = (195081, 1554000) if home["has_partner"] else (142602, 777000)
        income = home["aow_cents"] + sum(
            home[f"{who}{kind}_cents"] for who in ("", "partner_") for kind in ("income", "other_income")
        )
        assets = home["assets_cents"] + home["partner_assets_cents"]
        assert home["entitled"] == (home["lives_in_nl"] and income < norm and assets < limit)
        assert home["entitled"] or not home["receives_aio"]
    assert not homes["entitled"][~homes["candidate"]].any()
    assert (homes["entitled"] | ~homes["receives_aio"]).all()


@given(st.integers(0, 25_000_000), st.booleans())
def test_forms_of_households_add_up(persons: int, abroad: bool) -> None:
    place = "abroad" if abroad else "nl"
    counts = forms(persons, abroad=abroad)
    assert min(counts.single_incomplete, counts.single_full, counts.young_incomplete, counts.young_full) >= 0
    assert min(counts.both_incomplete, counts.one_incomplete, counts.both_full) >= 0
    two = counts.both_incomplete + counts.one_incomplete + counts.both_full
    assert counts.households + two == scaled(persons, "aow_households", "svb", f"recipients_{place}")
    incomplete = counts.single_incomplete + counts.young_incomplete + 2 * counts.both_incomplete + counts.one_incomplete
    assert incomplete == scaled(persons, "aow_households", "svb", f"incomplete_{place}")
    assert counts.people <= adults(persons) or abroad


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 5000), SEEDS)
def test_equal_seeds_give_equal_people(persons: int, seed: int) -> None:
    left, right = draw_people(persons, seed), draw_people(persons, seed)
    assert np.array_equal(left.numbers, right.numbers)
    for name in ("arrears", "households", "clients"):
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name))
    for name in ("debt_help", "opt_outs"):
        assert {party: list(rows) for party, rows in getattr(left, name).items()} == {
            party: list(rows) for party, rows in getattr(right, name).items()
        }


@given(SEEDS, st.text(max_size=8), st.text(max_size=8))
def test_purposes_draw_from_streams_of_their_own(seed: int, left: str, right: str) -> None:
    same = np.array_equal(stream(seed, left).integers(0, 2**63, 4), stream(seed, right).integers(0, 2**63, 4))
    assert same == (left == right)
