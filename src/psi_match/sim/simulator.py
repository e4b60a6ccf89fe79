"""All parties of a protocol in one process: moves messages between role generators, and records every party's view."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from psi_match.base.errors import InternalError
from psi_match.protocols.effects import Recv, Role, Rows, Send

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
    waiting: dict[str, Recv | None] = dict.fromkeys(roles)
    queues: dict[tuple[str, str], deque[Rows]] = {}
    running = dict(roles)
    while running:
        moved = False
        for party in list(running):
            moved |= _advance(party, running, waiting, queues, outcome, carry)
        if not moved:
            raise InternalError(f"Deadlock: {sorted(running)} wait for messages that nobody sends.")
    return outcome


def _advance(
    party: str,
    running: dict[str, Role[Any]],
    waiting: dict[str, Recv | None],
    queues: dict[tuple[str, str], deque[Rows]],
    outcome: Simulation,
    carry: Carrier,
) -> bool:
    """Let one role run until it must wait; tell whether it moved at all."""
    moved = False
    while True:
        delivery: Rows | None = None
        expected = waiting[party]
        if expected is not None:
            queue = queues.get((expected.frm, party))
            if not queue:
                return moved
            delivery = carry(expected.frm, party, queue.popleft(), expected)
        moved = True
        try:
            effect = running[party].send(delivery)
        except StopIteration as done:
            outcome.results[party] = done.value
            del running[party]
            return True
        if isinstance(effect, Send):
            outcome.sent.append(Sent(party, effect.to, effect.message))
            queues.setdefault((party, effect.to), deque()).append(effect.message)
            waiting[party] = None
        else:
            waiting[party] = effect
