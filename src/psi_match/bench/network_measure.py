"""Measures a path by TCP: the round trip by single bytes to and fro, the rate by a burst in one direction."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from dataclasses import dataclass

_PINGS = 20
_BURST_S = 0.4
"""How long the burst would take at the nominal rate."""
_LEAST_BURST_BYTES = 1 << 19
_WARM_UP = 1 / 3
"""Of the burst: TCP finds its pace, and the buckets empty what they had saved up."""
_PIECE_BYTES = 1 << 18
_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a path does.

    Args:
        round_trip_s: median of single bytes to and fro.
        rate_bits_per_s: of TCP payload, after the start of the burst.
    """

    round_trip_s: float
    rate_bits_per_s: float


def measure(near: socket.socket, far: socket.socket, nominal_bits_per_s: float) -> Measured:
    """Measure the path between the two ends of a TCP connection, both of them in this process.

    Args:
        near: the end that sends the burst.
        far: the other end.
        nominal_bits_per_s: how much to send: what that rate carries in a short while.

    Raises:
        OSError: the path does not carry what is sent.
    """
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.settimeout(_WAIT_S)
    trips = [_round_trip_s(near, far) for _ in range(_PINGS)]
    total = max(_LEAST_BURST_BYTES, round(nominal_bits_per_s / 8 * _BURST_S))
    return Measured(statistics.median(trips), _burst_bits_per_s(near, far, total))


def _round_trip_s(near: socket.socket, far: socket.socket) -> float:
    began = time.monotonic()
    near.sendall(b"?")
    far.recv(1)
    far.sendall(b"!")
    near.recv(1)
    return time.monotonic() - began


def _burst_bits_per_s(near: socket.socket, far: socket.socket, total: int) -> float:
    sender = threading.Thread(target=_send, args=(near, total), name="burst", daemon=True)
    sender.start()
    came, counted_from, began = 0, 0, 0.0
    while came < total:
        piece = len(far.recv(_PIECE_BYTES))
        if not piece:
            raise ConnectionError("the path was closed in the middle of a burst")
        came += piece
        if not counted_from and came >= total * _WARM_UP:
            counted_from, began = came, time.monotonic()
    took = time.monotonic() - began
    sender.join()
    return 8 * (total - counted_from) / took


def _send(near: socket.socket, total: int) -> None:
    piece = bytes(_PIECE_BYTES)
    for start in range(0, total, _PIECE_BYTES):
        near.sendall(piece[: total - start])
