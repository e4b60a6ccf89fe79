"""Reports of runs, made when somebody asks: few at a time, and the latest are kept.

A report takes a second or more of a core, and anybody who reaches the page may ask for one. Whoever finds the places
taken is told to come back; nobody waits in a queue that others can fill.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from psi_match.node.dossier import Dossier

_AT_A_TIME = 2
_MOST_KEPT = 8
RETRY_AFTER_S = 3

Key = tuple[str, str, str, str]
"""Run, when its dossier was collected, language, form."""


class BusyError(Exception):
    """All places are taken."""


class ReportShelf:
    """Keeps reports of runs that are over for good.

    Args:
        at_a_time: how many are made at once.
        most: how many are kept.
    """

    def __init__(self, at_a_time: int = _AT_A_TIME, most: int = _MOST_KEPT) -> None:
        self._places = threading.BoundedSemaphore(at_a_time)
        self._most = most
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, dossier: Dossier, language: str, form: str, make: Callable[[], bytes]) -> bytes:
        """Return a report that is kept, or make it.

        Args:
            dossier: of the run.
            language: of the report.
            form: ``html`` or ``pdf``.
            make: makes it.

        Raises:
            BusyError: too many are being made.
        """
        key = (dossier.run_id, dossier.collected, language, form)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        if not self._places.acquire(blocking=False):
            raise BusyError
        try:
            content = make()
        finally:
            self._places.release()
        if is_final(dossier):
            with self._lock:
                self._kept[key] = content
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return content

    def __len__(self) -> int:
        return len(self._kept)


def is_final(dossier: Dossier) -> bool:
    """Tell whether nothing can be added to a dossier any more: all nodes answered, and ended the run well."""
    states = [record["state"] for record in dossier.records.values()]
    return bool(states) and not dossier.missing and set(states) == {"finished"}
