"""The gRPC service for other nodes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial

import grpc
import structlog

from psi_match import __version__
from psi_match.base.errors import InternalError, PsiMatchError, TransportError
from psi_match.node.answering import answer_stream
from psi_match.node.certificates import NODE
from psi_match.node.channels import caller
from psi_match.node.context import NodeContext
from psi_match.node.link import Link
from psi_match.scenario.digest import digest
from psi_match.scenario.model import ENGINES
from psi_match.wire import version
from psi_match.wire.v1 import peer_pb2 as pb

PEER_SERVICE = pb.DESCRIPTOR.services_by_name["Peer"].full_name
_UNADMITTED = 2
"""Streams that one peer may have open beyond the number of runs: enough to be told that it has too many."""


class PeerService:
    """Answers other nodes; who calls is whom the certificate says.

    Args:
        context: the node.
    """

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._streams = threading.Lock()
        self._open: Counter[str] = Counter()

    def add_to(self, server: grpc.Server) -> None:
        """Register the service. Sessions carry bytes, not parsed messages: the link checks and counts them itself."""
        handlers = {
            "Greet": grpc.unary_unary_rpc_method_handler(
                self.greet,
                request_deserializer=pb.GreetRequest.FromString,
                response_serializer=pb.GreetReply.SerializeToString,
            ),
            "Session": grpc.stream_stream_rpc_method_handler(self.session),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(PEER_SERVICE, handlers),))

    def greet(self, _request: pb.GreetRequest, context: grpc.ServicerContext) -> pb.GreetReply:
        """Tell a known peer who is here and what this node speaks."""
        peer = self._known_peer(context)
        # A body is not told of agreements in which it has no part.
        known = [
            pb.KnownScenario(name=scenario.name, digest=digest(scenario))
            for scenario in self._context.catalogue.all()
            if peer in scenario.party_ids
        ]
        return pb.GreetReply(
            wire_version=version.WIRE_VERSION,
            party=self._context.party,
            software_version=__version__,
            parameters=version.parameters(),
            engines=ENGINES,
            scenarios=known,
        )

    def session(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        """Carry one stream that a known peer opens for a run."""
        peer = self._known_peer(context)
        with self._streams:
            self._open[peer] += 1
            too_many = self._open[peer] > self._context.config.limits.max_sessions + _UNADMITTED
        try:
            if too_many:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many streams of one peer at a time")
            yield from self._carry(messages, context, peer)
        finally:
            with self._streams:
                self._open[peer] -= 1

    def _carry(self, messages: Iterator[bytes], context: grpc.ServicerContext, peer: str) -> Iterator[bytes]:
        link = Link(peer, self._context.link_times(), is_leader=False)
        context.add_callback(partial(_lost, link))
        reader = threading.Thread(target=_read, args=(messages, link), name=f"reader-{peer}", daemon=True)
        worker = threading.Thread(target=self._answer, args=(link,), name=f"run-with-{peer}", daemon=True)
        reader.start()
        worker.start()
        yield from link.outgoing()
        worker.join()

    def _answer(self, link: Link) -> None:
        try:
            answer_stream(self._context, link)
        except PsiMatchError as error:
            # Recorded and told to the leader by now; the log line is for refusals before a record existed.
            structlog.get_logger().info("run not completed", peer=link.peer, sentence=str(error))
        except Exception as error:  # noqa: BLE001  # a disk that is full, say; the text could hold a value
            structlog.get_logger().error("run not completed", peer=link.peer, error=type(error).__name__)
            link.abort(InternalError("The node failed for a reason of its own.", peer=link.peer))

    def _known_peer(self, context: grpc.ServicerContext) -> str:
        identity = caller(context)
        known = {peer.party for peer in self._context.config.peers}
        if identity is None or identity.role != NODE or identity.party not in known:
            structlog.get_logger().warning("unknown caller refused", address=context.peer())
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "The certificate is not that of a node known here.")
            raise AssertionError  # abort has raised
        return identity.party


def _lost(link: Link) -> None:
    link.fail(TransportError("The connection was lost.", peer=link.peer, step=link.progress.step))


def _read(messages: Iterator[bytes], link: Link) -> None:
    try:
        for serialised in messages:
            if not link.feed(serialised):
                return
        link.end()
    except Exception:  # noqa: BLE001  # gRPC raises a bare Exception when a call is cancelled under its iterator
        _lost(link)
