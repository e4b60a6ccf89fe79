"""May this run take place here? Every rule that needs no data, and the rules on sizes.

Pure functions of policy, agreement, scenario and the moment: the node reads files and clocks, asks here, and does what
it is told. Rules on how often are in the node's ledger, which remembers.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from psi_match.crypto.derive import hash_fields
from psi_match.governance.agreement import Agreement, differences, names_scenario
from psi_match.governance.agreement_files import SignedAgreement
from psi_match.governance.policy import Policy
from psi_match.governance.rules import Rule, refusal
from psi_match.governance.signing import Signers
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import AnyScenario, JoinScenario, StatisticsOutput


@dataclass(frozen=True, slots=True)
class Permit:
    """A run that is allowed, until its sizes and the ledger say otherwise.

    Args:
        agreement: under which it takes place.
        policy: the node's, as it was when the run began.
    """

    agreement: Agreement
    policy: Policy


def run_digest(allowed: Permit, scenario: AnyScenario) -> bytes:
    """Return one digest of scenario and agreement: the session id depends on it, so both ends mean the same two."""
    return hash_fields("run", digest(scenario), allowed.agreement.digest)


def check_operator(policy: Policy, name: str) -> None:
    """Check that an operator may start runs and read results.

    Raises:
        PolicyRefusal: rule ``operator``.
    """
    if name not in policy.operators:
        raise refusal(
            Rule.OPERATOR,
            f"the policy names no operator {name or 'without a name'}.",
            "Add the name in the certificate to `operators`.",
        )


def check_auditor(policy: Policy, name: str) -> None:
    """Check that an auditor may read records and the audit log.

    Raises:
        PolicyRefusal: rule ``auditor``.
    """
    if name not in policy.auditors:
        raise refusal(
            Rule.AUDITOR,
            f"the policy names no auditor {name or 'without a name'}.",
            "Add the name in the certificate to `auditors`.",
        )


def check_observer(policy: Policy, name: str) -> None:
    """Check that an observer may read records and follow events.

    Raises:
        PolicyRefusal: rule ``observer``.
    """
    if name not in policy.observers:
        raise refusal(
            Rule.OBSERVER,
            f"the policy names no observer {name or 'without a name'}.",
            "Add the name in the certificate to `observers`.",
        )


def permit(
    policy: Policy,
    own: str,
    scenario: AnyScenario,
    find: Callable[[], SignedAgreement],
    signers: Signers,
    now: datetime.datetime,
) -> Permit:
    """Decide on a run before any data is touched.

    Args:
        policy: the node's.
        own: the node's party id.
        scenario: the node's own text of it.
        find: returns the agreement that is meant; called when the policy allows hour and peers.
        signers: whose signing keys are known.
        now: the moment; a clock that never goes back.

    Raises:
        PolicyRefusal: the first rule that says no.
    """
    if not policy.open_at(now):
        raise refusal(Rule.HOURS, "runs start at other hours here.", "See `hours` in the policy.")
    strangers = sorted(set(scenario.party_ids) - {own, *policy.peers})
    if strangers:
        raise refusal(
            Rule.PEER, f"the policy names no peer {', '.join(strangers)}.", "Add it to `peers`, if it is to be one."
        )
    signed = find()
    check_in_force(signed, scenario, signers, policy.local(now).date())
    allowed = Permit(signed.agreement, policy)
    _check_groups(allowed, scenario)
    return allowed


def check_in_force(signed: SignedAgreement, scenario: AnyScenario, signers: Signers, today: datetime.date) -> None:
    """Check that an agreement covers a scenario today.

    Raises:
        PolicyRefusal: the first rule that says no.
    """
    agreement = signed.agreement
    name = agreement.name
    if signed.missing:
        wrong = f" (not under this text: {', '.join(signed.wrong)})" if signed.wrong else ""
        raise refusal(
            Rule.SIGNATURES,
            f"agreement {name} is not signed by {', '.join(signed.missing)}{wrong}.",
            "Every party signs with `psi-match agreement sign`.",
        )
    unknown = [p.id for p in agreement.parties if not signers.knows(p.id, bytes.fromhex(p.signing_key))]
    if unknown:
        raise refusal(
            Rule.SIGNATURES,
            f"agreement {name} names a signing key for {', '.join(unknown)} that is not known here as its key.",
            "Compare it with signers.toml; propose the agreement anew after a change of keys.",
        )
    if not names_scenario(agreement, scenario):
        raise refusal(
            Rule.DIGEST,
            f"agreement {name} is on another text of scenario {scenario.name}.",
            "Compare the digests: `psi-match scenario show` and `psi-match agreement show`.",
        )
    found = differences(agreement, scenario)
    if found:
        raise refusal(
            Rule.CONTENTS,
            f"agreement {name} says otherwise than the scenario of {', '.join(found)}.",
            "Propose it anew from the scenario.",
        )
    if not agreement.start <= today <= agreement.end:
        raise refusal(Rule.TERM, f"agreement {name} runs from {agreement.start} to {agreement.end}.")
    basis = agreement.grondslag
    if today < basis.valid_from or (basis.valid_until is not None and today > basis.valid_until):
        until = f" to {basis.valid_until}" if basis.valid_until else ""
        raise refusal(Rule.GRONDSLAG, f"the legal basis of agreement {name} is valid from {basis.valid_from}{until}.")


def _check_groups(allowed: Permit, scenario: AnyScenario) -> None:
    if not isinstance(scenario, JoinScenario):
        return
    least = max(allowed.policy.limits.min_group, allowed.agreement.min_group)
    if any(output.min_group < least for output in scenario.outputs if isinstance(output, StatisticsOutput)):
        raise refusal(
            Rule.MIN_GROUP,
            f"the scenario releases groups smaller than {least}.",
            "Raise min_group in the scenario.",
        )


def check_sizes(allowed: Permit, sizes: Mapping[str, int]) -> None:
    """Check public sizes, own and others', before anything is computed on them.

    Args:
        allowed: the run.
        sizes: the largest public size with which each party takes part; 0 for a party without data.

    Raises:
        PolicyRefusal: rule ``set-size`` or ``population-share``.
    """
    limits = allowed.policy.limits
    for party, size in sizes.items():
        agreed = allowed.agreement.party(party).max_set_size or 0
        largest = min(limits.max_set_size, agreed)
        if size > largest:
            raise refusal(
                Rule.SET_SIZE,
                f"the set of {party} has public size {size}; {largest} is allowed.",
                "See max_set_size in policy and agreement.",
            )
        if size > limits.max_population_share * limits.population:
            raise refusal(
                Rule.POPULATION_SHARE,
                f"the set of {party} has public size {size}, more than {limits.max_population_share:.0%} of "
                f"{limits.population} people: it could be a list of everybody.",
                "See max_population_share in the policy.",
            )
