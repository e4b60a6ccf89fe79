"""One line of an audit log: canonical JSON of six keys, signed, and tied to the line before by its digest.

    {"event":"node-stopped","fields":{},"previous":"...","sequence":7,"signature":"...","time":"2026-11-24T13:00:00Z"}

The signature is over the log's id and the line without the signature, so that no line fits into another log. The digest
that the next line carries is over the whole line, signature included.
"""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass

from psi_match.base.errors import InternalError
from psi_match.crypto.derive import DIGEST_BYTES, hash_fields
from psi_match.governance.audit.events import DIGEST, OPENED, SEQUENCE, SIGNATURE, Fields, check_event, misfit
from psi_match.governance.audit.heads import LogPosition
from psi_match.governance.signing import Signer, is_signed

MAX_LINE_BYTES = 1 << 16
"""Without the newline. The longest line that the events allow is far shorter."""
NO_LINE_BEFORE = "0" * (2 * DIGEST_BYTES)
"""What the first line of a log says of the line before."""

_LINE = "audit-line"
_WHOLE_LINE = "audit-line-digest"
_TORN = "audit-torn"
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_PRINTABLE = re.compile(rb"[ -~]*")


class NotALineError(ValueError):
    """Bytes are no line of an audit log.

    Args:
        problem: which of the problems in ``findings.py``.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is well formed; whether it is signed must be asked with ``is_line_of``.

    Args:
        sequence: its place, from 0.
        previous: digest of the line before.
        time: UTC, to the second; texts of this form sort as moments do.
        event: what happened.
        fields: what is said of it.
        signature: the party's.
        digest: digest of the whole line.
        body: the line without the signature.
    """

    sequence: int
    previous: str
    time: str
    event: str
    fields: Fields
    signature: bytes
    digest: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """What the first line of a log says.

    Args:
        party: whose log it is.
        log: its id.
        public_key: the key that signs it.
        before: last line of the file before; none in the first file.
        torn: digest of what stands behind that line, where a crash tore the next one.
        line: the line itself.
    """

    party: str
    log: str
    public_key: bytes
    before: LogPosition | None
    torn: str | None
    line: Line

    def position(self, line: Line) -> LogPosition:
        """Return the position of a line of this log."""
        return LogPosition(self.party, self.log, line.sequence, line.digest)


def time_text(moment: datetime.datetime) -> str:
    """Return a moment as lines hold it."""
    return moment.astimezone(datetime.UTC).strftime(_TIME_FORMAT)


def torn_digest(tail: bytes) -> str:
    """Return the digest of what a crash left of a line."""
    return hash_fields(_TORN, tail).hex()


def sealed_line(log: str, sequence: int, previous: str, time: str, event: str, fields: Fields, signer: Signer) -> bytes:
    """Return a line, without newline.

    Args:
        log: id of the log.
        sequence: its place, from 0.
        previous: digest of the line before; ``NO_LINE_BEFORE`` for the first.
        time: when it is written.
        event: what happened.
        fields: what is said of it.
        signer: the party's key.

    Raises:
        InternalError: the event, a field or a value is not declared.
    """
    check_event(event, fields)
    content: dict[str, object] = {
        "event": event,
        "fields": fields,
        "previous": previous,
        "sequence": sequence,
        "time": time,
    }
    content["signature"] = signer.sign(_LINE, bytes.fromhex(log), _canonical(content)).hex()
    line = _canonical(content)
    if len(line) > MAX_LINE_BYTES:
        raise InternalError("A line of the audit log is too long.", "Please report it.")
    return line


def parse_line(content: bytes) -> Line:
    """Return a line; its signature is not checked.

    Args:
        content: the line without newline.

    Raises:
        NotALineError: it is none.
    """
    if len(content) > MAX_LINE_BYTES:
        raise NotALineError("too-long")
    match _parsed(content):
        case {
            "event": str(event),
            "fields": dict(fields),
            "previous": str(previous),
            "sequence": int(sequence),
            "signature": str(signature),
            "time": str(time),
            **others,
        } if not others and DIGEST(previous) and SEQUENCE(sequence) and SIGNATURE(signature) and _is_time(time):
            pass
        case _:
            raise NotALineError("not-canonical")
    if misfit(event, fields) is not None:
        raise NotALineError("not-declared")
    unsigned = {"event": event, "fields": fields, "previous": previous, "sequence": sequence, "time": time}
    if _canonical(unsigned | {"signature": signature}) != content:
        raise NotALineError("not-canonical")
    return Line(
        sequence=sequence,
        previous=previous,
        time=time,
        event=event,
        fields=fields,
        signature=bytes.fromhex(signature),
        digest=hash_fields(_WHOLE_LINE, content).hex(),
        body=_canonical(unsigned),
    )


def is_line_of(line: Line, log: str, public_key: bytes) -> bool:
    """Tell whether a line was signed for a log with a key."""
    return is_signed(public_key, line.signature, _LINE, bytes.fromhex(log), line.body)


def parse_opening(content: bytes) -> Opening:
    """Return what the first line of a log says, signature checked with the key in it.

    Args:
        content: the line without newline.

    Raises:
        NotALineError: it opens no log.
    """
    line = parse_line(content)
    if line.event != OPENED or line.sequence != 0 or line.previous != NO_LINE_BEFORE:
        raise NotALineError("no-opening")
    fields = {name: str(value) for name, value in line.fields.items()}
    party, log, public_key = fields["party"], fields["log"], bytes.fromhex(fields["public_key"])
    if not is_line_of(line, log, public_key):
        raise NotALineError("changed")
    told = [fields[name] for name in ("before_log", "before_sequence", "before_digest") if name in fields]
    if len(told) not in {0, 3} or ("torn" in fields and not told):
        raise NotALineError("no-opening")
    before = LogPosition(party, told[0], int(told[1]), told[2]) if told else None
    return Opening(party, log, public_key, before, fields.get("torn"), line)


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _parsed(content: bytes) -> object:
    """Return what JSON text says; None if it is none. Deep nesting and endless numbers are none either."""
    if not _PRINTABLE.fullmatch(content):
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _is_time(text: str) -> bool:
    try:
        return time_text(datetime.datetime.fromisoformat(text)) == text
    except (ValueError, OverflowError):
        return False
