"""What whoever receives a message sees, and why that tells nothing about a person - or what it does tell.

One entry per kind of message of a run: every step of ``psi_match.wire.frames`` and every control
message of a session. They are claims about privacy for people who do not read code: each says no more than the section
*Reveals* of the protocol that sends the message, and a test keeps the two lists equal.

Reveals:
    Nothing: the texts are the same for every run.
"""

from __future__ import annotations

from typing import Literal

from psi_match.report.messages_control import CONTROL
from psi_match.report.messages_joint import JOINT
from psi_match.report.messages_pair import PAIR
from psi_match.report.messages_text import MessageText
from psi_match.scenario.model import Text

MESSAGES: dict[str, MessageText] = CONTROL | PAIR | JOINT
"""Step to its texts, in the order of a run: control messages first."""

Tells = Literal["nothing", "sizes", "result"]


def step_title(step: str) -> Text:
    """Return the name of a step for people, as short as a label.

    Raises:
        KeyError: no message has this step.
    """
    return MESSAGES[step].title


def what_receiver_sees(step: str) -> Text:
    """Return what the node that receives a message of a step sees of it, in one sentence.

    Raises:
        KeyError: no message has this step.
    """
    return MESSAGES[step].sees


def why_it_tells_nothing(step: str) -> Text:
    """Return why that tells nothing about a person; where it does tell something, what.

    Raises:
        KeyError: no message has this step.
    """
    return MESSAGES[step].why


def tells(step: str) -> Tells:
    """Return what a message tells its receiver at most.

    Returns:
        ``nothing``: nothing beside that it came, and when; ``sizes``: how much there is, who takes part or how a run
        goes; ``result``: the outcome that the receiver is to have.

    Raises:
        KeyError: no message has this step.
    """
    return MESSAGES[step].tells
