"""Every fault ends at both ends within the deadline, with a typed error that names the peer and the step; no result row
is written anywhere, and the nodes serve the next run.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from support.nodes import (
    END_WITHIN_S,
    LEADER,
    SILENCE_S,
    Bodies,
    records_of,
    results_of,
    serving,
    wait_until_idle,
    with_peer_at,
)
from support.proxy import TO_DATA_PARTY, TO_LEADER, Proxy, pass_on

from psi_match.base.errors import (
    DeadlineExceeded,
    PeerAborted,
    PeerError,
    PolicyRefusal,
    PsiMatchError,
    TransportError,
    VersionMismatch,
)
from psi_match.node.certificates import NODE, Authority, Credentials, write_key_folder
from psi_match.node.channels import open_channel
from psi_match.node.config import NodeConfig
from psi_match.node.local_nodes import LocalNode
from psi_match.node.operator_client import OperatorClient
from psi_match.node.outgoing_stream import SESSION_METHOD
from psi_match.node.server import Node
from psi_match.protocols import engines
from psi_match.protocols.effects import Role
from psi_match.wire import version
from psi_match.wire.v1 import peer_pb2 as pb

PEER = "belastingdienst"
BOTH = (LEADER, PEER)
Change = Callable[[pb.SessionMessage, bytes], list[bytes]]


@contextmanager
def through_proxy(bodies: Bodies) -> Iterator[tuple[dict[str, Node], Proxy]]:
    """The leader and one data party, with a proxy between them."""
    target = bodies.nodes[PEER].address
    with (
        Proxy(target, bodies.node_credentials(PEER), bodies.node_credentials(LEADER)) as proxy,
        serving(bodies, BOTH, {LEADER: with_peer_at(PEER, proxy.address)}) as nodes,
    ):
        yield nodes, proxy


def on_frame(direction: str, step: int, change: Change) -> Callable[[str, int, bytes], list[bytes]]:
    """Change the first data frame of a step in one direction."""
    done = threading.Event()

    def meddle(way: str, _number: int, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if way != direction or done.is_set() or parsed.frame.step != step:
            return [message]
        done.set()
        return change(parsed, message)

    return meddle


def run(bodies: Bodies) -> dict:
    with OperatorClient(bodies.nodes[LEADER].address, bodies.operator_credentials(LEADER)) as operator:
        return operator.run("paar")


def fails(bodies: Bodies, nodes: dict[str, Node]) -> PsiMatchError:
    """Run, and check what must hold after every failed run; return the operator's error."""
    began = time.monotonic()
    with pytest.raises(PsiMatchError) as raised:
        run(bodies)
    assert time.monotonic() - began < END_WITHIN_S
    wait_until_idle(nodes)
    assert not results_of(bodies)
    assert raised.value.peer == PEER
    assert raised.value.step
    leader = records_of(nodes[LEADER])[-1]
    assert leader["state"] == "failed"
    assert leader["result_rows"] is None
    return raised.value


def serves_the_next_run(bodies: Bodies) -> None:
    assert run(bodies)["pairs"][PEER]["matches"] == bodies.expected()[PEER]
    assert len(results_of(bodies)) == 1


STEPS = {
    TO_DATA_PARTY: (pb.STEP_SESSION_COMMITMENTS, pb.STEP_BASE_OT_SENDER, pb.STEP_OPRF_ROWS, pb.STEP_TRANSCRIPT),
    TO_LEADER: (pb.STEP_SESSION_OPENING, pb.STEP_BASE_OT_RECEIVER, pb.STEP_PSI_VALUES, pb.STEP_TRANSCRIPT),
}
PLACES = [(direction, step) for direction, steps in STEPS.items() for step in steps]


def _with(parsed: pb.SessionMessage, **fields: object) -> bytes:
    changed = pb.SessionMessage()
    changed.CopyFrom(parsed)
    for name, value in fields.items():
        setattr(changed.frame, name, value)
    return changed.SerializeToString()


MEDDLERS: dict[str, Change] = {
    "truncated payload": lambda parsed, _raw: [_with(parsed, payload=parsed.frame.payload[:-1])],
    "truncated message": lambda _parsed, raw: [raw[:-5]],
    "longer payload": lambda parsed, _raw: [_with(parsed, payload=parsed.frame.payload + b"x")],
    "duplicated": lambda _parsed, raw: [raw, raw],
    "oversized": lambda parsed, _raw: [_with(parsed, payload=bytes(2 * 1024 * 1024 + 1))],
    "beyond gRPC's cap": lambda parsed, _raw: [_with(parsed, payload=bytes(5 * 1024 * 1024))],
    "lost": lambda _parsed, _raw: [],
    "other session": lambda parsed, _raw: [_with(parsed, session=bytes(16))],
    "other run": lambda parsed, _raw: [_with(parsed, run=7)],
    "other chunk": lambda parsed, _raw: [_with(parsed, chunk=3)],
    "other step": lambda parsed, _raw: [_with(parsed, step=pb.STEP_ECDH_SETUP)],
    "unknown step": lambda parsed, _raw: [_with(parsed, step=99)],
    "changed content": lambda parsed, _raw: [
        _with(parsed, payload=bytes([parsed.frame.payload[0] ^ 1]) + parsed.frame.payload[1:])
    ],
    "garbage": lambda _parsed, _raw: [b"\xff\xfe\xfd"],
    "empty message": lambda _parsed, _raw: [b""],
}


CASES = [
    (name, direction, step)
    for name in MEDDLERS
    for direction, step in PLACES
    # A second copy of a direction's last frame comes when the run is over: nobody waits for it.
    if (name, step) != ("duplicated", pb.STEP_TRANSCRIPT)
]


@pytest.mark.parametrize(("name", "direction", "step"), CASES)
def test_a_meddled_frame_ends_the_run(bodies: Bodies, name: str, direction: str, step: int) -> None:
    with through_proxy(bodies) as (nodes, proxy):
        proxy.meddle = on_frame(direction, step, MEDDLERS[name])
        error = fails(bodies, nodes)
        assert isinstance(error, PeerError | PeerAborted | DeadlineExceeded | TransportError)
        (theirs,) = records_of(nodes[PEER])
        assert theirs["state"] == "failed"
        proxy.meddle = pass_on
        serves_the_next_run(bodies)


@pytest.mark.parametrize("direction", [TO_DATA_PARTY, TO_LEADER])
def test_reordered_frames_end_the_run(bodies: Bodies, direction: str) -> None:
    held: list[bytes] = []

    def swap(way: str, _number: int, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if way != direction or parsed.WhichOneof("content") != "frame":
            return [message]
        if parsed.frame.sequence == 2 and not held:
            held.append(message)
            return []
        if len(held) == 1:
            held.append(b"")
            return [message, held[0]]
        return [message]

    with through_proxy(bodies) as (nodes, proxy):
        proxy.meddle = swap
        error = fails(bodies, nodes)
        assert isinstance(error, PeerError | PeerAborted | DeadlineExceeded)
        proxy.meddle = pass_on
        serves_the_next_run(bodies)


@pytest.mark.parametrize(("direction", "step"), PLACES)
def test_a_peer_that_falls_silent_is_given_up(bodies: Bodies, direction: str, step: int) -> None:
    silent = threading.Event()

    def swallow(way: str, _number: int, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if way == direction and parsed.frame.step == step:
            silent.set()
        return [] if way == direction and silent.is_set() else [message]

    with through_proxy(bodies) as (nodes, proxy):
        proxy.meddle = swallow
        error = fails(bodies, nodes)
        (theirs,) = records_of(nodes[PEER])
        assert theirs["state"] == "failed"
        if direction == TO_LEADER:
            assert isinstance(error, DeadlineExceeded)
            assert f"not been heard for {SILENCE_S:g} s" in str(error)
        else:
            # The data party hears nothing, gives up first and can still say so.
            assert isinstance(error, PeerAborted | DeadlineExceeded)
            assert f"not been heard for {SILENCE_S:g} s" in theirs["error"]
        proxy.meddle = pass_on
        serves_the_next_run(bodies)


def _after(wait: Callable[[], object]) -> Callable[..., Role[None]]:
    real = engines.answer

    def answer(*arguments: Any) -> Role[None]:
        wait()  # a long computation: heartbeats go on meanwhile
        return real(*arguments)

    return answer


def test_heartbeats_keep_a_slow_peer_alive(bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(bodies, BOTH):
        monkeypatch.setattr(engines, "answer", _after(lambda: time.sleep(SILENCE_S + 1)))
        serves_the_next_run(bodies)


def test_a_run_ends_at_its_time_limit_whatever_the_heartbeats(bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = bodies.configs[LEADER].limits.model_copy(update={"run_s": 1.5})

    def shorter(config: NodeConfig) -> NodeConfig:
        return config.model_copy(update={"limits": limits})

    with serving(bodies, BOTH, {LEADER: shorter}) as nodes:
        monkeypatch.setattr(engines, "answer", _after(lambda: _wait_until_failed(nodes[LEADER])))
        error = fails(bodies, nodes)
        assert isinstance(error, DeadlineExceeded)
        assert "longer than this node allows" in str(error)


def _wait_until_failed(node: Node) -> None:
    deadline = time.monotonic() + END_WITHIN_S
    while records_of(node)[-1]["state"] != "failed":
        assert time.monotonic() < deadline, "the run goes on"
        time.sleep(0.05)


def test_a_peer_of_another_wire_version_gets_a_clear_answer(bodies: Bodies) -> None:
    def newer(_way: str, _number: int, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if parsed.WhichOneof("content") == "hello":
            parsed.hello.wire_version = version.WIRE_VERSION + 1
        return [parsed.SerializeToString()]

    with through_proxy(bodies) as (nodes, proxy):
        proxy.meddle = newer
        error = fails(bodies, nodes)
        assert isinstance(error, VersionMismatch)
        assert "another wire version" in str(error)
        proxy.meddle = pass_on
        serves_the_next_run(bodies)


HELLO_CHANGES = {
    "parameters": (lambda hello: setattr(hello.parameters, "hash_functions", 4), VersionMismatch),
    "leader": (lambda hello: setattr(hello, "leader", "uwv"), PeerAborted),
    "size 2^40": (lambda hello: setattr(hello, "leader_size", 1 << 40), PeerAborted),
    "size 0": (lambda hello: setattr(hello, "leader_size", 0), PeerAborted),
    "run id": (lambda hello: setattr(hello, "run_id", b"short"), PeerAborted),
    "engine": (lambda hello: setattr(hello, "engine", "rsa"), PolicyRefusal),
    "plan": (lambda hello: setattr(hello, "runs", 2), PeerAborted),
    "digest": (lambda hello: setattr(hello, "scenario_digest", bytes(32)), PolicyRefusal),
    "scenario": (lambda hello: setattr(hello, "scenario", "../../etc/passwd"), PolicyRefusal),
    "parties": (lambda hello: hello.parties.append("uwv"), PeerAborted),
}


@pytest.mark.parametrize("name", HELLO_CHANGES)
def test_a_proposal_that_does_not_fit_is_refused(bodies: Bodies, name: str) -> None:
    change, expected = HELLO_CHANGES[name]

    def meddle(_way: str, _number: int, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if parsed.WhichOneof("content") == "hello":
            change(parsed.hello)
        return [parsed.SerializeToString()]

    with through_proxy(bodies) as (nodes, proxy):
        proxy.meddle = meddle
        assert isinstance(fails(bodies, nodes), expected)
        assert not records_of(nodes[PEER]), "nothing was loaded or computed"
        proxy.meddle = pass_on
        serves_the_next_run(bodies)


@pytest.mark.parametrize("size", [1 << 40, 0, 255])
def test_a_declared_size_out_of_bounds_is_refused_by_the_leader(bodies: Bodies, size: int) -> None:
    def declare(_way: str, _number: int, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if parsed.WhichOneof("content") == "acceptance":
            parsed.acceptance.data_size = size
        return [parsed.SerializeToString()]

    with through_proxy(bodies) as (nodes, proxy):
        proxy.meddle = declare
        error = fails(bodies, nodes)
        assert isinstance(error, PeerError)
        assert str(size) in str(error)


def _raw_session(
    bodies: Bodies, credentials: Credentials, messages: list[pb.SessionMessage]
) -> list[pb.SessionMessage]:
    """Open a session at the data party's node by hand and return what it says."""
    with open_channel(bodies.nodes[PEER].address, PEER, credentials) as channel:
        call = channel.stream_stream(SESSION_METHOD)(iter([m.SerializeToString() for m in messages]))
        answers = [pb.SessionMessage.FromString(raw) for raw in call]
    return [answer for answer in answers if answer.WhichOneof("content") != "heartbeat"]


def test_a_used_run_id_is_refused(bodies: Bodies) -> None:
    hellos: list[bytes] = []

    def record(_way: str, _number: int, message: bytes) -> list[bytes]:
        if pb.SessionMessage.FromString(message).WhichOneof("content") == "hello":
            hellos.append(message)
        return [message]

    with through_proxy(bodies) as (nodes, proxy):
        proxy.meddle = record
        run(bodies)
        wait_until_idle(nodes)
        replay = pb.SessionMessage.FromString(hellos[0])
        (answer,) = _raw_session(bodies, bodies.node_credentials(LEADER), [replay])
        assert answer.abort.reason == pb.ABORT_REASON_REFUSED
        assert "used before" in answer.abort.sentence
        assert len(records_of(nodes[PEER])) == 1
    # The id stays used after a restart.
    with serving(bodies, (PEER,)):
        (answer,) = _raw_session(bodies, bodies.node_credentials(LEADER), [replay])
        assert "used before" in answer.abort.sentence


def test_the_wrong_party_for_a_certificate_is_refused_by_the_leader(bodies: Bodies) -> None:
    address = bodies.nodes["toeslagen"].address
    with serving(bodies, (LEADER, "toeslagen"), {LEADER: with_peer_at(PEER, address)}) as nodes:
        error = fails(bodies, nodes)
        assert isinstance(error, TransportError)
        assert "certificate" in (str(error) + error.hint).lower()
        assert not records_of(nodes["toeslagen"])


def test_the_wrong_party_for_a_certificate_is_refused_by_the_data_party(bodies: Bodies) -> None:
    hello = pb.SessionMessage(hello=pb.Hello(leader=LEADER))
    with serving(bodies, BOTH):
        for credentials in (bodies.operator_credentials(LEADER), _foreign(bodies, "onbekend")):
            with pytest.raises(grpc.RpcError) as refused:
                _raw_session(bodies, credentials, [hello])
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        serves_the_next_run(bodies)


def _foreign(bodies: Bodies, party: str, valid_days: int = 90) -> Credentials:
    """Credentials of the right authority for a party that no config names, or that have expired."""
    from cryptography.hazmat.primitives import serialization

    now = datetime.datetime.now(datetime.UTC)
    folder = bodies.folder / "foreign" / f"{party}{valid_days}"
    write_key_folder(folder, bodies.authority, party, (NODE,), now)
    if valid_days > 0:
        return Credentials.read(folder, NODE)
    key, certificate = bodies.authority.issue(party, NODE, now, valid_days)
    good = Credentials.read(folder, NODE)
    return Credentials(
        good.identity,
        good.authority,
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def test_an_expired_certificate_gets_nobody_in(bodies: Bodies) -> None:
    expired_leader, expired_peer = _foreign(bodies, LEADER, -1), _foreign(bodies, PEER, -1)
    with serving(bodies, BOTH) as nodes:
        with pytest.raises(grpc.RpcError) as refused:
            _raw_session(bodies, expired_leader, [])
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert not records_of(nodes[PEER])
    proxy = Proxy(bodies.nodes[PEER].address, expired_peer, bodies.node_credentials(LEADER))
    with proxy, serving(bodies, BOTH, {LEADER: with_peer_at(PEER, proxy.address)}) as nodes:
        error = fails(bodies, nodes)
        assert isinstance(error, TransportError)
        assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    with serving(bodies, BOTH):
        serves_the_next_run(bodies)


def test_a_certificate_of_another_authority_gets_nobody_in(bodies: Bodies) -> None:
    now = datetime.datetime.now(datetime.UTC)
    folder = bodies.folder / "other-authority"
    write_key_folder(folder, Authority.create(now), LEADER, (NODE,), now)
    stranger = Credentials.read(folder, NODE)
    mixed = Credentials(
        stranger.identity, bodies.node_credentials(LEADER).authority, stranger.certificate, stranger.key
    )
    with serving(bodies, BOTH):
        with pytest.raises(grpc.RpcError) as refused:
            _raw_session(bodies, mixed, [])
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        serves_the_next_run(bodies)


def test_a_plaintext_client_gets_nothing(bodies: Bodies) -> None:
    with serving(bodies, BOTH):
        with grpc.insecure_channel(bodies.nodes[PEER].address) as channel:
            call = channel.stream_stream(SESSION_METHOD)(iter([b""]))
            with pytest.raises(grpc.RpcError) as refused:
                list(call)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        serves_the_next_run(bodies)


@pytest.mark.parametrize("step", [pb.STEP_SESSION_COMMITMENT, pb.STEP_BASE_OT_RECEIVER, pb.STEP_PSI_VALUES])
def test_a_data_party_that_is_killed_ends_the_run(bodies: Bodies, step: int) -> None:
    victim = bodies.nodes[PEER]
    with (
        Proxy(victim.address, bodies.node_credentials(PEER), bodies.node_credentials(LEADER)) as proxy,
        serving(bodies, (LEADER,), {LEADER: with_peer_at(PEER, proxy.address)}) as nodes,
    ):
        _start(victim)
        killed = threading.Event()

        def kill(way: str, _number: int, message: bytes) -> list[bytes]:
            if way == TO_LEADER and pb.SessionMessage.FromString(message).frame.step == step:
                killed.set()
                victim.process.kill()
                victim.process.wait()
            # A heartbeat behind this frame would tell that the frame is missing.
            return [] if way == TO_LEADER and killed.is_set() else [message]

        proxy.meddle = kill
        error = fails(bodies, nodes)
        assert isinstance(error, TransportError)
        proxy.meddle = pass_on
        _start(victim)
        try:
            serves_the_next_run(bodies)
        finally:
            victim.stop()


def test_a_leader_that_is_killed_leaves_the_data_party_serving(bodies: Bodies) -> None:
    victim = bodies.nodes[LEADER]
    seen = threading.Event()
    with serving(bodies, (PEER,)) as nodes:
        config = victim.folder / "node.toml"
        proxy = Proxy(bodies.nodes[PEER].address, bodies.node_credentials(PEER), bodies.node_credentials(LEADER))
        with proxy:
            config.write_text(config.read_text().replace(bodies.nodes[PEER].address, proxy.address))
            _start(victim)

            def kill(way: str, _number: int, message: bytes) -> list[bytes]:
                if way == TO_DATA_PARTY and pb.SessionMessage.FromString(message).frame.step == pb.STEP_OPRF_ROWS:
                    victim.process.kill()
                    victim.process.wait()
                    seen.set()
                return [message]

            proxy.meddle = kill
            with pytest.raises(TransportError):
                run(bodies)
            assert seen.wait(END_WITHIN_S)
            wait_until_idle(nodes)
            (record,) = records_of(nodes[PEER])
            assert record["state"] == "failed"
            assert LEADER in record["error"]
            proxy.meddle = pass_on
            _start(victim)
            try:
                serves_the_next_run(bodies)
            finally:
                victim.stop()


def _start(node: LocalNode) -> None:
    node.start()
    node.wait_ready()


def test_sigterm_ends_a_live_run_at_both_ends(bodies: Bodies) -> None:
    victim = bodies.nodes[PEER]
    with (
        Proxy(victim.address, bodies.node_credentials(PEER), bodies.node_credentials(LEADER)) as proxy,
        serving(bodies, (LEADER,), {LEADER: with_peer_at(PEER, proxy.address)}) as nodes,
    ):
        _start(victim)

        def terminate(way: str, _number: int, message: bytes) -> list[bytes]:
            if way == TO_DATA_PARTY and pb.SessionMessage.FromString(message).frame.step == pb.STEP_OPRF_ROWS:
                victim.process.terminate()
                # The next heartbeat would tell that this frame is missing, and that may come before the node stops.
                victim.process.wait(END_WITHIN_S)
                return []
            return [message]

        proxy.meddle = terminate
        error = fails(bodies, nodes)
        assert "shutting down" in str(error)
        assert victim.process.wait(END_WITHIN_S) == 0
        assert "stopped" in victim.log.read_text()


def test_no_failed_run_leaves_threads_behind(bodies: Bodies) -> None:
    def drop(_way: str, _number: int, _message: bytes) -> list[bytes]:
        return [b"\xff"]

    with through_proxy(bodies) as (nodes, proxy):
        serves_the_next_run(bodies)
        wait_until_idle(nodes)
        _wait_for_threads_to_end()
        proxy.meddle = drop
        for _ in range(5):
            with pytest.raises(PsiMatchError):
                run(bodies)
        wait_until_idle(nodes)
        _wait_for_threads_to_end()


def _wait_for_threads_to_end() -> None:
    """Wait until no thread of a run is left."""
    names = ("heartbeat-", "reader-", "run-with-", "lead", "pair")
    deadline = time.monotonic() + END_WITHIN_S
    while left := [thread.name for thread in threading.enumerate() if thread.name.startswith(names)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
