"""Which engine a pairwise run uses: kkrt sends most, vole least, ecdh computes most; the network decides.

The leader measures the path to each data party. What the engines would take follows from public sizes alone: seconds of
computing, and bytes over the slowest of the paths. Only engines that the signed scenario allows are compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from psi_match.node.bandwidth import PROBE_BYTES
from psi_match.node.context import NodeContext
from psi_match.scenario.model import Scenario

Name = TypeVar("Name", bound=str)
SLOWEST_BYTES_PER_S = 1e3
"""So slow that only bytes count."""
_CLEARLY = 0.9
"""Another engine than the scenario's first is to save a tenth: estimates are no better than that, and the order of a
scenario's engines says which its parties would rather have."""
_WORTH_S = 0.25
"""And at least this much: nobody waits for less."""


@dataclass(frozen=True, slots=True)
class EngineCost:
    """What one intersection costs: a start, and so much per row of the leader and per row of the data party.

    Args:
        start_s: seconds before the first row.
        leader_row_s: seconds of computing per row of the leader.
        data_row_s: the same per row of the data party.
        start_bytes: bytes in both directions, whatever the sizes.
        leader_row_bytes: bytes per row of the leader.
        data_row_bytes: bytes per row of the data party.
    """

    start_s: float
    leader_row_s: float
    data_row_s: float
    start_bytes: int
    leader_row_bytes: float
    data_row_bytes: float

    def compute_s(self, leader_size: int, data_size: int) -> float:
        """Return seconds on a path that costs no time."""
        return self.start_s + leader_size * self.leader_row_s + data_size * self.data_row_s

    def sent_bytes(self, leader_size: int, data_size: int) -> float:
        """Return the bytes of both directions."""
        return self.start_bytes + leader_size * self.leader_row_bytes + data_size * self.data_row_bytes


COSTS: Mapping[str, EngineCost] = {
    "kkrt": EngineCost(0.15, 0.36e-6, 0.38e-6, 119_000, 70.7, 30.1),
    "vole": EngineCost(0.09, 1.35e-6, 0.30e-6, 1_330_000, 20.3, 10.9),
    "ecdh": EngineCost(0.05, 2.7e-4, 0.9e-4, 1_000, 70.0, 35.0),
}
"""Bytes are those of run records. Seconds are those of the shortest of several runs between two nodes on one machine of
two cores: stages of 2^12, 2^14 and 2^20 rows, in all combinations; for ecdh equal sizes, divided by the number of its
multiplications. Another machine scales all of them, and so moves the border between two engines, not their order. An
engine that is not listed here is used where it is asked for or comes first in a scenario."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """An engine, and from what it was chosen.

    Args:
        engine: its name.
        bytes_per_s: measured, per data party; empty where nothing had to be measured.
        estimated_s: per engine that was compared, what the run would take.
    """

    engine: str
    bytes_per_s: dict[str, int] = field(default_factory=dict)
    estimated_s: dict[str, float] = field(default_factory=dict)

    def as_record(self) -> dict[str, dict[str, float]]:
        """Return what a run's record says of it; empty where nothing was measured."""
        if not self.bytes_per_s:
            return {}
        return {"bytes_per_s": dict(self.bytes_per_s), "estimated_s": self.estimated_s}


def choose_for_run(context: NodeContext, scenario: Scenario, leader_size: int) -> EngineChoice:
    """Measure the paths to the data parties, where that pays, and return the engine that would finish first.

    Args:
        context: the leader's node.
        scenario: names the engines that may run.
        leader_size: public size of the leader's set.

    Raises:
        PsiMatchError: a data party cannot be reached.
    """
    # A data party's public size comes with its acceptance, after the engine is proposed: its cap, or the leader's size.
    sizes = [(leader_size, scenario.party(party).cap or leader_size) for party in scenario.data_parties]
    if not depends_on_path(scenario.engines, sizes):
        return EngineChoice(choose_engine(scenario.engines, math.inf, sizes))
    rates = {}
    for party in scenario.data_parties:
        address = context.config.peer(party).address
        rates[party] = round(context.paths.measure(address, party, context.credentials))
    slowest = min(rates.values())
    chosen = choose_engine(scenario.engines, slowest, sizes)
    compared = {name: round(seconds, 2) for name, seconds in estimate(scenario.engines, slowest, sizes).items()}
    structlog.get_logger().info("engine chosen", engine=chosen, bytes_per_s=rates, estimated_s=compared)
    return EngineChoice(chosen, rates, compared)


def choose_engine(allowed: Sequence[str], bandwidth_bytes_per_s: float, sizes: Sequence[tuple[int, int]]) -> str:
    """Return the engine with the lowest estimate, or the first one where none is clearly better.

    Args:
        allowed: engines, in the scenario's order.
        bandwidth_bytes_per_s: of the slowest path.
        sizes: per intersection the public sizes of the leader and of the data party.
    """
    estimates = estimate(allowed, bandwidth_bytes_per_s, sizes)
    return clearly_fastest(allowed[0], estimates) if allowed[0] in estimates else allowed[0]


def clearly_fastest(first: Name, estimates: Mapping[Name, float]) -> Name:
    """Return the name with the lowest estimate in seconds, or the first one where none is clearly better."""
    best = min(estimates, key=lambda name: estimates[name])
    saved_s = estimates[first] - estimates[best]
    return best if saved_s > max(_WORTH_S, (1 - _CLEARLY) * estimates[first]) else first


def estimate(
    allowed: Sequence[str], bandwidth_bytes_per_s: float, sizes: Sequence[tuple[int, int]]
) -> dict[str, float]:
    """Return seconds per engine: all intersections share the leader's processor and its line, so they add up.

    Args:
        allowed: engines; those without a cost are left out.
        bandwidth_bytes_per_s: of the slowest path.
        sizes: per intersection the public sizes of the leader and of the data party.
    """
    costs = {name: COSTS[name] for name in allowed if name in COSTS}
    return {
        name: sum(cost.compute_s(*pair) + cost.sent_bytes(*pair) / bandwidth_bytes_per_s for pair in sizes)
        for name, cost in costs.items()
    }


def depends_on_path(allowed: Sequence[str], sizes: Sequence[tuple[int, int]]) -> bool:
    """Return whether measuring pays: another engine runs on a slow path, and sends less by more than measuring does.

    Args:
        allowed: engines, in the scenario's order.
        sizes: per intersection the public sizes of the leader and of the data party.
    """
    fast, slow = (choose_engine(allowed, rate, sizes) for rate in (math.inf, SLOWEST_BYTES_PER_S))
    return fast != slow and _sent_bytes(fast, sizes) - _sent_bytes(slow, sizes) > PROBE_BYTES * len(sizes)


def _sent_bytes(engine: str, sizes: Sequence[tuple[int, int]]) -> float:
    return sum(COSTS[engine].sent_bytes(*pair) for pair in sizes)
