"""What the page shows of a scenario: texts, who learns what, and the agreement that this page has a copy of."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psi_match.base.errors import PsiMatchError
from psi_match.domain.parties import display_name
from psi_match.governance.agreement_files import SignedAgreement, read_signed
from psi_match.page.texts import Words, count
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import AnyScenario, JoinScenario
from psi_match.scenario.joint_disclosure import collusion
from psi_match.scenario.tables import all_disclosures


def recipients(scenario: AnyScenario) -> list[str]:
    """Return who learns something about people, or counts of them."""
    return scenario.recipients if isinstance(scenario, JoinScenario) else [scenario.leader]


def card(scenario: AnyScenario, language: str) -> dict[str, Any]:
    """Return what the list shows of a scenario."""
    learning = recipients(scenario)
    return {
        "name": scenario.name,
        "title": scenario.title.in_language(language),
        "purpose": scenario.purpose.in_language(language),
        "learns": ", ".join(map(display_name, learning)),
        "parties": ", ".join(display_name(party.id) for party in scenario.parties),
    }


def disclosure_rows(scenario: AnyScenario, language: str) -> list[dict[str, Any]]:
    """Return the who-learns-what table."""
    learning = recipients(scenario)
    return [
        {
            "party": display_name(line.party),
            "receives": line.party in learning,
            "puts_in": line.puts_in.in_language(language),
            "learns": line.learns.in_language(language),
            "does_not_learn": line.does_not_learn.in_language(language),
        }
        for line in all_disclosures(scenario)
    ]


def details(scenario: AnyScenario, language: str) -> dict[str, Any]:
    """Return what a scenario's own page shows."""
    joint = scenario if isinstance(scenario, JoinScenario) else None
    limits = joint.limits if joint else None
    return card(scenario, language) | {
        "source": scenario.source.in_language(language),
        "disclosure": disclosure_rows(scenario, language),
        "assumptions": scenario.assumptions.in_language(language),
        "limits": limits.in_language(language) if limits else "",
        "collusion": collusion(joint).in_language(language) if joint else "",
        "rule": joint.predicate if joint else "",
        "constants": [
            {
                "name": name,
                "value": count(constant.value),
                "unit": constant.type,
                "assumed": constant.assumed,
                "source": constant.source.in_language(language),
            }
            for name, constant in (joint.constants if joint else {}).items()
        ],
        "digest": digest(scenario).hex(),
        "leader": display_name(scenario.leaders[0]),
        "leader_id": scenario.leaders[0],
    }


def agreements_on(scenario: AnyScenario, folder: Path | None, today: datetime.date) -> list[SignedAgreement]:
    """Return the agreements on a scenario of which the page has a copy: those in force today first.

    A file that cannot be read counts as absent: the nodes decide on their own copies, this page only shows.
    """
    found = []
    for path in sorted(folder.glob("*.toml")) if folder else ():
        try:
            signed = read_signed(path)
        except PsiMatchError:
            continue
        if signed.agreement.scenario == scenario.name:
            found.append(signed)
    return sorted(found, key=lambda signed: not _is_in_term(signed, today))


def agreement_lines(
    found: Sequence[SignedAgreement], scenario: AnyScenario, language: str, t: Words, today: datetime.date
) -> list[dict[str, Any]]:
    """Return agreements as the page shows them."""
    lines = []
    for signed in found:
        agreement = signed.agreement
        basis = agreement.grondslag
        key = "grondslag_term" if basis.valid_until else "grondslag_open"
        term = t(key, start=basis.valid_from, end=basis.valid_until)
        lines.append(
            {
                "grondslag": agreement.grondslag.reference.in_language(language),
                "term": term,
                "text": t(
                    "agreement_text",
                    name=agreement.name,
                    start=agreement.start,
                    end=agreement.end,
                    signed=len(signed.signed),
                    parties=len(agreement.party_ids),
                ),
                "runs": t(
                    "agreement_runs",
                    max=agreement.runs.max,
                    period=_days(agreement.runs.period_days, t, t("day")),
                    result=_days(agreement.retention.result_days, t, t("one_day")),
                ),
                "other_text": agreement.scenario_digest != digest(scenario).hex(),
                "over": not _is_in_term(signed, today),
            }
        )
    return lines


def _is_in_term(signed: SignedAgreement, today: datetime.date) -> bool:
    agreement = signed.agreement
    basis = agreement.grondslag
    return (
        not signed.missing
        and agreement.start <= today <= agreement.end
        and basis.valid_from <= today
        and (basis.valid_until is None or today <= basis.valid_until)
    )


def _days(number: int, t: Words, one: str) -> str:
    return one if number == 1 else t("days", count=number)
