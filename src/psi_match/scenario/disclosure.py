"""Who learns what: the disclosure table of a scenario, derived from its protocol, never typed by hand.

It is shown before anyone runs the scenario, and the report prints it afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from psi_match.domain.parties import display_name
from psi_match.scenario.model import Scenario, Text


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What one party puts in, learns, and does not learn."""

    party: str
    puts_in: Text
    learns: Text
    does_not_learn: Text


def disclosures(scenario: Scenario) -> list[Disclosure]:
    """Return one line per party, the leader first."""
    others = scenario.data_parties
    names = {party: display_name(party) for party in scenario.party_ids}
    leader = names[scenario.leader]
    all_others = {"nl": listed([names[p] for p in others], "en"), "en": listed([names[p] for p in others], "and")}
    return [
        Disclosure(
            scenario.leader,
            scenario.party(scenario.leader).rows,
            Text(
                nl=f"van elke eigen rij of die ook voorkomt bij {all_others['nl']}, per partij apart;"
                " en de naar boven afgeronde omvang van hun bestanden (uit de duur is de ware omvang te schatten)",
                en=f"of each own row whether it is also held by {all_others['en']}, for each party apart;"
                " and the rounded-up sizes of their sets (from the time it takes, the true sizes can be estimated)",
            ),
            Text(
                nl="wie er verder bij hen voorkomt; bedragen of andere gegevens",
                en="who else they hold; amounts or other columns",
            ),
        ),
        *(
            Disclosure(
                party,
                scenario.party(party).rows,
                Text(
                    nl=f"de naar boven afgeronde omvang van het bestand van {leader}"
                    " (uit de duur is de ware te schatten)",
                    en=f"the rounded-up size of {leader}'s set (from the time it takes, the true one can be estimated)",
                ),
                Text(
                    nl=f"wie er bij {leader} voorkomt, en wie of hoeveel er overeenkomen",
                    en=f"who {leader} holds, and who or how many match",
                ),
            )
            for party in others
        ),
    ]


def listed(names: list[str], conjunction: str) -> str:
    """Return names as a sentence has them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {conjunction} {names[-1]}"
