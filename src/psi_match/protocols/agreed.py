"""What both parties of a two-party intersection agree on before the first message: public values only."""

from __future__ import annotations

from dataclasses import dataclass

from psi_match.crypto.derive import hash_fields
from psi_match.protocols.sizes import table_bins, value_bytes


@dataclass(frozen=True, slots=True)
class PairTerms:
    """The public terms of one intersection between the leader and one data party.

    Args:
        sid: session id.
        leader: party id of the leader.
        data_party: party id of the data party.
        leader_size: public size of the leader's set.
        data_size: public size of the data party's set.
        instance: number of this PSI run in the session's plan, from 0.
        runs: PSI runs in the session.
    """

    sid: bytes
    leader: str
    data_party: str
    leader_size: int
    data_size: int
    instance: int
    runs: int

    @property
    def bins(self) -> int:
        """Bins of the leader's cuckoo table."""
        return table_bins(self.leader_size)

    @property
    def value_bytes(self) -> int:
        """Bytes of a truncated OPRF value."""
        return value_bytes(self.leader_size, self.data_size, self.runs)

    def digest(self, scenario_digest: bytes, engine: str) -> bytes:
        """Return one fingerprint of everything that both ends must agree on."""
        sizes = (self.leader_size, self.data_size, self.instance, self.runs)
        numbers = b"".join(number.to_bytes(8, "big") for number in sizes)
        names = (engine.encode(), self.leader.encode(), self.data_party.encode())
        return hash_fields("pair-terms", self.sid, scenario_digest, *names, numbers)
