"""Write a node's audit log: one line an event, signed, on disk before the node goes on.

Every line is written under the lock of the folder, after a fresh look at where the log stands. So threads of one node
and processes beside it (`psi-match node purge`) make one chain, and a line that a crash tore is never written over.
"""

from __future__ import annotations

import datetime
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psi_match import __version__
from psi_match.base.errors import AuditFailure, ConfigError, InternalError
from psi_match.base.randomness import RandomSource
from psi_match.governance.audit.events import OPENED, Fields, FieldValue, check_event
from psi_match.governance.audit.files import Tail, file_name, log_files, read_tail
from psi_match.governance.audit.heads import LOG_ID_BYTES, LogHead, LogPosition, sign_head
from psi_match.governance.audit.lines import NO_LINE_BEFORE, parse_line, sealed_line, time_text, torn_digest
from psi_match.governance.signing import Signer

FOLDER_NAME = "audit"
_LOCK_NAME = ".lock"
_PART_NAME = ".part"


class AuditLog:
    """A node's audit log.

    Args:
        folder: made if missing, mode 0700.
        party: whose log it is.
        signer: the party's key. Another key than that of the newest file begins a new file.
        now: the node's clock.
        rng: draws the id of each new file.

    Raises:
        ConfigError: the folder cannot be used, or holds the log of another party.
        AuditFailure: the first or last line of the newest file is not in order.
    """

    def __init__(
        self,
        folder: Path,
        party: str,
        signer: Signer,
        now: Callable[[], datetime.datetime],
        rng: RandomSource,
    ) -> None:
        self._folder = folder
        self._party = party
        self._signer = signer
        self._now = now
        self._rng = rng
        self._last = (0, 0)
        """File number and sequence of the last line that this object saw."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as cause:
            raise self._unusable(cause) from None
        with self._locked():
            self._tail()

    def __repr__(self) -> str:
        return f"AuditLog({self._party})"

    def append(self, event: str, **fields: FieldValue | None) -> LogPosition:
        """Write a line; when this returns it is on disk.

        Args:
            event: what happened; one of ``EVENTS``.
            fields: what is said of it; None leaves a field out.

        Returns:
            The line's position.

        Raises:
            InternalError: the event, a field or a value is not declared; nothing was written.
            ConfigError: the log cannot be written.
            AuditFailure: it was changed or cut while the node was running.
        """
        told = {name: value for name, value in fields.items() if value is not None}
        check_event(event, told)
        if event == OPENED:
            raise InternalError("Only a new file of the audit log opens a log.", "Please report it.")
        with self._locked():
            tail = self._tail()
            last = tail.last
            content = self._sealed(tail.opening.log, last.sequence + 1, last.digest, last.time, event, told)
            _append(self._folder / file_name(tail.number), content)
            line = parse_line(content)
            self._last = (tail.number, line.sequence)
        return tail.opening.position(line)

    def head(self) -> LogHead:
        """Return where the log stands, signed, for a peer.

        Raises:
            ConfigError: the log cannot be read.
            AuditFailure: it was changed or cut while the node was running.
        """
        with self._locked():
            tail = self._tail()
        return sign_head(tail.opening.position(tail.last), self._signer)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            # A descriptor of its own for each use: the lock keeps out threads as well as processes.
            descriptor = os.open(self._folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)
        except OSError as cause:
            raise self._unusable(cause) from None

    def _tail(self) -> Tail:
        """Return where the log stands; begin a file if there is none, its last line is torn, or the key is new."""
        files = log_files(self._folder)
        tail = read_tail(files[-1]) if files else None
        if tail is None or (tail.number, tail.last.sequence) < self._last:
            if self._last != (0, 0):
                raise AuditFailure(
                    f"The audit log in {self._folder} was cut while the node was running.",
                    "Find out who did it; the heads that peers hold show what is gone.",
                )
            tail = self._begin_file(None)
        elif tail.opening.party != self._party:
            raise ConfigError(
                f"The audit log in {self._folder} is that of {tail.opening.party}.", "Check party and state_dir."
            )
        elif tail.torn or tail.opening.public_key != self._signer.public_key:
            tail = self._begin_file(tail)
        self._last = (tail.number, tail.last.sequence)
        return tail

    def _begin_file(self, before: Tail | None) -> Tail:
        """Begin a new file that says on which line it follows; whole or not at all."""
        log = self._rng.bytes(LOG_ID_BYTES).hex()
        fields: dict[str, FieldValue] = {
            "party": self._party,
            "log": log,
            "public_key": self._signer.public_key.hex(),
            "software_version": __version__,
        }
        number, earliest = 1, ""
        if before:
            number, earliest = before.number + 1, before.last.time
            fields |= {
                "before_log": before.opening.log,
                "before_sequence": before.last.sequence,
                "before_digest": before.last.digest,
            }
            fields |= {"torn": torn_digest(before.torn)} if before.torn else {}
        path, part = self._folder / file_name(number), self._folder / _PART_NAME
        part.unlink(missing_ok=True)
        _append(part, self._sealed(log, 0, NO_LINE_BEFORE, earliest, OPENED, fields))
        part.rename(path)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return read_tail(path)

    def _sealed(self, log: str, sequence: int, previous: str, earliest: str, event: str, fields: Fields) -> bytes:
        # Two processes' clocks may differ by a moment; the log's time never goes back.
        time = max(earliest, time_text(self._now()))
        return sealed_line(log, sequence, previous, time, event, fields, self._signer)

    def _unusable(self, cause: OSError) -> ConfigError:
        return ConfigError(
            f"Cannot use the audit log in {self._folder}: {cause.strerror}.", "Check state_dir, its owner and the disk."
        )


def _append(path: Path, content: bytes) -> None:
    """Write a line at the end of a file and see it on disk.

    Raises:
        OSError: it is not, or only a part of it: the next line then goes into a new file.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        left = memoryview(content + b"\n")
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
