"""From typed tree to gates."""

from __future__ import annotations

from collections.abc import Callable

from psi_match.protocols.circuits import ONE, ZERO, CircuitBuilder, Wire
from psi_match.protocols.integers import Arithmetic, Number
from psi_match.scenario.predicate.types import BOOLEAN, Typed

Inputs = Callable[[Typed], Number]
"""Gives the input of an ``own``, ``present`` or ``column`` part; a boolean is a number of one bit."""


class Compiler:
    """Compiles checked expressions into one builder.

    Args:
        builder: receives the gates.
        arithmetic: on the same builder.
        inputs: where values come from.
    """

    def __init__(self, builder: CircuitBuilder, arithmetic: Arithmetic, inputs: Inputs) -> None:
        self._b = builder
        self._arithmetic = arithmetic
        self._inputs = inputs

    def boolean(self, typed: Typed) -> Wire:
        """Return the wire of an expression that is true or false."""
        match typed.name:
            case "and":
                return self._b.and_(self.boolean(typed.operands[0]), self.boolean(typed.operands[1]))
            case "or":
                return self._b.or_(self.boolean(typed.operands[0]), self.boolean(typed.operands[1]))
            case "not":
                return self._b.not_(self.boolean(typed.operands[0]))
            case "<":
                return self._arithmetic.less_than(*map(self.number, typed.operands))
            case "==":
                return self._arithmetic.equal(*map(self.number, typed.operands))
            case "if":
                return self._b.select(*map(self.boolean, typed.operands))
        return self._leaf(typed).wires[0]

    def number(self, typed: Typed) -> Number:
        """Return the number of an expression; true is 1 and false is 0."""
        if typed.unit == BOOLEAN:
            return self._arithmetic.from_bit(self.boolean(typed))
        match typed.name:
            case "+" | "sum":
                return self._arithmetic.total([self.number(operand) for operand in typed.operands])
            case "count":
                return self._arithmetic.total([self._arithmetic.from_bit(self.boolean(o)) for o in typed.operands])
            case "-":
                return self._arithmetic.subtract(*map(self.number, typed.operands))
            case "if":
                then, otherwise = map(self.number, typed.operands[1:])
                return self._arithmetic.select(self.boolean(typed.operands[0]), then, otherwise)
        return self._leaf(typed)

    def _leaf(self, typed: Typed) -> Number:
        if typed.name == "constant":
            if typed.unit == BOOLEAN:
                return Number((ONE if typed.value else ZERO,), 0, 1)
            return self._arithmetic.constant(typed.value)
        return self._inputs(typed)
