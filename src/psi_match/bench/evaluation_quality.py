"""How good a rule is: precision and recall of what it selects against whom it is for, by the truth.

Whom a scenario is for is written down here apart from its rule, in the words of its purpose and without its thresholds.
Where the truth knows no more than the rule does, no quality is claimed, and the reason is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from psi_match.bench.evaluation_answers import Answer
from psi_match.bench.truth import CREDITORS, MUNICIPALITY_CODES
from psi_match.population.truth import Truth
from psi_match.scenario.join_model import AnyScenario, JoinScenario
from psi_match.scenario.model import Text

_PEOPLE = Text(nl="mensen", en="people")
_HOUSEHOLDS = Text(nl="huishoudens", en="households")
_CELLS = Text(nl="som van de getoonde cellen", en="sum of the cells shown")

_DEFINITIONS = {
    "aio-niet-gebruik": Text(
        nl="Relevant: huishoudens die volgens de synthetische waarheid recht hebben op AIO en die niet ontvangen. Wie"
        " bezwaar maakte, telt niet mee. De waarheid past dezelfde normen toe op hetzelfde inkomen en vermogen als de"
        " regel: met normen van hetzelfde jaar komen precisie en dekking dus vanzelf op 100 %. In het echt weegt een"
        " beoordeling meer.",
        en="Relevant: households that by the synthetic truth are entitled to AIO and do not receive it. Whoever opted"
        " out is left out. The truth applies the same norms to the same income and assets as the rule: with norms of"
        " the same year precision and recall are therefore 100 % by themselves. In reality an assessment weighs more.",
    ),
    "vroegsignaal": Text(
        nl="Relevant: inwoners van de gemeenten met een openstaande schuld bij ten minste k van de schuldeisers, hoe"
        " klein of jong ook en met of zonder aanmaning{known}. Wie bezwaar maakte, telt niet mee. k is die van het"
        " scenario, ook waar een andere k wordt geprobeerd. Zolang k niet lager wordt, is de precisie door deze keuze"
        " altijd 100 %: de drempels van het scenario laten mensen weg en voegen niemand toe.",
        en="Relevant: residents of the municipalities with an open debt at k or more of the creditors, however small or"
        " recent, with or without a reminder{known}. Whoever opted out is left out. k is the scenario's, also where"
        " another k is tried. While k is not lowered, precision is always 100 % by this choice: the scenario's"
        " thresholds leave people out and add nobody.",
    ),
    "betalingsregeling": Text(
        nl="Relevant: debiteuren van het CJIB met ook een schuld bij Belastingdienst of Dienst Toeslagen, hoe klein ook"
        " en met of zonder aanmaning. Wie bezwaar maakte, telt niet mee. De precisie is door deze keuze altijd 100 %:"
        " de drempels van het scenario laten mensen weg en voegen niemand toe.",
        en="Relevant: debtors of CJIB who also owe at Belastingdienst or Dienst Toeslagen, however little, with or"
        " without a reminder. Whoever opted out is left out. Precision is always 100 % by this choice: the scenario's"
        " thresholds leave people out and add nobody.",
    ),
}
_KNOWN = Text(nl=", die de schuldhulp nog niet kent", en=", whom debt help does not know yet")
_NO_QUALITY = {
    "bestaansminimum-uwv": Text(
        nl="De synthetische waarheid kent van deze mensen niet meer dan de regel zelf: inkomen, leefvorm en termijnen."
        " Precisie en dekking zouden dan vanzelf 100 % zijn. Hoe goed de regel is, hangt af van de werkelijke"
        " beslagvrije voet, en die zit niet in de bevolking.",
        en="The synthetic truth knows no more of these people than the rule itself: income, household type,"
        " instalments. Precision and recall would then be 100 % by themselves. How good the rule is depends on the"
        " actual protected income (beslagvrije voet), which the population does not hold.",
    ),
    "overlap": Text(
        nl="De uitkomst is een tabel met aantallen: er wordt niemand geselecteerd.",
        en="The outcome is a table of counts: nobody is selected.",
    ),
}


def judged(scenario: AnyScenario, truth: Truth, found: Answer) -> dict[str, Any]:
    """Return ``selects``, ``quality`` and, where that is null, ``quality_reason``."""
    entry: dict[str, Any] = {"selects": _what(scenario).model_dump(), "quality": None, "quality_reason": None}
    wanted = relevant(scenario, truth)
    if wanted is None:
        reason = _NO_QUALITY.get(scenario.name, _NO_QUALITY["overlap"])
        return entry | {"quality_reason": reason.model_dump()}
    return entry | {"quality": {"definition": _definition(scenario.name).model_dump(), **scores(found, wanted)}}


def scores(found: Answer, wanted: frozenset[str] | None) -> dict[str, Any]:
    """Return counts, precision and recall; null where they are undefined or nobody says whom the rule is for."""
    if wanted is None:
        return {"selected": found.count, "relevant": None, "hits": None, "precision": None, "recall": None}
    hits = len(found.selected & wanted)
    return {
        "selected": found.count,
        "relevant": len(wanted),
        "hits": hits,
        "precision": hits / found.count if found.count else None,
        "recall": hits / len(wanted) if wanted else None,
    }


def relevant(scenario: AnyScenario, truth: Truth) -> frozenset[str] | None:
    """Return whom a scenario is for, by BSN; None where the truth knows no more than the rule.

    Args:
        scenario: with the thresholds that it has, not others that are tried: they do not change whom it is for.
        truth: of the population.
    """
    find = _RELEVANT.get(scenario.name)
    return None if find is None else find(scenario, truth)


def _entitled(scenario: AnyScenario, truth: Truth) -> frozenset[str]:
    homes, out = truth.households, _opted_out(scenario, truth)
    chosen = homes["entitled"] & ~homes["receives_aio"]
    chosen &= ~homes["bsn"].isin(out) & ~homes["partner_bsn"].isin(out)
    return frozenset(homes["bsn"][chosen])


def _residents_in_debt(scenario: AnyScenario, truth: Truth) -> frozenset[str]:
    # Safe: only joint scenarios are in the table below under this function.
    assert isinstance(scenario, JoinScenario)  # noqa: S101
    people = truth.people
    owes = people[[f"{creditor}_present" for creditor in CREDITORS]].sum(axis=1)
    chosen = (owes >= scenario.constants["k"].value) & ~people["bsn"].isin(_opted_out(scenario, truth))
    found: set[str] = set()
    for recipient in scenario.recipients:
        own = people["bsn"][chosen & (people["municipality"] == MUNICIPALITY_CODES[recipient])]
        known = truth.debt_help["bsn"][truth.debt_help["party"] == recipient]
        found |= set(own) - (set(known) if scenario.party(recipient).dataset else set())
    return frozenset(found)


def _debtors_elsewhere(scenario: AnyScenario, truth: Truth) -> frozenset[str]:
    people, lists = truth.people, truth.opt_outs

    def owes(party: str) -> pd.Series[bool]:
        # Pairwise an objection at one party takes someone out of that party's rows, in a joint match out of everything.
        out = (
            _opted_out(scenario, truth) if isinstance(scenario, JoinScenario) else lists["bsn"][lists["party"] == party]
        )
        held: pd.Series[bool] = people[f"{party}_present"] & ~people["bsn"].isin(out)
        return held

    return frozenset(people["bsn"][owes("cjib") & (owes("belastingdienst") | owes("toeslagen"))])


_RELEVANT: dict[str, Callable[[AnyScenario, Truth], frozenset[str]]] = {
    "aio-niet-gebruik": _entitled,
    "vroegsignaal-gezamenlijk": _residents_in_debt,
    "vroegsignaal-nieuw": _residents_in_debt,
    "betalingsregeling-rijk": _debtors_elsewhere,
    "betalingsregeling-rijk-paren": _debtors_elsewhere,
}


def _definition(name: str) -> Text:
    text = next(text for start, text in _DEFINITIONS.items() if name.startswith(start))
    new = name == "vroegsignaal-nieuw"
    return Text(
        nl=text.nl.replace("{known}", _KNOWN.nl if new else ""), en=text.en.replace("{known}", _KNOWN.en if new else "")
    )


def _what(scenario: AnyScenario) -> Text:
    if isinstance(scenario, JoinScenario) and any(output.kind == "statistics" for output in scenario.outputs):
        return _CELLS
    return _HOUSEHOLDS if scenario.name == "aio-niet-gebruik" else _PEOPLE


def _opted_out(scenario: AnyScenario, truth: Truth) -> pd.Series[str]:
    with_data = [party.id for party in scenario.parties if party.dataset]
    return truth.opt_outs["bsn"][truth.opt_outs["party"].isin(with_data)]
