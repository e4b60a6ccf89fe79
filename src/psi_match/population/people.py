"""Everyone who stands in any file: who they are, where, and with what.

People have an index: first the adults who live in the Netherlands, then people with AOW abroad and their partners. The
tables here name people by index; only files name them by number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.ages import draw_age_groups
from psi_match.population.arrears import draw_arrears
from psi_match.population.choices import Choices
from psi_match.population.clients import draw_clients
from psi_match.population.household_types import draw_household_types
from psi_match.population.households import NOBODY, draw_households, forms
from psi_match.population.means import MEANS, PREFIX, add_means
from psi_match.population.membership import ARREARS_BODIES, adults
from psi_match.population.municipalities import MUNICIPALITIES, code, draw_debt_help, draw_municipalities
from psi_match.population.numbers import draw_numbers
from psi_match.population.opt_outs import draw_opt_outs
from psi_match.population.presence import draw_presence
from psi_match.population.streams import stream

PARTIES = (*ARREARS_BODIES, *MUNICIPALITIES)
"""Everyone with data. Nodes without data are in no population."""


@dataclass(frozen=True, slots=True, repr=False)
class People:
    """A population, as far as it stands in files.

    Args:
        numbers: (n,) the synthetic number of each person; zero for adults in no file.
        arrears: everyone in arrears; see ``draw_arrears``.
        households: everyone with AOW, and partners; see ``draw_households`` and ``add_means``.
        clients: clients of UWV; see ``draw_clients``.
        debt_help: municipality to the indices of those whom its debt help knows.
        opt_outs: party to the indices of those who asked it to be left out.
    """

    numbers: NDArray[np.uint32]
    arrears: pd.DataFrame
    households: pd.DataFrame
    clients: pd.DataFrame
    debt_help: dict[str, NDArray[np.int32]]
    opt_outs: dict[str, NDArray[np.int32]]

    def __repr__(self) -> str:
        return f"People({np.count_nonzero(self.numbers)} people)"


DRAW_STEPS = 5
"""How often ``draw_people`` says what it is at."""


def draw_people(
    persons: int,
    seed: int,
    choices: Choices = Choices(),  # noqa: B008  # Frozen.
    step: Callable[[str], None] = lambda _step: None,
) -> People:
    """Draw a population.

    Args:
        persons: residents of the Netherlands.
        seed: equal seeds and choices give equal people.
        choices: what published figures leave open.
        step: called with what is drawn next.
    """
    step("households")
    grown_up = adults(persons)
    everyone = grown_up + forms(persons, abroad=True).people
    households = draw_households(persons, grown_up, choices.rules, seed)
    add_means(households, persons, choices, seed)
    step("ages and municipalities")
    ages = draw_age_groups(grown_up, households, seed)
    municipality = draw_municipalities(grown_up, seed)
    step("arrears")
    arrears = draw_arrears(draw_presence(persons, ages, choices.tax_as_one, seed), municipality, ages, seed)
    first_free = forms(persons, abroad=False).people
    clients = draw_clients(persons, np.arange(first_free, grown_up, dtype=np.int32), arrears, seed)
    arrears["household_type"] = draw_household_types(arrears, households, clients, seed)
    step("debt help and opt-outs")
    debt_help = draw_debt_help(arrears, municipality, seed)
    holdings = _holdings(everyone, arrears, households, clients, debt_help)
    known = np.logical_or.reduce(list(holdings.values()))
    opt_outs = {}
    for party in PARTIES:
        reach = known & _lives_in(party, municipality, everyone)
        opt_outs[party] = draw_opt_outs(party, holdings[party], reach & ~holdings[party], seed)
    step("numbers")
    numbers = np.zeros(everyone, dtype=np.uint32)
    numbers[known] = draw_numbers(int(known.sum()), stream(seed, "numbers"))
    return People(numbers, arrears, households, clients, debt_help, opt_outs)


def _lives_in(party: str, municipality: NDArray[np.int16], everyone: int) -> NDArray[np.bool_]:
    """Tell of each person whether a party could have to do with them: a municipality with its residents only."""
    if party not in MUNICIPALITIES:
        return np.ones(everyone, dtype=np.bool_)
    resident = np.zeros(everyone, dtype=np.bool_)
    resident[: len(municipality)] = municipality == code(party)
    return resident


def _holdings(
    everyone: int,
    arrears: pd.DataFrame,
    households: pd.DataFrame,
    clients: pd.DataFrame,
    debt_help: dict[str, NDArray[np.int32]],
) -> dict[str, NDArray[np.bool_]]:
    """Return, per party, of whom it holds data."""
    held = {party: np.zeros(everyone, dtype=np.bool_) for party in PARTIES}
    for body in ARREARS_BODIES:
        held[body][arrears["person"][arrears[f"{body}_present"]]] = True
    for who in ("person", "partner"):
        index = households[who].to_numpy()
        held["svb"][index[index != NOBODY]] = True
        for party, columns in MEANS.items():
            has = np.logical_or.reduce([households[f"{PREFIX[who]}{column}"] > 0 for column in columns])
            held[party][index[has]] = True
    held["uwv"][clients["person"]] = True
    for municipality, known in debt_help.items():
        held[municipality][known] = True
    return held
