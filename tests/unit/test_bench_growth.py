"""Growth of processor time and memory, from rows whose figures are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.bench import a_report, a_row

from psi_match.bench.growth import growth_tables, memory_line, memory_sentences
from psi_match.bench.model import Row
from psi_match.bench.results_page import write_page

MB = 1_000_000


def _measured(rows: int, cpu_s: float, system: str = "psi-match", variant: str = "kkrt") -> Row:
    """A row whose parties share the processor time, and need 200 MB + 50 bytes a row and 100 MB + 40 bytes a row."""
    row = a_row(system, variant, rows=rows)
    peaks = {"cjib": 200 * MB + 50 * rows, "belastingdienst": 100 * MB + 40 * rows}
    # One run of three is far off, which a median does not see.
    runs = [
        replace(run, cpu_s={"cjib": factor * cpu_s / 2, "belastingdienst": factor * cpu_s / 2}, peak_rss_bytes=peaks)
        for run, factor in zip(row.runs, (1.0, 9.0, 1.0), strict=True)
    ]
    return replace(row, runs=tuple(runs))


SIZES = [1 << 16, 1 << 18, 1 << 20, 1 << 22]


def test_linear_growth_is_one_and_a_tenth_more_shows() -> None:
    rows = [_measured(size, size / 1e6) for size in SIZES[:-1]] + [_measured(SIZES[-1], 1.1 * SIZES[-1] / 1e6)]
    (table,) = growth_tables(rows)
    assert [line[0] for line in table.lines] == ["2^16", "2^18", "2^20", "2^22"]
    assert [line[3] for line in table.lines] == ["1.00", "1.00", "1.00", "1.10"]
    assert [line[4:6] for line in table.lines] == [("-", "-"), ("1.00", "1.00"), ("1.00", "1.00"), ("1.10", "1.10")]


def test_memory_is_a_base_and_bytes_a_row() -> None:
    rows = [_measured(size, 1.0) for size in SIZES]
    line = memory_line(rows, "cjib")
    assert line.base_bytes == pytest.approx(200 * MB)
    assert line.row_bytes == pytest.approx(50)
    assert line.furthest < 1e-9
    (sentence,) = memory_sentences(rows)
    assert "cjib 200 MB and 50 bytes a row" in sentence
    assert "belastingdienst 100 MB and 40 bytes a row" in sentence


def test_what_no_growth_can_be_read_from_is_left_out() -> None:
    two = [_measured(size, 1.0) for size in SIZES[:2]]
    small = [_measured(size, 1.0) for size in (1 << 12, 1 << 13, 1 << 14)]
    others = [_measured(size, 1.0, "spu", "rr22") for size in SIZES]
    uneven = [
        replace(row, parameters=dict(row.parameters) | {"data_rows": 1 << 22})
        for row in (_measured(size, 1.0, variant="vole") for size in SIZES[:3])
    ]
    assert not growth_tables([*two, *small, *others, *uneven])
    assert not memory_sentences([*two, *small, *others, *uneven])


def test_the_page_has_it(tmp_path) -> None:  # noqa: ANN001
    pytest.importorskip("matplotlib")
    rows = [_measured(size, size / 1e6) for size in SIZES]
    write_page([a_report(*rows)], tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text()
    assert "## Growth" in text
    assert "cjib 200 MB and 50 bytes a row" in text
