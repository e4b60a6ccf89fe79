"""Write down what this node refused: rule, and whom and what it was about, in the audit log.

Whoever is refused could ask again a thousand times a second and fill the disk. So of one caller and rule only so many
refusals of a minute get a line of their own; the next line, or the node's stop, says how many there were beside them.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from psi_match.base.errors import PolicyRefusal, PsiMatchError
from psi_match.governance.audit.events import REFUSED, FieldValue, fitting
from psi_match.node.audit_log import AuditLog
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE

LINES_A_MINUTE = 20
_MINUTE = datetime.timedelta(minutes=1)


@dataclass(slots=True)
class _Caller:
    """What one caller was refused by one rule: when lines were written, and what has none yet."""

    lines: list[datetime.datetime] = field(default_factory=list)
    unwritten: int = 0
    last: dict[str, FieldValue] = field(default_factory=dict)


class RefusalLog:
    """Writes refusals into an audit log.

    Args:
        audit: the log.
        now: the node's clock.
    """

    def __init__(self, audit: AuditLog, now: Callable[[], datetime.datetime]) -> None:
        self._audit = audit
        self._now = now
        self._lock = threading.Lock()
        self._callers: dict[tuple[str, str | None, str | None], _Caller] = {}
        """By rule, party and operator: as many as certificates name, so not without bound."""

    def note(self, error: PsiMatchError, **about: str | None) -> None:
        """Write down a refusal of one of this node's rules; any other error is left alone.

        Args:
            error: what was raised; a refusal that came from a peer carries no rule.
            about: fields of the event; what does not fit the log is left out, since a caller may have chosen it.
        """
        if not isinstance(error, PolicyRefusal) or not error.rule:
            return
        try:
            self._note(error, about)
        except (PsiMatchError, OSError) as problem:
            # The refusal stands all the same, and whoever was refused must hear of it.
            structlog.get_logger().error("refusal not written", rule=error.rule, error=type(problem).__name__)

    def _note(self, error: PolicyRefusal, about: Mapping[str, str | None]) -> None:
        fields = fitting(REFUSED, rule=error.rule, **about)
        with self._lock:
            caller = self._callers.setdefault((error.rule, about.get("peer"), about.get("operator")), _Caller())
            now = self._now()
            caller.lines = [moment for moment in caller.lines if now - moment < _MINUTE]
            if len(caller.lines) >= LINES_A_MINUTE and caller.unwritten < LARGEST_PUBLIC_SIZE:
                caller.unwritten += 1
                caller.last = fields
                return
            caller.lines.append(now)
            if caller.unwritten:
                fields["repeated"] = caller.unwritten
            caller.unwritten = 0
            self._audit.append(REFUSED, **fields)

    def flush(self) -> None:
        """Write down how many refusals have no line yet."""
        with self._lock:
            for caller in self._callers.values():
                if caller.unwritten:
                    self._audit.append(REFUSED, **caller.last, repeated=caller.unwritten - 1 or None)
                    caller.unwritten = 0
