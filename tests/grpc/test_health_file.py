"""The file that tells a health probe whether the node serves: it comes, goes and goes stale as it should."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2
from support.nodes import LEADER, Bodies, serving

from psi_match.base.errors import ConfigError
from psi_match.node import health_file
from psi_match.node.config import NodeConfig, read_config
from psi_match.node.health_file import HealthFile, own_address

PROBE = 'test -n "$(find {path} -newermt "-{seconds} seconds" 2>/dev/null)"'
"""As in docker-compose.yml, where it has 15 seconds."""


def with_file(path: Path) -> dict[str, Callable[[NodeConfig], NodeConfig]]:
    return {LEADER: lambda config: config.model_copy(update={"health_file": path})}


def probe(path: Path, seconds: float) -> bool:
    return subprocess.run(["sh", "-c", PROBE.format(path=path, seconds=seconds)], check=False).returncode == 0


def wait_for(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(health_file, "_EVERY_S", 0.1)
    return tmp_path / "healthy"


def test_it_is_there_and_stays_fresh_as_long_as_the_node_serves(bodies: Bodies, path: Path) -> None:
    path.write_text("of a node that was killed")
    os.utime(path, (0, 0))
    with serving(bodies, (LEADER,), with_file(path)) as nodes:
        wait_for(lambda: path.exists() and probe(path, 5))
        before = path.stat().st_mtime_ns
        wait_for(lambda: path.stat().st_mtime_ns > before)
        # What a load balancer does: say that it does not serve, while it runs on.
        nodes[LEADER]._health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        wait_for(lambda: not path.exists())
        assert not probe(path, 5)
        nodes[LEADER]._health.set("", health_pb2.HealthCheckResponse.SERVING)
        wait_for(path.exists)
    assert not path.exists()


def test_it_goes_when_the_listener_does(bodies: Bodies, path: Path) -> None:
    with serving(bodies, (LEADER,), with_file(path)) as nodes:
        wait_for(path.exists)
        nodes[LEADER]._server.stop(0).wait()
        wait_for(lambda: not path.exists())


def test_it_goes_when_the_keys_do(bodies: Bodies, path: Path) -> None:
    """A real check over mTLS: with a certificate of another authority nobody gets in, and the node neither."""
    with serving(bodies, (LEADER,), with_file(path)) as nodes:
        wait_for(path.exists)
        live = nodes[LEADER].context.live_credentials
        other = bodies.node_credentials("belastingdienst")
        file = HealthFile(path.with_name("other"), lambda: other, 0.1)
        file.start(nodes[LEADER].address)
        time.sleep(1)
        assert not path.with_name("other").exists()
        file.stop()
        assert live.current().identity.party == LEADER


def test_it_goes_stale_when_the_process_hangs_and_goes_when_it_ends(bodies: Bodies) -> None:
    node = bodies.nodes[LEADER]
    path = node.folder / "healthy"
    config = node.folder / "node.toml"
    config.write_text(f'health_file = "healthy"\n{config.read_text()}')
    assert read_config(config).health_file == path
    node.start()
    try:
        node.wait_ready()
        wait_for(lambda: probe(path, 2))
        assert node.process is not None
        node.process.send_signal(signal.SIGSTOP)
        time.sleep(2.1)
        assert path.exists()
        assert not probe(path, 2)
        node.process.send_signal(signal.SIGCONT)
        wait_for(lambda: probe(path, 2))
    finally:
        node.stop()
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_refused_before_the_node_serves(bodies: Bodies, tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "absent" / "healthy", "No such file"),
        (tmp_path, "Is a directory"),
    ):
        with (
            pytest.raises(ConfigError, match=said) as raised,
            serving(bodies, (LEADER,), with_file(path)),
        ):
            pass
        assert raised.value.__cause__ is None
    target = tmp_path / "target"
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(ConfigError), serving(bodies, (LEADER,), with_file(tmp_path / "link")):
        pass
    assert not target.exists()
    # It did not hold on to the state folder or the port.
    with serving(bodies, (LEADER,)):
        pass


def test_a_node_reaches_itself_where_it_listens() -> None:
    assert own_address("0.0.0.0:50051") == "127.0.0.1:50051"
    assert own_address("[::]:50051") == "[::1]:50051"
    assert own_address("10.0.0.0:50051") == "10.0.0.0:50051"
