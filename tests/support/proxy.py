"""A fault-injecting proxy between a leader's node and a data party's node.

It holds both ends' keys, which only a test has: towards the leader it presents the data party's certificate, towards
the data party the leader's. Every message of a session passes through ``meddle``, which may change, drop, repeat,
hold back or cut.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc

from psi_match.node.certificates import Credentials
from psi_match.node.channels import open_channel, server_credentials
from psi_match.node.outgoing_stream import SESSION_METHOD
from psi_match.node.peer_service import PEER_SERVICE

TO_DATA_PARTY, TO_LEADER = "to data party", "to leader"
Meddle = Callable[[str, int, bytes], list[bytes]]
"""(direction, number of the message in that direction, message) -> messages to pass on."""


def pass_on(_direction: str, _number: int, message: bytes) -> list[bytes]:
    return [message]


class Proxy:
    """A proxy on loopback.

    Args:
        target: address of the data party's node.
        data_party: its credentials, shown to the leader.
        leader: the leader's credentials, shown to the data party.
    """

    def __init__(self, target: str, data_party: Credentials, leader: Credentials) -> None:
        self.meddle: Meddle = pass_on
        self._target, self._data_party, self._leader = target, data_party, leader
        self._server = grpc.server(ThreadPoolExecutor(4))
        handler = grpc.stream_stream_rpc_method_handler(self._session)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(PEER_SERVICE, {"Session": handler}),)
        )
        self.address = f"127.0.0.1:{self._server.add_secure_port('127.0.0.1:0', server_credentials(data_party))}"

    def __enter__(self) -> Proxy:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0.2).wait()

    def _session(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        with open_channel(self._target, self._data_party.identity.party, self._leader) as channel:
            call = channel.stream_stream(SESSION_METHOD)(self._through(TO_DATA_PARTY, messages))
            context.add_callback(call.cancel)
            try:
                yield from self._through(TO_LEADER, call)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())

    def _through(self, direction: str, messages: Iterator[bytes]) -> Iterator[bytes]:
        # A thread of its own, so that a meddler that holds messages back does not hold back the end of the stream.
        waiting: queue.Queue[bytes | BaseException | None] = queue.Queue(16)

        def read() -> None:
            try:
                for number, message in enumerate(messages):
                    for changed in self.meddle(direction, number, message):
                        waiting.put(changed)
                waiting.put(None)
            except BaseException as error:  # noqa: BLE001
                waiting.put(error)

        threading.Thread(target=read, daemon=True).start()
        while True:
            item = waiting.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                if direction == TO_LEADER and isinstance(item, grpc.RpcError):
                    raise item
                return
            yield item
