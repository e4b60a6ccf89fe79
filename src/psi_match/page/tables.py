"""The tables beside the picture of the nodes, as they are at loading: also for browsers without JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psi_match.domain.parties import display_name
from psi_match.page.replay import Moment
from psi_match.page.steps import stage_name, step_name, step_texts
from psi_match.page.texts import Words, count, size

_MOST_LIVE = 12
"""As many lines as the page's own script shows of a live run."""


def traffic(arrows: Sequence[Mapping[str, Any]], t: Words, language: str) -> list[dict[str, str]]:
    """Return the lines of a live table of messages, the latest flow first.

    Args:
        arrows: as the board tells them, the latest flow last.
        t: texts.
        language: of names.
    """
    return [
        {
            "from": display_name(arrow["from"]),
            "to": display_name(arrow["to"]),
            "step": step_name(arrow["step"]).in_language(language),
            "frames": count(arrow["frames"]),
            "bytes": size(arrow["bytes"], language),
            "seen": t(f"seen_{arrow['seen']}"),
        }
        for arrow in list(reversed(arrows))[:_MOST_LIVE]
    ]


def received(last: Iterable[Mapping[str, Any]], language: str) -> dict[str, str]:
    """Return per party what it could read in the last message that it got."""
    steps = step_texts(language)
    unknown = steps[""]
    told = {}
    for got in last:
        step = steps.get(got["step"], unknown)
        told[got["party"]] = f"{step_name(got['step']).in_language(language)}: {step['sees']}"
    return told


def stages(found: Mapping[str, str], language: str) -> dict[str, str]:
    """Return per party the part of a run that it is in, in words."""
    return {party: stage_name(stage).in_language(language) for party, stage in found.items()}


def replayed(moments: Sequence[Moment], t: Words, language: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Return all messages of a run that has ended as ``traffic`` does, and what each party could read in the last."""
    flows: dict[tuple[str, str, str], dict[str, Any]] = {}
    last: dict[str, str] = {}
    for moment in moments:
        for part in moment.parts:
            flow = (part.sender, part.receiver, part.step)
            so_far = flows.pop(flow, {"from": flow[0], "to": flow[1], "step": flow[2], "frames": 0, "bytes": 0})
            so_far |= {"frames": so_far["frames"] + part.frames, "bytes": so_far["bytes"] + part.bytes}
            flows[flow] = so_far | {"seen": part.seen}
            last[part.receiver] = part.step
    lines = [line for arrow in reversed(flows.values()) for line in traffic([arrow], t, language)]
    return lines, received(({"party": party, "step": step} for party, step in last.items()), language)
