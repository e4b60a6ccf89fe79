"""The local filter against the same filter in plain Python, and the conditions that cannot be."""

from __future__ import annotations

import datetime
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from psi_match.base.errors import ScenarioError
from psi_match.domain.columns import DTYPES, NUMERIC, ColumnType
from psi_match.domain.dataset import Dataset, DatasetSpec
from psi_match.domain.rejects import RejectReport
from psi_match.domain.where import Condition, check, select

DAY = datetime.date(2026, 1, 31)
SPEC = DatasetSpec.model_validate(
    {
        "name": "arrears",
        "bsn": "test",
        "reference_date": DAY,
        "columns": [{"name": kind, "source": "geheim", "type": kind} for kind in ColumnType],
    }
)
VALUES: dict[ColumnType, Any] = dict.fromkeys(NUMERIC, 3) | {
    ColumnType.BOOLEAN: True,
    ColumnType.DATE: DAY,
    ColumnType.TEXT: "Ede",
    ColumnType.BSN: "999900006",
}
ORDERED = (*NUMERIC, ColumnType.DATE)
COMPARE = {"at_least": operator.ge, "at_most": operator.le, "equals": operator.eq}
WHOLE = st.integers(-(10**17), 10**17)
CELLS: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.EUROS: WHOLE | st.integers(-2, 2),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.DATE: st.dates(datetime.date(2025, 12, 30), datetime.date(2026, 1, 2)) | st.dates(),
    ColumnType.TEXT: st.sampled_from(["Ede", "ede", "Urk", "Ede "]),
}


def dataset(columns: dict[ColumnType, list[Any]]) -> Dataset:
    rows = len(next(iter(columns.values())))
    arrays = {str(kind): np.array(values, dtype=DTYPES[kind]) for kind, values in columns.items()}
    return Dataset(np.arange(rows, dtype=np.uint32), arrays, DAY, RejectReport())


@given(st.data())
def test_rows_are_chosen_as_one_by_one(data: st.DataObject) -> None:
    rows = data.draw(st.integers(0, 8))
    cells = {kind: data.draw(st.lists(values, min_size=rows, max_size=rows)) for kind, values in CELLS.items()}
    conditions = []
    for kind in data.draw(st.lists(st.sampled_from(sorted(CELLS)), max_size=4)):
        operators = sorted(COMPARE) if kind in ORDERED else ["equals"]
        value = data.draw(CELLS[kind])
        conditions.append(Condition(column=kind, operator=data.draw(st.sampled_from(operators)), value=value))
    check(conditions, SPEC)
    chosen = select(dataset(cells), conditions)
    assert chosen.dtype == np.bool_
    assert chosen.tolist() == [
        all(COMPARE[each.operator](cells[ColumnType(each.column)][row], each.value) for each in conditions)
        for row in range(rows)
    ]


@pytest.mark.parametrize("value", [2**63, -(2**70)])
def test_amounts_beyond_64_bits_are_compared_and_not_wrapped(value: int) -> None:
    table = dataset({ColumnType.CENTS: [0, 2**62]})
    below = [value < 0] * 2
    assert select(table, [Condition(column="cents", operator="at_least", value=value)]).tolist() == below
    assert not select(table, [Condition(column="cents", operator="equals", value=value)]).any()


@pytest.mark.parametrize("kind", list(ColumnType))
@pytest.mark.parametrize("other", list(ColumnType))
@pytest.mark.parametrize("compare", list(COMPARE))
def test_only_fitting_values_and_operators_pass(kind: ColumnType, other: ColumnType, compare: Any) -> None:
    condition = Condition(column=kind, operator=compare, value=VALUES[other])
    fits = type(VALUES[kind]) is type(VALUES[other]) and (compare == "equals" or kind in ORDERED)
    fits = fits and kind is not ColumnType.BSN
    if fits:
        check([condition], SPEC)
        return
    with pytest.raises(ScenarioError, match=f"column {kind}, which dataset arrears declares as {kind}") as raised:
        check([condition], SPEC)
    assert "geheim" not in str(raised.value), "how a body names its columns is its own business"


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(ScenarioError, match="column absent, which dataset arrears does not declare"):
        check([Condition(column="absent", operator="equals", value=1)], SPEC)


@pytest.mark.parametrize(
    "condition",
    [
        {"column": "cents", "operator": "above", "value": 1},
        {"column": "cents", "operator": "equals", "value": 1.5},
        {"column": "cents", "operator": "equals"},
        {"column": "cents", "operator": "equals", "value": 1, "or": 2},
        {"column": "cents", "operator": "equals", "value": None},
    ],
)
def test_conditions_of_another_shape_are_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(condition)
