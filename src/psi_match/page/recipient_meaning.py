"""What a result means to its recipient, taken from the scenario: condition, what it does not tell, what comes first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from psi_match.base.errors import ScenarioError
from psi_match.page.recipient_results import HeldResult
from psi_match.page.recipient_texts import words
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import AnyScenario, JoinScenario, SignalOutput, StatisticsOutput
from psi_match.scenario.tables import all_disclosures

Kind = Literal["signal", "own_rows", "pairs", "statistics", ""]
_STEPS = ("before_1", "before_2", "before_3", "before_4", "before_5")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is said beside a result, in one language.

    Args:
        title: of the scenario; its name where the page does not know it.
        purpose: the one purpose for which it may be used.
        named: values of the constants that title or purpose names, as ``k = 2``.
        kind: of the result; empty where the page does not know the scenario.
        rows: what a row is.
        learns: the condition as the disclosure table has it.
        constants: name, value, where it comes from, per public number.
        not_known: what the recipient does not learn.
        before: what must come before any action.
        caution: why the explanation may be wrong; empty if it is not.
    """

    title: str
    purpose: str
    named: str
    kind: Kind
    rows: str
    learns: str
    constants: tuple[tuple[str, str, str], ...]
    not_known: tuple[str, ...]
    before: tuple[str, ...]
    caution: str


def meaning(catalogue: Catalogue, held: HeldResult, party: str, language: str) -> Meaning:
    """Return what a result means to a party."""
    text = words(language)
    steps = tuple(text[step] for step in _STEPS)
    try:
        scenario = catalogue.get(held.scenario)
        (own,) = [each for each in all_disclosures(scenario) if each.party == party]
    except (ScenarioError, ValueError):
        return Meaning(held.scenario, "", "", "", "", "", (), (), steps, text["no_text"])
    kind = _kind(scenario, party)
    not_known = [_sentence(own.does_not_learn.in_language(language))]
    limits = scenario.limits if isinstance(scenario, JoinScenario) else None
    if kind != "statistics":
        not_known += [text["unknown_how_much"], text["unknown_others"]]
    not_known += [limits.in_language(language)] if limits else []
    return Meaning(
        title=scenario.title.in_language(language),
        purpose=scenario.purpose.in_language(language),
        named=_named(scenario, language),
        kind=kind,
        rows=text[kind],
        learns=_sentence(own.learns.in_language(language)),
        constants=_constants(scenario, language, text["assumed"]),
        not_known=tuple(not_known),
        before=(text["before_counts"],) if kind == "statistics" else steps,
        caution="" if digest(scenario).hex() == held.digest else text["other_text"],
    )


def _kind(scenario: AnyScenario, party: str) -> Kind:
    if not isinstance(scenario, JoinScenario):
        return "pairs"
    for output in scenario.outputs:
        if isinstance(output, SignalOutput) and output.recipient == party:
            return "signal"
        if isinstance(output, StatisticsOutput) and output.recipient == party:
            return "statistics"
    return "own_rows"


def _constants(scenario: AnyScenario, language: str, assumed: str) -> tuple[tuple[str, str, str], ...]:
    if not isinstance(scenario, JoinScenario):
        return ()
    return tuple(
        (name, str(each.value), each.source.in_language(language) + (f" ({assumed})" if each.assumed else ""))
        for name, each in scenario.constants.items()
    )


def _named(scenario: AnyScenario, language: str) -> str:
    if not isinstance(scenario, JoinScenario):
        return ""
    found = set(re.findall(r"\w+", f"{scenario.title.in_language(language)} {scenario.purpose.in_language(language)}"))
    return ", ".join(f"{name} = {each.value}" for name, each in scenario.constants.items() if name in found)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
