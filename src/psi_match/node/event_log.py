"""The events of a node's live runs, and who looks on.

Links, stages and records tell what happens; the protocol knows nothing of it. Events of a run are kept until its end
and then written beside its record. Whoever watches has a queue of bounded length: one who reads too slowly loses
events and is told how many, and a run never waits for anyone.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from psi_match.node.events import MESSAGE, RUN_BEGAN, RUN_ENDED, STAGE, NodeEvent

MOST_EVENTS = 20_000
"""Events of one run that are kept one by one. Beyond this, messages of one step, peer and direction within one stage
become one event, so that memory stays bounded: by this number, and that of stages, peers and steps."""
MOMENT_DIGITS = 3
"""Of a second. More would tell more of a machine than anybody needs who looks on."""
MOST_WAITING = 5_000
"""Events that wait for one watcher."""

Report = Callable[[float, bool, str, int], None]
"""Told of each message: monotonic moment, whether it is outgoing, step, serialised bytes."""


def nobody(_at: float, _outgoing: bool, _step: str, _frame_bytes: int) -> None:
    """Take in what a link tells, and tell nobody."""


class MessageTap:
    """Where a link tells of its messages; it holds the first ones until it is known of which run they are.

    A run is known after its first message, and the link's own queue bounds how many can come before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._early: list[tuple[float, bool, str, int]] = []
        self._report: Report | None = None

    def tell(self, outgoing: bool, step: str, frame_bytes: int) -> None:
        """Tell of a message at the moment that it crosses."""
        at = time.monotonic()
        # Held while it is told: messages keep their order.
        with self._lock:
            if self._report is None:
                self._early.append((at, outgoing, step, frame_bytes))
            else:
                self._report(at, outgoing, step, frame_bytes)

    def report_to(self, report: Report) -> None:
        """Tell ``report`` of the messages so far, and of each one from now on."""
        with self._lock:
            for message in self._early:
                report(*message)
            self._early.clear()
            self._report = report

    @property
    def first_at(self) -> float | None:
        """Monotonic moment of the first message, as long as it has not been reported."""
        with self._lock:
            return self._early[0][0] if self._early else None


class EventList:
    """Events of one run in order, of bounded length.

    Args:
        most: how many are kept one by one.
    """

    def __init__(self, most: int = MOST_EVENTS) -> None:
        self._most = most
        self._events: list[NodeEvent] = []
        self._places: dict[tuple[str, bool, str], int] = {}
        """Where the messages of a peer, direction and step go that are taken together in this stage."""

    def add(self, event: NodeEvent) -> None:
        """Add an event; when the list is long, a message joins those of its kind."""
        if event.kind != MESSAGE:
            self._places.clear()
        elif len(self._events) >= self._most:
            place = self._places.setdefault((event.peer, event.outgoing, event.step), len(self._events))
            if place < len(self._events):
                so_far = self._events[place]
                self._events[place] = dataclasses.replace(
                    so_far,
                    frames=so_far.frames + event.frames,
                    frame_bytes=so_far.frame_bytes + event.frame_bytes,
                )
                return
        self._events.append(event)

    def events(self) -> list[NodeEvent]:
        """Return the events so far."""
        return list(self._events)


def condensed(events: Iterable[NodeEvent]) -> list[NodeEvent]:
    """Return events with the messages of each stage taken together per peer, direction and step."""
    short = EventList(0)
    for event in events:
        short.add(event)
    return short.events()


class RunEvents:
    """The events of one live run.

    Args:
        log: the node's.
        run_id: the run.
        scenario: its name.
        role: this node's roles in it.
        began: monotonic moment of its beginning.
    """

    def __init__(self, log: EventLog, run_id: str, scenario: str, role: str, began: float) -> None:
        self.run_id = run_id
        self.list = EventList()
        self._log, self._scenario, self._role = log, scenario, role
        # One look at the clock for the whole run: its moments do not jump when the machine's clock is set.
        self._zero = time.time() - time.monotonic()
        self._latest = began

    def began(self) -> NodeEvent:
        """Return the first event."""
        return self._event(self._latest, RUN_BEGAN, role=self._role)

    def ended(self, state: str) -> NodeEvent:
        """Return the last event."""
        return self._event(time.monotonic(), RUN_ENDED, state=state, role=self._role)

    def reporter(self, peer: str) -> Report:
        """Return what a link to a peer tells of its messages."""

        def report(at: float, outgoing: bool, step: str, frame_bytes: int) -> None:
            self._log.add(
                self,
                lambda: self._event(at, MESSAGE, peer=peer, outgoing=outgoing, step=step, frame_bytes=frame_bytes),
            )

        return report

    def stage(self, name: str) -> None:
        """Note that a part of the run begins."""
        self._log.add(self, lambda: self._event(time.monotonic(), STAGE, stage=name))

    def _event(
        self,
        at: float,
        kind: str,
        *,
        peer: str = "",
        outgoing: bool = False,
        step: str = "",
        frame_bytes: int = 0,
        stage: str = "",
        state: str = "",
        role: str = "",
    ) -> NodeEvent:
        # Threads may come to the log in another order than they looked at the clock.
        self._latest = max(self._latest, at)
        return NodeEvent(
            self.run_id,
            self._scenario,
            round(self._zero + self._latest, MOMENT_DIGITS),
            kind,
            peer,
            outgoing,
            step,
            frame_bytes,
            stage,
            state,
            role,
        )


class Watcher:
    """A bounded queue of events for one who watches.

    Args:
        most: how many wait at most; those beyond are lost, and counted.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._first: deque[NodeEvent] = deque()
        self._events: deque[NodeEvent] = deque()
        self._missed = 0
        self._closed = False

    def begin_with(self, events: Iterable[NodeEvent]) -> None:
        """Put events before all others; they do not count for the bound."""
        with self._changed:
            self._first.extend(events)

    def offer(self, event: NodeEvent) -> None:
        """Queue an event if there is room; never wait."""
        with self._changed:
            if len(self._events) >= self._most:
                self._missed += 1
                return
            if self._missed:
                event = dataclasses.replace(event, missed=self._missed)
                self._missed = 0
            self._events.append(event)
            self._changed.notify_all()

    def take(self, until: float) -> NodeEvent | None:
        """Return the oldest event, waiting for one until a monotonic moment; None if there is none by then."""
        with self._changed:
            while not self._first and not self._events and not self._closed:
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
            if self._first:
                return self._first.popleft()
            return self._events.popleft() if self._events else None

    def lost(self) -> int:
        """Return how many events were lost after the last one that was taken; from then on none were."""
        with self._changed:
            if self._first or self._events:
                return 0
            missed, self._missed = self._missed, 0
            return missed

    def close(self) -> None:
        """Take in nothing more; what is queued can still be taken."""
        with self._changed:
            self._closed = True
            self._most = 0
            self._changed.notify_all()

    @property
    def has_ended(self) -> bool:
        """Whether it is closed and everything has been taken."""
        with self._changed:
            return self._closed and not self._first and not self._events


class EventLog:
    """The events of a node's live runs, and its watchers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: dict[str, RunEvents] = {}
        self._watchers: tuple[Watcher, ...] = ()
        self._closed = False

    def begin(self, run_id: str, scenario: str, role: str, began: float | None = None) -> RunEvents:
        """Note that a run has begun.

        Args:
            run_id: the run.
            scenario: its name.
            role: this node's roles in it.
            began: monotonic moment of its first message, where that came before the run was known.
        """
        run = RunEvents(self, run_id, scenario, role, time.monotonic() if began is None else began)
        with self._lock:
            self._live[run_id] = run
            self._tell(run, run.began())
        return run

    def end(self, run: RunEvents, state: str) -> list[NodeEvent]:
        """Note that a run has ended; return all its events. What is told of it later is left out."""
        with self._lock:
            self._tell(run, run.ended(state))
            del self._live[run.run_id]
        return run.list.events()

    def add(self, run: RunEvents, event: Callable[[], NodeEvent]) -> None:
        """Note an event of a run that is live; it is made here, so that moments are in order."""
        with self._lock:
            if run.run_id in self._live:
                self._tell(run, event())

    def watch(self) -> Watcher:
        """Return a new watcher: it is told of the live runs, their messages so far taken together, and then follows."""
        with self._lock:
            so_far = [run.list.events() for run in self._live.values()]
            watcher = Watcher()
            self._watchers = (*self._watchers, watcher)
            closed = self._closed
        # Outside the lock: no run waits for this. What has been queued meanwhile comes after it.
        watcher.begin_with(event for events in so_far for event in condensed(events))
        if closed:
            watcher.close()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Forget a watcher."""
        with self._lock:
            self._watchers = tuple(other for other in self._watchers if other is not watcher)
        watcher.close()

    def close(self) -> None:
        """End every watch, also those that begin from now on."""
        with self._lock:
            self._closed = True
            watchers = self._watchers
        for watcher in watchers:
            watcher.close()

    def _tell(self, run: RunEvents, event: NodeEvent) -> None:
        run.list.add(event)
        for watcher in self._watchers:
            watcher.offer(event)
