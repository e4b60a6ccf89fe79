"""Oblivious permutation and shuffle against plain indexing, for every chooser; bad factors are refused."""

from __future__ import annotations

import numpy as np
import pytest
from support.joint import PARTIES, among_three, random_planes, results, reveal, rng_of, share

from psi_match.base.errors import PeerError
from psi_match.protocols.effects import Recv, Rows
from psi_match.protocols.permutation import Factor, permute, planes_of, rows_of, shuffle

WORDS = 6


@pytest.mark.parametrize("chooser", [0, 1, 2])
@pytest.mark.parametrize(("bits", "rows"), [(1, 384), (13, 300), (66, 10), (8, 0)])
def test_rows_come_in_the_chosen_order(chooser: int, bits: int, rows: int) -> None:
    values = random_planes(bits, WORDS)
    order = np.random.default_rng(3).permutation(64 * WORDS)[:rows].astype(np.uint32)
    shares = share(values)
    run = among_three(
        lambda me, own: permute(me, chooser, own, rows, order if me.index == chooser else None, ("p",)), shares
    )
    opened = reveal(results(run))
    assert np.array_equal(rows_of(opened)[:rows], rows_of(values)[order])


def test_a_shuffle_keeps_the_rows_and_changes_their_order() -> None:
    values = random_planes(33, WORDS)
    run = among_three(lambda me, own: shuffle(me, own, rng_of(PARTIES[me.index]), ("s",)), share(values))
    opened = reveal(results(run))
    assert sorted(map(bytes, rows_of(opened))) == sorted(map(bytes, rows_of(values)))
    assert not np.array_equal(opened, values)


def test_sizes_do_not_depend_on_the_order() -> None:
    values = random_planes(9, WORDS)
    orders = [np.arange(100, dtype=np.uint32), np.arange(383, 283, -1).astype(np.uint32)]
    runs = [
        among_three(
            lambda me, own, o=order: permute(me, 1, own, 100, o if me.index == 1 else None, ("p",)), share(values)
        )
        for order in orders
    ]
    assert runs[0].sizes() == runs[1].sizes()


@pytest.mark.parametrize("bad", ["twice", "beyond"])
def test_a_factor_that_is_not_injective_is_refused(bad: str) -> None:
    def spoil(_sender: str, _recipient: str, message: Rows, _expected: Recv) -> Rows:
        if not isinstance(message, Factor):
            return message
        indices = message.rows.copy().view("<u4")
        indices[1] = indices[0] if bad == "twice" else 64 * WORDS
        return Factor(indices.view(np.uint8))

    order = np.arange(50, dtype=np.uint32)
    with pytest.raises(PeerError, match="names a row twice"):
        among_three(
            lambda me, own: permute(me, 0, own, 50, order if me.index == 0 else None, ("p",)),
            share(random_planes(5, WORDS)),
            carry=spoil,
        )


@pytest.mark.parametrize("bits", [1, 8, 63, 64, 65, 130])
def test_planes_to_rows_and_back(bits: int) -> None:
    values = random_planes(bits, WORDS)
    rows = rows_of(values)
    assert rows.shape == (64 * WORDS, -(-bits // 8))
    assert np.array_equal(planes_of(rows, bits), values)
    assert (rows[65, 0] & 1) == (values[0, 1] >> np.uint64(1) & np.uint64(1))
