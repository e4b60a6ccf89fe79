"""The model of large intersections: bytes against a run, and constants that are found again."""

from __future__ import annotations

import numpy as np
import pytest
from support.protocol import intersect
from support.sets import two_sets

from psi_match.base.errors import UsageError
from psi_match.bench import scaling
from psi_match.bench.model import Row, RunFigures
from psi_match.bench.scaling import Constants, SideConstants, Surroundings

TRUE = Constants(
    leader=SideConstants(0.1, 9e-7, 5e-7, 3.5e8, 60.0),
    data_party=SideConstants(0.05, 7e-7, 4e-7, 3.6e8, 20.0),
    frame_bytes=32.0,
    session_bytes=1000.0,
    stretch=1.5,
)
CORES = 2
SIZES = (1 << 18, 1 << 20, 1 << 21, 1 << 22)


def _row(rows: int, variant: str = scaling.ENGINE, data_rows: int | None = None) -> Row:
    guess = scaling.predict(TRUE, rows, Surroundings())
    sides = (TRUE.leader, TRUE.data_party)
    figures = RunFigures(
        wall_s=scaling.on_one_machine_s(TRUE, rows, CORES),
        phases={},
        cpu_s={party: side.cpu_base_s + rows * side.cpu_row_s for party, side in zip(("l", "d"), sides, strict=True)},
        peak_rss_bytes={"l": int(guess.leader_memory_bytes), "d": int(guess.data_memory_bytes)},
        bytes={"l->d": int(guess.bytes) - 7, "d->l": 7},
    )
    parameters = {"rows": rows, "data_rows": data_rows or rows}
    return Row("psi", str(rows), parameters, "psi-match", variant, "serialised messages", (figures,))


@pytest.mark.parametrize("rows", [256, 5120, 1 << 16])
def test_the_bytes_of_the_model_are_those_of_a_run(rows: int) -> None:
    sent = intersect(scaling.ENGINE, *two_sets(rows, rows, rows // 2)).sent
    assert scaling.payload_bytes(rows) == sum(message.size for message in sent)


def test_constants_are_found_again() -> None:
    report = [_row(size) for size in reversed(SIZES)] + [
        _row(1 << 20, "kkrt"),
        _row(1 << 20, data_rows=1 << 22),
        _row(1 << 16),
    ]
    rows = scaling.fitting_rows(report)
    assert [scaling.rows_of(row) for row in rows] == list(SIZES)
    found = scaling.fit(rows, "l", "d", (5e-7, 4e-7), CORES)
    for side, true in ((found.leader, TRUE.leader), (found.data_party, TRUE.data_party)):
        assert side.cpu_row_s == pytest.approx(true.cpu_row_s, rel=1e-6)
        assert side.cpu_base_s == pytest.approx(true.cpu_base_s, rel=1e-6)
        assert side.memory_row_bytes == pytest.approx(true.memory_row_bytes, rel=1e-3)
        assert side.memory_base_bytes == pytest.approx(true.memory_base_bytes, rel=1e-3)
    assert found.frame_bytes == pytest.approx(32, rel=0.05)
    assert found.stretch == pytest.approx(1.5, rel=1e-6)
    far = 18_000_000
    guess, truth = (scaling.predict(constants, far, Surroundings()) for constants in (found, TRUE))
    assert guess.cpu_s == pytest.approx(truth.cpu_s, rel=1e-4)
    assert guess.bytes == pytest.approx(truth.bytes, rel=1e-4)
    assert guess.leader_memory_bytes == pytest.approx(truth.leader_memory_bytes, rel=1e-3)


def test_noise_does_not_make_constants_negative() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = 1e-9 + np.abs(rng.normal(1.0, 0.6, len(SIZES)))
        base, slope = scaling._line(SIZES, values.tolist())
        assert base >= 0
        assert slope >= 0
        assert base + slope > 0


def test_one_size_is_not_enough() -> None:
    with pytest.raises(UsageError, match="fewer than two sizes"):
        scaling.fit([_row(1 << 18), _row(1 << 20)], "l", "d", (0.0, 0.0), CORES)


def test_what_a_run_is_bound_by() -> None:
    slow_link = scaling.predict(TRUE, 18_000_000, Surroundings(cores=64, rate_bytes_s=1e6))
    one_core = scaling.predict(TRUE, 18_000_000, Surroundings(cores=1, rate_bytes_s=1e12))
    cluster = scaling.predict(TRUE, 18_000_000, Surroundings(cores=64, rate_bytes_s=1e12))
    assert [slow_link.bound_by, one_core.bound_by, cluster.bound_by] == ["link", "tasks", "node"]
    assert one_core.wall_s > cluster.wall_s
    far = scaling.predict(TRUE, 18_000_000, Surroundings(cores=64, rate_bytes_s=1e12, round_trip_s=0.1))
    assert far.wall_s - cluster.wall_s == pytest.approx(far.buckets * 0.099)
    shipped = scaling.predict(TRUE, 18_000_000, Surroundings(cores=64, rate_bytes_s=1e12, shipping_row_s=3e-7))
    assert shipped.wall_s - cluster.wall_s == pytest.approx(1.5 * 5.4)


def test_memory_grows_by_the_window_only_until_it_is_full() -> None:
    windows = [scaling.window_bytes(rows) for rows in (1 << 20, 1 << 22, 1 << 24, 1 << 25)]
    assert windows[0] < windows[1]
    assert windows[3][0] < 1.02 * windows[2][0] < 1.05 * windows[1][0]
    assert windows[3][1] < 300e6


def test_tasks_are_measured_on_this_machine() -> None:
    leader, data_party = scaling.measure_tasks(1000, rounds=1)
    assert leader > 0
    assert data_party > 0
