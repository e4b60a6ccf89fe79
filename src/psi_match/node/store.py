"""A node's own store: one folder per run with its record and, at the leader, its result. Mode 0700 and 0600.

A run's folder is made before the run starts and is never reused, so a run id works once, also after a restart. A result
appears under its name only when it is complete.
"""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from psi_match.base.errors import ConfigError, UsageError
from psi_match.governance.rules import Rule, refusal
from psi_match.node.events import NodeEvent

RUN_ID_BYTES = 16
_RUN_ID = re.compile(r"[0-9a-f]{32}")
RESULT_NAME = "result.parquet"
RECORD_NAME = "record.json"
TIMELINE_NAME = "timeline.jsonl"
"""What those who look on saw of a run; kept and deleted with its record."""
_EXPECTED = "expected."


@dataclass(slots=True)
class PairRecord:
    """What a record says of one stream: of an intersection, or of a pair of parties in a joint run.

    Args:
        leader_size: public size of the leader's set; 0 in a joint run, whose record has ``sizes``.
        data_size: public size of the data party's set; 0 in a joint run.
        bytes_out: bytes sent to the peer; serialised messages without heartbeats, gRPC and TLS.
        bytes_in: bytes received from the peer.
        rounds: flights of messages in one direction, from the first message of the session to the last.
        matches: rows in the intersection; only the leader knows.
    """

    leader_size: int
    data_size: int
    bytes_out: int = 0
    bytes_in: int = 0
    rounds: int = 0
    matches: int | None = None


@dataclass(frozen=True, slots=True)
class StageRecord:
    """What one part of a joint run took at this node."""

    name: str
    wall_s: float
    bytes_out: int
    bytes_in: int


@dataclass(slots=True)
class RunRecord:
    """What a node writes down about a run: counts, sizes, times; no BSN, key or amount."""

    run_id: str
    scenario: str
    scenario_digest: str
    engine: str
    """Empty while whoever leads the run has not chosen."""
    party: str
    role: str
    leader: str
    parties: list[str]
    coordinator: str = ""
    adder: str = ""
    """How the circuits of a joint run carry."""
    agreement: str = ""
    agreement_digest: str = ""
    operator: str = ""
    """Who started it, at the node where that was."""
    state: str = "running"
    started: str = ""
    software_version: str = ""
    rows_loaded: int = 0
    rows_rejected: int = 0
    rows_in: int = 0
    opted_out: int = 0
    """Own rows that would have taken part, were it not for someone in them who opted out."""
    reference_date: str = ""
    dataset_commitment: str = ""
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Public sizes of a joint run: ``rows`` per leader, ``sets`` per party with rows."""
    engine_choice: dict[str, dict[str, float]] = field(default_factory=dict)
    """At a node that chose by its paths: ``bytes_per_s`` per party measured and ``estimated_s`` per engine."""
    pairs: dict[str, PairRecord] = field(default_factory=dict)
    stages: list[StageRecord] = field(default_factory=list)
    result_rows: int | None = None
    notices_of: str = ""
    """The earlier run whose recipient was told of notices in this one."""
    keep_until: dict[str, str] = field(default_factory=dict)
    """Last day of ``result``, ``secrets`` and ``record`` at this node, as the agreement says."""
    purged: dict[str, str] = field(default_factory=dict)
    """When they were deleted."""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    error: str = ""

    def as_json(self) -> str:
        """Return the record as JSON text."""
        return json.dumps(asdict(self), indent=2, sort_keys=True)


class Store:
    """The folder of a node's runs.

    Args:
        folder: made if missing.

    Raises:
        ConfigError: the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self._runs = folder / "runs"
        self._nonces = folder / "nonces"
        try:
            for part in (self._runs, self._nonces):
                part.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
        except OSError as cause:
            raise ConfigError(f"Cannot use {folder}: {cause.strerror}.", "Check state_dir and its owner.") from None
        if not os.access(self._runs, os.W_OK):
            raise ConfigError(f"Cannot write in {folder}.", "Check state_dir and its owner.")

    def open_run(self, run_id: str) -> None:
        """Reserve a run id.

        Raises:
            PolicyRefusal: it was used before.
        """
        try:
            self._folder(run_id).mkdir(mode=0o700)
        except FileExistsError:
            raise refusal(Rule.RUN_ID, "the run id was used before.", "Start a new run.") from None

    def write_nonce(self, run_id: str, nonce: bytes) -> None:
        """Keep what opens the run's dataset commitment, in another folder than the record that shows it."""
        _write_new(self._nonces / run_id, nonce)

    def write_record(self, record: RunRecord) -> None:
        """Write or replace a run's record."""
        _write_new(self._folder(record.run_id) / RECORD_NAME, record.as_json().encode())

    def write_timeline(self, run_id: str, events: Iterable[NodeEvent]) -> None:
        """Write a run's events, one a line."""
        lines = (json.dumps(event.as_dict(), separators=(",", ":")) + "\n" for event in events)
        _write_new(self._folder(run_id) / TIMELINE_NAME, "".join(lines).encode())

    def timeline(self, run_id: str) -> list[NodeEvent]:
        """Return a run's events.

        Raises:
            UsageError: this node has none of that run, they cannot be read, or that is no run id.
        """
        path = self._folder(run_id) / TIMELINE_NAME
        try:
            return [NodeEvent.from_dict(json.loads(line)) for line in path.read_text().splitlines()]
        except FileNotFoundError:
            problem = "This node has no timeline of that run."
        except (OSError, ValueError, TypeError):
            structlog.get_logger().error("a timeline cannot be read", path=str(path))
            problem = "This node's timeline of that run cannot be read."
        raise UsageError(problem, "See `psi-match status` for its runs; a timeline goes when the record does.")

    def write_result(self, run_id: str, table: pd.DataFrame) -> None:
        """Write a run's result, complete or not at all."""
        self.write_tables(run_id, {RESULT_NAME: pa.Table.from_pandas(table, preserve_index=False)})

    def write_tables(self, run_id: str, tables: Mapping[str, pa.Table]) -> None:
        """Write or replace tables in a run's folder by file name: none takes its name before all are on the disk."""
        folder = self._folder(run_id)
        parts = {name: folder / f".{secrets.token_hex(8)}" for name in tables}
        try:
            for name, part in parts.items():
                descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    pq.write_table(tables[name], file)
                    file.flush()
                    os.fsync(file.fileno())
            for name, part in parts.items():
                part.rename(folder / name)
        except BaseException:
            for part in parts.values():
                part.unlink(missing_ok=True)
            raise

    def read_table(self, run_id: str, name: str) -> pa.Table | None:
        """Return a table of a run's folder; None if it is not there."""
        try:
            return pq.read_table(self._folder(run_id) / name)
        except FileNotFoundError:
            return None

    @contextmanager
    def locked(self, run_id: str) -> Iterator[None]:
        """Hold a run's folder, also against other processes, while tables in it are read, changed or deleted.

        Raises:
            UsageError: this node has no such run.
        """
        try:
            # A descriptor of its own for each use: the lock keeps out threads as well as processes.
            descriptor = os.open(self._folder(run_id), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise UsageError("This node knows no such run.", "See `psi-match status`.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def expect_notices_run(self, run_id: str, recipient: str) -> None:
        """Note that a recipient was asked to look at the notices of a run: it may do so once."""
        (self._folder(run_id) / f"{_EXPECTED}{recipient}").touch(mode=0o600)

    def take_notices_run(self, run_id: str, recipient: str) -> bool:
        """Tell whether a recipient was asked; from then on it was not."""
        try:
            (self._folder(run_id) / f"{_EXPECTED}{recipient}").unlink()
        except FileNotFoundError:
            return False
        return True

    def result_path(self, run_id: str) -> Path:
        """Return where a run's result is.

        Raises:
            UsageError: there is none.
        """
        path = self._folder(run_id) / RESULT_NAME
        record = self.record(run_id)
        if not path.is_file() or record is None or record["state"] != "finished":
            raise UsageError(
                "This node has no result for that run.",
                "Only who learns it has one, and only after a run that succeeded: see `psi-match status`.",
            )
        return path

    def discard_result(self, run_id: str) -> None:
        """Delete what a run that did not come to its end has left of a result."""
        for path in self._files(run_id, "result"):
            with suppress(OSError):
                path.unlink()

    def has(self, run_id: str, part: str) -> bool:
        """Tell whether a part of a run - ``result``, ``secrets`` or ``record`` - is there."""
        return any(path.exists() for path in self._files(run_id, part))

    def delete(self, run_id: str, part: str, today: datetime.date) -> None:
        """Delete a part of a run, and note that in its record; the run's id stays used.

        Args:
            run_id: the run.
            part: ``result``, with all notices about it, in and out; ``secrets`` or ``record``.
            today: noted.
        """
        # Not while notices are being written into the folder: what was deleted would come back.
        with self.locked(run_id):
            for path in self._files(run_id, part):
                path.unlink(missing_ok=True)
            record = self.record(run_id)
            if record is not None:
                record["purged"][part] = str(today)
                content = json.dumps(record, indent=2, sort_keys=True).encode()
                _write_new(self._folder(run_id) / RECORD_NAME, content)

    def _files(self, run_id: str, part: str) -> list[Path]:
        folder = self._folder(run_id)
        match part:
            case "secrets":
                return [self._nonces / run_id]
            case "record":
                # In this order: a timeline is found, and deleted in time, by the record.
                return [folder / TIMELINE_NAME, folder / RECORD_NAME]
            case _:
                # The result, what came in about it, and what a crash left half-written.
                return [path for path in folder.iterdir() if path.name not in {RECORD_NAME, TIMELINE_NAME}]

    def record(self, run_id: str) -> dict[str, Any] | None:
        """Return a run's record; None if this node has none.

        Raises:
            UsageError: that is no run id.
        """
        return _read_record(self._folder(run_id) / RECORD_NAME)

    def records(self) -> list[dict[str, Any]]:
        """Return all run records that can be read, oldest first; one that cannot does not hide the others."""
        found = [record for path in self._runs.glob(f"*/{RECORD_NAME}") if (record := _read_record(path)) is not None]
        return sorted(found, key=lambda record: str(record["started"]))

    def _folder(self, run_id: str) -> Path:
        if not _RUN_ID.fullmatch(run_id):
            raise UsageError("A run id is 32 hexadecimal digits.", "Copy it from the output of `psi-match run`.")
        return self._runs / run_id


def _read_record(path: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        structlog.get_logger().error("a record cannot be read", path=str(path))
        return None
    return record


def _write_new(path: Path, content: bytes) -> None:
    """Write a file of mode 0600, complete and on the disk or not at all."""
    part = path.with_name(f".{secrets.token_hex(8)}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
