"""Who takes part in a scenario with which rows, and how the parties' people overlap, from the parties' own files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.base.errors import DataError
from psi_match.bench.truth import CREDITORS, MUNICIPALITY_CODES
from psi_match.domain.where import Condition
from psi_match.population.truth import Truth
from psi_match.scenario.join_model import AnyScenario, JoinParty, JoinScenario
from psi_match.scenario.model import ScenarioParty

_NOTE = {
    "nl": "Synthetische waarheid, met precieze aantallen: geen partij kent de hele figuur.",
    "en": "Synthetic truth, with exact counts: no party knows the whole picture.",
}


@dataclass(frozen=True, slots=True, repr=False)
class Members:
    """A party's part in a scenario.

    Args:
        rows: rows after its local filter, as ``rows_in`` of its record says: in a pairwise scenario without whoever
            opted out at it, in a joint one with them.
        opted_out: rows in which somebody opted out at it, as its record says.
        persons: the people in its rows, a partner included, without those who are kept out of the outcome.
    """

    rows: int
    opted_out: int
    persons: NDArray[np.object_]

    def __repr__(self) -> str:
        return f"Members({self.rows} rows)"


def take_part(scenario: AnyScenario, truth: Truth, folder: Path) -> dict[str, Members]:
    """Return every party with data, in the order of the scenario.

    Raises:
        DataError: a file of a party is missing or not readable.
    """
    joint = isinstance(scenario, JoinScenario)
    parties = [party for party in scenario.parties if party.dataset]
    lists = truth.opt_outs
    anywhere = lists["bsn"][lists["party"].isin([party.id for party in parties])]
    found = {}
    for party in parties:
        table = _filtered(folder / party.id / f"{party.dataset}.parquet", party)
        keys = [key.column for key in party.keys] if isinstance(party, JoinParty) else ["bsn"]
        here = table[keys].isin(set(lists["bsn"][lists["party"] == party.id])).any(axis=1)
        gone = table[keys].isin(set(anywhere)).any(axis=1) if joint else here
        people = pd.unique(table.loc[~gone, keys].to_numpy(dtype=object).ravel())
        found[party.id] = Members(
            rows=len(table) if joint else int((~here).sum()),
            opted_out=int(here.sum()),
            persons=people[~pd.isna(people)],
        )
    return found


def overlap(persons: Mapping[str, NDArray[np.object_]]) -> dict[str, Any]:
    """Return how many people have rows at exactly which parties, the largest group first, and how many they are."""
    parties = list(persons)
    everyone = pd.Index(pd.unique(np.concatenate([*persons.values(), np.empty(0, dtype=object)])))
    inside = np.stack([everyone.isin(own) for own in persons.values()], axis=1)
    groups, counts = np.unique(inside, axis=0, return_counts=True)
    cells = [
        {"in": [party for party, there in zip(parties, group, strict=True) if there], "count": int(count)}
        for group, count in zip(groups, counts, strict=True)
    ]
    cells.sort(key=lambda cell: (-int(str(cell["count"])), cell["in"]))
    return {
        "distinct_persons": len(everyone),
        "overlap": {"parties": parties, "cells": cells, "note": _NOTE},
    }


def rows_of_residents(scenario: JoinScenario, truth: Truth, members: Mapping[str, Members]) -> dict[str, Any]:
    """Return how many rows of each creditor are of a municipality's own residents, and how many people those are.

    A creditor that gives each municipality its own residents only is the other way to reach a signal.
    """
    town = truth.people["municipality"]
    rows: dict[str, dict[str, int]] = {}
    residents: dict[str, int] = {}
    for recipient in scenario.recipients:
        living = set(truth.people["bsn"][town == MUNICIPALITY_CODES[recipient]])
        own = {party: living & set(member.persons) for party, member in members.items() if party in CREDITORS}
        rows[recipient] = {party: len(people) for party, people in own.items()}
        residents[recipient] = len(set().union(*own.values()))
    return {"rows_of_residents": rows, "residents": residents}


def _filtered(path: Path, party: ScenarioParty | JoinParty) -> pd.DataFrame:
    hint = "Make a population with `psi-match population generate`."
    try:
        table = pd.read_parquet(path)
    except OSError as cause:
        raise DataError(f"Cannot read {path}: {cause.strerror or 'not a Parquet file'}.", hint) from None
    except ValueError:
        raise DataError(f"{path} is not a Parquet file.", hint) from None
    for condition in party.where:
        if condition.column not in table:
            raise DataError(f"{path} has no column {condition.column}.", hint)
        table = table[_meets(table[condition.column], condition)]
    return table


def _meets(column: pd.Series[Any], condition: Condition) -> pd.Series[bool]:
    compared: pd.Series[bool] = {
        "at_least": lambda: column >= condition.value,
        "at_most": lambda: column <= condition.value,
        "equals": lambda: column == condition.value,
    }[condition.operator]()
    return compared.fillna(value=False).astype(bool)
