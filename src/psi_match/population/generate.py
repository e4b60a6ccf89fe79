"""Write a population: one folder per body with what that body would hold, and the truth apart."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from psi_match.base.errors import UsageError
from psi_match.domain.parties import BODIES
from psi_match.population.arrears import draw_arrears
from psi_match.population.numbers import AVAILABLE
from psi_match.population.truth import TRUTH_NAME

ARREARS_NAME = "arrears.parquet"
SUMMARY_NAME = "population.json"
MAX_PERSONS = AVAILABLE // 4
_SHUFFLE_SEED_OFFSET = 0x5A5A


@dataclass(frozen=True, slots=True)
class Summary:
    """What a population holds: counts only.

    Args:
        persons: residents.
        seed: of the draw.
        reference_date: date of all tables.
        rows: people in arrears per body.
        anywhere: people in arrears at one body or more.
        several: at two bodies or more.
    """

    persons: int
    seed: int
    reference_date: str
    rows: dict[str, int]
    anywhere: int
    several: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def generate(persons: int, seed: int, out: Path, reference_date: datetime.date) -> Summary:
    """Draw a population and write it.

    Args:
        persons: residents of the Netherlands.
        seed: equal seeds, sizes and dates give equal bytes.
        out: new or empty folder; receives ``BODY/arrears.parquet``, ``truth.parquet`` and ``population.json``.
        reference_date: date of all tables.

    Raises:
        UsageError: a number is out of range, or the folder is not empty or cannot be written.
    """
    if not 0 <= persons <= MAX_PERSONS:
        raise UsageError(f"A population has 0 to {MAX_PERSONS} persons.", "Choose another --persons.")
    if seed < 0:
        raise UsageError("A seed is not negative.", "Choose another --seed.")
    if out.exists() and not _is_free(out):
        raise UsageError(f"{out} is not an empty folder.", "Choose a new folder for --out.")
    people = draw_arrears(persons, seed)
    present = people[[f"{body.id}_present" for body in BODIES]].to_numpy()
    summary = Summary(
        persons=persons,
        seed=seed,
        reference_date=reference_date.isoformat(),
        rows={body.id: int(people[f"{body.id}_present"].sum()) for body in BODIES},
        anywhere=len(people),
        several=int((present.sum(axis=1) >= 2).sum()),
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        for index, body in enumerate(BODIES):
            folder = out / body.id
            folder.mkdir(mode=0o700, exist_ok=True)
            rng = np.random.default_rng([seed, _SHUFFLE_SEED_OFFSET, index])
            _write(_body_table(people, body.id, reference_date, rng), folder / ARREARS_NAME)
        _write(pa.Table.from_pandas(people, preserve_index=False), out / TRUTH_NAME)
        (out / SUMMARY_NAME).write_text(json.dumps(summary.as_dict(), indent=2, sort_keys=True) + "\n")
    except OSError as cause:
        raise UsageError(f"Cannot write in {out}: {cause.strerror}.", "Check the folder's owner and space.") from None
    return summary


def _is_free(folder: Path) -> bool:
    """Tell whether a folder holds nothing but empty folders: those may be mount points of the bodies' volumes."""
    return folder.is_dir() and all(entry.is_dir() and not any(entry.iterdir()) for entry in folder.iterdir())


def _body_table(people: pd.DataFrame, body: str, reference_date: datetime.date, rng: np.random.Generator) -> pa.Table:
    """Return what one body holds, in an order of its own: the order of rows must not link the bodies' files."""
    own = people[people[f"{body}_present"]].iloc[:, :]
    own = own.iloc[rng.permutation(len(own))]
    return pa.table(
        {
            "bsn": pa.array(own["bsn"].to_numpy(dtype=object), pa.string()),
            "open_cents": pa.array(own[f"{body}_open_cents"].to_numpy(), pa.int64()),
            "oldest_claim_months": pa.array(own[f"{body}_oldest_claim_months"].to_numpy(), pa.int16()),
            "reminder_sent": pa.array(own[f"{body}_reminder_sent"].to_numpy(), pa.bool_()),
            "peildatum": pa.array([reference_date] * len(own), pa.date32()),
        }
    )


def _write(table: pa.Table, path: Path) -> None:
    # Without pandas metadata, which would carry version numbers into the bytes.
    pq.write_table(table.replace_schema_metadata(None), path)
    path.chmod(0o600)
