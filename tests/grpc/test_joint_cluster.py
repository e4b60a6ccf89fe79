"""Joint runs whose data parties compute on a Dask cluster of two workers: the same answer and the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from support.joint_nodes import DATA_ONLY, LEADER, draw_people, make_joint_bodies, serving_jointly, wait_idle

from psi_match.node.cluster_config import DaskConfig
from psi_match.node.config import NodeConfig

NO_DISK = {"distributed.worker.memory.target": False, "distributed.worker.memory.spill": False}
# Workers compile or load their kernels within the first run.
LIMITS = "[limits]\npeer_silence_s = 30.0\nheartbeat_s = 0.5\nrun_s = 120.0\n"


@pytest.fixture(scope="module")
def workers() -> Iterator[LocalCluster]:
    with (
        dask.config.set(NO_DISK),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1") as cluster,
    ):
        yield cluster


def _on(address: str) -> Callable[[NodeConfig], NodeConfig]:
    return lambda config: config.model_copy(update={"cluster": DaskConfig(kind="dask", scheduler=address)})


@pytest.mark.parametrize("engine", ["kkrt", "vole"])
def test_a_data_party_that_computes_on_two_workers_says_the_same_bytes(
    tmp_path: Path, workers: LocalCluster, engine: str
) -> None:
    people = draw_people()
    bodies = make_joint_bodies(tmp_path, people, LIMITS)
    seen: list[tuple[Any, ...]] = []
    for change in ({}, {DATA_ONLY: _on(workers.scheduler_address)}):
        with serving_jointly(bodies, change=change) as nodes:
            record = bodies.run("leden", LEADER, f"{engine}+ripple")
            with bodies.operator(LEADER) as operator:
                found = pd.read_parquet(io.BytesIO(operator.result(record["run_id"])))
            wait_idle(nodes)
        pair = record["pairs"][DATA_ONLY]
        seen.append((found.to_csv(), pair["bytes_in"], pair["bytes_out"]))
    assert seen[0] == seen[1]
    with Client(workers.scheduler_address, set_as_default=False) as client:
        done = client.run(lambda dask_worker: dask_worker.state.task_counter.cumulative_elapsed)
        logs = str(client.get_worker_logs()) + str(client.get_scheduler_logs())
    assert any(times for times in done.values()), "the workers computed"
    assert not [number for number in people.everyone if number in logs]
