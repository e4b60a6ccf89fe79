"""Intersections in buckets give the answer of the plaintext twin, whatever the sizes and the number of buckets."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.protocol import SID, intersect, terms_for
from support.sets import two_sets

from psi_match.base.randomness import SeededRandomness
from psi_match.protocols import bucketed_psi
from psi_match.protocols.buckets import BucketTerms
from psi_match.protocols.effects import Role, Task
from psi_match.protocols.psi import plaintext_intersection
from psi_match.sim.simulator import simulate


def _in_buckets(leader: NDArray[np.uint32], data_party: NDArray[np.uint32], count: int) -> NDArray[np.bool_]:
    terms = BucketTerms(terms_for(len(leader), len(data_party)), count)
    roles: dict[str, Role[object]] = {
        "leader": bucketed_psi.lead(terms, leader, SeededRandomness(b"leader")),
        "data": bucketed_psi.answer(terms, data_party, SeededRandomness(b"data")),
    }
    found: NDArray[np.bool_] = simulate(roles).results["leader"]
    return found


@settings(max_examples=8, deadline=None)
@given(st.data(), st.integers(2, 2 * bucketed_psi.WINDOW + 3), st.integers(0, 2**20))
def test_any_sizes_and_any_number_of_buckets(data: st.DataObject, count: int, seed: int) -> None:
    leader, held = data.draw(st.integers(0, 300)), data.draw(st.integers(0, 300))
    common = data.draw(st.integers(0, min(leader, held)))
    mine, theirs = two_sets(leader, held, common, seed)
    found = _in_buckets(mine, theirs, count)
    assert found.sum() == common
    assert np.array_equal(found, plaintext_intersection(mine, theirs))


@pytest.mark.parametrize("count", [bucketed_psi.WINDOW, bucketed_psi.WINDOW + 1, bucketed_psi.WINDOW + 2])
def test_as_many_buckets_as_the_window_and_around(count: int) -> None:
    mine, theirs = two_sets(2000, 3000, 500)
    assert np.array_equal(_in_buckets(mine, theirs, count), plaintext_intersection(mine, theirs))


def test_buckets_of_several_chunks() -> None:
    mine, theirs = two_sets(60_000, 90_000, 20_000)
    found = intersect("kkrt-buckets", mine, theirs).results["leader"]
    assert np.array_equal(found, plaintext_intersection(mine, theirs))


def test_tasks_travel_and_give_the_same_when_they_are_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    compute = Task.compute

    def elsewhere(task: Task) -> object:
        first = compute(pickle.loads(pickle.dumps(task)))  # noqa: S301
        second = compute(pickle.loads(pickle.dumps(task)))  # noqa: S301
        assert pickle.dumps(first) == pickle.dumps(second)
        done.append(task.name)
        return pickle.loads(pickle.dumps(second))  # noqa: S301

    monkeypatch.setattr(Task, "compute", elsewhere)
    mine, theirs = two_sets(300, 300, 100)
    assert np.array_equal(_in_buckets(mine, theirs, 3), plaintext_intersection(mine, theirs))
    assert sorted(done) == ["evaluate"] * 3 + ["mask"] * 3 + ["match"] * 3


def test_a_task_does_not_show_what_it_holds() -> None:
    mine, _ = two_sets(300, 300, 100)
    terms = BucketTerms.of(terms_for(300, 300))
    task = Task(bucketed_psi.mask, (terms, 0, mine, [(b"secret-key-16-by", b"secret-key-16-by")], b"secret-key-16-by"))
    assert repr(task) == "Task(mask)"
    assert SID not in repr(task).encode()
