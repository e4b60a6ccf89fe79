"""What people in arrears owe to one body: how much, for how long, and whether a reminder (aanmaning) was sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.population.calibration import figure
from psi_match.population.presence import TABLE

_CENTS_PER_EURO = 100


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims of one body, one per person.

    Args:
        open_cents: (n,) amounts, at least one cent.
        oldest_claim_months: (n,) age of the oldest claim.
        reminder_sent: (n,) whether a reminder was sent.
    """

    open_cents: NDArray[np.int64]
    oldest_claim_months: NDArray[np.int16]
    reminder_sent: NDArray[np.bool_]


def draw_claims(body: str, count: int, rng: np.random.Generator) -> Claims:
    """Draw the claims of a body.

    Amounts and ages are lognormal. The chance of a reminder rises with age: half of its ceiling after the table's
    half time, three quarters after twice that, and so on.

    Args:
        body: party id.
        count: how many people.
        rng: generator; equal states give equal claims.

    Returns:
        The claims, in random order.
    """
    euros = _lognormal(figure(TABLE, body, "median"), figure(TABLE, body, "sigma"), count, rng)
    ages = _lognormal(figure(TABLE, "nl", "months_median"), figure(TABLE, "nl", "months_sigma"), count, rng)
    months = np.minimum(ages, figure(TABLE, "nl", "months_max")).astype(np.int16)
    still_waiting = 0.5 ** (months / figure(TABLE, "nl", "reminder_half_months"))
    reminder_chance = figure(TABLE, "nl", "reminder_share") * (1 - still_waiting)
    return Claims(
        open_cents=np.maximum(1, np.rint(euros * _CENTS_PER_EURO)).astype(np.int64),
        oldest_claim_months=months,
        reminder_sent=rng.random(count) < reminder_chance,
    )


def _lognormal(median: float, sigma: float, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return median * np.exp(sigma * rng.standard_normal(count))
