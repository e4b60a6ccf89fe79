"""One node: check everything, listen, say ready, serve until told to stop."""

from __future__ import annotations

import datetime
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, TracebackType

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from psi_match.base.errors import ConfigError, PolicyRefusal, PsiMatchError
from psi_match.base.randomness import SystemRandomness
from psi_match.governance.rules import Rule, refusal
from psi_match.governance.signing import SIGNERS_NAME
from psi_match.node.audit_log import FOLDER_NAME, AuditLog
from psi_match.node.call_limits import MOST_WATCHERS, CallLimits
from psi_match.node.certificates import EXPIRES_SOON_DAYS, NODE, Identity, LiveCredentials
from psi_match.node.channels import SERVER_OPTIONS, RevocationGuard, live_server_credentials
from psi_match.node.cluster import open_cluster
from psi_match.node.config import NodeConfig
from psi_match.node.context import NodeContext
from psi_match.node.gate import Gate
from psi_match.node.health_file import HealthFile
from psi_match.node.maintenance import Maintenance
from psi_match.node.observer_service import OBSERVER_SERVICE, ObserverService
from psi_match.node.operator_service import OperatorService
from psi_match.node.peer_service import PEER_SERVICE, PeerService
from psi_match.node.refusals import RefusalLog
from psi_match.node.revocation import REVOKED_NAME, RevocationList, revoked_serials
from psi_match.node.run_ledger import RunLedger
from psi_match.node.sessions import Sessions
from psi_match.node.signing_config import open_signer
from psi_match.node.state_lock import StateLock
from psi_match.node.steady_clock import SteadyClock
from psi_match.node.store import Store
from psi_match.scenario.catalogue import Catalogue
from psi_match.sim.self_test import self_test
from psi_match.wire.v1 import observer_pb2_grpc, operator_pb2, operator_pb2_grpc

_SPARE_CALLS = 4
"""Calls that one party may have open beyond the number of runs: streams to be refused, greetings, health."""
_SPARE_THREADS = 8
"""To refuse calls with."""
_STREAMS_PER_CONNECTION = 100
"""What comes beyond this waits at the caller. No fewer: RFC 9113, section 6.5.2."""

_ABORT_WAIT_S = 5.0
_STOP_GRACE_S = 2.0
OPERATOR_SERVICE = operator_pb2.DESCRIPTOR.services_by_name["Operator"].full_name


class Node:
    """A running node.

    Args:
        config: validated config.

    Raises:
        PsiMatchError: keys, store, scenarios, datasets or the address are not usable; nothing listens then.
    """

    def __init__(self, config: NodeConfig) -> None:
        live = _own_credentials(config)
        store = Store(config.state_dir)
        self._lock = StateLock(config.state_dir)
        try:
            self.context = _context(config, live, store)
            self._check()
            self._health = health.HealthServicer()
            self._server = self._make_server()
            self._health_file = HealthFile(config.health_file, live.current) if config.health_file else None
            self.address = self._bind(config.listen)
            self.context.audit.append("node-started")
        except BaseException:
            self._lock.release()
            raise
        self._maintenance = Maintenance(self.context)
        self._server.start()
        for service in ("", PEER_SERVICE, OPERATOR_SERVICE, OBSERVER_SERVICE):
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        if self._health_file:
            self._health_file.start(self.address)
        structlog.get_logger().info("ready", party=config.party, address=self.address)

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuse new runs, abort the live ones, tell the peers, and stop listening."""
        if self._health_file:
            self._health_file.stop()
        self._health.enter_graceful_shutdown()
        clean = self.context.sessions.shut_down(_ABORT_WAIT_S)
        self.context.cluster.close()
        # After the runs, so that those who look on see how they ended.
        self.context.events.close()
        self._server.stop(_STOP_GRACE_S).wait(_STOP_GRACE_S + _ABORT_WAIT_S)
        self._maintenance.stop()
        try:
            self.context.refusals.flush()
            self.context.audit.append("node-stopped")
        except (PsiMatchError, OSError) as error:
            structlog.get_logger().error("stop not written", error=type(error).__name__)
        finally:
            self._lock.release()
        structlog.get_logger().info("stopped", party=self.context.party, all_runs_ended=clean)

    def _check(self) -> None:
        """Check what runs will need; a policy that permits nothing is fine, one that cannot be read is said."""
        self.context.catalogue.all()
        revoked_serials(self.context.config.keys.directory / REVOKED_NAME)
        self_test(SystemRandomness())
        for dataset in self.context.config.datasets:
            if dataset.preload:
                self.context.datasets.get(dataset)
        try:
            self.context.gate.policy()
        except PolicyRefusal as no:
            structlog.get_logger().warning("no run is permitted", sentence=str(no), hint=no.hint)

    def _note_revoked(self, identity: Identity | None, reason: str) -> None:
        error = refusal(Rule.CALLER, reason)
        self.context.refusals.note(error, peer=identity.party if identity else None)

    def _make_server(self) -> grpc.Server:
        config = self.context.config
        parties = frozenset({config.party, *(peer.party for peer in config.peers)})
        calls = config.limits.max_sessions + _SPARE_CALLS
        # One for each call that may be open: those of known parties, those of all others together, and watches.
        threads = calls * (len(parties) + 1) + MOST_WATCHERS + _SPARE_THREADS
        revoked = RevocationList(config.keys.directory / REVOKED_NAME)
        server = grpc.server(
            ThreadPoolExecutor(threads, thread_name_prefix="rpc"),
            options=[*SERVER_OPTIONS, ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION)],
            maximum_concurrent_rpcs=16 * threads,
            interceptors=[
                RevocationGuard(revoked, self._note_revoked),
                CallLimits(config.party, parties, calls, config.limits.peer_silence_s),
            ],
        )
        PeerService(self.context).add_to(server)
        operator_pb2_grpc.add_OperatorServicer_to_server(OperatorService(self.context), server)
        observer_pb2_grpc.add_ObserverServicer_to_server(ObserverService(self.context, revoked), server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (PEER_SERVICE, OPERATOR_SERVICE, OBSERVER_SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        return server

    def _bind(self, listen: str) -> str:
        hint = "Choose another address in `listen`, or stop what uses it."
        port = 0
        try:
            port = self._server.add_secure_port(listen, live_server_credentials(self.context.live_credentials))
        except RuntimeError:
            port = 0
        if port == 0:
            raise ConfigError(f"Cannot listen on {listen}.", hint)
        return f"{listen.rsplit(':', 1)[0]}:{port}"


def _own_credentials(config: NodeConfig) -> LiveCredentials:
    live = LiveCredentials(config.keys.directory, NODE)
    credentials = live.current()
    if credentials.identity.party != config.party:
        raise ConfigError(
            f"The certificate in {config.keys.directory} is that of {credentials.identity.party}, "
            f"but the config says {config.party}.",
            "Point [keys] at this node's own folder.",
        )
    left = credentials.days_left(datetime.datetime.now(datetime.UTC))
    if left < EXPIRES_SOON_DAYS:
        structlog.get_logger().warning("the certificate expires soon", days_left=left)
    return live


def _context(config: NodeConfig, live: LiveCredentials, store: Store) -> NodeContext:
    clock = SteadyClock(config.state_dir / "clock")
    rng = SystemRandomness()
    signer = open_signer(config.signing, config.keys.directory)
    files = config.governance
    signers = files.signers or config.keys.directory / SIGNERS_NAME
    audit = AuditLog(config.state_dir / FOLDER_NAME, config.party, signer, clock.now, rng)
    return NodeContext(
        config=config,
        live_credentials=live,
        signer=signer,
        catalogue=Catalogue(config.scenario_dir),
        store=store,
        sessions=Sessions(config.limits.max_sessions),
        clock=clock,
        gate=Gate(
            config.party,
            files.policy,
            files.agreements,
            signers,
            clock,
            lambda digest: audit.append("policy-read", policy_digest=digest.hex()),
        ),
        ledger=RunLedger(config.state_dir / "ledger", rng, clock.now),
        audit=audit,
        refusals=RefusalLog(audit, clock.now),
        rng=rng,
        cluster=open_cluster(config.cluster, config.keys.directory / "ca.pem"),
    )


def serve(config: NodeConfig, on_ready: Callable[[str], None] = lambda _address: None) -> None:
    """Run a node until SIGTERM or SIGINT.

    Args:
        config: validated config.
        on_ready: called with the address once the node serves.

    Raises:
        PsiMatchError: the node cannot start.
    """
    stop = threading.Event()

    def request_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    with Node(config) as node:
        on_ready(node.address)
        stop.wait()
