"""Which engine and which adder a joint run uses: what the operator asked for, or what the network decides.

Engine ``kkrt`` computes least, ``vole`` sends least. The node that coordinates the run knows the cost of each in bytes
from public sizes alone, and measures its own paths; those among the other parties are taken to be alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from psi_match.base.errors import UsageError
from psi_match.node.adder_choice import choose_adder
from psi_match.node.bandwidth import PROBE_BYTES
from psi_match.node.context import NodeContext
from psi_match.node.engine_choice import SLOWEST_BYTES_PER_S, EngineChoice, clearly_fastest
from psi_match.protocols.integers import ADDERS, Adder
from psi_match.protocols.join_oprf import oprf_bytes
from psi_match.protocols.join_terms import JOIN_ENGINES, JoinEngine
from psi_match.protocols.sizes import table_bins
from psi_match.scenario.cost import ASSUMED_SIZE
from psi_match.scenario.join_model import JoinScenario

COMPUTE_S = {"kkrt": (0.13, 0.55e-6), "vole": (0.12, 0.65e-6)}
"""Seconds of a join before the first bin, and per bin: medians of three runs of one data party with 2^16 and 2^20 rows,
on one machine of two cores. Another machine scales both, and so moves the border between them, not their order."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator asked for; empty where the node may choose."""

    engine: JoinEngine | None = None
    adder: Adder | None = None


def read_asked(scenario: JoinScenario, text: str) -> Asked:
    """Read what an operator wrote: an engine, an adder, or both with a plus sign between them.

    Raises:
        UsageError: it names something else, or an engine that the scenario does not allow.
    """
    engine: JoinEngine | None = None
    adder: Adder | None = None
    for word in text.split("+") if text else ():
        if word in ADDERS and adder is None:
            adder = "prefix" if word == "prefix" else "ripple"
        elif word in JOIN_ENGINES and engine is None:
            engine = "vole" if word == "vole" else "kkrt"
        else:
            raise UsageError(
                "A joint scenario has no engine of that name.",
                f"Name an engine ({', '.join(JOIN_ENGINES)}), how circuits carry ({', '.join(ADDERS)}), or both:"
                " vole+prefix.",
            )
    if engine is not None and engine not in scenario.engines:
        raise UsageError("The scenario does not allow this engine.", f"It allows {', '.join(scenario.engines)}.")
    return Asked(engine, adder)


def adder_for_run(context: NodeContext, scenario: JoinScenario, asked: Asked) -> Adder:
    """Return the adder: as asked, or the faster one on the measured paths.

    Raises:
        PsiMatchError: a compute party cannot be reached.
    """
    return asked.adder or choose_adder(context, scenario)


def engine_for_run(context: NodeContext, scenario: JoinScenario, asked: Asked, size: int) -> EngineChoice:
    """Return the engine: as asked, or the faster one on this node's paths.

    Args:
        context: the coordinator's node.
        scenario: names the engines that may run.
        asked: what the operator wants.
        size: the public size of this node's set, for which all others are taken; 0 if it has none.

    Raises:
        PsiMatchError: a party cannot be reached.
    """
    if asked.engine or len(scenario.engines) == 1:
        return EngineChoice(asked.engine or scenario.engines[0])
    bins = table_bins(size or ASSUMED_SIZE)
    if not depends_on_path(scenario.engines, bins):
        return EngineChoice(choose_engine(scenario.engines, math.inf, bins))
    rates = {}
    for party in scenario.with_data:
        if party != context.party:
            rates[party] = round(context.paths.measure(context.config.peer(party).address, party, context.credentials))
    slowest = min(rates.values())
    chosen = choose_engine(scenario.engines, slowest, bins)
    compared = {str(name): round(estimate(name, slowest, bins), 2) for name in scenario.engines}
    structlog.get_logger().info("engine chosen", engine=chosen, bytes_per_s=rates, estimated_s=compared)
    return EngineChoice(chosen, rates, compared)


def estimate(engine: JoinEngine, bandwidth_bytes_per_s: float, bins: int) -> float:
    """Return the seconds that the OPRF of one join takes."""
    start_s, bin_s = COMPUTE_S[engine]
    return start_s + bins * bin_s + oprf_bytes(engine, bins) / bandwidth_bytes_per_s


def choose_engine(allowed: Sequence[JoinEngine], bandwidth_bytes_per_s: float, bins: int) -> JoinEngine:
    """Return the engine with the lowest estimate, or the first one where none is clearly better."""
    return clearly_fastest(allowed[0], {name: estimate(name, bandwidth_bytes_per_s, bins) for name in allowed})


def depends_on_path(allowed: Sequence[JoinEngine], bins: int) -> bool:
    """Return whether measuring pays: another engine runs on a slow path, and sends less by more than measuring does."""
    fast, slow = choose_engine(allowed, math.inf, bins), choose_engine(allowed, SLOWEST_BYTES_PER_S, bins)
    return fast != slow and oprf_bytes(fast, bins) - oprf_bytes(slow, bins) > PROBE_BYTES
