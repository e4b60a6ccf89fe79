"""Tasks for clusters, of a module's top level so that a worker process finds them by name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import CuckooFailure

SECRET = "999990019"


def total(rows: NDArray[np.uint8]) -> int:
    return int(rows.sum())


def fail_with_a_number(number: str) -> None:
    raise ValueError(f"row {number} is bad")


def fail_on_purpose() -> None:
    raise CuckooFailure("No cuckoo table exists.", "Start the run again.")


def die() -> None:
    os._exit(1)


def die_once(marker: Path) -> str:
    """Die the first time; the second worker finds the marker."""
    if not marker.exists():
        marker.touch()
        os._exit(1)
    return "done again"
