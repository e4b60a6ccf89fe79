"""What both parties of a private join agree on beforehand, and the circuit by which bins are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from psi_match.crypto.hashes import HASHES
from psi_match.protocols.circuits import Circuit, CircuitBuilder, words_for
from psi_match.protocols.sizes import STATISTICAL_SECURITY_BITS, table_bins

JoinEngine = Literal["kkrt", "vole"]
JOIN_ENGINES: tuple[JoinEngine, ...] = ("kkrt", "vole")


@dataclass(frozen=True, slots=True)
class JoinTerms:
    """The public terms of one join.

    Args:
        sid: session id.
        leader: party id of the leader.
        data_party: party id of the data party.
        table_size: public number of items of the leader's table: its rows times its key columns.
        data_size: public size of the data party's set, opt-outs included.
        instance: number of this join in the session, from 0: separates its OPRF from all others.
        session_bins: bins of all joins of the session together.
        payload_bits: bits that the data party contributes per row.
        engine: where the OPRF comes from.
    """

    sid: bytes
    leader: str
    data_party: str
    table_size: int
    data_size: int
    instance: int
    session_bins: int
    payload_bits: int
    engine: JoinEngine = "kkrt"

    @property
    def bins(self) -> int:
        """Bins of the leader's cuckoo table."""
        return table_bins(self.table_size)

    @property
    def words(self) -> int:
        """Words of a bit plane over all bins."""
        return words_for(self.bins)

    @property
    def tag_bits(self) -> int:
        """Bits of a tag: a bin without a match passes for one with probability 2^-40 in the whole session."""
        return STATISTICAL_SECURITY_BITS + math.ceil(math.log2(self.session_bins))

    @property
    def value_bits(self) -> int:
        """Bits of a programmed value: tag, then payload."""
        return self.tag_bits + self.payload_bits

    @property
    def value_bytes(self) -> int:
        """Bytes of a programmed value on the wire."""
        return -(-self.value_bits // 8)

    @property
    def value_words(self) -> int:
        """Machine words of a programmed value."""
        return -(-self.value_bits // 64)

    def capacity(self, bins: int) -> int:
        """Return the keys for which the store of a chunk of ``bins`` bins has room, a public bound.

        How many keys fall into a chunk is a statistic of the set, so it must not show. Each key falls into a chunk
        independently of the other rows' keys and less often together with its own row's: by Chernoff's bound the
        number exceeds mean + 9 sqrt(mean) + 64 with probability below 2^-56.
        """
        keys = HASHES * self.data_size
        mean = keys * bins / self.bins
        return min(keys, math.ceil(mean + 9 * math.sqrt(mean) + 64))


def match_circuit(terms: JoinTerms) -> Circuit:
    """Return what the compute parties evaluate per bin.

    Inputs: ``difference`` = t ^ r and ``payload`` = p ^ s. Outputs: ``found`` and ``payload``, zero where not found.
    """
    builder = CircuitBuilder()
    difference = builder.input("difference", terms.tag_bits)
    payload = builder.input("payload", terms.payload_bits)
    found = builder.all_([builder.not_(wire) for wire in difference])
    builder.output("found", (found,))
    builder.output("payload", [builder.and_(found, wire) for wire in payload])
    return builder.build()
