"""May there be notices about this run, and between whom?

Giving notice is the exercise of a right under the agreement of the earlier run: it needs no new agreement, and takes
place also when that one has ended, is not in the policy any more, or has no runs left. Hours do not count. What does
count: both took part in the run, by each node's own record; the agreement's text is still there, and the signing keys
that it names are still known as theirs; the policy names the peer.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from psi_match.base.errors import ConfigError, PeerError
from psi_match.crypto.derive import hash_fields
from psi_match.governance.agreement import Agreement
from psi_match.governance.agreement_files import read_agreement
from psi_match.governance.decision import Permit
from psi_match.governance.rules import Rule, refusal
from psi_match.node.context import NodeContext
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE, SMALLEST_PUBLIC_SIZE, ladder_step
from psi_match.scenario.model import ENGINES


@dataclass(frozen=True, slots=True)
class NoticedRun:
    """An earlier run that this node took part in.

    Args:
        run_id: 32 hexadecimal digits.
        record: this node's record of it.
        agreement: under which it took place.
    """

    run_id: str
    record: dict[str, Any]
    agreement: Agreement

    @property
    def recipients(self) -> list[str]:
        """Parties that learned rows of persons, sorted: not those that learned statistics only."""
        return sorted({output.recipient for output in self.agreement.outputs if output.kind != "statistics"})

    @property
    def scenario_digest(self) -> bytes:
        """Digest of its scenario, whose text may be another one today."""
        return bytes.fromhex(self.record["scenario_digest"])

    @property
    def engine(self) -> str:
        """The engine that matches notices: that of the run, or the first one where it had none."""
        return self.record["engine"] if self.record["engine"] in ENGINES else ENGINES[0]

    @property
    def digest(self) -> bytes:
        """What the session id of a run about notices depends on."""
        run_id = bytes.fromhex(self.run_id)
        return hash_fields("notices", self.scenario_digest, self.agreement.digest, run_id)

    def may_give_notice(self, party: str) -> bool:
        """Tell whether a party put data into the run, or learned rows from it."""
        return party in self.agreement.party_ids and (
            self.agreement.party(party).dataset is not None or party in self.recipients
        )

    def check_leader_size(self, size: int, peer: str) -> None:
        """Check the public size of a recipient's set: a result has no more rows than the leaders of the run had.

        So a recipient cannot look up many others among the notices in the place of those in its result.

        Raises:
            PeerError: it is no public size, or too large.
        """
        rows = sum(self.record["sizes"]["rows"].values())
        _check_public(size, ladder_step(min(rows, LARGEST_PUBLIC_SIZE)), peer, "hello")

    def check_data_size(self, size: int, peer: str) -> None:
        """Check the public size of a list of notices.

        Raises:
            PeerError: it is no public size.
        """
        _check_public(size, LARGEST_PUBLIC_SIZE, peer, "acceptance")


def noticed_run(context: NodeContext, run_id: str) -> NoticedRun | None:
    """Return a finished run of this node; None if it has none of this id.

    Raises:
        UsageError: that is no run id.
        PolicyRefusal: rule ``agreement``: the text of its agreement is not there any more.
    """
    record = context.store.record(run_id)
    if record is None or record["state"] != "finished" or record.get("notices_of"):
        return None
    return NoticedRun(run_id, record, _agreement(context, record))


def permit_notices(context: NodeContext, run: NoticedRun, peer: str) -> Permit:
    """Decide on a run about notices with a peer.

    Raises:
        PolicyRefusal: rule ``peer`` or ``signatures``.
    """
    policy = context.gate.policy()
    if peer not in policy.peers:
        raise refusal(Rule.PEER, f"the policy names no peer {peer}.", "Add it to `peers`, if it is to be one.")
    signers = context.gate.signers()
    for party in (context.party, peer):
        if not signers.knows(party, bytes.fromhex(run.agreement.party(party).signing_key)):
            raise refusal(
                Rule.SIGNATURES,
                f"agreement {run.agreement.name} names a signing key for {party} that is not known here as its key.",
                "Compare it with signers.toml: a key that was replaced stays there as long as its runs can be noticed.",
            )
    return Permit(run.agreement, policy)


def _agreement(context: NodeContext, record: dict[str, Any]) -> Agreement:
    """Return the agreement of a run by its digest, whether or not the policy still names it."""
    wanted = bytes.fromhex(record["agreement_digest"])
    for path in sorted(context.config.governance.agreements.glob("*.toml")):
        try:
            agreement = read_agreement(path)
        except ConfigError:
            continue
        if hmac.compare_digest(agreement.digest, wanted):
            return agreement
    raise refusal(
        Rule.AGREEMENT,
        f"the text of agreement {record['agreement']}, under which the run took place, is not there any more.",
        "Put its file back into the folder of agreements; the policy need not name it.",
    )


def _check_public(size: int, largest: int, peer: str, step: str) -> None:
    if not SMALLEST_PUBLIC_SIZE <= size <= largest or ladder_step(size) != size:
        raise PeerError(f"The peer declares {size} rows, which is no public size for this.", peer=peer, step=step)
