"""The suite ``scenario``: a scenario of the catalogue on a synthetic population, compared with the truth."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from psi_match.base.errors import ResultMismatch
from psi_match.base.randomness import SystemRandomness
from psi_match.bench.demonstration import match_and_compare, prepare_nodes
from psi_match.bench.measuring import Effort, Task, Watch, measure
from psi_match.bench.model import OURS, Measure, Row, RunFigures
from psi_match.bench.ours import AUTO, SERIALISED
from psi_match.bench.run_figures import figures
from psi_match.bench.sizes import in_powers
from psi_match.node.local_nodes import LocalNode, running
from psi_match.node.operator_client import finished_record
from psi_match.population.generate import generate
from psi_match.population.truth import TRUTH_NAME
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import AnyScenario
from psi_match.sim.self_test import self_test

SUITE = "scenario"


@dataclass(slots=True, eq=False, repr=False)
class _Scenario:
    """A scenario as a contender: the nodes of its parties, which read their files anew at each run."""

    scenario: AnyScenario
    engine: str
    folder: Path
    variant: str
    remarks: tuple[str, ...] = ()
    system: str = OURS
    bytes_are: str = SERIALISED
    reveals: str = ""

    @contextmanager
    def ready(self) -> Iterator[Measure]:
        """Start the nodes; stop them at the end."""
        # Once here, so that the nodes find compiled kernels instead of compiling them many times over.
        self_test(SystemRandomness())
        nodes = prepare_nodes(self.folder, self.scenario.party_ids)
        with running(list(nodes.values())):
            yield partial(self._run, nodes)

    def _run(self, nodes: dict[str, LocalNode]) -> RunFigures:
        operators = {party: node.operator for party, node in nodes.items()}
        outcome = match_and_compare(self.scenario, operators, self.folder / "population" / TRUTH_NAME, self.engine)
        if not outcome.equal_truth:
            raise ResultMismatch(
                f"Scenario {outcome.scenario} gave another answer than the truth.", "Please report it."
            )
        records = {}
        starter = self.scenario.leaders[0]
        for party in dict.fromkeys([starter, *self.scenario.party_ids]):
            with nodes[party].operator() as operator:
                records[party] = finished_record(operator, outcome.run_id)
        chosen = f"engine of the run: {outcome.engine}"
        self.remarks = (chosen,)
        return figures(records, outcome.run_wall_s)


def bench_scenario(
    name: str, persons: int, folder: Path, effort: Effort, watch: Watch, *, engine: str = "", seed: int = 1
) -> Row:
    """Measure a scenario of the catalogue.

    Args:
        name: of the scenario.
        persons: residents of the population.
        folder: empty; receives population, keys and node folders.
        effort: how often.
        watch: told what is being done.
        engine: engine or adder; empty: as the scenario and its node choose.
        seed: of the population.

    Raises:
        ScenarioError: there is no such scenario.
        ResultMismatch: an answer differs from the truth.
        PsiMatchError: a run failed.
    """
    scenario = Catalogue().get(name)
    text = f"{name}, {in_powers(persons)} persons"
    watch(f"{text}: make the population")
    generate(persons, seed, folder / "population", datetime.datetime.now(datetime.UTC).date())
    contender = _Scenario(scenario, engine, folder, engine or AUTO)
    (row,) = measure(
        Task(SUITE, text, {"scenario": name, "persons": persons, "seed": seed}), [contender], effort, watch
    )
    return row
