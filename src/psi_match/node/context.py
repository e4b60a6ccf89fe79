"""Everything that a node's services share, as one explicit argument: no module-level state."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from psi_match.base.randomness import RandomSource, SystemRandomness
from psi_match.governance.signing import Signer
from psi_match.node.audit_log import AuditLog
from psi_match.node.bandwidth import PathRates
from psi_match.node.certificates import Credentials, LiveCredentials
from psi_match.node.cluster import Cluster, Threads
from psi_match.node.config import NodeConfig
from psi_match.node.dataset_cache import DatasetCache
from psi_match.node.event_log import EventLog
from psi_match.node.gate import Gate
from psi_match.node.link import LinkTimes
from psi_match.node.refusals import RefusalLog
from psi_match.node.run_ledger import RunLedger
from psi_match.node.sessions import Sessions
from psi_match.node.steady_clock import SteadyClock
from psi_match.node.store import Store
from psi_match.scenario.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class NodeContext:
    """A node's parts."""

    config: NodeConfig
    live_credentials: LiveCredentials
    signer: Signer
    catalogue: Catalogue
    store: Store
    sessions: Sessions
    clock: SteadyClock
    gate: Gate
    ledger: RunLedger
    audit: AuditLog
    refusals: RefusalLog
    datasets: DatasetCache = field(default_factory=DatasetCache)
    rng: RandomSource = field(default_factory=SystemRandomness)
    events: EventLog = field(default_factory=EventLog)
    cluster: Cluster = field(default_factory=Threads)
    paths: PathRates = field(default_factory=PathRates)

    @property
    def party(self) -> str:
        """Own party id."""
        return self.config.party

    @property
    def credentials(self) -> Credentials:
        """The newest usable certificate and key."""
        return self.live_credentials.current()

    def link_times(self) -> LinkTimes:
        """Return the waiting times of a run that starts now."""
        limits = self.config.limits
        return LinkTimes(limits.peer_silence_s, limits.heartbeat_s, time.monotonic() + limits.run_s)
