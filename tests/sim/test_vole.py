"""Vector OLE: C = A * D + B by schoolbook multiplication, in one batch and in several, and what its messages tell."""

from __future__ import annotations

import numpy as np
import pytest
from support.protocol import SID

from psi_match.base.errors import PeerError
from psi_match.base.randomness import RandomSource, SeededRandomness, SystemRandomness
from psi_match.protocols import base_ot, vole
from psi_match.protocols.effects import Recv, Role, Rows
from psi_match.sim.simulator import Carrier, Simulation, _as_is, simulate

LABEL = base_ot.OtLabel(SID, 0)
Words = np.ndarray


def _receive(rows: int, rng: RandomSource) -> Role[tuple[Words, Words]]:
    keys = yield from base_ot.send_keys("sender", LABEL, rng, vole.BASE_TRANSFERS)
    receiver = vole.Receiver("sender", SID, 0, rows, keys, rng)
    yield from receiver.ask()
    parts = []
    for number in range(len(receiver.plan)):
        part = yield from receiver.batch(number)
        parts.append(part)
    return np.concatenate([a for a, _ in parts]), np.concatenate([c for _, c in parts])


def _offer(rows: int, rng: RandomSource) -> Role[tuple[Words, Words]]:
    choices = [bit & 1 for bit in rng.bytes(vole.BASE_TRANSFERS)]
    keys = yield from base_ot.receive_keys("receiver", LABEL, choices, rng)
    sender = vole.Sender("receiver", SID, 0, rows, keys, choices, rng)
    yield from sender.attend()
    parts = []
    for number in range(len(sender.plan)):
        part = yield from sender.batch(number)
        parts.append(part)
    return sender.scalar, np.concatenate(parts)


def _run(rows: int, seed: bytes = b"", carry: Carrier = _as_is) -> Simulation:
    def rng(party: bytes) -> RandomSource:
        return SeededRandomness(seed + party) if seed else SystemRandomness()

    return simulate({"receiver": _receive(rows, rng(b"r")), "sender": _offer(rows, rng(b"s"))}, carry)


def _check(run: Simulation, rows: int) -> None:
    (a, c), (d, b) = run.results["receiver"], run.results["sender"]
    assert a.shape == b.shape == c.shape == (rows, 2)
    picked = np.unique(np.concatenate([np.arange(min(rows, 40)), np.arange(max(0, rows - 40), rows)]))
    assert np.array_equal(vole.plaintext_products(a[picked], b[picked], d), c[picked])


@pytest.mark.parametrize("rows", [1, 4096, 9000])
def test_the_correlation_holds(rows: int) -> None:
    _check(_run(rows), rows)


@pytest.mark.parametrize("rows", [7000, 20_000, 20_001])
def test_the_correlation_holds_from_batch_to_batch(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vole, "BATCH_ROWS", 8192)
    plan = vole.batches(rows)
    assert len(plan) == {7000: 1, 20_000: 3, 20_001: 3}[rows]
    run = _run(rows)
    a, c = run.results["receiver"]
    d, b = run.results["sender"]
    bounds = np.cumsum([0, *(batch.used for batch in plan)])
    for edge in bounds:
        near = np.arange(max(0, edge - 20), min(rows, edge + 20))
        assert np.array_equal(vole.plaintext_products(a[near], b[near], d), c[near])
    # Rows that feed the next batch are no rows of the result.
    assert len({row.tobytes() for row in a}) == rows


@pytest.mark.parametrize("rows", [1, 5000, 1 << 18, 1_288_064, 20_000_000])
def test_batches_cover_the_rows_and_leave_room_for_the_next_one(rows: int) -> None:
    plan = vole.batches(rows)
    assert sum(batch.used for batch in plan) == rows
    for index, batch in enumerate(plan):
        assert batch.rows >= batch.used + vole.NOISE * (index < len(plan) - 1)
        assert batch.rows < max(vole.SMALLEST_BATCH, vole.BATCH_ROWS) + vole.NOISE
        assert batch.leaves * vole.NOISE == 2 * batch.rows


def test_the_noise_has_one_place_in_every_block() -> None:
    planted: list[np.ndarray] = []
    real = vole._plant

    def plant(*arguments: object) -> np.ndarray:
        planted.append(real(*arguments).copy())
        return real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vole, "_plant", plant)
        _run(5000)
    (sparse,) = planted
    noise = sparse[:, :2].reshape(vole.NOISE, -1, 2).any(axis=2)
    assert (noise.sum(axis=1) == 1).all()
    places = noise.argmax(axis=1)
    # 560 uniform places among 18 and more: all in one half has probability 2^-559.
    assert places.min() < noise.shape[1] // 2 < places.max()


def test_message_sizes_follow_from_the_number_of_rows() -> None:
    run = _run(5000)
    assert len(run.sent) == vole.message_count(5000) + 2
    assert max(sent.size for sent in run.sent) <= 2 * 1024 * 1024 - 1024


def test_nothing_repeats_between_two_runs_of_one_session_id() -> None:
    runs = [_run(4096), _run(4096)]
    rows = [{row.tobytes() for sent in run.sent for row in sent.message.rows} for run in runs]
    assert not rows[0] & rows[1]
    scalars = [run.results["sender"][0].tobytes() for run in runs]
    assert scalars[0] != scalars[1]


def test_the_scalar_and_what_hides_it_stand_in_no_message() -> None:
    run = _run(4096)
    d, b = run.results["sender"]
    a, _ = run.results["receiver"]
    sent = b"".join(message.message.rows.tobytes() for message in run.sent)
    for secret in (d, *b[:50], *a[:50]):
        assert secret.tobytes() not in sent


def test_a_changed_message_breaks_the_correlation_and_nothing_else() -> None:
    """Semi-honest: a party that deviates is not caught here; the comparison of transcripts catches a changed wire."""

    def flip(_frm: str, _to: str, message: Rows, _expected: Recv) -> Rows:
        if isinstance(message, vole.BlockSums):
            rows = message.rows.copy()
            rows[0, 0] ^= 1
            return vole.BlockSums(rows)
        return message

    run = _run(4096, carry=flip)
    (a, c), (d, b) = run.results["receiver"], run.results["sender"]
    assert not np.array_equal(vole.plaintext_products(a[:200], b[:200], d), c[:200])


def test_a_message_of_another_size_is_refused() -> None:
    def cut(_frm: str, _to: str, message: Rows, _expected: Recv) -> Rows:
        return vole.LevelSums(message.rows[:-1]) if isinstance(message, vole.LevelSums) else message

    with pytest.raises(PeerError):
        _run(4096, carry=cut)
