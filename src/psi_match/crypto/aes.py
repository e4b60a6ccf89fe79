"""AES-128 in bulk, through OpenSSL: counter-mode streams of secret keys, and blocks under a public key.

Source:
    NIST SP 800-38A (ECB, CTR). Fixed-key AES as a permutation for hashing public or high-entropy values follows
    Bellare, Hoang, Keelveedhi, Rogaway (IEEE S&P 2013); no secret depends on the fixed key being unknown.
"""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from numpy.typing import NDArray

KEY_BYTES = 16
BLOCK_BYTES = 16


class KeyStreams:
    """One AES-128-CTR key stream per key, read in step.

    Args:
        keys: 16-byte keys, each fresh and used for nothing else: every stream starts at counter zero.
    """

    def __init__(self, keys: list[bytes]) -> None:
        self._streams: list[CipherContext] = [Cipher(AES(key), CTR(bytes(BLOCK_BYTES))).encryptor() for key in keys]
        self._zeros = b""

    def __repr__(self) -> str:
        return f"KeyStreams({len(self._streams)} streams)"

    def read(self, count: int) -> NDArray[np.uint8]:
        """Return the next ``count`` bytes of every stream, shape (streams, count)."""
        if len(self._zeros) != count:
            self._zeros = bytes(count)
        # OpenSSL's wrapper asks for one block of room beyond what a stream cipher writes.
        out = np.empty(len(self._streams) * count + BLOCK_BYTES, dtype=np.uint8)
        room = memoryview(out)  # type: ignore[arg-type]  # numpy arrays support the buffer protocol
        for index, stream in enumerate(self._streams):
            stream.update_into(self._zeros, room[index * count : (index + 1) * count + BLOCK_BYTES - 1])
        return out[:-BLOCK_BYTES].reshape(len(self._streams), count)


def encrypt_blocks(key: bytes, blocks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Encrypt each 16-byte block under one key in a single call.

    Args:
        key: 16 bytes; a public session key in every use of this project.
        blocks: (n, 16) contiguous bytes.

    Returns:
        (n, 16) bytes.
    """
    encrypted: NDArray[np.uint8] = encrypt_under_each([key], blocks)[0]
    return encrypted


def encrypt_under_each(keys: list[bytes], blocks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Encrypt each 16-byte block under each of several keys, one call a key.

    Args:
        keys: 16 bytes each; public session keys in every use of this project.
        blocks: (n, 16) contiguous bytes.

    Returns:
        (keys, n, 16) bytes.
    """
    out = np.empty(len(keys) * blocks.size + BLOCK_BYTES, dtype=np.uint8)
    source = blocks.reshape(-1).data
    room = memoryview(out)  # type: ignore[arg-type]  # numpy arrays support the buffer protocol
    for index, key in enumerate(keys):
        # A fixed-key permutation of single blocks, not encryption of a message: ECB is what is meant.
        context = Cipher(AES(key), ECB()).encryptor()  # noqa: S305
        context.update_into(source, room[index * blocks.size : (index + 1) * blocks.size + BLOCK_BYTES - 1])
    return out[:-BLOCK_BYTES].reshape(len(keys), -1, BLOCK_BYTES)
