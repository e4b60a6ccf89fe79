"""Everyone who is in arrears anywhere: where, for how much, for how long, and in which municipality they live."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.claims import IN_CORE, INSTALMENT_BODIES, draw_claims, draw_instalments
from psi_match.population.membership import ARREARS_BODIES, CORE_BODIES
from psi_match.population.streams import stream


def draw_arrears(
    cells: NDArray[np.uint8], municipality: NDArray[np.int16], ages: NDArray[np.int8], seed: int
) -> pd.DataFrame:
    """Draw everyone who is in arrears at one body or more.

    Args:
        cells: (adults,) where each adult is in arrears; see ``draw_presence``.
        municipality: (adults,) the code of each adult's municipality.
        ages: (adults,) age group of each adult.
        seed: equal seeds give equal tables.

    Returns:
        One row per person: ``person``, the adult's index, ascending; ``municipality``; ``age_group``; and, per body,
        ``BODY_present``, ``BODY_open_cents``, ``BODY_oldest_claim_months``, ``BODY_reminder_sent`` and, at some,
        ``BODY_instalment_cents`` (zero and False where absent).
    """
    anywhere = np.flatnonzero(cells)
    columns: dict[str, NDArray[np.generic]] = {
        "person": anywhere.astype(np.int32),
        "municipality": municipality[anywhere],
        "age_group": ages[anywhere],
    }
    present = {body: (cells[anywhere] >> bit & 1).astype(np.bool_) for bit, body in enumerate(ARREARS_BODIES)}
    core = np.logical_and.reduce([present[body] for body in CORE_BODIES])
    groups = np.where(core, IN_CORE, np.sum(list(present.values()), axis=0))
    own = stream(seed, "own bent").standard_normal(len(anywhere))
    for body, here in present.items():
        claims = draw_claims(body, groups[here], own[here], stream(seed, f"claims/{body}"))
        columns[f"{body}_present"] = here
        columns[f"{body}_open_cents"] = _spread(here, claims.open_cents)
        columns[f"{body}_oldest_claim_months"] = _spread(here, claims.oldest_claim_months)
        columns[f"{body}_reminder_sent"] = _spread(here, claims.reminder_sent)
        if body in INSTALMENT_BODIES:
            instalments = draw_instalments(body, claims.open_cents, stream(seed, f"instalments/{body}"))
            columns[f"{body}_instalment_cents"] = _spread(here, instalments)
    return pd.DataFrame(columns)


def in_core(arrears: pd.DataFrame) -> NDArray[np.bool_]:
    """Return who is in arrears at all four core bodies."""
    there: NDArray[np.bool_] = np.logical_and.reduce([arrears[f"{body}_present"].to_numpy() for body in CORE_BODIES])
    return there


def _spread(here: NDArray[np.bool_], values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return a column that holds the values where ``here`` is true, in order, and zero elsewhere."""
    column = np.zeros(len(here), dtype=values.dtype)
    column[here] = values
    return column
