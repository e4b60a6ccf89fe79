"""Which rows of a dataset were rejected and why: counts and row numbers, never a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SHOWN_ROWS = 20


class Problem(StrEnum):
    """What can be wrong with the BSN of a row; ``bad_cell`` is the problem of any other cell."""

    EMPTY_BSN = "the BSN is empty"
    NOT_DIGITS = "the BSN holds something else than digits"
    WRONG_LENGTH = "the BSN has not eight or nine digits"
    ALL_ZEROS = "the BSN is all zeros, so not of the declared kind"
    OTHER_KIND = "the BSN is not of the declared kind"
    DUPLICATE = "the BSN stands in an earlier row"


def bad_cell(column: str) -> str:
    """Return the problem of a cell that does not fit its column's type; ``column`` is the name in the source."""
    return f"column {column} does not fit its type"


@dataclass(slots=True)
class RejectReport:
    """Problems of a dataset's rows. Row 1 is the first row after the header; blank lines do not count.

    Args:
        counts: rows per problem; a row counts once, for its first problem.
        rows: the first row numbers per problem.
        shown: how many row numbers are kept per problem.
    """

    counts: dict[str, int] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)
    shown: int = SHOWN_ROWS

    @property
    def total(self) -> int:
        """Rejected rows."""
        return sum(self.counts.values())

    def add(self, problem: str, row_numbers: NDArray[np.int64]) -> None:
        """Count rows with a problem; row numbers ascend, within a call and from call to call."""
        if not len(row_numbers):
            return
        self.counts[problem] = self.counts.get(problem, 0) + len(row_numbers)
        shown = self.rows.setdefault(problem, [])
        shown.extend(int(row) for row in row_numbers[: self.shown - len(shown)])

    def render(self) -> str:
        """Return one clause per problem: what, in which rows first, and in how many more."""
        clauses = []
        for problem, count in self.counts.items():
            shown = self.rows[problem]
            more = f" and {count - len(shown)} more" if count > len(shown) else ""
            word = "row" if count == 1 else "rows"
            clauses.append(f"{problem} in {word} {', '.join(map(str, shown))}{more}")
        return "; ".join(clauses)
