"""Whatever fails in a joint run, every other node ends it within the deadline with a typed error, nothing is stored
anywhere, no share leaves too early, and the same nodes serve the next run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from support.joint_nodes import (
    COMPUTE,
    COMPUTING,
    DATA_ONLY,
    END_WITHIN_S,
    LEADER,
    RECIPIENT,
    SILENCE_S,
    WITHOUT_DATA,
    JointBodies,
    Wire,
    kind_of,
    make_joint_bodies,
    outcome,
    records,
    rerouted,
    serving_jointly,
    wait_idle,
)
from support.proxy import Proxy

from psi_match.base.errors import PsiMatchError
from psi_match.governance.decision import run_digest
from psi_match.node import outgoing_stream
from psi_match.node.channels import open_channel
from psi_match.node.link import _QUEUED_MESSAGES, Link, LinkTimes
from psi_match.node.local_nodes import LocalNode
from psi_match.node.outgoing_stream import SESSION_METHOD
from psi_match.node.server import Node
from psi_match.protocols import session_id
from psi_match.wire.v1 import peer_pb2 as pb

pytestmark = pytest.mark.timeout(900)

SCENARIO = "signaal"
OPENED, READY, TRANSCRIPT, TERMS = "opened-shares", "ready", "transcript", "session-terms"


class Running:
    """Five nodes that serve, and the wire between them."""

    def __init__(self, bodies: JointBodies, nodes: dict[str, Node], wire: Wire) -> None:
        self.bodies, self.nodes, self.wire = bodies, nodes, wire

    def attempt(self, coordinator: str = LEADER, scenario: str = SCENARIO) -> Outcome:
        """Run once; return what became of it, when all nodes are idle again."""
        results = len(self.bodies.results())
        known = {record["run_id"] for node in self.nodes.values() for record in records(node)}
        began = time.monotonic()
        told = outcome(self.bodies, scenario, coordinator)
        answered = time.monotonic() - began
        wait_idle(self.nodes)
        written = {
            party: record
            for party, node in self.nodes.items()
            for record in records(node)
            if record["run_id"] not in known
        }
        return Outcome(told, written, len(self.bodies.results()) - results, answered)

    def serves_the_next_run(self) -> None:
        self.wire.calm()
        after = self.attempt()
        assert isinstance(after.told, dict), after.told
        assert after.results == 1


class Outcome:
    """What became of a run: the operator's answer, every node's record, new result files, seconds to the answer."""

    def __init__(self, told: object, written: dict[str, dict], results: int, answered: float) -> None:
        self.told, self.written, self.results, self.answered = told, written, results, answered

    def failed_everywhere(self, why: str = "") -> PsiMatchError:
        """Check what must hold after every failed run; return the operator's error."""
        assert isinstance(self.told, PsiMatchError), f"{why}: the run succeeded"
        assert self.answered < END_WITHIN_S, f"{why}: answered after {self.answered:.1f} s"
        assert type(self.told) is not PsiMatchError, why
        assert self.told.peer or self.told.step, f"{why}: {self.told}"
        for party, record in self.written.items():
            assert record["state"] == "failed", f"{why}: {party} is content"
            assert record["result_rows"] is None
            assert "(peer " in record["error"] or "(step " in record["error"], f"{why}: {party}: {record['error']}"
            assert "defect" not in record["error"], f"{why}: {party}: {record['error']}"
        assert self.results == 0, f"{why}: a result was stored"
        return self.told


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        wire = Wire(monkeypatch)
        bodies = make_joint_bodies(tmp_path_factory.mktemp("joint"))
        with serving_jointly(bodies) as nodes:
            five = Running(bodies, dict(nodes), wire)
            yield five
            # Some were replaced.
            for node in five.nodes.values():
                node.stop()


Place = tuple[str, str, str, str]
"""Coordinator, from, to, and what the message is: where and when a fault strikes."""

ON_COORDINATORS_LINKS: list[Place] = [
    (LEADER, LEADER, DATA_ONLY, "proposal"),
    (LEADER, RECIPIENT, LEADER, "acceptance"),
    (LEADER, WITHOUT_DATA, LEADER, "session-commitment"),
    (LEADER, DATA_ONLY, LEADER, "session-opening"),
    (LEADER, LEADER, RECIPIENT, "session-openings"),
    (RECIPIENT, RECIPIENT, DATA_ONLY, "sizes"),
    (LEADER, LEADER, DATA_ONLY, TERMS),
    (LEADER, LEADER, DATA_ONLY, "oprf-rows"),
    (WITHOUT_DATA, LEADER, WITHOUT_DATA, "input-shares"),
    (LEADER, LEADER, WITHOUT_DATA, "and-level"),
    (LEADER, LEADER, RECIPIENT, TRANSCRIPT),
    (RECIPIENT, DATA_ONLY, RECIPIENT, TRANSCRIPT),
    (LEADER, LEADER, RECIPIENT, OPENED),
    (RECIPIENT, WITHOUT_DATA, RECIPIENT, OPENED),
    (RECIPIENT, DATA_ONLY, RECIPIENT, "done"),
]
ON_LATERAL_LINKS: list[Place] = [
    (LEADER, COMPUTING, RECIPIENT, "attachment"),
    (LEADER, WITHOUT_DATA, DATA_ONLY, TERMS),
    (LEADER, COMPUTING, WITHOUT_DATA, "pair-key"),
    (LEADER, DATA_ONLY, WITHOUT_DATA, "random-seeds"),
    (RECIPIENT, LEADER, DATA_ONLY, "oprf-rows"),
    (WITHOUT_DATA, DATA_ONLY, LEADER, "join-store"),
    (LEADER, WITHOUT_DATA, COMPUTING, "and-level"),
    (LEADER, COMPUTING, WITHOUT_DATA, "permutation-second"),
    (LEADER, DATA_ONLY, WITHOUT_DATA, TRANSCRIPT),
    (LEADER, WITHOUT_DATA, COMPUTING, READY),
    (LEADER, WITHOUT_DATA, RECIPIENT, OPENED),
]
PLACES = ON_COORDINATORS_LINKS + ON_LATERAL_LINKS
LAST_OF_THEIR_DIRECTION = [place for place in PLACES if place[3] in {"done", OPENED}] + [
    (LEADER, DATA_ONLY, WITHOUT_DATA, TRANSCRIPT),
    (LEADER, WITHOUT_DATA, COMPUTING, READY),
]
FRAMES = [place for place in PLACES if place[3] not in {"proposal", "acceptance", "sizes", "attachment", "done"}]


def _named(place: Place) -> str:
    coordinator, frm, to, kind = place
    return f"{kind} from {frm} to {to}, started by {coordinator}"


def at(place: Place, strike: Callable[[bytes], list[bytes]]) -> Callable[[str, str, str, bytes], list[bytes]]:
    """Strike once, at the first message of a kind from one party to another."""
    struck = threading.Event()

    def meddle(frm: str, to: str, kind: str, message: bytes) -> list[bytes]:
        if (frm, to, kind) != place[1:] or struck.is_set():
            return [message]
        struck.set()
        return strike(message)

    return meddle


def _altered(message: bytes, payload: Callable[[bytes], bytes]) -> list[bytes]:
    parsed = pb.SessionMessage.FromString(message)
    parsed.frame.payload = payload(parsed.frame.payload)
    return [parsed.SerializeToString()]


CHANGES: dict[str, Callable[[bytes], list[bytes]]] = {
    "lost": lambda _message: [],
    "duplicated": lambda message: [message, message],
    "truncated": lambda message: [message[:-3]],
    "shorter": lambda message: _altered(message, lambda payload: payload[:-1]),
    "changed": lambda message: _altered(message, lambda payload: bytes([payload[0] ^ 1]) + payload[1:]),
}


def _strikes(place: Place) -> list[str]:
    """What is done to the message at one place: in turn, so that over all places each meets every kind of moment."""
    names = list(CHANGES)
    if place not in FRAMES:
        names = ["lost", "duplicated", "truncated"]  # only frames have a payload
    if place[3] == OPENED:
        names.remove("changed")  # the transcripts have been compared by then; TLS alone protects this one
    if place in LAST_OF_THEIR_DIRECTION:
        names.remove("duplicated")  # nobody waits for what comes after it
    turn = PLACES.index(place)
    return [names[turn % len(names)], names[(turn + 1) % len(names)]]


@pytest.mark.parametrize("place", PLACES, ids=_named)
def test_a_lost_connection_or_a_meddled_message_ends_the_run_everywhere(running: Running, place: Place) -> None:
    def cut(_message: bytes) -> list[bytes]:
        running.wire.cut(place[1], place[2])
        return []

    for name, strike in [("connection lost", cut), *((name, CHANGES[name]) for name in _strikes(place))]:
        running.wire.calm()
        running.wire.meddle = at(place, strike)
        running.attempt(place[0]).failed_everywhere(f"{name}: {_named(place)}")
    running.serves_the_next_run()


# What travels is compared before anything is opened.


CHANGED_PAYLOADS: list[tuple[str, Place]] = [
    ("signaal", (LEADER, LEADER, DATA_ONLY, "oprf-rows")),
    ("signaal", (LEADER, DATA_ONLY, WITHOUT_DATA, "random-seeds")),
    ("signaal", (RECIPIENT, LEADER, WITHOUT_DATA, "input-shares")),
    ("signaal", (LEADER, WITHOUT_DATA, COMPUTING, "and-level")),
    # Between two parties of which neither computes: those who hold shares must hear of it all the same.
    ("buitenstaanders", (WITHOUT_DATA, LEADER, DATA_ONLY, "oprf-rows")),
    ("buitenstaanders", (DATA_ONLY, DATA_ONLY, LEADER, "join-store")),
]


@pytest.mark.parametrize(
    ("scenario", "place"), CHANGED_PAYLOADS, ids=[f"{s}: {_named(place)}" for s, place in CHANGED_PAYLOADS]
)
def test_a_changed_payload_is_found_before_any_share_leaves(running: Running, scenario: str, place: Place) -> None:
    change = at(place, CHANGES["changed"])

    def changed_and_slow(frm: str, to: str, kind: str, message: bytes) -> list[bytes]:
        if kind == TRANSCRIPT and {frm, to} == set(place[1:3]):
            time.sleep(0.4)  # the two ends that differ find out last
        return change(frm, to, kind, message)

    running.wire.calm()
    running.wire.meddle = changed_and_slow
    running.attempt(place[0], scenario).failed_everywhere()
    assert TRANSCRIPT in running.wire.kinds_sent()
    assert OPENED not in running.wire.kinds_sent()
    running.serves_the_next_run()


def test_a_frame_that_overtakes_another_ends_the_run_everywhere(running: Running) -> None:
    for frm, to in ((LEADER, WITHOUT_DATA), (WITHOUT_DATA, COMPUTING)):
        held: list[bytes] = []

        def swap(
            sender: str, receiver: str, kind: str, message: bytes, held: list[bytes] = held, way: object = (frm, to)
        ) -> list[bytes]:
            if (sender, receiver) != way or kind not in {"session-terms", "and-level", "pair-key"} or len(held) == 2:
                return [message]
            held.append(message)
            return held[::-1] if len(held) == 2 else []

        running.wire.calm()
        running.wire.meddle = swap
        running.attempt().failed_everywhere(f"from {frm} to {to}")
    running.serves_the_next_run()


# Silence: nothing comes any more, not even a heartbeat, and no connection is lost.

SILENT_WAYS: list[Place] = [
    (LEADER, LEADER, DATA_ONLY, "proposal"),
    (LEADER, COMPUTING, RECIPIENT, "attachment"),
    (RECIPIENT, WITHOUT_DATA, COMPUTING, "and-level"),
    (LEADER, RECIPIENT, LEADER, "done"),
]


@pytest.mark.parametrize("place", SILENT_WAYS, ids=_named)
def test_a_link_that_falls_silent_ends_the_run_everywhere(running: Running, place: Place) -> None:
    silent = threading.Event()

    def swallow(frm: str, to: str, kind: str, message: bytes) -> list[bytes]:
        if (frm, to, kind) == place[1:]:
            silent.set()
        return [] if silent.is_set() and (frm, to) == place[1:3] else [message]

    running.wire.calm()
    running.wire.meddle = swallow
    running.attempt(place[0]).failed_everywhere()
    assert silent.is_set()
    running.serves_the_next_run()


SILENT_NODES = [
    (LEADER, DATA_ONLY, "acceptance"),
    (DATA_ONLY, LEADER, "oprf-rows"),
    (WITHOUT_DATA, RECIPIENT, TRANSCRIPT),
    (COMPUTING, COMPUTING, "and-level"),
]


@pytest.mark.parametrize(("coordinator", "victim", "kind"), SILENT_NODES)
def test_a_node_that_falls_silent_ends_the_run_everywhere(
    running: Running, coordinator: str, victim: str, kind: str
) -> None:
    silent = threading.Event()

    def swallow(frm: str, to: str, what: str, message: bytes) -> list[bytes]:
        if (frm, what) == (victim, kind):
            silent.set()
        return [] if silent.is_set() and victim in {frm, to} else [message]

    running.wire.calm()
    running.wire.meddle = swallow
    running.attempt(coordinator).failed_everywhere()
    running.serves_the_next_run()


def test_a_flood_ends_the_run_everywhere(running: Running) -> None:
    running.wire.calm()
    # More than a mailbox holds: the reader of the stream waits for room while its node waits for somebody else.
    running.wire.meddle = at((LEADER, DATA_ONLY, WITHOUT_DATA, TERMS), lambda message: [message] * 40)
    running.attempt().failed_everywhere()
    running.serves_the_next_run()


# Nodes that die or stop: a process of its own takes the victim's place.

VICTIMS: list[tuple[str, str, str]] = [
    (LEADER, DATA_ONLY, "session-commitment"),
    (LEADER, COMPUTING, "join-store"),
    (WITHOUT_DATA, LEADER, "oprf-rows"),
    (RECIPIENT, RECIPIENT, TERMS),
]


@contextmanager
def as_a_process(running: Running, party: str) -> Iterator[LocalNode]:
    """Stop a node of this process and let one of its own take its place; afterwards the other way round."""
    running.nodes.pop(party).stop()
    local = running.bodies.nodes[party]
    local.start()
    try:
        local.wait_ready()
        yield local
    finally:
        local.stop()
        running.wire.calm()
        running.nodes[party] = Node(running.bodies.configs[party])


def on_arrival(frm: str, kind: str, strike: Callable[[], None]) -> Callable[[str, str, str, bytes], list[bytes]]:
    """Strike once, when the first message of a kind from one party arrives anywhere; that message is lost."""
    struck = threading.Event()

    def meddle(sender: str, _to: str, what: str, message: bytes) -> list[bytes]:
        if (sender, what) != (frm, kind) or struck.is_set():
            return [message]
        struck.set()
        strike()
        return []

    return meddle


@pytest.mark.parametrize(("coordinator", "victim", "kind"), VICTIMS)
def test_a_node_that_is_killed_ends_the_run_everywhere(
    running: Running, coordinator: str, victim: str, kind: str
) -> None:
    running.wire.calm()
    with as_a_process(running, victim) as local:

        def kill() -> None:
            assert local.process is not None
            local.process.kill()
            local.process.wait()

        running.wire.meddle = on_arrival(victim, kind, kill)
        running.attempt(coordinator).failed_everywhere()
    running.serves_the_next_run()


def test_a_node_that_is_told_to_stop_ends_the_run_everywhere(running: Running) -> None:
    running.wire.calm()
    with as_a_process(running, WITHOUT_DATA) as local:

        def terminate() -> None:
            assert local.process is not None
            local.process.terminate()
            # The next heartbeat would tell that this message is missing, and that may come before the node stops.
            local.process.wait(END_WITHIN_S)

        running.wire.meddle = on_arrival(WITHOUT_DATA, "and-level", terminate)
        error = running.attempt().failed_everywhere()
        assert error.peer in {WITHOUT_DATA, COMPUTING}
        assert local.process is not None
        assert local.process.wait(END_WITHIN_S) == 0
    running.serves_the_next_run()


def test_a_node_in_this_process_that_stops_ends_the_run_everywhere(running: Running) -> None:
    running.wire.calm()
    stopping = []

    def stop() -> None:
        stopping.append(threading.Thread(target=running.nodes[DATA_ONLY].stop))
        stopping[0].start()

    running.wire.meddle = on_arrival(DATA_ONLY, "random-seeds", stop)
    running.attempt().failed_everywhere()
    stopping[0].join()
    running.nodes[DATA_ONLY] = Node(running.bodies.configs[DATA_ONLY])
    running.serves_the_next_run()


# Connections through a proxy of their own, where silence is a black hole: not even the end of a stream comes through.


def _proxy(running: Running, dialling: str, target: str) -> Proxy:
    bodies = running.bodies
    return Proxy(bodies.nodes[target].address, bodies.node_credentials(target), bodies.node_credentials(dialling))


def test_several_black_holes_take_no_longer_than_one(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    # So long that three of them, one after the other, cannot be taken for a machine that is busy.
    end_wait_s = 10.0
    monkeypatch.setattr(outgoing_stream, "_END_WAIT_S", end_wait_s)
    running.wire.calm()
    filled = threading.Event()

    def black_hole(_way: str, number: int, message: bytes) -> list[bytes]:
        if number > 5:
            filled.wait(END_WITHIN_S)
        return [message]

    with (
        _proxy(running, LEADER, DATA_ONLY) as one,
        _proxy(running, LEADER, RECIPIENT) as other,
        _proxy(running, LEADER, WITHOUT_DATA) as third,
        rerouted(running.nodes[LEADER], DATA_ONLY, one.address),
        rerouted(running.nodes[LEADER], RECIPIENT, other.address),
        rerouted(running.nodes[LEADER], WITHOUT_DATA, third.address),
    ):
        one.meddle = other.meddle = third.meddle = black_hole
        try:
            became = running.attempt()
        finally:
            filled.set()
    became.failed_everywhere()
    assert became.answered < SILENCE_S + 2 * end_wait_s
    running.serves_the_next_run()


def test_a_lateral_connection_that_breaks_ends_the_run_everywhere(running: Running) -> None:
    running.wire.calm()
    with _proxy(running, COMPUTING, WITHOUT_DATA) as proxy:

        def cut(_way: str, _number: int, message: bytes) -> list[bytes]:
            if kind_of(pb.SessionMessage.FromString(message)) == "and-level":
                threading.Thread(target=proxy._server.stop, args=(0,)).start()
                return []
            return [message]

        proxy.meddle = cut
        with rerouted(running.nodes[COMPUTING], WITHOUT_DATA, proxy.address):
            running.attempt().failed_everywhere()
            # And now nobody answers there at all.
            error = running.attempt().failed_everywhere()
            assert error.peer in {COMPUTING, WITHOUT_DATA}
    running.serves_the_next_run()


# A coordinator that tells parties different things.

SETUP = {"proposal", "acceptance", "countersigned", "sizes", "attachment", TERMS}
SETUP |= {f"session-{kind}" for kind in ("commitment", "commitments", "opening", "openings")}


def _other_sizes(victim: str) -> Callable[[str, str, str, bytes], list[bytes]]:
    def lie(_frm: str, to: str, kind: str, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if kind == "sizes" and to == victim:
            for entry in parsed.sizes.parties:
                if entry.set_size and entry.party != victim:
                    entry.set_size = 384
        return [parsed.SerializeToString()]

    return lie


def _other_openings(running: Running, coordinator: str, victim: str) -> Callable[[str, str, str, bytes], list[bytes]]:
    context = running.nodes[LEADER].context
    scenario = context.catalogue.get(SCENARIO)
    about = run_digest(context.gate.propose(scenario), scenario)
    place, opening = scenario.party_ids.index(coordinator), bytes(range(session_id.OPENING_BYTES))
    instead = {
        "session-commitments": session_id._commitment(about, coordinator, opening),
        "session-openings": opening,
    }

    def lie(_frm: str, to: str, kind: str, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if kind in instead and to == victim:
            own = instead[kind]
            payload = bytearray(parsed.frame.payload)
            payload[place * len(own) : (place + 1) * len(own)] = own
            parsed.frame.payload = bytes(payload)
        return [parsed.SerializeToString()]

    return lie


@pytest.mark.parametrize("lie", ["sizes", "openings"])
@pytest.mark.parametrize(
    ("coordinator", "victim"), [(LEADER, DATA_ONLY), (RECIPIENT, COMPUTING), (DATA_ONLY, WITHOUT_DATA)]
)
def test_a_coordinator_that_equivocates_is_found_before_any_secret_is_sent(
    running: Running, coordinator: str, victim: str, lie: str
) -> None:
    running.wire.calm()
    running.wire.on_send = _other_sizes(victim) if lie == "sizes" else _other_openings(running, coordinator, victim)
    became = running.attempt(coordinator)
    became.failed_everywhere()
    # The recipient has no stream with every party, and may have nothing left to do but compare.
    assert running.wire.kinds_sent() <= SETUP | {TRANSCRIPT}
    assert TERMS in running.wire.kinds_sent()
    assert any(f"step {TERMS})" in record["error"] for record in became.written.values())
    running.serves_the_next_run()


# Shares leave last.


@pytest.mark.parametrize("party", COMPUTE)
def test_no_share_leaves_before_all_compute_parties_are_ready(running: Running, party: str) -> None:
    running.wire.calm()
    reached, release = threading.Event(), threading.Event()

    def hold_back(frm: str, _to: str, kind: str, message: bytes) -> list[bytes]:
        if (frm, kind) == (party, READY):
            reached.set()
            assert release.wait(END_WITHIN_S)
        return [message]

    running.wire.on_send = hold_back
    became: list[Outcome] = []
    thread = threading.Thread(target=lambda: became.append(running.attempt()))
    thread.start()
    assert reached.wait(END_WITHIN_S)
    time.sleep(0.6)
    assert OPENED not in running.wire.kinds_sent()
    assert "done" not in {kind for frm, _, kind in running.wire.sent if frm in COMPUTE}
    release.set()
    thread.join()
    assert isinstance(became[0].told, dict)
    assert OPENED in running.wire.kinds_sent()


def test_a_recipient_that_misses_the_last_word_keeps_nothing(running: Running) -> None:
    running.wire.calm()

    def cut(_message: bytes) -> list[bytes]:
        running.wire.cut(LEADER, RECIPIENT)
        return []

    running.wire.meddle = at((LEADER, LEADER, RECIPIENT, "concluded"), cut)
    became = running.attempt()
    assert isinstance(became.told, dict), "everyone has played to the end: the coordinator has concluded"
    assert became.results == 0
    assert became.written[RECIPIENT]["state"] == "failed"
    assert {became.written[party]["state"] for party in became.written if party != RECIPIENT} == {"finished"}
    running.serves_the_next_run()


def test_a_run_that_fails_leaves_another_one_alone(running: Running) -> None:
    running.wire.calm()
    reached, release = threading.Event(), threading.Event()

    def hold_back(frm: str, _to: str, kind: str, message: bytes) -> list[bytes]:
        if (frm, kind) == (WITHOUT_DATA, READY) and not reached.is_set():
            reached.set()
            assert release.wait(END_WITHIN_S)
        return [message]

    running.wire.on_send = hold_back
    told: list[object] = []
    thread = threading.Thread(target=lambda: told.append(outcome(running.bodies, "beurtelings", LEADER)))
    thread.start()
    assert reached.wait(END_WITHIN_S)

    def cut(_message: bytes) -> list[bytes]:
        running.wire.cut(DATA_ONLY, WITHOUT_DATA)
        return []

    running.wire.meddle = at((RECIPIENT, DATA_ONLY, WITHOUT_DATA, "random-seeds"), cut)
    assert isinstance(outcome(running.bodies, SCENARIO, RECIPIENT), PsiMatchError)
    release.set()
    thread.join()
    assert isinstance(told[0], dict), told[0]
    wait_idle(running.nodes)


def test_a_stream_that_nobody_expects_is_refused_and_the_run_goes_on(running: Running) -> None:
    running.wire.calm()
    reached, release = threading.Event(), threading.Event()

    def hold_back(frm: str, _to: str, kind: str, message: bytes) -> list[bytes]:
        if (frm, kind) == (WITHOUT_DATA, READY):
            reached.set()
            assert release.wait(END_WITHIN_S)
        return [message]

    running.wire.on_send = hold_back
    told: list[object] = []
    thread = threading.Thread(target=lambda: told.append(outcome(running.bodies, SCENARIO)))
    thread.start()
    assert reached.wait(END_WITHIN_S)
    (live,) = running.nodes[DATA_ONLY].context.sessions.live()
    attachment = pb.SessionMessage(attachment=pb.Attachment(run_id=bytes.fromhex(live.run_id)))
    # The recipient has no stream with this party, the compute party has one, the leader is the coordinator.
    for peer in (RECIPIENT, COMPUTING, LEADER):
        credentials = running.bodies.node_credentials(peer)
        with open_channel(running.bodies.nodes[DATA_ONLY].address, DATA_ONLY, credentials) as channel:
            call = channel.stream_stream(SESSION_METHOD)(iter([attachment.SerializeToString()]))
            answers = [pb.SessionMessage.FromString(raw) for raw in call]
        assert answers[-1].abort.reason == pb.ABORT_REASON_REFUSED
        assert "no run that expects this stream" in answers[-1].abort.sentence
    release.set()
    thread.join()
    assert isinstance(told[0], dict), told[0]
    wait_idle(running.nodes)


def test_a_full_mailbox_is_no_silence_of_the_peer() -> None:
    link = Link("peer", LinkTimes(60.0, 1.0, time.monotonic() + 600), is_leader=True)
    message = pb.SessionMessage(done=pb.Done()).SerializeToString()
    count = 30

    def read() -> None:
        for _ in range(count):
            link.feed(message)

    reader = threading.Thread(target=read)
    reader.start()
    deadline = time.monotonic() + END_WITHIN_S
    while not (link._waits_for_room and link._messages_fed > _QUEUED_MESSAGES):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    link._heard_at -= 100.0  # the role was busy elsewhere; the peer's heartbeats would be waiting behind its messages
    for _ in range(count):
        link.check()
        link.receive_message("done")
    link.check()
    reader.join()
    link.close()


def test_no_failed_run_leaves_threads_behind(running: Running) -> None:
    running.serves_the_next_run()
    _wait_for_threads_to_end()
    for place in (ON_COORDINATORS_LINKS[9], ON_LATERAL_LINKS[0], ON_LATERAL_LINKS[7]):
        running.wire.calm()
        running.wire.meddle = at(place, lambda _message: [b"\xff"])
        running.attempt(place[0]).failed_everywhere()
    _wait_for_threads_to_end()


def _wait_for_threads_to_end() -> None:
    """Wait until no thread of a run is left."""
    names = ("heartbeat-", "reader-", "run-with-", "lead", "role")
    deadline = time.monotonic() + END_WITHIN_S
    while left := [thread.name for thread in threading.enumerate() if thread.name.startswith(names)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
