"""Sizes as people write them: ``2^20``, ``2^14x2^22``, ``1000000``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from psi_match.base.errors import UsageError
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE

_NUMBER = r"2\^\d{1,2}|\d{1,9}"
_SIZE = re.compile(rf"({_NUMBER})(?:[x*]({_NUMBER}))?")


@dataclass(frozen=True, slots=True)
class Size:
    """Rows of the two parties of an intersection.

    Args:
        rows: of the leader.
        data_rows: of the data party.
    """

    rows: int
    data_rows: int

    @property
    def balanced(self) -> bool:
        """Whether both have as many."""
        return self.rows == self.data_rows

    def __str__(self) -> str:
        return f"{in_powers(self.rows)} x {in_powers(self.data_rows)}"


def in_powers(count: int) -> str:
    """Return a count as a power of two where it is one, else with thin groups."""
    if count >= 1 << 10 and count & (count - 1) == 0:
        return f"2^{count.bit_length() - 1}"
    return f"{count:,}".replace(",", " ")


def parse_sizes(texts: Iterable[str]) -> list[Size]:
    """Read sizes; one number is for both parties.

    Raises:
        UsageError: a text is no size, or a size is out of range.
    """
    return [_parse(text) for text in texts]


def parse_rows(texts: Iterable[str]) -> list[int]:
    """Read sizes that are the same for all parties.

    Raises:
        UsageError: a text is no size, is out of range, or has two parts.
    """
    sizes = parse_sizes(texts)
    if uneven := [size for size in sizes if not size.balanced]:
        raise UsageError(f"{uneven[0]} has two sizes; all parties here have the same.", "For example: --size 2^20")
    return [size.rows for size in sizes]


def _parse(text: str) -> Size:
    found = _SIZE.fullmatch(text.strip().lower())
    if not found:
        raise UsageError(f"{text!r} is no size.", "For example: --size 2^20, --size 2^14x2^22 or --size 1000000")
    rows = _count(found[1], text)
    return Size(rows, _count(found[2], text) if found[2] else rows)


def _count(text: str, whole: str) -> int:
    count = 1 << int(text[2:]) if text.startswith("2^") else int(text)
    if not 1 <= count <= LARGEST_PUBLIC_SIZE:
        raise UsageError(f"{whole!r} is out of range.", f"A party has 1 to {in_powers(LARGEST_PUBLIC_SIZE)} rows.")
    return count
