"""The recorded timelines of all nodes as one list of moments, to go through step by step.

Each message stands in two timelines. The sender's is taken where there is one, else the receiver's. Messages of one
flow that follow each other are one moment; a long run is cut into a bounded number of moments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psi_match.node.events import MESSAGE, NodeEvent

MOST_MOMENTS = 400
_PAUSE_S = 0.5
"""After so long without a message of the same flow a new moment begins."""


@dataclass(slots=True)
class Part:
    """Messages of one flow within a moment."""

    sender: str
    receiver: str
    step: str
    frames: int
    bytes: int
    seen: str


@dataclass(slots=True)
class Moment:
    """A position of the slider.

    Args:
        at: seconds since the first event.
        parts: what crossed.
    """

    at: float
    parts: list[Part]


def moments(timelines: Mapping[str, Sequence[NodeEvent]]) -> list[Moment]:
    """Return the moments of a run in order."""
    events = _without_doubles(timelines)
    if not events:
        return []
    began = min(event.at for timeline in timelines.values() for event in timeline)
    found: list[Moment] = []
    latest: dict[tuple[str, str, str], float] = {}
    for at, part in events:
        flow = (part.sender, part.receiver, part.step)
        last = found[-1].parts[0] if found else None
        same = last and (last.sender, last.receiver, last.step) == flow and at - latest.get(flow, at) < _PAUSE_S
        latest[flow] = at
        if last and same:
            last.frames += part.frames
            last.bytes += part.bytes
        else:
            found.append(Moment(round(at - began, 4), [part]))
    return _bounded(found)


def without_timeline(records: Mapping[str, Any], parties: Sequence[str], timelines: Mapping[str, Any]) -> list[str]:
    """Return the parties of a run that have no recording here."""
    return [party for party in {**dict.fromkeys(records), **dict.fromkeys(parties)} if not timelines.get(party)]


def _without_doubles(timelines: Mapping[str, Sequence[NodeEvent]]) -> list[tuple[float, Part]]:
    sent: dict[tuple[str, str, str], list[NodeEvent]] = {}
    received: dict[tuple[str, str, str], list[NodeEvent]] = {}
    for party, timeline in timelines.items():
        for event in timeline:
            if event.kind != MESSAGE:
                continue
            if event.outgoing:
                sent.setdefault((party, event.peer, event.step), []).append(event)
            else:
                received.setdefault((event.peer, party, event.step), []).append(event)
    found = []
    for flow in {**sent, **received}:
        one, other = sent.get(flow, []), received.get(flow, [])
        seen = "both" if one and other else "sender" if one else "receiver"
        # A sender that stopped early may have noted less than what came in.
        whole = max((one, other), key=lambda events: sum(event.frames for event in events))
        found += [(event.at, Part(*flow, event.frames, event.frame_bytes, seen)) for event in whole]
    return sorted(found, key=lambda item: item[0])


def _bounded(found: list[Moment]) -> list[Moment]:
    if len(found) <= MOST_MOMENTS:
        return found
    per_moment = -(-len(found) // MOST_MOMENTS)
    short = []
    for start in range(0, len(found), per_moment):
        parts: dict[tuple[str, str, str], Part] = {}
        for moment in found[start : start + per_moment]:
            for part in moment.parts:
                flow = (part.sender, part.receiver, part.step)
                if flow in parts:
                    parts[flow].frames += part.frames
                    parts[flow].bytes += part.bytes
                else:
                    parts[flow] = part
        short.append(Moment(found[start].at, list(parts.values())))
    return short


def as_json(found: Sequence[Moment]) -> list[dict[str, Any]]:
    """Return moments as a browser gets them."""
    return [
        {
            "at": moment.at,
            "arrows": [
                {
                    "from": part.sender,
                    "to": part.receiver,
                    "step": part.step,
                    "new": part.frames,
                    "newBytes": part.bytes,
                    "seen": part.seen,
                }
                for part in moment.parts
            ],
        }
        for moment in found
    ]
