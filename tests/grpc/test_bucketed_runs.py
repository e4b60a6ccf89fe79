"""Runs in hash buckets between real nodes: in threads, on a Dask cluster of two workers, and with workers lost."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster, Security
from support import cluster_tasks, nodes
from support.nodes import LEADER, Bodies, make_bodies, results_of, serving, wait_until_idle
from support.sets import numbers

from psi_match.base.errors import ClusterLost, ConfigError, CuckooFailure, InternalError, PsiMatchError
from psi_match.domain.bsn import format_bsn
from psi_match.node import cluster as cluster_module
from psi_match.node.cluster import Cluster, Computed, Dask, Threads, result
from psi_match.node.cluster_config import DaskConfig
from psi_match.node.config import NodeConfig
from psi_match.node.operator_client import OperatorClient
from psi_match.protocols.effects import Task

pytestmark = pytest.mark.timeout(900)
"""Worker processes start, and load their kernels, within a test."""

OTHER = "belastingdienst"

NO_DISK = {"distributed.worker.memory.target": False, "distributed.worker.memory.spill": False}


@pytest.fixture(scope="module", autouse=True)
def _no_disk() -> Iterator[None]:
    with dask.config.set(NO_DISK):
        yield


@pytest.fixture(scope="module")
def workers() -> Iterator[LocalCluster]:
    """Two worker processes on loopback; the scheduler gives a task up with the first worker that it kills."""
    with (
        dask.config.set({**NO_DISK, "distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1") as cluster,
    ):
        yield cluster


@pytest.fixture
def bodies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bodies:
    monkeypatch.setattr(nodes, "SCENARIO", nodes.SCENARIO.replace("engines = [", 'engines = ["kkrt-buckets", '))
    drawn = numbers(3000)
    rows = {LEADER: drawn[:2000], OTHER: drawn[1200:2900], "toeslagen": drawn[:10]}
    # Workers compile or load their kernels within the first run.
    limits = "[limits]\npeer_silence_s = 30.0\nheartbeat_s = 0.5\nrun_s = 120.0\n"
    return make_bodies(tmp_path, rows, limits)


def _on(address: str) -> Callable[[NodeConfig], NodeConfig]:
    return lambda config: config.model_copy(update={"cluster": DaskConfig(kind="dask", scheduler=address)})


def _run(bodies: Bodies, change: dict[str, Callable[[NodeConfig], NodeConfig]]) -> tuple[dict[str, Any], list[str]]:
    with (
        serving(bodies, (LEADER, OTHER), change) as running,
        OperatorClient(bodies.nodes[LEADER].address, bodies.operator_credentials(LEADER)) as operator,
    ):
        record = operator.run("paar")
        found = pd.read_parquet(io.BytesIO(operator.result(record["run_id"])))
        wait_until_idle(running)
    assert record["engine"] == "kkrt-buckets"
    return record["pairs"][OTHER], found["bsn"].tolist()


def test_a_run_on_two_workers_is_a_run_in_threads(bodies: Bodies, workers: LocalCluster) -> None:
    expected = format_bsn(np.sort(np.intersect1d(bodies.rows[LEADER], bodies.rows[OTHER]))).tolist()
    on_workers = dict.fromkeys((LEADER, OTHER), _on(workers.scheduler_address))
    runs = [_run(bodies, change) for change in ({}, on_workers, {OTHER: on_workers[OTHER]})]
    for pair, found in runs:
        assert found == expected
        assert pair["matches"] == 800
    assert len({(pair["bytes_in"], pair["bytes_out"], pair["rounds"]) for pair, _ in runs}) == 1


def test_the_workers_compute_and_their_logs_hold_no_number(bodies: Bodies, workers: LocalCluster) -> None:
    _run(bodies, dict.fromkeys((LEADER, OTHER), _on(workers.scheduler_address)))
    with Client(workers.scheduler_address, set_as_default=False) as client:
        done = client.run(lambda dask_worker: dask_worker.state.task_counter.cumulative_elapsed)
        logs = str(client.get_worker_logs()) + str(client.get_scheduler_logs())
        keys = {key for story in client.run_on_scheduler(_task_names).values() for key in story}
    assert any(times for times in done.values())
    assert keys == {"compute_on_worker"}
    everyone = format_bsn(np.concatenate(list(bodies.rows.values()))).tolist()
    assert not [number for number in everyone if number in logs]


def _task_names(dask_scheduler: Any) -> dict[str, list[str]]:
    return {"names": list(dask_scheduler.task_prefixes)}


def test_a_run_whose_cluster_is_gone_ends_at_both_ends_and_leaves_nothing(
    bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "_CONNECT_S", 0.5)
    with pytest.raises(PsiMatchError) as raised:
        _run(bodies, {OTHER: _on("tcp://127.0.0.1:9")})
    # What is about the data party's own machines stays there.
    assert raised.value.exit_code == 8
    assert "a reason of its own" in str(raised.value)
    assert not results_of(bodies)


def _computed(cluster: Cluster, function: Callable[..., object], *arguments: object) -> Any:
    return result(cluster.submit(Task(function, arguments)), cluster.check)


@pytest.fixture(params=["threads", "dask"])
def either(request: pytest.FixtureRequest, workers: LocalCluster) -> Iterator[Cluster]:
    config = DaskConfig(kind="dask", scheduler=workers.scheduler_address)
    cluster: Cluster = Threads(2) if request.param == "threads" else Dask(config)
    yield cluster
    cluster.close()


def test_a_task_that_fails_tells_no_value(
    either: Cluster, workers: LocalCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InternalError) as raised:
        _computed(either, cluster_tasks.fail_with_a_number, cluster_tasks.SECRET)
    with Client(workers.scheduler_address, set_as_default=False) as client:
        logs = str(client.get_worker_logs()) + str(client.get_scheduler_logs())
        if isinstance(either, Dask):
            # The same search finds a number where the library itself catches the exception.
            bare = client.submit(cluster_tasks.fail_with_a_number, cluster_tasks.SECRET, pure=False)
            assert cluster_tasks.SECRET in str(bare.exception())
            assert cluster_tasks.SECRET in str(client.get_worker_logs())
    told = str(raised.value) + raised.value.hint + str(raised.value.__context__) + str(raised.value.__cause__)
    written = "".join(capfd.readouterr())
    assert "ValueError" in written, "the kind of failure is in the log"
    assert cluster_tasks.SECRET not in told + logs + written
    assert _computed(either, cluster_tasks.total, np.ones((1000, 56), dtype=np.uint8)) == 56_000


def test_a_failure_on_purpose_keeps_its_type(either: Cluster) -> None:
    with pytest.raises(CuckooFailure, match="No cuckoo table") as raised:
        _computed(either, cluster_tasks.fail_on_purpose)
    assert raised.value.hint == "Start the run again."


def test_a_worker_of_another_release_is_not_used(workers: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Dask(DaskConfig(kind="dask", scheduler=workers.scheduler_address))
    assert _computed(cluster, cluster_tasks.total, np.ones((1, 1), dtype=np.uint8)) == 1
    monkeypatch.setattr(cluster_module, "__version__", "0.0.1")
    with pytest.raises(ConfigError, match="runs psi-match"):
        _computed(cluster, cluster_tasks.total, np.ones((1, 1), dtype=np.uint8))
    cluster.close()


def test_a_worker_that_may_write_to_its_disk_is_not_used() -> None:
    spilling = {"distributed.worker.memory.target": 0.6, "distributed.worker.memory.spill": 0.7}
    with (
        dask.config.set(spilling),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1") as one,
    ):
        cluster = Dask(DaskConfig(kind="dask", scheduler=one.scheduler_address))
        try:
            with pytest.raises(ConfigError, match="to its disk"):
                _computed(cluster, cluster_tasks.total, np.ones((1, 1), dtype=np.uint8))
        finally:
            cluster.close()


def test_a_worker_that_dies_ends_the_run_with_a_typed_error(workers: LocalCluster) -> None:
    cluster = Dask(DaskConfig(kind="dask", scheduler=workers.scheduler_address))
    try:
        with pytest.raises(ClusterLost, match="lost the machines"):
            _computed(cluster, cluster_tasks.die)
        # The nanny has started another one; the cluster goes on.
        assert _computed(cluster, cluster_tasks.total, np.ones((2, 2), dtype=np.uint8)) == 4
    finally:
        cluster.close()


def test_work_of_a_lost_worker_is_done_again(tmp_path: Path) -> None:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 3}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1") as two,
    ):
        cluster = Dask(DaskConfig(kind="dask", scheduler=two.scheduler_address))
        try:
            assert _computed(cluster, cluster_tasks.die_once, tmp_path / "died") == "done again"
        finally:
            cluster.close()


def test_a_cluster_without_workers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_ASK_EVERY_S", "_WITHOUT_WORKERS_S"):
        monkeypatch.setattr(cluster_module, name, 0.1)
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1") as one:
        cluster = Dask(DaskConfig(kind="dask", scheduler=one.scheduler_address))
        _computed(cluster, cluster_tasks.total, np.ones((1, 1), dtype=np.uint8))
        one.scale(0)
        with pytest.raises(ClusterLost, match="no workers"):
            _wait_for_the_end(cluster)
        cluster.close()
        monkeypatch.setattr(cluster_module, "_CONNECT_S", 4.0)
        fresh = Dask(DaskConfig(kind="dask", scheduler=one.scheduler_address))
        with pytest.raises(ClusterLost, match="no workers"):
            fresh.submit(Task(cluster_tasks.die, ()))


def test_an_encrypted_cluster_lets_only_its_own_node_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, foreign = Security.temporary(), Security.temporary()
    configs = []
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="tls://127.0.0.1", security=own
    ) as cluster:
        for name, security in (("own", own), ("foreign", foreign)):
            files = {"ca": security.tls_ca_file, "certificate": security.tls_client_cert}
            for file, text in {**files, "key": security.tls_client_key}.items():
                (tmp_path / f"{name}-{file}.pem").write_text(text)
            paths = {file: tmp_path / f"{name}-{file}.pem" for file in ("ca", "certificate", "key")}
            configs.append(DaskConfig(kind="dask", scheduler=cluster.scheduler_address, **paths))
        assert configs[0].encrypted
        inside, outside = (Dask(config) for config in configs)
        assert _computed(inside, cluster_tasks.total, np.ones((2, 2), dtype=np.uint8)) == 4
        monkeypatch.setattr(cluster_module, "_CONNECT_S", 2.0)
        with pytest.raises(ClusterLost, match="cannot be reached"):
            outside.submit(Task(cluster_tasks.die, ()))
        inside.close()
        outside.close()


def _wait_for_the_end(cluster: Dask) -> None:
    never: Future[Computed] = Future()
    until = time.monotonic() + 120

    def check() -> None:
        assert time.monotonic() < until
        cluster.check()

    result(never, check)


def test_the_library_s_own_loggers_are_quiet(workers: LocalCluster) -> None:
    Dask(DaskConfig(kind="dask", scheduler=workers.scheduler_address)).close()
    loud = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]
    assert loud
    assert all(logging.getLogger(name).getEffectiveLevel() == logging.CRITICAL for name in loud)
