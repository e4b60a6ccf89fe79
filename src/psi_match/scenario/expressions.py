"""The checked expressions of a joint scenario, per leader: predicate, label, signals, groups."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import numpy as np

from psi_match.scenario.join_model import JoinScenario, LabelOutput, SignalOutput, StatisticsOutput
from psi_match.scenario.predicate.parser import Source, parse
from psi_match.scenario.predicate.plain import Lookup, evaluate
from psi_match.scenario.predicate.tree import Node, Operation, Reference
from psi_match.scenario.predicate.types import LEADER, PRESENT, Quantity, Scope, Typed, check, check_boolean

_TRUE = "true"


@dataclass(slots=True)
class Expressions:
    """All expressions of a scenario, checked for one leader.

    Args:
        predicate: must hold for every output but counts of pairs.
        label: the leader's value, if there is one.
        signals: per output number, who is signalled and the values that go along.
        groups: per output number and group name, who is counted; of pairs only those of this leader's turn.
    """

    predicate: Typed
    label: Typed | None = None
    signals: dict[int, tuple[Typed, dict[str, Typed]]] = field(default_factory=dict)
    groups: dict[int, dict[str, Typed | None]] = field(default_factory=dict)

    def all(self) -> list[Typed]:
        """Return every expression."""
        found = [self.predicate] + ([self.label] if self.label else [])
        for when, columns in self.signals.values():
            found += [when, *columns.values()]
        return found + [typed for groups in self.groups.values() for typed in groups.values() if typed is not None]


def scope(scenario: JoinScenario, leader: str) -> Scope:
    """Return what names mean in a leader's turn."""
    columns = {
        party.id: {column.name: Quantity(column.type, column.low, column.high) for column in party.columns}
        for party in scenario.parties
        if party.dataset is not None
    }
    constants = {name: (constant.value, constant.type) for name, constant in scenario.constants.items()}
    return Scope(leader, columns, tuple(key.name for key in scenario.party(leader).keys), constants)


def checked(scenario: JoinScenario, leader: str) -> Expressions:
    """Parse and check all expressions for one leader.

    Raises:
        ScenarioError: one is wrong; the sentence points at the character.
    """
    names = scope(scenario, leader)

    def boolean(where: str, text: str) -> Typed:
        source = Source(where, text)
        return check_boolean(parse(source), names, source)

    def value(where: str, text: str) -> Typed:
        source = Source(where, text)
        return check(parse(source), names, source)

    found = Expressions(boolean("predicate", scenario.predicate))
    for number, output in enumerate(scenario.outputs):
        where = f"outputs[{number}]"
        match output:
            case LabelOutput():
                found.label = value(f"{where}.value", output.value)
            case SignalOutput():
                columns = {name: value(f"{where}.columns.{name}", text) for name, text in output.columns.items()}
                found.signals[number] = (boolean(f"{where}.when", output.when), columns)
            case StatisticsOutput():
                groups: dict[str, Typed | None] = {}
                for group in output.groups:
                    here = not group.parties or group.parties[0] == leader
                    text = f"{group.parties[1]}.{PRESENT}" if group.parties else group.when
                    groups[group.name] = boolean(f"{where}.groups.{group.name}", text) if here else None
                found.groups[number] = groups
            case _:
                pass
    return found


def check_expressions(scenario: JoinScenario) -> None:
    """Check everything that a file's expressions must fulfil beyond their types.

    Raises:
        ScenarioError: an expression is wrong, a label tells a foreign column, coverage is not full although the file
            says so, or the groups of a table overlap.
    """
    for leader in scenario.leaders:
        expressions = checked(scenario, leader)
        if expressions.label and "foreign-label" not in scenario.allow:
            _check_label(scenario, expressions.label)
    if scenario.coverage == "full":
        _check_coverage(scenario)
    for number, output in enumerate(scenario.outputs):
        if isinstance(output, StatisticsOutput) and output.table == "cells":
            _check_cells(scenario, number, output)


def _check_label(scenario: JoinScenario, label: Typed) -> None:
    """Refuse a label into which a foreign column flows as it is: then the leader would simply read that column."""
    number = next(i for i, output in enumerate(scenario.outputs) if isinstance(output, LabelOutput))
    text = next(output.value for output in scenario.outputs if isinstance(output, LabelOutput))
    for part in _flowing(label):
        if part.name == "column":
            source = Source(f"outputs[{number}].value", text)
            at = max(0, text.find(f"{part.party}.{part.column}"))
            raise source.error(
                f"the leader would learn {part.party}.{part.column} itself.",
                at,
                'Compare it with something, or say allow = ["foreign-label"].',
            )


def _flowing(typed: Typed) -> list[Typed]:
    """Return the leaves whose values can be read from a result: those that no comparison or logic stands above."""
    if typed.name in {"<", "==", "and", "or", "not", "count"}:
        return []
    operands = typed.operands[1:] if typed.name == "if" else typed.operands
    return [typed] if not operands else [leaf for operand in operands for leaf in _flowing(operand)]


def _presences(typed: list[Typed], absent: set[tuple[str, str]]) -> tuple[int, Lookup]:
    """Return every combination of the presences that expressions ask for, one per row, and where to look them up.

    Args:
        typed: expressions on presences alone.
        absent: party and key of those that never hold.
    """
    asked = sorted({(part.party, part.key) for one in typed for part in one.parts() if part.name == PRESENT} - absent)
    table = np.array(list(itertools.product((False, True), repeat=len(asked))), dtype=np.bool_)
    rows = len(table)
    found = {place: table[:, i] for i, place in enumerate(asked)}
    found |= {place: np.zeros(rows, dtype=np.bool_) for place in absent}
    return rows, lambda part: found[part.party, part.key]


def _check_coverage(scenario: JoinScenario) -> None:
    """Prove by enumeration that whoever is at no leader cannot meet the predicate."""
    # A stranger to all leaders, seen as if by one more leader that holds nothing.
    names = replace(scope(scenario, scenario.leaders[0]), leader="")
    source = Source("predicate", scenario.predicate)
    hint = 'Name more leaders, or say coverage = "leaders": people at no leader are then not found.'
    tree = parse(source)
    at = _place_of_leader(tree)
    if at is not None:
        raise source.error("full coverage cannot be shown for a predicate on a leader's column.", at, hint)
    typed = check_boolean(tree, names, source)
    if any(part.name == "column" for part in typed.parts()):
        raise source.error("full coverage can be shown only for a predicate on presences.", 0, hint)
    rows, presence = _presences([typed], {(leader, names.keys[0]) for leader in scenario.leaders})
    if evaluate(typed, rows, presence).any():
        raise source.error("a person who is at none of the leaders can meet it, so coverage is not full.", 0, hint)


def _place_of_leader(node: Node) -> int | None:
    """Return where an expression speaks of whoever leads."""
    if isinstance(node, Reference) and node.party == LEADER:
        return node.at
    places = [_place_of_leader(part) for part in node.operands] if isinstance(node, Operation) else []
    return next((place for place in places if place is not None), None)


def _check_cells(scenario: JoinScenario, number: int, output: StatisticsOutput) -> None:
    """Refuse groups that overlap in some leader's turn, where presences decide them."""
    for position, leader in enumerate(scenario.leaders):
        groups = checked(scenario, leader).groups[number]
        typed = [group for group in groups.values() if group is not None]
        if any(part.name in {"column", "own"} for group in typed for part in group.parts()):
            continue
        own_key = scenario.party(leader).keys[0].name
        # Whom an earlier leader holds is not counted in this turn.
        rows, presence = _presences(typed, {(earlier, own_key) for earlier in scenario.leaders[:position]})
        members = sum(evaluate(group, rows, presence).astype(np.int64) for group in typed)
        if np.max(members) > 1:
            source = Source(f"outputs[{number}].groups", output.groups[-1].when)
            raise source.error("a person can be in two groups of one table, so sums would tell more than cells.", 0)
