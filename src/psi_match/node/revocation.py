"""``revoked.toml``: certificates that are not accepted any more, although their authority's signature is valid.

The list is looked at on every call, so an entry works at once, also on a connection that stands already. It holds
serial numbers only: where two authorities in one ``ca.pem`` have given out the same number, it is refused under both.
"""

from __future__ import annotations

import datetime
import os
import re
import threading
from pathlib import Path
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field

from psi_match.base.errors import ConfigError, UsageError
from psi_match.base.toml_file import parse_model

REVOKED_NAME = "revoked.toml"
_NONE_REVOKED = b"# Serial numbers of certificates that are not accepted any more.\nformat = 1\n"
_REASON = r'^[^"\\\x00-\x1f\x7f-\x9f]{1,200}$'
"""Fit for a TOML string as it is, and for one line of a terminal."""


class _Revoked(BaseModel):
    """One certificate.

    Args:
        serial: its serial number, hexadecimal.
        reason: why, for people.
        date: since when, for people; the entry counts from the moment that it is in the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    serial: str = Field(pattern=r"^[0-9A-Fa-f]{1,40}$")
    reason: str = Field(pattern=_REASON)
    date: datetime.date


class _RevokedFile(BaseModel):
    """The file's content.

    Args:
        format: version of this file format.
        revoked: one entry per certificate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    revoked: tuple[_Revoked, ...] = ()


class RevocationList:
    """A revocation list that follows its file. A file that cannot be used revokes everything, an absent one nothing.

    The file is read at every call, and parsed when its content has changed: no time stamp tells that as surely.

    Args:
        path: the file; need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._content: bytes | None = _NONE_REVOKED
        self._serials: frozenset[int] | None = frozenset()

    def refusal(self, serial: int) -> str:
        """Return why a certificate is refused, a sentence fit for its holder; empty if it is not refused."""
        with self._lock:
            self._refresh()
            if self._serials is None:
                return "No certificate can be checked for revocation."
            return "The certificate is revoked." if serial in self._serials else ""

    def _refresh(self) -> None:
        content = None
        try:
            content = _read(self._path)
            if content == self._content:
                return
            self._serials = _parse(content, self._path)
            structlog.get_logger().info("revocation list read", revoked=len(self._serials))
        except ConfigError as error:
            self._serials = None
            # Said once, not at every call.
            if content != self._content:
                structlog.get_logger().error("everybody is refused", problem=error.sentence)
        self._content = content


def revoked_serials(path: Path) -> frozenset[int]:
    """Return the serial numbers on a list; none if it is absent.

    Raises:
        ConfigError: the list is not valid or cannot be read.
    """
    return _parse(_read(path), path)


def revoke(path: Path, serial: int, reason: str, date: datetime.date) -> bool:
    """Add a serial number to a list, which is made if it is absent. Readers see the old list or the new one.

    Returns:
        Whether it was not on the list yet.

    Raises:
        UsageError: the reason is empty, too long, or not plain text.
        ConfigError: the list is not valid, or cannot be read or written.
    """
    if not re.fullmatch(_REASON, reason):
        raise UsageError("The reason is not one line of plain text.", "At most 200 characters, without quotes.")
    content = _read(path)
    if serial in _parse(content, path):
        return False
    content += f'\n[[revoked]]\nserial = "{serial:x}"\nreason = "{reason}"\ndate = {date}\n'.encode()
    _parse(content, path)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as cause:
        raise ConfigError(f"Cannot write {path}: {cause.strerror}.", "Check the folder and its owner.") from None
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as cause:
        # A folder that is gone, a volume for example, must not give revoked certificates their rights back.
        if not path.parent.is_dir():
            raise ConfigError(f"Cannot read {path}: {cause.strerror}.", "Check the folder.") from None
        return _NONE_REVOKED
    except OSError as cause:
        raise ConfigError(f"Cannot read {path}: {cause.strerror}.", "Check the path and the permissions.") from None


def _parse(content: bytes, path: Path) -> frozenset[int]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from None
    return frozenset(int(entry.serial, 16) for entry in parse_model(text, str(path), _RevokedFile).revoked)
