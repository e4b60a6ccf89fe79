"""Public values from the session id, secret streams from shared keys, and hashes of fields without ambiguity.

What comes from the session id alone is *public* once it is open. No secret is derived from it: base-OT scalars, OPRF
choice bits and shuffles come from a ``RandomSource``.
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


def secret_key(key: bytes, sid: bytes, purpose: str, *path: str | int) -> bytes:
    """Return a 16-byte secret AES key for one purpose and place in a session, from a secret that two parties share.

    Args:
        key: 32 secret bytes, fresh in every session.
        sid: session id.
        purpose: what the stream is for.
        path: where in the session: run, join, step, chunk, level; equal paths must mean the same values.
    """
    digest = hashlib.blake2s(key=key, person=_PERSON)
    for field in (purpose.encode("ascii"), sid, *(str(part).encode("ascii") for part in path)):
        digest.update(len(field).to_bytes(8, "big"))
        digest.update(field)
    return digest.digest()[:16]
