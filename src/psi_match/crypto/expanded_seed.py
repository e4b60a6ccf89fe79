"""Randomness of a task of pure computing, from a seed."""

from __future__ import annotations

from psi_match.crypto.aes import KeyStreams


class ExpandedSeed:
    """Randomness of a task: the AES-CTR stream of a seed that its role drew and gives to this task alone.

    A task must give the same result when a lost machine's work is done again, so it cannot ask the system. The stream
    of a fresh secret key is indistinguishable from uniform bytes, and no other task or message depends on the key.

    Args:
        seed: 16 fresh secret bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self._stream = KeyStreams([seed])

    def bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        drawn: bytes = self._stream.read(count).tobytes()
        return drawn
