"""The truth of a population: what nobody in the scenario has, and only a check of results may read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from psi_match.base.errors import DataError
from psi_match.domain.parties import BODIES

TRUTH_NAME = "truth.parquet"


def read_truth(path: Path) -> pd.DataFrame:
    """Read a population's truth.

    Args:
        path: its ``truth.parquet``.

    Returns:
        One row per person in arrears at one body or more: ``bsn`` and, per body, ``BODY_present``,
        ``BODY_open_cents``, ``BODY_oldest_claim_months`` and ``BODY_reminder_sent`` (zero and False where absent).

    Raises:
        DataError: the file is missing, not Parquet, or not a truth.
    """
    problem = f"{path} is not the truth of a population."
    try:
        truth = pd.read_parquet(path)
        if {"bsn", *(f"{body.id}_present" for body in BODIES)} <= set(truth.columns):
            return truth
    except OSError as cause:
        problem = f"Cannot read {path}: {cause.strerror or 'not a Parquet file'}."
    except ValueError:
        problem = f"{path} is not a Parquet file."
    raise DataError(problem, "Make a population with `psi-match population generate`.")
