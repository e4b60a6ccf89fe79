"""The form of what is said about a kind of message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psi_match.scenario.model import Text


@dataclass(frozen=True, slots=True)
class MessageText:
    """What is said about a kind of message.

    Args:
        title: its name for people.
        sees: what the receiver sees.
        why: why that tells nothing about a person; where it does tell something, what.
        tells: ``nothing``, ``sizes`` (how much there is, or how a run goes) or ``result`` (the receiver's own outcome).
    """

    title: Text
    sees: Text
    why: Text
    tells: Literal["nothing", "sizes", "result"] = "nothing"


def about(
    title: tuple[str, str],
    sees: tuple[str, str],
    why: tuple[str, str],
    tells: Literal["nothing", "sizes", "result"] = "nothing",
) -> MessageText:
    """Return an entry from pairs of a Dutch and an English text."""
    named, seen, told = (Text(nl=nl, en=en) for nl, en in (title, sees, why))
    return MessageText(named, seen, told, tells)
