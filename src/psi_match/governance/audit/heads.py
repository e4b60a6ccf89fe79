"""Heads of audit logs: where a log stands, signed by its owner, and countersigned by a peer that saw it.

A peer that keeps a head can prove that the log held that line: whoever cuts off or rewrites a line at or before it is
found, also the owner with its own key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from psi_match.base.errors import ConfigError
from psi_match.domain.parties import PartyId
from psi_match.governance.audit.events import DIGEST, LARGEST_INTEGER, LOG, PARTY, SEQUENCE, Fields, FieldValue
from psi_match.governance.signing import SIGNATURE_BYTES, Signer, is_signed

LOG_ID_BYTES = 16
LINE_DIGEST_BYTES = 32
_HEAD = "log-head"
_COUNTERSIGNED = "log-head-countersigned"
_LARGEST_FILE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A line of a log.

    Args:
        party: whose log it is.
        log: the log's id, 32 hexadecimal digits; each file has one of its own.
        sequence: the line's place, from 0.
        digest: digest of the whole line, 64 hexadecimal digits.
    """

    party: str
    log: str
    sequence: int
    digest: str


@dataclass(frozen=True, slots=True)
class LogHead(LogPosition):
    """The last line of a log at some moment, as its owner signed it.

    Args:
        signature: the owner's.
    """

    signature: bytes

    def as_json(self) -> str:
        """Return the head's text, as files hold it."""
        content = {
            "format": 1,
            "party": self.party,
            "log": self.log,
            "sequence": self.sequence,
            "digest": self.digest,
            "signature": self.signature.hex(),
        }
        return json.dumps(content, indent=2) + "\n"

    def as_fields(self) -> dict[str, FieldValue]:
        """Return what events ``peer-head`` and ``countersigned`` say of a head, without the party."""
        return {
            "log": self.log,
            "sequence": self.sequence,
            "digest": self.digest,
            "signature": self.signature.hex(),
        }


def _statement(position: LogPosition) -> tuple[bytes, ...]:
    log, digest = bytes.fromhex(position.log), bytes.fromhex(position.digest)
    return position.party.encode(), log, position.sequence.to_bytes(8, "big"), digest


def _is_position(position: LogPosition) -> bool:
    return PARTY(position.party) and LOG(position.log) and SEQUENCE(position.sequence) and DIGEST(position.digest)


def sign_head(position: LogPosition, signer: Signer) -> LogHead:
    """Return a position under the owner's signature."""
    signature = signer.sign(_HEAD, *_statement(position))
    return LogHead(position.party, position.log, position.sequence, position.digest, signature)


def is_head_of(head: LogHead, public_key: bytes) -> bool:
    """Tell whether a head is well formed and signed with a key."""
    return _is_position(head) and is_signed(public_key, head.signature, _HEAD, *_statement(head))


def countersign(head: LogPosition, party: str, signer: Signer) -> bytes:
    """Return a party's signature that it saw a head.

    Args:
        head: what it saw, checked before with ``is_head_of``.
        party: the party that countersigns.
        signer: its key.
    """
    return signer.sign(_COUNTERSIGNED, party.encode(), *_statement(head))


def is_countersigned(head: LogPosition, party: str, signature: bytes, public_key: bytes) -> bool:
    """Tell whether a party countersigned a head with a key."""
    return is_signed(public_key, signature, _COUNTERSIGNED, party.encode(), *_statement(head))


def head_of_fields(party: str, fields: Fields) -> LogHead:
    """Return the head that a checked event ``peer-head`` or ``countersigned`` holds.

    Args:
        party: whose log the head is of: of the first event the peer's, of the second this log's own.
        fields: the event's fields. The signature of the second is the peer's countersignature.
    """
    log, digest, signature = (str(fields[name]) for name in ("log", "digest", "signature"))
    return LogHead(party, log, int(str(fields["sequence"])), digest, bytes.fromhex(signature))


class _HeadFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1]
    party: PartyId
    log: str = Field(pattern=rf"^[0-9a-f]{{{2 * LOG_ID_BYTES}}}$")
    sequence: int = Field(ge=0, le=LARGEST_INTEGER)
    digest: str = Field(pattern=rf"^[0-9a-f]{{{2 * LINE_DIGEST_BYTES}}}$")
    signature: str = Field(pattern=rf"^[0-9a-f]{{{2 * SIGNATURE_BYTES}}}$")


def parse_head(content: bytes, name: str) -> LogHead:
    """Read the text of a head; ``name`` stands for the file in errors. Its signature is not checked.

    Raises:
        ConfigError: it is no head.
    """
    found: _HeadFile | None = None
    if len(content) <= _LARGEST_FILE_BYTES:
        try:
            found = _HeadFile.model_validate_json(content)
        except ValidationError:
            found = None
    # Raised outside of the handler: a library's error could hold what it read.
    if found is None:
        raise ConfigError(f"{name} is no head of an audit log.", "Make one with `psi-match audit head`.")
    return LogHead(found.party, found.log, found.sequence, found.digest, bytes.fromhex(found.signature))


def read_head(path: Path) -> LogHead:
    """Read a file with a head.

    Raises:
        ConfigError: it cannot be read, or is no head.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
    except OSError as cause:
        raise ConfigError(f"Cannot read {path}: {cause.strerror}.", "Check the path and the permissions.") from None
    return parse_head(content, str(path))
