"""The expected answer of a scenario, from the population's truth, in plain pandas.

It shares no code with the nodes: not the readers, not the filter, not the protocol.
"""

from __future__ import annotations

import pandas as pd

from psi_match.scenario.model import Scenario


def expected_result(truth: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """Return what the leader must learn.

    Args:
        truth: one row per person, with ``PARTY_present`` and ``PARTY_COLUMN`` columns.
        scenario: a pairwise scenario.

    Returns:
        One row per person of the leader that at least one other party has too: ``bsn`` and one column per party.
    """
    takes_part = {party.id: truth[f"{party.id}_present"].copy() for party in scenario.parties}
    for party in scenario.parties:
        for condition in party.where:
            column = truth[f"{party.id}_{condition.column}"]
            meets = {
                "at_least": column >= condition.value,
                "at_most": column <= condition.value,
                "equals": column == condition.value,
            }[condition.operator]
            takes_part[party.id] &= meets.fillna(False).astype(bool)
    hits = pd.DataFrame({party: takes_part[scenario.leader] & takes_part[party] for party in scenario.data_parties})
    hits.insert(0, "bsn", truth["bsn"])
    return hits[hits[scenario.data_parties].any(axis=1)].sort_values("bsn", ignore_index=True)


def same_result(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    """Tell whether two results hold the same rows and answers."""
    if list(left.columns) != list(right.columns) or len(left) != len(right):
        return False
    return all((left[name].astype(str).to_numpy() == right[name].astype(str).to_numpy()).all() for name in left.columns)
