"""Observers at real nodes: what they see is what crossed, nothing else is open to them, and no run waits for them."""

from __future__ import annotations

import datetime
import itertools
import json
import socket
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import tomli_w
from support.nodes import DATA_PARTIES, LEADER, PARTIES, Bodies, serving, wait_until_idle

from psi_match.base.errors import PolicyRefusal, PsiMatchError, TransportError, UsageError
from psi_match.domain.bsn import format_bsn
from psi_match.governance.audit.files import log_files
from psi_match.governance.rules import Rule
from psi_match.node import event_log, observer_client, observer_service, server
from psi_match.node.call_limits import MOST_WATCHERS
from psi_match.node.certificates import (
    AUDITOR,
    NODE,
    OBSERVER,
    OPERATOR,
    Credentials,
    expires_at,
    serial_of,
)
from psi_match.node.channels import open_channel
from psi_match.node.dossier import Dossier, Missing, collect
from psi_match.node.events import NodeEvent
from psi_match.node.local_governance import LocalPolicy
from psi_match.node.observer_client import ObserverClient
from psi_match.node.operator_client import OperatorClient
from psi_match.node.retention import purge
from psi_match.node.revocation import REVOKED_NAME, revoke
from psi_match.node.server import Node
from psi_match.node.store import Store
from psi_match.wire.v1 import observer_pb2, observer_pb2_grpc, operator_pb2, operator_pb2_grpc

NAME = "paren"
WITHIN_S = 60.0
Nodes = dict[str, Node]


@pytest.fixture
def nodes(bodies: Bodies) -> Iterator[Nodes]:
    with serving(bodies) as found:
        yield found


def run(bodies: Bodies, **options: Any) -> dict[str, Any]:
    with OperatorClient(bodies.nodes[LEADER].address, bodies.operator_credentials(LEADER)) as operator:
        return operator.run(NAME, **options)


@contextmanager
def observers(bodies: Bodies, parties: tuple[str, ...] = PARTIES) -> Iterator[dict[str, ObserverClient]]:
    clients = {party: bodies.nodes[party].observer() for party in parties}
    try:
        yield clients
    finally:
        for client in clients.values():
            client.close()


class Watching:
    """A watch in a thread of its own: what it saw, and how it ended."""

    def __init__(self, client: ObserverClient) -> None:
        self.events: list[NodeEvent] = []
        self.error: PsiMatchError | None = None
        self._watch = client.watch()
        self.events.append(next(self._watch))
        self.thread = threading.Thread(target=self._follow)
        self.thread.start()

    def _follow(self) -> None:
        try:
            self.events.extend(self._watch)
        except PsiMatchError as error:
            self.error = error

    def until(self, found: Callable[[list[NodeEvent]], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not found(list(self.events)):
            assert time.monotonic() < deadline, "not seen"
            time.sleep(0.01)

    def ended(self) -> PsiMatchError | None:
        self.thread.join(WITHIN_S)
        assert not self.thread.is_alive()
        return self.error


def of_run(events: list[NodeEvent], run_id: str) -> list[NodeEvent]:
    return [event for event in events if event.run_id == run_id]


def audit_lines(bodies: Bodies, party: str) -> list[dict[str, Any]]:
    files = log_files(bodies.nodes[party].folder / "state" / "audit")
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def refusals(bodies: Bodies, party: str = LEADER) -> list[dict[str, Any]]:
    return [line["fields"] for line in audit_lines(bodies, party) if line["event"] == "refused"]


def write_policy(bodies: Bodies, **changes: object) -> None:
    own = LocalPolicy(set(bodies.nodes) - {LEADER}, [NAME])
    (bodies.nodes[LEADER].folder / "policy.toml").write_text(tomli_w.dumps(_parsed(own.toml()) | changes))


def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


# What observers see


@pytest.mark.parametrize("engine", ["kkrt", "ecdh"])
def test_both_ends_of_every_message_are_seen_with_the_bytes_that_the_records_count(
    bodies: Bodies, nodes: Nodes, engine: str
) -> None:
    run_id = run(bodies, engine=engine)["run_id"]
    wait_until_idle(nodes)
    with observers(bodies) as clients:
        dossier = collect(clients, run_id)
    assert set(dossier.records) == set(dossier.timelines) == set(PARTIES)
    assert dossier.missing == ()
    sent: dict[tuple[str, str, bool], list[tuple[str, int]]] = {}
    for party, events in dossier.timelines.items():
        assert [events[0].kind, events[-1].kind, events[-1].state] == ["run-began", "run-ended", "finished"]
        assert events[0].role == dossier.records[party]["role"]
        assert [event.at for event in events] == sorted(event.at for event in events)
        for peer, pair in dossier.records[party]["pairs"].items():
            for outgoing, counted in ((True, pair["bytes_out"]), (False, pair["bytes_in"])):
                crossed = [e for e in events if e.kind == "message" and (e.peer, e.outgoing) == (peer, outgoing)]
                assert sum(event.frame_bytes for event in crossed) == counted > 0
                frm, to = (party, peer) if outgoing else (peer, party)
                sent[frm, to, outgoing] = [(event.step, event.frame_bytes) for event in crossed]
    # The sender's list is the receiver's, message by message: a heartbeat or an abort is in neither.
    for (frm, to, outgoing), messages in sent.items():
        assert messages == sent[frm, to, not outgoing]
        assert not {"heartbeat", "abort"} & {step for step, _ in messages}


def test_a_watch_tells_what_the_timeline_keeps(bodies: Bodies, nodes: Nodes) -> None:
    with observers(bodies) as clients:
        watches = {party: Watching(client) for party, client in clients.items()}
        assert all(watch.events[0].kind == "alive" for watch in watches.values())
        run_id = run(bodies)["run_id"]
        for party, watch in watches.items():
            watch.until(lambda seen: any(event.kind == "run-ended" for event in seen))
            wait_until_idle(nodes)
            assert of_run(watch.events, run_id) == clients[party].timeline(run_id)
            assert {event.kind for event in watch.events if event.run_id != run_id} == {"alive"}
        for client in clients.values():
            client.close()
        assert [watch.ended() for watch in watches.values()] == [None, None, None]


def test_a_node_gives_a_sign_of_life_every_second(bodies: Bodies, nodes: Nodes) -> None:
    assert nodes
    with observers(bodies, (LEADER,)) as clients:
        watch = clients[LEADER].watch()
        moments = (time.monotonic() for _ in watch)
        gaps = [later - earlier for earlier, later in itertools.pairwise(itertools.islice(moments, 6))]
    # A machine that is busy makes gaps longer, never all of them.
    assert min(gaps) < 1.8


def test_a_run_under_way_is_told_to_who_comes_later(
    bodies: Bodies, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    finish = Store.write_result

    def held(store: Store, *arguments: Any) -> None:
        reached.set()
        assert go_on.wait(WITHIN_S)
        finish(store, *arguments)

    monkeypatch.setattr(Store, "write_result", held)
    outcome: list[dict[str, Any]] = []
    running = threading.Thread(target=lambda: outcome.append(run(bodies)))
    running.start()
    assert reached.wait(WITHIN_S)
    with observers(bodies, (LEADER,)) as clients:
        watch = Watching(clients[LEADER])
        watch.until(lambda seen: any(event.step == "psi-values" for event in seen))
        run_id = watch.events[1].run_id
        with pytest.raises(UsageError, match="under way"):
            clients[LEADER].timeline(run_id)
        assert watch.events[1].kind == "run-began"
        go_on.set()
        running.join(WITHIN_S)
        watch.until(lambda seen: any(event.kind == "run-ended" for event in seen))
        wait_until_idle(nodes)
        whole = clients[LEADER].timeline(run_id)
        clients[LEADER].close()
        watch.ended()
    assert outcome[0]["run_id"] == run_id
    seen = of_run(watch.events, run_id)
    assert sum(event.frame_bytes for event in seen) == sum(event.frame_bytes for event in whole)
    assert len(seen) < len(whole)


def test_a_run_that_fails_says_so(bodies: Bodies, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_store: Store, *_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "write_result", broken)
    with observers(bodies) as clients:
        watch = Watching(clients[LEADER])
        with pytest.raises(PsiMatchError):
            run(bodies)
        watch.until(lambda seen: any(event.kind == "run-ended" for event in seen))
        wait_until_idle(nodes)
        run_id = watch.events[-1].run_id or next(e.run_id for e in watch.events if e.run_id)
        dossier = collect(clients, run_id)
        clients[LEADER].close()
        watch.ended()
    assert {party: events[-1].state for party, events in dossier.timelines.items()} == dict.fromkeys(PARTIES, "failed")


def test_a_refused_proposal_is_no_run(bodies: Bodies, nodes: Nodes) -> None:
    write_policy(bodies, hours=[])
    with observers(bodies) as clients:
        watches = [Watching(client) for client in clients.values()]
        with pytest.raises(PolicyRefusal):
            run(bodies)
        time.sleep(1.2)
        for client in clients.values():
            client.close()
        for watch in watches:
            watch.ended()
            assert {event.kind for event in watch.events} == {"alive"}
    assert nodes


def test_no_value_is_in_a_timeline(bodies: Bodies, nodes: Nodes) -> None:
    run_id = run(bodies)["run_id"]
    wait_until_idle(nodes)
    people = {text for rows in bodies.rows.values() for text in format_bsn(rows).tolist()}
    for party in PARTIES:
        path = bodies.nodes[party].folder / "state" / "runs" / run_id / "timeline.jsonl"
        assert path.stat().st_mode & 0o777 == 0o600
        content = path.read_text()
        assert "oprf-rows" in content
        # Moments have more digits in a row than a BSN; whatever else has is a run's id.
        words = {
            str(value)
            for line in content.splitlines()
            for name, value in json.loads(line).items()
            if name not in {"at", "run_id"}
        }
        assert not words & people
        assert not any(len("".join(filter(str.isdigit, word))) >= 9 for word in words)


# What observers may not do


def test_an_observer_reads_records_and_events_and_nothing_else(bodies: Bodies, nodes: Nodes) -> None:
    run_id = run(bodies)["run_id"]
    wait_until_idle(nodes)
    with observers(bodies, (LEADER,)) as clients:
        (seen,) = clients[LEADER].status().runs
        assert json.loads(seen.record_json)["run_id"] == run_id
        assert clients[LEADER].timeline(run_id)
    credentials = Credentials.read(bodies.nodes[LEADER].keys, OBSERVER)
    with OperatorClient(bodies.nodes[LEADER].address, credentials) as observer:
        for attempt in (
            lambda: observer.run(NAME),
            lambda: observer.run(NAME, dry_run=True),
            lambda: observer.result(run_id),
            observer.log,
            lambda: observer.notify(run_id),
            lambda: observer.notices(run_id),
        ):
            before = len(refusals(bodies))
            with pytest.raises(PolicyRefusal, match=f"Rule {Rule.CALLER}"):
                attempt()
            assert refusals(bodies)[before:] == [{"rule": Rule.CALLER, "operator": "demo"}]


def calls_of(channel: grpc.Channel, run_id: str) -> tuple[Callable[[], object], ...]:
    stub = observer_pb2_grpc.ObserverStub(channel)
    return (
        lambda: next(stub.Watch(observer_pb2.WatchRequest())),
        lambda: list(stub.Timeline(observer_pb2.TimelineRequest(run_id=run_id))),
    )


@pytest.mark.parametrize("role", [OPERATOR, AUDITOR])
def test_other_people_do_not_look_on_with_their_own_certificate(bodies: Bodies, nodes: Nodes, role: str) -> None:
    run_id = run(bodies)["run_id"]
    wait_until_idle(nodes)
    own = Credentials.read(bodies.nodes[LEADER].keys, role)
    with open_channel(bodies.nodes[LEADER].address, LEADER, own) as channel:
        for call in calls_of(channel, run_id):
            with pytest.raises(grpc.RpcError) as raised:
                call()
            assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert refusals(bodies)[-1] == {"rule": Rule.CALLER, "operator": "demo"}


@pytest.mark.parametrize("role", [OBSERVER, OPERATOR, NODE])
def test_another_bodys_people_see_nothing(bodies: Bodies, nodes: Nodes, role: str) -> None:
    run_id = run(bodies)["run_id"]
    wait_until_idle(nodes)
    theirs = Credentials.read(bodies.nodes[DATA_PARTIES[0]].keys, role)
    with open_channel(bodies.nodes[LEADER].address, LEADER, theirs) as channel:
        status = operator_pb2_grpc.OperatorStub(channel).Status
        for call in (*calls_of(channel, run_id), lambda: status(operator_pb2.StatusRequest())):
            with pytest.raises(grpc.RpcError) as raised:
                call()
            assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert refusals(bodies)[-1] == {"rule": Rule.CALLER, "peer": DATA_PARTIES[0]}


def test_the_policy_names_who_looks_on_and_by_default_nobody(bodies: Bodies, nodes: Nodes) -> None:
    run_id = run(bodies)["run_id"]
    wait_until_idle(nodes)
    without = _parsed(LocalPolicy(set(bodies.nodes) - {LEADER}, [NAME]).toml())
    del without["observers"]
    (bodies.nodes[LEADER].folder / "policy.toml").write_text(tomli_w.dumps(without))
    with observers(bodies, (LEADER,)) as clients:
        client = clients[LEADER]
        for attempt in (lambda: next(client.watch()), lambda: client.timeline(run_id), client.status):
            with pytest.raises(PolicyRefusal, match=f"Rule {Rule.OBSERVER}"):
                attempt()
    assert refusals(bodies)[-1] == {"rule": Rule.OBSERVER, "operator": "demo"}


def test_looking_on_is_written_down(bodies: Bodies, nodes: Nodes) -> None:
    run_id = run(bodies)["run_id"]
    wait_until_idle(nodes)
    with observers(bodies, (LEADER,)) as clients:
        next(clients[LEADER].watch())
        clients[LEADER].timeline(run_id)
    lines = [(line["event"], line["fields"]) for line in audit_lines(bodies, LEADER)][-2:]
    assert lines == [("watch-began", {"observer": "demo"}), ("timeline-read", {"run": run_id, "observer": "demo"})]


# How a watch ends


def test_a_watch_ends_when_the_policy_names_the_observer_no_more(bodies: Bodies, nodes: Nodes) -> None:
    assert nodes
    with observers(bodies, (LEADER,)) as clients:
        watch = Watching(clients[LEADER])
        write_policy(bodies, observers=["another"])
        error = watch.ended()
    assert isinstance(error, PolicyRefusal)
    assert f"Rule {Rule.OBSERVER}" in error.sentence


def test_a_watch_ends_when_its_certificate_is_revoked(bodies: Bodies, nodes: Nodes) -> None:
    assert nodes
    keys = bodies.nodes[LEADER].keys
    with observers(bodies, (LEADER,)) as clients:
        watch = Watching(clients[LEADER])
        serial = serial_of((keys / "observer.pem").read_bytes())
        revoke(keys / REVOKED_NAME, serial, "uit dienst", datetime.datetime.now(datetime.UTC).date())
        error = watch.ended()
        with pytest.raises(PolicyRefusal, match="revoked"):
            clients[LEADER].status()
    assert isinstance(error, PolicyRefusal)
    assert error.sentence == "The certificate is revoked."
    assert refusals(bodies)[-1]["rule"] == Rule.CALLER


def test_a_watch_ends_when_its_certificate_expires(
    bodies: Bodies, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nodes
    until = expires_at((bodies.nodes[LEADER].keys / "observer.pem").read_bytes())
    moment = [until - datetime.timedelta(seconds=1)]

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            del tz
            return moment[0]

    # The service's own look at the clock: TLS has checked when the connection was made.
    monkeypatch.setattr(observer_service, "datetime", SimpleNamespace(datetime=Clock, UTC=datetime.UTC))
    with observers(bodies, (LEADER,)) as clients:
        watch = Watching(clients[LEADER])
        watch.until(lambda seen: len(seen) > 1)
        assert watch.error is None
        moment[0] = until
        error = watch.ended()
    assert isinstance(error, PolicyRefusal)
    assert error.sentence == "The certificate has expired."


def stops_at_once(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop a node that would give calls a long time to end: none needs it."""
    monkeypatch.setattr(server, "_STOP_GRACE_S", 2 * WITHIN_S)
    began = time.monotonic()
    node.stop()
    assert time.monotonic() - began < WITHIN_S


def test_a_node_that_stops_ends_its_watches_at_once(bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(bodies, (LEADER,)) as nodes, observers(bodies, (LEADER,)) as clients:
        watches = [Watching(clients[LEADER]) for _ in range(3)]
        stops_at_once(nodes[LEADER], monkeypatch)
        for watch in watches:
            error = watch.ended()
            assert isinstance(error, TransportError)
            assert error.peer == LEADER


def test_a_node_that_cannot_be_reached_is_told_at_once(bodies: Bodies) -> None:
    with observers(bodies, (LEADER,)) as clients, pytest.raises(TransportError, match="Cannot reach"):
        next(clients[LEADER].watch())


def test_a_node_that_falls_silent_is_told_apart(bodies: Bodies, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert nodes
    target = bodies.nodes[LEADER].port
    with _Hole(target) as hole:
        credentials = Credentials.read(bodies.nodes[LEADER].keys, OBSERVER)
        with ObserverClient(f"127.0.0.1:{hole.port}", credentials) as client:
            watch = Watching(client)
            hole.swallow.set()
            monkeypatch.setattr(observer_client, "SILENT_S", 1.5)
            error = watch.ended()
    assert isinstance(error, TransportError)
    assert "not been heard" in error.sentence


class _Hole:
    """Passes bytes on to a port until it swallows them, as a machine does that is cut off."""

    def __init__(self, target: int) -> None:
        self.swallow = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._target = target
        self._open: list[socket.socket] = [self._server]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> _Hole:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(WITHIN_S)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                one, _ = self._server.accept()
                other = socket.create_connection(("127.0.0.1", self._target))
                self._open += [one, other]
                for frm, to in ((one, other), (other, one)):
                    thread = threading.Thread(target=self._pass, args=(frm, to), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _pass(self, frm: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while content := frm.recv(65_536):
                if not self.swallow.is_set():
                    to.sendall(content)


# Bounds


def test_watches_have_places_of_their_own(bodies: Bodies, nodes: Nodes) -> None:
    assert nodes
    with observers(bodies, (LEADER,)) as clients:
        watches = [clients[LEADER].watch() for _ in range(MOST_WATCHERS)]
        for watch in watches:
            next(watch)
        with pytest.raises(PolicyRefusal, match="too many calls"):
            next(clients[LEADER].watch())
        # All other calls of the body, and its runs, find their places free.
        assert run(bodies)["state"] == "finished"
        assert clients[LEADER].status().runs
    deadline = time.monotonic() + WITHIN_S
    while True:
        with observers(bodies, (LEADER,)) as clients, suppress(PolicyRefusal):
            next(clients[LEADER].watch())
            break
        assert time.monotonic() < deadline, "the places were not given back"


def test_looking_on_again_and_again_does_not_fill_the_log(
    bodies: Bodies, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observer_service, "LOOKS_A_MINUTE", 3)
    run_id = run(bodies)["run_id"]
    wait_until_idle(nodes)
    with observers(bodies, (LEADER,)) as clients:
        for _ in range(3):
            assert clients[LEADER].timeline(run_id)
        for attempt in (lambda: clients[LEADER].timeline(run_id), lambda: next(clients[LEADER].watch())):
            with pytest.raises(PolicyRefusal, match="too many calls"):
                attempt()
        assert clients[LEADER].status().runs


def test_who_does_not_read_holds_up_neither_run_nor_stop(bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log.Watcher.__init__, "__defaults__", (4,))
    with serving(bodies) as nodes, observers(bodies, (LEADER,)) as clients:
        watch = clients[LEADER].watch()
        next(watch)
        record = run(bodies)
        wait_until_idle(nodes)
        # Nothing has been read meanwhile but what gRPC itself buffers.
        (whole,) = (client.timeline(record["run_id"]) for client in clients.values())
        told, deadline = 0, time.monotonic() + WITHIN_S
        while told < len(whole):
            assert time.monotonic() < deadline, f"{told} of {len(whole)} events are neither told nor counted"
            event = next(watch)
            told += event.missed + bool(event.run_id)
        assert told == len(whole)
        stops_at_once(nodes[LEADER], monkeypatch)


# Keeping and collecting


def test_a_timeline_goes_with_its_record_and_stays_as_long(bodies: Bodies, nodes: Nodes) -> None:
    run_id = run(bodies)["run_id"]
    wait_until_idle(nodes)
    context = nodes[LEADER].context
    record = context.store.record(run_id)
    assert record is not None
    last = {part: datetime.date.fromisoformat(day) for part, day in record["keep_until"].items()}
    day = datetime.timedelta(days=1)
    purge(context.store, context.audit, last["result"] + day)
    assert not context.store.has(run_id, "result")
    assert context.store.timeline(run_id)
    purge(context.store, context.audit, last["record"] + day)
    folder = bodies.nodes[LEADER].folder / "state" / "runs" / run_id
    assert list(folder.iterdir()) == []
    with observers(bodies, (LEADER,)) as clients, pytest.raises(UsageError, match="no timeline"):
        clients[LEADER].timeline(run_id)


@pytest.mark.parametrize("run_id", ["0" * 32, "x", "../../x", ""])
def test_a_run_that_the_node_does_not_know_has_no_timeline(bodies: Bodies, run_id: str) -> None:
    with serving(bodies, (LEADER,)), observers(bodies, (LEADER,)) as clients, pytest.raises(UsageError) as raised:
        clients[LEADER].timeline(run_id)
    assert raised.value.hint


def test_a_damaged_timeline_is_told(bodies: Bodies, nodes: Nodes) -> None:
    run_id = run(bodies)["run_id"]
    wait_until_idle(nodes)
    path = bodies.nodes[LEADER].folder / "state" / "runs" / run_id / "timeline.jsonl"
    for damage in ("{", "3\n", '{"bsn":"999990019"}\n', path.read_text()[:-20]):
        path.write_text(damage)
        with observers(bodies, (LEADER,)) as clients, pytest.raises(UsageError, match="cannot be read"):
            clients[LEADER].timeline(run_id)
    with observers(bodies) as clients:
        assert Missing(LEADER, "timeline", "unknown") in collect(clients, run_id).missing


def test_what_a_dossier_lacks_is_named(bodies: Bodies, tmp_path: Path) -> None:
    with serving(bodies) as nodes:
        run_id = run(bodies)["run_id"]
        wait_until_idle(nodes)
        with observers(bodies, DATA_PARTIES) as clients:
            assert collect(clients, run_id).missing == (Missing(LEADER, "record", "not-asked"),)
        (bodies.nodes[DATA_PARTIES[0]].folder / "state" / "runs" / run_id / "timeline.jsonl").unlink()
        write_policy(bodies, observers=[])
        with observers(bodies) as clients:
            refused = collect(clients, run_id)
        assert set(refused.missing) == {
            Missing(LEADER, "record", "refused"),
            Missing(DATA_PARTIES[0], "timeline", "unknown"),
        }
        nodes[DATA_PARTIES[1]].stop()
        with observers(bodies) as clients:
            found = collect(clients, run_id)
        assert Missing(DATA_PARTIES[1], "record", "unreachable") in found.missing
        assert set(found.records) == {DATA_PARTIES[0]}
        found.write(tmp_path / "dossier")
        assert Dossier.read(tmp_path / "dossier") == found
        with observers(bodies) as clients, pytest.raises(UsageError, match="No node has a record"):
            collect(clients, "0" * 32)
