"""Drive a role over links: the node's counterpart of the simulator."""

from __future__ import annotations

from collections.abc import Mapping

from psi_match.node.link import Link
from psi_match.protocols.effects import Result, Role, Rows, Send

SETUP_RUN = 0xFFFF
"""Run number of the frames that agree on the session id: they belong to no intersection of the plan."""


def drive(role: Role[Result], links: Mapping[str, Link], run: int) -> Result:
    """Run a role to its end.

    Args:
        role: the generator.
        links: one link per party that the role talks to.
        run: number of the intersection in the plan; frames carry it.

    Returns:
        What the role returns.

    Raises:
        PsiMatchError: whatever the role or a link raises.
    """
    delivery: Rows | None = None
    while True:
        # StopIteration must not leave this frame: it would be lost in a future and the caller would wait forever.
        try:
            effect = role.send(delivery)
        except StopIteration as done:
            result: Result = done.value
            return result
        if isinstance(effect, Send):
            links[effect.to].send(run, effect.message)
            delivery = None
        else:
            delivery = links[effect.frm].receive(run, effect)
