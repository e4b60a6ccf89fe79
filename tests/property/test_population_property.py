"""Whatever the size and seed: distinct numbers of nobody, exact quotas, equal draws for equal seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from psi_match.domain.parties import BODIES
from psi_match.population.arrears import draw_arrears
from psi_match.population.numbers import draw_numbers
from psi_match.population.presence import CORE_BODIES, core, quota
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
    people = draw_arrears(persons, seed)
    present = people[[f"{body.id}_present" for body in BODIES]].to_numpy()
    assert present.sum(axis=0).tolist() == [quota(body.id, persons) for body in BODIES]
    assert present.any(axis=1).all()
    assert people["bsn"].is_unique
    in_core = np.logical_and.reduce([people[f"{body}_present"] for body in CORE_BODIES])
    assert in_core.sum() >= core(persons)
    for body in BODIES:
        here = people[f"{body.id}_present"]
        assert ((people[f"{body.id}_open_cents"] >= 1) == here).all()
        assert people[f"{body.id}_oldest_claim_months"].between(0, 120).all()
        assert not (people[f"{body.id}_reminder_sent"] & ~here).any()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 5000), SEEDS)
def test_equal_seeds_give_equal_people(persons: int, seed: int) -> None:
    pd.testing.assert_frame_equal(draw_arrears(persons, seed), draw_arrears(persons, seed))


@given(SEEDS, st.text(max_size=8), st.text(max_size=8))
def test_purposes_draw_from_streams_of_their_own(seed: int, left: str, right: str) -> None:
    same = np.array_equal(stream(seed, left).integers(0, 2**63, 4), stream(seed, right).integers(0, 2**63, 4))
    assert same == (left == right)
