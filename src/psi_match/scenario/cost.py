"""What a joint scenario will cost, before anyone runs it: gates, rounds and bytes per leader's turn."""

from __future__ import annotations

from dataclasses import dataclass

from psi_match.crypto.okvs_size import slots
from psi_match.protocols.circuits import COMPUTE_PARTIES, evaluate_messages, words_for
from psi_match.protocols.integers import Adder
from psi_match.protocols.join_oprf import oprf_bytes
from psi_match.protocols.join_plan import SessionTerms, Turn
from psi_match.protocols.join_terms import JoinEngine, match_circuit
from psi_match.protocols.sizes import CHUNK_BINS, chunks
from psi_match.scenario.join_model import JoinScenario
from psi_match.scenario.plan import compile_plan

_WORD_BYTES = 8
ASSUMED_SIZE = 1 << 20
"""Public size of every set for which costs are shown."""


@dataclass(frozen=True, slots=True)
class TurnCost:
    """The cost of one leader's turn, all parties together; frames and headers apart.

    Args:
        leader: party id.
        joins: data parties.
        and_gates: ANDs per row of the row circuit.
        depth: rounds of the row circuit, for rows that fit one step.
        match_gates: ANDs per bin and join.
        messages: messages that each compute party sends for ANDs.
        oprf_bytes: oblivious functions, most of them from the leader to the data parties.
        store_bytes: key-value stores, from the data parties to the leader.
        input_bytes: shares of what the leader decoded and of its own columns.
        gate_bytes: summands of ANDs, all three compute parties.
    """

    leader: str
    joins: int
    and_gates: int
    depth: int
    match_gates: int
    messages: int
    oprf_bytes: int
    store_bytes: int
    input_bytes: int
    gate_bytes: int

    @property
    def total_bytes(self) -> int:
        """All bytes of the turn, permutations apart."""
        return self.oprf_bytes + self.store_bytes + self.input_bytes + self.gate_bytes


def costs(
    scenario: JoinScenario, adder: Adder = "ripple", size: int = ASSUMED_SIZE, engine: JoinEngine = "kkrt"
) -> list[TurnCost]:
    """Return the cost of every turn when every set has the public size ``size``.

    Raises:
        ScenarioError: the scenario cannot be compiled.
    """
    plan = compile_plan(scenario, adder)
    parties = plan.with_rows
    terms = SessionTerms(plan, bytes(32), dict.fromkeys(parties, size), dict.fromkeys(parties, size), engine)
    return [_turn_cost(terms, turn) for turn in plan.turns]


def _turn_cost(terms: SessionTerms, turn: Turn) -> TurnCost:
    joins = terms.joins(turn)
    circuits = [match_circuit(one) for one in joins]
    copies = 1 if turn.leader in terms.plan.compute else 2
    row_words = words_for(terms.rows(turn))
    own_bits = 1 + len(turn.keys) - 1 + sum(column.bits for column in turn.columns) + 30 * turn.with_bsn
    gate_words = sum(circuit.and_gates * one.words for circuit, one in zip(circuits, joins, strict=True))
    gate_words += turn.circuit.and_gates * row_words
    return TurnCost(
        leader=turn.leader,
        joins=len(joins),
        and_gates=turn.circuit.and_gates,
        depth=turn.circuit.depth,
        match_gates=max(circuit.and_gates for circuit in circuits),
        messages=sum(evaluate_messages(circuit, one.words) for circuit, one in zip(circuits, joins, strict=True))
        + evaluate_messages(turn.circuit, row_words),
        oprf_bytes=sum(oprf_bytes(one.engine, one.bins) for one in joins),
        store_bytes=sum(
            slots(one.capacity(stop - start)) * one.value_bytes
            for one in joins
            for start, stop in chunks(one.bins, CHUNK_BINS)
        ),
        input_bytes=copies * _WORD_BYTES * (sum(one.value_bits * one.words for one in joins) + own_bits * row_words),
        gate_bytes=COMPUTE_PARTIES * _WORD_BYTES * gate_words,
    )
