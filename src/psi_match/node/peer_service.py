"""The gRPC service for other nodes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial

import grpc
import structlog

from psi_match import __version__
from psi_match.base.errors import InternalError, PeerError, PolicyRefusal, PsiMatchError, TransportError
from psi_match.governance.rules import Rule, refusal
from psi_match.node.answering import answer_stream
from psi_match.node.certificates import NODE
from psi_match.node.channels import caller
from psi_match.node.context import NodeContext
from psi_match.node.link import Link
from psi_match.node.notice_run import lead_notices
from psi_match.node.store import RUN_ID_BYTES
from psi_match.scenario.digest import digest
from psi_match.scenario.model import ENGINES
from psi_match.wire import aborts, version
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
            "Notice": grpc.unary_unary_rpc_method_handler(
                self.notice,
                request_deserializer=pb.NoticeRequest.FromString,
                response_serializer=pb.NoticeReply.SerializeToString,
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

    def notice(self, request: pb.NoticeRequest, context: grpc.ServicerContext) -> pb.NoticeReply:
        """Find out which rows of an earlier result a known peer's notices are about; reply when they are applied."""
        peer, about = self._known_peer(context), request.run_id.hex()
        failure: PsiMatchError
        try:
            if len(request.run_id) == RUN_ID_BYTES:
                return pb.NoticeReply(has_result=lead_notices(self._context, about, peer))
            failure = PeerError("The run id has a wrong length.", peer=peer, step="notice")
        except PsiMatchError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  # a disk that is full, say; the text could hold a value
            structlog.get_logger().error("notices not taken in", peer=peer, error=type(error).__name__)
            failure = InternalError("The node failed for a reason of its own.", peer=peer)
        self._context.refusals.note(failure, peer=peer, run=about)
        refused = isinstance(failure, PolicyRefusal)
        code = grpc.StatusCode.PERMISSION_DENIED if refused else grpc.StatusCode.ABORTED
        context.abort(code, aborts.to_wire(failure, peer).abort.sentence)
        raise AssertionError  # abort has raised

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
        told = threading.Event()
        worker = threading.Thread(target=self._answer, args=(link, told, context), name=f"run-with-{peer}", daemon=True)
        reader.start()
        worker.start()
        try:
            yield from link.outgoing()
        finally:
            told.set()
        worker.join()

    def _answer(self, link: Link, told: threading.Event, context: grpc.ServicerContext) -> None:
        """Do what the stream is for, and see to it that it ends: a peer that reads nothing would hold it open."""
        self._answer_once(link)
        link.wait_closed()
        if not told.wait(self._context.config.limits.peer_silence_s):
            context.cancel()  # type: ignore[no-untyped-call]  # so in the stubs

    def _answer_once(self, link: Link) -> None:
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
            error = refusal(Rule.CALLER, "the certificate is not that of a node known here.")
            self._context.refusals.note(error, peer=identity.party if identity else None)
            context.abort(grpc.StatusCode.PERMISSION_DENIED, error.public)
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
