"""What a node remembers of runs, so that many small answers do not add up to one that nobody agreed on.

Three counts, over all agreements together: runs of one leader on one snapshot of a dataset (a leader that runs again
with one row more or less learns that row), tables of statistics of one snapshot (exact cells, margins and pair counts
determine each other: one table, once), and runs in a period.

A snapshot has two names, by its date and by its rows, and is used up when either is: a corrected extract of the same
date is the same snapshot, and so are the same rows under another date. Each count is a file, made before anything of
the run is released: it survives restarts, and no clock can take it back.

Reveals:
    To whoever reads the folder: when runs were, and under a key of this node which of them met the same snapshot.
"""

from __future__ import annotations

import datetime
import hmac
import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import ConfigError
from psi_match.base.randomness import RandomSource
from psi_match.governance.decision import Permit
from psi_match.governance.rules import Rule, refusal

_KEY_NAME = "key"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The names of a snapshot of a dataset; they tell nothing by themselves.

    Args:
        dated: of the dataset and its reference date.
        rows: of the rows alone: under another name of a dataset they are the same.
    """

    dated: str
    rows: str

    @property
    def names(self) -> tuple[str, str]:
        """Both names."""
        return self.dated, self.rows


@dataclass(frozen=True, slots=True)
class Use:
    """What one run uses up at this node.

    Args:
        permit: under which it takes place.
        run_id: 32 hexadecimal digits.
        leaders: who leads its turns.
        snapshot: of this node's dataset; None for a node without data in the run.
        statistics: whether it releases a table of statistics.
    """

    permit: Permit
    run_id: str
    leaders: tuple[str, ...]
    snapshot: Snapshot | None = None
    statistics: bool = False


class RunLedger:
    """The counts of a node.

    Args:
        folder: made if missing, mode 0700.
        rng: draws the key of the names once; a bare hash of a small set could be reversed.
        now: a clock that never goes back.

    Raises:
        ConfigError: the folder cannot be used.
    """

    def __init__(self, folder: Path, rng: RandomSource, now: Callable[[], datetime.datetime]) -> None:
        self._runs, self._statistics, self._snapshots = (folder / n for n in ("runs", "statistics", "snapshots"))
        self._now = now
        self._lock = threading.Lock()
        self._named: dict[str, tuple[weakref.ref[NDArray[np.uint32]] | None, str]] = {}
        try:
            for part in (folder, self._runs, self._statistics, self._snapshots):
                part.mkdir(exist_ok=True, mode=0o700)
            if not (folder / _KEY_NAME).exists() and not any(_files(part) for part in (self._runs, self._snapshots)):
                _write_once(folder / _KEY_NAME, rng.bytes(_KEY_BYTES))
            self._key = (folder / _KEY_NAME).read_bytes()
        except OSError as cause:
            raise ConfigError(
                f"Cannot use {folder}: {cause.strerror}.", "Check state_dir and its owner, and that its key is there."
            ) from None
        if len(self._key) != _KEY_BYTES:
            raise ConfigError(f"{folder / _KEY_NAME} is no key of a ledger.", "Restore it: without it counts are lost.")

    def __repr__(self) -> str:
        return "RunLedger()"

    def snapshot(self, dataset: str, numbers: NDArray[np.uint32], reference_date: str) -> Snapshot:
        """Return the names of a snapshot; the order of rows does not matter.

        Args:
            dataset: its name.
            numbers: all its BSNs. A dataset that stays in memory keeps the name that they have: they never change.
            reference_date: how recent it is.
        """
        named, rows = self._named.get(dataset, (None, ""))
        if named is None or named() is not numbers:
            # Not copied once more: this is half of what a run's checks cost at a million rows.
            rows = self._name(b"rows/", np.sort(numbers).astype("<u4", copy=False).data)
            self._named[dataset] = (weakref.ref(numbers), rows)
        return Snapshot(self._name(f"date/{dataset}/{reference_date}".encode()), rows)

    def check(self, use: Use) -> None:
        """Check that nothing which a run would use is used up.

        Raises:
            PolicyRefusal: rule ``runs``, ``snapshot-runs`` or ``statistics-once``.
        """
        self._check_runs(use.permit)
        if use.snapshot is None:
            return
        self._check_snapshot(use.permit, use.snapshot, use.leaders)
        if use.statistics:
            self._check_statistics(use.snapshot)

    def take(self, use: Use) -> None:
        """Count a run, before anything of it is released: one that fails after this counts.

        Raises:
            PolicyRefusal: as ``check``; another run may have taken the last place meanwhile.
        """
        with self._lock:
            self.check(use)
            noted = f"{self._now().isoformat()} {use.permit.agreement.digest.hex()}"
            _write_once(self._runs / use.run_id, noted.encode())
            for name in use.snapshot.names if use.snapshot else ():
                for leader in use.leaders:
                    folder = self._snapshots / f"{name}.{leader}"
                    folder.mkdir(exist_ok=True, mode=0o700)
                    _write_once(folder / use.run_id, b"")
                if use.statistics:
                    _write_once(self._statistics / name, use.run_id.encode())

    def _check_runs(self, permit: Permit) -> None:
        limits, agreed = permit.policy.limits, permit.agreement.runs
        digest = permit.agreement.digest.hex()
        now = self._now()
        noted = self._noted_runs()
        ours = [moment for moment, agreement in noted if agreement == digest]
        for what, moments, bound, days in (
            (f"agreement {permit.agreement.name}", ours, agreed.max, agreed.period_days),
            ("the policy", [moment for moment, _ in noted], limits.max_runs, limits.period_days),
        ):
            since = now - datetime.timedelta(days=days)
            # A run noted later than now counts too: there is no such run unless someone meddled with the clock.
            used = sum(moment > since for moment in moments)
            if used >= bound:
                sentence = f"{used} of {bound} runs that {what} allows in {days} days are used up."
                raise refusal(Rule.RUNS, sentence, "Wait, or agree on more.")

    def _check_snapshot(self, permit: Permit, snapshot: Snapshot, leaders: tuple[str, ...]) -> None:
        bound = permit.policy.limits.max_runs_per_snapshot
        for leader in leaders:
            used = max(len(_files(self._snapshots / f"{name}.{leader}")) for name in snapshot.names)
            if used >= bound:
                raise refusal(
                    Rule.SNAPSHOT_RUNS,
                    f"{used} of {bound} runs led by {leader} on this snapshot of the data are used up.",
                    "Use the next extract of the data, or raise max_runs_per_snapshot in the policy.",
                )

    def _check_statistics(self, snapshot: Snapshot) -> None:
        if any((self._statistics / name).exists() for name in snapshot.names):
            raise refusal(
                Rule.STATISTICS_ONCE,
                "statistics of this snapshot were released before, and a second table could betray the first.",
                "Use the next extract of the data.",
            )

    def _noted_runs(self) -> list[tuple[datetime.datetime, str]]:
        found = []
        for path in _files(self._runs):
            moment, _, agreement = path.read_text(encoding="ascii").partition(" ")
            found.append((datetime.datetime.fromisoformat(moment), agreement))
        return found

    def _name(self, *content: bytes | memoryview) -> str:
        mac = hmac.new(self._key, digestmod="sha256")
        for part in content:
            mac.update(part)
        return mac.hexdigest()


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder; what a crash left half-made has a dot in front."""
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return []


def _write_once(path: Path, content: bytes) -> None:
    """Make a file that was not there, complete and on the disk before this returns."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename this fails where the file is there already.
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
