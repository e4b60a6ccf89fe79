"""BSNs in arrays against BSNs one at a time, in plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from psi_match.domain.bsn import LIMIT, BsnKind, digits, format_bsn, is_of_kind, remainders

NUMBERS = st.lists(st.integers(0, LIMIT - 1) | st.integers(999_899_990, LIMIT - 1) | st.integers(0, 99), max_size=60)


def remainder(number: int) -> int:
    a, b, c, d, e, f, g, h, i = (int(digit) for digit in f"{number:09}")
    return (9 * a + 8 * b + 7 * c + 6 * d + 5 * e + 4 * f + 3 * g + 2 * h - i) % 11


def kind(number: int) -> BsnKind | None:
    if remainder(number) == 1:
        return BsnKind.SYNTHETIC
    if remainder(number) or not number:
        return None
    return BsnKind.TEST if 999_900_006 <= number <= 999_999_990 else BsnKind.REAL


@given(NUMBERS)
def test_remainders_and_kinds(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.uint32)
    assert remainders(array).tolist() == [remainder(number) for number in numbers]
    for declared in BsnKind:
        assert is_of_kind(array, declared).tolist() == [kind(number) is declared for number in numbers]


@given(NUMBERS)
def test_digits_and_text_lead_back_to_the_number(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.uint32)
    rows = digits(array)
    assert rows.shape == (len(numbers), 9)
    assert rows.flags.c_contiguous
    assert [bytes(row) for row in rows] == [b"%09d" % number for number in numbers]
    assert format_bsn(array).tolist() == [f"{number:09}" for number in numbers]
    assert array.tolist() == numbers, "the argument is left as it was"


def test_counts_over_a_slice() -> None:
    first, last = 123_450_000, 123_470_000
    array = np.arange(first, last, dtype=np.uint32)
    for declared in BsnKind:
        expected = sum(kind(number) is declared for number in range(first, last))
        assert is_of_kind(array, declared).sum() == expected
    assert is_of_kind(array, BsnKind.REAL).sum() == 1818, "one in eleven"


def test_no_synthetic_number_of_a_slice_passes_the_11_proef() -> None:
    array = np.arange(87_000_000, 87_200_000, dtype=np.uint32)
    synthetic = array[is_of_kind(array, BsnKind.SYNTHETIC)]
    assert len(synthetic) > 18_000
    assert (remainders(synthetic) != 0).all()
    assert not any(remainder(number) == 0 for number in synthetic[:2000].tolist())
