"""The programs that a bench compares with, at small sizes: ``make test-peers``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from psi_match.base.errors import ResultMismatch
from psi_match.bench.inputs import PredicateInputs, PsiInputs, QuorumInputs, as_text
from psi_match.bench.peers import PEERS, peer_versions, predicate_contender, psi_contender, quorum_contender
from psi_match.bench.peers.environment import REQUIREMENTS
from psi_match.domain.bsn import format_bsn
from psi_match.population.numbers import draw_numbers

pytestmark = pytest.mark.peers


def write(path: Path, numbers: np.ndarray) -> Path:
    path.write_text("\n".join(["bsn", *format_bsn(numbers).astype(str), ""]))
    return path


def overlapping(folder: Path, rows: int) -> PsiInputs:
    # Leading zeros too: a program that took numbers for integers would lose them.
    few = np.array([12, 24, 36, 48], dtype=np.uint32)
    drawn = draw_numbers(2 * rows, np.random.default_rng(3))
    numbers = np.concatenate([few, drawn[~np.isin(drawn, few)]])
    leader, data = numbers[:rows], np.concatenate([numbers[: rows // 2], numbers[rows : 2 * rows - rows // 2]])
    expected = as_text(format_bsn(numbers[: rows // 2]).astype(str))
    return PsiInputs(write(folder / "a.csv", leader), write(folder / "b.csv", data), expected, rows, rows)


@pytest.mark.parametrize("name", PEERS["psi"])
def test_intersection_is_that_of_the_plaintext(name: str, tmp_path: Path) -> None:
    inputs = overlapping(tmp_path, 1024)
    with psi_contender(name, inputs, tmp_path / "runs", timeout_s=60).ready() as run:
        figures = run()
    assert set(figures.bytes) == {"leader->data-party", "data-party->leader"}
    # Less than eight bytes a row can no program do with.
    assert min(figures.bytes.values()) > 8 * 1024


def test_a_mode_that_loses_rows_is_found_out(tmp_path: Path) -> None:
    # If a later version no longer does, its remark has to go.
    with (
        psi_contender("spu-rr22-low", overlapping(tmp_path, 1055), tmp_path / "runs").ready() as run,
        pytest.raises(ResultMismatch, match=r"of 527 numbers [1-9][0-9]? are missing") as told,
    ):
        run()
    assert "multiples of 32" in told.value.hint


@pytest.mark.parametrize("name", PEERS["predicate"])
def test_predicate_is_exact_at_its_ends(name: str, tmp_path: Path) -> None:
    top = (1 << 62) - 1
    rows = np.array(
        [(0, 0, 0), (0, 0, 1), (top, top, top), (top, 0, top), (top - 1, 0, top), (0, top, 0), (1 << 61, 1 << 61, top)],
        dtype=np.uint64,
    )
    columns = dict(zip(("a", "b", "bound"), rows.T.copy(), strict=True))
    columns["expected"] = columns["a"] + columns["b"] < columns["bound"]
    for column, values in columns.items():
        np.save(tmp_path / f"{column}.npy", values)
    paths = {column: tmp_path / f"{column}.npy" for column in columns}
    with predicate_contender(name, PredicateInputs(**paths, rows=len(rows)), tmp_path / "runs").ready() as run:
        figures = run()
    assert list(figures.phases) == ["read", "share", "compute", "open", "write"]
    assert len(figures.bytes) == 6
    assert figures.phase_bytes["compute"] > 0


def test_quorum_of_all(tmp_path: Path) -> None:
    numbers = draw_numbers(900, np.random.default_rng(4))
    sets = {f"party-{index}": numbers[index * 100 : 500 + index * 100] for index in range(3)}
    csv = {party: write(tmp_path / f"{party}.csv", own) for party, own in sets.items()}
    # Two of three is what is asked, three of three what it answers.
    inputs = QuorumInputs(csv, 2, as_text(format_bsn(numbers[100:600]).astype(str)), 500)
    with quorum_contender("spu-kkrt-npc", inputs, tmp_path / "runs", timeout_s=60).ready() as run:
        assert len(run().bytes) == 6


def test_versions_are_those_that_are_pinned() -> None:
    pins = dict(
        line.split("#")[0].strip().split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line
    )
    found = peer_versions()
    assert found.items() >= {name: version for name, version in pins.items() if name in found}.items()
    assert found["python"].startswith("3.11.")
