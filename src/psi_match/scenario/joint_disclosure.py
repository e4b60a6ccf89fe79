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
    told = _told_of_numbers(scenario)
    return Text(
        nl=f"Twee van de drie rekenpartijen ({listed(names, 'en')}) die tegen de afspraak in samenwerken, kunnen van"
        " elke rij van een leider zien met wie zij overeenkomt, alle kolommen die in de berekening gaan en alle"
        " uitkomsten"
        + told.nl
        + " Is een van hen zelf gegevenspartij, dan ook welke van haar eigen rijen overeenkomen.",
        en=f"Two of the three compute parties ({listed(names, 'and')}) that work together against the agreement can"
        " see, of every row of a leader, with whom it matches, all columns that enter the computation and all outcomes"
        + told.en
        + " If one of them is a data party, also which of its own rows match.",
    )


def numbers_in_reach(scenario: JoinScenario) -> bool:
    """Tell whether two compute parties together can know BSNs of a leader's rows.

    A signal carries the BSN of each leader's row as shares; and a leader that computes knows those of its own rows.
    """
    signal = any(isinstance(output, SignalOutput) for output in scenario.outputs)
    return signal or bool(set(scenario.leaders) & set(scenario.compute))


def _told_of_numbers(scenario: JoinScenario) -> Text:
    """Return what two compute parties together see of who a leader's row is."""
    if any(isinstance(output, SignalOutput) for output in scenario.outputs):
        return Text(nl=", en het BSN van elke rij van elke leider.", en=", and the BSN of every row of every leader.")
    computing = [display_name(party) for party in scenario.leaders if party in scenario.compute]
    others = [party for party in scenario.leaders if party not in scenario.compute]
    parts = []
    if computing:
        parts.append(
            Text(
                nl=f" Is een van hen zelf leider ({listed(computing, 'of')}), dan kent die het BSN van elke eigen rij:"
                " samen zien zij dit alles per mens.",
                en=f" If one of them is a leader itself ({listed(computing, 'or')}), it knows the BSN of each of its"
                " rows: together they see all this per person.",
            )
        )
    if others:
        parts.append(
            Text(
                nl=" Van een leider die niet meerekent geen BSN, wel het vak van de tabel waarin een rij staat: bij een"
                " miljoen rijen passen daar zo'n 200 van alle 90,9 miljoen nummers in, bij minder rijen meer; met"
                " kolommen erbij is iemand vaak aan te wijzen.",
                en=" Of a leader that does not compute no BSN, but the bin of the table in which a row is: at a million"
                " rows some 200 of all 90.9 million numbers fit one, at fewer rows more; with columns beside it a"
                " person can often be pointed out.",
            )
        )
    return Text(nl="." + "".join(part.nl for part in parts), en="." + "".join(part.en for part in parts))


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
                nl=f"het BSN{values} van wie voldoet aan: {condition}; en van andere inwoners alleen dat zij er niet op"
                " staan (de reden niet)",
                en=f"the BSN{values} of those who meet: {condition}; and of other residents only that they are not on"
                " it (not why)",
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
            nl="wie van de schuldeisers iemand heeft gemeld, en waarom anderen er niet op staan",
            en="which party reported someone, and why others are not on it",
        )
    if any(isinstance(output, StatisticsOutput) for output in outputs):
        return Text(nl="wie het zijn, en geen enkel precies aantal", en="who they are, and no exact count")
    return Text(
        nl=f"bij wie ({listed(others, 'of')}) en met welke bedragen; iets over mensen buiten de eigen rijen",
        en=f"at whom ({listed(others, 'or')}) and with which amounts; anything about people beyond its own rows",
    )


def _shown(predicate: str) -> str:
    return " ".join(predicate.split())
