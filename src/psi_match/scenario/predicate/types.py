"""From syntax tree to typed tree: every part gets its unit and the exact range of its values.

Units never mix: cents are not cents per month. A bare number takes the unit of what it is compared with or added to.
The typed tree has fewer operators than the language: ``>`` is ``<`` with its sides changed, ``>=`` is ``not <``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psi_match.protocols.integers import bits_for
from psi_match.scenario.predicate.parser import Source
from psi_match.scenario.predicate.tree import Constant, Literal, Node, Operation, Reference

BOOLEAN = "boolean"
NUMBER = "number"
CODE = "code"
BARE = ""
"""The unit of a bare number: it takes that of the other side."""

PRESENT = "present"
LEADER = "leader"
MOST_BITS = 63
"""Values beyond this are refused: columns and twins hold them in signed 64-bit integers."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """The type of a column or constant: unit and range."""

    unit: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean in one leader's turn.

    Args:
        leader: the leader's party id.
        columns: per party with data, its columns.
        keys: the leader's key columns, the row's own first.
        constants: value and unit of every constant.
    """

    leader: str
    columns: Mapping[str, Mapping[str, Quantity]]
    keys: tuple[str, ...]
    constants: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Typed:
    """A part of a checked expression.

    Args:
        name: ``constant``, ``own`` (a leader's column), ``present`` or ``column`` (of a data party), or an operator:
            ``+ - < == and or not count sum if``.
        unit: ``boolean``, or what it counts.
        low: lowest value; 0 for booleans.
        high: highest value; 1 for booleans.
        operands: parts.
        value: of a constant.
        party: whose column it is.
        column: its name.
        key: of which key column.
    """

    name: str
    unit: str
    low: int
    high: int
    operands: tuple[Typed, ...] = ()
    value: int = 0
    party: str = ""
    column: str = ""
    key: str = ""

    def parts(self) -> list[Typed]:
        """Return this part and everything in it."""
        return [self, *(part for operand in self.operands for part in operand.parts())]


def check(node: Node, scope: Scope, source: Source) -> Typed:
    """Check an expression for one leader.

    Raises:
        ScenarioError: a name is unknown, units do not fit, or values could grow too large; it points at the character.
    """
    return _Checker(scope, source).check(node)


def check_boolean(node: Node, scope: Scope, source: Source) -> Typed:
    """Check an expression that must be true or false.

    Raises:
        ScenarioError: as ``check``, or it is a number.
    """
    return _Checker(scope, source).boolean(node)


class _Checker:
    def __init__(self, scope: Scope, source: Source) -> None:
        self._scope = scope
        self._source = source

    def check(self, node: Node) -> Typed:
        match node:
            case Literal():
                unit = BOOLEAN if isinstance(node.value, bool) else BARE
                return Typed("constant", unit, int(node.value), int(node.value), value=int(node.value))
            case Constant():
                if node.name not in self._scope.constants:
                    known = ", ".join(self._scope.constants) or "none"
                    hint = f"Known constants: {known}. A column is written party.column."
                    if "-" in node.name:
                        hint += " A minus needs white space around it."
                    raise self._source.error(f"there is no constant {node.name}.", node.at, hint)
                value, unit = self._scope.constants[node.name]
                return Typed("constant", unit, value, value, value=value)
            case Reference():
                return self._reference(node)
            case Operation():
                return self._operation(node)

    def boolean(self, node: Node) -> Typed:
        typed = self.check(node)
        if typed.unit != BOOLEAN:
            raise self._source.error("this must be true or false, but it is a number.", node.at, "Compare it.")
        return typed

    def _number(self, node: Node) -> Typed:
        typed = self.check(node)
        if typed.unit == BOOLEAN:
            raise self._source.error(
                "this must be a number, but it is true or false.", node.at, "Count it: count(...)."
            )
        return typed

    def _quantity(self, node: Node) -> Typed:
        typed = self._number(node)
        if typed.unit == CODE:
            raise self._source.error("a code is a name, not a quantity: it has no order or sum.", node.at)
        return typed

    def _reference(self, node: Reference) -> Typed:
        scope = self._scope
        party = scope.leader if node.party == LEADER else node.party
        if party not in scope.columns:
            hint = f"Parties with data: {', '.join(scope.columns)}; {LEADER} is the leader itself."
            raise self._source.error(f"there is no party {node.party} with data.", node.at, hint)
        if party == scope.leader:
            if node.key is not None and node.key != scope.keys[0]:
                raise self._source.error("the leader's own columns have no key in brackets.", node.at)
            if node.column == PRESENT:
                return Typed("constant", BOOLEAN, 1, 1, value=1)
        key = node.key or scope.keys[0]
        if party != scope.leader and key not in scope.keys:
            hint = f"The keys of {scope.leader} are {', '.join(scope.keys)}."
            raise self._source.error(f"{scope.leader} has no key column {key}.", node.at, hint)
        if node.column == PRESENT:
            return Typed(PRESENT, BOOLEAN, 0, 1, party=party, key=key)
        if node.column not in scope.columns[party]:
            hint = f"Its columns are {', '.join(scope.columns[party]) or 'none'}, and {PRESENT}."
            raise self._source.error(f"{party} has no column {node.column}.", node.at, hint)
        quantity = scope.columns[party][node.column]
        if party == scope.leader:
            return Typed("own", quantity.unit, quantity.low, quantity.high, party=party, column=node.column)
        return Typed("column", quantity.unit, quantity.low, quantity.high, party=party, column=node.column, key=key)

    def _operation(self, node: Operation) -> Typed:
        match node.name:
            case "and" | "or" | "not":
                return _boolean(node.name, *(self.boolean(operand) for operand in node.operands))
            case "count":
                counted = tuple(self.boolean(operand) for operand in node.operands)
                return Typed("count", NUMBER, 0, len(counted), counted)
            case "sum":
                return self._sum(node)
            case "+" | "-":
                return self._added(node)
            case "neg":
                (operand,) = (self._quantity(operand) for operand in node.operands)
                zero = Typed("constant", operand.unit, 0, 0)
                return self._bounded(Typed("-", operand.unit, -operand.high, -operand.low, (zero, operand)), node)
            case "if":
                return self._conditional(node)
        return self._comparison(node)

    def _sum(self, node: Operation) -> Typed:
        parts = [self._quantity(operand) for operand in node.operands]
        unit = self._common(parts, node)
        low, high = sum(part.low for part in parts), sum(part.high for part in parts)
        return self._bounded(Typed("sum", unit, low, high, tuple(parts)), node)

    def _added(self, node: Operation) -> Typed:
        left, right = (self._quantity(operand) for operand in node.operands)
        unit = self._common([left, right], node)
        if node.name == "+":
            low, high = left.low + right.low, left.high + right.high
        else:
            low, high = left.low - right.high, left.high - right.low
        return self._bounded(Typed(node.name, unit, low, high, (left, right)), node)

    def _conditional(self, node: Operation) -> Typed:
        condition = self.boolean(node.operands[0])
        then, otherwise = (self.check(operand) for operand in node.operands[1:])
        unit = self._common([then, otherwise], node)
        low, high = min(then.low, otherwise.low), max(then.high, otherwise.high)
        return Typed("if", unit, low, high, (condition, then, otherwise))

    def _comparison(self, node: Operation) -> Typed:
        by_name = node.name in {"==", "!="}
        left, right = (self.check(o) if by_name else self._quantity(o) for o in node.operands)
        self._common([left, right], node)
        match node.name:
            case "<":
                return _boolean("<", left, right)
            case ">":
                return _boolean("<", right, left)
            case "<=":
                return _boolean("not", _boolean("<", right, left))
            case ">=":
                return _boolean("not", _boolean("<", left, right))
            case "==":
                return _boolean("==", left, right)
        return _boolean("not", _boolean("==", left, right))

    def _common(self, parts: list[Typed], node: Operation) -> str:
        units = sorted({part.unit for part in parts} - {BARE})
        if len(units) > 1 or (BOOLEAN in units and any(part.unit == BARE for part in parts)):
            shown = " and ".join(units if len(units) > 1 else [BOOLEAN, "a number"])
            raise self._source.error(f"{shown} do not go together.", node.at, "Amounts, months and counts do not mix.")
        return units[0] if units else BARE

    def _bounded(self, typed: Typed, node: Operation) -> Typed:
        if bits_for(typed.low, typed.high) > MOST_BITS:
            raise self._source.error(
                f"the result could need more than {MOST_BITS} bits.", node.at, "Declare narrower columns."
            )
        return typed


def _boolean(name: str, *operands: Typed) -> Typed:
    return Typed(name, BOOLEAN, 0, 1, operands)
