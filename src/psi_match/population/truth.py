"""The truth of a population: what nobody in a scenario has, and only a check of results may read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from psi_match.base.errors import DataError
from psi_match.population.membership import ARREARS_BODIES

TRUTH_NAME = "truth.parquet"
HOUSEHOLDS_TRUTH = "truth_households.parquet"
CLIENTS_TRUTH = "truth_clients.parquet"
DEBT_HELP_TRUTH = "truth_debt_help.parquet"
OPT_OUTS_TRUTH = "truth_opt_outs.parquet"


@dataclass(frozen=True, slots=True, repr=False)
class Truth:
    """The whole truth.

    Args:
        people: everyone in arrears; see ``read_truth``.
        households: one row per household with AOW: ``bsn``, ``partner_bsn`` (missing if there is none), the columns of
            SVB's ``aow_households.parquet``, ``entitled``, and of both what UWV and Belastingdienst know:
            ``income_cents``, ``other_income_cents``, ``assets_cents``, the same with ``partner_`` before it.
        clients: clients of UWV: ``bsn``, ``household_type``, ``income_cents``.
        debt_help: ``party`` and ``bsn``: whom the debt help of a municipality knows.
        opt_outs: ``party`` and ``bsn``: who asked which party to be left out.
    """

    people: pd.DataFrame
    households: pd.DataFrame
    clients: pd.DataFrame
    debt_help: pd.DataFrame
    opt_outs: pd.DataFrame

    def __repr__(self) -> str:
        return f"Truth({len(self.people)} people in arrears, {len(self.households)} households)"


def read_truth(path: Path) -> pd.DataFrame:
    """Read the truth about arrears.

    Args:
        path: a population's ``truth.parquet``.

    Returns:
        One row per person in arrears at one body or more: ``bsn``, ``municipality``, ``age_group``, ``household_type``
        and, per body, DUO included, ``BODY_present``, ``BODY_open_cents``, ``BODY_oldest_claim_months``,
        ``BODY_reminder_sent`` and, at cjib, belastingdienst, toeslagen and cak, ``BODY_instalment_cents`` (zero and
        False where absent).

    Raises:
        DataError: the file is missing, not Parquet, or not a truth.
    """
    return _read(path, {"bsn", *(f"{body}_present" for body in ARREARS_BODIES)})


def read_whole_truth(folder: Path) -> Truth:
    """Read everything that is true of a population.

    Args:
        folder: the population's.

    Raises:
        DataError: a file is missing, not Parquet, or not a truth.
    """
    return Truth(
        people=read_truth(folder / TRUTH_NAME),
        households=_read(folder / HOUSEHOLDS_TRUTH, {"bsn", "partner_bsn", "entitled"}),
        clients=_read(folder / CLIENTS_TRUTH, {"bsn", "household_type"}),
        debt_help=_read(folder / DEBT_HELP_TRUTH, {"party", "bsn"}),
        opt_outs=_read(folder / OPT_OUTS_TRUTH, {"party", "bsn"}),
    )


def _read(path: Path, columns: set[str]) -> pd.DataFrame:
    problem = f"{path} is not the truth of a population."
    try:
        truth = pd.read_parquet(path)
        if columns <= set(truth.columns):
            return truth
    except FileNotFoundError:
        problem = f"Cannot read {path}: no such file."
    except OSError as cause:
        problem = f"Cannot read {path}: {cause.strerror or 'not a Parquet file'}."
    except ValueError:
        problem = f"{path} is not a Parquet file."
    raise DataError(problem, "Make a population with `psi-match population generate`.")
