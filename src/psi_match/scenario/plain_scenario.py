"""The plaintext twin of a whole joint scenario: what every recipient must learn, from all parties' rows in the clear.

It evaluates the same typed trees as the circuit. Everything around them - keys, opt-outs, what absence means, the first
leader that holds a person, rounding - is written down here a second time, on sets of BSNs instead of bits per row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psi_match.domain.bsn import NO_KEY
from psi_match.protocols.counting import release
from psi_match.protocols.join_session import OwnRows
from psi_match.scenario.expressions import checked
from psi_match.scenario.join_model import JoinScenario, LabelOutput, MembersOutput, SignalOutput, StatisticsOutput
from psi_match.scenario.predicate.plain import Values, evaluate
from psi_match.scenario.predicate.types import PRESENT, Typed

Bits = NDArray[np.bool_]


@dataclass(slots=True, repr=False)
class PlainOutcome:
    """What the recipients of a scenario must learn.

    Args:
        members: BSNs of the leader's rows for which the predicate holds, sorted; None without such an output.
        label: the value of every member, where the scenario has a label.
        signals: per output number the rows of a signal, sorted: BSN, then its columns; true is 1.
        statistics: per output number the released counts, None where suppressed.
    """

    members: list[int] | None = None
    label: dict[int, int] = field(default_factory=dict)
    signals: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)
    statistics: dict[int, list[int | None]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "PlainOutcome()"


def plain_outcome(scenario: JoinScenario, own: Mapping[str, OwnRows]) -> PlainOutcome:
    """Compute a scenario in the clear.

    Args:
        scenario: a checked scenario.
        own: the rows of every party with data, after its local filter.

    Raises:
        ScenarioError: an expression is wrong.
    """
    outcome = PlainOutcome()
    counts: dict[int, list[int]] = {}
    for leader in scenario.leaders:
        turn = _Turn(scenario, leader, own)
        for number, output in enumerate(scenario.outputs):
            match output:
                case MembersOutput() | LabelOutput():
                    outcome.members, outcome.label = turn.members()
                case SignalOutput():
                    outcome.signals.setdefault(number, []).extend(turn.signalled(number))
                case StatisticsOutput():
                    found = turn.counted(number, output)
                    before = counts.get(number, [0] * len(found))
                    counts[number] = [a + b for a, b in zip(before, found, strict=True)]
    for rows in outcome.signals.values():
        rows.sort()
    for number, output in enumerate(scenario.outputs):
        if isinstance(output, StatisticsOutput):
            outcome.statistics[number] = _released(output, counts[number], own)
    return outcome


def _released(output: StatisticsOutput, counts: list[int], own: Mapping[str, OwnRows]) -> list[int | None]:
    released = []
    for group, count in zip(output.groups, counts, strict=True):
        parties = output.totals(group)
        totals = [_set_size(own[party]) for party in parties] if parties else [sum(counts)]
        released.append(release(count, totals, output.min_group))
    return released


def _set_size(own: OwnRows) -> int:
    """Return the number of a party's rows of people who did not opt out at that party."""
    return int((~np.isin(own.keys[0], own.opted_out)).sum())


class _Turn:
    """One leader's rows that are decided on: those in which nobody opted out at any party."""

    def __init__(self, scenario: JoinScenario, leader: str, own: Mapping[str, OwnRows]) -> None:
        self._scenario = scenario
        self._own = own
        self._keys = [key.name for key in scenario.party(leader).keys]
        self._expressions = checked(scenario, leader)
        mine = own[leader]
        opted_out = np.concatenate([own[party].opted_out for party in scenario.with_data])
        decided = np.ones(len(mine.keys[0]), dtype=np.bool_)
        for column in mine.keys[: len(self._keys)]:
            decided &= (column == NO_KEY) | ~np.isin(column, opted_out)
        self._numbers = {
            key: column[decided] for key, column in zip(self._keys, mine.keys[: len(self._keys)], strict=True)
        }
        self._columns = {name: column[decided] for name, column in mine.columns.items()}
        self._bsn = self._numbers[self._keys[0]]
        self._rows = len(self._bsn)
        self._first = np.ones(self._rows, dtype=np.bool_)
        for earlier in scenario.leaders[: scenario.leaders.index(leader)]:
            self._first &= ~np.isin(self._bsn, own[earlier].keys[0])
        self._holds = self._first & self._true(self._expressions.predicate)

    def members(self) -> tuple[list[int], dict[int, int]]:
        """Return the rows for which the predicate holds, and their labels."""
        label = self._expressions.label
        if label is None:
            return sorted(self._bsn[self._holds].tolist()), {}
        shown = self._holds & self._known(label)
        values = self._values(label).astype(np.int64)
        labels = dict(zip(self._bsn[shown].tolist(), values[shown].tolist(), strict=True))
        return sorted(labels), labels

    def signalled(self, number: int) -> list[tuple[int, ...]]:
        """Return the rows of a signal."""
        when, columns = self._expressions.signals[number]
        shown = self._holds & self._true(when)
        for typed in columns.values():
            shown &= self._known(typed)
        values: list[NDArray[Any]] = [self._bsn]
        values += [self._values(typed) for typed in columns.values()]
        table = [column[shown].astype(np.int64).tolist() for column in values]
        return list(zip(*table, strict=True))

    def counted(self, number: int, output: StatisticsOutput) -> list[int]:
        """Return the exact count of every group in this turn."""
        # A pair is counted in one turn only, so nobody is in it twice.
        base = self._holds if output.table == "cells" else np.ones(self._rows, dtype=np.bool_)
        groups = self._expressions.groups[number].values()
        return [0 if typed is None else int((base & self._true(typed)).sum()) for typed in groups]

    def _true(self, typed: Typed) -> Bits:
        return self._known(typed) & self._values(typed).astype(np.bool_)

    def _known(self, typed: Typed) -> Bits:
        """True unless the expression asks a party for somebody whom it does not have, and that means unknown."""
        known = np.ones(self._rows, dtype=np.bool_)
        for part in typed.parts():
            if part.name in {PRESENT, "column"} and self._scenario.party(part.party).absent == "unknown":
                known &= self._present(part) | (self._numbers[part.key] == NO_KEY)
        return known

    def _values(self, typed: Typed) -> Values:
        return evaluate(typed, self._rows, self._look_up)

    def _present(self, part: Typed) -> Bits:
        asked = self._numbers[part.key]
        theirs = self._own[part.party].keys[0]
        found: Bits = np.isin(asked, theirs) & (asked != NO_KEY)
        return found

    def _look_up(self, part: Typed) -> Values:
        if part.name == "own":
            return self._columns[part.column]
        if part.name == PRESENT:
            return self._present(part)
        asked, theirs = self._numbers[part.key], self._own[part.party]
        column = next(c for c in self._scenario.party(part.party).columns if c.name == part.column)
        values = np.zeros(self._rows, dtype=np.int64)
        values[asked == NO_KEY] = column.no_key
        present = self._present(part)
        order = np.argsort(theirs.keys[0])
        at = np.searchsorted(theirs.keys[0], asked[present], sorter=order)
        values[present] = theirs.columns[part.column][order[at]]
        return values
