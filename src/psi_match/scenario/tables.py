"""The disclosure table of a scenario of either protocol."""

from __future__ import annotations

from psi_match.scenario.disclosure import Disclosure, disclosures
from psi_match.scenario.join_model import AnyScenario, JoinScenario
from psi_match.scenario.joint_disclosure import joint_disclosures


def all_disclosures(scenario: AnyScenario) -> list[Disclosure]:
    """Return one line per party, leaders first."""
    return joint_disclosures(scenario) if isinstance(scenario, JoinScenario) else disclosures(scenario)
