"""Nodes as processes of their own on this machine, on loopback by default: for the demo, the benches and the tests.

Each node gets its own folder, key folder and config, and nothing of the others'. They are real nodes: the same program,
mTLS and checks as anywhere else.
"""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psi_match.base.errors import InternalError
from psi_match.node.certificates import OBSERVER, OPERATOR, Credentials
from psi_match.node.local_governance import LocalPolicy, agree_as_all, demo_conditions
from psi_match.node.observer_client import ObserverClient
from psi_match.node.operator_client import OperatorClient
from psi_match.node.signing_config import write_signing_keys
from psi_match.scenario.join_model import AnyScenario

_START_WAIT_S = 180.0
_STOP_WAIT_S = 60.0
_POLL_S = 0.02
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}
"""Two malloc arenas instead of one per thread: large buffers pass between threads, and each arena keeps its own."""


@dataclass(frozen=True, slots=True)
class LocalDataset:
    """A dataset of a local node, as it stands in its config.

    Args:
        path: Parquet or CSV file.
        columns: canonical name to type.
        preload: keep it in memory from the start.
        reference_date: of all rows; None: the column ``peildatum`` says it.
    """

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    preload: bool = False
    reference_date: datetime.date | None = None

    def toml(self, name: str) -> str:
        """Return its table for a node config."""
        columns = "".join(
            f'\n[[datasets.columns]]\nname = "{column}"\nsource = "{column}"\ntype = "{kind}"\n'
            for column, kind in self.columns.items()
        )
        dated = (
            f"reference_date = {self.reference_date}" if self.reference_date else 'reference_date_column = "peildatum"'
        )
        kind = "csv" if self.path.suffix == ".csv" else "parquet"
        return (
            f'\n[[datasets]]\nname = "{name}"\nbsn = "synthetic"\n{dated}\n'
            f"preload = {str(self.preload).lower()}\n{columns}"
            f'\n[datasets.source]\nkind = "{kind}"\npath = "{self.path}"\n'
        )


@dataclass(slots=True)
class LocalNode:
    """One node process.

    Args:
        party: party id.
        folder: its own folder: config, state, log.
        keys: its key folder.
        port: where it listens.
        host: the address at which it listens.
        prefix: words in front of its command, such as those that run it in a network namespace.
        door: where this machine's operators and observers reach it, if not at the address of its peers.
    """

    party: str
    folder: Path
    keys: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    host: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()
    door: str = ""

    @property
    def address(self) -> str:
        """Where it listens, and its peers reach it."""
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        """Its log file."""
        return self.folder / "node.log"

    def start(self) -> None:
        """Start the process; it is ready when ``wait_ready`` returns."""
        ready = self.folder / "address"
        ready.unlink(missing_ok=True)
        command = [*self.prefix, sys.executable, "-m", "psi_match", "node", "serve"]
        command += ["--config", str(self.folder / "node.toml"), "--address-file", str(ready)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # our own interpreter and module  # noqa: S603
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ | _ENVIRONMENT
            )

    def wait_ready(self) -> None:
        """Wait until the node serves.

        Raises:
            InternalError: it ended or took too long; the last lines of its log say why.
        """
        deadline = time.monotonic() + _START_WAIT_S
        while not (self.folder / "address").exists():
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                last = self.log.read_text().strip().splitlines()[-3:]
                raise InternalError(f"Node {self.party} did not start: {' '.join(last)}", f"Its log is {self.log}.")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Ask the process to stop; end it if it does not."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def operator(self) -> OperatorClient:
        """Return a client of this node's own operator."""
        return OperatorClient(self.door or self.address, Credentials.read(self.keys, OPERATOR))

    def observer(self) -> ObserverClient:
        """Return a client of this node's own observer."""
        return ObserverClient(self.door or self.address, Credentials.read(self.keys, OBSERVER))


def write_node_folder(
    folder: Path, node: LocalNode, addresses: Mapping[str, str], datasets: Mapping[str, LocalDataset], extra: str = ""
) -> None:
    """Write a node's config into its own folder, mode 0700."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    peers = "".join(
        f'\n[[peers]]\nparty = "{party}"\naddress = "{address}"\n'
        for party, address in addresses.items()
        if party != node.party
    )
    text = (
        f'party = "{node.party}"\nlisten = "{node.address}"\nstate_dir = "state"\n'
        f'{extra}\n[keys]\ndirectory = "{node.keys}"\n{peers}'
        + "".join(dataset.toml(name) for name, dataset in datasets.items())
    )
    (folder / "node.toml").write_text(text)


def govern(nodes: Mapping[str, LocalNode], scenarios: Iterable[AnyScenario]) -> None:
    """Give nodes signing keys, agreements on scenarios that all of their parties signed, and policies that allow them.

    Args:
        nodes: per party; their key folders and own folders exist.
        scenarios: those whose parties are all among the nodes.
    """
    keys = {party: node.keys for party, node in nodes.items()}
    write_signing_keys(keys)
    folders = {party: node.folder / "agreements" for party, node in nodes.items()}
    today = datetime.datetime.now(datetime.UTC).date()
    agreed = agree_as_all(scenarios, keys, folders, demo_conditions(today))
    for party, node in nodes.items():
        policy = LocalPolicy(set(nodes) - {party}, agreed[party])
        (node.folder / "policy.toml").write_text(policy.toml())


@contextmanager
def running(nodes: list[LocalNode]) -> Iterator[list[LocalNode]]:
    """Start nodes together, wait until all serve, and stop them at the end, whatever happens."""
    try:
        for node in nodes:
            node.start()
        for node in nodes:
            node.wait_ready()
        yield nodes
    finally:
        for node in nodes:
            if node.process is not None:
                node.process.terminate()
        for node in nodes:
            node.stop()


def free_ports(count: int) -> list[int]:
    """Return loopback ports that are free now."""
    import socket

    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
