"""What the program of someone who looks on does with a node: follow it, and fetch records and timelines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import grpc

from psi_match.base.errors import PeerError, PsiMatchError, TransportError
from psi_match.node.certificates import Credentials
from psi_match.node.channels import open_channel, translate
from psi_match.node.events import NodeEvent
from psi_match.node.operator_client import refusal_in
from psi_match.wire.v1 import observer_pb2, observer_pb2_grpc, operator_pb2, operator_pb2_grpc

_CALL_TIMEOUT_S = 30.0
SILENT_S = 5.0
"""A node that says nothing for this long is gone: it gives a sign of life every second."""
_LOOK_EVERY_S = 0.25
_LONGEST_TIMELINE = 200_000
"""Events; a node keeps a tenth of that one by one."""


class _Call(Protocol):
    """A call whose answer is a stream; gRPC's own class for it is not public."""

    def __iter__(self) -> Iterator[observer_pb2.Event]: ...

    def cancel(self) -> object: ...


class ObserverClient:
    """A connection of an observer to its node.

    Args:
        address: ``host:port`` of the node.
        credentials: the observer's certificate; the node must be of the same party.
    """

    def __init__(self, address: str, credentials: Credentials) -> None:
        self.party = credentials.identity.party
        self._channel = open_channel(address, self.party, credentials)
        self._observer = observer_pb2_grpc.ObserverStub(self._channel)
        self._operator = operator_pb2_grpc.OperatorStub(self._channel)
        self._closed = threading.Event()

    def __enter__(self) -> ObserverClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; a watch in another thread ends without an error."""
        self._closed.set()
        self._channel.close()

    def watch(self) -> Iterator[NodeEvent]:
        """Follow the node from now on.

        First comes a sign of life, then the runs that are live with their messages so far taken together, then every
        event as it happens, and a sign of life at least every second. It ends when this client is closed.

        Raises:
            PolicyRefusal: this observer may not look on here, or not any more.
            TransportError: the node cannot be reached, has stopped, or has said nothing for ``SILENT_S`` seconds.
            PeerError: what it says is no event.
        """
        # Called here and not at the first step of the iterator: events count from now on.
        return self._followed(self._observer.Watch(observer_pb2.WatchRequest()))

    def _followed(self, call: _Call) -> Iterator[NodeEvent]:
        watchdog = _Watchdog(call)
        try:
            with self._translated(watchdog):
                for message in call:
                    # Time that the caller takes is not the node's silence.
                    watchdog.rest()
                    yield self._event(message)
                    watchdog.wait()
                if not self._closed.is_set():
                    raise TransportError("The node has stopped.", peer=self.party)
        finally:
            watchdog.stop()
            call.cancel()

    def timeline(self, run_id: str) -> list[NodeEvent]:
        """Return the events of a run that has ended.

        Raises:
            UsageError: the node has no timeline of that run, or it is still under way.
            PeerError: what it says is no timeline.
            PsiMatchError: the node cannot be reached or refuses.
        """
        with self._translated():
            request = observer_pb2.TimelineRequest(run_id=run_id)
            events: list[NodeEvent] = []
            for message in self._observer.Timeline(request, timeout=_CALL_TIMEOUT_S):
                if len(events) >= _LONGEST_TIMELINE:
                    raise PeerError("The node's timeline has no end.", peer=self.party)
                events.append(self._event(message))
            return events

    def status(self, run_id: str = "") -> operator_pb2.StatusReply:
        """Return what the node has done and is doing.

        Raises:
            PsiMatchError: the node cannot be reached or refuses.
        """
        with self._translated():
            request = operator_pb2.StatusRequest(run_id=run_id)
            reply: operator_pb2.StatusReply = self._operator.Status(request, timeout=_CALL_TIMEOUT_S)
            return reply

    def _event(self, message: observer_pb2.Event) -> NodeEvent:
        try:
            return NodeEvent.from_message(message)
        except ValueError:
            raise PeerError("The node tells of something that is no event.", peer=self.party) from None

    @contextmanager
    def _translated(self, watchdog: _Watchdog | None = None) -> Iterator[None]:
        failure: PsiMatchError | None = None
        try:
            yield
        except grpc.RpcError as error:
            if watchdog is None or not self._closed.is_set():
                failure = refusal_in(error) or translate(error, self.party)
            if watchdog is not None and watchdog.barked:
                failure = TransportError(f"The node has not been heard for {SILENT_S:g} s.", peer=self.party)
        except ValueError:
            # gRPC raises it when it is called on a channel that is closed.
            failure = TransportError("The connection was closed.", peer=self.party)
        if failure:
            raise failure


class _Watchdog:
    """Cancels a call on which nothing has come for too long: a machine that is gone closes no connection."""

    def __init__(self, call: _Call) -> None:
        self.barked = False
        self._call = call
        self._since: float | None = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watchdog", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """From now on something is waited for."""
        self._since = time.monotonic()

    def rest(self) -> None:
        """Something came; nothing is waited for."""
        self._since = None

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _look(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_S):
            since = self._since
            if since is not None and time.monotonic() - since > SILENT_S:
                self.barked = True
                self._call.cancel()
                return
