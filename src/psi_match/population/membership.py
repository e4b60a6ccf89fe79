"""How many people are in arrears at each combination of bodies.

Published are totals only: per body, at one body or more, at two or more, at four bodies at once, and how many of CJIB's
debtors are also debtors of Belastingdienst or Toeslagen. Independence would put about 15 people at the four bodies at
once, where over 60,000 are. Of all tables that meet every figure the one of maximum entropy is taken: it adds no
dependence beyond what the figures force. Iterative proportional fitting finds it: each figure in turn scales its cells
until all hold.

Whole people follow by rounding, so that every body's number is exact at every size, and the other figures within one
or two people. People in arrears anywhere follow from all cells and are off by up to some fifteen.

Source:
    Deming and Stephan (1940) for the fitting; Csiszar, I-divergence geometry (1975), for its limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import InternalError
from psi_match.domain.parties import BODIES
from psi_match.population.calibration import RESIDENTS_TABLE, figure, scaled
from psi_match.population.quotas import largest_remainders

TABLE = RESIDENTS_TABLE
CORE_BODIES = ("belastingdienst", "toeslagen", "cak", "cjib")
"""The four bodies of which the number of people in arrears at all of them is published."""
DUO = "duo"
"""The seventh body in the published totals; it takes part in no scenario."""
ARREARS_BODIES = (*(body.id for body in BODIES), DUO)
"""Bit b of a cell's index tells whether its people are in arrears at the b-th of these."""
CELLS = 1 << len(ARREARS_BODIES)

_CLOSE_ENOUGH = 1e-9
_MOST_ROUNDS = 20_000


@dataclass(frozen=True, slots=True)
class Target:
    """A published figure: how many people the cells hold together.

    Args:
        name: quantity of the calibration table, with the body before it where it has one.
        cells: (CELLS,) which cells count.
        persons: in the whole country.
    """

    name: str
    cells: NDArray[np.bool_]
    persons: float


def at(body: str) -> NDArray[np.bool_]:
    """Return which cells are of people in arrears at a body."""
    return (np.arange(CELLS) >> ARREARS_BODIES.index(body) & 1).astype(np.bool_)


def creditors(as_one: bool) -> NDArray[np.int64]:
    """Return at how many bodies the people of each cell are in arrears.

    Args:
        as_one: count Belastingdienst and Toeslagen as one body.
    """
    bodies: NDArray[np.int64] = np.sum([at(body) for body in ARREARS_BODIES], axis=0)
    return bodies - (at("belastingdienst") & at("toeslagen")) if as_one else bodies


def targets(as_one: bool) -> list[Target]:
    """Return the published figures.

    Args:
        as_one: read "at two bodies or more" with Belastingdienst and Toeslagen as one body. Which is meant was not
            found.
    """
    anywhere = figure(TABLE, "nl", "anywhere_persons")
    tax_or_benefits = at("belastingdienst") | at("toeslagen")
    cjib = figure(TABLE, "cjib", "persons")
    return [
        *(Target(f"{body} persons", at(body), figure(TABLE, body, "persons")) for body in ARREARS_BODIES),
        Target("anywhere_persons", creditors(as_one) >= 1, anywhere),
        Target("several_share", creditors(as_one) >= 2, anywhere * figure(TABLE, "nl", "several_share")),
        Target("all_four_persons", _core(), figure(TABLE, "nl", "all_four_persons")),
        Target(
            "cjib also_tax_or_benefits_share",
            at("cjib") & tax_or_benefits,
            cjib * figure(TABLE, "cjib", "also_tax_or_benefits_share"),
        ),
    ]


@cache
def fitted(as_one: bool) -> NDArray[np.float64]:
    """Return the table of maximum entropy that meets all figures: (CELLS,) adults of the whole country.

    Raises:
        InternalError: the figures of the calibration table contradict each other.
    """
    adults = figure(TABLE, "nl", "adults")
    wanted = targets(as_one)
    table = np.full(CELLS, adults / CELLS)
    for _ in range(_MOST_ROUNDS):
        for target in wanted:
            inside = table[target.cells].sum()
            table[target.cells] *= target.persons / inside
            table[~target.cells] *= (adults - target.persons) / (adults - inside)
        off = [abs(table[target.cells].sum() / target.persons - 1) for target in wanted]
        if max(off) < _CLOSE_ENOUGH:
            table.flags.writeable = False
            return table
    worst = wanted[int(np.argmax(off))].name
    raise InternalError(f"The calibration figures contradict each other: {worst} cannot be met.", "Correct the table.")


def adults(persons: int) -> int:
    """Return how many of ``persons`` residents are adults: only they are in arrears."""
    return scaled(persons, TABLE, "nl", "adults")


def quota(body: str, persons: int) -> int:
    """Return how many of ``persons`` residents are in arrears at a body."""
    return scaled(persons, TABLE, body, "persons")


def cell_counts(persons: int, as_one: bool) -> NDArray[np.int64]:
    """Return how many adults among ``persons`` residents are in each cell: (CELLS,), whole people.

    Cells of several bodies are rounded within groups, one per published figure; then everybody else of a body is at
    that body alone.
    """
    share = persons / figure(TABLE, "nl", "residents")
    expected = fitted(as_one) * share
    several = creditors(as_one=False) >= 2
    core = _core()
    with_cjib = several & ~core & at("cjib") & (at("belastingdienst") | at("toeslagen"))
    counts = np.zeros(CELLS, dtype=np.int64)
    for group in (core, with_cjib, several & ~core & ~with_cjib & (creditors(as_one) >= 2)):
        counts[group] = largest_remainders(expected[group])
    rest = several & (creditors(as_one) < 2)
    counts[rest] = largest_remainders(expected[rest])
    for body in ARREARS_BODIES:
        _keep_within(counts, at(body) & several, quota(body, persons))
    for bit, body in enumerate(ARREARS_BODIES):
        counts[1 << bit] = quota(body, persons) - counts[at(body) & several].sum()
    counts[0] = adults(persons) - counts[1:].sum()
    return counts


def _core() -> NDArray[np.bool_]:
    cells: NDArray[np.bool_] = np.logical_and.reduce([at(body) for body in CORE_BODIES])
    return cells


def _keep_within(counts: NDArray[np.int64], cells: NDArray[np.bool_], most: int) -> None:
    """Take people out of the fullest cells until the cells hold no more than ``most``; needed for a few people only."""
    places = np.flatnonzero(cells)
    while counts[places].sum() > most:
        counts[places[np.argmax(counts[places])]] -= 1
