"""The truth of a population: what nobody in the scenario has, and only a check of results may read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from psi_match.base.errors import DataError

TRUTH_NAME = "truth.parquet"


def read_truth(path: Path) -> pd.DataFrame:
    """Read a population's truth.

    Raises:
        DataError: the file is missing or not Parquet.
    """
    problem = f"Cannot read {path}."
    try:
        return pd.read_parquet(path)
    except OSError as cause:
        problem = f"Cannot read {path}: {cause.strerror or 'not a Parquet file'}."
    except ValueError:
        problem = f"{path} is not a Parquet file."
    raise DataError(problem, "Make a population with `psi-match population generate`.")
