"""The session id: every party contributes, nobody can choose.

Each party draws a 16-byte contribution and commits to it. The leader relays all commitments to everyone, then everyone
opens towards the leader, and the leader relays all openings; each party checks its own and every other opening against
the commitments it saw before it opened. Datasets are fixed before that. From the session id come only public values:
positions, code keys, labels. No secret is ever derived from it.

Reveals:
    Everyone: every contribution, random bytes without meaning. The leader relays, so the data parties need not talk to
    each other; it cannot steer the id, because it is bound to commitments before an honest party opens. A
    leader that breaks the protocol could relay different contributions to different data parties, which would then hold
    different ids, each still unpredictable; pairwise intersections lose nothing by that. It could also abort and retry.

Source:
    Blum's coin tossing by commitment (1981), with a hash commitment in the random-oracle model.
"""

from __future__ import annotations

import hmac

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import PeerError
from psi_match.base.randomness import RandomSource
from psi_match.crypto.derive import DIGEST_BYTES, hash_fields
from psi_match.protocols.effects import Role, Rows, recv, send

CONTRIBUTION_BYTES = 16
NONCE_BYTES = 32
OPENING_BYTES = CONTRIBUTION_BYTES + NONCE_BYTES


class Commitment(Rows):
    """One party's commitment: (1, 32)."""

    STEP = "session-commitment"


class Commitments(Rows):
    """All commitments, in the order of the sorted party ids: (parties, 32)."""

    STEP = "session-commitments"


class Opening(Rows):
    """One party's contribution and nonce: (1, 48)."""

    STEP = "session-opening"


class Openings(Rows):
    """All openings, in the order of the sorted party ids: (parties, 48)."""

    STEP = "session-openings"


def _commitment(digest: bytes, party: str, opening: bytes) -> bytes:
    return hash_fields("session-commitment", digest, party.encode(), opening)


def _rows(*rows: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), -1)


def _session_id(digest: bytes, parties: list[str], openings: list[bytes]) -> bytes:
    names = b"".join(len(party).to_bytes(2, "big") + party.encode() for party in parties)
    contributions = b"".join(opening[:CONTRIBUTION_BYTES] for opening in openings)
    return hash_fields("session-id", digest, names, contributions)


def _check(digest: bytes, parties: list[str], commitments: list[bytes], openings: list[bytes], relay: str) -> None:
    for party, commitment, opening in zip(parties, commitments, openings, strict=True):
        if not hmac.compare_digest(_commitment(digest, party, opening), commitment):
            raise PeerError(
                f"The session id contribution of {party} does not open its commitment.", peer=relay, step=Openings.STEP
            )


def lead(digest: bytes, leader: str, parties: list[str], rng: RandomSource) -> Role[bytes]:
    """Play the leader: collect, relay and check.

    Args:
        digest: digest of the scenario.
        leader: own party id.
        parties: all party ids of the session, sorted, the leader's included.
        rng: fresh local randomness.

    Returns:
        The 32-byte session id.

    Raises:
        PeerError: an opening does not fit its commitment.
    """
    others = [party for party in parties if party != leader]
    own = rng.bytes(OPENING_BYTES)
    commitments = {leader: _commitment(digest, leader, own)}
    for party in others:
        commitments[party] = (yield from recv(party, Commitment, (1, DIGEST_BYTES))).rows.tobytes()
    all_commitments = [commitments[party] for party in parties]
    for party in others:
        yield from send(party, Commitments(_rows(*all_commitments)))
    openings = {leader: own}
    for party in others:
        openings[party] = (yield from recv(party, Opening, (1, OPENING_BYTES))).rows.tobytes()
        # The one to blame is known here: the data parties see only what the leader relays.
        _check(digest, [party], [commitments[party]], [openings[party]], party)
    all_openings = [openings[party] for party in parties]
    for party in others:
        yield from send(party, Openings(_rows(*all_openings)))
    return _session_id(digest, parties, all_openings)


def join(digest: bytes, leader: str, party: str, parties: list[str], rng: RandomSource) -> Role[bytes]:
    """Play a party that is not the leader.

    Args:
        digest: digest of the scenario.
        leader: party id of the leader.
        party: own party id.
        parties: all party ids of the session, sorted.
        rng: fresh local randomness.

    Returns:
        The 32-byte session id.

    Raises:
        PeerError: an opening does not fit its commitment, or the own values came back changed.
    """
    own = rng.bytes(OPENING_BYTES)
    commitment = _commitment(digest, party, own)
    yield from send(leader, Commitment(_rows(commitment)))
    relayed = yield from recv(leader, Commitments, (len(parties), DIGEST_BYTES))
    commitments = [row.tobytes() for row in relayed.rows]
    if commitments[parties.index(party)] != commitment:
        raise PeerError("The leader relayed another commitment than ours.", peer=leader, step=Commitments.STEP)
    if len(set(commitments)) != len(parties):
        raise PeerError("Two parties have the same commitment.", peer=leader, step=Commitments.STEP)
    yield from send(leader, Opening(_rows(own)))
    opened = yield from recv(leader, Openings, (len(parties), OPENING_BYTES))
    openings = [row.tobytes() for row in opened.rows]
    _check(digest, parties, commitments, openings, leader)
    return _session_id(digest, parties, openings)
