"""Counts on shares against numpy, and the rule of release against its plain twin, exhaustively for small numbers."""

from __future__ import annotations

import numpy as np
import pytest
from support.joint import among_three, random_planes, results, reveal, share

from psi_match.protocols.counting import count_rows, release, release_circuit
from psi_match.protocols.planes import from_planes, to_planes


@pytest.mark.parametrize("words", [1, 2, 3, 7, 20])
def test_counts_equal_those_of_numpy(words: int) -> None:
    bits = random_planes(3, words)
    bits[1] = 0
    bits[2] = ~np.uint64(0)
    counts = reveal(results(among_three(lambda me, own: count_rows(me, own, ("c",)), share(bits))))
    assert counts.shape[1] == 3
    for cell in range(3):
        expected = int(np.unpackbits(bits[cell].view(np.uint8)).sum())
        column = np.ascontiguousarray(counts[:, cell : cell + 1])
        assert from_planes(column, 64).tolist() == [expected] + [0] * 63, "other rows must hold no partial sums"


@pytest.mark.parametrize("group", [2, 3, 10])
def test_the_release_circuit_equals_its_twin(group: int) -> None:
    names, bits = ("a", "b"), 5
    circuit = release_circuit(names, {"a@0": bits, "a@1": bits, "b@0": bits}, ((), ()), 8, group)
    values = [(x, y, z) for x in range(0, 32, 3) for y in (0, 1, 9, 31) for z in range(32)]
    columns = {name: [v[i] for v in values] for i, name in enumerate(("a@0", "a@1", "b@0"))}
    words = -(-len(values) // 64)
    out = circuit.evaluate({n: to_planes(np.array(c), bits, words) for n, c in columns.items()})
    for cell, of in (("a", lambda v: v[0] + v[1]), ("b", lambda v: v[2])):
        hidden = from_planes(out[f"{cell}/suppressed"], len(values)).tolist()
        quotient = from_planes(out[f"{cell}/quotient"], len(values)).tolist()
        for value, is_hidden, q in zip(values, hidden, quotient, strict=True):
            expected = release(of(value), [sum(value)], group)
            assert (None if is_hidden else q * group) == expected, (cell, value)
            assert not (is_hidden and q), "a suppressed cell shows nothing"


@pytest.mark.parametrize("group", [2, 10])
def test_a_pair_is_hidden_near_either_set_size(group: int) -> None:
    circuit = release_circuit(("pair",), {"pair@0": 6}, (("set/x", "set/y"),), 7, group)
    cases = [(c, c + x, c + y) for c in range(0, 41, 5) for x in range(0, 25, 3) for y in (0, group - 1, group, 60)]
    words = -(-len(cases) // 64)
    columns = [np.array(side) for side in zip(*cases, strict=True)]
    out = circuit.evaluate(
        {
            "pair@0": to_planes(columns[0], 6, words),
            "set/x": to_planes(columns[1], 7, words),
            "set/y": to_planes(columns[2], 7, words),
        }
    )
    hidden = from_planes(out["pair/suppressed"], len(cases)).tolist()
    for (count, x, y), is_hidden in zip(cases, hidden, strict=True):
        assert bool(is_hidden) == (release(count, [x, y], group) is None), (count, x, y)


def test_the_edges_of_the_rule() -> None:
    assert release(9, [100], 10) is None
    assert release(10, [100], 10) == 10
    assert release(19, [100], 10) == 10
    assert release(91, [100], 10) is None
    assert release(90, [100], 10) == 90
