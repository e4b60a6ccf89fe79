"""Ask a peer's node who it is and what it speaks: before a run, in a rehearsal, and by ``doctor``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import grpc

from psi_match.base.errors import PeerError, PolicyRefusal
from psi_match.node.certificates import Credentials
from psi_match.node.channels import open_channel, translate
from psi_match.wire import version
from psi_match.wire.v1 import peer_pb2 as pb
from psi_match.wire.v1 import peer_pb2_grpc

GREET_TIMEOUT_S = 10.0
BARE_GREETINGS = (0, 0, 0, 0)
"""A few without padding."""


def greet(address: str, party: str, credentials: Credentials) -> pb.GreetReply:
    """Greet a peer and check that both ends speak the same.

    Raises:
        TransportError: it cannot be reached, or its certificate is not that party's.
        PolicyRefusal: it does not know us.
        VersionMismatch: it speaks another wire version.
        PeerError: it says that it is another party.
    """
    with open_channel(address, party, credentials) as channel:
        return _greet(channel, party)


def greet_repeatedly(
    address: str, party: str, credentials: Credentials, padding_bytes: Sequence[int] = BARE_GREETINGS
) -> Iterator[Callable[[], pb.GreetReply]]:
    """Yield greetings of a peer on one connection, each to be called: for measuring round trips and rates.

    Args:
        address: where its node listens.
        party: its party id.
        credentials: ours.
        padding_bytes: how much each greeting sends beside itself.
    """
    with open_channel(address, party, credentials) as channel:
        for count in padding_bytes:
            yield partial(_greet, channel, party, bytes(count))


def _greet(channel: grpc.Channel, party: str, padding: bytes = b"") -> pb.GreetReply:
    try:
        request = pb.GreetRequest(wire_version=version.WIRE_VERSION, padding=padding)
        reply: pb.GreetReply = peer_pb2_grpc.PeerStub(channel).Greet(request, timeout=GREET_TIMEOUT_S)
    except grpc.RpcError as error:
        raise translate(error, party, "greet") from None
    if reply.party != party:
        raise PeerError("The node says that it is another party.", peer=party, step="greet")
    version.check(reply.wire_version, reply.parameters, party)
    return reply


def check_scenario_known(reply: pb.GreetReply, name: str, digest: bytes) -> None:
    """Check that a peer has the same text of a scenario.

    Raises:
        PolicyRefusal: it does not know it, or has another text.
    """
    theirs = {known.name: known.digest for known in reply.scenarios}
    if name not in theirs:
        raise PolicyRefusal(f"{reply.party} does not know scenario {name}.", "Give it the file.", peer=reply.party)
    if theirs[name] != digest:
        raise PolicyRefusal(
            f"{reply.party} has another text of scenario {name}.", "Compare the files.", peer=reply.party
        )
