"""A proposal for an agreement, derived from a scenario: what people then read, complete and sign."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from psi_match.base.errors import UsageError
from psi_match.governance.agreement import (
    Agreement,
    Grondslag,
    PartyTerms,
    Retention,
    Runs,
    columns_read,
    outputs_of,
)
from psi_match.governance.signing import Signers
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import AnyScenario, JoinScenario, StatisticsOutput

_SMALLEST_GROUP = 10


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a scenario does not say and an agreement must.

    Args:
        grondslag: the legal basis.
        start: first day.
        end: last day.
        runs: how often.
        retention: how long results stay.
        max_set_size: largest public size of any party's set that has no cap in the scenario.
    """

    grondslag: Grondslag
    start: datetime.date
    end: datetime.date
    runs: Runs
    retention: Retention
    max_set_size: int = LARGEST_PUBLIC_SIZE


def propose(scenario: AnyScenario, name: str, signers: Signers, conditions: Conditions) -> Agreement:
    """Return an agreement on a scenario, with the newest signing key that is known of each party.

    Raises:
        UsageError: a party's signing key is not known.
        ValueError: the name or the conditions do not fit an agreement.
    """
    unknown = [party for party in scenario.party_ids if not signers.keys_of(party)]
    if unknown:
        raise UsageError(
            f"No signing key of {', '.join(unknown)} is known.",
            "Add it to signers.toml: `psi-match keys signer` shows it.",
        )
    return Agreement(
        format=1,
        name=name,
        scenario=scenario.name,
        scenario_digest=digest(scenario).hex(),
        start=conditions.start,
        end=conditions.end,
        min_group=_smallest_group(scenario),
        purpose=scenario.purpose,
        grondslag=conditions.grondslag,
        runs=conditions.runs,
        retention=conditions.retention,
        parties=tuple(_terms(scenario, party, signers, conditions) for party in scenario.party_ids),
        outputs=outputs_of(scenario),
    )


def _terms(scenario: AnyScenario, party_id: str, signers: Signers, conditions: Conditions) -> PartyTerms:
    part = scenario.party(party_id)
    size = None if part.dataset is None else part.cap or conditions.max_set_size
    return PartyTerms(
        id=party_id,
        signing_key=signers.keys_of(party_id)[-1].hex(),
        roles=tuple(scenario.roles(party_id)),
        dataset=part.dataset,
        columns=columns_read(scenario, party_id),
        max_set_size=size,
    )


def _smallest_group(scenario: AnyScenario) -> int:
    if not isinstance(scenario, JoinScenario):
        return _SMALLEST_GROUP
    sizes = [output.min_group for output in scenario.outputs if isinstance(output, StatisticsOutput)]
    return min(sizes, default=_SMALLEST_GROUP)
