"""One node: check everything, listen, say ready, serve until told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, TracebackType

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from psi_match.base.errors import ConfigError
from psi_match.base.randomness import SystemRandomness
from psi_match.node.certificates import NODE, Credentials
from psi_match.node.channels import SERVER_OPTIONS, server_credentials
from psi_match.node.config import NodeConfig
from psi_match.node.context import NodeContext
from psi_match.node.operator_service import OperatorService
from psi_match.node.peer_service import PEER_SERVICE, PeerService
from psi_match.node.sessions import Sessions
from psi_match.node.statistics_ledger import StatisticsLedger
from psi_match.node.store import Store
from psi_match.scenario.catalogue import Catalogue
from psi_match.sim.self_test import self_test
from psi_match.wire.v1 import operator_pb2, operator_pb2_grpc

_SPARE_THREADS = 8
"""For health, reflection, greetings and operators, beside one thread per stream."""

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
        credentials = Credentials.read(config.keys.directory, NODE)
        if credentials.identity.party != config.party:
            raise ConfigError(
                f"The certificate in {config.keys.directory} is that of {credentials.identity.party}, "
                f"but the config says {config.party}.",
                "Point [keys] at this node's own folder.",
            )
        self.context = NodeContext(
            config=config,
            credentials=credentials,
            catalogue=Catalogue(config.scenario_dir),
            store=Store(config.state_dir),
            sessions=Sessions(config.limits.max_sessions),
            ledger=StatisticsLedger(config.state_dir / "statistics", SystemRandomness()),
        )
        self.context.catalogue.all()
        self_test(SystemRandomness())
        for dataset in config.datasets:
            if dataset.preload:
                self.context.datasets.get(dataset)
        self._health = health.HealthServicer()
        threads = (config.limits.max_sessions + 2) * max(1, len(config.peers)) + _SPARE_THREADS
        self._server = grpc.server(
            ThreadPoolExecutor(threads, thread_name_prefix="rpc"),
            options=SERVER_OPTIONS,
            maximum_concurrent_rpcs=4 * threads,
        )
        self._add_services()
        self.address = self._bind(config.listen)
        self._server.start()
        for service in ("", PEER_SERVICE, OPERATOR_SERVICE):
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        structlog.get_logger().info("ready", party=config.party, address=self.address)

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuse new runs, abort the live ones, tell the peers, and stop listening."""
        self._health.enter_graceful_shutdown()
        clean = self.context.sessions.shut_down(_ABORT_WAIT_S)
        self._server.stop(_STOP_GRACE_S).wait()
        structlog.get_logger().info("stopped", party=self.context.party, all_runs_ended=clean)

    def _add_services(self) -> None:
        PeerService(self.context).add_to(self._server)
        operator_pb2_grpc.add_OperatorServicer_to_server(OperatorService(self.context), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (PEER_SERVICE, OPERATOR_SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)

    def _bind(self, listen: str) -> str:
        hint = "Choose another address in `listen`, or stop what uses it."
        port = 0
        try:
            port = self._server.add_secure_port(listen, server_credentials(self.context.credentials))
        except RuntimeError:
            port = 0
        if port == 0:
            raise ConfigError(f"Cannot listen on {listen}.", hint)
        return f"{listen.rsplit(':', 1)[0]}:{port}"


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
