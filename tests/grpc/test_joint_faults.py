"""Whatever fails in a joint run, every other node ends it within the deadline with a typed error, nothing is stored
anywhere, no share leaves too early, and the same nodes serve the next run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from support.joint_nodes import (
    COMPUTING,
    DATA_ONLY,
    END_WITHIN_S,
    LEADER,
    RECIPIENT,
    WITHOUT_DATA,
    JointBodies,
    Wire,
    make_joint_bodies,
    kind_of,
    outcome,
    records,
    serving_jointly,
    wait_idle,
)

from psi_match.base.errors import PsiMatchError
from psi_match.node.server import Node
from psi_match.wire.v1 import peer_pb2 as pb

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
            yield Running(bodies, nodes, wire)


Place = tuple[str, str, str, str]
"""Coordinator, from, to, and what the message is: where and when a fault strikes."""

ON_COORDINATORS_LINKS: list[Place] = [
    (LEADER, LEADER, DATA_ONLY, "proposal"),
    (LEADER, RECIPIENT, LEADER, "acceptance"),
    (LEADER, WITHOUT_DATA, LEADER, "session-commitment"),
    (RECIPIENT, RECIPIENT, COMPUTING, "session-commitments"),
    (LEADER, DATA_ONLY, LEADER, "session-opening"),
    (LEADER, LEADER, RECIPIENT, "session-openings"),
    (LEADER, LEADER, WITHOUT_DATA, "sizes"),
    (RECIPIENT, RECIPIENT, DATA_ONLY, "sizes"),
    (LEADER, LEADER, DATA_ONLY, TERMS),
    (LEADER, LEADER, DATA_ONLY, "oprf-rows"),
    (LEADER, DATA_ONLY, LEADER, "join-store"),
    (WITHOUT_DATA, LEADER, WITHOUT_DATA, "input-shares"),
    (LEADER, LEADER, WITHOUT_DATA, "and-level"),
    (LEADER, LEADER, RECIPIENT, TRANSCRIPT),
    (RECIPIENT, DATA_ONLY, RECIPIENT, TRANSCRIPT),
    (LEADER, LEADER, COMPUTING, READY),
    (LEADER, LEADER, RECIPIENT, OPENED),
    (RECIPIENT, WITHOUT_DATA, RECIPIENT, OPENED),
    (LEADER, RECIPIENT, LEADER, "done"),
    (RECIPIENT, DATA_ONLY, RECIPIENT, "done"),
]
ON_LATERAL_LINKS: list[Place] = [
    (LEADER, COMPUTING, RECIPIENT, "attachment"),
    (DATA_ONLY, LEADER, WITHOUT_DATA, "attachment"),
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


@pytest.mark.parametrize("place", PLACES, ids=_named)
def test_a_lost_connection_ends_the_run_everywhere(running: Running, place: Place) -> None:
    coordinator, frm, to, _ = place

    def cut(_message: bytes) -> list[bytes]:
        running.wire.cut(frm, to)
        return []

    running.wire.calm()
    running.wire.meddle = at(place, cut)
    running.attempt(coordinator).failed_everywhere(_named(place))
    running.serves_the_next_run()


CHANGES: dict[str, Callable[[bytes], list[bytes]]] = {
    "lost": lambda _message: [],
    "duplicated": lambda message: [message, message],
    "truncated": lambda message: [message[:-3]],
    "shorter": lambda message: _altered(message, lambda payload: payload[:-1]),
    "changed": lambda message: _altered(message, lambda payload: bytes([payload[0] ^ 1]) + payload[1:]),
}


@pytest.mark.parametrize("place", PLACES, ids=_named)
def test_a_meddled_message_ends_the_run_everywhere(running: Running, place: Place) -> None:
    for name, change in CHANGES.items():
        if place in LAST_OF_THEIR_DIRECTION and name == "duplicated":
            continue  # nobody waits for what comes after it
        if place not in FRAMES and name in {"shorter", "changed"}:
            continue  # only frames have a payload
        if place[3] == OPENED and name == "changed":
            continue  # the transcripts have been compared by then; TLS alone protects this one
        running.wire.calm()
        running.wire.meddle = at(place, change)
        running.attempt(place[0]).failed_everywhere(f"{name}: {_named(place)}")
    running.serves_the_next_run()


# What travels is compared before anything is opened.


CHANGED_PAYLOADS: list[tuple[str, Place]] = [
    ("signaal", (LEADER, LEADER, DATA_ONLY, "oprf-rows")),
    ("signaal", (LEADER, DATA_ONLY, LEADER, "join-store")),
    ("signaal", (LEADER, DATA_ONLY, WITHOUT_DATA, "random-seeds")),
    ("signaal", (RECIPIENT, LEADER, WITHOUT_DATA, "input-shares")),
    ("signaal", (LEADER, WITHOUT_DATA, COMPUTING, "and-level")),
    ("signaal", (LEADER, LEADER, WITHOUT_DATA, "permutation-factor")),
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
    (LEADER, DATA_ONLY, LEADER, "session-opening"),
    (LEADER, COMPUTING, RECIPIENT, "attachment"),
    (RECIPIENT, WITHOUT_DATA, COMPUTING, "and-level"),
    (LEADER, WITHOUT_DATA, RECIPIENT, OPENED),
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
    (LEADER, WITHOUT_DATA, "and-level"),
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


# Nodes that die or stop: processes of their own.

VICTIMS = [
    (DATA_ONLY, DATA_ONLY, "session-commitment"),
    (LEADER, COMPUTING, "join-store"),
    (LEADER, WITHOUT_DATA, "permutation-second"),
    (WITHOUT_DATA, LEADER, "oprf-rows"),
    (LEADER, RECIPIENT, "done"),
    (RECIPIENT, RECIPIENT, TERMS),
]
