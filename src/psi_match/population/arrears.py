"""Everyone who is in arrears anywhere: where, for how much, for how long, and in which municipality they live."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.domain.parties import BODIES
from psi_match.population.claims import INSTALMENT_BODIES, draw_claims, draw_instalments
from psi_match.population.presence import draw_presence
from psi_match.population.streams import stream


def draw_arrears(persons: int, municipality: NDArray[np.int16], seed: int) -> pd.DataFrame:
    """Draw everyone who is in arrears at one body or more.

    Args:
        persons: residents of the Netherlands.
        municipality: (adults,) the code of each adult's municipality.
        seed: equal seeds give equal tables.

    Returns:
        One row per person: ``person``, the adult's index, ascending; ``municipality``; and, per body,
        ``BODY_present``, ``BODY_open_cents``, ``BODY_oldest_claim_months``, ``BODY_reminder_sent`` and, at some,
        ``BODY_instalment_cents`` (zero and False where absent).
    """
    present = draw_presence(persons, seed)
    anywhere = np.flatnonzero(np.logical_or.reduce(list(present.values())))
    columns: dict[str, NDArray[np.generic]] = {
        "person": anywhere.astype(np.int32),
        "municipality": municipality[anywhere],
    }
    for body in BODIES:
        here = present[body.id][anywhere]
        claims = draw_claims(body.id, int(here.sum()), stream(seed, f"claims/{body.id}"))
        columns[f"{body.id}_present"] = here
        columns[f"{body.id}_open_cents"] = _spread(here, claims.open_cents)
        columns[f"{body.id}_oldest_claim_months"] = _spread(here, claims.oldest_claim_months)
        columns[f"{body.id}_reminder_sent"] = _spread(here, claims.reminder_sent)
        if body.id in INSTALMENT_BODIES:
            instalments = draw_instalments(body.id, claims.open_cents, stream(seed, f"instalments/{body.id}"))
            columns[f"{body.id}_instalment_cents"] = _spread(here, instalments)
    return pd.DataFrame(columns)


def _spread(here: NDArray[np.bool_], values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return a column that holds the values where ``here`` is true, in order, and zero elsewhere."""
    column = np.zeros(len(here), dtype=values.dtype)
    column[here] = values
    return column
