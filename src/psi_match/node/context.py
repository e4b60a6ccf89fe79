"""Everything that a node's services share, as one explicit argument: no module-level state."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from psi_match.base.randomness import RandomSource, SystemRandomness
from psi_match.node.certificates import Credentials
from psi_match.node.config import NodeConfig
from psi_match.node.dataset_cache import DatasetCache
from psi_match.node.link import LinkTimes
from psi_match.node.sessions import Sessions
from psi_match.node.statistics_ledger import StatisticsLedger
from psi_match.node.store import Store
from psi_match.scenario.catalogue import Catalogue


def _utc_today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


@dataclass(frozen=True, slots=True)
class NodeContext:
    """A node's parts."""

    config: NodeConfig
    credentials: Credentials
    catalogue: Catalogue
    store: Store
    sessions: Sessions
    ledger: StatisticsLedger
    datasets: DatasetCache = field(default_factory=DatasetCache)
    rng: RandomSource = field(default_factory=SystemRandomness)
    today: Callable[[], datetime.date] = _utc_today

    @property
    def party(self) -> str:
        """Own party id."""
        return self.config.party

    def link_times(self) -> LinkTimes:
        """Return the waiting times of a run that starts now."""
        limits = self.config.limits
        return LinkTimes(limits.peer_silence_s, limits.heartbeat_s, time.monotonic() + limits.run_s)
