"""Public sizes and what follows from them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psi_match.protocols import sizes


@pytest.mark.parametrize(
    ("rows", "step"),
    [(0, 256), (1, 256), (256, 256), (257, 320), (320, 320), (321, 384), (449, 512), (513, 640), (100_000, 114_688)]
    + [(1 << 20, 1 << 20), ((1 << 20) + 1, 1_310_720), (sizes.LARGEST_PUBLIC_SIZE, sizes.LARGEST_PUBLIC_SIZE)],
)
def test_ladder_steps(rows: int, step: int) -> None:
    assert sizes.ladder_step(rows) == step


@given(st.integers(0, sizes.LARGEST_PUBLIC_SIZE))
def test_ladder_holds_the_rows_and_wastes_at_most_a_quarter(rows: int) -> None:
    step = sizes.ladder_step(rows)
    assert step >= rows
    assert step == 256 or step < rows * 1.25 + 1
    power = 1 << (step.bit_length() - 1)
    assert step * 4 % power == 0, "not one of four steps per power of two"
    assert sizes.ladder_step(step) == step


@pytest.mark.parametrize("rows", [-1, sizes.LARGEST_PUBLIC_SIZE + 1, 1 << 40])
def test_ladder_refuses_impossible_sizes(rows: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        sizes.ladder_step(rows)


def test_a_cap_is_the_public_size_whatever_the_rows() -> None:
    assert {sizes.public_size(rows, 1000) for rows in (0, 1, 999, 1000)} == {1000}
    with pytest.raises(ValueError, match="more rows"):
        sizes.public_size(1001, 1000)
    with pytest.raises(ValueError, match="cap"):
        sizes.public_size(10, 255)


@pytest.mark.parametrize(
    ("size", "bins"),
    [(207, 352), (256, 436), (16_383, 27_852), (16_384, 20_808), (1 << 20, 1_331_692), (1 << 24, 21_474_837)],
)
def test_table_bins(size: int, bins: int) -> None:
    assert sizes.table_bins(size) == bins


def test_value_bytes_of_the_design() -> None:
    assert sizes.value_bytes(1 << 20, 1 << 20, 1) == 10
    assert sizes.value_bytes(1 << 20, 1 << 20, 2) == 11
    assert sizes.value_bytes(256, 256, 1) == 8, "never shorter than the word that the look-up reads"


@given(st.integers(256, 1 << 28), st.integers(256, 1 << 28), st.integers(1, 12))
def test_false_matches_stay_below_2_to_the_minus_40(leader: int, data: int, runs: int) -> None:
    false_match = math.log2(leader) + math.log2(data) + math.log2(runs) - 8 * sizes.value_bytes(leader, data, runs)
    assert false_match <= -40
    assert sizes.value_bytes(leader, data, runs) <= 32


@given(st.integers(0, 10_000), st.integers(1, 1000))
def test_chunks_cover_everything_once(total: int, size: int) -> None:
    pieces = sizes.chunks(total, size)
    assert [index for start, stop in pieces for index in range(start, stop)] == list(range(total))
    assert all(0 < stop - start <= size for start, stop in pieces)
