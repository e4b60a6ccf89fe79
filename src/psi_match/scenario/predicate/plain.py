"""The plaintext twin of a compiled predicate: the same typed tree, evaluated on numpy columns in the clear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psi_match.scenario.predicate.types import BOOLEAN, Typed

Values = NDArray[Any]
Lookup = Callable[[Typed], Values]
"""Gives the values of an ``own``, ``present`` or ``column`` part, one per row."""


def evaluate(typed: Typed, rows: int, lookup: Lookup) -> Values:
    """Evaluate a checked expression.

    Returns:
        (rows,) bool or int64.
    """
    if typed.name == "constant":
        return np.full(rows, typed.value, dtype=np.bool_ if typed.unit == BOOLEAN else np.int64)
    if typed.name in {"own", "present", "column"}:
        found = lookup(typed)
        return found.astype(np.bool_) if typed.unit == BOOLEAN else found.astype(np.int64)
    values = [evaluate(operand, rows, lookup) for operand in typed.operands]
    match typed.name:
        case "and":
            return values[0] & values[1]
        case "or":
            return values[0] | values[1]
        case "not":
            return ~values[0]
        case "<":
            return np.less(values[0], values[1])
        case "==":
            return np.equal(values[0], values[1])
        case "if":
            return np.where(values[0], values[1], values[2])
        case "-":
            return values[0] - values[1]
        case _:  # + sum count
            total = np.zeros(rows, dtype=np.int64)
            for value in values:
                total += value
            return total
