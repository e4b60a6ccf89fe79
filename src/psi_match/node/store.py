"""A node's own store: one folder per run with its record and, at the leader, its result. Mode 0700 and 0600.

A run's folder is made before the run starts and is never reused, so a run id works once, also after a restart. A result
appears under its name only when it is complete.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from psi_match.base.errors import ConfigError, PolicyRefusal, UsageError

RUN_ID_BYTES = 16
_RUN_ID = re.compile(r"[0-9a-f]{32}")
RESULT_NAME = "result.parquet"
RECORD_NAME = "record.json"


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
    party: str
    role: str
    leader: str
    parties: list[str]
    coordinator: str = ""
    state: str = "running"
    started: str = ""
    software_version: str = ""
    rows_loaded: int = 0
    rows_rejected: int = 0
    rows_in: int = 0
    reference_date: str = ""
    dataset_commitment: str = ""
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Public sizes of a joint run: ``rows`` per leader, ``sets`` per party with rows."""
    pairs: dict[str, PairRecord] = field(default_factory=dict)
    stages: list[StageRecord] = field(default_factory=list)
    result_rows: int | None = None
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
            raise PolicyRefusal("This run id was used before.", "Start a new run.") from None

    def write_nonce(self, run_id: str, nonce: bytes) -> None:
        """Keep what opens the run's dataset commitment, in another folder than the record that shows it."""
        _write_new(self._nonces / run_id, nonce)

    def write_record(self, record: RunRecord) -> None:
        """Write or replace a run's record."""
        _write_new(self._folder(record.run_id) / RECORD_NAME, record.as_json().encode())

    def write_result(self, run_id: str, table: pd.DataFrame) -> None:
        """Write a run's result, complete or not at all."""
        part = self._folder(run_id) / f".{secrets.token_hex(8)}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                table.to_parquet(file, index=False)
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._folder(run_id) / RESULT_NAME)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def result_path(self, run_id: str) -> Path:
        """Return where a run's result is.

        Raises:
            UsageError: there is none.
        """
        path = self._folder(run_id) / RESULT_NAME
        if not path.is_file():
            raise UsageError(
                "This node has no result for that run.",
                "Only who learns it has one, and only after a run that succeeded: see `psi-match status`.",
            )
        return path

    def records(self) -> list[dict[str, Any]]:
        """Return all run records, oldest first."""
        found = [json.loads(path.read_text()) for path in self._runs.glob(f"*/{RECORD_NAME}")]
        return sorted(found, key=lambda record: str(record["started"]))

    def _folder(self, run_id: str) -> Path:
        if not _RUN_ID.fullmatch(run_id):
            raise UsageError("A run id is 32 hexadecimal digits.", "Copy it from the output of `psi-match run`.")
        return self._runs / run_id


def _write_new(path: Path, content: bytes) -> None:
    """Write a file of mode 0600, complete or not at all."""
    part = path.with_name(f".{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.rename(path)
