"""The demo: a synthetic population, one node per party of a scenario on loopback, one run, compared with the truth."""

from __future__ import annotations

import datetime
import io
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from psi_match.base.randomness import SystemRandomness
from psi_match.bench.evaluation import evaluate, of_scenario
from psi_match.bench.truth import expected_join, expected_result, same_result
from psi_match.domain.parties import BODIES
from psi_match.node.certificates import ROLES, Authority, write_key_folder
from psi_match.node.dossier import Dossier, collect
from psi_match.node.local_nodes import LocalDataset, LocalNode, free_ports, govern, running, write_node_folder
from psi_match.node.operator_client import OperatorClient, finished_record
from psi_match.population.files import OPT_OUTS_NAME
from psi_match.population.generate import SUMMARY_NAME, generate
from psi_match.population.truth import TRUTH_NAME, read_whole_truth
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import AnyScenario, JoinScenario
from psi_match.scenario.model import Scenario
from psi_match.sim.self_test import self_test
from psi_match.wire.v1 import operator_pb2 as pb

COLUMNS = {
    "open_cents": "cents",
    "oldest_claim_months": "integer",
    "reminder_sent": "boolean",
    "instalment_cents": "cents",
    "municipality": "integer",
    "aow_cents": "cents",
    "has_partner": "boolean",
    "lives_in_nl": "boolean",
    "receives_aio": "boolean",
    "candidate": "boolean",
    "partner_bsn": "bsn",
    "income_cents": "cents",
    "other_income_cents": "cents",
    "assets_cents": "cents",
    "household_type": "integer",
}
"""Types of all columns of a population, by name."""
DOSSIER_FOLDER = "dossier"
"""Within a demo's folder."""


@dataclass(frozen=True, slots=True)
class PartyOutcome:
    """What one party put in and learned.

    Args:
        party: party id.
        role: its roles, as its own record names them; empty: takes no part.
        rows_in: rows that it put in.
        learned: rows of its result; None if it learned nothing.
        bytes_out: bytes that left its node for other nodes.
        bytes_in: bytes that came in from other nodes.
    """

    party: str
    role: str
    rows_in: int
    learned: int | None
    bytes_out: int
    bytes_in: int


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """The outcome of a demo run.

    Args:
        matches: what was found: per data party of a pairwise scenario, per recipient of a joint one.
        expected: the same, by the truth.
        tables: counts of a table of statistics, per recipient and cell; None where suppressed.
    """

    run_id: str
    scenario: str
    engine: str
    persons: int
    seed: int
    wall_s: float
    run_wall_s: float
    equal_truth: bool
    matches: dict[str, int]
    expected: dict[str, int]
    tables: dict[str, dict[str, int | None]]
    parties: list[PartyOutcome]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


Operators = Mapping[str, Callable[[], OperatorClient]]
"""How to reach each party's node as that party's own operator."""


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
        folder: receives population, keys, node folders, and the run's dossier.
        engine: its name, for a joint scenario perhaps with an adder (``vole+prefix``); as its node chooses if empty.
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
    # Once here, so that the nodes find compiled kernels instead of compiling them many times over.
    self_test(SystemRandomness())
    nodes = prepare_nodes(folder, demo_parties(scenario))
    on_stage("nodes")
    with running(list(nodes.values())):
        on_stage("run")
        operators = {party: node.operator for party, node in nodes.items()}
        outcome = match_and_compare(scenario, operators, folder / "population" / TRUTH_NAME, engine, on_progress)
        dossier = _collect([nodes[party] for party in scenario.party_ids], outcome.run_id)
    about = of_scenario(evaluate(folder / "population"), scenario.name)
    (dossier.with_evaluation(about) if about else dossier).write(folder / DOSSIER_FOLDER)
    return replace(outcome, wall_s=round(time.monotonic() - began, 2))


def _collect(nodes: list[LocalNode], run_id: str) -> Dossier:
    """Collect the run's dossier as an observer of every party."""
    with ExitStack() as stack:
        return collect({node.party: stack.enter_context(node.observer()) for node in nodes}, run_id)


def demo_parties(scenario: AnyScenario) -> list[str]:
    """Return whose nodes a demo starts: the six bodies, and whoever else the scenario names."""
    bodies = [body.id for body in BODIES]
    return [*bodies, *(party for party in scenario.party_ids if party not in bodies)]


def match_and_compare(
    scenario: AnyScenario,
    operators: Operators,
    truth: Path,
    engine: str = "",
    on_progress: Callable[[pb.Progress], None] = lambda _progress: None,
) -> DemoOutcome:
    """Run a scenario at nodes that serve already, and compare every recipient's result with the truth.

    It plays the operator of every party, which only a demo may: each node's own record tells what went in there.

    Args:
        scenario: what to run.
        operators: how to reach the nodes.
        truth: the population's truth; the rest of it, and its summary, lie beside it.
        engine: as in ``demonstrate``.
        on_progress: called with the progress of the run.

    Raises:
        PsiMatchError: whatever fails on the way.
    """
    began = time.monotonic()
    expected = _expected(scenario, truth)
    summary = json.loads(truth.with_name(SUMMARY_NAME).read_text(encoding="utf-8"))
    with operators[scenario.leaders[0]]() as operator:
        record = operator.run(scenario.name, engine, on_progress=on_progress)
    records, found = {}, {}
    for party in scenario.party_ids:
        with operators[party]() as operator:
            records[party] = finished_record(operator, record["run_id"])
            if party in expected:
                found[party] = pd.read_parquet(io.BytesIO(operator.result(record["run_id"])))
    learned_by_others = [p for p, own in records.items() if p not in expected and own["result_rows"] is not None]
    same = not learned_by_others and all(same_result(found[party], table) for party, table in expected.items())
    return DemoOutcome(
        run_id=record["run_id"],
        scenario=scenario.name,
        engine="+".join(filter(None, (record["engine"], record.get("adder")))),
        persons=summary["persons"],
        seed=summary["seed"],
        wall_s=round(time.monotonic() - began, 2),
        run_wall_s=record["wall_s"],
        equal_truth=same,
        matches=_counted(scenario, found),
        expected=_counted(scenario, expected),
        tables={party: _cells(table) for party, table in found.items() if "group" in table},
        parties=[_party_outcome(party, records.get(party)) for party in operators],
    )


def prepare_nodes(folder: Path, parties: list[str]) -> dict[str, LocalNode]:
    """Make keys and a folder of its own for each party, on free ports; start nothing."""
    now = datetime.datetime.now(datetime.UTC)
    authority = Authority.create(now)
    nodes = {
        party: LocalNode(party, folder / "nodes" / party, folder / "keys" / party, port)
        for party, port in zip(parties, free_ports(len(parties)), strict=True)
    }
    addresses = {party: node.address for party, node in nodes.items()}
    for party, node in nodes.items():
        write_key_folder(node.keys, authority, party, ROLES, now)
        files = sorted((folder / "population" / party).glob("*.parquet"))
        datasets = {path.stem: LocalDataset(path, _columns(path)) for path in files}
        opt_outs = Path(OPT_OUTS_NAME).stem
        extra = f'opt_outs = "{opt_outs}"\n' if opt_outs in datasets else ""
        write_node_folder(node.folder, node, addresses, datasets, extra)
    govern(nodes, Catalogue().all())
    return nodes


def _columns(path: Path) -> dict[str, str]:
    return {name: COLUMNS[name] for name in pq.read_schema(path).names if name in COLUMNS}


def _expected(scenario: AnyScenario, truth: Path) -> dict[str, pd.DataFrame]:
    """Return what each recipient must learn, by the truth."""
    whole = read_whole_truth(truth.parent)
    if isinstance(scenario, JoinScenario):
        return expected_join(scenario, whole)
    return {scenario.leader: expected_result(whole, scenario)}


def _counted(scenario: AnyScenario, tables: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    if isinstance(scenario, Scenario):
        return {party: int(tables[scenario.leader][party].sum()) for party in scenario.data_parties}
    return {party: len(table) for party, table in tables.items()}


def _cells(table: pd.DataFrame) -> dict[str, int | None]:
    return {
        str(group): None if suppressed else int(count)
        for group, count, suppressed in zip(table["group"], table["count"], table["suppressed"], strict=True)
    }


def _party_outcome(party: str, record: dict[str, Any] | None) -> PartyOutcome:
    if record is None:
        return PartyOutcome(party, "", 0, None, 0, 0)
    pairs = record["pairs"].values()
    return PartyOutcome(
        party,
        record["role"],
        record["rows_in"],
        record["result_rows"],
        sum(pair["bytes_out"] for pair in pairs),
        sum(pair["bytes_in"] for pair in pairs),
    )
