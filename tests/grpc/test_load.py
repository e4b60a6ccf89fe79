"""Many runs at once, and peers that stall, flood or disconnect: a run ends in time, nothing of it stays, others go on.

After each test no run, call, thread, link or mailbox is left in the process, and no result of a failed run exists. How
memory returns to its baseline under load is measured, not tested: ``psi-match bench load``.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import pytest
from support.joint_nodes import Wire, rerouted
from support.load import (
    JOINT,
    LEADERS,
    MAX_SESSIONS,
    PARTIES,
    SETTLE_WITHIN_S,
    TARGET,
    Hostile,
    Proposed,
    check_results,
    hostile_node,
    make_load_bodies,
    pair_with,
    run,
    serves,
    settle,
    status_of,
    with_limits,
)
from support.nodes import Bodies, records_of, results_of, serving

from psi_match.base.errors import InternalError, PolicyRefusal, PsiMatchError
from psi_match.bench import load as load_bench
from psi_match.node import outgoing_stream
from psi_match.node.outgoing_stream import OutgoingStream
from psi_match.node.server import Node
from psi_match.node.sessions import Session, Sessions
from psi_match.wire.frames import MAX_FRAME_BYTES
from psi_match.wire.v1 import peer_pb2 as pb

pytestmark = pytest.mark.timeout(1200)
"""One test is a hundred runs, each of which waits for disks."""

AT_ONCE = 32
LEADER, OTHER = LEADERS[:2]
HEARTBEAT = pb.SessionMessage(heartbeat=pb.Heartbeat()).SerializeToString()
GREET, STATUS = "/psi_match.wire.v1.Peer/Greet", "/psi_match.wire.v1.Operator/Status"
REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
CHECK_HEALTH, WATCH_HEALTH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Bodies:
    return make_load_bodies(tmp_path_factory.mktemp("load"))


@pytest.fixture(scope="module")
def serving_nodes(bodies: Bodies) -> Iterator[dict[str, Node]]:
    many = with_limits(max_sessions=AT_ONCE)
    with serving(bodies, PARTIES, dict.fromkeys(LEADERS, many)) as found:
        yield found


@pytest.fixture
def nodes(bodies: Bodies, serving_nodes: dict[str, Node]) -> Iterator[dict[str, Node]]:
    """Target and leaders; afterwards nothing of a run is left, and the target still serves."""
    yield serving_nodes
    settle(serving_nodes)
    serves(bodies, OTHER)
    settle(serving_nodes)
    check_results(bodies, serving_nodes)


def test_32_runs_at_once_from_four_peers(
    bodies: Bodies, nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    most: Counter[str] = Counter()
    admit = Sessions.admit

    @contextmanager
    def counted(sessions: Sessions, session: Session) -> Iterator[Session]:
        with admit(sessions, session):
            if sessions is nodes[TARGET].context.sessions:
                most["live"] = max(most["live"], len(sessions.live()))
                most["accepted"] += 1
            yield session

    monkeypatch.setattr(Sessions, "admit", counted)
    before = len(results_of(bodies))
    outcomes: list[object] = []
    together = threading.Barrier(AT_ONCE)

    def start(leader: str) -> None:
        together.wait()
        outcomes.append(run(bodies, leader))

    threads = [threading.Thread(target=start, args=(LEADERS[index % len(LEADERS)],)) for index in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    told = [outcome for outcome in outcomes if isinstance(outcome, PolicyRefusal)]
    assert len(done) + len(told) == AT_ONCE, [outcome for outcome in outcomes if outcome not in done + told]
    assert len(done) == most["accepted"] >= MAX_SESSIONS
    assert most["live"] == MAX_SESSIONS
    assert not [no for no in told if "as many runs at work as it allows" not in str(no) and "too many" not in str(no)]
    assert {no.peer for no in told} == {TARGET}
    assert len(results_of(bodies)) - before == len(done)


# A peer that opens streams and does not go on.

Attack = Callable[[Hostile, Node], grpc.Call]


def _after_hello(peer: Hostile, leader: Node, messages: Iterator[bytes]) -> grpc.Call:
    def all_messages() -> Iterator[bytes]:
        yield Proposed(leader).hello
        yield from messages

    return peer.session(all_messages())


def _frame(payload: int) -> bytes:
    return pb.SessionMessage(frame=pb.DataFrame(session=bytes(16), payload=bytes(payload))).SerializeToString()


ATTACKS: dict[str, tuple[Attack, str]] = {
    "says nothing": (lambda peer, _: peer.session(peer.silence()), "DEADLINE"),
    "says one byte at a time": (lambda peer, _: peer.session(peer.forever(b"\x01", 0.05)), "PROTOCOL"),
    "sends empty messages": (lambda peer, _: peer.session(peer.forever(b"")), "PROTOCOL"),
    "is only alive": (lambda peer, _: peer.session(peer.forever(HEARTBEAT, 0.01)), "DEADLINE"),
    "proposes and is only alive": (
        lambda peer, leader: _after_hello(peer, leader, peer.forever(HEARTBEAT, 0.01)),
        "DEADLINE",
    ),
    "proposes and says nothing": (lambda peer, leader: _after_hello(peer, leader, peer.silence()), "DEADLINE"),
    "sends frames forever": (
        lambda peer, leader: _after_hello(peer, leader, peer.forever(_frame(1 << 20))),
        "PROTOCOL",
    ),
    "sends frames first": (lambda peer, _: peer.session(peer.forever(_frame(100))), "PROTOCOL"),
    "sends more than a frame": (
        lambda peer, leader: _after_hello(peer, leader, peer.forever(_frame(MAX_FRAME_BYTES))),
        "PROTOCOL",
    ),
    "attaches to nothing": (
        lambda peer, _: peer.session(
            peer.forever(pb.SessionMessage(attachment=pb.Attachment(run_id=bytes(16))).SerializeToString())
        ),
        "REFUSED",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_peer_that_goes_on_for_ever_is_given_up_and_hinders_nobody(
    bodies: Bodies, nodes: dict[str, Node], name: str
) -> None:
    attack, reason = ATTACKS[name]
    with Hostile(bodies, bodies.node_credentials(LEADER)) as peer:
        calls = [attack(peer, nodes[LEADER]) for _ in range(MAX_SESSIONS - 1)]
        serves(bodies, OTHER)
        for call in calls:
            code, _, messages = status_of(call)
            assert code is grpc.StatusCode.OK
            last = pb.SessionMessage.FromString(messages[-1])
            assert last.abort.reason == pb.AbortReason.Value(f"ABORT_REASON_{reason}")
        settle(nodes)


def test_a_message_that_grpc_refuses_ends_the_stream(bodies: Bodies, nodes: dict[str, Node]) -> None:
    with Hostile(bodies, bodies.node_credentials(LEADER)) as peer:
        code, _, _ = status_of(_after_hello(peer, nodes[LEADER], peer.forever(_frame(5 << 20))))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        settle(nodes)


def test_one_peer_has_so_many_streams_and_no_more(bodies: Bodies, nodes: dict[str, Node]) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(Hostile(bodies, bodies.node_credentials(LEADER))) for _ in range(AT_ONCE)]
        # All streams are to be opened before the first of them has been silent for too long and makes room.
        for peer in peers:
            peer.connect()
        calls = [peer.session(peer.silence()) for peer in peers]
        codes = Counter(status_of(call)[0] for call in calls)
        assert codes == {
            grpc.StatusCode.OK: MAX_SESSIONS + 2,
            grpc.StatusCode.RESOURCE_EXHAUSTED: AT_ONCE - MAX_SESSIONS - 2,
        }
        settle(nodes)


@pytest.mark.parametrize("method", [GREET, REFLECT, CHECK_HEALTH, WATCH_HEALTH, STATUS])
def test_calls_without_a_message_keep_nobody_out(bodies: Bodies, nodes: dict[str, Node], method: str) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(Hostile(bodies, bodies.node_credentials(LEADER))) for _ in range(10)]
        calls = [peer.call(method, peer.silence()) for peer in peers for _ in range(20)]
        serves(bodies, OTHER)
        codes = Counter(status_of(call)[0] for call in calls)
        # Unavailable: more at once than one connection may have.
        told = ("RESOURCE_EXHAUSTED", "CANCELLED", "UNAVAILABLE")
        assert {code.name for code in codes} <= set(told)
        assert 0 < codes[grpc.StatusCode.CANCELLED] < len(calls) / 4
        settle(nodes)


def test_a_peer_that_reads_nothing_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Several megabytes of values: more than gRPC takes in for a peer that does not read, so that the node has to wait.
    bodies = make_load_bodies(tmp_path, target_rows=250_000)
    released = threading.Event()

    def stalls(stream: OutgoingStream) -> None:
        for serialised in stream._call:
            stream._link.feed(serialised)
            if pb.SessionMessage.FromString(serialised).frame.step == pb.STEP_BASE_OT_RECEIVER:
                break
        released.wait()
        stream._link.end()

    monkeypatch.setattr(OutgoingStream, "_read", stalls)
    # It stays alive, and waits for longer than anybody else would.
    patient = with_limits(peer_silence_s=60.0, run_s=60.0)
    outcomes: list[object] = []
    with serving(bodies, (LEADER, TARGET), {LEADER: patient}) as found:
        target = found[TARGET]
        attack = threading.Thread(target=lambda: outcomes.append(run(bodies, LEADER)))
        attack.start()
        try:
            within = time.monotonic() + SETTLE_WITHIN_S
            while not outcomes and (_calls(target) or not records_of(target) or _records_state(target) == "running"):
                assert time.monotonic() < within, "the peer holds its stream"
                time.sleep(0.05)
            assert not outcomes, "the leader gave up first"
            assert _records_state(target) == "failed"
            while left := [thread.name for thread in threading.enumerate() if thread.name.endswith(f"-{LEADER}")]:
                assert time.monotonic() < within, left
                time.sleep(0.05)
            assert not outcomes, "the leader gave up first"
        finally:
            released.set()
            attack.join()
        assert isinstance(outcomes[0], PsiMatchError)
        settle(found)
        monkeypatch.undo()
        serves(bodies, LEADER)
        settle(found)


def _calls(node: Node) -> int:
    return len(node._server._state.rpc_states)  # type: ignore[attr-defined]  # gRPC's own list of open calls


def _records_state(node: Node) -> str:
    return str(records_of(node)[-1]["state"])


# A data party that behaves so, from the leader's side.

Behaviour = Callable[[threading.Event], Iterator[bytes]]


def _repeated(message: bytes, pause_s: float = 0.0) -> Behaviour:
    def behave(ended: threading.Event) -> Iterator[bytes]:
        while not ended.wait(pause_s):
            yield message

    return behave


def _one(message: bytes) -> Behaviour:
    def behave(_ended: threading.Event) -> Iterator[bytes]:
        yield message

    return behave


ACCEPTANCE = pb.SessionMessage(acceptance=pb.Acceptance(data_size=256)).SerializeToString()
UNPRINTABLE = pb.Abort(reason=pb.ABORT_REASON_REFUSED, sentence="\x1b[2J\n" + "x" * 1000)
BEHAVIOURS: dict[str, Behaviour] = {
    "says nothing": _repeated(b"", 60.0),
    "says one byte at a time": _repeated(b"\x01", 0.05),
    "is only alive": _repeated(HEARTBEAT, 0.01),
    "accepts without end": _repeated(ACCEPTANCE),
    "sends frames forever": _repeated(_frame(1 << 20)),
    "sends what gRPC refuses": _repeated(_frame(5 << 20)),
    "ends at once": lambda _ended: iter(()),
    "refuses in words that a terminal would obey": _one(pb.SessionMessage(abort=UNPRINTABLE).SerializeToString()),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_data_party_that_misbehaves_is_given_up(
    bodies: Bodies, nodes: dict[str, Node], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long a leader that gives up lets the peer end its side.
    monkeypatch.setattr(outgoing_stream, "_END_WAIT_S", 1.0)
    ended = threading.Event()

    def behave(_messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        context.add_callback(ended.set)
        return BEHAVIOURS[name](ended)

    before = results_of(bodies)
    with (
        hostile_node(bodies.node_credentials(TARGET), behave) as address,
        rerouted(nodes[LEADER], TARGET, address),
    ):
        error = run(bodies, LEADER)
        assert isinstance(error, PsiMatchError)
        assert not isinstance(error, InternalError)
        assert error.peer == TARGET
        assert str(error).isprintable()
        assert records_of(nodes[LEADER])[-1]["state"] == "failed"
        settle(nodes)
    assert results_of(bodies) == before


# A peer that disconnects, at every message of a run in turn.


@pytest.mark.parametrize("scenario", [pair_with(LEADER), JOINT])
def test_a_peer_that_disconnects_at_any_message_leaves_no_result(
    bodies: Bodies, nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    wire = Wire(monkeypatch)
    assert isinstance(run(bodies, LEADER, scenario), dict)
    directions = Counter((frm, to) for frm, to, _ in wire.sent)
    wire.calm()
    settle(nodes)
    kinds_met = set()
    for (frm, to), count in directions.items():
        for number in range(count):
            before = results_of(bodies)
            known = {record["run_id"] for node in nodes.values() for record in records_of(node)}
            struck = _cut_at(wire, frm, to, number)
            outcome = run(bodies, LEADER, scenario)
            wire.calm()
            settle(nodes)
            where = f"message {number} from {frm} to {to}, {struck}"
            assert len(struck) == 1, where
            kinds_met |= set(struck)
            new = [record for node in nodes.values() for record in records_of(node) if record["run_id"] not in known]
            if struck == ["concluded"]:
                # All have played to the end: only who was not told so cannot know.
                assert isinstance(outcome, dict), where
                assert {record["party"] for record in new if record["state"] == "failed"} == {to}, where
            else:
                assert isinstance(outcome, PsiMatchError), where
                assert not isinstance(outcome, InternalError), where
                assert {record["state"] for record in new} <= {"failed"}, where
                assert results_of(bodies) == before, where
    assert {"transcript", "concluded"} < kinds_met


def _cut_at(wire: Wire, frm: str, to: str, number: int) -> list[str]:
    """Cut the connection when a message arrives, counted in its direction; return what it was, once it has come."""
    arrived, struck = itertools.count(), []

    def meddle(sender: str, receiver: str, kind: str, message: bytes) -> list[bytes]:
        if (sender, receiver) != (frm, to) or kind == "heartbeat" or next(arrived) != number:
            return [message]
        struck.append(kind)
        wire.cut(frm, to)
        return []

    wire.calm()
    wire.meddle = meddle
    return struck


def test_the_bench_of_load_tells_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Five processes at once on a busy machine: none of them is to be taken for a dead one.
    monkeypatch.setattr(load_bench, "_SILENCE_S", 4.0)
    stages: list[str] = []
    found = load_bench.bench_load(300, 6, 1, tmp_path, on_stage=stages.append)
    (only,) = found.rounds
    assert (found.baseline.accepted, found.baseline.refused) == (1, 0)
    assert only.accepted + only.refused == 6
    assert only.accepted >= 1
    assert only.live_sessions == 0
    assert only.threads >= found.baseline.threads > 1
    assert only.rss_bytes > 1 << 20
    assert len(stages) == 3
