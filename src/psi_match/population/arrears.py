"""Everyone who is in arrears anywhere: where, for how much, for how long."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.domain.bsn import format_bsn
from psi_match.domain.parties import BODIES
from psi_match.population.claims import draw_claims
from psi_match.population.numbers import draw_numbers
from psi_match.population.presence import draw_presence
from psi_match.population.streams import stream


def draw_arrears(persons: int, seed: int) -> pd.DataFrame:
    """Draw everyone who is in arrears at one body or more.

    Args:
        persons: residents of the Netherlands.
        seed: equal seeds give equal tables.

    Returns:
        One row per person: ``bsn`` and, per body, ``BODY_present``, ``BODY_open_cents``, ``BODY_oldest_claim_months``
        and ``BODY_reminder_sent`` (zero and False where absent).
    """
    present = draw_presence(persons, seed)
    anywhere = np.flatnonzero(np.logical_or.reduce(list(present.values())))
    columns: dict[str, NDArray[np.generic]] = {
        "bsn": format_bsn(draw_numbers(len(anywhere), stream(seed, "numbers"))),
    }
    for body in BODIES:
        here = present[body.id][anywhere]
        claims = draw_claims(body.id, int(here.sum()), stream(seed, f"claims/{body.id}"))
        columns[f"{body.id}_present"] = here
        columns[f"{body.id}_open_cents"] = _spread(here, claims.open_cents)
        columns[f"{body.id}_oldest_claim_months"] = _spread(here, claims.oldest_claim_months)
        columns[f"{body.id}_reminder_sent"] = _spread(here, claims.reminder_sent)
    return pd.DataFrame(columns)


def _spread(here: NDArray[np.bool_], values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return a column that holds the values where ``here`` is true, in order, and zero elsewhere."""
    column = np.zeros(len(here), dtype=values.dtype)
    column[here] = values
    return column
