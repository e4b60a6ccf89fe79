"""Compare a population with every figure that it was calibrated to, from its files alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from psi_match.base.errors import UsageError
from psi_match.population.ages import AGE_GROUPS
from psi_match.population.calibration import RESIDENTS_TABLE, Figure, figure, row
from psi_match.population.choices import Choices, NonUse, Rules
from psi_match.population.generate import SUMMARY_NAME
from psi_match.population.membership import ARREARS_BODIES, CORE_BODIES
from psi_match.population.municipalities import MUNICIPALITIES, code
from psi_match.population.truth import Truth, read_whole_truth

_BOUNDS: dict[str, float | None] = {"S": 0.02, "D": 0.05, "A": None}
"""How far off a figure may be, by its tag; an assumption is shown without a bound."""
_OVERLAP_BOUND = 0.05
_SLACK_PEOPLE = 2
"""Whole people cannot be closer than this at small sizes."""
_SLACK_EUROS = 0.01
_ENOUGH_FOR_A_MEAN = 3000
"""Among fewer people the mean of amounts with a heavy tail hangs on the largest few: it has no bound then."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One figure, and what a population makes of it.

    Args:
        table: calibration table.
        figure: what was aimed at, for the whole country.
        target: the same for this population.
        achieved: what the files hold.
        bound: how far off it may be, as a share of the target; None for an assumption.
        slack: how far off it may be besides, in the figure's unit: whole people.
    """

    table: str
    figure: Figure
    target: float
    achieved: float
    bound: float | None
    slack: float

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.figure.body} {self.figure.quantity}"

    @property
    def difference(self) -> float:
        """How far off it is, as a share of the target."""
        return (self.achieved - self.target) / self.target if self.target else 0.0

    @property
    def within(self) -> bool:
        """Whether it is within its bound."""
        if self.bound is None:
            return True
        return abs(self.achieved - self.target) <= max(self.bound * self.target, self.slack)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "table": self.table,
            "body": self.figure.body,
            "quantity": self.figure.quantity,
            "unit": self.figure.unit,
            "year": int(self.figure.year),
            "tag": self.figure.tag,
            "source": self.figure.source,
            "target": self.target,
            "achieved": self.achieved,
            "difference": self.difference,
            "bound": self.bound,
            "within": self.within,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a population.

    Args:
        persons: residents.
        choices: what published figures leave open.
        figures: every figure.
    """

    persons: int
    choices: Choices
    figures: list[Checked]

    @property
    def within(self) -> bool:
        """Whether every stated and derived figure is within its bound."""
        return all(checked.within for checked in self.figures)


def check(folder: Path) -> Report:
    """Compare a population with its calibration tables.

    Args:
        folder: the population's.

    Raises:
        UsageError: the folder holds no population.
        DataError: its truth cannot be read.
    """
    persons, choices = _summary(folder)
    truth = read_whole_truth(folder)
    scale = persons / figure(RESIDENTS_TABLE, "nl", "residents")
    return Report(persons, choices, [*_arrears(truth, choices, scale), *_households(truth, choices, scale)])


def _summary(folder: Path) -> tuple[int, Choices]:
    try:
        summary = json.loads((folder / SUMMARY_NAME).read_text())
        chosen = summary["choices"]
        choices = Choices(
            Rules(chosen["rules"]), NonUse(chosen["non_use"]), bool(chosen["tax_as_one"]), bool(chosen["with_duo"])
        )
        return int(summary["persons"]), choices
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{folder} holds no population of this version.", "Make one with `psi-match population generate`."
        ) from None


def _count(table: str, body: str, quantity: str, scale: float, achieved: float, bound: float | None = None) -> Checked:
    """A number of people or households: the target is in proportion to the residents."""
    found = row(table, body, quantity)
    limit = bound if bound is not None else _BOUNDS[found.tag]
    return Checked(table, found, found.value * scale, float(achieved), limit, _SLACK_PEOPLE)


def _share(table: str, body: str, quantity: str, part: float, whole: float, bound: float | None = None) -> Checked:
    """A share of people."""
    found = row(table, body, quantity)
    limit = bound if bound is not None else _BOUNDS[found.tag]
    share = float(part / max(whole, 1))
    return Checked(table, found, found.value, share, limit, float(_SLACK_PEOPLE / max(whole, 1)))


def _amount(table: str, body: str, quantity: str, achieved: float, target: float | None = None) -> Checked:
    """An amount in euros; nobody owes nothing."""
    found = row(table, body, quantity)
    wanted = found.value if target is None else target
    bound = None if np.isnan(achieved) else _BOUNDS[found.tag]
    return Checked(table, found, wanted, float(np.nan_to_num(achieved)), bound, _SLACK_EUROS)


def _arrears(truth: Truth, choices: Choices, scale: float) -> Iterator[Checked]:
    table, people = RESIDENTS_TABLE, truth.people
    at = {body: people[f"{body}_present"] for body in ARREARS_BODIES}
    for body in ARREARS_BODIES:
        yield _count(table, body, "persons", scale, at[body].sum())
    bodies = np.sum(list(at.values()), axis=0)
    if choices.tax_as_one:
        bodies = bodies - (at["belastingdienst"] & at["toeslagen"]).to_numpy()
    yield _count(table, "nl", "anywhere_persons", scale, len(people))
    yield _share(table, "nl", "several_share", (bodies >= 2).sum(), len(people))
    in_core = np.logical_and.reduce([at[body] for body in CORE_BODIES])
    yield _count(table, "nl", "all_four_persons", scale, in_core.sum(), _OVERLAP_BOUND)
    elsewhere = at["cjib"] & (at["belastingdienst"] | at["toeslagen"])
    cjib = at["cjib"].sum()
    yield _share(table, "cjib", "also_tax_or_benefits_share", elsewhere.sum(), cjib, _OVERLAP_BOUND)
    euros = {body: people[f"{body}_open_cents"] / 100 for body in ARREARS_BODIES}
    for body in ARREARS_BODIES:
        yield _amount(table, body, "median", euros[body][at[body]].median())
    yield _amount(table, "toeslagen", "mean", euros["toeslagen"][at["toeslagen"]].mean())
    owed = pd.DataFrame(euros).sum(axis=1)
    total = _amount(table, "nl", "total", owed.sum(), figure(table, "nl", "total") * scale)
    of_one = figure(table, "nl", "total") / figure(table, "nl", "anywhere_persons")
    yield replace(total, slack=_SLACK_PEOPLE * of_one)
    mean = _amount(table, "nl", "all_four_mean", owed[in_core].mean())
    yield mean if in_core.sum() >= _ENOUGH_FOR_A_MEAN else replace(mean, bound=None)
    for group, age in enumerate(AGE_GROUPS):
        yield _share("age_groups", "nl", f"debtors_{age}", (people["age_group"] == group).sum(), len(people))
    yield _known_to_debt_help(truth, in_core)


def _known_to_debt_help(truth: Truth, in_core: pd.Series[bool]) -> Checked:
    known, asked = 0, 0
    for name in MUNICIPALITIES:
        residents = truth.people["bsn"][in_core & (truth.people["municipality"] == code(name))]
        helped = truth.debt_help["bsn"][truth.debt_help["party"] == name]
        known, asked = known + residents.isin(helped).sum(), asked + len(residents)
    return _share("municipalities", "nl", "known_of_core", known, asked)


def _households(truth: Truth, choices: Choices, scale: float) -> Iterator[Checked]:
    table, homes = "aow_households", truth.households
    couple, young = homes["has_partner"], homes["partner_young"]
    recipients = 1 + (couple & ~young)
    cut = homes["person_incomplete"].astype(int) + homes["partner_incomplete"]
    for place, here in (("nl", homes["lives_in_nl"]), ("abroad", ~homes["lives_in_nl"])):
        yield _count(table, "svb", f"recipients_{place}", scale, recipients[here].sum())
        yield _count(table, "svb", f"incomplete_{place}", scale, cut[here].sum())
    everyone = homes["lives_in_nl"]
    yield _share(table, "svb", "single_share", (~couple & everyone).sum(), recipients[everyone].sum())
    full = everyone & young & ~homes["person_incomplete"]
    yield _count(table, "svb", "young_partner_full", scale, full.sum())
    users = homes["receives_aio"]
    yield _count(table, "nl", "aio_households", scale, users.sum())
    yield _count(table, "nl", "aio_persons", scale, (users * (1 + couple)).sum())
    entitled = homes["entitled"].sum()
    yield _share(table, "nl", f"non_use_{choices.non_use}", entitled - users.sum(), entitled)
    clients = truth.clients["bsn"]
    yield _count("uwv_clients", "uwv", "clients", scale, len(clients))
    in_arrears = clients.isin(truth.people["bsn"]).sum()
    yield _share("uwv_clients", "uwv", "in_arrears_share", in_arrears, len(clients))
