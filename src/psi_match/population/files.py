"""The files of a population: Arrow tables with fixed column types, and Parquet that only its owner may read."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from psi_match.domain.bsn import DIGITS, digits
from psi_match.population.claims import INSTALMENT_BODIES
from psi_match.population.households import NOBODY
from psi_match.population.means import MEANS, PREFIX
from psi_match.population.membership import ARREARS_BODIES
from psi_match.population.municipalities import MUNICIPALITIES
from psi_match.population.people import People
from psi_match.population.truth import CLIENTS_TRUTH, DEBT_HELP_TRUTH, HOUSEHOLDS_TRUTH, OPT_OUTS_TRUTH, TRUTH_NAME

ARREARS_NAME = "arrears.parquet"
HOUSEHOLDS_NAME = "aow_households.parquet"
INCOME_NAME = "income.parquet"
MEANS_NAME = "means.parquet"
CLIENTS_NAME = "clients.parquet"
DEBT_HELP_NAME = "debt_help.parquet"
OPT_OUTS_NAME = "opt_outs.parquet"

_CHUNK_ROWS = 1 << 18

_CLAIM_TYPES = {"open_cents": pa.int64(), "oldest_claim_months": pa.int16(), "reminder_sent": pa.bool_()}
_HOUSEHOLD_TYPES = {
    "aow_cents": pa.int64(),
    "has_partner": pa.bool_(),
    "lives_in_nl": pa.bool_(),
    "receives_aio": pa.bool_(),
    "candidate": pa.bool_(),
}
_TRUTH_OF_HOUSEHOLDS = _HOUSEHOLD_TYPES | {
    **dict.fromkeys(("person_incomplete", "partner_incomplete", "partner_young", "entitled"), pa.bool_()),
    **{f"{who}{column}": pa.int64() for columns in MEANS.values() for column in columns for who in PREFIX.values()},
}
_CLIENT_TYPES = {"household_type": pa.int16(), "income_cents": pa.int64()}


Maker = Callable[[People], pa.Table]
"""Makes one table of a population."""


def party_files(party: str) -> dict[str, Maker]:
    """Return what one party holds: the name of each file, and how its table is made, in the order of the draw."""
    makers: dict[str, Maker] = {}
    if party in ARREARS_BODIES:
        makers[ARREARS_NAME] = lambda people: _arrears(people, party)
    if party == "svb":
        makers[HOUSEHOLDS_NAME] = lambda people: _households(people, _HOUSEHOLD_TYPES)
    if party in MEANS:
        makers[INCOME_NAME if party == "uwv" else MEANS_NAME] = lambda people: _means(people, MEANS[party])
    if party == "uwv":
        makers[CLIENTS_NAME] = _clients
    if party in MUNICIPALITIES:
        makers[DEBT_HELP_NAME] = lambda people: _numbers(people, people.debt_help[party])
    makers[OPT_OUTS_NAME] = lambda people: _numbers(people, people.opt_outs[party])
    return makers


def _truth(people: People) -> pa.Table:
    types = {"municipality": pa.int16(), "age_group": pa.int8(), "household_type": pa.int8()}
    for body in ARREARS_BODIES:
        types[f"{body}_present"] = pa.bool_()
        types |= {f"{body}_{name}": kind for name, kind in _CLAIM_TYPES.items()}
        if body in INSTALMENT_BODIES:
            types[f"{body}_instalment_cents"] = pa.int64()
    numbers = people.numbers[people.arrears["person"]]
    return pa.table({"bsn": bsn_column(numbers)} | _columns(people.arrears, types))


def _numbers(people: People, indices: NDArray[np.int32]) -> pa.Table:
    return pa.table({"bsn": bsn_column(people.numbers[indices])})


def shuffled(table: pa.Table, reference_date: datetime.date, rng: np.random.Generator) -> pa.Table:
    """Return a party's table with its date, in an order of its own: the order of rows must not link the files."""
    table = table.take(pa.array(rng.permutation(len(table))))
    return table.append_column("peildatum", pa.repeat(pa.scalar(reference_date, pa.date32()), len(table)))


def bsn_column(numbers: NDArray[np.uint32], there: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return numbers as text of nine digits; null where ``there`` is false."""
    # The digits of all numbers in a row are just what Arrow holds of such texts; a text each would cost ten times more.
    offsets = np.arange(0, DIGITS * (len(numbers) + 1), DIGITS, dtype=np.int32)
    bits = None
    if there is not None:
        bits = pa.py_buffer(np.packbits(there, bitorder="little").tobytes())
        numbers = np.where(there, numbers, np.uint32(0))
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(digits(numbers)), bits)


def _arrears(people: People, body: str) -> pa.Table:
    own = people.arrears[people.arrears[f"{body}_present"]]
    columns = {"bsn": bsn_column(people.numbers[own["person"]])}
    columns |= {name: pa.array(own[f"{body}_{name}"].to_numpy(), kind) for name, kind in _CLAIM_TYPES.items()}
    if body in INSTALMENT_BODIES:
        columns["instalment_cents"] = pa.array(own[f"{body}_instalment_cents"].to_numpy(), pa.int64())
        columns["municipality"] = pa.array(own["municipality"].to_numpy(), pa.int16())
    return pa.table(columns)


def _households(people: People, types: Mapping[str, pa.DataType]) -> pa.Table:
    partner = people.households["partner"].to_numpy()
    columns = {
        "bsn": bsn_column(people.numbers[people.households["person"]]),
        "partner_bsn": bsn_column(people.numbers[partner], partner != NOBODY),
    }
    return pa.table(columns | _columns(people.households, types))


def _means(people: People, columns: tuple[str, ...]) -> pa.Table:
    """Return one row per person in a household with AOW of whom anything is known."""
    parts = []
    for who, prefix in PREFIX.items():
        values = people.households[[f"{prefix}{column}" for column in columns]].to_numpy()
        known = (values > 0).any(axis=1)
        numbers = people.numbers[people.households[who].to_numpy()[known]]
        amounts = {column: pa.array(values[known, place]) for place, column in enumerate(columns)}
        parts.append(pa.table({"bsn": bsn_column(numbers)} | amounts))
    return pa.concat_tables(parts)


def _clients(people: People) -> pa.Table:
    numbers = people.numbers[people.clients["person"]]
    return pa.table({"bsn": bsn_column(numbers)} | _columns(people.clients, _CLIENT_TYPES))


def _per_party(numbers: NDArray[np.uint32], members: Mapping[str, NDArray[np.int32]]) -> pa.Table:
    parties = [party for party, indices in members.items() for _ in range(len(indices))]
    indices = np.concatenate(list(members.values()))
    return pa.table({"party": pa.array(parties, pa.string()), "bsn": bsn_column(numbers[indices])})


def _columns(frame: pd.DataFrame, types: Mapping[str, pa.DataType]) -> dict[str, pa.Array]:
    return {name: pa.array(frame[name].to_numpy(), kind) for name, kind in types.items()}


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a new file, chunk by chunk, mode 0600 from the start.

    Its bytes depend on the table and on pyarrow's version only.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        pq.write_table(table, file, row_group_size=_CHUNK_ROWS)


TRUTH_FILES: dict[str, Maker] = {
    TRUTH_NAME: _truth,
    HOUSEHOLDS_TRUTH: lambda people: _households(people, _TRUTH_OF_HOUSEHOLDS),
    CLIENTS_TRUTH: _clients,
    DEBT_HELP_TRUTH: lambda people: _per_party(people.numbers, people.debt_help),
    OPT_OUTS_TRUTH: lambda people: _per_party(people.numbers, people.opt_outs),
}
"""The truth: what a check of results needs, and nobody in a scenario has."""
