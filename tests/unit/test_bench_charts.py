"""Charts and the page of results: what they hold, and that they fit."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from support.bench import MACHINE, a_report, a_row

from psi_match.base.errors import UsageError
from psi_match.bench.chart_files import write_charts
from psi_match.bench.chart_groups import groups
from psi_match.bench.charts import _spread, charts
from psi_match.bench.model import Row
from psi_match.bench.results_page import write_page

SVG = "{http://www.w3.org/2000/svg}"
GROWING = [
    a_row(system, variant, (rows / 1000, rows / 900, rows / 800), rows)
    for rows in (1024, 4096, 16384)
    for system, variant in (("psi-match", "kkrt"), ("spu", "rr22"), ("spu", "kkrt"))
]


def uneven(data_rows: int) -> Row:
    parameters = {"rows": 1024, "data_rows": data_rows, "net": "loopback", "from": "memory"}
    return replace(a_row(), task=f"2^10 x {data_rows}", parameters=parameters)


def drawn(rows: list[Row], folder: Path) -> dict[str, list[str]]:
    """Return the texts of each chart."""
    write_charts(charts(rows), folder)
    return {
        path.stem: ["".join(text.itertext()) for text in ET.parse(path).iter(f"{SVG}text")]  # noqa: S314
        for path in folder.glob("*.svg")
    }


def test_all_contenders_are_on_the_same_axes(tmp_path: Path) -> None:
    texts = drawn(GROWING, tmp_path)
    assert set(texts) == {"time-psi", "bytes-psi", "phases-psi"}
    for name in texts:
        assert {"psi-match kkrt", "spu rr22", "spu kkrt"} <= set(texts[name])
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert {"2^10", "2^12", "2^14", "rows per party"} <= set(texts["time-psi"])
    assert {"oprf", "values", "other"} <= set(texts["phases-psi"])


def test_letters_stay_inside_a_chart() -> None:
    small_leader = replace(uneven(1 << 16), parameters=dict(uneven(1 << 16).parameters) | {"net": "wan", "from": "csv"})
    for chart in charts([*GROWING, uneven(1 << 16), small_leader]):
        FigureCanvasAgg(chart.figure).draw()
        texts = list(chart.figure.texts)
        for axes in chart.figure.axes:
            # A logarithmic axis has labels beyond its ends, which are not drawn.
            texts += [*axes.texts, *(axes.get_yticklabels() if axes.axison and axes.get_yscale() == "linear" else ())]
        for text in texts:
            box = text.get_window_extent()
            assert -1 <= box.x0 <= box.x1 <= chart.figure.bbox.width + 1, (chart.name, text.get_text())
            assert -1 <= box.y0 <= box.y1 <= chart.figure.bbox.height + 1, (chart.name, text.get_text())


def test_equal_rows_give_equal_pictures(tmp_path: Path) -> None:
    for name in ("once", "twice"):
        write_charts(charts(GROWING), tmp_path / name, png=False)
    for path in (tmp_path / "once").iterdir():
        assert path.read_bytes() == (tmp_path / "twice" / path.name).read_bytes()


def test_what_was_done_otherwise_is_on_other_axes() -> None:
    wan = replace(a_row(), parameters=dict(a_row().parameters) | {"net": "wan"})
    from_files = replace(a_row(), parameters=dict(a_row().parameters) | {"from": "csv"})
    keys = [group.key for group in groups([a_row(), uneven(1 << 16), uneven(1 << 18), wan, from_files])]
    assert keys == ["psi", "psi-leader-210", "psi-wan", "psi-csv"]


def test_a_single_size_becomes_bars(tmp_path: Path) -> None:
    texts = drawn([a_row(), a_row("spu", "rr22", walls=(0.25,))], tmp_path)
    assert {"psi-match kkrt", "spu rr22", "2.00", "0.25"} <= set(texts["time-psi"])


def test_what_sends_nothing_has_no_chart_of_bytes(tmp_path: Path) -> None:
    silent = replace(a_row(), runs=tuple(replace(run, bytes={}, phase_bytes={}) for run in a_row().runs))
    assert set(drawn([silent], tmp_path)) == {"time-psi", "phases-psi"}


@pytest.mark.parametrize("at", [[0.5, 0.5, 0.5], [0.0, 0.01, 0.02], [0.99, 1.0, 0.98], [0.1, 0.9, 0.5]])
def test_labels_do_not_touch(at: list[float]) -> None:
    placed = sorted(_spread(at, 0.1).values())
    assert all(second - first > 0.0999 for first, second in pairwise(placed))
    assert placed[0] > -0.001
    assert placed[-1] <= 1


def test_charts_without_matplotlib_are_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="need matplotlib"):
        charts(GROWING)


def test_the_page_holds_what_the_reports_say(tmp_path: Path) -> None:
    theirs = replace(
        a_row("spu", "rr22", (0.5,)), reveals="The receiver learns more.", remarks=("a fair remark",), bytes_are="TCP"
    )
    later = replace(a_report(a_row(walls=(7.25,))), started="2026-11-25T00:00:00+00:00")
    (tmp_path / "pictures").mkdir()
    stale = tmp_path / "pictures" / "bench-time-old.svg"
    kept = tmp_path / "pictures" / "page.svg"
    for path in (stale, kept):
        path.write_text("<svg/>")
    written = write_page([later, a_report(a_row(), theirs)], tmp_path / "benchmarks.md")
    text = (tmp_path / "benchmarks.md").read_text()
    assert not stale.exists()
    assert kept.exists()
    for target in re.findall(r"\]\((pictures/[^)]+)\)", text):
        assert tmp_path / target in written
    for words in ("Some Processor", "numpy 2", "2026-11-25", "7.25", "The receiver learns more.", "spu rr22: a fair"):
        assert words in text
    assert "| 2^10 x 2^10 | psi-match kkrt | 7.25 | 7.25 | 7.25 |" in text  # of equal rows the later one
    assert "spu rr22 is faster: 2^10 x 2^10 (0.50 s against 7.25 s of kkrt)." in text


def test_a_page_is_of_one_machine_and_of_something(tmp_path: Path) -> None:
    other = replace(a_report(a_row()), machine=MACHINE | {"cpu": "Another"})
    with pytest.raises(UsageError, match="different machines"):
        write_page([a_report(a_row()), other], tmp_path / "page.md")
    with pytest.raises(UsageError, match="no row"):
        write_page([a_report()], tmp_path / "page.md")
    alone = write_page([a_report(a_row())], tmp_path / "page.md")
    assert len(alone) == 4
    assert "No other program took part" in (tmp_path / "page.md").read_text()
