"""What people in arrears owe to one body: how much, how long, and what was done: a reminder, an arrangement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.population.amounts import lognormal
from psi_match.population.calibration import CENTS_PER_EURO, cents, figure
from psi_match.population.membership import CORE_BODIES, TABLE
from psi_match.population.quotas import lognormal_amounts, normal_scores

INSTALMENT_BODIES = ("cjib", "belastingdienst", "toeslagen", "cak")
"""The bodies whose arrears tell the monthly instalment and the municipality: those of the scenarios on arrears."""


IN_CORE = 0
"""The group of people in arrears at all core bodies."""


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


def draw_claims(body: str, groups: NDArray[np.int64], own: NDArray[np.float64], rng: np.random.Generator) -> Claims:
    """Draw the claims of a body.

    Amounts lie as a lognormal distribution says. Who has which of them: people at more bodies stand further up, and
    within such a group their own bent and chance decide. Ages are lognormal too. The chance of a
    reminder rises with age: half of its ceiling after the table's half time, three quarters after twice that, and so
    on.

    Args:
        body: party id.
        groups: (n,) at how many bodies each person is in arrears, or ``IN_CORE`` for people at all core bodies.
        own: (n,) each person's bent to large debts, the same at all bodies, in normal scores.
        rng: generator; equal states give equal claims.

    Returns:
        The claims, in the order of ``groups``.
    """
    count = len(groups)
    euros = np.empty(count, dtype=np.float64)
    order = np.argsort(_standing(groups, own, rng), kind="stable")
    euros[order] = lognormal_amounts(figure(TABLE, body, "median"), figure(TABLE, body, "sigma"), count)
    ages = lognormal(figure(TABLE, "nl", "months_median"), figure(TABLE, "nl", "months_sigma"), count, rng)
    months = np.minimum(ages, figure(TABLE, "nl", "months_max")).astype(np.int16)
    still_waiting = 0.5 ** (months / figure(TABLE, "nl", "reminder_half_months"))
    reminder_chance = figure(TABLE, "nl", "reminder_share") * (1 - still_waiting)
    return Claims(
        open_cents=np.maximum(1, np.rint(euros * CENTS_PER_EURO)).astype(np.int64),
        oldest_claim_months=months,
        reminder_sent=rng.random(count) < reminder_chance,
    )


def _standing(groups: NDArray[np.int64], own: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how far up each person stands among the amounts of a body.

    Every group lies as a normal distribution says, so that its total does not hang on who happens to have the few
    largest amounts. People at all core bodies are a group of their own, because their mean debt is published.
    """
    share, step = figure(TABLE, "nl", "own_share"), figure(TABLE, "nl", "per_further_body")
    bent = share * own + np.sqrt(1 - share**2) * rng.standard_normal(len(groups))
    standing = np.empty(len(groups), dtype=np.float64)
    for number in np.unique(groups):
        group = np.flatnonzero(groups == number)
        further = len(CORE_BODIES) - 1 if number == IN_CORE else number - 1
        standing[group[np.argsort(bent[group], kind="stable")]] = normal_scores(len(group)) + step * further
    return standing


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
