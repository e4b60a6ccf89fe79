"""What the messages of engine ``vole`` tell: the same attacks on variants without a mask, and on the real one."""

from __future__ import annotations

import numpy as np
import pytest
from support.protocol import SID, intersect, terms_for
from support.sets import two_sets

from psi_match.base.randomness import RandomSource, SystemRandomness
from psi_match.crypto import okvs
from psi_match.protocols import psi, vole, vole_psi
from psi_match.sim.simulator import Simulation

LEADER, DATA = two_sets(600, 700, 200)
DOMAIN = np.unique(np.concatenate([LEADER, DATA]))
"""A small domain that holds everybody: who can test a number can test all of them."""


def _run() -> Simulation:
    return intersect("vole", LEADER, DATA, leader_rng=SystemRandomness(), data_rng=SystemRandomness())


def _store_attack(run: Simulation) -> set[int]:
    """A curious data party: which numbers decode, in what the leader sent as its store, to what they must?"""
    terms = terms_for(len(LEADER), len(DATA))
    items = vole_psi._Items(terms)
    sent = np.concatenate([m.rows for m in run.view("data") if isinstance(m, vole_psi.MaskedStore)])
    store = np.ascontiguousarray(sent).view("<u8")
    decoded = okvs.decode(items.store_seed, store, items.keys(DOMAIN), terms.leader_size)
    return set(DOMAIN[(decoded == items.targets(DOMAIN)).all(axis=1)].tolist())


def test_the_store_tells_the_data_party_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real_batch = vole.Receiver.batch

    def unmasked(self: vole.Receiver, number: int):  # noqa: ANN202
        a, c = yield from real_batch(self, number)
        return np.zeros_like(a), c

    with monkeypatch.context() as naive:
        naive.setattr(vole.Receiver, "batch", unmasked)
        assert _store_attack(_run()) == set(LEADER.tolist()), "the attack must succeed on a store without its mask"
    assert not _store_attack(_run())


class _NoScalar(SystemRandomness):
    """A data party that draws zero for its choices, so D = 0, and is random in all else."""

    def __init__(self) -> None:
        super().__init__()
        self._first = True

    def bytes(self, count: int) -> bytes:
        first, self._first = self._first, False
        return bytes(count) if first else super().bytes(count)


def _value_attack(monkeypatch: pytest.MonkeyPatch, data_rng: RandomSource) -> set[int]:
    """A curious leader: whose value can it make from its own C alone, and does it stand among those received?"""
    own: list[np.ndarray] = []
    real_batch = vole.Receiver.batch

    def batch(self: vole.Receiver, number: int):  # noqa: ANN202
        a, c = yield from real_batch(self, number)
        own.append(c.copy())
        return a, c

    with monkeypatch.context() as patch:
        patch.setattr(vole.Receiver, "batch", batch)
        run = intersect("vole", LEADER, DATA, leader_rng=SystemRandomness(), data_rng=data_rng)
    terms = terms_for(len(LEADER), len(DATA))
    items = vole_psi._Items(terms)
    decoded = okvs.decode(items.store_seed, np.concatenate(own), items.keys(DOMAIN), terms.leader_size)
    received = {row.tobytes() for m in run.view("leader") if isinstance(m, psi.CutValues) for row in m.rows}
    values = items.values(decoded, DOMAIN)
    return {int(number) for number, value in zip(DOMAIN, values, strict=True) if value.tobytes() in received}


def test_the_leader_can_make_no_value_but_of_its_own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    everyone, both = set(DATA.tolist()), set(np.intersect1d(LEADER, DATA).tolist())
    assert _value_attack(monkeypatch, _NoScalar()) == everyone, "with D = 0 the attack must succeed"
    assert _value_attack(monkeypatch, SystemRandomness()) == both


def _order_attack(monkeypatch: pytest.MonkeyPatch, *, shuffled: bool) -> float:
    """A curious leader: do the places of its matches among the values follow the order of the data party's rows?"""
    leader, data_party = two_sets(3000, 3000, 3000)
    data_party = np.sort(data_party)
    made: dict[bytes, int] = {}
    real_values = vole_psi._Items.values

    def values(self: vole_psi._Items, at_rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        found = real_values(self, at_rows, numbers)
        made.update({value.tobytes(): int(number) for value, number in zip(found, numbers, strict=True)})
        return found

    with monkeypatch.context() as patch:
        patch.setattr(vole_psi._Items, "values", values)
        if not shuffled:
            patch.setattr(vole_psi, "shuffle_rows", lambda _rows, _rng: None)
        run = intersect("vole", leader, data_party, leader_rng=SystemRandomness(), data_rng=SystemRandomness())
    received = np.concatenate([m.rows for m in run.view("leader") if isinstance(m, psi.CutValues)])
    numbers = [made[row.tobytes()] for row in received if row.tobytes() in made]
    assert len(numbers) == 3000
    return abs(float(np.corrcoef(np.arange(3000), numbers)[0, 1]))


def test_the_order_of_the_values_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _order_attack(monkeypatch, shuffled=False) > 0.9, "the attack must succeed where rows keep their order"
    # 3,000 pairs: a correlation of 0.12 by chance has probability below 1e-10.
    assert _order_attack(monkeypatch, shuffled=True) < 0.12


def test_nothing_sent_can_be_recomputed_from_public_values() -> None:
    run = _run()
    items = vole_psi._Items(terms_for(len(LEADER), len(DATA)))
    public = {row.tobytes() for row in items.keys(DOMAIN)} | {row.tobytes() for row in items.targets(DOMAIN)}
    sent = {row.tobytes() for message in run.sent for row in message.message.rows}
    assert not public & sent
    assert SID not in b"".join(message.message.rows.tobytes() for message in run.sent)
