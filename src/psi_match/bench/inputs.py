"""The files that contenders of a bench start from, and the answer that each of them must give.

All contenders of a row read the same files. A CSV file has the header ``bsn`` and one number of nine digits a line, in
no particular order, each once: the form that the PSI programs compared with read without further settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CSV_COLUMN = "bsn"
"""The header of the CSV files, and their only column."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PsiInputs:
    """A two-party intersection: the leader learns which of its numbers the data party has too.

    Args:
        leader_csv: the leader's numbers.
        data_csv: the data party's numbers.
        expected: the intersection as text, sorted.
        rows: rows of the leader.
        data_rows: rows of the data party.
    """

    leader_csv: Path
    data_csv: Path
    expected: NDArray[np.str_]
    rows: int
    data_rows: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PredicateInputs:
    """A comparison on secret columns: ``a + b < bound`` in every row.

    Args:
        a: ``.npy`` of uint64 below 2^62, known to the first party only.
        b: the same, known to the second party only.
        bound: the same, known to the first party only.
        expected: ``.npy`` of bool, the answer per row.
        rows: length of each.
    """

    a: Path
    b: Path
    bound: Path
    expected: Path
    rows: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class QuorumInputs:
    """People whom at least ``threshold`` of several parties have.

    Args:
        csv: per party its numbers; the first party learns the answer where a program has one receiver.
        threshold: how many parties must have a number.
        expected: the numbers in the answer as text, sorted.
        rows: rows of each party.
    """

    csv: Mapping[str, Path]
    threshold: int
    expected: NDArray[np.str_]
    rows: int


Inputs = PsiInputs | PredicateInputs | QuorumInputs


def as_text(numbers: Any) -> NDArray[np.str_]:  # noqa: ANN401 - whatever a column or a list of text is
    """Return numbers as sorted text: the form of ``expected``."""
    return np.sort(np.asarray(numbers, dtype=str))
