"""Who learns what from a joint scenario: derived from its roles, joins and outputs, never typed by hand."""

from __future__ import annotations

from psi_match.domain.parties import display_name
from psi_match.scenario.disclosure import Disclosure, listed
from psi_match.scenario.join_model import (
    JoinScenario,
    LabelOutput,
    MembersOutput,
    Output,
    SignalOutput,
    StatisticsOutput,
)
from psi_match.scenario.model import Text

_NOTHING = Text(nl="over geen mens iets", en="nothing about any person")
_SIZES = Text(
    nl="de naar boven afgeronde omvang van de bestanden waarmee het te maken heeft (uit de duur is de ware omvang te"
    " schatten), en of en waarom een sessie afbreekt",
    en="the rounded-up sizes of the sets it deals with (from the time it takes, the true sizes can be estimated), and"
    " whether and why a session ends early",
)


def joint_disclosures(scenario: JoinScenario) -> list[Disclosure]:
    """Return one line per party, leaders first, then in the order of the file."""
    order = [*scenario.leaders, *(party.id for party in scenario.parties if party.id not in scenario.leaders)]
    return [_disclosure(scenario, party) for party in order]


def collusion(scenario: JoinScenario) -> Text:
    """Return what parties that break the assumption together would learn."""
    names = [display_name(party) for party in scenario.compute]
    signal = any(isinstance(output, SignalOutput) for output in scenario.outputs)
    return Text(
        nl=f"Twee van de drie rekenpartijen ({listed(names, 'en')}) die tegen de afspraak in samenwerken, kunnen van"
        " elke rij van een leider zien met wie zij overeenkomt, alle kolommen die in de berekening gaan en alle"
        " uitkomsten"
        + (", en het BSN van elke rij van elke leider." if signal else "; geen BSN dat geen van beide al heeft.")
        + " Is een van hen zelf gegevenspartij, dan ook welke van haar eigen rijen overeenkomen.",
        en=f"Two of the three compute parties ({listed(names, 'and')}) that work together against the agreement can"
        " see, of every row of a leader, with whom it matches, all columns that enter the computation and all outcomes"
        + (", and the BSN of every row of every leader." if signal else "; no BSN that neither of them holds.")
        + " If one of them is a data party, also which of its own rows match.",
    )


def _disclosure(scenario: JoinScenario, party_id: str) -> Disclosure:
    part = scenario.party(party_id)
    columns = ", ".join(column.name for column in part.columns)
    puts_in = Text(
        nl=part.rows.nl + (f"; als geheime delen: {columns}" if columns else ""),
        en=part.rows.en + (f"; as secret shares: {columns}" if columns else ""),
    )
    outputs = [output for output in scenario.outputs if party_id in _recipients(scenario, output)]
    learned = [_learned(scenario, output) for output in outputs] or [_NOTHING]
    unlearned = _not_learned(scenario, party_id, outputs)
    return Disclosure(
        party_id,
        puts_in,
        Text(
            nl="; ".join([*(text.nl for text in learned), _SIZES.nl]),
            en="; ".join([*(text.en for text in learned), _SIZES.en]),
        ),
        unlearned,
    )


def _recipients(scenario: JoinScenario, output: Output) -> tuple[str, ...]:
    return (output.recipient,) if isinstance(output, SignalOutput | StatisticsOutput) else scenario.leaders


def _learned(scenario: JoinScenario, output: Output) -> Text:
    match output:
        case MembersOutput():
            return Text(
                nl=f"van elke eigen rij of de voorwaarde geldt: {_shown(scenario.predicate)}",
                en=f"of each own row whether the condition holds: {_shown(scenario.predicate)}",
            )
        case LabelOutput():
            return Text(
                nl=f"van elke eigen rij waarvoor {_shown(scenario.predicate)} geldt: {output.name} = {output.value}",
                en=f"of each own row for which {_shown(scenario.predicate)} holds: {output.name} = {output.value}",
            )
        case SignalOutput():
            values = "".join(f", {name} = {text}" for name, text in output.columns.items())
            condition = f"{_shown(scenario.predicate)}; {output.when}"
            return Text(
                nl=f"het BSN{values} van wie voldoet aan: {condition}",
                en=f"the BSN{values} of those who meet: {condition}",
            )
        case _:
            cells = ", ".join(group.name for group in output.groups)
            return Text(
                nl=f"aantallen ({cells}), naar beneden afgerond op veelvouden van {output.min_group} en onderdrukt waar"
                " een cel of de rest van haar totaal kleiner is",
                en=f"counts ({cells}), rounded down to multiples of {output.min_group} and suppressed where a cell or"
                " the rest of its total is smaller",
            )


def _not_learned(scenario: JoinScenario, party_id: str, outputs: list[Output]) -> Text:
    others = [display_name(party) for party in scenario.with_data if party != party_id]
    if not outputs:
        return Text(
            nl="wie er overeenkomt, met wie, en hoeveel het er zijn",
            en="who matches, with whom, and how many they are",
        )
    if any(isinstance(output, SignalOutput) for output in outputs):
        return Text(
            nl="wie van de schuldeisers iemand heeft gemeld, en alles over anderen",
            en="which party reported someone, and anything about others",
        )
    if any(isinstance(output, StatisticsOutput) for output in outputs):
        return Text(nl="wie het zijn, en geen enkel precies aantal", en="who they are, and no exact count")
    return Text(
        nl=f"bij wie ({listed(others, 'of')}) en met welke bedragen; iets over mensen buiten de eigen rijen",
        en=f"at whom ({listed(others, 'or')}) and with which amounts; anything about people beyond its own rows",
    )


def _shown(predicate: str) -> str:
    return " ".join(predicate.split())
