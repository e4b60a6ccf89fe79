"""Sockets of this process that are in another network namespace: a socket stays in the namespace where it was made."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from psi_match.base.errors import ConfigError

NAMESPACES: Final = Path("/run/netns")
"""Where ``ip netns`` keeps the named namespaces."""
_CLONE_NEWNET: Final = 0x40000000
_ETH_P_ALL: Final = 0x0003
# Of linux/if_packet.h; Python's socket module does not name them.
_SOL_PACKET: Final = 263
_PACKET_VNET_HDR: Final = 15
_PACKET_IGNORE_OUTGOING: Final = 23
_SO_RCVBUFFORCE: Final = 33
_SO_SNDBUFFORCE: Final = 32
_BUFFER_BYTES: Final = 16 << 20
"""Of a raw socket, in each direction: what a gigabit line carries in a tenth of a second."""


def inside(namespace: str, make: Callable[[], socket.socket]) -> socket.socket:
    """Make a socket in a namespace, in a thread of its own that enters it: no other thread is moved.

    Raises:
        ConfigError: this process may not enter it.
        OSError: the socket cannot be made or connected.
    """
    made: list[socket.socket] = []
    failed: list[Exception] = []

    def enter_and_make() -> None:
        try:
            _enter(NAMESPACES / namespace)
            made.append(make())
        except Exception as error:  # for the caller's thread  # noqa: BLE001
            failed.append(error)

    worker = threading.Thread(target=enter_and_make, name=f"in-{namespace}")
    worker.start()
    worker.join()
    if failed:
        raise failed[0]
    return made[0]


def open_port(interface: str) -> socket.socket:
    """Open a raw socket on an interface of the thread's namespace, with frames as the kernel has them, uncut."""
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    port.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    port.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    # What does not fit is lost: without the right to larger buffers there is more of that.
    for option in (_SO_RCVBUFFORCE, _SO_SNDBUFFORCE):
        with suppress(OSError):
            port.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    port.bind((interface, _ETH_P_ALL))
    return port


def _enter(namespace: Path) -> None:
    # Python has os.setns from 3.12 on.
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, _CLONE_NEWNET):
            cause = os.strerror(ctypes.get_errno())
            raise ConfigError(f"Cannot enter a network namespace: {cause}.", "Run it as root.")
    finally:
        os.close(descriptor)
