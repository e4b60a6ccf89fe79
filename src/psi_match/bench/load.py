"""Bench of a node under load: many runs at once from four peers, and streams that stall, round after round.

Five real node processes on loopback with mutual TLS. What is looked at is the one node that takes part in every run:
how many runs it accepts and refuses, and what is left of them after each round - live runs, threads, resident memory.
Every answer is compared with numpy's. Nothing is asserted of time or memory: whoever reads the rounds sees whether they
go up.
"""

from __future__ import annotations

import datetime
import io
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from psi_match.base.errors import PolicyRefusal, ResultMismatch
from psi_match.domain.bsn import format_bsn
from psi_match.node.certificates import NODE, OPERATOR, Authority, Credentials, write_key_folder
from psi_match.node.channels import open_channel
from psi_match.node.local_nodes import LocalDataset, LocalNode, free_ports, govern, running, write_node_folder
from psi_match.node.outgoing_stream import SESSION_METHOD
from psi_match.population.numbers import draw_numbers
from psi_match.scenario.catalogue import Catalogue

TARGET = "svb"
LEADERS = ("cjib", "belastingdienst", "toeslagen", "cak")
MAX_SESSIONS = 4
"""Of the target: as a node has it by default."""
STALLED = 8
"""Streams and calls that say nothing, in each round, of each kind."""
_LEADER_SESSIONS = 64
_SILENCE_S = 2.0
_QUIET_WITHIN_S = 30.0
_SETTLE_S = 1.0
"""For threads that have nothing left to do: from the last live run until the count."""
_GREET_METHOD = "/psi_match.wire.v1.Peer/Greet"
_SCENARIO_TOML = """\
format = 1
name = "{name}"
title = {{ nl = "Meting", en = "Bench" }}
source = {{ nl = "geen", en = "none" }}
purpose = {{ nl = "Een node onder belasting meten.", en = "Measure a node under load with made-up numbers." }}
assumptions = {{ nl = "geen", en = "none" }}
protocol = "psi"
engines = ["kkrt"]
leader = "{leader}"
"""
_PARTY_TOML = """
[[parties]]
id = "{party}"
dataset = "rows"
max_age_days = 2
rows = {{ nl = "nummers", en = "numbers" }}
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What is left at the target after a round of load.

    Args:
        accepted: runs that it took part in; all of them had the right answer.
        refused: runs that were refused, and whose leader was told so.
        wall_s: from the first run of the round to the last.
        live_sessions: runs that are live afterwards.
        threads: threads of its process afterwards; gRPC's pool grows to its size and stays.
        rss_bytes: resident memory of its process afterwards.
    """

    accepted: int
    refused: int
    wall_s: float
    live_sessions: int
    threads: int
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """All rounds.

    Args:
        suite: ``load``.
        rows: rows per party.
        at_once: runs that are started at the same time.
        max_sessions: runs that the target allows at a time.
        baseline: after one run, before any load.
        rounds: after each round.
    """

    suite: str
    rows: int
    at_once: int
    max_sessions: int
    baseline: Round
    rounds: list[Round]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def bench_load(
    rows: int, at_once: int, rounds: int, folder: Path, *, on_stage: Callable[[str], None] = lambda _stage: None
) -> Measurement:
    """Put a node under load in an empty folder.

    Args:
        rows: rows per party; half of a leader's are in the target's set.
        at_once: runs that are started at the same time, evenly by four leaders.
        rounds: how often.
        folder: receives data, keys and node folders.
        on_stage: called with the name of each stage as it begins.

    Raises:
        ResultMismatch: an answer differs from that of numpy.
        PsiMatchError: a run failed otherwise than by a refusal.
    """
    on_stage(f"make {rows} rows for each of five parties, start five nodes")
    expected = _write_rows(rows, folder)
    nodes = _prepare(folder)
    with running(list(nodes.values())):
        on_stage("one run")
        baseline = _round(nodes, expected, 1, stalled=0)
        found = []
        for index in range(rounds):
            on_stage(f"round {index + 1} of {rounds}: {at_once} runs at once, and {2 * STALLED} streams that stall")
            found.append(_round(nodes, expected, at_once, STALLED))
    return Measurement("load", rows, at_once, MAX_SESSIONS, baseline, found)


def _round(nodes: dict[str, LocalNode], expected: NDArray[np.str_], at_once: int, stalled: int) -> Round:
    def run(number: int) -> bool:
        leader = LEADERS[number % len(LEADERS)]
        with nodes[leader].operator() as operator:
            try:
                record = operator.run(_scenario(leader))
            except PolicyRefusal:
                return False
            found = pd.read_parquet(io.BytesIO(operator.result(record["run_id"])))
        if not np.array_equal(found["bsn"].to_numpy(dtype=str), expected):
            raise ResultMismatch(f"A run of {leader} under load gave another answer than numpy.", "Please report it.")
        return True

    began = time.monotonic()
    with _stalling(nodes, stalled), ThreadPoolExecutor(at_once) as pool:
        accepted = sum(pool.map(run, range(at_once)))
        wall = time.monotonic() - began
        if stalled:
            # As long as the target waits for somebody who says nothing, and then some.
            time.sleep(2 * _SILENCE_S)
    live = _wait_until_quiet(nodes[TARGET])
    threads, rss = _threads_and_memory(nodes[TARGET])
    return Round(accepted, at_once - accepted, round(wall, 3), live, threads, rss)


@contextmanager
def _stalling(nodes: dict[str, LocalNode], count: int) -> Iterator[None]:
    """Hold sessions and calls open at the target with a leader's certificate, and say nothing."""
    ended = threading.Event()

    def silence() -> Iterator[bytes]:
        ended.wait()
        yield from ()

    target, credentials = nodes[TARGET], Credentials.read(nodes[LEADERS[0]].keys, NODE)
    channels = [open_channel(target.address, TARGET, credentials) for _ in range(count)]
    calls: list[grpc.Call] = []
    for channel in channels:
        for method in (SESSION_METHOD, _GREET_METHOD):
            stream = channel.stream_stream(method, request_serializer=None, response_deserializer=None)
            calls.append(stream(silence()))
    try:
        yield
    finally:
        ended.set()
        for call in calls:
            # How it ended is the target's business; that it did is seen in the target's threads.
            with suppress(grpc.RpcError):
                call.cancel()  # type: ignore[no-untyped-call]
        for channel in channels:
            channel.close()


def _wait_until_quiet(node: LocalNode) -> int:
    """Wait until a node has no live run, or for long enough; return how many it has."""
    deadline = time.monotonic() + _QUIET_WITHIN_S
    with node.operator() as operator:
        while (live := operator.status().live_sessions) and time.monotonic() < deadline:
            time.sleep(0.1)
    time.sleep(_SETTLE_S)
    return int(live)


def _threads_and_memory(node: LocalNode) -> tuple[int, int]:
    """Return the number of threads and the resident bytes of a node's process now."""
    # Safe: the process was started, or there would have been no run.
    assert node.process is not None  # noqa: S101
    status = Path(f"/proc/{node.process.pid}/status").read_text(encoding="ascii")
    values = dict(line.split(":", 1) for line in status.splitlines())
    return int(values["Threads"]), int(values["VmRSS"].split()[0]) * 1024


def _scenario(leader: str) -> str:
    return f"bench-load-{leader}"


def _write_rows(rows: int, folder: Path) -> NDArray[np.str_]:
    """Write all parties' rows; return what every leader must learn, as sorted text."""
    numbers = draw_numbers(2 * rows - rows // 2, np.random.default_rng(7))
    leaders, target = numbers[:rows], numbers[rows - rows // 2 :]
    today = datetime.datetime.now(datetime.UTC).date()
    for party in (TARGET, *LEADERS):
        own = target if party == TARGET else leaders
        (folder / "data" / party).mkdir(parents=True)
        table = pa.table({"bsn": pa.array(format_bsn(own)), "peildatum": pa.array([today] * len(own), pa.date32())})
        pq.write_table(table, folder / "data" / party / "rows.parquet")
    return np.sort(format_bsn(np.intersect1d(leaders, target)).astype(str))


def _prepare(folder: Path) -> dict[str, LocalNode]:
    now = datetime.datetime.now(datetime.UTC)
    authority = Authority.create(now)
    scenarios = folder / "scenarios"
    scenarios.mkdir()
    for leader in LEADERS:
        text = _SCENARIO_TOML.format(name=_scenario(leader), leader=leader)
        text += _PARTY_TOML.format(party=leader) + _PARTY_TOML.format(party=TARGET)
        (scenarios / f"{_scenario(leader)}.toml").write_text(text)
    parties = (TARGET, *LEADERS)
    nodes = {
        party: LocalNode(party, folder / "nodes" / party, folder / "keys" / party, port)
        for party, port in zip(parties, free_ports(len(parties)), strict=True)
    }
    addresses = {party: node.address for party, node in nodes.items()}
    for party, node in nodes.items():
        write_key_folder(node.keys, authority, party, (NODE, OPERATOR), now)
        sessions = MAX_SESSIONS if party == TARGET else _LEADER_SESSIONS
        limits = f"\n[limits]\nmax_sessions = {sessions}\npeer_silence_s = {_SILENCE_S}\nheartbeat_s = 0.5\n"
        rows = LocalDataset(folder / "data" / party / "rows.parquet", preload=True)
        write_node_folder(node.folder, node, addresses, {"rows": rows}, f'scenario_dir = "{scenarios}"\n{limits}')
    govern(nodes, Catalogue(scenarios).all())
    return nodes
