"""The demo: a synthetic population, six nodes as processes on loopback, one run, and the truth to compare with."""

from __future__ import annotations

import datetime
import io
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from psi_match.base.randomness import SystemRandomness
from psi_match.bench.truth import expected_result, same_result
from psi_match.domain.parties import BODIES
from psi_match.node.certificates import NODE, OPERATOR, Authority, write_key_folder
from psi_match.node.local_nodes import LocalDataset, LocalNode, free_ports, running, write_node_folder
from psi_match.node.operator_client import finished_record
from psi_match.population.generate import generate
from psi_match.population.truth import read_truth
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
    today = datetime.datetime.now(datetime.UTC).date()
    generate(persons, seed, folder / "population", today)
    on_stage("kernels")
    # Once here, so that six nodes find compiled kernels instead of compiling them six times over.
    self_test(SystemRandomness())
    nodes = prepare_nodes(folder)
    on_stage("nodes")
    with running(list(nodes.values())):
        on_stage("run")
        with nodes[scenario.leader].operator() as operator:
            record = operator.run(scenario.name, engine, on_progress=on_progress)
            table = pd.read_parquet(io.BytesIO(operator.result(record["run_id"])))
        outcomes = [_party_outcome(node, scenario, record) for node in nodes.values()]
    expected = expected_result(read_truth(folder / "population" / "truth.parquet"), scenario)
    return DemoOutcome(
        scenario=scenario.name,
        engine=record["engine"],
        persons=persons,
        seed=seed,
        wall_s=round(time.monotonic() - began, 2),
        run_wall_s=record["wall_s"],
        equal_truth=same_result(table, expected),
        matches={party: int(table[party].sum()) for party in scenario.data_parties},
        expected={party: int(expected[party].sum()) for party in scenario.data_parties},
        parties=outcomes,
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


def _party_outcome(node: LocalNode, scenario: Scenario, record: dict[str, Any]) -> PartyOutcome:
    pairs = record["pairs"]
    if node.party == scenario.leader:
        return PartyOutcome(
            node.party,
            "leader",
            record["rows_in"],
            record["result_rows"],
            sum(pair["bytes_out"] for pair in pairs.values()),
            sum(pair["bytes_in"] for pair in pairs.values()),
        )
    if node.party not in pairs:
        return PartyOutcome(node.party, "", 0, 0, 0, 0)
    with node.operator() as operator:
        own = finished_record(operator, record["run_id"])
    pair = own["pairs"][scenario.leader]
    return PartyOutcome(node.party, "data party", own["rows_in"], 0, pair["bytes_out"], pair["bytes_in"])
