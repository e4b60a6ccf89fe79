"""Write a population: one folder per body with what that body would hold, and the truth apart.

It is nobody's data. No real record was read: all that goes in are published totals, assumptions that say so, and a
seed. No number in it can be a BSN, since all fail the 11-proef on purpose; which number stands for whom is chance.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from psi_match.base.errors import UsageError
from psi_match.population.choices import Choices
from psi_match.population.files import TRUTH_FILES, party_files, shuffled, write_parquet
from psi_match.population.membership import ARREARS_BODIES, DUO
from psi_match.population.numbers import AVAILABLE
from psi_match.population.people import DRAW_STEPS, PARTIES, People, draw_people
from psi_match.population.streams import stream

SUMMARY_NAME = "population.json"
GENERATOR_VERSION = 3
"""Goes up whenever the same seed gives other tables: other code, or other figures in the calibration tables."""
MAX_PERSONS = AVAILABLE // 4
"""More residents than the country has, and few enough that free numbers are found quickly for all of them."""
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a population holds: counts only.

    Args:
        persons: residents.
        seed: of the draw.
        reference_date: date of all tables.
        choices: what published figures leave open.
        rows: people in arrears per body.
        files: rows per file of each party, such as ``uwv/clients.parquet``.
        anywhere: people in arrears at one body or more.
        several: at two bodies or more.
        generator: version of the generator.
    """

    persons: int
    seed: int
    reference_date: str
    choices: Choices
    rows: dict[str, int]
    files: dict[str, int]
    anywhere: int
    several: int
    generator: int = GENERATOR_VERSION

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def generate(
    persons: int,
    seed: int,
    out: Path,
    reference_date: datetime.date,
    choices: Choices = Choices(),  # noqa: B008  # Frozen.
    watch: Watch = lambda _step, _done, _total: None,
) -> Summary:
    """Draw a population and write it.

    Args:
        persons: residents of the Netherlands.
        seed: equal seeds, sizes and dates give equal bytes, under equal versions of numpy and pyarrow.
        out: new or empty folder; receives a folder per party, the truth and ``population.json``.
        reference_date: date of all tables.
        choices: what published figures leave open.
        watch: called with the name of each step as it begins, how many are done, and how many there are.

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
        parties = [party for party in PARTIES if party != DUO or choices.with_duo]
        step = _Steps(DRAW_STEPS + sum(len(party_files(party)) for party in parties) + len(TRUTH_FILES), watch)
        people = draw_people(persons, seed, choices, step)
        files = _write(people, seed, reference_date, parties, out, step)
        summary = _summary(people.arrears, files, persons, seed, reference_date, choices)
        (out / SUMMARY_NAME).write_text(json.dumps(summary.as_dict(), indent=2, sort_keys=True) + "\n")
    except FileExistsError:
        raise UsageError(f"{out} is not a folder.", "Choose a new folder for --out.") from None
    except OSError as cause:
        raise UsageError(
            f"Cannot write in {out}: {cause.strerror or 'refused'}.", "Check the folder's owner and space."
        ) from None
    return summary


def _summary(
    arrears: pd.DataFrame,
    files: dict[str, int],
    persons: int,
    seed: int,
    reference_date: datetime.date,
    choices: Choices,
) -> Summary:
    present = arrears[[f"{body}_present" for body in ARREARS_BODIES]].to_numpy()
    return Summary(
        persons=persons,
        seed=seed,
        reference_date=reference_date.isoformat(),
        choices=choices,
        rows={body: int(arrears[f"{body}_present"].sum()) for body in ARREARS_BODIES},
        files=files,
        anywhere=len(arrears),
        several=int((present.sum(axis=1) >= 2).sum()),
    )


def _write(
    people: People, seed: int, reference_date: datetime.date, parties: list[str], out: Path, step: Callable[[str], None]
) -> dict[str, int]:
    """Write all tables, one at a time, and return the rows of the parties' files."""
    rows = {}
    for party in parties:
        (out / party).mkdir(mode=0o700)
        for name, make in party_files(party).items():
            step(f"{party}/{name}")
            table = make(people)
            order = stream(seed, f"order/{party}/{name}")
            write_parquet(shuffled(table, reference_date, order), out / party / name)
            rows[f"{party}/{name}"] = len(table)
    for name, make in TRUTH_FILES.items():
        step(name)
        write_parquet(make(people), out / name)
    return rows


class _Steps:
    """Counts steps for whoever watches.

    Args:
        total: how many there will be.
        watch: called with the name of a step as it begins, how many are done, and the total.
    """

    def __init__(self, total: int, watch: Watch) -> None:
        self._total = total
        self._watch = watch
        self._begun = 0

    def __call__(self, step: str) -> None:
        self._watch(step, self._begun, self._total)
        self._begun += 1
