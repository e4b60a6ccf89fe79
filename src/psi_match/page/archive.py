"""Runs that the nodes still keep: a list over all nodes, and a dossier of one run, read when somebody asks.

Reveals:
    What observers may read: records and timelines. No result rows.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TypeVar

from psi_match.base.errors import PsiMatchError
from psi_match.bench.evaluation import fits, of_scenario
from psi_match.node.certificates import OBSERVER, Credentials
from psi_match.node.dossier import Dossier, collect, read_evaluation
from psi_match.node.observer_client import ObserverClient
from psi_match.page.board import SERVING, Board
from psi_match.page.config import NodeConfig, PageConfig

_LIST_FOR_S = 1.5
_MOST_DOSSIERS = 8
_DOSSIER_FOR_S = 5.0
_RUN_ID_LENGTH = 32

Answer = TypeVar("Answer")


@dataclass(slots=True)
class RunSummary:
    """A run in the list.

    Args:
        run_id: the run.
        scenario: its name.
        started: as the first node says, ISO time; empty while it runs.
        wall_s: the longest duration that a node says.
        states: party to state, as each node says.
    """

    run_id: str
    scenario: str
    started: str = ""
    wall_s: float = 0.0
    states: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Of the run as a whole."""
        for state in ("running", "failed"):
            if state in self.states.values():
                return state
        return "finished"


class Archive:
    """What the nodes keep of runs.

    Args:
        config: of the page.
        board: which nodes serve: only those are asked.
    """

    def __init__(self, config: PageConfig, board: Board) -> None:
        self._config, self._board = config, board
        self._lock = threading.Lock()
        self._listed: tuple[float, list[RunSummary], list[str]] | None = None
        self._dossiers: OrderedDict[str, tuple[float, Dossier]] = OrderedDict()
        self._evaluation = read_evaluation(config.evaluation) if config.evaluation else {}

    def runs(self) -> tuple[list[RunSummary], list[str]]:
        """Return all runs, newest first, and the parties that were read."""
        with self._lock:
            if self._listed and time.monotonic() - self._listed[0] < _LIST_FOR_S:
                return self._listed[1], self._listed[2]
        replies = self._ask(lambda client: list(client.status().runs))
        found: dict[str, RunSummary] = {}
        for party, runs in replies.items():
            for run in runs:
                summary = found.setdefault(run.run_id, RunSummary(run.run_id, run.scenario))
                summary.states[party] = run.state
                if run.record_json:
                    record = json.loads(run.record_json)
                    # A node that failed early may have noted no time.
                    summary.started = min(filter(None, (summary.started, record["started"])), default="")
                    summary.wall_s = max(summary.wall_s, record["wall_s"])
        # A live run has no time yet: it stands first.
        listed = sorted(found.values(), key=lambda run: (run.state == "running", run.started), reverse=True)
        with self._lock:
            self._listed = (time.monotonic(), listed, list(replies))
        return listed, list(replies)

    def summary(self, run_id: str) -> RunSummary | None:
        """Return one run, if a node knows it."""
        return next((run for run in self.runs()[0] if run.run_id == run_id), None)

    def dossier(self, run_id: str) -> Dossier:
        """Return the dossier of a run that has ended, collected from the nodes that serve.

        Raises:
            PsiMatchError: no node has a record of it, or none can be reached.
        """
        with self._lock:
            kept = self._dossiers.get(run_id)
            # One that lacks a node's part is asked for again soon: the node may be back.
            if kept and (not kept[1].missing or time.monotonic() - kept[0] < _DOSSIER_FOR_S):
                return kept[1]
        with ExitStack() as stack:
            # All that serve are asked, also those that the list does not have yet: the run may have just ended.
            clients = {
                node.party: stack.enter_context(ObserverClient(node.address, Credentials.read(node.keys, OBSERVER)))
                for node in self._serving()
            }
            dossier = collect(clients, run_id)
        about = of_scenario(self._evaluation, dossier.scenario)
        # Of another text of the scenario it says nothing about this run.
        dossier = replace(dossier, evaluation=about if about and fits(about, dossier.records) else None)
        with self._lock:
            self._dossiers[run_id] = (time.monotonic(), dossier)
            while len(self._dossiers) > _MOST_DOSSIERS:
                self._dossiers.popitem(last=False)
        return dossier

    def _serving(self) -> list[NodeConfig]:
        states = self._board.states()
        return [node for node in self._config.nodes if states.get(node.party) == SERVING]

    def _ask(self, question: Callable[[ObserverClient], Answer]) -> dict[str, Answer]:
        """Ask all nodes that serve, side by side; one that does not answer is left out."""
        nodes = self._serving()

        def one(node: NodeConfig) -> tuple[str, Answer] | None:
            try:
                with ObserverClient(node.address, Credentials.read(node.keys, OBSERVER)) as client:
                    return node.party, question(client)
            except PsiMatchError:
                return None

        if not nodes:
            return {}
        with ThreadPoolExecutor(len(nodes), thread_name_prefix="ask") as pool:
            return dict(answer for answer in pool.map(one, nodes) if answer is not None)


def is_run_id(text: str) -> bool:
    """Tell whether a text may be the id of a run."""
    return len(text) == _RUN_ID_LENGTH and set(text) <= set("0123456789abcdef")
