"""Households of people who get AOW: alone or with a partner, with AOW in full or cut, in the Netherlands or abroad.

A couple with two AOWs is one household. How many households there are of each form is a quota, so all published
numbers of people are met exactly; how far an AOW is cut is drawn as a number of years without insurance.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.calibration import CENTS_PER_EURO, figure, scaled
from psi_match.population.choices import Rules
from psi_match.population.streams import stream

TABLE = "aow_households"
NOBODY = -1
"""Stands for the partner of someone who has none."""


@dataclass(frozen=True, slots=True)
class Forms:
    """How many households there are of each form.

    Args:
        single_incomplete: someone alone, AOW cut.
        single_full: someone alone.
        young_incomplete: AOW cut, and a partner without AOW.
        young_full: a partner without AOW.
        both_incomplete: two AOWs, both cut.
        one_incomplete: two AOWs, one of them cut.
        both_full: two AOWs.
    """

    single_incomplete: int
    single_full: int
    young_incomplete: int
    young_full: int
    both_incomplete: int
    one_incomplete: int
    both_full: int

    @property
    def households(self) -> int:
        """All households."""
        return sum(getattr(self, field.name) for field in fields(self))

    @property
    def couples(self) -> int:
        """Households of two people."""
        return self.households - self.single_incomplete - self.single_full

    @property
    def people(self) -> int:
        """People with AOW and their partners."""
        return self.households + self.couples


def forms(persons: int, abroad: bool) -> Forms:
    """Return how many households there are of each form, for a number of residents.

    Args:
        persons: residents of the Netherlands.
        abroad: of those who live abroad, who come on top of the residents.
    """
    place = "abroad" if abroad else "nl"
    recipients = scaled(persons, TABLE, "svb", f"recipients_{place}")
    incomplete = min(recipients, scaled(persons, TABLE, "svb", f"incomplete_{place}"))
    full = recipients - incomplete
    young_full_share = figure(TABLE, "svb", "young_partner_full") / figure(TABLE, "svb", "recipients_nl")
    single_share = figure(TABLE, "svb", "single_share")
    single_incomplete = round(incomplete * single_share)
    cohabiting_incomplete = incomplete - single_incomplete
    young_incomplete = round(cohabiting_incomplete * figure(TABLE, "svb", "young_partner_of_incomplete"))
    in_pairs = cohabiting_incomplete - young_incomplete
    both_share = figure(TABLE, "svb", "both_incomplete")
    # Of h couples with a cut AOW, b have two: h + b people, and b = h * share.
    both_incomplete = min(round(in_pairs * both_share / (1 + both_share)), in_pairs // 2)
    one_incomplete = in_pairs - 2 * both_incomplete
    # Each couple of which one AOW is cut has someone with full AOW too; where too few have, both are cut.
    short = max(0, one_incomplete - full)
    both_incomplete += short // 2
    one_incomplete -= short
    young_incomplete += short % 2
    single_full = min(round(full * single_share), full - one_incomplete)
    young_full = min(round(recipients * young_full_share), full - one_incomplete - single_full)
    both_full, left = divmod(full - one_incomplete - single_full - young_full, 2)
    return Forms(
        single_incomplete=single_incomplete,
        single_full=single_full + left,
        young_incomplete=young_incomplete,
        young_full=young_full,
        both_incomplete=both_incomplete,
        one_incomplete=one_incomplete,
        both_full=both_full,
    )


def draw_households(persons: int, adults: int, rules: Rules, seed: int) -> pd.DataFrame:
    """Draw the households.

    Nothing else depends on an adult's index, so the first adults are as good a choice of people as any.

    Args:
        persons: residents of the Netherlands.
        adults: how many of them are adults; indices from there on are people abroad.
        rules: year of the amounts of AOW.
        seed: equal seeds give equal draws.

    Returns:
        One row per household: ``person`` and ``partner`` (an index, or ``NOBODY``), ``aow_cents``, ``has_partner``,
        ``lives_in_nl``, ``candidate``, ``person_incomplete``, ``partner_incomplete`` and ``partner_young``.
    """
    here = _region(forms(persons, abroad=False), 0, rules, stream(seed, "households/nl"))
    there = _region(forms(persons, abroad=True), adults, rules, stream(seed, "households/abroad"))
    here["lives_in_nl"], there["lives_in_nl"] = True, False
    return pd.concat([here, there], ignore_index=True)


def _region(counts: Forms, first: int, rules: Rules, rng: np.random.Generator) -> pd.DataFrame:
    single = _are(counts, "single_incomplete", "single_full")
    young = _are(counts, "young_incomplete", "young_full")
    both = _are(counts, "both_incomplete")
    one = _are(counts, "one_incomplete")
    person_it_is = rng.random(len(one)) < 0.5
    person_incomplete = _are(counts, "single_incomplete", "young_incomplete") | both | one & person_it_is
    partner_incomplete = both | one & ~person_it_is
    partner = np.full(len(single), NOBODY, dtype=np.int32)
    partner[~single] = first + len(single) + np.arange(counts.couples, dtype=np.int32)
    alone, together = (figure(TABLE, "svb", f"full_{form}_{rules}") for form in ("single", "partner"))
    full = np.where(single, alone, together)
    aow = _aow(full, person_incomplete, rng)
    aow += np.where(single | young, 0, _aow(full, partner_incomplete, rng))
    return pd.DataFrame(
        {
            "person": first + np.arange(len(single), dtype=np.int32),
            "partner": partner,
            "aow_cents": aow,
            "has_partner": ~single,
            "candidate": person_incomplete | partner_incomplete | young,
            "person_incomplete": person_incomplete,
            "partner_incomplete": partner_incomplete,
            "partner_young": young,
        }
    )


def _are(counts: Forms, *names: str) -> NDArray[np.bool_]:
    """Return which households, form by form, are of one of the named forms."""
    of_form = [(field.name in names, getattr(counts, field.name)) for field in fields(counts)]
    return np.repeat(np.array([named for named, _ in of_form]), [count for _, count in of_form])


def _aow(full: NDArray[np.float64], incomplete: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the AOW of one person per household, cut for each year that is missing."""
    years = figure(TABLE, "svb", "build_up_years")
    drawn = rng.random(len(full)) ** figure(TABLE, "svb", "missing_shape")
    missing = np.where(incomplete, 1 + np.floor((years - 1) * drawn), 0)
    return np.rint(full * CENTS_PER_EURO * (1 - missing / years)).astype(np.int64)
