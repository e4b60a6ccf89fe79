"""Public values from the session id, and hashes of several fields without ambiguity.

Everything here is *public* once the session id is open. No secret is ever derived from it: base-OT scalars, OPRF choice
bits and shuffles come from a ``RandomSource``.
"""

from __future__ import annotations

import hashlib

DIGEST_BYTES = 32
_PERSON = b"psimatch"


def hash_fields(purpose: str, *fields: bytes) -> bytes:
    """Hash a purpose and fields, each with its length in front, so that no two lists of fields collide by shape.

    Args:
        purpose: what the digest is for; separates uses.
        fields: any number of byte strings.

    Returns:
        32 bytes.
    """
    digest = hashlib.blake2s(person=_PERSON)
    for field in (purpose.encode("ascii"), *fields):
        digest.update(len(field).to_bytes(8, "big"))
        digest.update(field)
    return digest.digest()


def public_key(sid: bytes, purpose: str) -> bytes:
    """Return a 16-byte public AES key of this session for one purpose."""
    return hash_fields("public-key/" + purpose, sid)[:16]
