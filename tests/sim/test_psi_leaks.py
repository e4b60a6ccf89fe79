"""What the messages of an intersection tell: sizes that follow from public sizes, nothing that can be recomputed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
from support.protocol import SID, intersect, terms_for
from support.sets import numbers, two_sets

from psi_match.base.randomness import SeededRandomness, SystemRandomness
from psi_match.crypto import shuffling
from psi_match.crypto.aes import KeyStreams
from psi_match.crypto.blake2s import blake2s_rows
from psi_match.crypto.cuckoo import EMPTY
from psi_match.crypto.derive import hash_fields
from psi_match.crypto.items import encode_items, item_bins
from psi_match.protocols import base_ot, engines, oprf, psi
from psi_match.protocols.sizes import CHUNK_BINS, table_bins
from psi_match.protocols.tables import CuckooTable, positions_key, simple_table
from psi_match.sim.simulator import simulate


@pytest.mark.parametrize("engine", ["kkrt", "vole", pytest.param("ecdh", marks=pytest.mark.openmined)])
def test_message_sizes_depend_on_public_sizes_only(engine: str) -> None:
    # Public sizes of 256 and 1,280 in every case.
    inputs = [two_sets(0, 1025, 0), two_sets(1, 1200, 1), two_sets(256, 1280, 256, 3), two_sets(200, 1100, 17, 4)]
    seen = {tuple(intersect(engine, leader, data).sizes()) for leader, data in inputs}
    assert len(seen) == 1
    directions = {(sender, recipient) for sender, recipient, _, _ in next(iter(seen))}
    assert directions == {("leader", "data"), ("data", "leader")}


@pytest.mark.parametrize("engine", ["kkrt", "vole", pytest.param("ecdh", marks=pytest.mark.openmined)])
def test_the_announced_number_of_messages_is_right(engine: str) -> None:
    leader, data_party = two_sets(300, 40_000, 100)
    run = intersect(engine, leader, data_party)
    assert len(run.sent) == engines.message_count(engine, terms_for(300, 40_000))


def test_no_message_exceeds_a_frame() -> None:
    leader, data_party = two_sets(60_000, 200_000, 0)
    run = intersect("kkrt", leader, data_party)
    assert max(sent.size for sent in run.sent) <= 2 * 1024 * 1024 - 1024
    assert len({sent.message.STEP for sent in run.sent}) == 4


def test_no_message_repeats_between_runs_with_the_same_input_and_session_id() -> None:
    leader, data_party = two_sets(256, 256, 100)
    runs = [
        intersect("kkrt", leader, data_party, leader_rng=SystemRandomness(), data_rng=SystemRandomness())
        for _ in range(2)
    ]
    rows = [{row.tobytes() for sent in run.sent for row in sent.message.rows} for run in runs]
    assert not rows[0] & rows[1]


def _public_streams(people: np.ndarray) -> Iterator[bytes]:
    """Everything about a set of people that anyone can compute from the session id alone."""
    code = oprf.Code(SID)
    bins = table_bins(256)
    places = item_bins(positions_key(SID), people, bins)
    for k in range(3):
        items = encode_items(people, k)
        words = np.hstack(code.words(items))
        yield from (row.tobytes() for row in words[:, :7])
        hashed = blake2s_rows(
            np.ascontiguousarray(words[:, :7]).view(np.uint8), places[:, k].astype(np.uint64), oprf.person(0)
        )
        yield from (row.tobytes() for row in hashed)
        yield from (row.tobytes() for row in items)


def test_nothing_sent_can_be_recomputed_from_public_values() -> None:
    leader, data_party = two_sets(256, 256, 256)
    run = intersect("kkrt", leader, data_party, leader_rng=SystemRandomness(), data_rng=SystemRandomness())
    public = set(_public_streams(leader))
    prefixes = {value[: run.sent[-1].message.rows.shape[1]] for value in public}
    for sent in run.sent:
        for row in sent.message.rows:
            assert row.tobytes() not in public
            assert row.tobytes() not in prefixes


def _public_keys() -> set[bytes]:
    """Every 16-byte value that the program derives from the session id, and what an outsider would try beside it."""
    keys = {positions_key(SID), *oprf.Code(SID)._keys, SID[:16], SID[16:]}
    for purpose in ("base-ot/key", "public-key/positions", "session-id", "pair-terms", "dataset", "transcript"):
        for fields in ((SID,), (SID, b""), (base_ot.OtLabel(SID, 0).at(0),), ()):
            keys.add(hash_fields(purpose, *fields)[:16])
    keys |= {hashlib.blake2s(SID + bytes([k])).digest()[:16] for k in range(256)}
    return keys


def test_no_key_stream_or_choice_can_be_found_among_public_values(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[bytes] = []
    choices: list[bytes] = []

    class Recording(KeyStreams):
        def __init__(self, keys: list[bytes]) -> None:
            used.extend(keys)
            super().__init__(keys)

    real = oprf.choice_bits
    for module in (oprf, psi, shuffling):
        monkeypatch.setattr(module, "KeyStreams", Recording)
    monkeypatch.setattr(oprf, "choice_bits", lambda random: choices.append(random) or real(random))
    leader, data_party = two_sets(256, 256, 256)
    run = intersect("kkrt", leader, data_party, leader_rng=SystemRandomness(), data_rng=SystemRandomness())
    assert run.results["leader"].all()
    # Both streams of each base OT at the leader, the chosen one at the data party, dummies, three shuffles.
    assert len(used) == 2 * 448 + 448 + 1 + 3
    assert len(set(used)) == 2 * 448 + 1 + 3
    public = _public_keys()
    assert not public & set(used)
    public_streams = {KeyStreams([key]).read(64).tobytes() for key in public}
    assert not public_streams & {KeyStreams([key]).read(64).tobytes() for key in used}
    (drawn,) = choices
    assert len(drawn) == 56
    material = b"".join(sorted(public)) + b"".join(sorted(public_streams))
    assert drawn[:8] not in material
    sent = b"".join(sent.message.rows.tobytes() for sent in run.sent)
    assert not [key for key in used if key in sent], "a key stands in a message"


def test_secrets_are_not_a_function_of_the_session_id() -> None:
    # Same session id, same rows, other randomness: every base-OT key, choice and stream must differ.
    keys = []
    for seed in (b"one", b"two"):
        label = base_ot.OtLabel(SID, 0)
        rng = SeededRandomness(seed)
        choices = oprf.choice_bits(rng.bytes(oprf.CHOICE_BYTES))
        outcome = simulate(
            {
                "s": base_ot.send_keys("r", label, SeededRandomness(seed + b"s")),
                "r": base_ot.receive_keys("s", label, choices, rng),
            }
        )
        keys.append({key for pair in outcome.results["s"] for key in pair})
    assert not keys[0] & keys[1]


def _position_attack(monkeypatch: pytest.MonkeyPatch) -> float:
    """Play a curious leader: how well do the positions of its matches in the received lists follow their bins?

    The leader knows its own rows, bins and values. Where the order of a list follows the bins, the values between two
    matches are other people's, whose bins, and with them guesses of their BSN, are narrowed down.
    """
    tables: list[CuckooTable] = []
    lookups: list[tuple[np.ndarray, np.ndarray]] = []

    class Recording(psi.Lookup):
        def __init__(self, values: np.ndarray, rows: np.ndarray) -> None:
            lookups.append((values, rows))
            super().__init__(values, rows)

    real_build = CuckooTable.build

    def build(*arguments: object) -> CuckooTable:
        tables.append(real_build(*arguments))
        return tables[-1]

    monkeypatch.setattr(psi, "Lookup", Recording)
    monkeypatch.setattr(CuckooTable, "build", build)
    leader, data_party = two_sets(30_000, 30_000, 30_000)
    run = intersect("kkrt", leader, data_party, leader_rng=SystemRandomness(), data_rng=SystemRandomness())
    assert run.results["leader"].all()
    received = np.concatenate([m.rows for m in run.view("leader") if isinstance(m, psi.CutValues)])
    table = tables[0]
    bin_of_row = np.empty(len(leader), dtype=np.int64)
    used = np.flatnonzero(table.row_of_bin != EMPTY)
    bin_of_row[table.row_of_bin[used]] = used
    correlations = []
    for one_list, (values, rows) in zip(received.reshape(3, -1, received.shape[1]), lookups, strict=True):
        position = {value.tobytes(): at for at, value in enumerate(one_list)}
        positions = [position[values[row].tobytes()] for row in rows]
        correlations.append(np.corrcoef(positions, bin_of_row[rows])[0, 1])
    return float(np.max(np.abs(correlations)))


def test_the_position_of_a_value_says_nothing_about_its_bin(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as naive:
        naive.setattr(psi, "shuffle_rows", lambda _rows, _rng: None)
        assert _position_attack(naive) > 0.5, "the attack must succeed where lists are sent as they were collected"
    with monkeypatch.context() as real:
        # 10,000 pairs a list: a correlation of 0.06 by chance has probability below 1e-8.
        assert _position_attack(real) < 0.06


def test_the_simple_table_lists_every_row_three_times_in_the_right_chunk() -> None:
    people = numbers(70_000)
    bins = table_bins(81_920)
    entries = list(simple_table(positions_key(SID), people, bins))
    assert len(entries) == -(-bins // CHUNK_BINS)
    places = item_bins(positions_key(SID), people, bins)
    seen = np.zeros((len(people), 3), dtype=np.int64)
    for chunk, part in enumerate(entries):
        assert (part.bins // CHUNK_BINS == chunk).all()
        assert np.array_equal(places[part.rows, part.hash_index], part.bins)
        np.add.at(seen, (part.rows, part.hash_index), 1)
    assert (seen == 1).all()
