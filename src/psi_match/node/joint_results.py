"""What a recipient's operator reads: the opened values of a joint run as a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.domain.columns import bsn_column
from psi_match.protocols.circuits import WORD_ROWS, Planes
from psi_match.protocols.join_plan import BSN_BITS, Plan
from psi_match.protocols.join_session import Learned, OwnRows
from psi_match.protocols.planes import from_planes
from psi_match.scenario.join_model import JoinScenario, StatisticsOutput
from psi_match.scenario.row_circuit import ResultField, label_field, signal_fields


def result_table(
    scenario: JoinScenario, plan: Plan, party: str, own: OwnRows | None, learned: Learned
) -> pd.DataFrame | None:
    """Return what a party learned.

    Returns:
        ``members`` and ``label``: column ``bsn``, and the label's name; one row per own row where the predicate holds.
        ``signal``: ``bsn`` and the declared columns, one row per person. ``statistics``: ``group``, ``count`` (missing
        where suppressed) and ``suppressed``. None for a party that learned nothing.
    """
    if learned.members is not None and own is not None:
        return _members(scenario, own, learned)
    for number, signal in enumerate(plan.signals):
        if signal.recipient == party:
            return _signal(signal_fields(scenario, int(signal.field.split("/")[1])), learned.signals[number])
    outputs = [output for output in scenario.outputs if isinstance(output, StatisticsOutput)]
    for number, output in enumerate(outputs):
        if output.recipient == party:
            counts = learned.statistics[number]
            return pd.DataFrame(
                {
                    "group": [group.name for group in output.groups],
                    "count": pd.array(counts, dtype="Int64"),
                    "suppressed": [count is None for count in counts],
                }
            )
    return None


def _members(scenario: JoinScenario, own: OwnRows, learned: Learned) -> pd.DataFrame:
    # Safe: the caller has looked.
    assert learned.members is not None  # noqa: S101
    rows = np.flatnonzero(learned.members)
    rows = rows[np.argsort(own.keys[0][rows])]
    columns: dict[str, Any] = {"bsn": pd.Series(bsn_column(own.keys[0][rows]), dtype="str")}
    if learned.label is not None:
        field = label_field(scenario)
        columns[field.name] = _typed(field, learned.label[rows])
    return pd.DataFrame(columns)


def _signal(fields: list[ResultField], planes: Planes) -> pd.DataFrame:
    rows = planes.shape[1] * WORD_ROWS
    there = np.flatnonzero(from_planes(planes[:1], rows))
    numbers = from_planes(planes[1 : 1 + BSN_BITS], rows)[there].astype(np.uint32)
    columns: dict[str, Any] = {"bsn": pd.Series(bsn_column(numbers), dtype="str")}
    first = 1 + BSN_BITS
    for field in fields:
        columns[field.name] = _typed(field, from_planes(planes[first : first + field.bits], rows)[there])
        first += field.bits
    return pd.DataFrame(columns).sort_values("bsn", ignore_index=True)


def _typed(field: ResultField, values: NDArray[np.int64]) -> NDArray[Any]:
    if field.boolean:
        return values.astype(np.bool_)
    if field.signed:
        # Two's complement of the field's width, as it came out of the circuit.
        sign = np.int64(1) << np.int64(field.bits - 1)
        return (values ^ sign) - sign
    return values
