"""What people in arrears owe to one body: how much, how long, and what was done: a reminder, an arrangement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.population.amounts import lognormal
from psi_match.population.calibration import CENTS_PER_EURO, cents, figure
from psi_match.population.presence import TABLE

INSTALMENT_BODIES = ("cjib", "belastingdienst", "toeslagen", "cak")
"""The bodies whose arrears tell the monthly instalment and the municipality: those of the scenarios on arrears."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims of one body, one per person.

    Args:
        open_cents: (n,) amounts, at least one cent.
        oldest_claim_months: (n,) age of the oldest claim.
        reminder_sent: (n,) whether a reminder (aanmaning) was sent.
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
    euros = lognormal(figure(TABLE, body, "median"), figure(TABLE, body, "sigma"), count, rng)
    ages = lognormal(figure(TABLE, "nl", "months_median"), figure(TABLE, "nl", "months_sigma"), count, rng)
    months = np.minimum(ages, figure(TABLE, "nl", "months_max")).astype(np.int16)
    still_waiting = 0.5 ** (months / figure(TABLE, "nl", "reminder_half_months"))
    reminder_chance = figure(TABLE, "nl", "reminder_share") * (1 - still_waiting)
    return Claims(
        open_cents=np.maximum(1, np.rint(euros * CENTS_PER_EURO)).astype(np.int64),
        oldest_claim_months=months,
        reminder_sent=rng.random(count) < reminder_chance,
    )


def draw_instalments(body: str, open_cents: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw who has an arrangement for payment, and what it takes a month.

    An arrangement spreads the open amount evenly over its months, within the lowest and the highest instalment.

    Args:
        body: one of ``INSTALMENT_BODIES``.
        open_cents: (n,) open amounts.
        rng: generator.

    Returns:
        (n,) cents a month, never more than is open; zero without an arrangement.
    """
    even = np.ceil(open_cents / figure(TABLE, body, "arrangement_months")).astype(np.int64)
    bounded = np.clip(even, cents(TABLE, "nl", "instalment_min"), cents(TABLE, "nl", "instalment_max"))
    has = rng.random(len(open_cents)) < figure(TABLE, body, "arrangement_share")
    return np.where(has, np.minimum(bounded, open_cents), 0)
