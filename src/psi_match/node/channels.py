"""gRPC channels and servers with mutual TLS, and what gRPC's errors mean for us."""

from __future__ import annotations

from typing import Final

import grpc

from psi_match.base.errors import PeerError, PolicyRefusal, PsiMatchError, TransportError
from psi_match.node.certificates import Credentials, Identity, certificate_identity, server_name

KEEPALIVE: Final = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
]
SERVER_OPTIONS: Final = [
    *KEEPALIVE,
    # Peers ping every 20 s; a server that minds would close the connection with "too_many_pings".
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Two nodes must not share one address by accident.
    ("grpc.so_reuseport", 0),
]


def open_channel(address: str, party: str, credentials: Credentials) -> grpc.Channel:
    """Open a channel to a party's node; the node's certificate must name that party, whatever the address."""
    return grpc.secure_channel(
        address,
        grpc.ssl_channel_credentials(credentials.authority, credentials.key, credentials.certificate),
        options=[
            *KEEPALIVE,
            ("grpc.ssl_target_name_override", server_name(party)),
            # Peers are dialled as configured, never through a proxy of the environment.
            ("grpc.enable_http_proxy", 0),
            # Each run has a connection of its own, so that one run's end is never another's.
            ("grpc.use_local_subchannel_pool", 1),
        ],
    )


def server_credentials(credentials: Credentials) -> grpc.ServerCredentials:
    """Return server credentials that demand a client certificate of the same authority."""
    return grpc.ssl_server_credentials(
        [(credentials.key, credentials.certificate)],
        root_certificates=credentials.authority,
        require_client_auth=True,
    )


def caller(context: grpc.ServicerContext) -> Identity | None:
    """Return who calls, by the certificate of the connection; None where it names no one."""
    # Not gRPC's own list of names: it does not tell a URI from an e-mail address or a host name.
    certificates: list[bytes] = list(context.auth_context().get("x509_pem_cert", []))  # type: ignore[arg-type]
    return certificate_identity(certificates[0]) if certificates else None


def translate(error: grpc.RpcError, peer: str, step: str | None = None) -> PsiMatchError:
    """Return what a failed call means, with the peer's name and the cause that gRPC gives."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    details = (error.details() if isinstance(error, grpc.Call) else "") or ""
    if code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        return PolicyRefusal(f"{peer} refuses: {details}", "Check the certificates and roles.", peer=peer, step=step)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return PeerError(f"{peer} sent or got too much: {details}", peer=peer, step=step)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return PeerError(f"{peer} does not speak this protocol.", "Check the address.", peer=peer, step=step)
    if code is grpc.StatusCode.UNAVAILABLE:
        return TransportError(f"Cannot reach {peer}: {_cause(details)}", _hint(details), peer=peer, step=step)
    return TransportError(f"The connection to {peer} was lost ({code.name.lower()}).", peer=peer, step=step)


def _cause(details: str) -> str:
    """Cut gRPC's text to one readable line."""
    line = " ".join(details.split())
    return line if len(line) <= 240 else line[:237] + "..."


def _hint(details: str) -> str:
    if any(word in details.lower() for word in ("certificate", "ssl", "handshake", "verification")):
        return "Check that both certificates are valid, of one authority, and that the address is that party's node."
    return "Check the address and that the node runs."
