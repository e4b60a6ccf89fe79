"""What a node keeps about notices, in the folder of the run that they are about, until that run's result is deleted.

Two files: at who gives notice, what its operators said; at a recipient, which rows of its own result notices are about.
A recipient never keeps anything of a notice about someone who is not in its result: it does not get to know it.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from psi_match.base.errors import UsageError
from psi_match.domain.bsn import format_bsn
from psi_match.node.store import RESULT_NAME, Store

GIVEN_NAME = "given-notices.parquet"
RECEIVED_NAME = "notices.parquet"
_COLUMN = "notice"
_SCHEMA = pa.schema(
    [
        ("bsn", pa.string()),
        ("kind", pa.string()),
        ("party", pa.string()),
        ("date", pa.date32()),
        ("reason", pa.string()),
    ]
)


class Kind(StrEnum):
    """What a recipient must do with a row."""

    WITHDRAW = "withdraw"
    """Not use it any more."""
    CORRECT = "correct"
    """Check it anew at the source before it is used."""


class Reason(StrEnum):
    """Why; stays at the node whose operator gave it."""

    OBJECTION = "objection"
    CORRECTION = "correction"
    DELETION = "deletion"


@dataclass(frozen=True, slots=True, repr=False)
class Notice:
    """One notice about one person.

    Args:
        bsn: nine digits.
        kind: what must be done.
        party: who gave it.
        date: when this node wrote it down.
        reason: why; empty for a notice of another party.
    """

    bsn: str
    kind: str
    party: str
    date: datetime.date
    reason: str = ""

    def __repr__(self) -> str:
        return f"Notice({self.kind})"


def keep_given(store: Store, run_id: str, notices: Iterable[Notice]) -> None:
    """Add notices to those that this node has given about a run; one that is there already stays as it is."""
    with store.locked(run_id):
        kept = _merged(given(store, run_id), notices)
        store.write_tables(run_id, {GIVEN_NAME: _as_table(kept)})


def given(store: Store, run_id: str) -> list[Notice]:
    """Return the notices that this node has given about a run."""
    return _read(store, run_id, GIVEN_NAME)


def numbers_of(notices: Iterable[Notice], kind: Kind) -> NDArray[np.uint32]:
    """Return whom the notices of a kind are about, each once, ascending."""
    return np.array(sorted({int(notice.bsn) for notice in notices if notice.kind == kind}), dtype=np.uint32)


def signalled(store: Store, run_id: str) -> NDArray[np.uint32] | None:
    """Return whom the result of a run named when it came out, withdrawn rows included; None if it is not there.

    So the size of this set never tells how many rows were withdrawn.
    """
    with store.locked(run_id):
        result = store.read_table(run_id, RESULT_NAME)
        received = _read(store, run_id, RECEIVED_NAME)
    if result is None:
        return None
    withdrawn = np.array([int(notice.bsn) for notice in received], dtype=np.uint32)
    return np.unique(np.concatenate([_numbers(result), withdrawn]))


def apply(
    store: Store,
    run_id: str,
    party: str,
    found: Mapping[Kind, NDArray[np.uint32]],
    date: datetime.date,
    reason: str = "",
) -> None:
    """Write down notices about rows of a result, and take the withdrawn ones out of it; all or nothing.

    Args:
        store: the node's.
        run_id: of the result.
        party: who gave notice.
        found: whom, per kind; all of them are or were in the result.
        date: today.
        reason: why, if this node's own operator says so.

    Raises:
        UsageError: the result has been deleted meanwhile.
    """
    with store.locked(run_id):
        result = store.read_table(run_id, RESULT_NAME)
        if result is None:
            raise UsageError("The result has been deleted.", "There is nothing left that a notice could be about.")
        new = [
            Notice(bsn, kind, party, date, reason)
            for kind, numbers in found.items()
            for bsn in format_bsn(numbers).tolist()
        ]
        received = _merged(_read(store, run_id, RECEIVED_NAME), new)
        left = _without(result, numbers_of(received, Kind.WITHDRAW))
        # Notices first: a crash between the two leaves a row that is known to be withdrawn, and is not handed out. Both
        # are written also when nothing has changed: who gives notice could tell from the time that a disk takes.
        store.write_tables(run_id, {RECEIVED_NAME: _as_table(received), RESULT_NAME: left})


def amended_result(store: Store, run_id: str) -> bytes | None:
    """Return a result as an operator may use it, as a Parquet file; None if nothing has changed since the run.

    Withdrawn rows are not in it. If a row must be checked anew, a column ``notice`` says at whom: ``correct:PARTY``,
    several separated by spaces.
    """
    with store.locked(run_id):
        received = _read(store, run_id, RECEIVED_NAME)
        # Large, and nothing to change in most.
        result = store.read_table(run_id, RESULT_NAME) if received else None
    if result is None:
        return None
    left = _without(result, numbers_of(received, Kind.WITHDRAW))
    told: dict[int, list[str]] = {}
    for notice in sorted(received, key=lambda notice: notice.party):
        if notice.kind == Kind.CORRECT:
            told.setdefault(int(notice.bsn), []).append(f"{notice.kind}:{notice.party}")
    marks = [" ".join(told.get(number, ())) for number in _numbers(left).tolist()]
    if any(marks):
        left = left.append_column(_free_name(left), pa.array(marks, pa.string()))
    return _as_bytes(left)


def received_notices(store: Store, run_id: str) -> bytes:
    """Return which notices came in about a result, as a Parquet file.

    Raises:
        UsageError: this node has no result of that run.
    """
    store.result_path(run_id)
    return _as_bytes(_as_table(_read(store, run_id, RECEIVED_NAME)))


def _read(store: Store, run_id: str, name: str) -> list[Notice]:
    table = store.read_table(run_id, name)
    return [] if table is None else [Notice(**row) for row in table.to_pylist()]


def _merged(before: Iterable[Notice], new: Iterable[Notice]) -> list[Notice]:
    kept: dict[tuple[str, str, str], Notice] = {}
    for notice in (*before, *new):
        kept.setdefault((notice.bsn, notice.kind, notice.party), notice)
    return list(kept.values())


def _as_table(notices: Iterable[Notice]) -> pa.Table:
    return pa.Table.from_pylist([asdict(notice) for notice in notices], schema=_SCHEMA)


def _numbers(result: pa.Table) -> NDArray[np.uint32]:
    numbers: NDArray[np.uint32] = pc.cast(result.column("bsn"), pa.uint32()).to_numpy()
    return numbers


def _without(result: pa.Table, withdrawn: NDArray[np.uint32]) -> pa.Table:
    return result.filter(pa.array(~np.isin(_numbers(result), withdrawn)))


def _free_name(result: pa.Table) -> str:
    """Return the name of the column of notices; a scenario may have a column of that name itself."""
    name = _COLUMN
    while name in result.column_names:
        name += "_"
    return name


def _as_bytes(table: pa.Table) -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content)
    return content.getvalue()
