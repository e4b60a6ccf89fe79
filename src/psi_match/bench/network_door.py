"""A door into a namespace for the bench itself: a port of loopback whose connections go on inside.

The operators of a bench run in its own process, outside of all namespaces. Their connections take no line of the shaped
network, and no interface or route of this machine is touched.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from functools import partial

from psi_match.bench.network_sockets import inside

_PIECE_BYTES = 1 << 18
_CONNECT_WAIT_S = 10.0


class Door:
    """Takes connections on loopback and carries each on to one address inside a namespace.

    Args:
        namespace: its name.
        host: where the connections go.
        port: the same.
    """

    def __init__(self, namespace: str, host: str, port: int) -> None:
        self._namespace, self._target = namespace, (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._carried: list[socket.socket] = []
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._take, name="door", daemon=True).start()

    @property
    def address(self) -> str:
        """Where to knock."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Take no more connections, and end those that there are."""
        with self._lock:
            self._closed = True
            carried, self._carried = self._carried, []
        for one in (self._listener, *carried):
            # Closing alone does not wake a thread that waits for it.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _take(self) -> None:
        while True:
            try:
                outside, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(outside,), name="door", daemon=True).start()

    def _carry(self, outside: socket.socket) -> None:
        ends = [outside]
        try:
            within = inside(self._namespace, partial(socket.create_connection, self._target, _CONNECT_WAIT_S))
            within.settimeout(None)
            ends.append(within)
        except OSError:
            # Nobody listens there yet: whoever knocked sees a closed connection, and tries again.
            outside.close()
            return
        with self._lock:
            if not self._closed:
                self._carried += ends
        back = threading.Thread(target=_pump, args=(within, outside), name="door", daemon=True)
        back.start()
        _pump(outside, within)
        back.join()
        with self._lock:
            self._carried = [one for one in self._carried if one not in ends]
        for one in ends:
            one.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
