"""Events: a closed set of fields, order and bounds of a run's list, and watchers for whom no run waits."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from typing import Any

import pytest
from support.dossiers import RUN, SCENARIO, a_timeline

from psi_match.node.event_log import MOST_EVENTS, EventList, EventLog, MessageTap, Watcher, condensed
from psi_match.node.events import EVENT_FIELDS, NodeEvent
from psi_match.protocols.join_session import COMPARE_STAGE
from psi_match.wire.frames import STEPS
from psi_match.wire.v1 import observer_pb2
from psi_match.wire.v1 import peer_pb2 as pb

LONG_AGO = 0.0


def message(step: str = "oprf-rows", peer: str = "uwv", size: int = 100, *, outgoing: bool = True) -> NodeEvent:
    return NodeEvent(RUN, SCENARIO, 1.0, "message", peer=peer, outgoing=outgoing, step=step, frame_bytes=size)


def stage(name: str) -> NodeEvent:
    return NodeEvent(RUN, SCENARIO, 1.0, "stage", stage=name)


# What an event may say


def test_an_event_has_these_fields_and_no_other() -> None:
    # A field more is a decision about what observers see: it belongs in the threat model too.
    assert set(EVENT_FIELDS) == {
        "run_id",
        "scenario",
        "at",
        "kind",
        "peer",
        "outgoing",
        "step",
        "frame_bytes",
        "stage",
        "state",
        "role",
        "frames",
        "missed",
    }
    assert [field.name for field in observer_pb2.Event.DESCRIPTOR.fields] == list(EVENT_FIELDS)


def test_every_step_of_the_wire_can_stand_in_an_event() -> None:
    contents = [field.name for field in pb.SessionMessage.DESCRIPTOR.fields]
    for step in (*STEPS, *contents, "unknown"):
        event = message(step)
        assert NodeEvent.from_dict(json.loads(json.dumps(event.as_dict()))) == event
        assert NodeEvent.from_message(event.to_message()) == event
    for name in (COMPARE_STAGE, "row-circuit/gemeente-a"):
        assert NodeEvent.from_message(stage(name).to_message()) == stage(name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("run_id", "ab" * 15),
        ("run_id", "999990019"),
        ("scenario", "Betaling"),
        ("kind", "result"),
        ("kind", ["message"]),
        ("peer", "999990019"),
        ("peer", "uwv 999990019"),
        ("step", "oprf 1"),
        ("step", "x" * 41),
        ("step", 7),
        ("stage", "join/uwv/12"),
        ("stage", "join/999990019"),
        ("state", "running"),
        ("state", ["finished"]),
        ("role", "boss"),
        ("at", -1.0),
        ("at", float("nan")),
        ("at", "1"),
        ("at", True),
        ("outgoing", 1),
        ("frame_bytes", -1),
        ("frame_bytes", 1.5),
        ("frames", 2**53 + 1),
        ("missed", None),
        ("rows", 3),
    ],
)
def test_what_is_no_event_is_refused_without_telling_it(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match="event") as raised:
        NodeEvent.from_dict(message().as_dict() | {field: value})
    assert "999990019" not in str(raised.value)


def test_an_event_of_a_kind_to_come_is_refused() -> None:
    strange = message().to_message()
    strange.kind = 99
    with pytest.raises(ValueError, match="kind"):
        NodeEvent.from_message(strange)
    with pytest.raises(ValueError, match="fields"):
        NodeEvent.from_dict({"run_id": RUN})


# The events of a run


def test_a_run_has_a_beginning_messages_stages_and_an_end() -> None:
    events = a_timeline("uwv", "leader")
    kinds = [event.kind for event in events]
    assert kinds == ["run-began", "message", "message", "message", "message", "stage", "run-ended"]
    assert {event.run_id for event in events} == {RUN}
    assert [(event.role, event.state) for event in (events[0], events[-1])] == [("leader", ""), ("leader", "finished")]
    moments = [event.at for event in events]
    assert moments == sorted(moments)
    assert abs(moments[-1] - time.time()) < 5


def test_a_run_that_a_peer_opened_begins_with_the_first_message() -> None:
    tap = MessageTap()
    tap.tell(False, "hello", 284)
    first = tap.first_at
    assert first is not None
    time.sleep(0.02)
    log = EventLog()
    run = log.begin(RUN, SCENARIO, "data party", first)
    tap.report_to(run.reporter("cjib"))
    tap.tell(True, "acceptance", 194)
    assert tap.first_at is None
    began, hello, acceptance, _ = log.end(run, "failed")
    assert (hello.step, hello.frame_bytes, hello.outgoing, hello.peer) == ("hello", 284, False, "cjib")
    assert began.at == hello.at
    assert 0.018 <= acceptance.at - hello.at < 5
    tap.tell(True, "concluded", 2)
    assert len(run.list.events()) == 4, "what is told after the end is left out"


def test_messages_of_a_long_run_are_taken_together() -> None:
    events = EventList(3)
    for event in (message("hello"), message(), message(size=1)):
        events.add(event)
    for _ in range(5):
        events.add(message(size=10))
        events.add(message(peer="svb", size=20))
        events.add(message(outgoing=False, size=30))
    events.add(stage("finish"))
    events.add(message(size=7))
    events.add(message(size=7))
    found = [(e.kind, e.peer, e.outgoing, e.frames, e.frame_bytes) for e in events.events()]
    assert found == [
        ("message", "uwv", True, 1, 100),
        ("message", "uwv", True, 1, 100),
        ("message", "uwv", True, 1, 1),
        ("message", "uwv", True, 5, 50),
        ("message", "svb", True, 5, 100),
        ("message", "uwv", False, 5, 150),
        ("stage", "", False, 1, 0),
        ("message", "uwv", True, 2, 14),
    ]


def test_the_memory_of_a_run_is_bounded() -> None:
    log = EventLog()
    run = log.begin(RUN, SCENARIO, "leader")
    tell = run.reporter("uwv")
    for number in range(MOST_EVENTS + 5_000):
        tell(LONG_AGO, number % 2 == 0, "and-level", 8)
    events = log.end(run, "finished")
    assert MOST_EVENTS <= len(events) <= MOST_EVENTS + 3
    assert sum(event.frames for event in events if event.kind == "message") == MOST_EVENTS + 5_000
    assert sum(event.frame_bytes for event in events) == 8 * (MOST_EVENTS + 5_000)


# Who looks on


def take(watcher: Watcher) -> NodeEvent:
    event = watcher.take(until=time.monotonic() + 5)
    assert event is not None
    return event


def test_a_watcher_is_told_of_the_live_runs_first_and_then_follows() -> None:
    log = EventLog()
    run = log.begin(RUN, SCENARIO, "leader")
    other = log.begin("cd" * 16, SCENARIO, "data party")
    tell = run.reporter("uwv")
    for _ in range(40):
        tell(LONG_AGO, True, "oprf-rows", 10)
    log.end(other, "finished")
    watcher = log.watch()
    tell(LONG_AGO, False, "psi-values", 5)
    run.stage("finish")
    log.end(run, "failed")
    found = [take(watcher) for _ in range(5)]
    assert [event.kind for event in found] == ["run-began", "message", "message", "stage", "run-ended"]
    assert [(event.frames, event.frame_bytes) for event in found[1:3]] == [(40, 400), (1, 5)]
    assert watcher.take(until=time.monotonic()) is None
    log.leave(watcher)
    assert watcher.has_ended


def test_who_reads_slowly_loses_events_and_is_told_how_many() -> None:
    watcher = Watcher(most=3)
    for _ in range(10):
        watcher.offer(message())
    assert watcher.lost() == 0, "not before what came earlier has been taken"
    assert [take(watcher).missed for _ in range(3)] == [0, 0, 0]
    assert watcher.lost() == 7
    assert watcher.lost() == 0
    for _ in range(5):
        watcher.offer(message())
    taken = take(watcher)
    watcher.offer(message("ready"))
    assert (taken.missed, [(take(watcher).step, 0)]) == (0, [("oprf-rows", 0)])
    assert [take(watcher).missed, take(watcher).missed] == [0, 2]


def test_no_run_waits_for_a_watcher() -> None:
    log = EventLog()
    watchers = [log.watch() for _ in range(8)]
    run = log.begin(RUN, SCENARIO, "leader")
    tell = run.reporter("uwv")
    began = time.monotonic()
    for _ in range(10_000):
        tell(LONG_AGO, True, "and-level", 8)
    # Eight who do not read, on a machine that has other things to do: still far below what a message costs to send.
    assert (time.monotonic() - began) / 10_000 < 0.001
    for watcher in watchers:
        log.leave(watcher)


def test_a_watcher_that_waits_is_woken_by_the_end() -> None:
    log = EventLog()
    watcher = log.watch()
    found: list[NodeEvent | None] = []
    waiting = threading.Thread(target=lambda: found.append(watcher.take(until=time.monotonic() + 30)))
    waiting.start()
    log.close()
    waiting.join(5)
    assert not waiting.is_alive()
    assert found == [None]
    assert log.watch().has_ended, "nobody watches a node that has stopped"


def test_condensing_loses_no_byte() -> None:
    events = [message(size=size, outgoing=size % 2 == 0) for size in range(50)]
    short = condensed([*events, stage("finish"), *events])
    assert len(short) == 5
    assert sum(event.frame_bytes for event in short) == 2 * sum(range(50))
    assert sum(event.frames for event in short if event.kind == "message") == 100
    assert all(dataclasses.replace(event, missed=0) == event for event in short)
