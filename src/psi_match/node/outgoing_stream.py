"""The leader's end of the gRPC stream under a link."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import grpc

from psi_match.base.errors import TransportError
from psi_match.node.certificates import Credentials
from psi_match.node.channels import open_channel, translate
from psi_match.node.link import Link

SESSION_METHOD = "/psi_match.wire.v1.Peer/Session"
_END_WAIT_S = 5.0


class OutgoingStream:
    """Connects a link to a data party's node.

    Args:
        address: ``host:port``.
        credentials: own certificate.
        link: what the stream carries.
    """

    def __init__(self, address: str, credentials: Credentials, link: Link) -> None:
        self._link = link
        self._channel = open_channel(address, link.peer, credentials)
        # Messages travel as bytes that the link has serialised and counted itself.
        stream = self._channel.stream_stream(SESSION_METHOD, request_serializer=None, response_deserializer=None)
        self._call = stream(link.outgoing())
        self._reader = threading.Thread(target=self._read, name=f"reader-{link.peer}", daemon=True)
        self._reader.start()

    def finish(self, deadline: float) -> None:
        """Wait until ``deadline`` (monotonic) for the peer to end its direction, then close the connection."""
        self._reader.join(max(0.0, deadline - time.monotonic()))
        # A peer that goes on talking may have filled the mailbox, and the reader waits for room in it.
        self._link.fail(TransportError("The connection was closed.", peer=self._link.peer))
        self._call.cancel()  # type: ignore[no-untyped-call]
        self._reader.join(_END_WAIT_S)
        self._channel.close()

    def _read(self) -> None:
        try:
            wanted = True
            for serialised in self._call:
                # What comes after a failure is read and dropped, so that an abort on its way out is not cut off.
                wanted = wanted and self._link.feed(serialised)
            self._link.end()
        except grpc.RpcError as error:
            self._link.fail(translate(error, self._link.peer, self._link.progress.step))
        except ValueError:
            # gRPC raises it when the channel is closed under a reader.
            self._link.fail(TransportError("The connection was closed.", peer=self._link.peer))


def finish_all(streams: Iterable[OutgoingStream]) -> None:
    """Finish the streams of a run; several silent peers together get no more time than one."""
    deadline = time.monotonic() + _END_WAIT_S
    for stream in streams:
        stream.finish(deadline)
