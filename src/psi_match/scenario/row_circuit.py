"""The circuit of a leader's turn, and what goes in and out of it: evaluated on every row of that leader.

Inputs: ``valid``; ``has_key/KEY`` for every key column but the first; per data party and key column
``PARTY/KEY/present``, ``PARTY/KEY/excluded`` and ``PARTY/KEY/COLUMN``, zero where the row's key was not found;
``leader/COLUMN``; ``leader/bsn`` where persons are signalled.

Outputs: ``members``, ``label``, ``signal/N``, ``group/N/NAME``. Every one is zero where the row is no row, where
anyone in it opted out at any party, where something that the expression needs is unknown, and - but for counts of
pairs - where an earlier leader holds the person. Negations are therefore harmless on empty bins.
"""

from __future__ import annotations

from dataclasses import dataclass

from psi_match.protocols.circuits import ONE, ZERO, Circuit, CircuitBuilder, Wire
from psi_match.protocols.integers import Adder, Arithmetic, Number, bits_for
from psi_match.protocols.join_plan import BSN_BITS
from psi_match.scenario.expressions import Expressions, checked
from psi_match.scenario.join_model import (
    JoinColumn,
    JoinScenario,
    LabelOutput,
    MembersOutput,
    SignalOutput,
    StatisticsOutput,
)
from psi_match.scenario.predicate.compiler import Compiler
from psi_match.scenario.predicate.types import BOOLEAN, PRESENT, Typed


@dataclass(frozen=True, slots=True)
class Join:
    """One data party in a leader's turn.

    Args:
        data_party: party id.
        columns: those of its columns that the expressions of this turn use.
    """

    data_party: str
    columns: tuple[JoinColumn, ...]


@dataclass(frozen=True, slots=True)
class ResultField:
    """How a recipient reads one value.

    Args:
        name: column of the result.
        bits: width.
        signed: whether it can be negative.
        boolean: whether it is true or false.
    """

    name: str
    bits: int
    signed: bool
    boolean: bool


def joins(scenario: JoinScenario, leader: str) -> list[Join]:
    """Return the joins of a leader's turn: with *every* party that has data, where anyone may have opted out."""
    used = {
        (part.party, part.column) for typed in checked(scenario, leader).all() for part in typed.parts() if part.column
    }
    return [
        Join(party.id, tuple(column for column in party.columns if (party.id, column.name) in used))
        for party in scenario.parties
        if party.dataset is not None and party.id != leader
    ]


def compile_row_circuit(scenario: JoinScenario, leader: str, adder: Adder = "ripple") -> Circuit:
    """Compile the circuit of a leader's turn.

    Raises:
        ScenarioError: an expression is wrong.
    """
    return _RowCircuit(scenario, leader, adder).build()


def label_field(scenario: JoinScenario) -> ResultField:
    """Return how the leader reads its label."""
    name = next(output.name for output in scenario.outputs if isinstance(output, LabelOutput))
    typed = checked(scenario, scenario.leaders[0]).label
    # Safe: there is a label output.
    assert typed is not None  # noqa: S101
    return _field(name, typed)


def signal_fields(scenario: JoinScenario, number: int) -> list[ResultField]:
    """Return how a recipient reads the columns of its signal, after the bit and the BSN."""
    columns = [checked(scenario, leader).signals[number][1] for leader in scenario.leaders]
    return [_widest([_field(name, turn[name]) for turn in columns]) for name in columns[0]]


def _field(name: str, typed: Typed) -> ResultField:
    low, high = min(typed.low, 0), max(typed.high, 0)
    return ResultField(name, max(1, bits_for(low, high)), low < 0, typed.unit == BOOLEAN)


def _widest(fields: list[ResultField]) -> ResultField:
    signed = any(field.signed for field in fields)
    bits = max(field.bits + (signed and not field.signed) for field in fields)
    return ResultField(fields[0].name, bits, signed, fields[0].boolean)


class _RowCircuit:
    def __init__(self, scenario: JoinScenario, leader: str, adder: Adder) -> None:
        self._scenario = scenario
        self._leader = leader
        self._b = CircuitBuilder()
        self._arithmetic = Arithmetic(self._b, adder)
        self._compiler = Compiler(self._b, self._arithmetic, self._input)
        self._wires: dict[str, tuple[Wire, ...]] = {}
        self._expressions: Expressions = checked(scenario, leader)
        self._keys = [key.name for key in scenario.party(leader).keys]
        self._others = [join.data_party for join in joins(scenario, leader)]

    def build(self) -> Circuit:
        b, expressions = self._b, self._expressions
        row = b.and_(self._raw("valid", 1)[0], b.not_(self._anyone_excluded()))
        first = b.and_(row, b.not_(b.any_([self._present(e, self._keys[0]) for e in self._earlier()])))
        holds = self._all_true(first, expressions.predicate)
        for number, output in enumerate(self._scenario.outputs):
            match output:
                case MembersOutput():
                    b.output("members", (holds,))
                case LabelOutput():
                    # Safe: checked expressions hold the label of a label output.
                    assert expressions.label is not None  # noqa: S101
                    known = b.and_(holds, self._known(expressions.label))
                    b.output("members", (known,))
                    b.output("label", self._masked(known, expressions.label, label_field(self._scenario)))
                case SignalOutput():
                    b.output(f"signal/{number}", self._signal(number, holds))
                case StatisticsOutput():
                    base = holds if output.table == "cells" else row
                    for name, typed in expressions.groups[number].items():
                        counted = ZERO if typed is None else self._all_true(base, typed)
                        b.output(f"group/{number}/{name}", (counted,))
        return b.build()

    def _signal(self, number: int, holds: Wire) -> list[Wire]:
        when, columns = self._expressions.signals[number]
        shown = self._all_true(holds, when)
        for typed in columns.values():
            shown = self._b.and_(shown, self._known(typed))
        wires = [shown, *(self._b.and_(shown, wire) for wire in self._raw("leader/bsn", BSN_BITS))]
        for field in signal_fields(self._scenario, number):
            wires += self._masked(shown, columns[field.name], field)
        return wires

    def _masked(self, shown: Wire, typed: Typed, field: ResultField) -> list[Wire]:
        number = self._compiler.number(typed)
        fill = number.wires[-1] if number.low < 0 else ZERO
        wires = (list(number.wires) + [fill] * field.bits)[: field.bits]
        return [self._b.and_(shown, wire) for wire in wires]

    def _all_true(self, base: Wire, typed: Typed) -> Wire:
        return self._b.and_(base, self._b.and_(self._known(typed), self._compiler.boolean(typed)))

    def _known(self, typed: Typed) -> Wire:
        """True unless the expression asks a party for a key that it does not have, where absence means unknown."""
        asked = {(part.party, part.key) for part in typed.parts() if part.name in {PRESENT, "column"}}
        unknown = [
            self._b.and_(self._has_key(key), self._b.not_(self._raw(f"{party}/{key}/present", 1)[0]))
            for party, key in sorted(asked)
            if self._scenario.party(party).absent == "unknown"
        ]
        return self._b.not_(self._b.any_(unknown))

    def _earlier(self) -> tuple[str, ...]:
        return self._scenario.leaders[: self._scenario.leaders.index(self._leader)]

    def _anyone_excluded(self) -> Wire:
        bits = [
            self._b.and_(self._has_key(key), self._raw(f"{party}/{key}/excluded", 1)[0])
            for party in self._others
            for key in self._keys
        ]
        return self._b.any_(bits)

    def _has_key(self, key: str) -> Wire:
        return ONE if key == self._keys[0] else self._raw(f"has_key/{key}", 1)[0]

    def _present(self, party: str, key: str) -> Wire:
        return self._b.and_(self._raw(f"{party}/{key}/present", 1)[0], self._has_key(key))

    def _input(self, typed: Typed) -> Number:
        if typed.name == PRESENT:
            return Number((self._present(typed.party, typed.key),), 0, 1)
        column = next(c for c in self._scenario.party(typed.party).columns if c.name == typed.column)
        if typed.name == "own":
            return Number(self._raw(f"leader/{column.name}", column.bits), typed.low, typed.high)
        raw = Number(self._raw(f"{typed.party}/{typed.key}/{column.name}", column.bits), typed.low, typed.high)
        if typed.key == self._keys[0]:
            return raw
        return self._arithmetic.select(self._has_key(typed.key), raw, self._arithmetic.constant(column.no_key))

    def _raw(self, name: str, bits: int) -> tuple[Wire, ...]:
        if name not in self._wires:
            self._wires[name] = self._b.input(name, bits)
        return self._wires[name]
