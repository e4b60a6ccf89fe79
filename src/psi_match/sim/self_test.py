"""A small intersection in this process, compared with its plaintext twin.

It proves that the kernels, the AES and group libraries and the protocol work on this machine, and it compiles or loads
every kernel, so that the first real run is not the slow one.
"""

from __future__ import annotations

import numpy as np

from psi_match.base.errors import InternalError
from psi_match.base.randomness import RandomSource
from psi_match.crypto.derive import hash_fields
from psi_match.protocols import psi
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.effects import Recv, Rows
from psi_match.protocols.sizes import ladder_step
from psi_match.protocols.tables import CuckooTable
from psi_match.sim.simulator import simulate

_ROWS = 300


def self_test(rng: RandomSource) -> None:
    """Intersect two small sets of made-up numbers.

    Raises:
        InternalError: the answer is wrong.
    """
    leader = np.arange(0, 2 * _ROWS, 2, dtype=np.uint32)
    data_party = np.arange(0, 3 * _ROWS, 3, dtype=np.uint32)
    size = ladder_step(_ROWS)
    terms = PairTerms(hash_fields("self-test", rng.bytes(16)), "leader", "data-party", size, size, 0, 1)
    outcome = simulate(
        {
            "leader": psi.lead(terms, CuckooTable.build(terms.sid, leader, terms.bins), rng),
            "data-party": psi.answer(terms, data_party, rng),
        },
        _read_only,
    )
    if not np.array_equal(outcome.results["leader"], psi.plaintext_intersection(leader, data_party)):
        raise InternalError("The self-test of the protocol gave a wrong answer on this machine.", "Please report it.")


def _read_only(_sender: str, _recipient: str, message: Rows, _expected: Recv) -> Rows:
    """Deliver a message as the wire does, as read-only rows: numba compiles a kernel of its own for those."""
    rows = message.rows.copy()
    rows.flags.writeable = False
    return type(message)(rows)
