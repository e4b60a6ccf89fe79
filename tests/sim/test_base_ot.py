"""Base OT: the receiver gets exactly the keys of its choices, and hostile points are refused."""

from __future__ import annotations

import numpy as np
import pytest

from psi_match.base.errors import PeerError
from psi_match.base.randomness import SeededRandomness
from psi_match.crypto import ristretto
from psi_match.protocols import base_ot, oprf
from psi_match.protocols.effects import Recv, Rows
from psi_match.sim.simulator import Simulation, simulate

LABEL = base_ot.OtLabel(bytes(32), 0)
CHOICES = oprf.choice_bits(SeededRandomness(b"choices").bytes(oprf.CHOICE_BYTES))


def transfer(sender_label=LABEL, receiver_label=LABEL, carry=None, choices=CHOICES) -> Simulation:  # noqa: ANN001
    roles = {
        "sender": base_ot.send_keys("receiver", sender_label, SeededRandomness(b"s")),
        "receiver": base_ot.receive_keys("sender", receiver_label, choices, SeededRandomness(b"r")),
    }
    return simulate(roles, carry) if carry else simulate(roles)


def test_the_receiver_gets_the_chosen_keys_and_not_the_others() -> None:
    outcome = transfer()
    keys, received = outcome.results["sender"], outcome.results["receiver"]
    assert received == base_ot.plaintext_keys(keys, CHOICES)
    others = {pair[1 - choice] for pair, choice in zip(keys, CHOICES, strict=True)}
    assert not others & set(received)
    assert len({key for pair in keys for key in pair}) == 2 * base_ot.TRANSFERS


@pytest.mark.parametrize("other", [base_ot.OtLabel(b"\x01" + bytes(31), 0), base_ot.OtLabel(bytes(32), 1)])
def test_keys_are_bound_to_session_and_instance(other: base_ot.OtLabel) -> None:
    same, bound = transfer(), transfer(other, other)
    assert not set(same.results["receiver"]) & set(bound.results["receiver"])
    mismatched = transfer(LABEL, other)
    expected = base_ot.plaintext_keys(mismatched.results["sender"], CHOICES)
    assert not set(mismatched.results["receiver"]) & set(expected)


def test_the_receivers_points_do_not_depend_on_the_choice_in_size_or_validity() -> None:
    for choices in ([0] * 448, [1] * 448):
        outcome = transfer(choices=choices)
        (message,) = outcome.view("sender")
        assert message.rows.shape == (448, 64)
        assert all(ristretto.is_valid(row[at : at + 32].tobytes()) for row in message.rows for at in (0, 32))


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("identity", bytes(32)),
        ("not canonical: the field's prime", (2**255 - 19).to_bytes(32, "little")),
        ("negative", b"\x01" + bytes(31)),
        ("all ones", b"\xff" * 32),
        ("not on the group", b"\x02" + bytes(30) + b"\x40"),
    ],
)
@pytest.mark.parametrize("kind", [base_ot.SenderPoints, base_ot.ReceiverPoints])
def test_invalid_points_are_refused(kind: type[Rows], name: str, point: bytes) -> None:
    assert not ristretto.is_valid(point), name

    def replace(_frm: str, _to: str, message: Rows, _expected: Recv) -> Rows:
        if isinstance(message, kind):
            rows = message.rows.copy()
            rows[447, -32:] = np.frombuffer(point, dtype=np.uint8)
            return kind(rows)
        return message

    with pytest.raises(PeerError, match="not a valid element"):
        transfer(carry=replace)
