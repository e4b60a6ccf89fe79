"""The digest of a scenario: one fingerprint that every node computes for itself and compares.

The encoding is our own: every value with a type letter and its length, keys sorted. Changing one character of any field
changes the digest; layout and comments of the file do not.
"""

from __future__ import annotations

import datetime

from psi_match.crypto.derive import hash_fields
from psi_match.scenario.join_model import AnyScenario


def encode(value: object) -> bytes:
    """Encode nested plain values injectively.

    Raises:
        TypeError: a value is of a type that a scenario cannot hold.
    """
    match value:
        case None:
            letter, content = b"n", b""
        case bool():
            letter, content = b"b", bytes([value])
        case int():
            letter, content = b"i", str(value).encode()
        case str():
            letter, content = b"s", value.encode()
        case datetime.date():
            letter, content = b"t", value.isoformat().encode()
        case list() | tuple():
            letter, content = b"l", b"".join(encode(item) for item in value)
        case dict():
            letter = b"d"
            content = b"".join(encode(key) + encode(value[key]) for key in sorted(value))
        case _:
            raise TypeError(f"cannot encode {type(value).__name__}")
    return letter + len(content).to_bytes(8, "big") + content


def digest(scenario: AnyScenario) -> bytes:
    """Return the 32-byte digest of a scenario."""
    return hash_fields("scenario", encode(scenario.model_dump(mode="python")))
