"""Scenarios, signing keys, agreements and policies for tests of the rules."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from psi_match.governance.agreement import Agreement, Grondslag, Retention, Runs
from psi_match.governance.agreement_files import sign_agreement, write_agreement
from psi_match.governance.decision import Permit
from psi_match.governance.policy import DAYS, Hours, Policy, PolicyLimits
from psi_match.governance.proposal import Conditions, propose
from psi_match.governance.signing import KeySigner, KnownSigner, Signers
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import AnyScenario
from psi_match.scenario.model import Text

TODAY = datetime.date(2026, 11, 24)
NOON = datetime.datetime(2026, 11, 24, 11, 0, tzinfo=datetime.UTC)
"""A Tuesday; noon in Amsterdam."""
PAIRS, SIGNAL, COUNTS = "betalingsregeling-rijk-paren", "vroegsignaal-gezamenlijk", "overlap-statistiek"


def scenario(name: str = PAIRS) -> AnyScenario:
    return Catalogue().get(name)


def conditions(**changes: Any) -> Conditions:
    fields: dict[str, Any] = {
        "grondslag": Grondslag(reference=Text(nl="artikel 1", en="article 1"), valid_from=TODAY),
        "start": TODAY,
        "end": TODAY + datetime.timedelta(days=30),
        "runs": Runs(max=3, period_days=7),
        "retention": Retention(result_days=30, secret_days=30, record_days=60),
        "max_set_size": 1 << 20,
    }
    return Conditions(**(fields | changes))


def limits(**changes: Any) -> PolicyLimits:
    fields: dict[str, Any] = {
        "population": 17_900_000,
        "max_population_share": 0.1,
        "max_set_size": 1 << 20,
        "max_runs": 5,
        "period_days": 30,
        "max_runs_per_snapshot": 2,
        "min_group": 10,
    }
    return PolicyLimits(**(fields | changes))


def policy(text: AnyScenario, **changes: Any) -> Policy:
    fields: dict[str, Any] = {
        "format": 1,
        "peers": tuple(text.party_ids),
        "agreements": (text.name,),
        "operators": ("anna",),
        "auditors": ("bart",),
        "observers": ("cas",),
        "hours": (Hours(days=DAYS, start=datetime.time.min, until=datetime.time.max),),
        "limits": limits(),
    }
    return Policy(**(fields | changes))


@dataclass(slots=True)
class Keys:
    """A signing key for each party that asks."""

    of: dict[str, KeySigner] = field(default_factory=dict)

    def signer(self, party: str) -> KeySigner:
        return self.of.setdefault(party, KeySigner(Ed25519PrivateKey.generate()))

    def known(self, parties: list[str]) -> Signers:
        entries = tuple(KnownSigner(party=p, public_key=self.signer(p).public_key.hex()) for p in parties)
        return Signers(format=1, signers=entries)


def agreement(text: AnyScenario, keys: Keys, **changes: Any) -> Agreement:
    return propose(text, text.name, keys.known(text.party_ids), conditions(**changes))


def signed(folder: Path, terms: Agreement, keys: Keys, without: tuple[str, ...] = ()) -> Path:
    """Write an agreement and every party's signature."""
    folder.mkdir(parents=True, exist_ok=True)
    path = write_agreement(folder, terms)
    for party in terms.party_ids:
        if party not in without:
            sign_agreement(path, party, keys.signer(party))
    return path


def permit(name: str = PAIRS, *, runs: Runs | None = None, **changes: Any) -> Permit:
    """A permit of a policy with other limits."""
    text = scenario(name)
    terms = agreement(text, Keys(), **({"runs": runs} if runs else {}))
    return Permit(terms, policy(text, limits=limits(**changes)))
