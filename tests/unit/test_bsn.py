"""The 11-proef and the kinds of BSN, against a plain-Python oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from psi_match.domain.bsn import BsnKind, format_bsn, is_of_kind, remainders
from psi_match.domain.columns import bsn_column
from psi_match.population.numbers import draw_numbers


def oracle(number: int) -> int:
    digits = [int(digit) for digit in f"{number:09d}"]
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11


@given(st.lists(st.integers(0, 10**9 - 1), max_size=50))
def test_remainders_and_text(people: list[int]) -> None:
    numbers = np.array(people, dtype=np.uint32)
    assert remainders(numbers).tolist() == [oracle(number) for number in people]
    texts = [f"{number:09d}" for number in people]
    assert format_bsn(numbers).tolist() == texts
    assert bsn_column(numbers).to_pylist() == texts


@pytest.mark.parametrize("valid", [111222333, 123456782])
def test_published_examples_pass(valid: int) -> None:
    number = np.array([valid], dtype=np.uint32)
    assert is_of_kind(number, BsnKind.REAL).all()
    assert not is_of_kind(number, BsnKind.SYNTHETIC).any()
    assert not is_of_kind(number, BsnKind.TEST).any()


def test_kinds_exclude_each_other_and_zero_is_none() -> None:
    numbers = np.concatenate([np.arange(0, 5000), np.arange(999_895_000, 10**9)]).astype(np.uint32)
    kinds = np.array([is_of_kind(numbers, kind) for kind in BsnKind])
    assert kinds.sum(axis=0).max() == 1
    assert not kinds[:, 0].any(), "000000000 passes the 11-proef and is nobody's number"


def test_the_test_range_is_the_published_one() -> None:
    numbers = np.arange(999_800_000, 10**9).astype(np.uint32)
    found = numbers[is_of_kind(numbers, BsnKind.TEST)]
    assert (found.min(), found.max(), len(found)) == (999_900_006, 999_999_990, 9091)


def test_no_synthetic_number_passes_the_check() -> None:
    drawn = draw_numbers(50_000, np.random.default_rng(3))
    assert len(set(drawn.tolist())) == 50_000
    assert all(oracle(number) == 1 for number in drawn[:5000].tolist())
    assert is_of_kind(drawn, BsnKind.SYNTHETIC).all()
