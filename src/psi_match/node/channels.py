"""gRPC channels and servers with mutual TLS, and what gRPC's errors mean for us."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import grpc
import structlog

from psi_match.base.errors import PeerError, PolicyRefusal, PsiMatchError, TransportError
from psi_match.node.certificates import (
    Credentials,
    Identity,
    LiveCredentials,
    certificate_identity,
    serial_of,
    server_name,
)
from psi_match.node.revocation import RevocationList
from psi_match.wire.aborts import printable

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


def live_server_credentials(live: LiveCredentials) -> grpc.ServerCredentials:
    """Return the same for credentials that follow their files: each new connection gets the newest.

    A connection that stands already keeps the certificates with which it was made.
    """
    served = live.current()

    def changed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal served
        newest = live.current()
        if newest is served:
            return None
        served = newest
        return _certificates(newest)

    # The stubs do not know that None means: as before.
    return grpc.dynamic_ssl_server_credentials(_certificates(served), changed, True)  # type: ignore[arg-type]


def _certificates(credentials: Credentials) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(credentials.key, credentials.certificate)], root_certificates=credentials.authority
    )


def caller(context: grpc.ServicerContext) -> Identity | None:
    """Return who calls, by the certificate of the connection; None where it names no one."""
    certificate = caller_certificate(context)
    return certificate_identity(certificate) if certificate else None


def caller_certificate(context: grpc.ServicerContext) -> bytes | None:
    """Return the certificate of who calls, PEM; None where there is none."""
    # Not gRPC's own list of names: it does not tell a URI from an e-mail address or a host name.
    certificates: list[bytes] = list(context.auth_context().get("x509_pem_cert", []))  # type: ignore[arg-type]
    return certificates[0] if certificates else None


class RevocationGuard(grpc.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Refuses every call with a revoked certificate, to whatever service, also on a connection that stands already.

    A stream that is open when its caller's certificate is revoked goes on to its end; a watch, which has none, ends.

    Args:
        revoked: the list.
        on_refused: told who was refused and why, for the audit log.
    """

    def __init__(
        self,
        revoked: RevocationList,
        on_refused: Callable[[Identity | None, str], None] = lambda _identity, _reason: None,
    ) -> None:
        self._revoked, self._on_refused = revoked, on_refused

    def intercept_service(
        self, continuation: Callable[..., Any], handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Put the check in front of a method."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        streaming = (handler.request_streaming, handler.response_streaming)
        kind = "_".join("stream" if streams else "unary" for streams in streaming)
        behaviour = getattr(handler, kind)

        # Some methods have attributes that gRPC looks at, and more arguments.
        @functools.wraps(behaviour)
        def checked(request: object, context: grpc.ServicerContext, *more: object) -> object:
            self._check(context)
            return behaviour(request, context, *more)

        guarded: grpc.RpcMethodHandler[Any, Any] = getattr(grpc, f"{kind}_rpc_method_handler")(
            checked, handler.request_deserializer, handler.response_serializer
        )
        return guarded

    def _check(self, context: grpc.ServicerContext) -> None:
        certificate = caller_certificate(context)
        if certificate is None:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "The connection has no certificate.")
            raise AssertionError  # abort has raised
        serial = serial_of(certificate)
        refusal = self._revoked.refusal(serial)
        if refusal:
            identity = certificate_identity(certificate)
            structlog.get_logger().warning(
                "call refused", reason=refusal, caller=identity.uri if identity else "nobody", serial=f"{serial:x}"
            )
            self._on_refused(identity, refusal)
            context.abort(grpc.StatusCode.PERMISSION_DENIED, refusal)


def translate(error: grpc.RpcError, peer: str, step: str | None = None) -> PsiMatchError:
    """Return what a failed call means, with the peer's name and the cause that gRPC gives."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    details = (error.details() if isinstance(error, grpc.Call) else "") or ""
    if code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        return PolicyRefusal(
            f"{peer} refuses: {_cause(details)}", "Check the certificates and roles.", peer=peer, step=step
        )
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than" not in details:
        return PolicyRefusal(f"{peer} refuses: {_cause(details)}", "Try again later.", peer=peer, step=step)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return PeerError(f"{peer} sent or got too much: {_cause(details)}", peer=peer, step=step)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return PeerError(f"{peer} does not speak this protocol.", "Check the address.", peer=peer, step=step)
    if code is grpc.StatusCode.UNAVAILABLE:
        return TransportError(f"Cannot reach {peer}: {_cause(details)}", _hint(details), peer=peer, step=step)
    return TransportError(f"The connection to {peer} was lost ({code.name.lower()}).", peer=peer, step=step)


def _cause(details: str) -> str:
    """Cut gRPC's text to one readable line; some of it is the peer's own."""
    line = printable(" ".join(details.split()))
    return line if len(line) <= 240 else line[:237] + "..."


def _hint(details: str) -> str:
    if any(word in details.lower() for word in ("certificate", "ssl", "handshake", "verification")):
        return "Check that both certificates are valid, of one authority, and that the address is that party's node."
    return "Check the address and that the node runs."
