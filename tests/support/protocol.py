"""Run a two-party intersection in the simulator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.base.randomness import RandomSource, SeededRandomness
from psi_match.protocols import engines
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.sizes import ladder_step
from psi_match.sim.simulator import Carrier, Simulation, _as_is, simulate

SID = bytes(range(32))


def terms_for(leader_rows: int, data_rows: int, sid: bytes = SID, instance: int = 0, runs: int = 1) -> PairTerms:
    return PairTerms(sid, "leader", "data", ladder_step(leader_rows), ladder_step(data_rows), instance, runs)


def intersect(
    engine: str,
    leader: NDArray[np.uint32],
    data_party: NDArray[np.uint32],
    *,
    sid: bytes = SID,
    leader_rng: RandomSource | None = None,
    data_rng: RandomSource | None = None,
    carry: Carrier = _as_is,
) -> Simulation:
    terms = terms_for(len(leader), len(data_party), sid)
    return simulate(
        {
            "leader": engines.lead(
                engine, terms, engines.LeaderRows(leader), leader_rng or SeededRandomness(b"leader")
            ),
            "data": engines.answer(engine, terms, data_party, data_rng or SeededRandomness(b"data")),
        },
        carry,
    )
