"""What a node does beside runs: delete what is due, at its start and every hour; and the same by hand."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import structlog

from psi_match.base.errors import PsiMatchError
from psi_match.base.randomness import SystemRandomness
from psi_match.node.audit_log import FOLDER_NAME, AuditLog
from psi_match.node.config import NodeConfig
from psi_match.node.context import NodeContext
from psi_match.node.retention import purge
from psi_match.node.signing_config import open_signer
from psi_match.node.steady_clock import SteadyClock
from psi_match.node.store import Store

_EVERY_S = 3600.0


class Maintenance:
    """A thread that deletes what is due, until it is stopped.

    Args:
        context: the node.
        every_s: seconds between two looks.
    """

    def __init__(self, context: NodeContext, every_s: float = _EVERY_S) -> None:
        self._context = context
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="maintenance", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._purge()
            if self._stopped.wait(self._every_s):
                return

    def _purge(self) -> None:
        context = self._context
        try:
            deleted = purge(context.store, context.audit, context.clock.today())
        except (PsiMatchError, OSError, ValueError) as error:
            # Said, and tried again in an hour: what is due must not stay because of one bad moment.
            structlog.get_logger().error("nothing deleted", error=type(error).__name__)
            return
        if deleted:
            structlog.get_logger().info("deleted what was due", parts=len(deleted))


@dataclass(frozen=True, slots=True)
class PurgeParts:
    """What a purge by hand needs of a node that may be running.

    Args:
        config: the node's config.
        store: its runs.
        clock: its clock.
    """

    config: NodeConfig
    store: Store
    clock: SteadyClock

    def audit(self) -> AuditLog:
        """Open the audit log; this needs the signing key, which looking does not.

        Raises:
            ConfigError: key or log cannot be used.
        """
        signer = open_signer(self.config.signing, self.config.keys.directory)
        folder = self.config.state_dir / FOLDER_NAME
        return AuditLog(folder, self.config.party, signer, self.clock.now, SystemRandomness())


def open_for_purge(config: NodeConfig) -> PurgeParts:
    """Open what a purge needs.

    Raises:
        ConfigError: the state folder cannot be used.
    """
    return PurgeParts(config, Store(config.state_dir), SteadyClock(config.state_dir / "clock"))
