"""Small tables in PostgreSQL as bodies have them, and a look at what a refusal tells of them."""

# ruff: noqa: S608 - the values are made here
from __future__ import annotations

import datetime
import traceback

import pytest

from psi_match.base.errors import DataError
from psi_match.domain.bsn import format_bsn
from psi_match.domain.dataset import DatasetSpec
from psi_match.node.sources import SqlSource, load
from support.postgres import SECRET, Server
from support.sets import numbers

DAY = datetime.date(2026, 1, 31)
NUMBERS = numbers(6)
A, B, C, D, E, F = format_bsn(NUMBERS).tolist()


def spec(**columns: str) -> DatasetSpec:
    given = [{"name": name, "type": kind} for name, kind in columns.items()]
    return DatasetSpec.model_validate({"name": "arrears", "bsn": "synthetic", "reference_date": DAY, "columns": given})


def refused(source: SqlSource, declared: DatasetSpec | None = None) -> str:
    """Load what must be refused; return the sentence after a look for planted values in all that can be shown."""
    with pytest.raises(DataError) as raised:
        load(declared or spec(), source)
    error = raised.value
    assert error.__context__ is None, "a library's error travels along"
    assert error.__cause__ is None
    shown = "".join([str(error), repr(error), error.hint, *traceback.format_exception(error)])
    assert not [value for value in (A, B, C, D, E, F, SECRET) if value in shown]
    assert error.hint
    return str(error)


def table(server: Server, columns: str, *rows: str, database: str = "cjib") -> SqlSource:
    """Make a table as a body has it; return how its node reads it."""
    values = f"INSERT INTO rows VALUES {', '.join(rows)}" if rows else ""
    server.owner(database, f"CREATE TABLE rows ({columns}); {values}")
    return server.source(f"{database}_reader", table="rows")
