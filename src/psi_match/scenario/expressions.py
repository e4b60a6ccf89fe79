"""The checked expressions of a joint scenario, per leader: predicate, label, signals, groups."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from psi_match.scenario.join_model import JoinScenario, LabelOutput, SignalOutput, StatisticsOutput
from psi_match.scenario.predicate.parser import Source, parse
from psi_match.scenario.predicate.plain import Values, evaluate
from psi_match.scenario.predicate.types import PRESENT, Quantity, Scope, Typed, check, check_boolean

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


def _presences(parties: list[str]) -> Mapping[str, Values]:
    """Return every combination of presences of these parties, one per row."""
    rows = np.array(list(itertools.product((False, True), repeat=len(parties))), dtype=np.bool_)
    return {party: rows[:, i] for i, party in enumerate(parties)}


def _check_coverage(scenario: JoinScenario) -> None:
    """Prove by enumeration that whoever is at no leader cannot meet the predicate."""
    others = [party for party in scenario.with_data if party not in scenario.leaders]
    # A stranger to all leaders, seen as if by one more leader that holds nothing.
    names = replace(scope(scenario, scenario.leaders[0]), leader="")
    source = Source("predicate", scenario.predicate)
    hint = 'Name more leaders, or say coverage = "leaders": people at no leader are then not found.'
    if "leader" in scenario.predicate:
        raise source.error("full coverage cannot be shown for a predicate on a leader's column.", 0, hint)
    typed = check_boolean(parse(source), names, source)
    if any(part.name == "column" for part in typed.parts()):
        raise source.error("full coverage can be shown only for a predicate on presences.", 0, hint)
    presence = _presences(others)
    rows = 2 ** len(others)
    nowhere = np.zeros(rows, dtype=np.bool_)
    if evaluate(typed, rows, lambda part: presence.get(part.party, nowhere)).any():
        raise source.error("a person who is at none of the leaders can meet it, so coverage is not full.", 0, hint)


def _check_cells(scenario: JoinScenario, number: int, output: StatisticsOutput) -> None:
    """Refuse groups that overlap, where presences decide them."""
    leader = scenario.leaders[0]
    groups = checked(scenario, leader).groups[number]
    typed = [group for group in groups.values() if group is not None]
    if any(part.name in {"column", "own"} for group in typed for part in group.parts()):
        return
    parties = [party for party in scenario.with_data if party != leader]
    presence = _presences(parties)
    rows = 2 ** len(parties)
    members = sum(evaluate(group, rows, lambda part: presence[part.party]).astype(np.int64) for group in typed)
    if np.max(members) > 1:
        source = Source(f"outputs[{number}].groups", output.groups[-1].when)
        raise source.error("a person can be in two groups of one table, so sums would tell more than cells.", 0)
