"""Whatever anybody with a certificate sends to a real node over mTLS, the call ends with a typed status in time, the
node serves the next run, and nothing of the call is left.

Three depths: arbitrary messages to every method of every service by every kind of caller; arbitrary sequences of
session messages after a proposal that the node accepts; and one message changed in the middle of a real run, pairwise
and joint.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.joint_nodes import Wire
from support.load import (
    JOINT,
    JOINT_PARTIES,
    LEADERS,
    TARGET,
    Hostile,
    Proposed,
    check_results,
    make_load_bodies,
    matches,
    pair_with,
    run,
    serves,
    settle,
    status_of,
)
from support.mutations import changed_bytes, changed_message
from support.nodes import Bodies, records_of, serving
from support.sets import numbers

from psi_match.base.errors import InternalError, PsiMatchError
from psi_match.domain.bsn import format_bsn
from psi_match.node.call_limits import WATCH_METHOD
from psi_match.node.certificates import AUDITOR, NODE, OBSERVER, OPERATOR, Credentials, write_key_folder
from psi_match.node.driver import SETUP_RUN
from psi_match.node.outgoing_stream import SESSION_METHOD
from psi_match.node.server import Node
from psi_match.wire.v1 import observer_pb2, operator_pb2, peer_pb2
from psi_match.wire.v1 import peer_pb2 as pb

pytestmark = pytest.mark.timeout(900)

LEADER = LEADERS[0]
STRANGER = "onbekend"
# Each attempt is a call or a run of real nodes: none is spent on finding a shorter example.
FEW = settings(
    max_examples=8,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
CALL_WITHIN_S = 60.0

METHODS: dict[str, type[Message]] = {
    f"/{service.full_name}/{method.name}": method.input_type._concrete_class
    for descriptor in (
        peer_pb2.DESCRIPTOR,
        operator_pb2.DESCRIPTOR,
        observer_pb2.DESCRIPTOR,
        health_pb2.DESCRIPTOR,
        reflection_pb2.DESCRIPTOR,
    )
    for service in descriptor.services_by_name.values()
    for method in service.methods
}
WATCHES = ("/grpc.health.v1.Health/Watch", WATCH_METHOD)
"""Go on until the caller has seen enough."""
ANSWERS = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Bodies:
    found = make_load_bodies(tmp_path_factory.mktemp("surface"))
    keys = found.nodes[TARGET].keys.parent / STRANGER
    write_key_folder(keys, found.authority, STRANGER, (NODE, OPERATOR), datetime.datetime.now(datetime.UTC))
    return found


@pytest.fixture(scope="module")
def serving_nodes(bodies: Bodies) -> Iterator[dict[str, Node]]:
    with serving(bodies, JOINT_PARTIES) as found:
        yield found


@pytest.fixture
def nodes(bodies: Bodies, serving_nodes: dict[str, Node]) -> Iterator[dict[str, Node]]:
    """Afterwards nothing of any call is left, and the next run succeeds."""
    yield serving_nodes
    settle(serving_nodes)
    serves(bodies, LEADER)
    settle(serving_nodes)
    check_results(bodies, serving_nodes)


CALLERS = [
    (TARGET, OPERATOR),
    (TARGET, AUDITOR),
    (TARGET, OBSERVER),
    (TARGET, NODE),
    (LEADER, NODE),
    (LEADER, OPERATOR),
    (LEADER, AUDITOR),
    (LEADER, OBSERVER),
    (STRANGER, NODE),
    (STRANGER, OPERATOR),
]


def credentials_of(bodies: Bodies, party: str, role: str) -> Credentials:
    return Credentials.read(bodies.nodes[TARGET].keys.parent / party, role)


def seeds_of(kind: type[Message]) -> tuple[Message, ...]:
    """Messages that mean something to a method."""
    known: dict[type, tuple[Message, ...]] = {
        operator_pb2.RunRequest: (
            operator_pb2.RunRequest(scenario=pair_with(LEADER)),
            operator_pb2.RunRequest(scenario=JOINT, dry_run=True, engine="prefix", agreement=JOINT),
        ),
        operator_pb2.StatusRequest: (operator_pb2.StatusRequest(run_id="ab" * 16),),
        observer_pb2.TimelineRequest: (
            observer_pb2.TimelineRequest(run_id="ab" * 16),
            observer_pb2.TimelineRequest(run_id="../.."),
        ),
        operator_pb2.ResultRequest: (operator_pb2.ResultRequest(run_id="ab" * 16),),
        operator_pb2.NotifyRequest: (
            operator_pb2.NotifyRequest(
                run_id="ab" * 16, kind="withdraw", reason="objection", bsn=format_bsn(numbers(2)).tolist()
            ),
        ),
        pb.NoticeRequest: (pb.NoticeRequest(run_id=bytes(16)),),
        health_pb2.HealthCheckRequest: (health_pb2.HealthCheckRequest(service="psi_match.wire.v1.Peer"),),
        reflection_pb2.ServerReflectionRequest: (
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="psi_match.wire.v1.Peer"),
        ),
        pb.SessionMessage: (
            pb.SessionMessage(hello=pb.Hello(leader=LEADER, scenario=pair_with(LEADER), head=pb.SignedHead(log=b"x"))),
            pb.SessionMessage(hello=pb.Hello(leader=LEADER, notices_of=bytes(16), run_id=bytes(16))),
            pb.SessionMessage(proposal=pb.Proposal(coordinator=LEADER, scenario=JOINT, run_id=bytes(16))),
            pb.SessionMessage(attachment=pb.Attachment(run_id=bytes(16))),
            pb.SessionMessage(frame=pb.DataFrame(session=bytes(16), payload=bytes(64))),
            pb.SessionMessage(abort=pb.Abort(reason=pb.ABORT_REASON_REFUSED, sentence="no")),
            pb.SessionMessage(heartbeat=pb.Heartbeat(done=1)),
        ),
    }
    return known.get(kind, (kind(),))


def check_answer(
    method: str, call: grpc.Call, hear: Callable[[bytes], None] = lambda _message: None
) -> list[pb.SessionMessage]:
    """Check that a call ended with a typed status and, if a session was aborted, so was that; return what was said."""
    code, details, raw = status_of(call, hear)
    assert code in ANSWERS, (code, details)
    if method != SESSION_METHOD:
        return []
    messages = [pb.SessionMessage.FromString(one) for one in raw]
    for message in messages:
        if message.WhichOneof("content") == "abort":
            assert message.abort.reason not in {pb.ABORT_REASON_UNSPECIFIED, pb.ABORT_REASON_INTERNAL}
            assert message.abort.sentence.isprintable()
    return [message for message in messages if message.WhichOneof("content") != "heartbeat"]


def check_records(nodes: dict[str, Node]) -> None:
    """Check that no run ended by a defect, and that none goes on."""
    for node in nodes.values():
        for record in records_of(node):
            assert record["state"] in {"failed", "finished"}
            assert "defect" not in record["error"], record["error"]


def test_a_message_that_cannot_be_read_leaves_no_call_open(bodies: Bodies, nodes: dict[str, Node]) -> None:
    # gRPC kept such a call of a streaming method in its books for good, and the node could not be stopped any more.
    with Hostile(bodies, bodies.node_credentials(LEADER)) as caller:
        for method in METHODS:
            if method != SESSION_METHOD:
                code, _, _ = status_of(caller.call(method, iter([b"\xff"]), CALL_WITHIN_S))
                assert code is grpc.StatusCode.INVALID_ARGUMENT, method
    settle(nodes)


@pytest.mark.parametrize("method", METHODS)
def test_any_message_to_any_method_by_anybody_gets_a_typed_answer(
    bodies: Bodies, nodes: dict[str, Node], method: str
) -> None:
    for party, role in CALLERS:
        with Hostile(bodies, credentials_of(bodies, party, role)) as caller:
            call_often(caller, method)
    check_records(nodes)


def call_often(caller: Hostile, method: str) -> None:
    """Call a method with arbitrary, changed and right messages."""
    seeds = seeds_of(METHODS[method])
    right = tuple(seed.SerializeToString() for seed in seeds)
    message = st.binary(max_size=100) | changed_message(seeds) | changed_bytes(right) | st.sampled_from(right)

    @FEW
    @given(st.lists(message, max_size=4))
    def attempt(messages: list[bytes]) -> None:
        call = caller.call(method, iter(messages), CALL_WITHIN_S)
        if method in WATCHES:
            with suppress(StopIteration, grpc.RpcError):
                next(call)
            call.cancel()
        else:
            check_answer(method, call)

    attempt()


def test_any_sequence_of_messages_after_an_accepted_proposal_ends_the_run(
    bodies: Bodies, nodes: dict[str, Node]
) -> None:
    placeholder = b"the id of a run."
    sizes = (32, 64, 32 * 2 * 448)
    frames = tuple(
        pb.SessionMessage(frame=pb.DataFrame(session=placeholder, run=run_number, step=step, payload=bytes(size)))
        for step in (pb.STEP_SESSION_COMMITMENTS, pb.STEP_SESSION_OPENINGS, pb.STEP_BASE_OT_SENDER, pb.STEP_TRANSCRIPT)
        for run_number, size in zip((SETUP_RUN, SETUP_RUN, 0), sizes, strict=True)
    )
    others = (*seeds_of(pb.SessionMessage), pb.SessionMessage(concluded=pb.Concluded()), pb.SessionMessage())
    reached = 0
    with Hostile(bodies, bodies.node_credentials(LEADER)) as peer:

        @settings(FEW, max_examples=40)
        @given(st.lists(changed_message(frames) | changed_message(others), max_size=6))
        def attempt(messages: list[bytes]) -> None:
            nonlocal reached
            proposed = Proposed(nodes[LEADER])
            sent = [message.replace(placeholder, proposed.run_id) for message in messages]
            told = check_answer(SESSION_METHOD, peer.session(proposed.then(sent)), proposed.hear)
            reached += any(message.frame.step == pb.STEP_SESSION_COMMITMENT for message in told)

        attempt()
    assert reached > 10, "the node went on to the session id"
    settle(nodes)
    check_records(nodes)


@pytest.mark.parametrize("scenario", [pair_with(LEADER), JOINT])
def test_a_changed_message_in_the_middle_of_a_run_ends_it_with_a_typed_error(
    bodies: Bodies, nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    wire = Wire(monkeypatch)
    met: dict[tuple[str, str], list[pb.SessionMessage]] = {}

    def note(frm: str, to: str, kind: str, message: bytes) -> list[bytes]:
        if kind != "heartbeat":
            met.setdefault((frm, to), []).append(pb.SessionMessage.FromString(message))
        return [message]

    wire.meddle = note
    assert isinstance(run(bodies, LEADER, scenario), dict)
    places = [(way, number) for way, messages in met.items() for number in range(len(messages))]
    old_run = run_id_of(met)

    @settings(FEW, max_examples=12)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        way, number = data.draw(st.sampled_from(places))
        changed = data.draw(changed_message((met[way][number],)))
        arrived = itertools.count()

        def meddle(frm: str, to: str, kind: str, message: bytes) -> list[bytes]:
            if (frm, to) != way or kind == "heartbeat" or next(arrived) != number:
                return [message]
            new_run = run_id_of({way: [pb.SessionMessage.FromString(message)]})
            return [changed.replace(old_run, new_run) if new_run else changed]

        wire.calm()
        wire.meddle = meddle
        outcome = run(bodies, LEADER, scenario)
        wire.calm()
        settle(nodes)
        if isinstance(outcome, dict):
            # What was changed is nothing that anybody reads: the answer is the right one.
            assert outcome["result_rows"] == matches(bodies, LEADER)
        else:
            assert isinstance(outcome, PsiMatchError)
            assert not isinstance(outcome, InternalError), outcome
        check_results(bodies, nodes)
        check_records(nodes)

    attempt()


def run_id_of(met: dict[Any, list[pb.SessionMessage]]) -> bytes:
    """Return the run id in messages; empty if none of them has one."""
    for message in itertools.chain(*met.values()):
        found = message.hello.run_id or message.proposal.run_id or message.attachment.run_id or message.frame.session
        if found:
            return bytes(found)
    return b""
