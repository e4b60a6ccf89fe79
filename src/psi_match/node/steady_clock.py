"""A clock that never goes back, also over restarts: what is counted or has ended by it stays so.

Whoever sets the machine's clock back gets neither an expired agreement nor used-up runs back. A clock that was set
forward by mistake holds the node at that moment until it is reached; the file ``clock`` in the state folder says so.
"""

from __future__ import annotations

import datetime
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from psi_match.base.errors import ConfigError

_WRITE_EVERY = datetime.timedelta(seconds=30)


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class SteadyClock:
    """The node's clock.

    Args:
        path: where the latest moment is kept.
        system: the machine's clock.

    Raises:
        ConfigError: the file is there and cannot be read.
    """

    def __init__(self, path: Path, system: Callable[[], datetime.datetime] = _utc_now) -> None:
        self._path = path
        self._system = system
        self._lock = threading.Lock()
        self._latest = self._written = self._read()

    def now(self) -> datetime.datetime:
        """Return the moment, UTC; never earlier than one that was returned before.

        Raises:
            ConfigError: it cannot be written down.
        """
        with self._lock:
            self._latest = max(self._latest, self._system())
            if self._latest - self._written >= _WRITE_EVERY:
                self._write()
            return self._latest

    def today(self) -> datetime.date:
        """Return the day, UTC."""
        return self.now().date()

    def _read(self) -> datetime.datetime:
        moment = None
        try:
            moment = datetime.datetime.fromisoformat(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return datetime.datetime.min.replace(tzinfo=datetime.UTC)
        except (OSError, ValueError):
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ConfigError(f"Cannot read {self._path}.", "It holds the latest moment that the node has seen.")
        return moment

    def _write(self) -> None:
        # A name of its own: a purge by hand writes beside a running node.
        part = self._path.with_name(f".clock.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(self._latest.isoformat())
                file.flush()
                os.fsync(descriptor)
            part.rename(self._path)
        except OSError as cause:
            part.unlink(missing_ok=True)
            raise ConfigError(
                f"Cannot write {self._path}: {cause.strerror}.", "Check state_dir and its disk."
            ) from None
        self._written = self._latest
