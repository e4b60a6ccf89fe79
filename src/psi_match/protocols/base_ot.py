"""Base OT: random 1-out-of-2 oblivious transfers of AES keys, the seed of every OPRF and vector-OLE instance.

Endemic OT: for each transfer the receiver draws b, sets its point of choice c to r_c = b*B - H(r_(1-c)) with r_(1-c) a
random point, and sends (r_0, r_1). The sender draws a and sends a*B. Key j of the sender is the hash of
a * (r_j + H(r_(1-j))); for j = c that is a*b*B, which the receiver knows too. Both messages are independent of each
other: one round. Every transfer has its own a and b, and no key is used by a second OPRF instance or a retry.

Reveals:
    Sender: nothing (r_0 and r_1 are uniform whatever c is).
    Receiver: of each transfer the key of its choice; the other key is hidden under computational Diffie-Hellman in the
    random-oracle model.

Source:
    Masny and Rindal, Endemic Oblivious Transfer (ePrint 2019/706), the Diffie-Hellman instance. H and the key hash take
    the session id, the OPRF instance, the index of the transfer and both messages.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import PeerError
from psi_match.base.randomness import RandomSource
from psi_match.crypto import ristretto
from psi_match.crypto.aes import KEY_BYTES
from psi_match.crypto.derive import hash_fields
from psi_match.protocols.effects import Role, Rows, recv, send

TRANSFERS = 448
"""One per bit of the OPRF's code; see ``protocols.oprf``."""


class SenderPoints(Rows):
    """a*B of every transfer: (transfers, 32)."""

    STEP = "base-ot-sender"


class ReceiverPoints(Rows):
    """r_0 and r_1 of every transfer: (transfers, 64)."""

    STEP = "base-ot-receiver"


@dataclass(frozen=True, slots=True)
class OtLabel:
    """What binds a set of transfers to its place: hashed into every key.

    Args:
        sid: session id.
        instance: number of the OPRF instance in the session's plan.
    """

    sid: bytes
    instance: int

    def at(self, index: int) -> bytes:
        """Return the label of one transfer."""
        return self.sid + self.instance.to_bytes(6, "big") + index.to_bytes(4, "big")


def _mask(label: OtLabel, index: int, slot: int, other: bytes) -> bytes:
    """H of the papers: a random oracle into the group, for slot ``slot`` of one transfer."""
    uniform = hashlib.sha512(b"psi-match/base-ot/point" + label.at(index) + bytes([slot]) + other).digest()
    return ristretto.from_hash(uniform)


def _key(label: OtLabel, index: int, slot: int, sent: bytes, pair: bytes, shared: bytes) -> bytes:
    fields = (label.at(index), bytes([slot]), sent, pair, shared)
    return hash_fields("base-ot/key", *fields)[:KEY_BYTES]


def _checked(points: NDArray[np.uint8], peer: str, step: str) -> list[list[bytes]]:
    """Split rows into points and refuse what is not a canonical, non-identity group element."""
    size = ristretto.POINT_BYTES
    rows = [[row[at : at + size].tobytes() for at in range(0, len(row), size)] for row in points]
    if not all(ristretto.is_valid(point) for row in rows for point in row):
        raise PeerError("A received point is not a valid element of ristretto255.", peer=peer, step=step)
    return rows


def send_keys(
    receiver: str, label: OtLabel, rng: RandomSource, transfers: int = TRANSFERS
) -> Role[list[tuple[bytes, bytes]]]:
    """Play the sender: return both keys of every transfer.

    Args:
        receiver: party id of the receiver.
        label: where these transfers belong.
        rng: fresh local randomness.
        transfers: how many; 448 for a batched OPRF.

    Raises:
        PeerError: a received point is invalid.

    Reveals:
        Nothing about the keys that the receiver did not choose; nothing about its choices to the caller.
    """
    scalars = [ristretto.random_scalar(rng) for _ in range(transfers)]
    sent = [ristretto.base_times(scalar) for scalar in scalars]
    points = np.frombuffer(b"".join(sent), dtype=np.uint8).reshape(transfers, -1)
    yield from send(receiver, SenderPoints(points))
    message = yield from recv(receiver, ReceiverPoints, (transfers, 2 * ristretto.POINT_BYTES))
    keys = []
    for index, (r0, r1) in enumerate(_checked(message.rows, receiver, ReceiverPoints.STEP)):
        pair = []
        for slot, (own, other) in enumerate(((r0, r1), (r1, r0))):
            point = ristretto.add(own, _mask(label, index, slot, other))
            if not ristretto.is_valid(point):
                raise PeerError("A received point cancels to the identity.", peer=receiver, step=ReceiverPoints.STEP)
            shared = ristretto.times(scalars[index], point)
            pair.append(_key(label, index, slot, sent[index], r0 + r1, shared))
        keys.append((pair[0], pair[1]))
    return keys


def receive_keys(sender: str, label: OtLabel, choices: list[int], rng: RandomSource) -> Role[list[bytes]]:
    """Play the receiver: return the chosen key of every transfer.

    Args:
        sender: party id of the sender.
        label: where these transfers belong.
        choices: secret bits, fresh for this instance, one per transfer: 448 for a batched OPRF.
        rng: fresh local randomness.

    Raises:
        PeerError: a received point is invalid.

    Reveals:
        Nothing about the choices.
    """
    scalars = [ristretto.random_scalar(rng) for _ in choices]
    pairs = []
    for index, (choice, scalar) in enumerate(zip(choices, scalars, strict=True)):
        other = ristretto.from_hash(rng.bytes(ristretto.HASH_BYTES))
        own = ristretto.subtract(ristretto.base_times(scalar), _mask(label, index, choice, other))
        pairs.append((own + other, other + own)[choice])
    points = np.frombuffer(b"".join(pairs), dtype=np.uint8).reshape(len(choices), -1)
    yield from send(sender, ReceiverPoints(points))
    message = yield from recv(sender, SenderPoints, (len(choices), ristretto.POINT_BYTES))
    return [
        _key(label, index, choices[index], point, pairs[index], ristretto.times(scalars[index], point))
        for index, (point,) in enumerate(_checked(message.rows, sender, SenderPoints.STEP))
    ]


def plaintext_keys(keys: list[tuple[bytes, bytes]], choices: list[int]) -> list[bytes]:
    """The plaintext twin: what the receiver must hold, given the sender's keys and the choices."""
    return [pair[choice] for pair, choice in zip(keys, choices, strict=True)]
