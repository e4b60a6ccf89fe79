"""Chapter C: about how many people each way of working gives somebody something readable."""

from __future__ import annotations

from functools import partial

from psi_match.report import pictures
from psi_match.report.chapters.figures import figure
from psi_match.report.chapters.parts import Cell, chapter, note, say, table, warn
from psi_match.report.facts import RunFacts, names
from psi_match.report.minimisation import Baseline, baselines, party_name
from psi_match.report.minimisation_texts import COUNTING
from psi_match.report.model import Block, Parts, Section
from psi_match.report.numbers import fill, joined, number
from psi_match.report.texts import annexes as texts
from psi_match.report.texts import form


def minimisation(facts: RunFacts, language: str) -> list[Section]:
    """Return the chapter."""
    if facts.scenario is None or facts.state != "finished":
        return [chapter("minimisation", [warn(form.MISSING, texts.NO_BASELINES, language)], language)]
    ways = baselines(facts.dossier, facts.scenario)
    rows: list[list[Cell]] = [
        [
            way.title.in_language(language),
            number(way.rows_crossing, "count", "baseline", f"{way.name}: {way.crossing_source}"),
            _readable(way, language),
            way.explanation.in_language(language),
        ]
        for way in ways
    ]
    widths = (1.5, 1.1, 2.2, 3.2)
    blocks: list[Block] = [
        say(texts.BASELINE_TEXT, language),
        note(form.READ, COUNTING, language),
        figure(partial(pictures.baselines, ways, language), texts.BASELINE_FIGURE, language),
        table(texts.BASELINE_CAPTION, texts.BASELINE_HEADERS, rows, widths, language, right=(1,), small=True),
    ]
    missing = list(dict.fromkeys(party for way in ways for party in way.missing))
    if missing:
        blocks.append(warn(form.MISSING, texts.BASELINE_MISSING, language, names=names(missing)))
    return [chapter("minimisation", blocks, language)]


def _readable(way: Baseline, language: str) -> Parts:
    some: list[Parts] = []
    for party, rows in way.readable.items():
        if not rows:
            continue
        parts: Parts = (
            f"{party_name(party, language)}: ",
            number(rows, "count", "baseline", f"{way.name}: {way.sources.get(party, '')}"),
        )
        if party in way.persons:
            people = number(way.persons[party], "count", "baseline", f"{way.name}: persons.{party}")
            parts += fill(texts.OF_PEOPLE, language, people=people)
        if way.wrongly.get(party):
            wrong = number(way.wrongly[party], "small", "baseline", f"{way.name}: wrongly.{party}")
            parts += fill(texts.WRONGLY, language, wrong=wrong)
        some.append(parts)
    return joined(some, "; ") or (texts.NOBODY.in_language(language),)
