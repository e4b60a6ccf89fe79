"""The calibration tables: numbers about the world, one per row, each with its source. None of them stands in Python."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from psi_match.base.errors import InternalError

CENTS_PER_EURO = 100
RESIDENTS_TABLE = "arrears_marginals"
"""The table that says how many residents the country has."""
_PACKAGED = Path(__file__).parent / "calibration_tables"
_CHECKOUT = Path(__file__).parents[3] / "synthetic_data"


def calibration_file(name: str) -> Path:
    """Return where a calibration table is: in the installed package, else at the root of the checkout.

    Args:
        name: file name, such as ``arrears_marginals.csv``.

    Returns:
        A file that exists.

    Raises:
        InternalError: it is in neither place.
    """
    for folder in (_PACKAGED, _CHECKOUT):
        if (folder / name).is_file():
            return folder / name
    raise InternalError(f"Calibration table {name} is missing.", "Install psi-match anew.")


@cache
def _values(table: str) -> dict[tuple[str, str], float]:
    rows = pd.read_csv(calibration_file(f"{table}.csv"), dtype={"body": str, "quantity": str, "value": float})
    return dict(zip(zip(rows["body"], rows["quantity"], strict=True), rows["value"], strict=True))


def figure(table: str, body: str, quantity: str) -> float:
    """Return one figure.

    Args:
        table: name of a calibration table, without ``.csv``.
        body: party id, or ``nl`` for the country.
        quantity: what is counted or measured; its unit stands in the table.

    Returns:
        The value.

    Raises:
        InternalError: the table has no such row.
    """
    try:
        return _values(table)[body, quantity]
    except KeyError:
        raise InternalError(
            f"Calibration table {table} has no {quantity} of {body}.", "Install psi-match anew."
        ) from None


def cents(table: str, body: str, quantity: str) -> int:
    """Return one figure that the table gives in euros, in whole cents."""
    return round(figure(table, body, quantity) * CENTS_PER_EURO)


def scaled(persons: int, table: str, body: str, quantity: str) -> int:
    """Return how many there are among ``persons`` residents of what a table counts for the whole country."""
    return round(persons * figure(table, body, quantity) / figure(RESIDENTS_TABLE, "nl", "residents"))
