"""What someone who looks on may see of a node: one kind of event, with a closed set of fields and none for content.

Reveals:
    To an observer: which runs take place, between whom, every message's step, size and moment, and how a run ended.
    Sizes follow from public sizes. Moments do not: they tell how fast a node works, and with that something of the
    true number of rows. Runs about notices are not told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from psi_match.governance.audit.events import NAME, PARTY, ROLES, RUN, SEQUENCE, WORD, Fits
from psi_match.wire.v1 import observer_pb2 as pb

RUN_BEGAN: Final = "run-began"
MESSAGE: Final = "message"
STAGE: Final = "stage"
RUN_ENDED: Final = "run-ended"
ALIVE: Final = "alive"

_KINDS: Final[dict[str, pb.EventKind]] = {
    RUN_BEGAN: pb.EVENT_KIND_RUN_BEGAN,
    MESSAGE: pb.EVENT_KIND_MESSAGE,
    STAGE: pb.EVENT_KIND_STAGE,
    RUN_ENDED: pb.EVENT_KIND_RUN_ENDED,
    ALIVE: pb.EVENT_KIND_ALIVE,
}
_KIND_NAMES: Final = {number: name for name, number in _KINDS.items()}

_STAGE_PARTS: Final = 2


def _is_stage(value: object) -> bool:
    """Tell whether it is the name of a stage: a word of the program, and perhaps the party whose turn it is."""
    parts = value.split("/") if isinstance(value, str) else []
    return 1 <= len(parts) <= _STAGE_PARTS and WORD(parts[0]) and all(PARTY(part) for part in parts[1:])


_FITS: Final[dict[str, Fits]] = {
    "run_id": RUN,
    "scenario": NAME,
    "peer": PARTY,
    "step": WORD,
    "stage": _is_stage,
    "state": lambda value: value in ("finished", "failed"),
    "role": ROLES,
}
"""What the texts may hold where they are not empty: as in the audit log, no sentence and no number of a person."""
_COUNTS: Final = ("frame_bytes", "frames", "missed")


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """One thing that happened at a node.

    Args:
        run_id: 32 hexadecimal digits; empty for a sign of life.
        scenario: name of the run's scenario.
        at: seconds since 1970 by the node's clock, to the millisecond; within a run it never goes back.
        kind: ``run-began``, ``message``, ``stage``, ``run-ended`` or ``alive``.
        peer: of a message: the node at the other end.
        outgoing: of a message: whether this node sent it. Both ends note each message.
        step: of a message: its name on the wire.
        frame_bytes: of a message: its serialised bytes, as the run's record counts them.
        stage: of a stage: the name of the part of the run that begins.
        state: of the end of a run: ``finished`` or ``failed``.
        role: of the beginning and the end of a run: this node's roles in it.
        frames: of a message: how many of the same step, peer and direction this is; ``at`` is that of the first.
        missed: events that a watcher lost just before this one, because it read too slowly; 0 in a timeline.
    """

    run_id: str
    scenario: str
    at: float
    kind: str
    peer: str = ""
    outgoing: bool = False
    step: str = ""
    frame_bytes: int = 0
    stage: str = ""
    state: str = ""
    role: str = ""
    frames: int = 1
    missed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {name: getattr(self, name) for name in EVENT_FIELDS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NodeEvent:
        """Return the event that plain values mean.

        Raises:
            ValueError: they are not those of an event; the text holds none of them.
        """
        if not {"run_id", "scenario", "at", "kind"} <= set(values) <= set(EVENT_FIELDS):
            raise ValueError("an event has other fields")
        event = cls(**values)
        if event.kind not in tuple(_KINDS):
            raise ValueError("an event is of no known kind")
        for name, fits in _FITS.items():
            value = getattr(event, name)
            if value != "" and not fits(value):
                raise ValueError(f"field {name} of an event holds what it may not")
        for name in _COUNTS:
            if not SEQUENCE(getattr(event, name)):
                raise ValueError(f"field {name} of an event is no count")
        # type() and not isinstance(): True is no number here.
        if type(event.at) not in {int, float} or not math.isfinite(event.at) or event.at < 0:
            raise ValueError("field at of an event is no moment")
        if type(event.outgoing) is not bool:
            raise ValueError("field outgoing of an event is neither true nor false")
        return event

    def to_message(self) -> pb.Event:
        """Return it as it goes over the wire."""
        return pb.Event(**(self.as_dict() | {"kind": _KINDS[self.kind]}))

    @classmethod
    def from_message(cls, message: pb.Event) -> NodeEvent:
        """Return the event in a message.

        Raises:
            ValueError: it is none.
        """
        values = {name: getattr(message, name) for name in EVENT_FIELDS}
        return cls.from_dict(values | {"kind": _KIND_NAMES.get(message.kind, "")})


EVENT_FIELDS: Final = tuple(field.name for field in fields(NodeEvent))
