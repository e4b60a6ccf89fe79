"""What the page knows of the nodes at this moment: who serves, and which messages crossed.

Both ends of a message report it. The board counts per end and shows the larger count, so a message whose one end is not
observed is shown too, and none twice.

Reveals:
    To whoever opens the page: names of parties and scenarios, steps, counts of messages and bytes. Nothing else.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from psi_match.node.events import ALIVE, MESSAGE, RUN_BEGAN, RUN_ENDED, STAGE, NodeEvent

SERVING, STOPPED, REFUSED, UNKNOWN = "serving", "stopped", "refused", "unknown"
SILENT_S = 4.0
"""A node says every second that it is there; after so long without a word it is shown as stopped."""
_MOST_RUNS = 20

Flow = tuple[str, str, str]
"""Sender, receiver, step."""


@dataclass(slots=True)
class Tally:
    """Messages of one flow in one run, as each end reported them."""

    sent: int = 0
    sent_bytes: int = 0
    received: int = 0
    received_bytes: int = 0

    @property
    def frames(self) -> int:
        """Messages that at least one end reported."""
        return max(self.sent, self.received)

    @property
    def bytes(self) -> int:
        """Their bytes."""
        return max(self.sent_bytes, self.received_bytes)

    @property
    def seen_by(self) -> str:
        """Who reported: ``both``, ``sender`` or ``receiver``."""
        if self.sent and self.received:
            return "both"
        return "sender" if self.sent else "receiver"


@dataclass(slots=True)
class LiveRun:
    """A run as the events tell it.

    Args:
        run_id: the run.
        scenario: its name.
        states: party to ``running``, ``finished`` or ``failed``.
        stages: party to the part of the run that it is in.
        flows: what crossed, the latest flow last.
    """

    run_id: str
    scenario: str
    states: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    flows: OrderedDict[Flow, Tally] = field(default_factory=OrderedDict)

    @property
    def state(self) -> str:
        """Of the run as a whole: running while any node is in it; failed if it failed at any."""
        if "running" in self.states.values():
            return "running"
        return "failed" if "failed" in self.states.values() else "finished"

    def as_dict(self) -> dict[str, Any]:
        """Return what browsers get of it."""
        parties = sorted(self.states)
        return {"id": self.run_id, "scenario": self.scenario, "state": self.state, "parties": parties} | {
            "stages": dict(self.stages)
        }


class Board:
    """The state of all nodes; filled by watchers' threads, drained by the event loop.

    Args:
        parties: whose nodes are watched.
    """

    def __init__(self, parties: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._states = dict.fromkeys(parties, UNKNOWN)
        self._heard = dict.fromkeys(self._states, 0.0)
        self._runs: OrderedDict[str, LiveRun] = OrderedDict()
        self._last_received: dict[str, Flow] = {}
        self._changed_nodes: set[str] = set()
        self._changed_runs: set[str] = set()
        self._new: OrderedDict[tuple[str, Flow], list[int]] = OrderedDict()

    def note(self, party: str, event: NodeEvent) -> None:
        """Take in an event of a node."""
        with self._lock:
            self._heard[party] = time.monotonic()
            self._set_state(party, SERVING)
            if event.kind == ALIVE:
                return
            if event.kind == RUN_BEGAN:
                self._begin(party, event)
                return
            run = self._run(event)
            if event.kind == MESSAGE:
                self._count(run, party, event)
            elif event.kind == STAGE:
                run.stages[party] = event.stage
                self._changed_runs.add(run.run_id)
            elif event.kind == RUN_ENDED:
                run.states[party] = event.state or "finished"
                run.stages.pop(party, None)
                self._changed_runs.add(run.run_id)

    def lost(self, party: str, state: str = STOPPED) -> None:
        """Note that a node is gone or refuses; its part in live runs is over."""
        with self._lock:
            self._lose(party, state)

    def states(self) -> dict[str, str]:
        """Return the state of each node."""
        with self._lock:
            return dict(self._states)

    def serving(self) -> list[str]:
        """Return the parties whose nodes answer."""
        return [party for party, state in self.states().items() if state == SERVING]

    def run(self, run_id: str) -> LiveRun | None:
        """Return what events told of a run since the page started; do not change it."""
        with self._lock:
            return self._runs.get(run_id)

    def flows(self, run_id: str) -> list[dict[str, Any]]:
        """Return what crossed in a run so far, the latest flow last."""
        with self._lock:
            run = self._runs.get(run_id)
            return [self._arrow(run, flow, [0, 0]) for flow in run.flows] if run else []

    def snapshot(self) -> dict[str, Any]:
        """Return everything a browser needs to begin with."""
        with self._lock:
            self._note_silence()
            newest = next(reversed(self._runs.values()), None)
            flows = [self._arrow(newest, flow, [0, 0]) for flow in newest.flows] if newest else []
            return {
                "nodes": [{"party": party, "state": state} for party, state in self._states.items()],
                "runs": [run.as_dict() for run in self._runs.values()],
                "arrows": flows,
                "received": [{"party": to, "step": step} for to, (_, _, step) in self._last_received.items()],
            }

    def drain(self) -> dict[str, Any] | None:
        """Return what changed since the last call; None if nothing did."""
        with self._lock:
            self._note_silence()
            if not (self._changed_nodes or self._changed_runs or self._new):
                return None
            update = {
                "nodes": [{"party": party, "state": self._states[party]} for party in sorted(self._changed_nodes)],
                "runs": [run.as_dict() for run_id, run in self._runs.items() if run_id in self._changed_runs],
                "arrows": [
                    self._arrow(self._runs[run_id], flow, new)
                    for (run_id, flow), new in self._new.items()
                    if run_id in self._runs
                ],
                "received": [],
            }
            self._changed_nodes.clear()
            self._changed_runs.clear()
            self._new.clear()
            return update

    def _begin(self, party: str, event: NodeEvent) -> None:
        run = self._run(event)
        run.states[party] = "running"
        self._changed_runs.add(run.run_id)
        # A watcher that came back is told the whole run again from here: forget what this end said before.
        for (sender, receiver, _), tally in run.flows.items():
            if sender == party:
                tally.sent = tally.sent_bytes = 0
            if receiver == party:
                tally.received = tally.received_bytes = 0

    def _run(self, event: NodeEvent) -> LiveRun:
        run = self._runs.get(event.run_id)
        if run is None:
            run = self._runs[event.run_id] = LiveRun(event.run_id, event.scenario)
            while len(self._runs) > _MOST_RUNS:
                self._runs.popitem(last=False)
        return run

    def _count(self, run: LiveRun, party: str, event: NodeEvent) -> None:
        flow = (party, event.peer, event.step) if event.outgoing else (event.peer, party, event.step)
        tally = run.flows.setdefault(flow, Tally())
        before = (tally.frames, tally.bytes)
        if event.outgoing:
            tally.sent += event.frames
            tally.sent_bytes += event.frame_bytes
        else:
            tally.received += event.frames
            tally.received_bytes += event.frame_bytes
        run.flows.move_to_end(flow)
        self._last_received[flow[1]] = flow
        more = (tally.frames - before[0], tally.bytes - before[1])
        if max(more) <= 0:
            return
        new = self._new.setdefault((run.run_id, flow), [0, 0])
        new[0] += more[0]
        new[1] += more[1]

    def _arrow(self, run: LiveRun, flow: Flow, new: list[int]) -> dict[str, Any]:
        tally = run.flows[flow]
        return {
            "run": run.run_id,
            "from": flow[0],
            "to": flow[1],
            "step": flow[2],
            "frames": tally.frames,
            "bytes": tally.bytes,
            "new": new[0],
            "newBytes": new[1],
            "seen": tally.seen_by,
        }

    def _set_state(self, party: str, state: str) -> None:
        if self._states[party] != state:
            self._states[party] = state
            self._changed_nodes.add(party)

    def _note_silence(self) -> None:
        late = time.monotonic() - SILENT_S
        for party, state in list(self._states.items()):
            if state == SERVING and self._heard[party] < late:
                self._lose(party, STOPPED)

    def _lose(self, party: str, state: str) -> None:
        self._set_state(party, state)
        for run in self._runs.values():
            if run.states.get(party) == "running":
                run.states[party] = "failed"
                run.stages.pop(party, None)
                self._changed_runs.add(run.run_id)
