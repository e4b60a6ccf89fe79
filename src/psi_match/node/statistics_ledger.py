"""Which snapshots a node has already released statistics of: once each, over all scenarios together.

Exact cells, margins and pair counts of one snapshot determine each other. Two tables of one snapshot, each rounded and
suppressed on its own, would therefore tell more than either may. A node that brings data remembers, under a keyed hash,
of which snapshots counts were released, and refuses a second time.
"""

from __future__ import annotations

import hmac
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import PolicyRefusal
from psi_match.base.randomness import RandomSource

_KEY_NAME = "key"
_KEY_BYTES = 32


class StatisticsLedger:
    """The snapshots of a node of which statistics were released.

    Args:
        folder: made if missing, mode 0700.
        rng: draws the key of the hashes once; a bare hash of a small set could be reversed.
    """

    def __init__(self, folder: Path, rng: RandomSource) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            _write_once(folder / _KEY_NAME, rng.bytes(_KEY_BYTES))
        self._key = (folder / _KEY_NAME).read_bytes()

    def __repr__(self) -> str:
        return "StatisticsLedger()"

    def snapshot(self, dataset: str, numbers: NDArray[np.uint32], reference_date: str) -> str:
        """Return the name of a snapshot: the same rows of the same date have the same name, and tell nothing by it."""
        content = np.sort(numbers).astype("<u4").tobytes()
        label = f"{dataset}/{reference_date}/".encode()
        return hmac.new(self._key, label + content, "sha256").hexdigest()

    def check(self, snapshot: str) -> None:
        """Refuse a snapshot of which statistics were released.

        Raises:
            PolicyRefusal: they were.
        """
        if (self._folder / snapshot).exists():
            raise _released()

    def mark(self, snapshot: str, scenario: str) -> None:
        """Write down that statistics of a snapshot are about to be released.

        Raises:
            PolicyRefusal: they were released before, or by another run at the same time.
        """
        try:
            _write_once(self._folder / snapshot, scenario.encode())
        except FileExistsError:
            raise _released() from None


def _released() -> PolicyRefusal:
    return PolicyRefusal(
        "Statistics of this snapshot were released before, and a second table could betray the first.",
        "Use the next extract of the data.",
    )


def _write_once(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
