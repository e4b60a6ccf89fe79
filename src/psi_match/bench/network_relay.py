"""A switch with a delay line: it gives every Ethernet frame a one-way delay on a kernel that has no ``netem``.

It runs as a process of its own, between the namespaces of the parties. What it forwards are frames, not TCP
connections: TCP runs from end to end, so that slow start, windows and acknowledgements take the long way, as they do on
a real line. Frames are up to 64 kB (segmentation offload), so that a gigabit is some 2000 frames a second.

Each port is a socket of packets: a raw socket of ``network_sockets.open_port``. It ends when its standard input does,
that is, also when the process that started it was killed.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

VNET_HEADER_BYTES = 10
"""In front of each frame: ``struct virtio_net_hdr``, which tells how the kernel is to cut the frame and sum it up."""
_ADDRESS_BYTES = 6
_GROUP_BIT = 1
"""In the first byte of an address: for more than one station."""
_LARGEST_FRAME = 1 << 17
_FRAMES_AT_ONCE = 64
"""Of one port, before the others have their turn."""
_PRIORITY = 1


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    due: float
    port: socket.socket
    frame: bytes


class DelaySwitch:
    """Forwards frames between ports, each a fixed time after it came in; the order of frames stays.

    Args:
        ports: sockets of packets; they become non-blocking.
        delay_s: from one port to another.
        header_bytes: in front of the Ethernet addresses.
        clock: seconds, never backwards.
    """

    def __init__(
        self,
        ports: Sequence[socket.socket],
        delay_s: float,
        header_bytes: int = VNET_HEADER_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for port in ports:
            port.setblocking(False)
        self._ports = list(ports)
        self._delay_s = delay_s
        self._to = slice(header_bytes, header_bytes + _ADDRESS_BYTES)
        self._from = slice(header_bytes + _ADDRESS_BYTES, header_bytes + 2 * _ADDRESS_BYTES)
        self._clock = clock
        self._learned: dict[bytes, socket.socket] = {}
        # One delay for all: whatever came in first is due first.
        self._line: deque[_Waiting] = deque()

    def wait_s(self) -> float | None:
        """Return how long nothing is due; None: nothing waits."""
        return max(0.0, self._line[0].due - self._clock()) if self._line else None

    def take_in(self, port: socket.socket) -> None:
        """Take in frames that a port has."""
        for _ in range(_FRAMES_AT_ONCE):
            try:
                frame = port.recv(_LARGEST_FRAME)
            except OSError:
                return
            due = self._clock() + self._delay_s
            self._learned[frame[self._from]] = port
            self._line.extend(_Waiting(due, out, frame) for out in self._way(frame, port))

    def send_due(self) -> None:
        """Send the frames whose time has come. One that its port does not take is lost, as on any line."""
        while self._line and self._line[0].due <= self._clock():
            waiting = self._line.popleft()
            with suppress(OSError):
                waiting.port.send(waiting.frame)

    def run(self, end: int) -> None:
        """Forward until the descriptor ``end`` can be read."""
        ports = {port.fileno(): port for port in self._ports}
        while True:
            # Not poll: it rounds up to a millisecond.
            readable, _, _ = select.select([end, *ports], [], [], self.wait_s())
            self.send_due()
            if end in readable:
                return
            for descriptor in readable:
                self.take_in(ports[descriptor])

    def _way(self, frame: bytes, came_by: socket.socket) -> list[socket.socket]:
        to = frame[self._to]
        known = None if to[0] & _GROUP_BIT else self._learned.get(to)
        return [port for port in self._ports if port is not came_by] if known is None else [known]


def main(settings: str) -> None:
    """Run a switch.

    Args:
        settings: JSON: ``ports``, the descriptors of open sockets, and ``delay_s``.
    """
    wanted = json.loads(settings)
    # A kernel's delay line comes before all processes; this one is to come before the nodes that it connects.
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    ports = [socket.socket(fileno=descriptor) for descriptor in wanted["ports"]]
    DelaySwitch(ports, wanted["delay_s"]).run(sys.stdin.fileno())


if __name__ == "__main__":
    main(sys.argv[1])
