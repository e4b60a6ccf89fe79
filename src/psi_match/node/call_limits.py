"""How many calls one party may have open at a node, and how long it may take to say what it wants.

gRPC gives a call a thread before it knows what is asked, and waits for that without end. So whoever has a certificate
could take all threads with calls that say nothing. Sessions have bounds of their own; this is for every other method.
Watches last as long as someone looks on, so they have places of their own: they leave those of the operators free.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from psi_match.node.channels import caller
from psi_match.node.outgoing_stream import SESSION_METHOD

WATCH_METHOD = "/psi_match.wire.v1.Observer/Watch"
MOST_WATCHERS = 8
"""Watches of a node's own people at a time."""
_NOBODY = ""
"""All callers of no known party share one place in the count."""
_WATCHERS = "/watchers"
"""Place in the count of the own people's watches; no party has such a name."""


class CallLimits(grpc.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Bounds calls per party, and in time until a request is there.

    Args:
        own: the node's own party.
        parties: known parties, the own one included.
        calls: calls of one of them at a time; of all others together likewise.
        wait_s: time for a request; for a method that takes several, for the whole call.
    """

    def __init__(self, own: str, parties: frozenset[str], calls: int, wait_s: float) -> None:
        self._own = own
        self._parties, self._calls, self._wait_s = parties, calls, wait_s
        self._counting = threading.Lock()
        self._open: Counter[str] = Counter()

    def intercept_service(
        self, continuation: Callable[..., Any], handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Put the bounds in front of a method. To a caller, one that takes one message looks as before."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        takes_one = not handler.request_streaming
        answer = "stream" if handler.response_streaming else "unary"
        behaviour = getattr(handler, f"{'unary' if takes_one else 'stream'}_{answer}")
        is_session = handler_call_details.method == SESSION_METHOD
        is_watch = handler_call_details.method == WATCH_METHOD

        # Some methods have attributes that gRPC looks at, and more arguments.
        @functools.wraps(behaviour)
        def bounded(messages: Iterator[bytes], context: grpc.ServicerContext, *more: object) -> object:
            self._count(context, is_watch=is_watch)
            if is_session:
                return behaviour(messages, context, *more)
            impatience = threading.Timer(self._wait_s, context.cancel)
            impatience.name, impatience.daemon = "impatience", True
            if context.add_callback(impatience.cancel):
                impatience.start()
            requests = _read(messages, handler.request_deserializer, context)
            if not takes_one:
                return behaviour(requests, context, *more)
            request = _only(requests, context)
            impatience.cancel()
            return behaviour(request, context, *more)

        # Messages arrive as bytes: a call whose message gRPC cannot read would stay open in its books for good.
        made: grpc.RpcMethodHandler[Any, Any] = getattr(grpc, f"stream_{answer}_rpc_method_handler")(
            bounded, None, handler.response_serializer
        )
        return made

    def _count(self, context: grpc.ServicerContext, *, is_watch: bool) -> None:
        """Take a place for a call until it ends, or refuse it."""
        identity = caller(context)
        party = identity.party if identity and identity.party in self._parties else _NOBODY
        most = self._calls
        if is_watch and party == self._own:
            party, most = _WATCHERS, MOST_WATCHERS
        with self._counting:
            free = self._open[party] < most
            self._open[party] += free
        if not free:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls of one party at a time")
        if not context.add_callback(functools.partial(self._end, party)):
            self._end(party)

    def _end(self, party: str) -> None:
        with self._counting:
            self._open[party] -= 1


def _read(
    messages: Iterator[bytes], read: Callable[[bytes], object], context: grpc.ServicerContext
) -> Iterator[object]:
    """Yield messages as the method wants them; end the call at one that cannot be read."""
    for serialised in messages:
        request = None
        with suppress(DecodeError):
            request = read(serialised)
        if request is None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a message cannot be read")
        yield request


def _only(requests: Iterator[object], context: grpc.ServicerContext) -> object:
    """Return the first request; end the call if there is none."""
    # The other error: the call was ended meanwhile, and nobody hears what is said of it.
    with suppress(StopIteration, grpc.RpcError):
        return next(requests)
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, "this method takes a message")
    raise AssertionError  # abort has raised
