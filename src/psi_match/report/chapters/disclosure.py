"""Chapter B: who learns what, per party as the protocol has it, and per message as this run had it."""

from __future__ import annotations

from psi_match.domain.parties import display_name
from psi_match.report.chapters.parts import Cell, chapter, say, table, warn
from psi_match.report.facts import Flow, RunFacts, names
from psi_match.report.messages import MESSAGES, step_title, what_receiver_sees, why_it_tells_nothing
from psi_match.report.model import Block, Section
from psi_match.report.numbers import number
from psi_match.report.texts import annexes as texts
from psi_match.report.texts import form
from psi_match.report.texts import summary as summary_texts
from psi_match.scenario.tables import all_disclosures


def disclosure(facts: RunFacts, language: str) -> list[Section]:
    """Return the chapter."""
    return [
        chapter("disclosure", [], language),
        Section("per-party", texts.PER_PARTY.in_language(language), 2, tuple(_per_party(facts, language))),
        Section("per-message", texts.PER_MESSAGE.in_language(language), 2, tuple(_per_message(facts, language))),
    ]


def _per_party(facts: RunFacts, language: str) -> list[Block]:
    if facts.scenario is None:
        return [warn(form.MISSING, summary_texts.NO_SCENARIO, language, name=facts.dossier.scenario)]
    rows: list[list[Cell]] = [
        [display_name(d.party), *(text.in_language(language) for text in (d.puts_in, d.learns, d.does_not_learn))]
        for d in all_disclosures(facts.scenario)
    ]
    blocks: list[Block] = [
        say(texts.PER_PARTY_TEXT, language),
        table(texts.DISCLOSURE_CAPTION, texts.DISCLOSURE_HEADERS, rows, (1.3, 2.2, 3.2, 2), language, small=True),
    ]
    sizes = _sizes(facts)
    if sizes:
        blocks += [
            say(texts.TRUE_SIZES, language),
            table(texts.SIZES_CAPTION, texts.SIZES_HEADERS, sizes, (1.6, 2, 2), language, right=(1, 2)),
        ]
    return blocks


def _sizes(facts: RunFacts) -> list[list[Cell]]:
    """Return per party with rows its true size and its public one, from whichever record has the public one."""
    public: dict[str, Cell] = {}
    for party, record in facts.records.items():
        for other, size in record.get("sizes", {}).get("sets", {}).items():
            public.setdefault(other, number(size, "count", "record", f"sizes.sets.{other}", party))
        for other, pair in record.get("pairs", {}).items():
            if pair.get("data_size") and other not in public:
                public[other] = number(pair["data_size"], "count", "record", f"pairs.{other}.data_size", party)
            if pair.get("leader_size") and party == record.get("leader"):
                public[party] = number(pair["leader_size"], "count", "record", f"pairs.{other}.leader_size", party)
    return [
        [display_name(party), facts.count(party, "rows_in"), public[party]]
        for party in facts.parties
        if party in public
    ]


def _about(step: str, language: str) -> list[str]:
    """Return what a step is, what its receiver sees and why that tells nothing."""
    if step not in MESSAGES:
        # A dossier of a newer version: better no claim than a wrong one.
        return [step, form.UNKNOWN.in_language(language), form.UNKNOWN.in_language(language)]
    texts_of_step = (step_title(step), what_receiver_sees(step), why_it_tells_nothing(step))
    return [text.in_language(language) for text in texts_of_step]


def _per_message(facts: RunFacts, language: str) -> list[Block]:
    flows = facts.flows
    if not flows:
        return [warn(form.MISSING, texts.NO_TIMELINES, language)]
    order = {step: place for place, step in enumerate(MESSAGES)}
    steps = sorted({flow.step for flow in flows}, key=lambda step: (order.get(step, len(order)), step))
    total = number(sum(flow.frame_bytes for flow in flows), "megabytes", "timeline", "sum(frame_bytes)")
    per_step: list[list[Cell]] = []
    for step in steps:
        of_step = [flow for flow in flows if flow.step == step]
        per_step.append(
            [
                *_about(step, language),
                number(sum(f.messages for f in of_step), "count", "timeline", f"count(message, {step})"),
                number(sum(f.frame_bytes for f in of_step), "bytes", "timeline", f"sum(frame_bytes, {step})"),
            ]
        )
    per_flow = _per_flow(flows, steps, language)
    return [
        *_without_timeline(facts, language),
        say(
            texts.PER_MESSAGE_TEXT,
            language,
            bytes=total,
            recorded=facts.total_bytes or form.UNKNOWN.in_language(language),
        ),
        table(
            texts.STEP_CAPTION, texts.STEP_HEADERS, per_step, (1.5, 3, 3, 1, 1.1), language, right=(3, 4), small=True
        ),
        table(
            texts.FLOW_CAPTION, texts.FLOW_HEADERS, per_flow, (2, 1.3, 3, 0.9, 0.9), language, right=(3, 4), small=True
        ),
    ]


def _without_timeline(facts: RunFacts, language: str) -> list[Block]:
    """Return a box that names parties without a timeline, and why: messages between two of them are not here."""
    silent: list[str] = []
    for party in facts.parties:
        if facts.dossier.timelines.get(party):
            continue
        why = form.ABSENT.get(facts.why_absent(party, "timeline") or facts.why_absent(party, "record"))
        silent.append(f"{display_name(party)} ({why.in_language(language)})" if why else display_name(party))
    if not silent:
        return []
    return [warn(form.MISSING, texts.SILENT, language, names=", ".join(silent))]


def _per_flow(flows: list[Flow], steps: list[str], language: str) -> list[list[Cell]]:
    """Return a row per step, sender and size; receivers of the same share one."""
    receivers: dict[tuple[str, str, int, int, str], list[str]] = {}
    for flow in flows:
        same = (flow.step, flow.sender, flow.messages, flow.frame_bytes, flow.reporter)
        receivers.setdefault(same, []).append(flow.receiver)
    return [
        [
            _about(step, language)[0],
            display_name(sender),
            names(to),
            number(messages, "count", "timeline", "count(message)", reporter),
            number(size, "bytes", "timeline", "sum(frame_bytes)", reporter),
        ]
        for wanted in steps
        for (step, sender, messages, size, reporter), to in receivers.items()
        if step == wanted
    ]
