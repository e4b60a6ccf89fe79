"""One node per state folder: two would count runs apart from each other."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from psi_match.base.errors import ConfigError


class StateLock:
    """Holds a state folder until it is released, or the process ends.

    Args:
        folder: the state folder.

    Raises:
        ConfigError: another node holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        held = True
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = False
        except OSError:
            os.close(self._descriptor)
        if held:
            raise ConfigError(f"Another node uses {folder}.", "Give each node a state_dir of its own.")

    def release(self) -> None:
        """Let go of the folder; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
