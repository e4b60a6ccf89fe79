"""Write a population: one folder per body with what that body would hold, and the truth apart."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from psi_match.base.errors import UsageError
from psi_match.domain.parties import BODIES
from psi_match.population.arrears import draw_arrears
from psi_match.population.files import body_table, truth_table, write_parquet
from psi_match.population.numbers import AVAILABLE
from psi_match.population.streams import stream
from psi_match.population.truth import TRUTH_NAME

ARREARS_NAME = "arrears.parquet"
SUMMARY_NAME = "population.json"
GENERATOR_VERSION = 1
"""Goes up whenever the same seed gives other tables: other code, or other figures in the calibration tables."""
MAX_PERSONS = AVAILABLE // 4
"""More residents than the country has, and few enough that free numbers are found quickly for all of them."""


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
        generator: version of the generator.
    """

    persons: int
    seed: int
    reference_date: str
    rows: dict[str, int]
    anywhere: int
    several: int
    generator: int = GENERATOR_VERSION

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def generate(persons: int, seed: int, out: Path, reference_date: datetime.date) -> Summary:
    """Draw a population and write it.

    Args:
        persons: residents of the Netherlands.
        seed: equal seeds, sizes and dates give equal bytes, under equal versions of numpy and pyarrow.
        out: new or empty folder; receives ``BODY/arrears.parquet``, ``truth.parquet`` and ``population.json``.
        reference_date: date of all tables.

    Returns:
        What was written.

    Raises:
        UsageError: a number is out of range, or the folder is not empty or cannot be written.
    """
    if not 0 <= persons <= MAX_PERSONS:
        raise UsageError(f"A population has 0 to {MAX_PERSONS} persons.", "Choose another --persons.")
    if seed < 0:
        raise UsageError("A seed is not negative.", "Choose another --seed.")
    try:
        # Before the draw: who named a wrong folder should not wait for it.
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise UsageError(f"{out} is not an empty folder.", "Choose a new folder for --out.")
        people = draw_arrears(persons, seed)
        summary = _summary(people, persons, seed, reference_date)
        _write(people, summary, seed, reference_date, out)
    except FileExistsError:
        raise UsageError(f"{out} is not a folder.", "Choose a new folder for --out.") from None
    except OSError as cause:
        raise UsageError(
            f"Cannot write in {out}: {cause.strerror or 'refused'}.", "Check the folder's owner and space."
        ) from None
    return summary


def _summary(people: pd.DataFrame, persons: int, seed: int, reference_date: datetime.date) -> Summary:
    present = people[[f"{body.id}_present" for body in BODIES]].to_numpy()
    return Summary(
        persons=persons,
        seed=seed,
        reference_date=reference_date.isoformat(),
        rows={body.id: int(people[f"{body.id}_present"].sum()) for body in BODIES},
        anywhere=len(people),
        several=int((present.sum(axis=1) >= 2).sum()),
    )


def _write(people: pd.DataFrame, summary: Summary, seed: int, reference_date: datetime.date, out: Path) -> None:
    for body in BODIES:
        (out / body.id).mkdir(mode=0o700)
        table = body_table(people, body.id, reference_date, stream(seed, f"order/{body.id}"))
        write_parquet(table, out / body.id / ARREARS_NAME)
    write_parquet(truth_table(people), out / TRUTH_NAME)
    (out / SUMMARY_NAME).write_text(json.dumps(summary.as_dict(), indent=2, sort_keys=True) + "\n")
