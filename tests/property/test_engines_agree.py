"""All engines give the answer of the plaintext twin, on the same input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.protocol import intersect
from support.sets import two_sets

from psi_match.protocols.psi import plaintext_intersection

ENGINES = ["kkrt", "vole", pytest.param("ecdh", marks=pytest.mark.openmined)]


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int, int, int]:
    leader, data = draw(st.integers(0, 256)), draw(st.integers(0, 256))
    return leader, data, draw(st.integers(0, min(leader, data))), draw(st.integers(0, 2**20))


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=20, deadline=None)
@given(sizes())
def test_small_sets_of_every_overlap(engine: str, drawn: tuple[int, int, int, int]) -> None:
    leader, data_party = two_sets(*drawn)
    found = intersect(engine, leader, data_party).results["leader"]
    assert found.sum() == drawn[2]
    assert np.array_equal(found, plaintext_intersection(leader, data_party))


@pytest.mark.parametrize(
    ("engine", "rows"),
    [
        ("kkrt", 4096),
        ("kkrt", 65_537),
        ("vole", 4096),
        ("vole", 65_537),
        pytest.param("ecdh", 4096, marks=pytest.mark.openmined),
        pytest.param("ecdh", 65_537, marks=[pytest.mark.openmined, pytest.mark.slow]),
    ],
)
@pytest.mark.parametrize("shape", ["disjoint", "equal", "nested"])
def test_large_sets(engine: str, rows: int, shape: str) -> None:
    other = rows // 2 if shape == "nested" else rows
    leader, data_party = two_sets(rows, other, {"disjoint": 0, "equal": rows, "nested": other}[shape])
    found = intersect(engine, leader, data_party).results["leader"]
    assert np.array_equal(found, plaintext_intersection(leader, data_party))
