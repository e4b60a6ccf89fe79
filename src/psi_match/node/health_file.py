"""A file that is fresh as long as the node serves: a health probe then needs no program but a shell.

The node asks its own listener over mTLS, as a peer would, and touches the file when it answers. So the file tells of
the whole way in - listener, certificates, threads - and it goes stale when the process hangs: nobody touches it then.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from psi_match.base.errors import ConfigError, PsiMatchError
from psi_match.node.certificates import Credentials
from psi_match.node.health_client import is_serving

_EVERY_S = 3.0
_ITSELF = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104


class HealthFile:
    """A thread that keeps the file fresh, and removes it when the node does not serve or is stopped.

    Args:
        path: the file. One that is left of an earlier node is removed at once.
        credentials: gives the node's own credentials, as they are now.
        every_s: seconds between two checks.

    Raises:
        ConfigError: the file cannot be removed or made there.
    """

    def __init__(self, path: Path, credentials: Callable[[], Credentials], every_s: float | None = None) -> None:
        self._path = path
        self._address = ""
        self._credentials = credentials
        self._every_s = _EVERY_S if every_s is None else every_s
        self._healthy: bool | None = None
        self._stopped = threading.Event()
        try:
            touch(path)
            path.unlink()
        except OSError as cause:
            raise ConfigError(
                f"The health file {path} cannot be written: {os.strerror(cause.errno or 0)}.",
                "Point health_file at a folder that the node may write to.",
            ) from None
        self._thread = threading.Thread(target=self._work, name="health-file", daemon=True)

    def start(self, address: str) -> None:
        """Start the thread: the node serves from now on.

        Args:
            address: where it listens.
        """
        self._address = own_address(address)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and remove the file."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._path.unlink(missing_ok=True)

    def _work(self) -> None:
        while True:
            self._check()
            if self._stopped.wait(self._every_s):
                return

    def _check(self) -> None:
        try:
            healthy = is_serving(self._address, self._credentials())
        except PsiMatchError:
            # Keys that are being replaced, or are gone: peers cannot reach the node either.
            healthy = False
        try:
            if healthy:
                touch(self._path)
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            structlog.get_logger().error("health file not written", error=type(error).__name__)
        if healthy != self._healthy and not (healthy and self._healthy is None):
            structlog.get_logger().warning("health", serving=healthy)
        self._healthy = healthy


def own_address(listen: str) -> str:
    """Return where a node reaches itself, from where it listens."""
    host, _, port = listen.rpartition(":")
    return f"{_ITSELF.get(host, host)}:{port}"


def touch(path: Path) -> None:
    """Make a file, or set its time to now; never through a link that somebody put there.

    Raises:
        OSError: that is not possible.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        os.utime(descriptor)
    finally:
        os.close(descriptor)
