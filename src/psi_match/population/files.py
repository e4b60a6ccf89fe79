"""The files of a population: Arrow tables with fixed column types, and Parquet that only its owner may read."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from psi_match.domain.parties import BODIES

_CLAIM_TYPES = {"open_cents": pa.int64(), "oldest_claim_months": pa.int16(), "reminder_sent": pa.bool_()}


def truth_table(people: pd.DataFrame) -> pa.Table:
    """Return the truth: all people with all their arrears."""
    types = {"bsn": pa.string()}
    for body in BODIES:
        types[f"{body.id}_present"] = pa.bool_()
        types |= {f"{body.id}_{name}": kind for name, kind in _CLAIM_TYPES.items()}
    return pa.table({name: _column(people[name], kind) for name, kind in types.items()})


def body_table(people: pd.DataFrame, body: str, reference_date: datetime.date, rng: np.random.Generator) -> pa.Table:
    """Return what one body holds, in an order of its own: the order of rows must not link the bodies' files."""
    own = people[people[f"{body}_present"]]
    own = own.iloc[rng.permutation(len(own))]
    columns = {"bsn": _column(own["bsn"], pa.string())}
    columns |= {name: _column(own[f"{body}_{name}"], kind) for name, kind in _CLAIM_TYPES.items()}
    columns["peildatum"] = pa.repeat(pa.scalar(reference_date, pa.date32()), len(own))
    return pa.table(columns)


def _column(values: pd.Series, kind: pa.DataType) -> pa.Array:
    # By way of numpy: pandas' own text columns become another Arrow type with each major version of pandas.
    return pa.array(values.to_numpy(dtype=object if kind == pa.string() else None), kind)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a new file, mode 0600 from the start. Its bytes depend on the table and on pyarrow's version only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        pq.write_table(table, file)
