"""Chapter G: what this run took, as each node measured it, and how it ended."""

from __future__ import annotations

from functools import partial

from psi_match.domain.parties import display_name
from psi_match.report import pictures
from psi_match.report.chapters.figures import figure
from psi_match.report.chapters.parts import Cell, chapter, say, table, warn
from psi_match.report.facts import RunFacts
from psi_match.report.model import Block, Section
from psi_match.report.numbers import number
from psi_match.report.reasons import told
from psi_match.report.texts import annexes as texts
from psi_match.report.texts import form

_SHORTEST_S = 0.005
"""A stage that took less and sent nothing is left out: a leader's turn at a node without a part in it."""


def performance(facts: RunFacts, language: str) -> list[Section]:
    """Return the chapter."""
    if not facts.records:
        return [chapter("performance", [warn(form.MISSING, texts.NO_RECORDS, language)], language)]
    blocks: list[Block] = [
        say(texts.PERFORMANCE_TEXT, language),
        _totals(facts, language),
        figure(partial(pictures.flows, facts.dossier, language), texts.FLOWS_FIGURE, language),
        _states(facts, language),
    ]
    stages = _stages(facts, language)
    return [chapter("performance", [*blocks, *stages], language)]


def _totals(facts: RunFacts, language: str) -> Block:
    rows: list[list[Cell]] = []
    for party in facts.parties:
        record = facts.records.get(party)
        if record is None:
            rows.append([display_name(party), *[None] * 7])
            continue
        rows.append(
            [
                display_name(party),
                number(record["wall_s"], "seconds", "record", "wall_s", party),
                number(record["cpu_s"], "seconds", "record", "cpu_s", party),
                number(record["peak_rss_bytes"], "megabytes", "record", "peak_rss_bytes", party),
                facts.party_bytes(party, "bytes_out"),
                facts.party_bytes(party, "bytes_in"),
                str(record.get("started", ""))[:19].replace("T", " "),
                str(record.get("software_version", "")),
            ]
        )
    widths = (1.6, 1, 1, 1.3, 1.2, 1.2, 1.5, 0.8)
    right = range(1, 6)
    return table(texts.PERFORMANCE_CAPTION, texts.PERFORMANCE_HEADERS, rows, widths, language, right=right, small=True)


def _states(facts: RunFacts, language: str) -> Block:
    rows: list[list[Cell]] = []
    for party in facts.parties:
        record = facts.records.get(party, {})
        state = form.STATES.get(record.get("state", "unknown"), form.STATES["unknown"]).in_language(language)
        absent = form.ABSENT.get(facts.why_absent(party, "record"))
        reason = absent.in_language(language) if absent else "-"
        if record.get("error"):
            reason = told(record["error"]) or texts.REASON_KEPT.in_language(language)
        rows.append([display_name(party), state, reason])
    return table(texts.STATE_CAPTION, texts.STATE_HEADERS, rows, (1.6, 1, 4), language, small=True)


def _stages(facts: RunFacts, language: str) -> list[Block]:
    rows: list[list[Cell]] = [
        [
            display_name(party),
            stage["name"],
            number(stage["wall_s"], "seconds", "record", "stages[].wall_s", party),
            number(stage["bytes_out"], "bytes", "record", "stages[].bytes_out", party),
            number(stage["bytes_in"], "bytes", "record", "stages[].bytes_in", party),
        ]
        for party in facts.parties
        for stage in facts.records.get(party, {}).get("stages", [])
        if stage["wall_s"] >= _SHORTEST_S or stage["bytes_out"] or stage["bytes_in"]
    ]
    if not rows:
        return []
    widths = (1.5, 2.2, 1, 1.2, 1.2)
    return [
        figure(partial(pictures.stages, facts.dossier, language), texts.STAGE_FIGURE, language),
        table(texts.STAGE_CAPTION, texts.STAGE_HEADERS, rows, widths, language, right=(2, 3, 4), small=True),
    ]
