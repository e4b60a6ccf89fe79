"""Chapters E, F and H to J: alternatives, risks, draft register entry, sources, and where each number comes from."""

from __future__ import annotations

from psi_match.report.chapters.parts import Cell, chapter, say, table
from psi_match.report.facts import RunFacts, names
from psi_match.report.model import Block, Section, Used
from psi_match.report.numbers import fill, shown
from psi_match.report.origins import origin
from psi_match.report.texts import annexes as texts
from psi_match.report.texts import form, register, risks, subsidiarity
from psi_match.report.texts import summary as summary_texts
from psi_match.report.texts.references import MARKS, REFERENCES, cite
from psi_match.scenario.joint_disclosure import collusion
from psi_match.scenario.model import Text


def subsidiary(_facts: RunFacts, language: str) -> list[Section]:
    """Return chapter E."""
    rows: list[list[Cell]] = [
        [
            way.name.in_language(language),
            way.asks.in_language(language),
            way.short.in_language(language),
            MARKS[way.mark].in_language(language),
            cite(*way.sources),
        ]
        for way in subsidiarity.ALTERNATIVES
    ]
    widths = (1.4, 1.9, 3.6, 1.1, 0.8)
    blocks: list[Block] = [
        say(subsidiarity.INTRODUCTION, language),
        table(subsidiarity.CAPTION, subsidiarity.HEADERS, rows, widths, language, small=True),
        say(subsidiarity.NOT_ALONE, language),
    ]
    return [chapter("subsidiarity", blocks, language)]


def risk_chapter(facts: RunFacts, language: str) -> list[Section]:
    """Return chapter F."""
    blocks: list[Block] = [say(risks.INTRODUCTION, language)]
    if facts.scenario is not None:
        blocks.append(say(facts.scenario.assumptions, language, risks.ASSUMPTIONS))
    if facts.joint is not None:
        if facts.joint.limits is not None:
            blocks.append(say(facts.joint.limits, language, risks.LIMITS))
        blocks.append(say(collusion(facts.joint), language, risks.COLLUSION))
    elif facts.scenario is not None:
        blocks.append(say(risks.PAIRWISE_COLLUSION, language, risks.COLLUSION))
    rows: list[list[Cell]] = [
        [risk.id, *(text.in_language(language) for text in (risk.what, risk.stops, risk.remains))]
        for risk in risks.of(joint=facts.joint is not None)
    ]
    blocks.append(table(risks.CAPTION, risks.HEADERS, rows, (0.5, 2, 2.6, 2.6), language))
    return [chapter("risks", blocks, language)]


def register_entry(facts: RunFacts, language: str) -> list[Section]:
    """Return chapter H."""
    values = _register_values(facts, language)
    rows: list[list[Cell]] = [
        [field.in_language(language), fill(proposal, language, **values)] for field, proposal in register.FIELDS
    ]
    blocks: list[Block] = [
        say(register.INTRODUCTION, language, sources=cite("register")),
        table(register.CAPTION, register.HEADERS, rows, (1.3, 4), language),
    ]
    return [chapter("register", blocks, language)]


def _register_values(facts: RunFacts, language: str) -> dict[str, str]:
    scenario = facts.scenario
    missing = register.NOT_KNOWN.in_language(language)
    versions = sorted({record.get("software_version", "") for record in facts.records.values()} - {""})
    outcomes = facts.outcomes
    follow_ups: list[Text] = []
    for outcome in outcomes:
        own = None if outcome.kind == "statistics" else summary_texts.FOLLOW_UP_IN.get(facts.dossier.scenario)
        follow_ups.append(own or summary_texts.FOLLOW_UP[outcome.kind])
    statistics = bool(outcomes) and all(outcome.kind == "statistics" for outcome in outcomes)
    impact = register.STATISTICS_IMPACT if statistics else register.IMPACT
    return {
        "title": scenario.title.in_language(language) if scenario else missing,
        "purpose": scenario.purpose.in_language(language) if scenario else missing,
        "impact": impact.in_language(language),
        "category": (register.OTHER if statistics else register.IMPACTFUL).in_language(language),
        "recipients": names(list(dict.fromkeys(outcome.party for outcome in outcomes))) or missing,
        "follow_up": " ".join(dict.fromkeys(text.in_language(language) for text in follow_ups)) or missing,
        "data": "; ".join(
            f"{names([party.id])}: {party.rows.in_language(language)}" for party in scenario.parties if party.dataset
        )
        if scenario
        else missing,
        "method": (register.JOINT if facts.joint else register.PAIRWISE).in_language(language) if scenario else missing,
        "version": ", ".join(versions) or form.UNKNOWN.in_language(language),
    }


def sources(_facts: RunFacts, language: str) -> list[Section]:
    """Return chapter I."""
    rows: list[list[Cell]] = [
        [cite(source.id), source.title, source.address, source.remark.in_language(language) if source.remark else ""]
        for source in REFERENCES
    ]
    blocks: list[Block] = [
        say(texts.SOURCE_TEXT, language),
        table(texts.SOURCE_CAPTION, texts.SOURCE_HEADERS, rows, (0.5, 2.6, 3.4, 1.7), language, small=True),
    ]
    return [chapter("sources", blocks, language)]


def number_table(used: list[Used], language: str) -> list[Section]:
    """Return chapter J: numbers of one origin share a line."""
    lines: dict[str, tuple[list[str], list[str]]] = {}
    for item in used:
        places, found = lines.setdefault(origin(item.number.source, language), ([], []))
        places.append(item.where)
        found.append(shown(item.number, language))
    rows: list[list[Cell]] = [
        [come_from, "; ".join(dict.fromkeys(found)), "; ".join(dict.fromkeys(places))]
        for come_from, (places, found) in lines.items()
    ]
    blocks: list[Block] = [
        say(texts.NUMBER_TEXT, language),
        table(texts.NUMBER_CAPTION, texts.NUMBER_HEADERS, rows, (3.6, 2.6, 1.6), language, small=True),
    ]
    return [chapter("numbers", blocks, language)]
