"""Read what someone wants to have audited: a list of hashes, or a filter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psi_match.attack.bloom_filter import BloomFilter
from psi_match.attack.sha256 import DIGEST_BYTES
from psi_match.base.errors import DataError


def read_digests(path: Path) -> NDArray[np.uint8]:
    """Read SHA-256 digests, one per line as 64 hexadecimal digits; blank lines do not count.

    Raises:
        DataError: the file cannot be read, holds no digest, or a line is something else; the line is named by number.
    """
    digests = bytearray()
    for number, line in enumerate(_read(path).split(b"\n"), start=1):
        if text := line.strip():
            digest = _digest(text)
            if digest is None:
                raise DataError(f"Line {number} of {path} is no SHA-256 hash.", "Write one per line, as 64 hex digits.")
            digests += digest
    if not digests:
        raise DataError(f"{path} holds no hash.", "Write one per line, as 64 hex digits.")
    return np.frombuffer(digests, dtype=np.uint8).reshape(-1, DIGEST_BYTES)


def read_filter(path: Path, bits: int, positions: int) -> BloomFilter:
    """Read the bits of a filter; ``bloom_filter`` says in which order they stand.

    Raises:
        DataError: the file cannot be read, or has not the bytes that so many bits need.
    """
    content = np.frombuffer(bytearray(_read(path)), dtype=np.uint8)  # writable: numba compiles anew for read-only
    needed = -(-bits // 8)
    if len(content) != needed:
        raise DataError(f"{path} has {len(content)} bytes; {bits} bits need {needed}.", "Check --bits.")
    return BloomFilter(content, bits, positions)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise DataError(f"Cannot read {path}: {cause.strerror}.", "Check the path of --file.") from None


def _digest(text: bytes) -> bytes | None:
    """Return the digest that hexadecimal text stands for; None if it is none: an error could hold the value."""
    try:
        digest = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        return None
    return digest if len(digest) == DIGEST_BYTES else None
