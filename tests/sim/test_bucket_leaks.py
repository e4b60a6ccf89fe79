"""What the messages of an intersection in buckets tell: the same as without, whatever the load of the buckets."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.protocol import SID, intersect, terms_for
from support.sets import numbers, two_sets

from psi_match.base.errors import BucketOverflow, PeerError
from psi_match.base.randomness import SeededRandomness, SystemRandomness
from psi_match.crypto import expanded_seed
from psi_match.crypto.aes import KeyStreams
from psi_match.protocols import base_ot, bucketed_psi, buckets, engines, oprf, psi
from psi_match.protocols.buckets import BucketTerms, bucket_of
from psi_match.protocols.effects import Recv, Role, Rows
from psi_match.sim.simulator import Simulation, simulate

COUNT = 8


def _run(
    leader: NDArray[np.uint32], data_party: NDArray[np.uint32], size: int = 4096, count: int = COUNT
) -> Simulation:
    terms = BucketTerms(terms_for(size, size), count)
    roles: dict[str, Role[object]] = {
        "leader": bucketed_psi.lead(terms, leader, SystemRandomness()),
        "data": bucketed_psi.answer(terms, data_party, SystemRandomness()),
    }
    return simulate(roles)


def _crowded(count: int, full: list[int]) -> NDArray[np.uint32]:
    """Rows that fill some buckets to their capacity and leave the others empty: as skewed as a run can be."""
    people = numbers(60_000, 5)
    bucket = bucket_of(SID, people, COUNT)
    room = buckets.capacity(4096, COUNT, 1)
    return np.concatenate([people[bucket == number][:room] for number in full])[:count]


def test_bucket_sizes_on_the_wire_do_not_depend_on_how_rows_fall() -> None:
    even = numbers(4096, 1)
    inputs = [
        (even, even),
        (even[:0], even),
        (_crowded(4096, [0]), even),
        (even, _crowded(4096, [7])),
        (_crowded(1500, [2, 3, 4]), _crowded(1500, [5])),
        (numbers(1, 2), numbers(4000, 3)),
    ]
    seen = set()
    for leader, data_party in inputs:
        run = _run(leader, data_party)
        assert np.array_equal(run.results["leader"], psi.plaintext_intersection(leader, data_party))
        seen.add(tuple(run.sizes()))
    assert len(seen) == 1
    steps = {(sender, step) for sender, _, step, _ in next(iter(seen))}
    assert {step for sender, step in steps if sender == "data"} == {"base-ot-receiver", "psi-values"}


def test_one_row_too_many_in_a_bucket_ends_the_run_before_anything_is_sent() -> None:
    people = numbers(60_000, 5)
    crowd = people[bucket_of(SID, people, COUNT) == 3]
    room = buckets.capacity(4096, COUNT, 1)
    assert _run(crowd[:room], crowd[:room]).results["leader"].all()
    for leader, data_party in ((crowd[: room + 1], crowd[:5]), (crowd[:5], crowd[: room + 1])):
        sent: list[Rows] = []

        def keep(_sender: str, _recipient: str, message: Rows, _expected: Recv, sent: list[Rows] = sent) -> Rows:
            sent.append(message)
            return message

        terms = BucketTerms(terms_for(4096, 4096), COUNT)
        roles: dict[str, Role[object]] = {
            "data": bucketed_psi.answer(terms, data_party, SystemRandomness()),
            "leader": bucketed_psi.lead(terms, leader, SystemRandomness()),
        }
        with pytest.raises(BucketOverflow) as raised:
            simulate(roles, keep)
        assert raised.value.exit_code == 10
        assert not [message for message in sent if isinstance(message, oprf.MaskedRows | psi.CutValues)]


def test_the_announced_number_of_messages_is_right_and_none_exceeds_a_frame() -> None:
    leader, data_party = two_sets(60_000, 200_000, 0)
    run = intersect("kkrt-buckets", leader, data_party)
    assert len(run.sent) == engines.message_count("kkrt-buckets", terms_for(60_000, 200_000))
    assert max(sent.size for sent in run.sent) <= 2 * 1024 * 1024 - 1024


def _loads_seen_by_the_leader(own: dict[int, bucketed_psi.OwnValues], run: Simulation) -> NDArray[np.int64]:
    """Play a curious leader that holds all of the data party's rows: guess each bucket's load from its matches' places.

    Where lists are sent as they were collected, rows come first and padding last, and the last match is the last row.
    """
    terms = BucketTerms(terms_for(4096, 4096), COUNT)
    received = [message.rows for message in run.view("leader") if isinstance(message, psi.CutValues)]
    lists = np.concatenate(received).reshape(COUNT, 3, terms.data_rows, terms.value_bytes)
    guesses = []
    for bucket in range(COUNT):
        mine = {value.tobytes() for value in own[bucket].values}
        places = [place for one in lists[bucket] for place, value in enumerate(one) if value.tobytes() in mine]
        guesses.append(max(places, default=-1) + 1)
    return np.array(guesses)


def _errors_of_the_guess(monkeypatch: pytest.MonkeyPatch) -> NDArray[np.int64]:
    own: dict[int, bucketed_psi.OwnValues] = {}
    real = bucketed_psi.mask

    def mask(
        terms: BucketTerms,
        bucket: int,
        rows: NDArray[np.uint32],
        keys: list[tuple[bytes, bytes]],
        dummy_key: bytes,
    ) -> tuple[NDArray[np.uint8], bucketed_psi.OwnValues]:
        masked, own[bucket] = real(terms, bucket, rows, keys, dummy_key)
        return masked, own[bucket]

    monkeypatch.setattr(bucketed_psi, "mask", mask)
    people = numbers(3000, 9)
    run = _run(people, people)
    loads = np.bincount(bucket_of(SID, people, COUNT), minlength=COUNT)
    return np.abs(_loads_seen_by_the_leader(own, run) - loads)


def test_the_place_of_a_value_says_nothing_about_its_bucket_s_load(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as naive:
        naive.setattr(bucketed_psi, "shuffle_rows", lambda _rows, _rng: None)
        assert _errors_of_the_guess(naive).max() < 10, "the attack must succeed where lists are sent as collected"
    with monkeypatch.context() as real:
        # 375 rows among some 690 places: the last match is nearly always near the end.
        assert _errors_of_the_guess(real).min() > 100


def test_no_key_is_used_twice_and_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[bytes] = []

    class Recording(KeyStreams):
        def __init__(self, keys: list[bytes]) -> None:
            used.extend(keys)
            super().__init__(keys)

    for module in (oprf, bucketed_psi, expanded_seed, psi):
        monkeypatch.setattr(module, "KeyStreams", Recording)
    monkeypatch.setattr("psi_match.crypto.shuffling.KeyStreams", Recording)
    people = numbers(300, 9)
    run = _run(people, people, size=320, count=2)
    # Per bucket: both streams of each column at the leader, the chosen one at the data party; dummies; seed; shuffles.
    each = base_ot.TRANSFERS
    assert len(used) == 2 * (2 * each + each + 1 + 1 + 3)
    assert len(set(used)) == 2 * (2 * each + 1 + 1 + 3)
    sent = b"".join(sent.message.rows.tobytes() for sent in run.sent)
    assert not [key for key in used if key in sent], "a key stands in a message"


def test_no_message_repeats_between_runs_or_buckets() -> None:
    people = numbers(300, 9)
    rows = [
        row.tobytes()
        for _ in range(2)
        for sent in _run(people, people, size=320, count=3).sent
        for row in sent.message.rows
    ]
    assert len(set(rows)) == len(rows)


def test_lists_of_another_size_are_refused() -> None:
    terms = BucketTerms(terms_for(256, 256), 2)

    def cut(_sender: str, _recipient: str, message: Rows, _expected: Recv) -> Rows:
        return type(message)(message.rows[:-1]) if isinstance(message, psi.CutValues) else message

    people = numbers(200, 9)
    roles: dict[str, Role[object]] = {
        "leader": bucketed_psi.lead(terms, people, SeededRandomness(b"l")),
        "data": bucketed_psi.answer(terms, people, SeededRandomness(b"d")),
    }
    with pytest.raises(PeerError, match="another kind or size"):
        simulate(roles, cut)
