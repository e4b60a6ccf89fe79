"""The wire version and the parameters that both ends of a stream must share."""

from __future__ import annotations

from psi_match.base.errors import VersionMismatch
from psi_match.crypto.hashes import HASHES
from psi_match.protocols.base_ot import TRANSFERS
from psi_match.protocols.sizes import CHUNK_BINS, STATISTICAL_SECURITY_BITS
from psi_match.wire.v1 import peer_pb2 as pb

WIRE_VERSION = 5


def parameters() -> pb.Parameters:
    """Return this software's parameters."""
    return pb.Parameters(
        code_bits=TRANSFERS,
        hash_functions=HASHES,
        chunk_bins=CHUNK_BINS,
        statistical_security_bits=STATISTICAL_SECURITY_BITS,
    )


def check(wire_version: int, theirs: pb.Parameters, peer: str) -> None:
    """Compare a peer's version and parameters with ours.

    Raises:
        VersionMismatch: they differ.
    """
    if wire_version != WIRE_VERSION:
        raise VersionMismatch(
            f"The peer speaks wire version {wire_version}, this node speaks {WIRE_VERSION}.",
            "Run the same release of psi-match at both bodies.",
            peer=peer,
        )
    if theirs != parameters():
        raise VersionMismatch(
            "The peer uses other protocol parameters than this node.",
            "Run the same release of psi-match at both bodies.",
            peer=peer,
        )
