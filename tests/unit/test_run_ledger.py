"""The ledger: counts over all agreements together that survive restarts and clocks, and names that tell nothing."""

from __future__ import annotations

import datetime
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.governance import NOON, PAIRS, SIGNAL, permit

from psi_match.base.errors import ConfigError, PolicyRefusal
from psi_match.base.randomness import SystemRandomness
from psi_match.governance.agreement import Runs
from psi_match.governance.decision import Permit
from psi_match.governance.rules import Rule
from psi_match.node.run_ledger import RunLedger, Snapshot, Use
from psi_match.node.steady_clock import SteadyClock

ROWS = np.array([1, 12, 123], dtype=np.uint32)
DAY = "2026-11-23"


def ledger(folder: Path, now: Callable[[], datetime.datetime] = lambda: NOON) -> RunLedger:
    folder.mkdir(exist_ok=True)
    return RunLedger(folder / "ledger", SystemRandomness(), now)


def use(number: int, allowed: Permit, snapshot: Snapshot | None, *leaders: str, statistics: bool = False) -> Use:
    return Use(allowed, f"{number:032x}", leaders or ("cjib",), snapshot, statistics)


def refused(book: RunLedger, wanted: Use) -> str:
    """Check that both questions get the same no; return its rule."""
    rules = set()
    for ask in (book.check, book.take):
        with pytest.raises(PolicyRefusal) as raised:
            ask(wanted)
        rules.add(raised.value.rule)
    (rule,) = rules
    return rule


def test_one_leader_runs_on_one_snapshot_so_often_over_all_agreements(tmp_path: Path) -> None:
    book, wide = ledger(tmp_path), {"max_runs": 100}
    one = permit(PAIRS, runs=Runs(max=100, period_days=1), **wide)
    other = permit(SIGNAL, runs=Runs(max=100, period_days=1), **wide)
    today = book.snapshot("arrears", ROWS, DAY)
    book.take(use(1, one, today))
    book.take(use(2, other, today))
    for allowed in (one, other):
        assert refused(book, use(3, allowed, today)) == Rule.SNAPSHOT_RUNS
    assert refused(ledger(tmp_path), use(3, one, today)) == Rule.SNAPSHOT_RUNS, "also after a restart"
    book.take(use(4, one, today, "uwv"))
    book.take(use(5, one, book.snapshot("arrears", ROWS[:2], "2026-11-24")))
    assert refused(book, use(6, one, today, "svb", "cjib")) == Rule.SNAPSHOT_RUNS, "any of the leaders"


def test_same_date_or_same_rows_is_the_same_snapshot(tmp_path: Path) -> None:
    book, allowed = ledger(tmp_path), permit(max_runs=100, runs=Runs(max=100, period_days=1))
    today = book.snapshot("arrears", ROWS, DAY)
    for number in (1, 2):
        book.take(use(number, allowed, today))
    corrected = book.snapshot("arrears", ROWS[:2], DAY)
    redated = book.snapshot("arrears", ROWS[::-1], "2026-11-30")
    for again in (corrected, redated):
        assert refused(book, use(3, allowed, again)) == Rule.SNAPSHOT_RUNS
    renamed = book.snapshot("clients", ROWS, "2026-11-30")
    assert refused(book, use(3, allowed, renamed)) == Rule.SNAPSHOT_RUNS
    book.take(use(4, allowed, book.snapshot("clients", ROWS[1:], DAY)))


def test_rows_in_memory_keep_their_name_and_others_get_their_own(tmp_path: Path) -> None:
    book, rows = ledger(tmp_path), ROWS.copy()
    first = book.snapshot("arrears", rows, DAY)
    assert book.snapshot("arrears", rows, DAY) == first
    assert book.snapshot("arrears", rows[:2], DAY).rows != first.rows
    assert book.snapshot("arrears", rows, "2026-11-24").rows == first.rows
    assert book.snapshot("arrears", rows, "2026-11-24").dated != first.dated
    del rows
    assert book.snapshot("arrears", ROWS[1:].copy(), DAY).rows != first.rows


def test_one_table_of_a_snapshot_once_also_after_a_restart(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    cells, pairs = permit("overlap-statistiek"), permit("overlap-statistiek-paren")
    today = book.snapshot("arrears", ROWS, DAY)
    book.take(use(1, cells, today, statistics=True))
    for again in (book, ledger(tmp_path)):
        assert refused(again, use(2, pairs, today, "uwv", statistics=True)) == Rule.STATISTICS_ONCE
        corrected = again.snapshot("arrears", ROWS[:2], DAY)
        assert refused(again, use(2, pairs, corrected, "uwv", statistics=True)) == Rule.STATISTICS_ONCE
    book.take(use(3, pairs, today, "uwv"))


def test_runs_of_a_period_are_counted_per_agreement_and_in_all(tmp_path: Path) -> None:
    now = [NOON]
    book = ledger(tmp_path, lambda: now[0])
    pairs = permit(PAIRS, max_runs=5, period_days=30, max_runs_per_snapshot=100)
    signal = permit(SIGNAL, max_runs=5, period_days=30, max_runs_per_snapshot=100)
    for number in range(3):
        book.take(use(number, pairs, None))
    assert refused(book, use(3, pairs, None)) == Rule.RUNS, "the agreement allows three a week"
    for number in (3, 4):
        book.take(use(number, signal, None))
    assert refused(book, use(5, signal, None)) == Rule.RUNS, "the policy allows five a month"
    now[0] = NOON + datetime.timedelta(days=7)
    assert refused(book, use(5, pairs, None)) == Rule.RUNS
    now[0] = NOON + datetime.timedelta(days=30)
    book.take(use(5, pairs, None))


def test_a_clock_that_is_set_back_gives_nothing_back(tmp_path: Path) -> None:
    system = [NOON]
    path = tmp_path / "clock"
    clock = SteadyClock(path, lambda: system[0])
    book = ledger(tmp_path, clock.now)
    allowed = permit(PAIRS, max_runs_per_snapshot=100)
    for number in range(3):
        book.take(use(number, allowed, None))
    for back in (datetime.timedelta(days=8), datetime.timedelta(days=4000)):
        system[0] = NOON - back
        assert clock.now() == NOON
        assert refused(book, use(3, allowed, None)) == Rule.RUNS
        restarted = SteadyClock(path, lambda: system[0])
        assert restarted.now() == NOON, "also after a restart"
        assert refused(ledger(tmp_path, restarted.now), use(3, allowed, None)) == Rule.RUNS
    system[0] = NOON - datetime.timedelta(days=8)
    assert refused(ledger(tmp_path, lambda: system[0]), use(3, allowed, None)) == Rule.RUNS, "the ledger alone"


def test_the_last_place_is_given_once(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    allowed = permit(max_runs=100, runs=Runs(max=100, period_days=1), max_runs_per_snapshot=3)
    today = book.snapshot("arrears", ROWS, DAY)
    gate, taken, refusals = threading.Barrier(12), [], []

    def attempt(number: int) -> None:
        gate.wait()
        try:
            book.take(use(number, allowed, today))
            taken.append(number)
        except PolicyRefusal as no:
            refusals.append(no.rule)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 3
    assert refusals == [Rule.SNAPSHOT_RUNS] * 9


def test_names_differ_between_nodes_and_files_are_private(tmp_path: Path) -> None:
    one, other = ledger(tmp_path / "a"), ledger(tmp_path / "b")
    assert set(one.snapshot("arrears", ROWS, DAY).names).isdisjoint(other.snapshot("arrears", ROWS, DAY).names)
    assert ledger(tmp_path / "a").snapshot("arrears", ROWS, DAY) == one.snapshot("arrears", ROWS, DAY)
    one.take(use(1, permit(), one.snapshot("arrears", ROWS, DAY)))
    for path in (tmp_path / "a" / "ledger").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert "123" not in repr(one)


def test_a_ledger_that_lost_its_key_is_not_begun_anew(tmp_path: Path) -> None:
    book, key = ledger(tmp_path), tmp_path / "ledger" / "key"
    book.take(use(1, permit(), book.snapshot("arrears", ROWS, DAY)))
    key.write_bytes(b"short")
    with pytest.raises(ConfigError, match="no key"):
        ledger(tmp_path)
    # With another key every snapshot would have another name, and a fresh budget.
    key.unlink()
    with pytest.raises(ConfigError, match="Cannot use"):
        ledger(tmp_path)


def test_a_clock_that_is_set_forward_begins_the_next_period_and_stays_there(tmp_path: Path) -> None:
    """Whoever may set the machine's clock gets a new period, once: the node never comes back from it."""
    system = [NOON]
    clock = SteadyClock(tmp_path / "clock", lambda: system[0])
    book = ledger(tmp_path, clock.now)
    allowed = permit(PAIRS, max_runs=100, max_runs_per_snapshot=100)
    for number in range(3):
        book.take(use(number, allowed, None))
    system[0] = NOON + datetime.timedelta(days=8)
    for number in range(3, 6):
        book.take(use(number, allowed, None))
    system[0] = NOON
    assert refused(book, use(6, allowed, None)) == Rule.RUNS
    assert clock.today() == NOON.date() + datetime.timedelta(days=8)


def test_what_a_crash_left_half_made_does_not_count(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    (tmp_path / "ledger" / "runs" / ".0.part").write_bytes(b"")
    book.take(use(1, permit(), None))


def test_a_clock_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    for content in ("yesterday", "2026-11-24T11:00:00", ""):
        path.write_text(content)
        with pytest.raises(ConfigError, match="Cannot read"):
            SteadyClock(path)
