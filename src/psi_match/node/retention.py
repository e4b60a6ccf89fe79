"""Delete what a run left when its agreement says so: results, what opens commitments, records.

The node does it at its start, every hour and before it hands out a result; ``psi-match node purge`` does it by hand,
also beside a running node. Each run's record holds the last day of each part; an agreement that is gone cannot prolong
or shorten it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psi_match.node.audit_log import AuditLog
from psi_match.node.store import Store

RESULT, SECRETS, RECORD = "result", "secrets", "record"
PARTS = (RESULT, SECRETS, RECORD)
"""In the order in which they are deleted: a record stays as long as anything of its run."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A part of a run that a node still has.

    Args:
        run_id: the run.
        scenario: its name.
        part: one of ``PARTS``.
        until: last day on which it may be there.
    """

    run_id: str
    scenario: str
    part: str
    until: datetime.date

    def is_due(self, today: datetime.date) -> bool:
        """Tell whether the day has passed."""
        return today > self.until


def kept(store: Store) -> list[Kept]:
    """Return everything of runs that a node has, in the order in which it goes."""
    found = [part for record in store.records() for part in _parts(store, record)]
    return sorted(found, key=lambda part: (part.until, PARTS.index(part.part), part.run_id))


def purge(store: Store, audit: AuditLog, today: datetime.date) -> list[Kept]:
    """Delete everything whose day has passed; return what was deleted.

    A line of the audit log says so *before* each part goes: a crash in between leaves a line too many, which the next
    purge repeats, and never a deletion that nobody can see.
    """
    due = [part for part in kept(store) if part.is_due(today)]
    for part in due:
        audit.append("purged", run=part.run_id, what=part.part)
        store.delete(part.run_id, part.part, today)
    return due


def _parts(store: Store, record: dict[str, Any]) -> Iterator[Kept]:
    for part, until in record["keep_until"].items():
        if part in PARTS and store.has(record["run_id"], part):
            yield Kept(record["run_id"], record["scenario"], part, datetime.date.fromisoformat(until))
