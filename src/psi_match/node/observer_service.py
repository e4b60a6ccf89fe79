"""The gRPC service for who looks on at a node: its events as they happen, and those of one run afterwards.

Reveals:
    To an observer: as ``events`` says. Nothing of content crosses here: an event has no field for it.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections import deque
from collections.abc import Iterator

import grpc

from psi_match.base.errors import PolicyRefusal, PsiMatchError, UsageError
from psi_match.governance.rules import Rule, refusal
from psi_match.node.certificates import OBSERVER, expires_at, serial_of
from psi_match.node.channels import caller_certificate
from psi_match.node.context import NodeContext
from psi_match.node.event_log import MOMENT_DIGITS, Watcher
from psi_match.node.events import ALIVE, NodeEvent
from psi_match.node.own_people import OwnPeople, refuse
from psi_match.node.revocation import RevocationList
from psi_match.wire.v1 import observer_pb2 as pb
from psi_match.wire.v1 import observer_pb2_grpc

OBSERVER_SERVICE = pb.DESCRIPTOR.services_by_name["Observer"].full_name
ALIVE_EVERY_S = 1.0
_MINUTE_S = 60.0
LOOKS_A_MINUTE = 120
"""Watches and timelines that one observer may begin to read: each is a line of a log that never shrinks."""


class ObserverService(observer_pb2_grpc.ObserverServicer):  # type: ignore[misc]  # generated, without types
    """Answers observers of this node's own party, and nobody else.

    Args:
        context: the node.
        revoked: certificates that are not accepted any more.
    """

    def __init__(self, context: NodeContext, revoked: RevocationList) -> None:
        self._context = context
        self._revoked = revoked
        self._people = OwnPeople(context)
        self._looking = threading.Lock()
        self._looks: dict[str, deque[float]] = {}
        """By name: when an observer began to look; as many names as the policy has."""

    def Watch(self, _request: pb.WatchRequest, context: grpc.ServicerContext) -> Iterator[pb.Event]:  # noqa: N802
        """Follow the node until the caller leaves, may not look on any more, or the node stops."""
        observer = self._people.admit(context, OBSERVER)
        self._count(context, observer.name)
        self._note(context, "watch-began", observer=observer.name)
        watcher = self._context.events.watch()
        # A thread that waits for an event is not told by gRPC that nobody is there any more.
        if not context.add_callback(watcher.close):
            watcher.close()
        try:
            yield from self._follow(watcher, context)
        finally:
            self._context.events.leave(watcher)

    def _follow(self, watcher: Watcher, context: grpc.ServicerContext) -> Iterator[pb.Event]:
        yield self._alive(watcher)
        due = time.monotonic() + ALIVE_EVERY_S
        while not watcher.has_ended:
            event = watcher.take(until=due)
            if event is not None:
                yield event.to_message()
            if time.monotonic() >= due:
                self._check_still(context)
                yield self._alive(watcher)
                due = time.monotonic() + ALIVE_EVERY_S

    def _alive(self, watcher: Watcher) -> pb.Event:
        return NodeEvent("", "", round(time.time(), MOMENT_DIGITS), ALIVE, missed=watcher.lost()).to_message()

    def _check_still(self, context: grpc.ServicerContext) -> None:
        """End the call of who may not look on any more: a watch may last for days, and other calls are checked anew."""
        self._people.admit(context, OBSERVER)
        certificate = caller_certificate(context) or b""
        reason = self._revoked.refusal(serial_of(certificate))
        if not reason and expires_at(certificate) <= datetime.datetime.now(datetime.UTC):
            reason = "The certificate has expired."
        if reason:
            self._context.refusals.note(refusal(Rule.CALLER, reason), peer=self._context.party)
            refuse(context, grpc.StatusCode.PERMISSION_DENIED, PolicyRefusal(reason))

    def Timeline(self, request: pb.TimelineRequest, context: grpc.ServicerContext) -> Iterator[pb.Event]:  # noqa: N802
        """Hand over the events of a run that has ended."""
        observer = self._people.admit(context, OBSERVER)
        self._count(context, observer.name)
        try:
            if any(run.run_id == request.run_id for run in self._context.sessions.live()):
                raise UsageError("The run is still under way at this node.", "Try again when it has ended.")
            events = self._context.store.timeline(request.run_id)
        except PsiMatchError as error:
            refuse(context, grpc.StatusCode.NOT_FOUND, error)
        # Nothing is handed out that is not written down.
        self._note(context, "timeline-read", run=request.run_id, observer=observer.name)
        for event in events:
            yield event.to_message()

    def _count(self, context: grpc.ServicerContext, name: str) -> None:
        """Refuse the call of an observer who begins to look too often."""
        now = time.monotonic()
        with self._looking:
            looks = self._looks.setdefault(name, deque())
            while looks and now - looks[0] > _MINUTE_S:
                looks.popleft()
            free = len(looks) < LOOKS_A_MINUTE
            if free:
                looks.append(now)
        if not free:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls of one observer in a minute")

    def _note(self, context: grpc.ServicerContext, line: str, **fields: str) -> None:
        try:
            self._context.audit.append(line, **fields)
        except PsiMatchError as error:
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, error)
