"""All parties of a protocol in one process: moves messages between role generators, and records every party's view."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from psi_match.base.errors import InternalError
from psi_match.protocols.effects import (
    Agree,
    Effect,
    Finish,
    Handle,
    Outcome,
    Recv,
    Role,
    Rows,
    Send,
    Stage,
    Start,
    Together,
)

Carrier = Callable[[str, str, Rows, Recv], Rows]
"""What happens to a message on its way: (sender, recipient, message, what the recipient waits for) -> message."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as it left its sender."""

    sender: str
    recipient: str
    message: Rows

    @property
    def size(self) -> int:
        """Payload bytes."""
        return self.message.rows.nbytes


@dataclass(slots=True)
class Simulation:
    """The outcome of a simulated run.

    Args:
        results: what each role returned.
        sent: every message in the order in which it was sent.
    """

    results: dict[str, Any] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)

    def sizes(self) -> list[tuple[str, str, str, int]]:
        """Return (sender, recipient, step, payload bytes) of every message."""
        return [(s.sender, s.recipient, s.message.STEP, s.size) for s in self.sent]

    def view(self, party: str) -> list[Rows]:
        """Return everything that a party received, in order."""
        return [s.message for s in self.sent if s.recipient == party]


def _as_is(_sender: str, _recipient: str, message: Rows, _expected: Recv) -> Rows:
    return message


class _Task:
    """One generator of a party, with the tasks that it waits for."""

    def __init__(self, party: str, role: Role[Any], parent: _Task | None = None) -> None:
        self.party = party
        self.role = role
        self.parent = parent
        self.waits_for: Recv | None = None
        self.answer: Any = None
        self.children: list[_Task] = []
        self.done = False
        self.result: Any = None


def simulate(roles: Mapping[str, Role[Any]], carry: Carrier = _as_is) -> Simulation:
    """Run roles against each other until all have returned.

    Args:
        roles: one role per party id.
        carry: hook on every delivery, for a codec or for faults.

    Raises:
        InternalError: every remaining role waits for a message that nobody will send.
        PsiMatchError: whatever a role raises.
    """
    outcome = Simulation()
    queues: dict[tuple[str, str], deque[Rows]] = {}
    tasks = [_Task(party, role) for party, role in roles.items()]
    while tasks:
        moved = False
        for task in list(tasks):
            moved |= _advance(task, tasks, queues, outcome, carry)
        if not moved:
            waiting = sorted({task.party for task in tasks})
            raise InternalError(f"Deadlock: {waiting} wait for messages that nobody sends.")
    return outcome


def _advance(
    task: _Task, tasks: list[_Task], queues: dict[tuple[str, str], deque[Rows]], outcome: Simulation, carry: Carrier
) -> bool:
    """Let one task run until it must wait; tell whether it moved at all."""
    moved = False
    while True:
        if task.children:
            if not all(child.done for child in task.children):
                return moved
            task.answer = [child.result for child in task.children]
            task.children = []
        if task.waits_for is not None:
            queue = queues.get((task.waits_for.frm, task.party))
            if not queue:
                return moved
            task.answer = carry(task.waits_for.frm, task.party, queue.popleft(), task.waits_for)
            task.waits_for = None
        moved = True
        try:
            effect, task.answer = task.role.send(task.answer), None
        except StopIteration as end:
            task.done, task.result = True, end.value
            tasks.remove(task)
            if task.parent is None:
                outcome.results[task.party] = end.value
            return True
        _perform(effect, task, tasks, queues, outcome)


def _perform(
    effect: Effect,
    task: _Task,
    tasks: list[_Task],
    queues: dict[tuple[str, str], deque[Rows]],
    outcome: Simulation,
) -> None:
    """Do what a role asks for, or note what it waits for."""
    match effect:
        case Send():
            outcome.sent.append(Sent(task.party, effect.to, effect.message))
            queues.setdefault((task.party, effect.to), deque()).append(effect.message)
        case Recv():
            task.waits_for = effect
        case Together():
            task.children = [_Task(task.party, role, task) for role in effect.roles]
            tasks.extend(task.children)
            if not task.children:
                task.answer = []
        case Start():
            # At once: in one process nobody gains from waiting.
            task.answer = Handle(Outcome(effect.task.compute()))
        case Finish():
            task.answer = effect.handle.of
        case Agree() | Stage():
            pass  # Every message is delivered as it was sent, unless ``carry`` changes it on purpose.
