"""A small dossier: two records and timelines of one run, as two nodes would tell them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from psi_match.node.dossier import Dossier
from psi_match.node.event_log import EventLog
from psi_match.node.events import NodeEvent
from psi_match.node.store import PairRecord, RunRecord

RUN = "ab" * 16
SCENARIO = "van-cjib"
MESSAGES = ((True, "hello", 284), (False, "acceptance", 194), (True, "oprf-rows", 57_000), (False, "oprf-rows", 39_000))


def a_record(party: str, peer: str, role: str) -> RunRecord:
    pair = PairRecord(256, 512, bytes_out=57_284, bytes_in=39_194, rounds=4)
    return RunRecord(
        run_id=RUN,
        scenario=SCENARIO,
        scenario_digest="cd" * 32,
        engine="kkrt",
        party=party,
        role=role,
        leader="cjib",
        parties=sorted([party, peer]),
        state="finished",
        started="2026-11-24T10:00:00.000+00:00",
        pairs={peer: pair},
    )


def a_timeline(peer: str, role: str, messages: Iterable[tuple[bool, str, int]] = MESSAGES) -> tuple[NodeEvent, ...]:
    log = EventLog()
    run = log.begin(RUN, SCENARIO, role)
    tell = run.reporter(peer)
    for number, (outgoing, step, size) in enumerate(messages):
        tell(float(number), outgoing, step, size)
    run.stage("join/cjib")
    return tuple(log.end(run, "finished"))


def a_dossier() -> Dossier:
    parts = (("cjib", "uwv", "leader"), ("uwv", "cjib", "data party"))
    records = {party: json.loads(a_record(party, peer, role).as_json()) for party, peer, role in parts}
    timelines = {party: a_timeline(peer, role) for party, peer, role in parts}
    return Dossier(RUN, SCENARIO, "2026-11-24T10:05:00+00:00", records, timelines)
