"""Start a run for a demonstration, with the certificate of an operator of the leader; one at a time.

In earnest nobody holds such certificates of several bodies: without the setting ``operators`` nothing is started here.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import structlog

from psi_match.base.errors import ConfigError, InternalError, PolicyRefusal, PsiMatchError
from psi_match.node.certificates import OPERATOR, Credentials
from psi_match.node.operator_client import OperatorClient
from psi_match.page.config import PageConfig
from psi_match.scenario.join_model import AnyScenario
from psi_match.wire.v1 import operator_pb2 as pb

_MOST_KEPT = 50


@dataclass(slots=True)
class Start:
    """A run that was started from the page.

    Args:
        key: names it before it has a run id.
        scenario: name of the scenario.
        party: who starts it.
        run_id: once the node has told.
        error: why it failed.
        progress: (peer, step) to what the starting node says of it, in the order of first mention.
        changed: set when it has a run id or has ended.
        ended: whether the call is over.
    """

    key: str
    scenario: str
    party: str
    run_id: str = ""
    error: PsiMatchError | None = None
    progress: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: threading.Event = field(default_factory=threading.Event)
    ended: bool = False


class Starter:
    """Starts runs.

    Args:
        config: of the page: where nodes and operators' keys are.
    """

    def __init__(self, config: PageConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._starts: OrderedDict[str, Start] = OrderedDict()

    def start(self, scenario: AnyScenario) -> Start:
        """Start a scenario at its first leader, in a thread of its own.

        Raises:
            PolicyRefusal: a run that was started here is still under way.
            ConfigError: the page holds no operator's certificate of the leader, or none that is good now.
            InternalError: there is no thread for it.
        """
        party = scenario.leaders[0]
        keys, node = self._config.operator_keys(party), self._config.node(party)
        if keys is None or node is None:
            raise ConfigError("This page has no certificate to start this scenario with.", "Use psi-match run.")
        # Before anything is noted: what fails here must not look like a run that never ends.
        credentials = Credentials.read(keys, OPERATOR)
        with self._lock:
            if any(not start.ended for start in self._starts.values()):
                raise PolicyRefusal("A run is being started from this page already.", "Wait until it has ended.")
            start = Start(secrets.token_urlsafe(12), scenario.name, party)
            self._starts[start.key] = start
            while len(self._starts) > _MOST_KEPT:
                self._starts.popitem(last=False)
        thread = threading.Thread(target=self._run, args=(start, node.address, credentials), daemon=True)
        try:
            thread.start()
        except RuntimeError:
            with self._lock:
                self._starts.pop(start.key, None)
            raise InternalError("The page has no room to start a run.", "Try again in a while.") from None
        structlog.get_logger().info("run asked for", scenario=scenario.name, party=party)
        return start

    def by_key(self, key: str) -> Start | None:
        """Return a start by its key."""
        with self._lock:
            return self._starts.get(key)

    def by_run(self, run_id: str) -> Start | None:
        """Return the start of a run, if it was started here."""
        with self._lock:
            return next((start for start in self._starts.values() if start.run_id == run_id), None)

    def _run(self, start: Start, address: str, credentials: Credentials) -> None:
        def started(run_id: str) -> None:
            start.run_id = run_id
            start.changed.set()

        def advanced(progress: pb.Progress) -> None:
            # One line per peer: the step that it is in, and how much of the whole is done.
            start.progress[progress.peer] = {
                "peer": progress.peer,
                "step": progress.step,
                "done": progress.done,
                "total": max(progress.done, progress.total),
                "at": time.monotonic(),
            }

        try:
            with OperatorClient(address, credentials) as client:
                client.run(start.scenario, on_started=started, on_progress=advanced)
        except PsiMatchError as error:
            start.error = error
            structlog.get_logger().warning("run failed", scenario=start.scenario, error=type(error).__name__)
        except Exception as error:  # its text could hold a value  # noqa: BLE001
            start.error = InternalError("The page could not follow the run.", "Look in the page's log.")
            structlog.get_logger().error("run failed", scenario=start.scenario, error=type(error).__name__)
        finally:
            start.ended = True
            start.changed.set()
