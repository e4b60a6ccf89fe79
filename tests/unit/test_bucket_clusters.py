"""Where a node computes, as its config says it; and tasks in threads."""

from __future__ import annotations

import datetime
import sys
import threading
from pathlib import Path

import pytest
from pydantic import BaseModel

from psi_match.base.errors import ConfigError, InternalError, TransportError
from psi_match.base.toml_file import parse_model
from psi_match.node.certificates import NODE, Authority, write_key_folder
from psi_match.node.cluster import Computed, Dask, Threads, open_cluster, result
from psi_match.node.cluster_config import ClusterConfig, DaskConfig, ThreadsConfig
from psi_match.node.driver import drive
from psi_match.protocols.effects import Role, Started, Task, finish, start

TLS = 'ca = "ca.pem"\ncertificate = "node.pem"\nkey = "node.key"\n'


class _File(BaseModel):
    cluster: ClusterConfig = ThreadsConfig()


def _read(text: str) -> ClusterConfig:
    return parse_model("[cluster]\n" + text, "node.toml", _File).cluster


@pytest.mark.parametrize(
    "text",
    [
        'kind = "threads"',
        'kind = "threads"\ncount = 3',
        'kind = "dask"\nscheduler = "tls://10.0.0.5:8786"\n' + TLS,
        'kind = "dask"\nscheduler = "tcp://127.0.0.1:8786"',
        'kind = "dask"\nscheduler = "tcp://[::1]:8786"',
        'kind = "dask"\nscheduler = "tcp://localhost:8786"',
        'kind = "dask"\nscheduler = "tcp://10.0.0.5:8786"\nplain_network = true',
    ],
)
def test_configs_that_are_fine(text: str) -> None:
    assert _read(text).kind in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "dask"\nscheduler = "tcp://10.0.0.5:8786"', "in the clear"),
        ('kind = "dask"\nscheduler = "tcp://127.0.0.1.example.org:8786"', "in the clear"),
        ('kind = "dask"\nscheduler = "tcp://0.0.0.0:8786"', "in the clear"),
        ('kind = "dask"\nscheduler = "tls://10.0.0.5:8786"', "needs ca, certificate and key"),
        ('kind = "dask"\nscheduler = "tls://10.0.0.5:8786"\nca = "ca.pem"', "needs ca, certificate and key"),
        ('kind = "dask"\nscheduler = "tcp://127.0.0.1:8786"\n' + TLS, "write tls://"),
        ('kind = "dask"\nscheduler = "10.0.0.5:8786"', "must look like"),
        ('kind = "dask"\nscheduler = "tls://10.0.0.5"\n' + TLS, "must look like"),
        ('kind = "dask"\nscheduler = "tls://10.0.0.5:port"\n' + TLS, "must look like"),
        ('kind = "dask"\nscheduler = "ucx://10.0.0.5:8786"', "must look like"),
        ('kind = "dask"', "scheduler is missing"),
        ('kind = "spark"', "cluster"),
        ('kind = "threads"\ncount = 0', "count"),
        ('kind = "threads"\nscheduler = "tcp://127.0.0.1:1"', "not a known key"),
    ],
)
def test_configs_that_are_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _read(text)


def test_paths_count_from_the_file() -> None:
    config = _read('kind = "dask"\nscheduler = "tls://10.0.0.5:8786"\n' + TLS).relative_to(Path("/etc/node"))
    assert isinstance(config, DaskConfig)
    assert [config.ca, config.certificate, config.key] == [
        Path("/etc/node/ca.pem"),
        Path("/etc/node/node.pem"),
        Path("/etc/node/node.key"),
    ]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match="distributed is not installed") as raised:
        open_cluster(DaskConfig(kind="dask", scheduler="tcp://127.0.0.1:8786"), Path("ca.pem"))
    assert "psi-match[cluster]" in raised.value.hint


def test_tls_files_are_looked_at_before_the_node_serves(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    config = _read('kind = "dask"\nscheduler = "tls://10.0.0.5:8786"\n' + TLS).relative_to(tmp_path)
    with pytest.raises(ConfigError, match="TLS file"):
        open_cluster(config, tmp_path / "peers.pem")
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("node.pem", "node.key"):
        (tmp_path / name).write_text("no key")
    with pytest.raises(ConfigError, match="TLS file") as raised:
        Dask(config)  # type: ignore[arg-type]
    assert "no key" not in str(raised.value)


def test_the_parties_authority_does_not_open_a_cluster(tmp_path: Path) -> None:
    """Whoever has a certificate of the cluster's authority runs code there: that must not be every peer's node."""
    pytest.importorskip("distributed")
    now = datetime.datetime.now(datetime.UTC)
    parties, cluster = Authority.create(now), Authority.create(now)
    for name, authority in (("parties", parties), ("cluster", cluster)):
        write_key_folder(tmp_path / name, authority, "cjib", (NODE,), now)
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join((tmp_path / name / "ca.pem").read_bytes() for name in ("cluster", "parties")))

    def dask(ca: Path, folder: Path) -> DaskConfig:
        return DaskConfig(
            kind="dask",
            scheduler="tls://10.0.0.5:8786",
            ca=ca,
            certificate=folder / "node.pem",
            key=folder / "node.key",
        )

    peers = tmp_path / "parties" / "ca.pem"
    open_cluster(dask(tmp_path / "cluster" / "ca.pem", tmp_path / "cluster"), peers)
    for ca in (peers, both):
        with pytest.raises(ConfigError, match="every peer could run code"):
            open_cluster(dask(ca, tmp_path / "parties"), peers)


def _meet(barrier: threading.Barrier) -> int:
    return barrier.wait(timeout=10)


def _sum_of(count: int) -> Role[int]:
    barrier = threading.Barrier(count)
    started: list[Started[int]] = []
    for _ in range(count):
        started.append((yield from start(_meet, barrier)))  # noqa: PERF401  # a comprehension cannot yield
    total = 0
    for one in started:
        total += yield from finish(one)
    return total


def test_started_tasks_run_side_by_side() -> None:
    threads = Threads(3)
    # Each waits for the other two: one after another they would never end.
    assert drive(_sum_of(3), {}, 0, cluster=threads) == 0 + 1 + 2
    threads.close()


def test_a_role_with_tasks_needs_a_place_to_compute() -> None:
    with pytest.raises(InternalError, match="without a place"):
        drive(_sum_of(1), {}, 0)


def _wait(event: threading.Event) -> bool:
    return event.wait(timeout=10)


def _start_and_fail(event: threading.Event, then: list[Started[bool]]) -> Role[None]:
    for _ in range(3):
        then.append((yield from start(_wait, event)))  # noqa: PERF401  # as above
    raise TransportError("The peer is gone.")


def test_tasks_of_a_failed_role_are_dropped() -> None:
    event, started = threading.Event(), list[Started[bool]]()
    threads = Threads(1)
    with pytest.raises(TransportError):
        drive(_start_and_fail(event, started), {}, 0, cluster=threads)
    futures = [one.handle.of for one in started]
    event.set()
    threads.close()
    assert [future.cancelled() for future in futures] == [False, True, True]  # type: ignore[attr-defined]


def test_waiting_ends_when_the_peer_is_gone() -> None:
    event = threading.Event()
    threads = Threads(1)
    future = threads.submit(Task(_wait, (event,)))

    def gone() -> None:
        raise TransportError("The peer is gone.")

    with pytest.raises(TransportError, match="gone"):
        result(future, gone)
    event.set()
    threads.close()


def test_what_travels_back_does_not_show() -> None:
    assert "9999" not in repr(Computed(value="999990019"))
