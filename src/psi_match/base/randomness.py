"""Randomness is an argument: protocol code asks a ``RandomSource`` for bytes and never knows where they come from.

Production wraps the operating system's source. Tests pass ``SeededRandomness``, which is predictable and says so.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol


class RandomSource(Protocol):
    """A source of uniform bytes."""

    def bytes(self, count: int) -> bytes:
        """Return ``count`` uniform bytes."""
        ...


class SystemRandomness:
    """The operating system's cryptographic source."""

    def bytes(self, count: int) -> bytes:
        """Return ``count`` uniform bytes."""
        return secrets.token_bytes(count)


class SeededRandomness:
    """A predictable stream for tests and vectors. WARNING: never for real data, every output follows from the seed.

    Args:
        seed: any bytes; equal seeds give equal streams.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._calls = 0

    def bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes of the stream."""
        self._calls += 1
        label = len(self._seed).to_bytes(4, "big") + self._seed + self._calls.to_bytes(8, "big")
        return hashlib.shake_256(label).digest(count)
