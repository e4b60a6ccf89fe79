"""Which nine-digit numbers an attack tries."""

from __future__ import annotations

from enum import StrEnum


class Space(StrEnum):
    """A set of numbers that fits into a minute."""

    SYNTHETIC = "synthetic"
    """Remainder 1 in the 11-proef, 90,909,090 numbers: nobody's BSN."""

    REAL = "real"
    """Numbers that pass the 11-proef, 90,909,091: every BSN, and the published test numbers."""
