"""Five bodies around one node, for load and faults: four of them lead a run with it, and three play a joint run.

Rows are few and deadlines short. After every test nothing of a run may be left: ``settle`` counts live runs, calls,
threads, links and mailboxes of the nodes in this process.
"""

from __future__ import annotations

import datetime
import gc
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import PsiMatchError
from psi_match.node.certificates import ROLES, Authority, Credentials, write_key_folder
from psi_match.node.channels import open_channel, server_credentials
from psi_match.node.config import NodeConfig, read_config
from psi_match.node.link import Link
from psi_match.node.local_nodes import LocalDataset, LocalNode, free_ports, govern, write_node_folder
from psi_match.node.log_heads import RunHeads
from psi_match.node.mailbox import Mailbox
from psi_match.node.operator_client import OperatorClient
from psi_match.node.outgoing_stream import SESSION_METHOD
from psi_match.node.peer_service import PEER_SERVICE
from psi_match.node.server import Node
from psi_match.protocols.sizes import public_size
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.digest import digest
from psi_match.scenario.model import Scenario
from psi_match.wire import version
from psi_match.wire.v1 import peer_pb2 as pb
from support.nodes import Bodies, results_of, write_rows
from support.sets import numbers

TARGET = "svb"
"""The node that is under load: data party of every run."""
LEADERS = ("cjib", "belastingdienst", "toeslagen", "cak")
PARTIES = (TARGET, *LEADERS)
JOINT = "klein"
JOINT_PARTIES = ("cjib", TARGET, "cak")
MAX_SESSIONS = 3
LIMITS = f"""
[limits]
peer_silence_s = 4.0
heartbeat_s = 0.2
run_s = 12.0
max_sessions = {MAX_SESSIONS}
"""
SETTLE_WITHIN_S = 60.0
"""Longer than any deadline: what is left after this is left for good."""

_HEAD = """\
format = 1
name = "{name}"
protocol = "{protocol}"
title = {{ nl = "Proef", en = "Test" }}
source = {{ nl = "geen", en = "none" }}
purpose = {{ nl = "Proef", en = "Test" }}
assumptions = {{ nl = "geen", en = "none" }}
"""
_PARTY = """
[[parties]]
id = "{party}"
rows = {{ nl = "nummers", en = "numbers" }}
"""
_DATA = 'dataset = "rows"\nmax_age_days = 2\n'


def pair_with(leader: str) -> str:
    """Name of the scenario that a body leads."""
    return f"van-{leader}"


def _scenarios() -> Iterator[tuple[str, str]]:
    for leader in LEADERS:
        text = _HEAD.format(name=pair_with(leader), protocol="psi")
        text += f'engines = ["kkrt"]\nleader = "{leader}"\n'
        yield pair_with(leader), text + "".join(_PARTY.format(party=party) + _DATA for party in (leader, TARGET))
    # The smallest joint run: two sets, three computing parties, one bit about each row.
    leader, data_party, third = JOINT_PARTIES
    text = _HEAD.format(name=JOINT, protocol="join")
    text += f'compute = ["{leader}", "{data_party}", "{third}"]\nleaders = ["{leader}"]\n'
    text += f'predicate = "{data_party}.present"\n'
    text += _PARTY.format(party=leader) + _DATA + _PARTY.format(party=data_party) + _DATA + _PARTY.format(party=third)
    yield JOINT, text + '\n[[outputs]]\nkind = "members"\n'


def make_load_bodies(folder: Path, target_rows: int = 60, limits: str = LIMITS) -> Bodies:
    """Write keys, data, scenarios, agreements and configs of five bodies."""
    now = datetime.datetime.now(datetime.UTC)
    drawn = numbers(target_rows + 80)
    rows: dict[str, NDArray[np.uint32]] = dict.fromkeys(LEADERS, drawn[:50])
    rows[TARGET] = drawn[30 : 30 + target_rows]
    nodes = {
        party: LocalNode(party, folder / "nodes" / party, folder / "keys" / party, port)
        for party, port in zip(PARTIES, free_ports(len(PARTIES)), strict=True)
    }
    scenarios = folder / "scenarios"
    scenarios.mkdir(parents=True)
    for name, text in _scenarios():
        (scenarios / f"{name}.toml").write_text(text)
    bodies = Bodies(folder, Authority.create(now), nodes, rows)
    addresses = {party: node.address for party, node in nodes.items()}
    for party, node in nodes.items():
        write_key_folder(node.keys, bodies.authority, party, ROLES, now)
        path = folder / "data" / party / "rows.parquet"
        write_rows(path, rows[party])
        extra = f'scenario_dir = "{scenarios}"\n{limits}'
        write_node_folder(node.folder, node, addresses, {"rows": LocalDataset(path)}, extra)
        bodies.configs[party] = read_config(node.folder / "node.toml")
    govern(nodes, Catalogue(scenarios).all())
    return bodies


def matches(bodies: Bodies, leader: str) -> int:
    """How many rows of a leader are in the target's set."""
    return int(np.isin(bodies.rows[leader], bodies.rows[TARGET]).sum())


def run(bodies: Bodies, leader: str, scenario: str = "") -> object:
    """Run as a leader's operator; return the record or the error."""
    try:
        with OperatorClient(bodies.nodes[leader].address, bodies.operator_credentials(leader)) as operator:
            return operator.run(scenario or pair_with(leader))
    except PsiMatchError as error:
        return error


def serves(bodies: Bodies, leader: str) -> None:
    """Check that a leader's run with the target succeeds."""
    record = run(bodies, leader)
    assert isinstance(record, dict), record
    assert record["pairs"][TARGET]["matches"] == matches(bodies, leader)


def with_limits(**limits: float) -> Callable[[NodeConfig], NodeConfig]:
    """Give a node other limits."""
    return lambda config: config.model_copy(update={"limits": config.limits.model_copy(update=limits)})


# What may not be left.

_OWN_THREADS = ("heartbeat-", "reader-", "run-with-", "lead", "pair", "role", "impatience")


def left_over(nodes: dict[str, Node]) -> list[str]:
    """Name everything of runs and calls that still is in this process."""
    found = [f"run at {party}" for party, node in nodes.items() for _ in node.context.sessions.live()]
    # gRPC's own list of calls that have not ended: one that a peer holds open keeps a thread of the server's pool.
    found += [f"call at {party}" for party, node in nodes.items() for _ in node._server._state.rpc_states]  # type: ignore[attr-defined]
    found += [f"thread {thread.name}" for thread in threading.enumerate() if thread.name.startswith(_OWN_THREADS)]
    if not found:
        gc.collect()
        found += [type(one).__name__ for one in gc.get_objects() if type(one) in {Link, Mailbox}]
    return found


def settle(nodes: dict[str, Node], within_s: float = SETTLE_WITHIN_S) -> None:
    """Wait until nothing of a run or call is left."""
    deadline = time.monotonic() + within_s
    while left := left_over(nodes):
        assert time.monotonic() < deadline, f"left over: {sorted(left)}"
        time.sleep(0.02)


def check_results(bodies: Bodies, nodes: dict[str, Node]) -> None:
    """Check that every result belongs to a run that its own node calls finished."""
    finished = {
        (party, record["run_id"])
        for party, node in nodes.items()
        for record in node.context.store.records()
        if record["state"] == "finished"
    }
    for path in results_of(bodies):
        assert (path.parents[3].name, path.parent.name) in finished, f"{path}: a result of a failed run"


# Hostile peers.


class Proposed:
    """A run that a leader's own node would propose to the target, but does not know of.

    Args:
        leader: the node.
    """

    def __init__(self, leader: Node) -> None:
        context, self.run_id = leader.context, secrets.token_bytes(16)
        scenario = context.catalogue.get(pair_with(context.party))
        assert isinstance(scenario, Scenario)
        permit = context.gate.propose(scenario)
        self._heads = RunHeads(context, self.run_id.hex(), permit)
        proposed = pb.Hello(
            wire_version=version.WIRE_VERSION,
            parameters=version.parameters(),
            run_id=self.run_id,
            scenario=scenario.name,
            scenario_digest=digest(scenario),
            engine="kkrt",
            leader=context.party,
            parties=scenario.party_ids,
            leader_size=public_size(50, None),
            instance=0,
            runs=1,
            agreement_digest=permit.agreement.digest,
            head=self._heads.own(),
        )
        self.hello = pb.SessionMessage(hello=proposed).SerializeToString()
        self._answers: queue.SimpleQueue[pb.Acceptance | None] = queue.SimpleQueue()
        """The acceptance, or nothing where the run was refused."""

    def then(self, messages: Iterable[bytes]) -> Iterator[bytes]:
        """Propose, wait for the acceptance, countersign the target's head, and say something else."""
        yield self.hello
        with suppress(queue.Empty):
            accepted = self._answers.get(timeout=SETTLE_WITHIN_S)
            if accepted is None:
                return
            self._heads.take(TARGET, accepted.head)
            signature = self._heads.countersignature(TARGET)
            yield pb.SessionMessage(countersigned=pb.Countersigned(signature=signature)).SerializeToString()
            yield from messages

    def hear(self, message: bytes) -> None:
        """Take note of a message from the target."""
        said = pb.SessionMessage.FromString(message)
        if said.WhichOneof("content") in {"acceptance", "abort"}:
            self._answers.put(said.acceptance if said.HasField("acceptance") else None)


class Hostile:
    """A client with a certificate that opens calls at a node by hand.

    Args:
        bodies: whose node.
        credentials: whose certificate.
        party: the node.
    """

    def __init__(self, bodies: Bodies, credentials: Credentials, party: str = TARGET) -> None:
        self._channel = open_channel(bodies.nodes[party].address, party, credentials)
        self._ended = threading.Event()

    def __enter__(self) -> Hostile:
        return self

    def connect(self) -> None:
        """Wait for the connection: what is called next is not held up by its handshake."""
        grpc.channel_ready_future(self._channel).result(SETTLE_WITHIN_S)

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._channel.close()

    def call(self, method: str, messages: Iterator[bytes], within_s: float | None = None) -> grpc.Call:
        """Open a call and send messages, whatever kind of method it is."""
        stream = self._channel.stream_stream(method, request_serializer=None, response_deserializer=None)
        return stream(messages, timeout=within_s)

    def session(self, messages: Iterator[bytes]) -> grpc.Call:
        return self.call(SESSION_METHOD, messages)

    def silence(self) -> Iterator[bytes]:
        """Say nothing, until this client is closed."""
        self._ended.wait()
        yield from ()

    def forever(self, message: bytes, pause_s: float = 0.0) -> Iterator[bytes]:
        """Say the same, until this client is closed."""
        while not self._ended.wait(pause_s):
            yield message


@contextmanager
def hostile_node(
    credentials: Credentials, behave: Callable[[Iterator[bytes], grpc.ServicerContext], Iterator[bytes]]
) -> Iterator[str]:
    """Serve sessions under a party's certificate with a behaviour of its own; yield the address."""
    server = grpc.server(ThreadPoolExecutor(8, thread_name_prefix="hostile"))
    handler = grpc.stream_stream_rpc_method_handler(behave)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(PEER_SERVICE, {"Session": handler}),))
    port = server.add_secure_port("127.0.0.1:0", server_credentials(credentials))
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def status_of(
    call: grpc.Call, hear: Callable[[bytes], None] = lambda _message: None
) -> tuple[grpc.StatusCode, str, list[bytes]]:
    """Read a call to its end: its status, what was said of it, and the messages before."""
    messages: list[bytes] = []
    with suppress(grpc.RpcError):
        for message in call:  # type: ignore[attr-defined]  # a stream
            messages.append(message)
            hear(message)
    return call.code(), call.details() or "", messages
