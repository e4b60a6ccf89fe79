"""Three compute parties in the simulator: shares of known values, roles around one building block, openings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psi_match.base.randomness import SeededRandomness
from psi_match.protocols.circuits import Planes
from psi_match.protocols.effects import Role
from psi_match.protocols.sharing import ComputeParty, Shares, exchange_keys
from psi_match.sim.simulator import Carrier, Simulation, simulate

PARTIES = ("ann", "cas", "bob")
"""Not in the order of their names, so that no index can be mistaken for a rank."""
SID = b"s" * 32
Step = Callable[[ComputeParty, Any], Role[Any]]


def rng_of(party: str, seed: str = "") -> SeededRandomness:
    return SeededRandomness(f"{party}/{seed}".encode())


def share(values: Planes, seed: int = 1) -> list[Shares]:
    """Return the three parties' shares of known planes."""
    rng = np.random.default_rng(seed)
    parts = rng.integers(0, 1 << 64, (3, *values.shape), dtype=np.uint64)
    parts[2] = values ^ parts[0] ^ parts[1]
    return [np.stack([parts[i], parts[(i + 1) % 3]]) for i in range(3)]


def reveal(shares: list[Shares]) -> Planes:
    """Return the value of three parties' shares, which must be consistent."""
    for i in range(3):
        assert np.array_equal(shares[i][1], shares[(i + 1) % 3][0]), "two holders of a share differ"
    opened: Planes = shares[0][0] ^ shares[1][0] ^ shares[2][0]
    return opened


def among_three(
    step: Step, inputs: list[Any], others: Mapping[str, Role[Any]] | None = None, seed: str = "", carry: Any = None
) -> Simulation:
    """Run one building block at all three compute parties, each with its own input."""

    def role(index: int) -> Role[Any]:
        me = yield from exchange_keys(PARTIES, PARTIES[index], SID, rng_of(PARTIES[index], seed))
        return (yield from step(me, inputs[index]))

    roles = {party: role(index) for index, party in enumerate(PARTIES)} | dict(others or {})
    return simulate(roles, carry) if carry else simulate(roles)


def results(run: Simulation) -> list[Any]:
    return [run.results[party] for party in PARTIES]


def random_planes(bits: int, words: int, seed: int = 2) -> Planes:
    planes: NDArray[np.uint64] = np.random.default_rng(seed).integers(0, 1 << 64, (bits, words), dtype=np.uint64)
    return planes


__all__ = ["PARTIES", "SID", "Carrier", "among_three", "random_planes", "results", "reveal", "rng_of", "share"]
