"""The group ristretto255, from libsodium: prime order, canonical encodings, no cofactor to forget.

Points and scalars are 32-byte strings. Only what base OT needs is here.

Source:
    RFC 9496 (ristretto255); libsodium through the package ``rbcl`` (docs/adr/0001).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import rbcl

from psi_match.base.randomness import RandomSource

# rbcl unpacks libsodium into a temporary file at every import and leaves it behind. The library is mapped by now, so
# the file can go; a release of rbcl that loads it from its own folder is left alone.
_library_file = Path(str(rbcl._sodium._name))  # noqa: SLF001
if _library_file.parent == Path(tempfile.gettempdir()):
    _library_file.unlink(missing_ok=True)

POINT_BYTES = 32
SCALAR_BYTES = 32
HASH_BYTES = 64
"""Uniform bytes that ``from_hash`` maps to a uniform point."""

_ORDER = 2**252 + 27742317777372353535851937790883648493


def random_scalar(rng: RandomSource) -> bytes:
    """Return a uniform nonzero scalar: 512 bits reduced modulo the order are within 2^-250 of uniform."""
    while True:
        scalar = int.from_bytes(rng.bytes(64), "little") % _ORDER
        if scalar:
            return scalar.to_bytes(SCALAR_BYTES, "little")


def is_valid(point: bytes) -> bool:
    """Tell whether 32 bytes are the canonical encoding of a group element other than the identity."""
    return len(point) == POINT_BYTES and any(point) and bool(rbcl.crypto_core_ristretto255_is_valid_point(point))


def base_times(scalar: bytes) -> bytes:
    """Return scalar * B for the group's base point B."""
    return bytes(rbcl.crypto_scalarmult_ristretto255_base(scalar))


def times(scalar: bytes, point: bytes) -> bytes:
    """Return scalar * point, in constant time."""
    return bytes(rbcl.crypto_scalarmult_ristretto255(scalar, point))


def add(left: bytes, right: bytes) -> bytes:
    """Return left + right."""
    return bytes(rbcl.crypto_core_ristretto255_add(left, right))


def subtract(left: bytes, right: bytes) -> bytes:
    """Return left - right."""
    return bytes(rbcl.crypto_core_ristretto255_sub(left, right))


def from_hash(uniform: bytes) -> bytes:
    """Map 64 uniform bytes to a uniform point whose discrete logarithm nobody knows, in constant time."""
    return bytes(rbcl.crypto_core_ristretto255_from_hash(uniform))
