"""What a recipient's own node holds: which results, until when, and the rows of one. Nothing is kept here.

Each look at rows is a call to the node, which writes it into its audit log. What comes back lives as long as one
request: the next one asks the node again, so a withdrawn row or a deleted result is gone at once.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from psi_match.node.operator_client import OperatorClient

ROWS_PER_PAGE = 50
BSN = "bsn"
_SHOWN_DIGITS = 3
"""Enough to find a row by, too few to read a number off a screen: of the 90.9 million numbers 91,000 share them."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_MARK_BYTES = 16


@dataclass(frozen=True, slots=True)
class HeldResult:
    """A result that the node holds, or held.

    Args:
        run_id: the run.
        scenario: its name.
        digest: of the scenario's text when it ran.
        started: when.
        rows: how many rows came out.
        until: last day on which the node keeps it.
        deleted: when it was deleted; empty if it is there.
        operator: who started it, if that was at this node.
        parties: who took part.
    """

    run_id: str
    scenario: str
    digest: str
    started: datetime.datetime
    rows: int
    until: str
    deleted: str
    operator: str
    parties: tuple[str, ...]

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> HeldResult | None:
        """Return what a record says of a result; None if the run gave this node none."""
        if record["state"] != "finished" or record["result_rows"] is None or record.get("notices_of"):
            return None
        return cls(
            run_id=record["run_id"],
            scenario=record["scenario"],
            digest=record["scenario_digest"],
            started=datetime.datetime.fromisoformat(record["started"]),
            rows=record["result_rows"],
            until=record["keep_until"].get("result", ""),
            deleted=record["purged"].get("result", ""),
            operator=record.get("operator", ""),
            parties=tuple(record["parties"]),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Rows:
    """The rows of a result, or the notices about it, for one request.

    Args:
        table: as the node gave it.
        mark: tells this content from any other, under a secret of the session.
    """

    table: pa.Table
    mark: str

    @property
    def count(self) -> int:
        """How many rows."""
        return int(self.table.num_rows)

    @property
    def pages(self) -> int:
        """How many pages of rows; one at least."""
        return max(1, -(-self.count // ROWS_PER_PAGE))

    def page(self, number: int) -> list[dict[str, Any]]:
        """Return the rows of a page, the first one being 1."""
        found: list[dict[str, Any]] = self.table.slice((number - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE).to_pylist()
        return found

    def as_csv(self) -> bytes:
        """Return the table as CSV: UTF-8, a header, RFC 4180, and nothing that a spreadsheet takes for a formula."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow([_harmless(name) for name in self.table.column_names])
        for batch in self.table.to_batches(max_chunksize=65_536):
            columns = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
            writer.writerows(zip(*columns, strict=True))
        return text.getvalue().encode()

    def __repr__(self) -> str:
        return f"Rows({self.count})"


class OwnNode:
    """The recipient's own node.

    Args:
        connect: opens a connection as an operator of the party.
    """

    def __init__(self, connect: Callable[[], OperatorClient]) -> None:
        self._connect = connect

    def results(self) -> list[HeldResult]:
        """Return the results that the node holds or held, newest first.

        Raises:
            PsiMatchError: the node cannot be reached or refuses.
        """
        with self._client() as client:
            return list(reversed(_results(client)))

    def result(self, run_id: str) -> HeldResult | None:
        """Return one of them; None if there is none of that run.

        Raises:
            PsiMatchError: the node cannot be reached or refuses.
        """
        with self._client() as client:
            found = _results(client, run_id)
        return found[0] if found else None

    def rows(self, run_id: str, key: bytes) -> Rows:
        """Fetch the rows of a result, without those that were withdrawn.

        Args:
            run_id: the run.
            key: secret of the session.

        Raises:
            PsiMatchError: there is none, or the node refuses or cannot be reached.
        """
        with self._client() as client:
            return _read(client.result(run_id), key)

    def notices(self, run_id: str, key: bytes) -> Rows:
        """Fetch the notices that came in about a result.

        Raises:
            PsiMatchError: as above.
        """
        with self._client() as client:
            return _read(client.notices(run_id), key)

    @contextmanager
    def _client(self) -> Iterator[OperatorClient]:
        with self._connect() as client:
            yield client


def masked(bsn: str) -> tuple[str, str]:
    """Return how a BSN is shown until somebody asks for it: dots for the digits that are hidden, and the last three."""
    return "•" * (len(bsn) - _SHOWN_DIGITS), bsn[-_SHOWN_DIGITS:]


def _results(client: OperatorClient, run_id: str = "") -> list[HeldResult]:
    records = [json.loads(run.record_json) for run in client.status(run_id).runs if run.record_json]
    return [held for record in records if (held := HeldResult.of_record(record)) is not None]


def _read(content: bytes, key: bytes) -> Rows:
    mark = hashlib.blake2s(content, key=key, digest_size=_MARK_BYTES).hexdigest()
    return Rows(pq.read_table(pa.BufferReader(content)), mark)


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    # A number is no formula, a negative one neither.
    return value if isinstance(value, int | float) else _harmless(str(value))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
