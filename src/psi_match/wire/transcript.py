"""Both ends of a stream compare what they sent and received before anything of a run is stored.

Each direction's data frames are hashed in order. At the end the digests, with the public terms of the run, are
exchanged and compared. mTLS already protects each byte; this catches what it cannot: two ends that differ about what
they agreed, and a defect that lost or doubled a frame unseen.

Source:
    SHA-256 (FIPS 180-4): the one hash here that runs over every byte on the wire, and the one that processors
    accelerate.
"""

from __future__ import annotations

import hashlib
import hmac

import numpy as np

from psi_match.base.errors import PeerError
from psi_match.crypto.derive import DIGEST_BYTES, hash_fields
from psi_match.protocols.effects import Role, Rows, recv, send
from psi_match.wire.v1 import peer_pb2 as pb


class TranscriptDigest(Rows):
    """Digest of a stream and of the terms of its run: (1, 32)."""

    STEP = "transcript"


class Transcript:
    """Running hash of both directions of one stream.

    What is hashed is this project's own encoding of a frame, never protobuf output, which is not canonical.
    """

    def __init__(self) -> None:
        self._from_leader = hashlib.sha256()
        self._to_leader = hashlib.sha256()

    def add(self, frame: pb.DataFrame, *, from_leader: bool) -> None:
        """Add one data frame."""
        digest = self._from_leader if from_leader else self._to_leader
        payload = frame.payload  # each look at it makes a copy
        numbers = (frame.run, frame.step, frame.chunk, frame.sequence, len(payload))
        digest.update(b"".join(number.to_bytes(8, "big") for number in numbers))
        digest.update(payload)

    def digest(self, terms: bytes) -> bytes:
        """Return the digest of both directions so far and of the public terms of the run."""
        return hash_fields("transcript", self._from_leader.digest(), self._to_leader.digest(), terms)


def confirm(data_party: str, digest: bytes) -> Role[None]:
    """Play the leader: show the own digest first, and be content only when the data party returns the same.

    Raises:
        PeerError: they differ; nothing of this run may be stored.
    """
    yield from show(data_party, digest)
    yield from check(data_party, digest)


def answer(leader: str, digest: bytes) -> Role[None]:
    """Play the data party: check the leader's digest, and answer only if it is the own one.

    The order matters: a leader that gets an answer knows that the data party is content too.

    Raises:
        PeerError: they differ.
    """
    yield from check(leader, digest)
    yield from show(leader, digest)


def show(peer: str, digest: bytes) -> Role[None]:
    """Send the own digest."""
    yield from send(peer, TranscriptDigest(np.frombuffer(digest, dtype=np.uint8).reshape(1, -1)))


def check(peer: str, digest: bytes) -> Role[None]:
    """Wait for a peer's digest, which must be the own one.

    Raises:
        PeerError: they differ.
    """
    theirs = yield from recv(peer, TranscriptDigest, (1, DIGEST_BYTES))
    if not hmac.compare_digest(theirs.rows.tobytes(), digest):
        raise PeerError("The two ends saw different messages or terms.", peer=peer, step=TranscriptDigest.STEP)
