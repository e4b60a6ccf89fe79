"""Real nodes inside the test's process, on loopback with mTLS, with small datasets and short deadlines."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from psi_match.domain.bsn import format_bsn
from psi_match.node.certificates import NODE, OPERATOR, ROLES, Authority, Credentials, write_key_folder
from psi_match.node.config import NodeConfig, read_config
from psi_match.node.local_nodes import LocalDataset, LocalNode, free_ports, govern, write_node_folder
from psi_match.node.server import Node
from psi_match.scenario.catalogue import Catalogue

PARTIES = ("cjib", "belastingdienst", "toeslagen")
LEADER = "cjib"
DATA_PARTIES = ("belastingdienst", "toeslagen")
SILENCE_S = 4.0
"""Longer than a busy machine keeps a thread waiting: a peer that is only slow must not be given up."""
SHORT_LIMITS = f"""
[limits]
peer_silence_s = {SILENCE_S}
heartbeat_s = 0.25
run_s = 90.0
max_sessions = 2
"""
END_WITHIN_S = 30.0
"""What every fault must be over by, at both ends: long before a run's time is up."""

SCENARIO = """\
format = 1
name = "{name}"
title = {{ nl = "Proef", en = "Test" }}
source = {{ nl = "geen", en = "none" }}
purpose = {{ nl = "Proef", en = "Test" }}
assumptions = {{ nl = "geen", en = "none" }}
protocol = "psi"
engines = ["kkrt", "vole", "ecdh"]
leader = "cjib"
"""
SCENARIO_PARTY = """
[[parties]]
id = "{party}"
dataset = "rows"
max_age_days = 2
rows = {{ nl = "nummers", en = "numbers" }}
"""


@dataclass(slots=True)
class Bodies:
    """Keys, data and configs of three bodies; nothing runs yet."""

    folder: Path
    authority: Authority
    nodes: dict[str, LocalNode]
    rows: dict[str, NDArray[np.uint32]]
    configs: dict[str, NodeConfig] = field(default_factory=dict)

    def node_credentials(self, party: str) -> Credentials:
        return Credentials.read(self.nodes[party].keys, NODE)

    def operator_credentials(self, party: str) -> Credentials:
        return Credentials.read(self.nodes[party].keys, OPERATOR)

    def expected(self) -> dict[str, int]:
        return {party: int(np.isin(self.rows[LEADER], self.rows[party]).sum()) for party in DATA_PARTIES}


def write_rows(path: Path, rows: NDArray[np.uint32], day: datetime.date | None = None) -> None:
    day = day or datetime.datetime.now(datetime.UTC).date()
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"bsn": pa.array(format_bsn(rows)), "peildatum": pa.array([day] * len(rows), pa.date32())}
    pq.write_table(pa.table(columns), path)


def make_bodies(folder: Path, rows: dict[str, NDArray[np.uint32]], limits: str = SHORT_LIMITS) -> Bodies:
    """Write keys, data, scenarios and configs of three bodies."""
    now = datetime.datetime.now(datetime.UTC)
    authority = Authority.create(now)
    nodes = {
        party: LocalNode(party, folder / "nodes" / party, folder / "keys" / party, port)
        for party, port in zip(PARTIES, free_ports(len(PARTIES)), strict=True)
    }
    scenarios = folder / "scenarios"
    scenarios.mkdir(parents=True)
    for name, parties in (("paren", PARTIES), ("paar", PARTIES[:2])):
        text = SCENARIO.format(name=name) + "".join(SCENARIO_PARTY.format(party=party) for party in parties)
        (scenarios / f"{name}.toml").write_text(text)
    bodies = Bodies(folder, authority, nodes, rows)
    addresses = {party: node.address for party, node in nodes.items()}
    for party, node in nodes.items():
        write_key_folder(node.keys, authority, party, ROLES, now)
        path = folder / "data" / party / "rows.parquet"
        write_rows(path, rows[party])
        dataset = LocalDataset(path)
        extra = f'scenario_dir = "{scenarios}"\n{limits}'
        write_node_folder(node.folder, node, addresses, {"rows": dataset}, extra)
        bodies.configs[party] = read_config(node.folder / "node.toml")
    govern(nodes, Catalogue(scenarios).all())
    return bodies


@contextmanager
def serving(
    bodies: Bodies,
    parties: tuple[str, ...] = PARTIES,
    change: dict[str, Callable[[NodeConfig], NodeConfig]] | None = None,
) -> Iterator[dict[str, Node]]:
    """Run nodes in this process; ``change`` alters a config first."""
    with ExitStack() as stack:
        found = {}
        for party in parties:
            config = bodies.configs[party]
            if change and party in change:
                config = change[party](config)
            found[party] = stack.enter_context(Node(config))
        yield found


def with_peer_at(party: str, address: str) -> Callable[[NodeConfig], NodeConfig]:
    """Let a node look for a peer at another address."""

    def change(config: NodeConfig) -> NodeConfig:
        peers = tuple(
            peer.model_copy(update={"address": address}) if peer.party == party else peer for peer in config.peers
        )
        return config.model_copy(update={"peers": peers})

    return change


def results_of(bodies: Bodies) -> list[Path]:
    """Every result file of every node."""
    return sorted(bodies.folder.glob("nodes/*/state/runs/*/result.parquet"))


def records_of(node: Node) -> list[dict[str, Any]]:
    return node.context.store.records()


def wait_until_idle(nodes: dict[str, Node], within_s: float = END_WITHIN_S) -> None:
    """Wait until no node has a live run."""
    deadline = time.monotonic() + within_s
    while any(node.context.sessions.live() for node in nodes.values()):
        assert time.monotonic() < deadline, "a run is still live"
        time.sleep(0.02)
