"""The session id: agreed by all, steered by none."""

from __future__ import annotations

import numpy as np
import pytest

from psi_match.base.errors import PeerError
from psi_match.base.randomness import SeededRandomness
from psi_match.protocols import session_id
from psi_match.protocols.effects import Recv, Rows
from psi_match.sim.simulator import Simulation, simulate

PARTIES = ["alfa", "bravo", "charlie"]
DIGEST = bytes(32)


def agree(digests: dict[str, bytes] | None = None, carry=None, salt: bytes = b"") -> Simulation:  # noqa: ANN001
    digests = digests or dict.fromkeys(PARTIES, DIGEST)
    roles = {"bravo": session_id.lead(digests["bravo"], "bravo", PARTIES, SeededRandomness(b"bravo" + salt))}
    for party in ("alfa", "charlie"):
        rng = SeededRandomness(party.encode() + salt)
        roles[party] = session_id.join(digests[party], "bravo", party, PARTIES, rng)
    return simulate(roles, carry) if carry else simulate(roles)


def test_all_parties_get_the_same_fresh_id() -> None:
    first, second = agree(), agree(salt=b"again")
    assert len(set(first.results.values())) == 1
    assert first.results["alfa"] != second.results["alfa"]


@pytest.mark.parametrize("contributor", PARTIES)
def test_every_contribution_changes_the_id(contributor: str) -> None:
    def with_salt(party: str) -> SeededRandomness:
        return SeededRandomness(party.encode() + (b"x" if party == contributor else b""))

    roles = {"bravo": session_id.lead(DIGEST, "bravo", PARTIES, with_salt("bravo"))}
    for party in ("alfa", "charlie"):
        roles[party] = session_id.join(DIGEST, "bravo", party, PARTIES, with_salt(party))
    assert simulate(roles).results["alfa"] != agree().results["alfa"]


def test_nobody_opens_before_all_have_committed() -> None:
    steps = [(sent.sender, sent.message.STEP) for sent in agree().sent]
    last_commitment = max(i for i, (_, step) in enumerate(steps) if step == "session-commitment")
    for party in ("alfa", "charlie"):
        told = steps.index(("bravo", "session-commitments"))
        opened = steps.index((party, "session-opening"))
        assert last_commitment < told < opened


@pytest.mark.parametrize(
    ("kind", "sender", "blamed"),
    [
        (session_id.Opening, "alfa", "alfa"),
        (session_id.Openings, "bravo", "bravo"),
        (session_id.Commitments, "bravo", "bravo"),
    ],
)
def test_a_changed_message_is_blamed_on_its_sender(kind: type[Rows], sender: str, blamed: str) -> None:
    def flip(frm: str, _to: str, message: Rows, _expected: Recv) -> Rows:
        if frm == sender and isinstance(message, kind):
            rows = message.rows.copy()
            rows[-1, 0] ^= 1
            return kind(rows)
        return message

    with pytest.raises(PeerError) as raised:
        agree(carry=flip)
    assert raised.value.peer == blamed


def test_other_scenarios_give_no_common_id() -> None:
    with pytest.raises(PeerError):
        agree(digests={"alfa": b"\x01" * 32, "bravo": DIGEST, "charlie": DIGEST})


def test_a_leader_that_copies_a_commitment_is_refused() -> None:
    def copy_first(_frm: str, _to: str, message: Rows, _expected: Recv) -> Rows:
        if isinstance(message, session_id.Commitments):
            rows = message.rows.copy()
            rows[1] = rows[0]
            return session_id.Commitments(np.ascontiguousarray(rows))
        return message

    with pytest.raises(PeerError, match="same commitment"):
        agree(carry=copy_first)
