"""The calibration tables: numbers about the world, one per row, each with its source. None of them stands in Python."""

from __future__ import annotations

from dataclasses import dataclass, fields
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


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a calibration table.

    Args:
        body: party id, or ``nl`` for the country.
        quantity: what is counted or measured.
        value: in ``unit``.
        unit: such as ``persons`` or ``EUR``.
        year: for which it holds.
        source: where it stands, or why it is assumed.
        tag: ``S`` stated, ``D`` derived, ``A`` assumed.
    """

    body: str
    quantity: str
    value: float
    unit: str
    year: int
    source: str
    tag: str


@cache
def _rows(table: str) -> dict[tuple[str, str], Figure]:
    rows = pd.read_csv(calibration_file(f"{table}.csv"), dtype={"body": str, "quantity": str, "value": float})
    names = [field.name for field in fields(Figure)]
    return {(row[0], row[1]): Figure(*row) for row in rows[names].itertuples(index=False, name=None)}


def row(table: str, body: str, quantity: str) -> Figure:
    """Return one row of a calibration table, with its source.

    Args:
        table: name of a calibration table, without ``.csv``.
        body: party id, or ``nl`` for the country.
        quantity: what is counted or measured.

    Raises:
        InternalError: the table has no such row.
    """
    try:
        return _rows(table)[body, quantity]
    except KeyError:
        raise InternalError(
            f"Calibration table {table} has no {quantity} of {body}.", "Install psi-match anew."
        ) from None


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
    return row(table, body, quantity).value


def bodies_with(table: str, quantity: str) -> dict[str, float]:
    """Return the value of one quantity for everybody who has it, in the order of the table."""
    return {body: each.value for (body, name), each in _rows(table).items() if name == quantity}


def cents(table: str, body: str, quantity: str) -> int:
    """Return one figure that the table gives in euros, in whole cents."""
    return round(figure(table, body, quantity) * CENTS_PER_EURO)


def scaled(persons: int, table: str, body: str, quantity: str) -> int:
    """Return how many there are among ``persons`` residents of what a table counts for the whole country."""
    return round(persons * figure(table, body, quantity) / figure(RESIDENTS_TABLE, "nl", "residents"))
