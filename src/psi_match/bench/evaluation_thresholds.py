"""What other thresholds would do: each number of a scenario in turn, everything else as it is.

The scenario's own model is changed and asked the plain answer again. Which values are tried follows from the kind of
the number and from its current value alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from psi_match.bench.evaluation_answers import answer
from psi_match.bench.evaluation_quality import relevant, scores
from psi_match.domain.parties import display_name
from psi_match.domain.where import Condition
from psi_match.population.truth import Truth
from psi_match.scenario.join_model import AnyScenario, ConstantValue, JoinScenario, StatisticsOutput
from psi_match.scenario.model import Text

_FILTER_FACTORS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Of an amount from which a debt counts."""
_NORM_FACTORS = (0.9, 0.95, 1.0, 1.05, 1.1)
"""Of an amount that a household's means are compared with: a margin of some per cent."""
_MONTHS = (-5, -2, 0, 3, 7)
"""Beside a current number of months."""
_GROUP_FACTORS = (0.5, 1.0, 2.5, 5.0, 10.0)
"""Of the smallest count that a table shows."""

_COLUMNS = {
    "open_cents": Text(nl="minimaal bedrag", en="least amount"),
    "oldest_claim_months": Text(nl="oudste vordering in maanden", en="oldest claim in months"),
    "reminder_sent": Text(nl="alleen na aanmaning", en="only after a reminder"),
}
_CONSTANTS = {
    "k": Text(nl="schuldeisers, minimaal", en="creditors, at least"),
    "norm_single": Text(nl="AIO-norm alleenstaande", en="AIO norm, single"),
    "norm_couple": Text(nl="AIO-norm paar", en="AIO norm, couple"),
    "assets_single": Text(nl="vermogensgrens alleenstaande", en="asset limit, single"),
    "assets_couple": Text(nl="vermogensgrens paar", en="asset limit, couple"),
    "minimum_single": Text(nl="minimum alleenstaande", en="minimum, single"),
    "minimum_couple": Text(nl="minimum paar", en="minimum, couple"),
    "minimum_single_parent": Text(nl="minimum alleenstaande ouder", en="minimum, single parent"),
}
_MIN_GROUP = Text(nl="kleinste aantal dat wordt getoond", en="smallest count that is shown")
_SINGLE_CENT = 1
"""At least one cent means: owes anything. That is what takes part, not a threshold."""


@dataclass(frozen=True, slots=True)
class _Threshold:
    """A number of a scenario that can be moved.

    Args:
        name: constant, or party and column.
        label: for people.
        unit: ``number``, ``cents``, ``cents_per_month``, ``months`` or ``boolean`` (0: the condition is dropped).
        current: its value now.
        values: those to try, ascending, the current one among them.
        moved: returns the scenario with another value.
    """

    name: str
    label: Text
    unit: str
    current: int
    values: tuple[int, ...]
    moved: Callable[[int], AnyScenario]


def thresholds(scenario: AnyScenario, truth: Truth) -> list[dict[str, Any]]:
    """Return what each threshold's other values would select.

    Args:
        scenario: one that ``bench.truth`` knows.
        truth: of the population.
    """
    wanted = relevant(scenario, truth)
    return [
        {
            "name": threshold.name,
            "label": threshold.label.model_dump(),
            "unit": threshold.unit,
            "current": threshold.current,
            "points": [
                {"value": value, **scores(answer(threshold.moved(value), truth), wanted)} for value in threshold.values
            ],
        }
        for threshold in _movable(scenario)
    ]


def _movable(scenario: AnyScenario) -> Iterator[_Threshold]:
    if isinstance(scenario, JoinScenario):
        for name, constant in scenario.constants.items():
            if constant.type in {"code", "boolean"}:
                continue
            label = _CONSTANTS.get(name, Text(nl=name, en=name))
            moved = partial(_with_constant, scenario, name)
            yield _threshold(name, label, constant.type, constant.value, _tried(scenario, constant), moved)
    for party in scenario.parties:
        for condition in party.where:
            found = _of_condition(scenario, party.id, condition)
            if found is not None:
                yield found
    if isinstance(scenario, JoinScenario):
        for output in scenario.outputs:
            if isinstance(output, StatisticsOutput):
                values = [max(2, value) for value in _scaled(output.min_group, _GROUP_FACTORS)]
                moved = partial(_with_group, scenario)
                yield _threshold("min_group", _MIN_GROUP, "number", output.min_group, values, moved)


def _of_condition(scenario: AnyScenario, party: str, condition: Condition) -> _Threshold | None:
    """Return the threshold in a condition; None if it only says whom a file is about."""
    text, value = _COLUMNS.get(condition.column), condition.value
    if text is None or not isinstance(value, int) or value is False:
        return None
    values: Iterable[int]
    if value is True:
        unit, values = "boolean", (0, 1)
    elif value == _SINGLE_CENT:
        return None
    elif condition.column.endswith("_cents"):
        unit, values = "cents", _scaled(value, _FILTER_FACTORS)
    else:
        unit, values = "months", [value + step for step in _MONTHS]
    name = display_name(party)
    label = Text(nl=f"{name}: {text.nl}", en=f"{name}: {text.en}")
    moved = partial(_with_condition, scenario, party, condition)
    return _threshold(f"{party}.{condition.column}", label, unit, int(value), values, moved)


def _threshold(
    name: str,
    label: Text,
    unit: str,
    current: int,
    values: Iterable[int],
    moved: Callable[[int], AnyScenario],
) -> _Threshold:
    tried = sorted({current, *(value for value in values if value >= 0)})
    return _Threshold(name, label, unit, current, tuple(tried), moved)


def _tried(scenario: JoinScenario, constant: ConstantValue) -> list[int]:
    if constant.type.startswith("cents"):
        return _scaled(constant.value, _NORM_FACTORS)
    if constant.type == "number":
        # A number of parties: it can be all of those that hold debts.
        return list(range(1, sum(party.dataset == "arrears" for party in scenario.parties) + 1))
    return [constant.value + step for step in _MONTHS]


def _scaled(value: int, factors: tuple[float, ...]) -> list[int]:
    return [round(value * factor) for factor in factors]


def _with_constant(scenario: JoinScenario, name: str, value: int) -> AnyScenario:
    constant = scenario.constants[name].model_copy(update={"value": value})
    return scenario.model_copy(update={"constants": scenario.constants | {name: constant}})


def _with_condition(scenario: AnyScenario, party_id: str, condition: Condition, value: int) -> AnyScenario:
    """Return the scenario with another value in a condition; of a yes-or-no condition 0 drops it."""
    if condition.value is True:
        new = (condition,) if value else ()
    else:
        new = (condition.model_copy(update={"value": value}),)
    parties = []
    for party in scenario.parties:
        where = [other for own in party.where for other in (new if own is condition else (own,))]
        parties.append(party.model_copy(update={"where": tuple(where)}) if party.id == party_id else party)
    return scenario.model_copy(update={"parties": tuple(parties)})


def _with_group(scenario: JoinScenario, value: int) -> AnyScenario:
    outputs = tuple(
        output.model_copy(update={"min_group": value}) if isinstance(output, StatisticsOutput) else output
        for output in scenario.outputs
    )
    return scenario.model_copy(update={"outputs": outputs})
