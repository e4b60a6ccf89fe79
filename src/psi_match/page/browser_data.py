"""What the page's own script needs beside the page: names, steps and sentences in one language."""

from __future__ import annotations

from typing import Any

from psi_match.domain.parties import display_name
from psi_match.page.attacking import SPACE
from psi_match.page.steps import stage_texts, step_texts
from psi_match.page.texts import words
from psi_match.scenario.join_model import AnyScenario

_LIVE_KEYS = (
    "state_serving",
    "state_stopped",
    "state_unknown",
    "state_refused",
    "live_idle",
    "live_running",
    "live_summary",
    "live_ended",
    "live_failed",
    "live_lost",
    "live_full",
    "node_stopped_said",
    "node_serving_said",
    "traffic_none",
    "sees_nothing",
    "seen_both",
    "seen_sender",
    "seen_receiver",
    "col_from",
    "col_to",
    "col_step",
    "col_messages",
    "col_bytes",
    "col_seen_by",
    "stage_now",
    "progress_with",
    "finished_reload",
    "scrub_play",
    "scrub_pause",
    "scrub_at",
    "scrub_begin",
    "scrub_none",
)
_ATTACK_KEYS = (
    "attack_loading",
    "attack_running",
    "attack_done",
    "attack_false",
    "attack_cancelled",
    "attack_failed",
    "attack_timeout",
)


def live_data(language: str, parties: list[str], scenarios: list[AnyScenario]) -> dict[str, Any]:
    """Return the data for pages with a picture of the nodes."""
    t = words(language)
    return {
        "page": "live",
        "language": language,
        "texts": {key: t(key) for key in _LIVE_KEYS},
        "steps": step_texts(language),
        "stages": stage_texts(language),
        "names": {party: display_name(party) for party in parties},
        "scenarios": {scenario.name: scenario.title.in_language(language) for scenario in scenarios},
    }


def attack_data(language: str) -> dict[str, Any]:
    """Return the data for the page on attacks."""
    t = words(language)
    return {"page": "attack", "language": language, "total": SPACE, "texts": {key: t(key) for key in _ATTACK_KEYS}}
