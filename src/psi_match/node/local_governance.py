"""Agreements and policies for nodes on one machine: one person plays every party, for demos, benches and tests.

The files are real ones: every party's own key signs, and each node's own policy names what it allows. Only that nobody
has agreed on anything is different, and the legal basis in the text says so.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from psi_match.governance.agreement import Grondslag, Retention, Runs
from psi_match.governance.agreement_files import sign_agreement, write_agreement
from psi_match.governance.policy import DAYS
from psi_match.governance.proposal import Conditions, propose
from psi_match.governance.signing import SIGNERS_NAME, SIGNING_KEY_NAME, KeySigner, Signers
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE
from psi_match.scenario.join_model import AnyScenario
from psi_match.scenario.model import Text

DEMO_PERSON = "demo"
"""Name in the certificates of people that ``write_key_folder`` makes."""

_NO_BASIS = Text(
    nl="Geen: een demonstratie met synthetische mensen, over wie niets wordt verwerkt",
    en="None: a demonstration with synthetic people, of whom no data are processed",
)


def demo_conditions(today: datetime.date) -> Conditions:
    """Return conditions under which a demo can be played for a quarter."""
    return Conditions(
        grondslag=Grondslag(reference=_NO_BASIS, valid_from=today),
        start=today,
        end=today + datetime.timedelta(days=92),
        runs=Runs(max=1000, period_days=1),
        retention=Retention(result_days=7, secret_days=30, record_days=92),
    )


def agree_as_all(
    scenarios: Iterable[AnyScenario], keys: Mapping[str, Path], folders: Mapping[str, Path], conditions: Conditions
) -> dict[str, list[str]]:
    """Propose an agreement on each scenario and sign it with the key of each of its parties.

    Args:
        scenarios: those whose parties are not all in ``keys`` are left out.
        keys: key folder of each party, with ``signing.key`` and ``signers.toml``.
        folders: where each party keeps its agreements; made if missing. It gets those in which it has a part.
        conditions: of all agreements.

    Returns:
        Per party the names of its agreements: those of the scenarios.

    Raises:
        ConfigError: a key cannot be read, or a file cannot be written.
    """
    agreed: dict[str, list[str]] = {party: [] for party in keys}
    signers = {party: KeySigner.read(folder / SIGNING_KEY_NAME) for party, folder in keys.items()}
    for scenario in scenarios:
        parties = scenario.party_ids
        if not set(parties) <= set(keys):
            continue
        known = Signers.read(keys[parties[0]] / SIGNERS_NAME)
        agreement = propose(scenario, scenario.name, known, conditions)
        for keeper in parties:
            folders[keeper].mkdir(parents=True, exist_ok=True, mode=0o700)
            path = write_agreement(folders[keeper], agreement)
            for party in parties:
                sign_agreement(path, party, signers[party])
            agreed[keeper].append(agreement.name)
    return agreed


@dataclass(frozen=True, slots=True)
class LocalPolicy:
    """A policy that lets a demo run.

    Args:
        peers: other parties.
        agreements: names.
        changes: other limits than the wide ones of a demo.
    """

    peers: Iterable[str]
    agreements: Iterable[str]
    changes: Mapping[str, object] | None = None

    def toml(self) -> str:
        """Return the policy file's text."""
        limits = {
            "population": 1_000_000_000,
            "max_population_share": 1.0,
            "max_set_size": LARGEST_PUBLIC_SIZE,
            "max_runs": 1000,
            "period_days": 1,
            "max_runs_per_snapshot": 1000,
            "min_group": 10,
        }
        return tomli_w.dumps(
            {
                "format": 1,
                "peers": sorted(self.peers),
                "agreements": sorted(self.agreements),
                "operators": [DEMO_PERSON],
                "auditors": [DEMO_PERSON],
                "observers": [DEMO_PERSON],
                "hours": [{"days": list(DAYS), "start": datetime.time.min, "until": datetime.time.max}],
                "limits": limits | dict(self.changes or {}),
            }
        )
