"""What this node's policy says of a run: reads policy, agreements and known keys anew each time, and asks ``decision``.

So a data protection officer who takes an agreement out of the policy, or a key out of ``signers.toml``, stops the next
run without a restart.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from pathlib import Path

from psi_match.base.errors import ConfigError, PolicyRefusal, UsageError
from psi_match.governance import decision
from psi_match.governance.agreement_files import SignedAgreement, read_agreement, read_signed
from psi_match.governance.decision import Permit
from psi_match.governance.policy import Policy, read_policy
from psi_match.governance.rules import Rule, refusal
from psi_match.governance.signing import Signers
from psi_match.node.certificates import AUDITOR, OBSERVER
from psi_match.node.steady_clock import SteadyClock
from psi_match.scenario.join_model import AnyScenario


class Gate:
    """A node's gate.

    Args:
        party: the node's party id.
        policy: its policy file.
        agreements: folder of agreements and their signatures.
        signers: file of the parties' public signing keys.
        clock: the node's clock.
        on_policy: told the digest of a policy when it is another one than before, for the audit log.
    """

    def __init__(
        self,
        party: str,
        policy: Path,
        agreements: Path,
        signers: Path,
        clock: SteadyClock,
        on_policy: Callable[[bytes], object] = lambda _digest: None,
    ) -> None:
        self._party = party
        self._policy = policy
        self._agreements = agreements
        self._signers = signers
        self._clock = clock
        self._on_policy = on_policy
        self._lock = threading.Lock()
        self._digest: bytes | None = None

    def policy(self) -> Policy:
        """Return the policy of this moment.

        Raises:
            PolicyRefusal: rule ``policy``: there is none, or it cannot be read.
        """
        if not self._policy.exists():
            raise refusal(Rule.POLICY, "this node has no policy, so it permits nothing.", f"Write {self._policy}.")
        try:
            policy = read_policy(self._policy)
        except ConfigError as error:
            raise refusal(Rule.POLICY, error.sentence, error.hint) from None
        with self._lock:
            if policy.digest != self._digest:
                # In this order: what could not be written down is written down at the next decision.
                self._on_policy(policy.digest)
                self._digest = policy.digest
        return policy

    def signers(self) -> Signers:
        """Return the known signing keys of this moment.

        Raises:
            PolicyRefusal: rule ``signatures``: they cannot be read.
        """
        try:
            return Signers.read(self._signers)
        except ConfigError as error:
            raise refusal(Rule.SIGNATURES, error.sentence, error.hint) from None

    def propose(self, scenario: AnyScenario, agreement: str = "") -> Permit:
        """Decide on a run that this node's operator wants.

        Args:
            scenario: what is to run.
            agreement: name of the agreement; empty: the only one that covers it.

        Raises:
            PolicyRefusal: a rule says no.
            UsageError: several agreements cover it, and none is named.
        """
        policy = self.policy()
        if agreement:
            return self._permit(policy, scenario, agreement)
        names = [name for name in policy.agreements if self._is_on(name, scenario)]
        if not names:
            raise refusal(
                Rule.AGREEMENT,
                f"the policy names no agreement on scenario {scenario.name}.",
                "Add its name to `agreements`, and its file to the folder of agreements.",
            )
        permits: dict[str, Permit] = {}
        first: PolicyRefusal | None = None
        for name in names:
            try:
                permits[name] = self._permit(policy, scenario, name)
            except PolicyRefusal as no:
                first = first or no
        if len(permits) > 1:
            raise UsageError(
                f"Several agreements cover scenario {scenario.name}.", f"Choose --agreement: {', '.join(permits)}."
            )
        if not permits:
            # Safe: there was a name, and it led to no permit.
            assert first is not None  # noqa: S101
            raise first
        return next(iter(permits.values()))

    def answer(self, scenario: AnyScenario, agreement_digest: bytes) -> Permit:
        """Decide on a run that a peer proposes under an agreement.

        Raises:
            PolicyRefusal: a rule says no.
        """
        policy = self.policy()
        name = self._named(policy, agreement_digest)
        return self._permit(policy, scenario, name)

    def check_person(self, role: str, name: str) -> None:
        """Check that the policy names an operator, auditor or observer.

        Raises:
            PolicyRefusal: rule ``operator``, ``auditor`` or ``observer``.
        """
        if role == AUDITOR:
            decision.check_auditor(self.policy(), name)
        elif role == OBSERVER:
            decision.check_observer(self.policy(), name)
        else:
            decision.check_operator(self.policy(), name)

    def _permit(self, policy: Policy, scenario: AnyScenario, name: str) -> Permit:
        return decision.permit(
            policy, self._party, scenario, lambda: self._read(policy, name), self.signers(), self._clock.now()
        )

    def _read(self, policy: Policy, name: str) -> SignedAgreement:
        if name not in policy.agreements:
            raise refusal(Rule.AGREEMENT, f"the policy names no agreement {name}.", "Add it to `agreements`.")
        try:
            return read_signed(self._agreements / f"{name}.toml")
        except ConfigError as error:
            raise refusal(Rule.AGREEMENT, error.sentence, error.hint) from None

    def _is_on(self, name: str, scenario: AnyScenario) -> bool:
        try:
            return read_agreement(self._agreements / f"{name}.toml").scenario == scenario.name
        except ConfigError:
            # One broken file does not stop runs under the others; a run under this one finds no agreement.
            return False

    def _named(self, policy: Policy, digest: bytes) -> str:
        """Return the name of the agreement with a digest, among those of the policy."""
        for name in policy.agreements:
            try:
                agreement = read_agreement(self._agreements / f"{name}.toml")
            except ConfigError:
                continue
            if hmac.compare_digest(agreement.digest, digest):
                return name
        raise refusal(
            Rule.AGREEMENT,
            f"none of the {len(policy.agreements)} agreements that the policy names is the one that is meant.",
            "Compare the texts: `psi-match agreement show` prints the digest.",
        )
