"""The annex after the 17 paragraphs of the Model DPIA Rijksdienst v3.0."""

from __future__ import annotations

import json
from collections.abc import Callable

from psi_match.domain.parties import display_name
from psi_match.domain.where import Condition
from psi_match.report.chapters.parts import Cell, chapter, hex_groups, say, sentence, table, warn
from psi_match.report.facts import RunFacts, names
from psi_match.report.model import Block, Callout, Inline, Parts, Section, Unit
from psi_match.report.numbers import fill, joined, number
from psi_match.report.texts import decisions, form, norms, risks, subsidiarity
from psi_match.report.texts import dpia_words as words
from psi_match.report.texts import summary as summary_texts
from psi_match.report.texts.dpia import INTRODUCTION, PARAGRAPHS, DpiaParagraph
from psi_match.report.texts.references import cite
from psi_match.scenario.join_model import JoinParty, JoinScenario
from psi_match.scenario.model import ScenarioParty

Builder = Callable[[RunFacts, str], list[Block]]


def dpia(facts: RunFacts, language: str) -> list[Section]:
    """Return the annex: an opening, and one section per paragraph of the model."""
    sections = [chapter("dpia", [say(INTRODUCTION, language)], language)]
    for paragraph in PARAGRAPHS:
        own = _BUILDERS.get(paragraph.number)
        blocks = own(facts, language) if own else []
        said = [say(text, language) for text in paragraph.says]
        title = f"{paragraph.number}. {paragraph.name.in_language(language)}"
        content = (*_status(paragraph, language), *said, *blocks)
        sections.append(Section(f"dpia-{paragraph.number}", title, 2, content))
    return sections


def _status(paragraph: DpiaParagraph, language: str) -> tuple[Block, ...]:
    label = form.PARTLY if paragraph.status == "partly" else form.NOT_FILLED
    gap = fill(paragraph.gap, language)
    who = fill(form.FILLED_BY, language, who=paragraph.who.in_language(language))
    return (
        Callout("open", label.in_language(language), (form.OPEN_POINT.in_language(language), *gap, " ", *who, ".")),
    )


def _proposal(facts: RunFacts, language: str) -> list[Block]:
    if facts.scenario is None:
        return [_no_scenario(facts, language)]
    scenario = facts.scenario
    return [
        say(
            summary_texts.PURPOSE,
            language,
            title=sentence(scenario.title.in_language(language)),
            purpose=scenario.purpose.in_language(language),
        ),
        say(words.SOURCE, language, source=scenario.source.in_language(language)),
        say(words.ALTERNATIVES, language),
    ]


def _no_scenario(facts: RunFacts, language: str) -> Block:
    return warn(form.MISSING, summary_texts.NO_SCENARIO, language, name=facts.dossier.scenario)


def _data(facts: RunFacts, language: str) -> list[Block]:
    people = say(words.PEOPLE_MADE_UP if facts.evaluation else words.PEOPLE_UNKNOWN, language)
    if facts.scenario is None:
        return [people, _no_scenario(facts, language)]
    rows: list[list[Cell]] = []
    for party in facts.scenario.parties:
        if party.dataset is None:
            continue
        rows.append(
            [
                display_name(party.id),
                party.rows.in_language(language),
                ", ".join(_columns(facts, party)),
                joined([_condition(party.id, c, language) for c in party.where], "; ")
                or form.NONE.in_language(language),
                facts.count(party.id, "rows_in"),
                facts.count(party.id, "opted_out"),
            ]
        )
    widths = (1.5, 2.6, 1.9, 2.0, 1.0, 1.2)
    return [people, table(words.DATA_CAPTION, words.DATA_HEADERS, rows, widths, language, right=(4, 5), small=True)]


def _columns(facts: RunFacts, party: ScenarioParty | JoinParty) -> list[str]:
    """Return all columns of a party that a run reads: those of the agreement, else as the scenario implies them."""
    for terms in facts.agreement.parties if facts.agreement else ():
        if terms.id == party.id:
            return list(terms.columns)
    found = {condition.column for condition in party.where} | {"bsn"}
    if isinstance(party, JoinParty):
        found |= {column.name for column in party.columns} | {key.column for key in party.keys}
    return sorted(found)


def _condition(party: str, condition: Condition, language: str) -> Parts:
    value: Inline = json.dumps(condition.value, default=str)
    if isinstance(condition.value, int) and not isinstance(condition.value, bool):
        unit: Unit = "cents" if condition.column.endswith("_cents") else "count"
        value = number(condition.value, unit, "scenario", f"parties.{party}.where")
    return (f"{condition.column} {form.SIGNS[condition.operator].in_language(language)} ", value)


def _techniques(facts: RunFacts, language: str) -> list[Block]:
    scenario = facts.scenario
    if scenario is None:
        return [_no_scenario(facts, language)]
    hows = {(record.get("engine", ""), record.get("adder", "")) for record in facts.records.values()}
    engines = sorted("+".join(filter(None, how)) for how in hows if any(how))
    engine = ", ".join(engines) or form.UNKNOWN.in_language(language)
    leaders = names(list(scenario.leaders))
    if not isinstance(scenario, JoinScenario):
        return [say(words.STEPS_PAIRWISE, language, engine=engine, leaders=leaders)]
    compute = names(list(scenario.compute))
    predicate = " ".join(scenario.predicate.split())
    blocks: list[Block] = [
        say(words.STEPS_JOINT, language, leaders=leaders, compute=compute, engine=engine, predicate=predicate)
    ]
    for name, constant in scenario.constants.items():
        text = words.CONSTANT_ASSUMED if constant.assumed else words.CONSTANT
        unit: Unit = "cents" if constant.type.startswith("cents") else "plain" if constant.type == "code" else "count"
        value = number(constant.value, unit, "scenario", f"constants.{name}.value")
        blocks.append(say(text, language, name=name, value=value, source=constant.source.in_language(language)))
    return blocks


def _purposes(facts: RunFacts, language: str) -> list[Block]:
    purpose: list[Block] = []
    if facts.scenario is not None:
        purpose.append(say(words.PURPOSE, language, purpose=facts.scenario.purpose.in_language(language)))
    return [*purpose, *_digests(facts, language)]


def _digests(facts: RunFacts, language: str) -> list[Block]:
    record = next(iter(facts.records.values()), None)
    if record is None:
        return []
    unknown = form.UNKNOWN.in_language(language)
    return [
        say(
            words.DIGESTS,
            language,
            scenario=hex_groups(record.get("scenario_digest", "")) or unknown,
            agreement=record.get("agreement", "") or unknown,
            digest=hex_groups(record.get("agreement_digest", "")) or unknown,
        )
    ]


def _parties(facts: RunFacts, language: str) -> list[Block]:
    rows: list[list[Cell]] = []
    for party in facts.parties:
        known = facts.scenario is not None and party in facts.scenario.party_ids
        roles = facts.scenario.roles(party) if facts.scenario is not None and known else []
        named = [form.ROLES[role].in_language(language) for role in roles]
        rows.append([display_name(party), ", ".join(named) or None, words.AVG_ROLE.in_language(language)])
    return [table(words.PARTY_CAPTION, words.PARTY_HEADERS, rows, (1.5, 3, 1.5), language)]


def _law(_facts: RunFacts, language: str) -> list[Block]:
    rows = [
        [norm.name.in_language(language), norm.question.in_language(language), cite(*norm.sources)]
        for norm in norms.NORMS
    ]
    return [table(norms.NORM_CAPTION, norms.NORM_HEADERS, rows, (2, 4.2, 0.9), language)]


def _retention(facts: RunFacts, language: str) -> list[Block]:
    rows: list[list[Cell]] = []
    for party in facts.parties:
        keep = facts.records.get(party, {}).get("keep_until", {})
        rows.append([display_name(party), *(keep.get(name) for name in ("result", "secrets", "record"))])
    return [table(words.KEEP_CAPTION, words.KEEP_HEADERS, rows, (1.6, 1.4, 1.8, 1.4), language)]


def _basis(facts: RunFacts, language: str) -> list[Block]:
    blocks: list[Block] = [say(decisions.DECISIONS.get(facts.dossier.scenario, decisions.DEFAULT), language)]
    agreement = facts.agreement
    if agreement is None:
        return [*blocks, say(words.BASIS_UNKNOWN, language)]
    return [
        *blocks,
        say(words.BASIS_GIVEN, language, basis=agreement.grondslag.reference.in_language(language)),
        say(
            words.TERMS,
            language,
            start=agreement.start.isoformat(),
            end=agreement.end.isoformat(),
            runs=number(agreement.runs.max, "count", "agreement", "runs.max"),
            days=number(agreement.runs.period_days, "count", "agreement", "runs.period_days"),
        ),
    ]


def _special(facts: RunFacts, language: str) -> list[Block]:
    with_data = [p.id for p in facts.scenario.parties if p.dataset] if facts.scenario else facts.parties
    return [say(text, language) for party, text in (("cjib", words.CJIB), ("cak", words.CAK)) if party in with_data]


def _rights(facts: RunFacts, language: str) -> list[Block]:
    counts = [record["opted_out"] for record in facts.records.values() if "opted_out" in record]
    if not counts:
        return []
    return [say(words.OPTED_OUT, language, count=number(sum(counts), "count", "record", "sum(opted_out)"))]


def _risk_scores(facts: RunFacts, language: str) -> list[Block]:
    rows: list[tuple[str | Parts, ...]] = [
        (
            risk.id,
            risk.what.in_language(language),
            risks.LEVELS[risk.chance].in_language(language),
            risks.LEVELS[risk.impact].in_language(language),
        )
        for risk in risks.of(joint=facts.joint is not None)
    ]
    return [table(risks.SCORE_CAPTION, risks.SCORE_HEADERS, rows, (0.5, 4.4, 1.1, 1.1), language)]


def _measures(facts: RunFacts, language: str) -> list[Block]:
    rows = [
        [risk.id, risk.stops.in_language(language), risk.remains.in_language(language)]
        for risk in risks.of(joint=facts.joint is not None)
    ]
    return [table(risks.MEASURE_CAPTION, risks.MEASURE_HEADERS, rows, (0.6, 3, 3), language)]


def _necessity(_facts: RunFacts, language: str) -> list[Block]:
    return [say(subsidiarity.NOT_ALONE, language)]


_BUILDERS: dict[int, Builder] = {
    1: _proposal,
    2: _data,
    4: _techniques,
    5: _purposes,
    6: _parties,
    9: _law,
    10: _retention,
    11: _basis,
    12: _special,
    13: _digests,
    14: _necessity,
    15: _rights,
    16: _risk_scores,
    17: _measures,
}
