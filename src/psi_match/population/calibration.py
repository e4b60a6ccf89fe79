"""The calibration tables: numbers about the world, one per row, each with its source. None of them stands in Python."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

_PACKAGED = Path(__file__).parent / "calibration_tables"
_CHECKOUT = Path(__file__).parents[3] / "synthetic_data"


def table_path(name: str) -> Path:
    """Return where a calibration table is: in the wheel, else in the checkout."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    return folder / f"{name}.csv"


@cache
def _values(name: str) -> dict[tuple[str, str], float]:
    table = pd.read_csv(table_path(name), dtype={"body": str, "quantity": str, "value": float})
    return dict(zip(zip(table["body"], table["quantity"], strict=True), table["value"], strict=True))


def figure(table: str, body: str, quantity: str) -> float:
    """Return one figure.

    Raises:
        KeyError: the table has no such row.
    """
    return _values(table)[body, quantity]
