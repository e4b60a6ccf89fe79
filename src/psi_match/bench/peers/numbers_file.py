"""Files of numbers as other programs write them, beside those that are expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
from numpy.typing import NDArray

from psi_match.bench.inputs import CSV_COLUMN, as_text


def read_numbers(path: Path) -> NDArray[np.str_]:
    """Read a CSV file of numbers as sorted text, as ``expected`` has it."""
    options = pc.ConvertOptions(column_types={CSV_COLUMN: pa.string()})
    return as_text(pc.read_csv(path, convert_options=options)[CSV_COLUMN].to_numpy())


def numbers_wrong(path: Path, expected: NDArray[np.str_]) -> str:
    """Return what is wrong with an answer, in counts; empty: nothing."""
    found = read_numbers(path)
    if np.array_equal(found, expected):
        return ""
    missing, extra = len(np.setdiff1d(expected, found)), len(np.setdiff1d(found, expected))
    return f"of {len(expected)} numbers {missing} are missing, and it has {len(found)}, {extra} of them others"
