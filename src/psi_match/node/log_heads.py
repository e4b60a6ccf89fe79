"""The heads of their audit logs that the parties of a run show each other, and countersign.

Each party signs with its signing key where its log stands when the run begins; the other writes that down in its own
log and countersigns it. Whoever later cuts lines off its log, or writes another history, contradicts what its peers
hold. A countersignature is over a line that was written for this run, so it also shows that a node that was dialled
holds its party's signing key now, not only a TLS key.
"""

from __future__ import annotations

from psi_match.governance.audit.heads import LogHead, countersign, is_countersigned, is_head_of
from psi_match.governance.decision import Permit
from psi_match.governance.rules import Rule, refusal
from psi_match.node.context import NodeContext
from psi_match.wire.v1 import peer_pb2 as pb


class RunHeads:
    """The heads of one run at this node.

    Args:
        context: the node.
        run_id: 32 hexadecimal digits.
        permit: its agreement names the signing keys.
    """

    def __init__(self, context: NodeContext, run_id: str, permit: Permit) -> None:
        self._context = context
        self._run_id = run_id
        self._permit = permit
        self._seen: dict[str, LogHead] = {}
        self._own = context.audit.head()

    def own(self) -> pb.SignedHead:
        """Return the head of this node's log as this object found it, for the wire."""
        head = self._own
        return pb.SignedHead(
            log=bytes.fromhex(head.log),
            sequence=head.sequence,
            digest=bytes.fromhex(head.digest),
            signature=head.signature,
        )

    def take(self, party: str, shown: pb.SignedHead) -> None:
        """Check a party's head and write it down; the same head again is fine.

        Raises:
            PolicyRefusal: rule ``signed-head``: it is not signed with the key that the agreement names.
        """
        head = LogHead(party, shown.log.hex(), shown.sequence, shown.digest.hex(), shown.signature)
        if self._seen.get(party) == head:
            return
        if party in self._seen or not is_head_of(head, self._key_of(party)):
            raise refusal(
                Rule.SIGNED_HEAD,
                f"the head of the audit log that {party} shows is not signed with the key in the agreement.",
                "Its signing key may have changed: compare signers.toml.",
                peer=party,
                step="proposal",
            )
        self._seen[party] = head
        self._context.audit.append("peer-head", run=self._run_id, peer=party, **head.as_fields())

    def countersignature(self, party: str) -> bytes:
        """Return this node's signature under a party's head."""
        return countersign(self._seen[party], self._context.party, self._context.signer)

    def take_countersignature(self, party: str, signature: bytes) -> None:
        """Check a party's signature under our head and write it down.

        Raises:
            PolicyRefusal: rule ``signed-head``: it is none.
        """
        if not is_countersigned(self._own, party, signature=signature, public_key=self._key_of(party)):
            raise refusal(
                Rule.SIGNED_HEAD,
                f"{party} has not countersigned the head of our audit log with the key in the agreement.",
                "Its signing key may have changed: compare signers.toml.",
                peer=party,
                step="proposal",
            )
        seen = self._own.as_fields() | {"signature": signature.hex()}
        self._context.audit.append("countersigned", run=self._run_id, peer=party, **seen)

    def _key_of(self, party: str) -> bytes:
        return bytes.fromhex(self._permit.agreement.party(party).signing_key)
