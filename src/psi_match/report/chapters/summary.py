"""The one page for a minister: eight questions, each answered in a few lines."""

from __future__ import annotations

import re

from psi_match.domain.parties import display_name
from psi_match.report.chapters.parts import Cell, say, sentence, table, warn
from psi_match.report.facts import Outcome, OutputKind, RunFacts, names
from psi_match.report.minimisation import Baseline, baselines, party_name
from psi_match.report.minimisation_texts import COUNTING, OF_OWN_ROWS
from psi_match.report.model import Block, Bullets, Callout, Paragraph, Parts, Section
from psi_match.report.numbers import fill, joined, number, wilson
from psi_match.report.reasons import told
from psi_match.report.texts import annexes as texts_of_annexes
from psi_match.report.texts import decisions, dpia_words, form
from psi_match.report.texts import summary as texts
from psi_match.scenario.join_model import JoinScenario
from psi_match.scenario.joint_disclosure import numbers_in_reach
from psi_match.scenario.model import Text


def summary(facts: RunFacts, language: str) -> tuple[Section, ...]:
    """Return the sections of the first page."""
    parts: list[tuple[str, Text, list[Block]]] = [
        ("asked", texts.ASKED, _asked(facts, language)),
        ("took-part", texts.TOOK_PART, _took_part(facts, language)),
        ("came-out", texts.CAME_OUT, _came_out(facts, language)),
        ("learned", texts.LEARNED, _learned(facts, language)),
        ("spared", texts.SPARED, _spared(facts, language)),
        ("costs", texts.COSTS, _costs(facts, language)),
        ("wrong", texts.WRONG, _dangers(facts, language)),
        (
            "decision",
            texts.DECISION,
            [say(decisions.DECISIONS.get(facts.dossier.scenario, decisions.DEFAULT), language)],
        ),
    ]
    return tuple(
        Section(name, title.in_language(language), 1, tuple(blocks)) for name, title, blocks in parts if blocks
    )


def _asked(facts: RunFacts, language: str) -> list[Block]:
    scenario = facts.scenario
    if scenario is None:
        return [warn(form.MISSING, texts.NO_SCENARIO, language, name=facts.dossier.scenario)]
    # The title of the scenario stands above, as that of the report.
    asked = [fill(dpia_words.PURPOSE, language, purpose=scenario.purpose.in_language(language))]
    for name, constant in facts.joint.constants.items() if facts.joint else ():
        # A purpose may say "k creditors": a minister should not have to look it up.
        if re.search(rf"\b{re.escape(name)}\b", scenario.purpose.in_language(language)):
            value = number(constant.value, "count", "scenario", f"constants.{name}.value")
            asked.append(fill(texts.CONSTANT, language, name=name, value=value))
    blocks: list[Block] = [Paragraph(joined(asked, " "))]
    if facts.records and not facts.scenario_fits:
        blocks.append(warn(form.MISSING, texts.OTHER_SCENARIO, language, name=scenario.name))
    return blocks


def _took_part(facts: RunFacts, language: str) -> list[Block]:
    count = number(len(facts.parties), "count", "record", "parties")
    rows = facts.rows_in
    blocks: list[Block] = [
        say(texts.PARTIES_WITHOUT_ROWS, language, count=count, names=names(facts.parties))
        if rows is None
        else say(texts.PARTIES, language, count=count, names=names(facts.parties), rows=rows)
    ]
    if facts.missing:
        blocks.append(warn(form.MISSING, texts.MISSING_RECORDS, language, names=names(facts.missing)))
    return blocks


def _came_out(facts: RunFacts, language: str) -> list[Block]:
    if facts.state == "finished":
        return [*_results(facts, facts.outcomes, language), *_about_the_rule(facts, language)]
    holders = names(facts.holders)
    if facts.state == "failed":
        text = texts.RUN_FAILED_PARTLY if facts.holders else texts.RUN_FAILED
        parts = [fill(text, language, names=names(facts.failed), holders=holders), _reasons(facts, language)]
        box = Callout("warning", form.FAILED.in_language(language), joined(parts, " "))
    else:
        text = texts.NOT_FINISHED_PARTLY if facts.holders else texts.NOT_FINISHED
        box = warn(form.MISSING, text, language, holders=holders)
    return [box, *_results(facts, _held(facts), language)]


def _held(facts: RunFacts) -> list[Outcome]:
    """Return the outcomes that a node kept, of a run that did not end well everywhere."""
    return [outcome for outcome in facts.outcomes if outcome.party in facts.holders]


def _reasons(facts: RunFacts, language: str) -> Parts:
    """Return what the records say of the failure, as far as that is for others than the node's own people."""
    kept = texts_of_annexes.REASON_KEPT.in_language(language)
    given = [told(facts.records[party].get("error", "")) or kept for party in facts.failed]
    reasons = " ".join(dict.fromkeys(sentence(reason) for reason in given))
    return fill(texts.REASONS, language, reasons=reasons)


def _results(facts: RunFacts, outcomes: list[Outcome], language: str) -> list[Block]:
    if not outcomes:
        return []
    rows: list[list[Cell]] = [
        [
            display_name(o.party),
            _result(facts, o, language),
            certainty(facts, o, language),
            follow_up(facts, o, language),
        ]
        for o in outcomes
    ]
    return [table(texts.RESULT_CAPTION, texts.RESULT_HEADERS, rows, (1.1, 1.0, 3.1, 2.3), language)]


def _result(facts: RunFacts, outcome: Outcome, language: str) -> Parts:
    if outcome.rows is None:
        return (texts.NO_RESULT.in_language(language),)
    return fill(texts.RESULT_ROWS[unit_of(facts, outcome)], language, rows=outcome.rows)


def _about_the_rule(facts: RunFacts, language: str) -> list[Block]:
    """Return what the numbers say of the rule itself: that is another question than whether it was computed right."""
    said: list[Parts] = []
    if any(o.expected is not None and o.rows is not None and o.kind != "statistics" for o in facts.outcomes):
        said.append(fill(texts.ONLY_COMPUTED, language))
    said += _hits(facts, language)
    return [Paragraph(joined(said, " "))] if said else []


def _hits(facts: RunFacts, language: str) -> list[Parts]:
    """Return how well the rule hits, where that says something about the rule."""
    quality = facts.evaluation.quality if facts.evaluation else None
    if quality is None or not quality.selected or not quality.relevant:
        return []
    if quality.says_nothing:
        return [fill(texts.SAYS_NOTHING, language)]
    shares = [("recall", quality.relevant, texts.RECALL)]
    # All right is what the definition makes of it, not a finding: chapter D.
    if quality.hits < quality.selected:
        shares.append(("precision", quality.selected, texts.PRECISION))
    sentences = []
    for name, total, text in shares:
        low, high = wilson(quality.hits, total)
        how = f"Wilson 95 %: scenario.quality.hits, {'relevant' if name == 'recall' else 'selected'}"
        sentences.append(
            fill(
                text,
                language,
                share=number(quality.hits / total, "share", "evaluation", f"scenario.quality.{name}"),
                low=number(low, "share", "evaluation", how),
                high=number(high, "share", "evaluation", how),
            )
        )
    return sentences


def unit_of(facts: RunFacts, outcome: Outcome) -> str:
    """Return what a recipient's rows are: ``persons``, ``households`` or ``cells``."""
    if outcome.kind == "statistics":
        return "cells"
    scenario = facts.scenario
    if isinstance(scenario, JoinScenario) and len(scenario.party(scenario.leaders[0]).keys) > 1:
        return "households"
    return "persons"


def certainty(facts: RunFacts, outcome: Outcome, language: str) -> Parts:
    """Return how certain a result is, as far as the truth of a synthetic population tells."""
    if outcome.rows is None:
        return (form.UNKNOWN.in_language(language),)
    sentences: list[Parts] = []
    if outcome.expected is not None:
        equal = outcome.expected.value == outcome.rows.value
        sentences.append(fill(texts.EQUAL_TRUTH if equal else texts.UNEQUAL_TRUTH, language, expected=outcome.expected))
    # A household is no draw from the population's persons.
    if facts.population and unit_of(facts, outcome) == "persons":
        persons = facts.population.persons
        low, high = (round(persons * bound) for bound in wilson(min(int(outcome.rows.value), persons), persons))
        how = f"Wilson 95 %: result_rows, population.persons ({outcome.party})"
        sentences.append(
            fill(
                texts.RANGE,
                language,
                low=number(low, "count", "evaluation", how),
                high=number(high, "count", "evaluation", how),
            )
        )
    return joined(sentences, " ") or fill(texts.NO_TRUTH, language)


def follow_up(facts: RunFacts, outcome: Outcome, language: str) -> str:
    """Return what a human does with a result."""
    own = None if outcome.kind == "statistics" else texts.FOLLOW_UP_IN.get(facts.dossier.scenario)
    return (own or texts.FOLLOW_UP[outcome.kind]).in_language(language)


def _learned(facts: RunFacts, language: str) -> list[Block]:
    outcomes = facts.outcomes if facts.state == "finished" else _held(facts)
    if not outcomes:
        return [say(texts.WHO_LEARNED_FAILED, language)] if facts.state == "failed" else []
    by_kind: dict[OutputKind, list[str]] = {}
    for outcome in outcomes:
        by_kind.setdefault(outcome.kind, []).append(outcome.party)
    learned = [fill(texts.LEARNED_BY[kind], language, recipients=names(found)) for kind, found in by_kind.items()]
    return [Paragraph(joined([*learned, fill(texts.ALL_SEE, language)], " "))]


def _spared(facts: RunFacts, language: str) -> list[Block]:
    if facts.scenario is None or facts.state != "finished":
        return []
    ways = [way for way in baselines(facts.dossier, facts.scenario) if way.readable]
    people = facts.evaluation is not None
    rows: list[list[Cell]] = []
    for way in ways:
        party, most = _most(way)
        row: list[Cell] = [
            way.title.in_language(language),
            number(most, "count", "baseline", f"{way.name}: {way.sources.get(party, '')}"),
        ]
        if people:
            known = way.persons.get(party)
            field = f"{way.name}: persons.{party}"
            row.append(
                texts.ONE_OR_TWO.in_language(language) if known is None else number(known, "count", "baseline", field)
            )
        rows.append([*row, party_name(party, language) if most else form.NONE.in_language(language)])
    if not rows:
        return []
    headers = texts.SPARED_HEADERS if people else texts.SPARED_ROWS_HEADERS
    widths = (2.6, 1.5, 1.7, 1.8) if people else (3.0, 1.6, 1.8)
    shown = table(texts.SPARED_CAPTION, headers, rows, widths, language, right=range(1, len(widths) - 1))
    return [*_difference(facts, ways, language), shown, *_counted(facts, language)]


def _difference(facts: RunFacts, ways: list[Baseline], language: str) -> list[Block]:
    """Return how much less is read than in the most sparing of the other ways, never than in the worst."""
    others = [way for way in ways if way.name != "psi-match"]
    own = next((way for way in ways if way.name == "psi-match"), None)
    if own is None or not others:
        return []
    least = min(others, key=lambda way: _most(way)[1])
    said: list[Parts] = []
    spared = _most(least)[1] - _most(own)[1]
    if spared > 0:
        count = number(spared, "count", "baseline", f"{least.name}.readable - psi-match.readable")
        said.append(fill(texts.SPARED_ROWS, language, count=count, way=least.title.in_language(language)))
    signal = any(outcome.kind == "signal" for outcome in facts.outcomes)
    if signal and "residents-only" not in {way.name for way in ways}:
        said.append(fill(texts.RESIDENTS_UNKNOWN, language))
    return [Paragraph(joined(said, " "))] if said else []


def _counted(facts: RunFacts, language: str) -> list[Block]:
    """Return how the rows were counted, and what psi-match's own number leaves out."""
    kinds = {outcome.kind for outcome in facts.outcomes}
    said = [COUNTING, *([] if kinds <= {"signal", "statistics"} else [OF_OWN_ROWS])]
    return [Paragraph(joined([fill(text, language) for text in said], " "))]


def _most(way: Baseline) -> tuple[str, int]:
    """Return who reads most in a way of working, and how many rows."""
    return max(way.readable.items(), key=lambda item: item[1])


def _costs(facts: RunFacts, language: str) -> list[Block]:
    wall, total, cpu = facts.wall, facts.total_bytes, facts.cpu
    if wall is None or total is None or cpu is None:
        return [say(texts.NO_COST, language)]
    nodes = number(len(facts.records), "count", "record", "records")
    return [say(texts.COST, language, wall=wall, bytes=total, cpu=cpu, nodes=nodes)]


def _dangers(facts: RunFacts, language: str) -> list[Block]:
    own = fill(texts.DANGER_PAIRWISE, language)
    if facts.joint:
        numbers = texts.DANGER_NUMBERS.in_language(language) if numbers_in_reach(facts.joint) else ""
        own = fill(texts.DANGER_JOINT, language, compute=names(list(facts.joint.compute)), numbers=numbers)
    return [Bullets((own, *(fill(text, language) for text in texts.DANGERS)))]
