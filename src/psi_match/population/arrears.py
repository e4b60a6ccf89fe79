"""Who is in arrears where, for how much, for how long.

Arrears at the six bodies depend on each other: independence would put about 15 people at four bodies at once, where
over 60,000 are. Each person has a latent vulnerability; a body's debtors are those with the highest score, a mix of
that factor and chance with the body's loading, and exactly as many as its quota. Marginals are therefore met exactly;
the overlaps follow from the loadings (synthetic_data/README.md says how close they come).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.domain.bsn import format_bsn
from psi_match.domain.parties import BODIES
from psi_match.population.calibration import figure
from psi_match.population.numbers import draw_numbers

TABLE = "arrears_marginals"
_MAX_MONTHS = 120


def quota(body: str, persons: int) -> int:
    """Return how many of ``persons`` residents are in arrears at a body."""
    return round(persons * figure(TABLE, body, "persons") / figure(TABLE, "nl", "residents"))


def adults(persons: int) -> int:
    """Return how many of ``persons`` residents are adults."""
    return round(persons * figure(TABLE, "nl", "adults") / figure(TABLE, "nl", "residents"))


def draw_arrears(persons: int, seed: int) -> pd.DataFrame:
    """Draw everyone who is in arrears anywhere.

    Args:
        persons: residents of the Netherlands.
        seed: equal seeds give equal tables.

    Returns:
        One row per person in arrears at one body or more: ``bsn`` and, per body, ``BODY_present``,
        ``BODY_open_cents``, ``BODY_oldest_claim_months`` and ``BODY_reminder_sent`` (zero and False where absent).
    """
    # A stream of its own for every purpose: adding a body or a column leaves the others as they are.
    streams = np.random.SeedSequence(seed).spawn(2 + 2 * len(BODIES))
    count = adults(persons)
    vulnerability = np.random.default_rng(streams[0]).standard_normal(count)
    present = {}
    for body, stream in zip(BODIES, streams[2 : 2 + len(BODIES)], strict=True):
        loading = figure(TABLE, body.id, "loading")
        chance = np.random.default_rng(stream).standard_normal(count)
        score = loading * vulnerability + np.sqrt(1 - loading**2) * chance
        present[body.id] = _highest(score, quota(body.id, persons))
    anywhere = np.flatnonzero(np.logical_or.reduce(list(present.values()))) if count else np.empty(0, dtype=np.intp)
    numbers = draw_numbers(len(anywhere), np.random.default_rng(streams[1]))
    columns: dict[str, NDArray[np.generic]] = {"bsn": format_bsn(numbers)}
    for body, stream in zip(BODIES, streams[2 + len(BODIES) :], strict=True):
        here = present[body.id][anywhere]
        columns |= {f"{body.id}_{name}": values for name, values in _claims(body.id, here, stream).items()}
    return pd.DataFrame(columns)


def _highest(score: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    chosen = np.zeros(len(score), dtype=np.bool_)
    if count:
        chosen[np.argpartition(score, len(score) - count)[-count:]] = True
    return chosen


def _claims(body: str, here: NDArray[np.bool_], stream: np.random.SeedSequence) -> dict[str, NDArray[np.generic]]:
    """Draw amount, age and reminder of the people who are in arrears at a body; others get zero and False."""
    rng = np.random.default_rng(stream)
    rows = int(here.sum())
    median = figure(TABLE, body, "median") * 100
    amounts = np.exp(np.log(median) + figure(TABLE, body, "sigma") * rng.standard_normal(rows))
    ages = np.exp(
        np.log(figure(TABLE, "nl", "months_median")) + figure(TABLE, "nl", "months_sigma") * rng.standard_normal(rows)
    )
    months = np.clip(ages, 0, _MAX_MONTHS).astype(np.int16)
    old_enough = months >= figure(TABLE, "nl", "reminder_after_months")
    reminded = old_enough & (rng.random(rows) < figure(TABLE, "nl", "reminder_share"))
    return {
        "present": here,
        "open_cents": _spread(here, np.maximum(1, np.rint(amounts)).astype(np.int64)),
        "oldest_claim_months": _spread(here, months),
        "reminder_sent": _spread(here, reminded),
    }


def _spread(here: NDArray[np.bool_], values: NDArray[np.generic]) -> NDArray[np.generic]:
    column = np.zeros(len(here), dtype=values.dtype)
    column[here] = values
    return column
