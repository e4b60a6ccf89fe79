"""The page of results: Markdown with charts beside it, made from reports alone. No number in it was typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from psi_match.base.errors import UsageError
from psi_match.bench.chart_files import Chart, write_charts
from psi_match.bench.chart_groups import Group, groups
from psi_match.bench.charts import charts
from psi_match.bench.compare import row_key
from psi_match.bench.growth import growth_tables, memory_sentences
from psi_match.bench.machine import differences
from psi_match.bench.model import Report, Row
from psi_match.bench.tables import Table, all_phases, as_markdown, summary
from psi_match.bench.winners import compared, where_others_win

PICTURES, PREFIX = "pictures", "bench-"
_INTRODUCTION = """\
# Benchmarks

Made by `psi-match bench page` from the reports of `psi-match bench`: every number here is measured, none was typed.
[bench.md](bench.md) says what each suite measures and what is counted; `scripts/benchmarks` measures all of it anew.

Seconds are wall time, of several runs the least, the median and the most; runs of all contenders of a task alternate.
CPU seconds are those of all parties together, memory is that of the party with most, both of the median run. Every
answer was compared with a plaintext one.
"""
_SUITES = {
    "psi": "Intersection of two parties",
    "join": "Joint runs",
    "predicate": "Predicate on secret columns",
    "quorum": "At least k of n parties",
    "scenario": "Scenarios of the catalogue",
    "population": "Synthetic populations",
}


def write_page(reports: Sequence[Report], out: Path) -> list[Path]:
    """Write the page, and its charts into the folder ``pictures`` beside it; charts of an earlier page go.

    Args:
        reports: of one machine; of equal rows the one measured last counts.
        out: the Markdown file.

    Returns:
        The files that were written.

    Raises:
        UsageError: the reports are of different machines or hold no row, matplotlib is missing, or a file cannot be
            written.
    """
    for report in reports[1:]:
        if found := differences(reports[0].machine, report.machine):
            raise UsageError(
                f"The reports are of different machines: {'; '.join(found)}.", "Make one page per machine."
            )
    rows = _latest(reports)
    if not rows:
        raise UsageError("The reports hold no row.", "Measure first: psi-match bench psi --out DIR")
    found_charts = charts(rows)
    named = [Chart(PREFIX + chart.name, chart.title, chart.alt, chart.figure) for chart in found_charts]
    folder = out.parent / PICTURES
    text = "\n".join([_INTRODUCTION, *_measured(reports), *_chapters(rows, named), *_growth(rows), *_others(rows)])
    write_charts(named, folder, png=False)
    written = [folder / f"{chart.name}.svg" for chart in named]
    for stale in set(folder.glob(f"{PREFIX}*.svg")) - set(written):
        stale.unlink()
    try:
        out.write_text(text.rstrip() + "\n", encoding="utf-8")
    except OSError as cause:
        raise UsageError(f"Cannot write {out}: {cause.strerror}.", "Choose another --out.") from None
    return [out, *written]


def _latest(reports: Iterable[Report]) -> list[Row]:
    found: dict[tuple[object, ...], Row] = {}
    for report in sorted(reports, key=lambda report: report.started):
        found |= {row_key(row): row for row in report.rows}
    order = list(_SUITES)
    return sorted(found.values(), key=lambda row: order.index(row.suite) if row.suite in order else len(order))


def _measured(reports: Sequence[Report]) -> list[str]:
    machine = reports[0].machine
    lines = tuple(
        (name.replace("_", " ").replace("gib", "GiB"), str(value))
        for name, value in machine.items()
        if name != "load_at_start"
    )
    commands = tuple(
        (report.started, f"`{report.command}`", str(report.machine.get("load_at_start", "-"))) for report in reports
    )
    versions = {name: version for report in reports for name, version in report.versions.items()}
    return [
        "## Machine and versions\n",
        as_markdown(Table("", ("machine", ""), lines, ())),
        as_markdown(Table("", ("measured (UTC)", "command", "load at start"), commands, (2,))),
        ", ".join(f"{name} {version}" for name, version in versions.items()) + ".\n",
    ]


def _chapters(rows: Sequence[Row], found: Sequence[Chart]) -> list[str]:
    by_name = {chart.name: chart for chart in found}
    parts: list[str] = []
    for suite in dict.fromkeys(row.suite for row in rows):
        own = [row for row in rows if row.suite == suite]
        parts.append(f"## {_SUITES.get(suite, suite)}\n")
        for group in groups(own):
            parts += _group(group, by_name)
        parts += _said(own)
    return parts


def _group(group: Group, by_name: Mapping[str, Chart]) -> list[str]:
    rows = sorted((row for line in group.lines for _, row in line.points), key=_task_of)
    drawn = [by_name.get(f"{PREFIX}{kind}-{group.key}") for kind in ("time", "bytes", "phases")]
    pictures = [_picture(chart) for chart in drawn if chart]
    return [
        f"### {group.title}\n",
        *pictures[:-1],
        as_markdown(summary(rows)),
        pictures[-1],
        as_markdown(all_phases(group.largest)),
    ]


def _task_of(row: Row) -> tuple[int, ...]:
    """Order rows by size; those of one task stay in the order of contenders."""
    return tuple(int(row.parameters[name]) for name in ("data_rows", "rows", "persons") if name in row.parameters)


def _picture(chart: Chart) -> str:
    return f"![{chart.alt.replace('[', '(').replace(']', ')')}]({PICTURES}/{chart.name}.svg)\n"


def _said(rows: Sequence[Row]) -> list[str]:
    """Return what each contender reveals, what is counted as its bytes, and what else must be said of it."""
    reveals: dict[str, tuple[str, str]] = {}
    remarks: dict[str, list[str]] = {}
    for row in rows:
        reveals[row.name] = (row.reveals or "nothing beside the answer and public sizes", row.bytes_are)
        for remark in row.remarks:
            remarks.setdefault(remark, []).append(row.name)
    lines = tuple((name, *said) for name, said in reveals.items())
    parts = ["### Contenders\n", as_markdown(Table("", ("contender", "reveals", "bytes are"), lines, ()))]
    parts += [f"- {', '.join(dict.fromkeys(names))}: {_sentence(remark)}" for remark, names in remarks.items()]
    return [*parts, ""] if remarks else parts


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _growth(rows: Sequence[Row]) -> list[str]:
    tables = growth_tables(rows)
    if not tables:
        return []
    parts = [
        "## Growth\n",
        "Processor time of both parties against the rows, medians of all runs of a size; 1.00 is exactly linear, less",
        "is better. Memory is the peak of each node, whose line weighs relative errors alike.\n",
    ]
    for table in tables:
        parts += [f"### {table.title}\n", as_markdown(table)]
    return [*parts, *(f"- {sentence}" for sentence in memory_sentences(rows)), ""]


def _others(rows: Sequence[Row]) -> list[str]:
    if not compared(rows):
        return ["## Where others win\n", "No other program took part in these reports.\n"]
    found = where_others_win(rows)
    return [
        "## Where others win\n",
        "Each line is a program and a measure in which it beats the best variant of this one, by medians.\n",
        *([f"- {sentence}" for sentence in found] or ["Nowhere in these reports."]),
    ]
