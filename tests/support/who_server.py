"""A gRPC server that tells each caller who it is, and whose methods are of all four kinds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from psi_match.node.channels import SERVER_OPTIONS, caller

KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


class WhoServer:
    """A server on loopback, with the health service beside it.

    Args:
        credentials: its own.
        interceptors: what stands in front of its methods.
    """

    def __init__(
        self, credentials: grpc.ServerCredentials, interceptors: Sequence[grpc.ServerInterceptor] = ()
    ) -> None:
        self._server = grpc.server(ThreadPoolExecutor(4), interceptors=interceptors, options=SERVER_OPTIONS)
        handlers = {kind: _handler(kind) for kind in KINDS}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Who", handlers),))
        health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), self._server)
        self.address = f"127.0.0.1:{self._server.add_secure_port('127.0.0.1:0', credentials)}"

    def __enter__(self) -> WhoServer:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0.2).wait()


def ask(channel: grpc.Channel, kind: str = "unary_unary") -> str:
    """Ask a server who we are."""
    method = getattr(channel, kind)(f"/Who/{kind}")
    answer = method(iter([b""]) if kind.startswith("stream") else b"", timeout=10)
    return (answer if kind.endswith("unary") else b"".join(answer)).decode()


def _handler(kind: str) -> grpc.RpcMethodHandler:
    def answer(_request: object, context: grpc.ServicerContext) -> bytes:
        identity = caller(context)
        return identity.uri.encode() if identity else b"nobody"

    def answers(request: object, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield answer(request, context)

    return getattr(grpc, f"{kind}_rpc_method_handler")(answer if kind.endswith("unary") else answers)
