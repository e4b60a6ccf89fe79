"""The plain answer of a scenario, in the form that an evaluation needs: counts, whom it selects, a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psi_match.bench.truth import expected_join, expected_result
from psi_match.population.truth import Truth
from psi_match.scenario.join_model import AnyScenario, JoinScenario, StatisticsOutput


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """The right answer to a scenario.

    Args:
        expected: rows of the result per recipient; of a pairwise scenario also matches per data party.
        selected: BSNs of the rows that it selects, over all recipients; none of a table of counts.
        count: how many it selects; of a table of counts the sum of the counts that it shows.
        table: the cells of a table of counts.
    """

    expected: dict[str, int]
    selected: frozenset[str]
    count: int
    table: list[dict[str, Any]] | None = None

    def __repr__(self) -> str:
        return f"Answer({self.count})"


def answer(scenario: AnyScenario, truth: Truth) -> Answer:
    """Return the right answer to a scenario, in plain pandas.

    Args:
        scenario: one that ``bench.truth`` knows; its filters and constants count.
        truth: of the population.

    Raises:
        KeyError: no truth is known for it.
    """
    if not isinstance(scenario, JoinScenario):
        result = expected_result(truth, scenario)
        matches = {party: int(result[party].sum()) for party in scenario.data_parties}
        return Answer({scenario.leader: len(result), **matches}, frozenset(result["bsn"]), len(result))
    tables = expected_join(scenario, truth)
    expected = {recipient: len(table) for recipient, table in tables.items()}
    if any(isinstance(output, StatisticsOutput) for output in scenario.outputs):
        cells: list[dict[str, Any]] = [
            {"group": str(group), "count": None if hidden else int(count), "suppressed": bool(hidden)}
            for table in tables.values()
            for group, count, hidden in zip(table["group"], table["count"], table["suppressed"], strict=True)
        ]
        return Answer(expected, frozenset(), sum(cell["count"] or 0 for cell in cells), cells)
    selected = frozenset(number for table in tables.values() for number in table["bsn"])
    return Answer(expected, selected, len(selected))
