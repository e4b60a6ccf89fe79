"""The ledger of statistics: one release per snapshot, and names that tell nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from psi_match.base.errors import PolicyRefusal
from psi_match.base.randomness import SystemRandomness
from psi_match.node.statistics_ledger import StatisticsLedger

ROWS = np.array([1, 12, 123], dtype=np.uint32)


def ledger(folder: Path) -> StatisticsLedger:
    return StatisticsLedger(folder / "statistics", SystemRandomness())


def test_a_snapshot_is_released_once_also_after_a_restart(tmp_path: Path) -> None:
    one = ledger(tmp_path)
    name = one.snapshot("arrears", ROWS, "2026-11-23")
    one.check(name)
    one.mark(name, "overlap-statistiek")
    for again in (one, ledger(tmp_path)):
        assert again.snapshot("arrears", ROWS, "2026-11-23") == name
        with pytest.raises(PolicyRefusal, match="released before"):
            again.check(name)
        with pytest.raises(PolicyRefusal, match="released before"):
            again.mark(name, "overlap-statistiek-paren")


def test_other_rows_or_another_date_are_another_snapshot(tmp_path: Path) -> None:
    one = ledger(tmp_path)
    names = {
        one.snapshot("arrears", ROWS, "2026-11-23"),
        one.snapshot("arrears", ROWS[:2], "2026-11-23"),
        one.snapshot("arrears", ROWS, "2026-11-24"),
        one.snapshot("clients", ROWS, "2026-11-23"),
    }
    assert len(names) == 4
    assert one.snapshot("arrears", ROWS[::-1], "2026-11-23") in names, "the order of rows does not matter"


def test_names_differ_between_nodes_and_files_are_private(tmp_path: Path) -> None:
    one, other = ledger(tmp_path / "a"), ledger(tmp_path / "b")
    assert one.snapshot("arrears", ROWS, "2026-11-23") != other.snapshot("arrears", ROWS, "2026-11-23")
    one.mark(one.snapshot("arrears", ROWS, "2026-11-23"), "overlap-statistiek")
    for path in (tmp_path / "a" / "statistics").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "123" not in repr(one)
