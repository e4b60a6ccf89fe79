"""The demo: a synthetic population, six nodes as processes on loopback, one run, and the truth to compare with."""

from __future__ import annotations

import datetime
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from psi_match.base.randomness import SystemRandomness
from psi_match.bench.truth import expected_result, same_result
from psi_match.domain.parties import BODIES
from psi_match.node.certificates import NODE, OPERATOR, Authority, write_key_folder
from psi_match.node.local_nodes import LocalDataset, LocalNode, free_ports, running, write_node_folder
from psi_match.node.operator_client import OperatorClient, finished_record
from psi_match.population.generate import SUMMARY_NAME, generate
from psi_match.population.truth import TRUTH_NAME, read_truth
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.model import Scenario
from psi_match.sim.self_test import self_test
from psi_match.wire.v1 import operator_pb2 as pb

ARREARS_COLUMNS = {"open_cents": "cents", "oldest_claim_months": "integer", "reminder_sent": "boolean"}


@dataclass(frozen=True, slots=True)
class PartyOutcome:
    """What one party put in and learned.

    Args:
        party: party id.
        role: ``leader``, ``data party`` or empty: takes no part.
        rows_in: rows that it put in.
        learned: rows of its own about which it learned something.
        bytes_out: bytes that left its node for other nodes.
        bytes_in: bytes that came in from other nodes.
    """

    party: str
    role: str
    rows_in: int
    learned: int
    bytes_out: int
    bytes_in: int


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """The outcome of a demo run."""

    scenario: str
    engine: str
    persons: int
    seed: int
    wall_s: float
    run_wall_s: float
    equal_truth: bool
    matches: dict[str, int]
    expected: dict[str, int]
    parties: list[PartyOutcome]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


Operators = Mapping[str, Callable[[], OperatorClient]]
"""How to reach each body's node as that body's own operator."""


def demonstrate(
    scenario_name: str,
    persons: int,
    seed: int,
    folder: Path,
    engine: str = "",
    on_stage: Callable[[str], None] = lambda _stage: None,
    on_progress: Callable[[pb.Progress], None] = lambda _progress: None,
) -> DemoOutcome:
    """Run the demo in an empty folder.

    Args:
        scenario_name: a scenario of the catalogue.
        persons: size of the population.
        seed: of the population.
        folder: receives population, keys, node folders.
        engine: ``kkrt`` or ``ecdh``; the scenario's own if empty.
        on_stage: called with the name of each stage as it begins: ``population``, ``kernels``, ``nodes``, ``run``.
        on_progress: called with the progress of the run.

    Raises:
        PsiMatchError: whatever fails on the way.
    """
    began = time.monotonic()
    scenario = Catalogue().get(scenario_name)
    on_stage("population")
    generate(persons, seed, folder / "population", datetime.datetime.now(datetime.UTC).date())
    on_stage("kernels")
    # Once here, so that six nodes find compiled kernels instead of compiling them six times over.
    self_test(SystemRandomness())
    nodes = prepare_nodes(folder)
    on_stage("nodes")
    with running(list(nodes.values())):
        on_stage("run")
        operators = {party: node.operator for party, node in nodes.items()}
        outcome = match_and_compare(scenario, operators, folder / "population" / TRUTH_NAME, engine, on_progress)
    return replace(outcome, wall_s=round(time.monotonic() - began, 2))


def match_and_compare(
    scenario: Scenario,
    operators: Operators,
    truth: Path,
    engine: str = "",
    on_progress: Callable[[pb.Progress], None] = lambda _progress: None,
) -> DemoOutcome:
    """Run a scenario at nodes that serve already, and compare the result with the truth.

    It plays the operator of every body, which only a demo may: each node's own record tells what went in there.

    Args:
        scenario: what to run.
        operators: how to reach the nodes.
        truth: the population's truth; its summary lies beside it.
        engine: ``kkrt`` or ``ecdh``; the scenario's own if empty.
        on_progress: called with the progress of the run.

    Raises:
        PsiMatchError: whatever fails on the way.
    """
    began = time.monotonic()
    expected = expected_result(read_truth(truth), scenario)
    summary = json.loads(truth.with_name(SUMMARY_NAME).read_text(encoding="utf-8"))
    with operators[scenario.leader]() as operator:
        record = operator.run(scenario.name, engine, on_progress=on_progress)
        table = pd.read_parquet(io.BytesIO(operator.result(record["run_id"])))
    return DemoOutcome(
        scenario=scenario.name,
        engine=record["engine"],
        persons=summary["persons"],
        seed=summary["seed"],
        wall_s=round(time.monotonic() - began, 2),
        run_wall_s=record["wall_s"],
        equal_truth=same_result(table, expected),
        matches={party: int(table[party].sum()) for party in scenario.data_parties},
        expected={party: int(expected[party].sum()) for party in scenario.data_parties},
        parties=[_party_outcome(party, operators[party], scenario, record) for party in operators],
    )


def prepare_nodes(folder: Path) -> dict[str, LocalNode]:
    """Make keys and a folder of its own for each of the six bodies, on free ports; start nothing."""
    now = datetime.datetime.now(datetime.UTC)
    authority = Authority.create(now)
    ports = free_ports(len(BODIES))
    nodes = {
        body.id: LocalNode(body.id, folder / "nodes" / body.id, folder / "keys" / body.id, port)
        for body, port in zip(BODIES, ports, strict=True)
    }
    addresses = {party: node.address for party, node in nodes.items()}
    for party, node in nodes.items():
        write_key_folder(node.keys, authority, party, (NODE, OPERATOR), now)
        arrears = LocalDataset(folder / "population" / party / "arrears.parquet", ARREARS_COLUMNS)
        write_node_folder(node.folder, node, addresses, {"arrears": arrears})
    return nodes


def _party_outcome(
    party: str, operator_of: Callable[[], OperatorClient], scenario: Scenario, record: dict[str, Any]
) -> PartyOutcome:
    pairs = record["pairs"]
    if party == scenario.leader:
        return PartyOutcome(
            party,
            "leader",
            record["rows_in"],
            record["result_rows"],
            sum(pair["bytes_out"] for pair in pairs.values()),
            sum(pair["bytes_in"] for pair in pairs.values()),
        )
    if party not in pairs:
        return PartyOutcome(party, "", 0, 0, 0, 0)
    with operator_of() as operator:
        own = finished_record(operator, record["run_id"])
    pair = own["pairs"][scenario.leader]
    return PartyOutcome(party, "data party", own["rows_in"], 0, pair["bytes_out"], pair["bytes_in"])
