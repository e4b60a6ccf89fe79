"""Dossiers as nodes would give them, with numbers of one's own choice: for reports, without running anything."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from psi_match.node.dossier import Dossier
from psi_match.node.events import MESSAGE, NodeEvent
from psi_match.node.store import PairRecord, RunRecord, StageRecord
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.digest import digest

RUN = "75a6c12526471e5c00ba759436fa6364"
COLLECTED = "2026-11-24T17:12:00+00:00"
SCENARIO = "vroegsignaal-gezamenlijk"
LINKS = {
    "belastingdienst": {"toeslagen": (150_350, 331_515), "rekennode": (166_800, 49_777)},
    "toeslagen": {"belastingdienst": (331_515, 150_350)},
    "cak": {"belastingdienst": (76_864, 125_510)},
    "cjib": {"belastingdienst": (39_834, 77_514)},
    "rekennode": {"belastingdienst": (49_777, 166_800), "gemeente-a": (12_106, 194)},
    "gemeente-a": {"rekennode": (194, 12_106)},
    "gemeente-b": {"rekennode": (194, 12_106)},
}
ROWS = {"belastingdienst": 522, "toeslagen": 801, "cak": 149, "cjib": 279}
RESULTS = {"gemeente-a": 1_234, "gemeente-b": 57}


def record(party: str, **changed: Any) -> dict[str, Any]:
    """Return the record of one party of the joint early signal, with fields changed."""
    scenario = Catalogue().get(SCENARIO)
    values = asdict(
        RunRecord(
            run_id=RUN,
            scenario=SCENARIO,
            scenario_digest=digest(scenario).hex(),
            engine="ripple",
            party=party,
            role=", ".join(scenario.roles(party)),
            leader=", ".join(scenario.leaders),
            parties=scenario.party_ids,
            coordinator="belastingdienst",
            agreement=SCENARIO,
            agreement_digest="a1" * 32,
            state="finished",
            started="2026-11-24T17:11:51.686+00:00",
            software_version="0.1.0",
            rows_loaded=2 * ROWS.get(party, 0),
            rows_in=ROWS.get(party, 0),
            opted_out=1 if party in ROWS else 0,
            sizes={"sets": {"belastingdienst": 640, "toeslagen": 896, "cak": 256, "cjib": 320}},
            pairs={peer: PairRecord(0, 0, out, inward) for peer, (out, inward) in LINKS[party].items()},
            stages=[StageRecord("join/belastingdienst", 0.3251, 225_966, 131_843)],
            result_rows=RESULTS.get(party),
            keep_until={"result": "2026-12-01", "secrets": "2026-12-24", "record": "2027-02-24"},
            wall_s=1.3672,
            cpu_s=0.7192,
            peak_rss_bytes=340_914_176,
        )
    )
    return values | changed


def message(peer: str, step: str, frame_bytes: int, *, outgoing: bool = True) -> NodeEvent:
    return NodeEvent(
        run_id=RUN,
        scenario=SCENARIO,
        at=1.0,
        kind=MESSAGE,
        peer=peer,
        outgoing=outgoing,
        step=step,
        frame_bytes=frame_bytes,
        frames=3,
    )


def timelines() -> dict[str, tuple[NodeEvent, ...]]:
    """Return what two nodes noted: each message at both ends, and one of a node whose timeline is missing."""
    return {
        "belastingdienst": (
            message("toeslagen", "oprf-rows", 60_958),
            message("cak", "oprf-rows", 24_446, outgoing=False),
        ),
        "toeslagen": (message("belastingdienst", "oprf-rows", 60_958, outgoing=False),),
    }


def evaluation() -> dict[str, Any]:
    """Return what the truth of a synthetic population could say."""
    share = {"selected": 1_291, "relevant": 1_500, "hits": 1_200, "precision": 1_200 / 1_291, "recall": 0.8}
    return {
        "population": {"persons": 20_000, "seed": 7, "reference_date": "2026-11-24", "generator": 1, "choices": {}},
        "scenario": {
            "scenario_digest": digest(Catalogue().get(SCENARIO)).hex(),
            "expected": {"gemeente-a": 1_234, "gemeente-b": 57},
            "rows": dict(ROWS),
            "distinct_persons": 1_410,
            "overlap": {
                "parties": ["belastingdienst", "toeslagen"],
                "cells": [
                    {"in": ["belastingdienst"], "count": 609},
                    {"in": ["toeslagen"], "count": 715},
                    {"in": ["belastingdienst", "toeslagen"], "count": 86},
                ],
            },
            "quality": {"definition": {"nl": "Wie schulden heeft.", "en": "Who owes."}} | share,
            "thresholds": [
                {
                    "name": "cak.open_cents",
                    "label": {"nl": "CAK: minimaal bedrag", "en": "CAK: least amount"},
                    "unit": "cents",
                    "current": 10_000,
                    "points": [{"value": 10_000} | share, {"value": 20_000} | share | {"selected": 1_233}],
                }
            ],
        },
    }


def dossier(**changed: Any) -> Dossier:
    """Return a complete dossier, with parts changed."""
    values: dict[str, Any] = {
        "run_id": RUN,
        "scenario": SCENARIO,
        "collected": COLLECTED,
        "records": {party: record(party) for party in LINKS},
        "timelines": timelines(),
        "evaluation": evaluation(),
    }
    return Dossier(**(values | changed))


def with_record(party: str, **changed: Any) -> Dossier:
    """Return a complete dossier in which fields of one record are changed."""
    return dossier(records={other: record(other) for other in LINKS} | {party: record(party, **changed)})
