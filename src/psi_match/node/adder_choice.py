"""Which adder a joint run uses: ripple sends fewest bytes, prefix needs fewest rounds; the network decides.

The coordinator measures the round trip to each other compute party. What the two adders would take follows from their
public costs: rounds times the longest round trip, and bytes over an assumed bandwidth.
"""

from __future__ import annotations

import time

from psi_match.node.context import NodeContext
from psi_match.node.greeting import greet_repeatedly
from psi_match.protocols.integers import ADDERS, Adder
from psi_match.scenario.cost import ASSUMED_SIZE, costs
from psi_match.scenario.join_model import JoinScenario

_BYTES_PER_S = 100e6
"""Assumed bandwidth among compute parties: a gigabit line, shared."""


def choose_adder(context: NodeContext, scenario: JoinScenario) -> Adder:
    """Measure round trips and return the adder that would finish first.

    Raises:
        PsiMatchError: a compute party cannot be reached.
    """
    others = [party for party in scenario.compute if party != context.party]
    round_trip = max(_round_trip_s(context, party) for party in others)
    return faster_adder(scenario, round_trip)


def faster_adder(scenario: JoinScenario, round_trip_s: float, size: int = ASSUMED_SIZE) -> Adder:
    """Return the adder with the lower estimate for sets of a public size."""

    def estimate(adder: Adder) -> float:
        turns = costs(scenario, adder, size)
        return sum(turn.messages * round_trip_s + turn.gate_bytes / _BYTES_PER_S for turn in turns)

    return min(ADDERS, key=estimate)


def _round_trip_s(context: NodeContext, party: str) -> float:
    """Return the shortest of a few greetings on one connection: the first one pays for the handshake."""
    times = []
    address = context.config.peer(party).address
    for greeting in greet_repeatedly(address, party, context.credentials):
        began = time.monotonic()
        greeting()
        times.append(time.monotonic() - began)
    return min(times)
