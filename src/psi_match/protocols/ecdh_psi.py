"""Two-party intersection, engine ``ecdh``: the package ``openmined-psi`` as it is, the independent reference.

The leader is that library's client, the data party its server. Elliptic-curve Diffie-Hellman on P-256: the client
sends its hashed items times a secret scalar, the server multiplies them by its own and adds its own set, multiplied
once; the client removes its scalar and compares. Both sets are padded to their public sizes with random items, and the
data party's order is shuffled.

The library draws its own keys and randomness inside; only padding and order use the ``rng`` argument.

Reveals:
    Leader: which of its own rows are in the data party's set, and the data party's public size.
    Data party: the leader's public size.

Source:
    OpenMined PSI 2.0 (https://github.com/OpenMined/PSI), structure ``RAW``, reveal mode. Sizes: repeated compressed
    P-256 points of 33 bytes, protobuf encoding of its messages.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import ConfigError, PeerError
from psi_match.base.randomness import RandomSource
from psi_match.crypto.shuffling import shuffle_rows
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.effects import Message, Role, Rows, recv, send, stage
from psi_match.protocols.sizes import FRAME_PAYLOAD_BYTES, chunks

if TYPE_CHECKING:
    from types import ModuleType

_ELEMENT_BYTES = 35
"""A compressed P-256 point of 33 bytes with its protobuf tag and length."""
_REVEAL_FLAG_BYTES = 2
_FALSE_POSITIVE_RATE = 1e-9
"""An argument of the library for its compressed structures; the raw structure is exact."""
_PAD_BYTES = 16


class Request(Rows):
    """A piece of the leader's encrypted items: (bytes, 1)."""

    STEP = "ecdh-request"


class Setup(Rows):
    """A piece of the data party's encrypted items: (bytes, 1)."""

    STEP = "ecdh-setup"


class Response(Rows):
    """A piece of the leader's items, encrypted twice: (bytes, 1)."""

    STEP = "ecdh-response"


def _library() -> ModuleType:
    try:
        import private_set_intersection.python as library
    except ImportError:
        raise ConfigError(
            "Engine ecdh needs the package openmined-psi, which has no wheel for this machine.",
            "Use engine kkrt, or run on x86-64 Linux.",
        ) from None
    return library  # type: ignore[no-any-return]  # the package has no type information


def library_version() -> str:
    """Return the version of openmined-psi.

    Raises:
        ConfigError: it is not installed.
    """
    return str(_library().__version__)


def _varint_bytes(number: int) -> int:
    return max(1, -(-number.bit_length() // 7))


def request_bytes(size: int) -> int:
    """Bytes of a request or response with ``size`` elements; the request also has the reveal flag."""
    return size * _ELEMENT_BYTES


def setup_bytes(size: int) -> int:
    """Bytes of a raw setup message with ``size`` elements: one nested message."""
    inner = size * _ELEMENT_BYTES
    return 1 + _varint_bytes(inner) + inner


def message_count(terms: PairTerms) -> int:
    """Return the messages of one run in both directions."""
    leader = request_bytes(terms.leader_size)
    parts = (leader + _REVEAL_FLAG_BYTES, setup_bytes(terms.data_size), leader)
    return sum(len(chunks(part, FRAME_PAYLOAD_BYTES)) for part in parts)


def _padded(numbers: NDArray[np.uint32], size: int, rng: RandomSource) -> list[str]:
    """Return the items as the library wants them, as text, padded with items that no BSN can equal."""
    items = [f"{number:09d}" for number in numbers.tolist()]
    return items + ["pad:" + rng.bytes(_PAD_BYTES).hex() for _ in range(size - len(items))]


def _send_pieces(to: str, kind: type[Rows], message: bytes) -> Role[None]:
    content = np.frombuffer(message, dtype=np.uint8).reshape(-1, 1)
    for start, stop in chunks(len(content), FRAME_PAYLOAD_BYTES):
        yield from send(to, kind(content[start:stop]))


def _recv_pieces(frm: str, kind: type[Message], total: int) -> Role[bytes]:
    content = bytearray()
    for start, stop in chunks(total, FRAME_PAYLOAD_BYTES):
        piece = yield from recv(frm, kind, (stop - start, 1))
        content += piece.rows.tobytes()
    return bytes(content)


def lead(terms: PairTerms, numbers: NDArray[np.uint32], rng: RandomSource) -> Role[NDArray[np.bool_]]:
    """Play the leader.

    Returns:
        (n,) True where the leader's row is in the data party's set.

    Raises:
        ConfigError: the library is not installed.
        PeerError: the data party's messages cannot be read or have another size than agreed.

    Reveals:
        To the data party: the leader's public size.
    """
    library = _library()
    yield from stage("request")
    client = library.client.CreateWithNewKey(True)
    request = client.CreateRequest(_padded(numbers, terms.leader_size, rng))
    yield from _send_pieces(terms.data_party, Request, request.SerializeToString())
    yield from stage("response")
    setup = yield from _recv_pieces(terms.data_party, Setup, setup_bytes(terms.data_size))
    response = yield from _recv_pieces(terms.data_party, Response, request_bytes(terms.leader_size))
    yield from stage("match")
    matches = None
    # The library raises many types, and whatever it says may hold an item: only the fact is kept.
    with suppress(Exception):
        matches = client.GetIntersection(library.ServerSetup.FromString(setup), library.Response.FromString(response))
    if matches is None:
        raise PeerError("The library cannot read the data party's messages.", peer=terms.data_party, step=Response.STEP)
    found = np.zeros(terms.leader_size, dtype=np.bool_)
    found[matches] = True
    return found[: len(numbers)]


def answer(terms: PairTerms, numbers: NDArray[np.uint32], rng: RandomSource) -> Role[None]:
    """Play the data party.

    Raises:
        ConfigError: the library is not installed.
        PeerError: the leader's request cannot be read or has another size than agreed.

    Reveals:
        To the leader: which of its rows are in this set, and this set's public size.
    """
    library = _library()
    yield from stage("request")
    server = library.server.CreateWithNewKey(True)
    request = yield from _recv_pieces(terms.leader, Request, request_bytes(terms.leader_size) + _REVEAL_FLAG_BYTES)
    yield from stage("response")
    own = numbers.reshape(-1, 1).view(np.uint8).copy()
    shuffle_rows(own, rng)
    items = _padded(own.view(np.uint32)[:, 0], terms.data_size, rng)
    response = None
    setup = server.CreateSetupMessage(_FALSE_POSITIVE_RATE, terms.leader_size, items, library.DataStructure.RAW)
    with suppress(Exception):
        response = server.ProcessRequest(library.Request.FromString(request)).SerializeToString()
    if response is None:
        raise PeerError("The library cannot read the leader's request.", peer=terms.leader, step=Request.STEP)
    yield from _send_pieces(terms.leader, Setup, setup.SerializeToString())
    yield from _send_pieces(terms.leader, Response, response)
