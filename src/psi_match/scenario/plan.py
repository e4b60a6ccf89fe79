"""From a joint scenario to the plan that all parties play: turns, circuits, outputs."""

from __future__ import annotations

from psi_match.protocols.integers import Adder
from psi_match.protocols.join_plan import Column, JoinStep, Plan, Signal, Statistics, Turn
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import JoinScenario, SignalOutput, StatisticsOutput
from psi_match.scenario.row_circuit import compile_row_circuit, joins

_BSN_INPUT = "leader/bsn"
_LEADER = "leader/"


def compile_plan(scenario: JoinScenario, adder: Adder = "ripple") -> Plan:
    """Compile a scenario.

    Args:
        scenario: a checked scenario.
        adder: how circuits carry; all parties of a session use the same.

    Raises:
        ScenarioError: the scenario cannot be compiled.
    """
    turns = tuple(_turn(scenario, leader, adder) for leader in scenario.leaders)
    widths = turns[0].circuit.output_bits()
    outputs = list(enumerate(scenario.outputs))
    return Plan(
        digest=digest(scenario),
        parties=tuple(scenario.party_ids),
        compute=scenario.compute,
        turns=turns,
        members="members" in widths,
        label_bits=widths.get("label", 0),
        signals=tuple(
            Signal(f"signal/{index}", widths[f"signal/{index}"], output.recipient)
            for index, output in outputs
            if isinstance(output, SignalOutput)
        ),
        statistics=tuple(
            _statistics(index, output) for index, output in outputs if isinstance(output, StatisticsOutput)
        ),
        adder=adder,
    )


def _turn(scenario: JoinScenario, leader: str, adder: Adder) -> Turn:
    circuit = compile_row_circuit(scenario, leader, adder)
    inputs = circuit.input_bits()
    used = [name.removeprefix(_LEADER) for name in inputs if name.startswith(_LEADER) and name != _BSN_INPUT]
    return Turn(
        leader=leader,
        keys=tuple(key.name for key in scenario.party(leader).keys),
        joins=tuple(
            JoinStep(one.data_party, tuple(Column(column.name, column.bits) for column in one.columns))
            for one in joins(scenario, leader)
        ),
        columns=tuple(Column(name, inputs[_LEADER + name]) for name in used),
        with_bsn=_BSN_INPUT in inputs,
        circuit=circuit,
    )


def _statistics(index: int, output: StatisticsOutput) -> Statistics:
    return Statistics(
        fields=tuple(f"group/{index}/{group.name}" for group in output.groups),
        recipient=output.recipient,
        min_group=output.min_group,
        totals=tuple(output.totals(group) for group in output.groups),
    )
