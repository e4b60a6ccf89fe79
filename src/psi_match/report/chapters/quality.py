"""Chapter D: precision and recall of the rule on synthetic truth, and what thresholds do."""

from __future__ import annotations

from functools import partial
from typing import Any

from psi_match.report import pictures
from psi_match.report.chapters.figures import figure
from psi_match.report.chapters.parts import Cell, chapter, note, say, table, warn
from psi_match.report.evaluated import Point, Quality, ScenarioEvaluation, Threshold
from psi_match.report.facts import RunFacts
from psi_match.report.model import Block, Inline, Parts, Section, Unit
from psi_match.report.numbers import fill, number, wilson
from psi_match.report.texts import annexes as texts
from psi_match.report.texts import form


def quality(facts: RunFacts, language: str) -> list[Section]:
    """Return the chapter."""
    evaluation = facts.evaluation
    if evaluation is None:
        return [chapter("quality", [warn(form.MISSING, texts.NO_EVALUATION, language)], language)]
    blocks: list[Block] = [note(form.READ, texts.QUALITY_NOTE, language), *_population(facts, evaluation, language)]
    measured = evaluation.quality
    if measured:
        blocks += [say(measured.definition, language, texts.DEFINITION), _measures(measured, language)]
    else:
        blocks.append(say(evaluation.quality_reason or texts.NO_QUALITY, language, texts.NO_PRECISION))
    if evaluation.thresholds:
        blocks += _thresholds(facts, evaluation.thresholds, language)
    return [chapter("quality", blocks, language)]


def _population(facts: RunFacts, evaluation: ScenarioEvaluation, language: str) -> list[Block]:
    blocks: list[Block] = []
    population = facts.population
    if population:
        blocks.append(
            say(
                texts.POPULATION,
                language,
                persons=number(population.persons, "count", "evaluation", "population.persons"),
                date=population.reference_date,
                seed=number(population.seed, "plain", "evaluation", "population.seed"),
            )
        )
    if evaluation.distinct_persons is not None:
        count = number(evaluation.distinct_persons, "count", "evaluation", "scenario.distinct_persons")
        blocks.append(say(texts.DISTINCT, language, count=count))
    if evaluation.overlap and len(evaluation.overlap.parties) > 1:
        counts = [
            number(cell.count, "count", "evaluation", "scenario.overlap.cells[].count")
            for cell in evaluation.overlap.cells
        ]
        draw = partial(pictures.upset, (facts.dossier.evaluation or {})["scenario"]["overlap"], language)
        blocks.append(figure(draw, texts.OVERLAP_CAPTION, language, counts))
    return blocks


def _measures(measured: Quality, language: str) -> Block:
    counts = (
        (texts.SELECTED, "selected", measured.selected),
        (texts.RELEVANT, "relevant", measured.relevant),
        (texts.HITS, "hits", measured.hits),
    )
    rows: list[list[Cell]] = [
        [label.in_language(language), number(value, "count", "evaluation", f"scenario.quality.{name}"), ""]
        for label, name, value in counts
    ]
    shares = (
        (texts.PRECISION, "precision", measured.precision, "selected", measured.selected),
        (texts.RECALL, "recall", measured.recall, "relevant", measured.relevant),
    )
    for label, name, share, of, total in shares:
        shown = None if share is None else number(share, "share", "evaluation", f"scenario.quality.{name}")
        # All that is selected is right, or all that is right selected, only where the definition makes it so: chance
        # has no part in that.
        given = bool(total) and total == measured.hits and (name == "precision" or measured.says_nothing)
        interval: Cell = texts.BY_DEFINITION.in_language(language) if given else None
        rows.append([label.in_language(language), shown, interval or _interval(measured.hits, total, of, language)])
    return table(texts.QUALITY_CAPTION, texts.QUALITY_HEADERS, rows, (3, 1.2, 1.8), language, right=(1,))


def _interval(hits: int, total: int, of: str, language: str) -> Parts | None:
    if not total:
        return None
    how = f"Wilson 95 %: quality.hits, quality.{of}"
    low, high = (number(bound, "share", "evaluation", how) for bound in wilson(hits, total))
    return fill(texts.INTERVAL, language, low=low, high=high)


_UNITS: dict[str, Unit] = {"cents": "cents", "cents_per_month": "cents"}


def _thresholds(facts: RunFacts, thresholds: list[Threshold], language: str) -> list[Block]:
    """Return a picture of all thresholds and a table with its numbers."""
    judged = any(point.relevant is not None for threshold in thresholds for point in threshold.points)
    rows: list[list[Cell]] = []
    for threshold in thresholds:
        where = f"scenario.thresholds.{threshold.name}.points[]"
        for point in threshold.points:
            row: list[Cell] = [threshold.label.in_language(language), _value(threshold, point, where, language)]
            counts = {"selected": point.selected} | ({"hits": point.hits, "relevant": point.relevant} if judged else {})
            shares = {"precision": point.precision, "recall": point.recall} if judged else {}
            row += [_number(value, "count", f"{where}.{name}") for name, value in counts.items()]
            row += [_number(value, "share", f"{where}.{name}") for name, value in shares.items()]
            rows.append(row)
    headers = texts.THRESHOLD_HEADERS if judged else texts.THRESHOLD_HEADERS_COUNTS
    widths = (3.2, 1.5, 1.1, 0.9, 1.3, 0.9, 0.9) if judged else (3.2, 1.5, 1.1)
    raw: Any = (facts.dossier.evaluation or {})["scenario"]["thresholds"]
    return [
        figure(partial(pictures.thresholds, raw, language), texts.THRESHOLD_FIGURE, language),
        table(texts.THRESHOLD_CAPTION, headers, rows, widths, language, right=range(1, len(widths)), small=True),
    ]


def _number(value: float | None, unit: Unit, field: str) -> Cell:
    return "-" if value is None else number(value, unit, "evaluation", field)


def _value(threshold: Threshold, point: Point, where: str, language: str) -> Parts:
    """Return a threshold's value, marked if it is the scenario's own."""
    value: Inline
    if threshold.unit == "boolean":
        value = (texts.YES if point.value else texts.NO).in_language(language)
    else:
        value = number(point.value, _UNITS.get(threshold.unit, "count"), "evaluation", f"{where}.value")
    return (value, texts.CURRENT.in_language(language)) if point.value == threshold.current else (value,)
