"""The local filter of a scenario: which of a party's own rows take part. It never leaves the party."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from psi_match.base.errors import ScenarioError
from psi_match.domain.columns import NUMERIC, ColumnType
from psi_match.domain.dataset import Dataset, DatasetSpec


class Condition(BaseModel):
    """One condition on one column.

    Args:
        column: canonical name of a declared column.
        operator: how to compare.
        value: with what; amounts in cents.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    column: str
    operator: Literal["at_least", "at_most", "equals"]
    value: bool | int | datetime.date | str


def check(conditions: Sequence[Condition], spec: DatasetSpec) -> None:
    """Check that conditions fit a dataset.

    Raises:
        ScenarioError: a column is not declared, or its type does not fit the condition.
    """
    for condition in conditions:
        column = spec.column(condition.column)
        if column is None:
            raise ScenarioError(
                f"The scenario filters on column {condition.column}, which dataset {spec.name} does not declare.",
                "Declare it under [[datasets.columns]] in the node's config.",
            )
        if not _fits(condition, column.type):
            raise ScenarioError(
                f"The scenario's condition `{condition.operator}` does not fit column {condition.column}, "
                f"which dataset {spec.name} declares as {column.type}.",
                "Compare the scenario's `where` with the node's config.",
            )


def _fits(condition: Condition, kind: ColumnType) -> bool:
    value = condition.value
    if kind is ColumnType.BSN:
        # A scenario is about rows with a property, never about one person.
        return False
    if kind in NUMERIC:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is ColumnType.DATE:
        return isinstance(value, datetime.date)
    expected = bool if kind is ColumnType.BOOLEAN else str
    return condition.operator == "equals" and isinstance(value, expected)


def select(dataset: Dataset, conditions: Sequence[Condition]) -> NDArray[np.bool_]:
    """Return which rows meet all conditions; ``check`` must have passed."""
    chosen = np.ones(dataset.rows, dtype=np.bool_)
    for condition in conditions:
        column = dataset.columns[condition.column]
        value = np.datetime64(condition.value) if isinstance(condition.value, datetime.date) else condition.value
        match condition.operator:
            case "at_least":
                chosen &= column >= value
            case "at_most":
                chosen &= column <= value
            case "equals":
                chosen &= column == value
    return chosen
