"""Compute the tasks of roles: in threads of this process, or on the node's own Dask cluster.

Both are a ``concurrent.futures.Executor``. A task is pure, so one whose machine was lost is done again by Dask with the
same result. What goes wrong in a task comes back as a typed error; of a failure that was not raised on purpose only the
type is kept, because its text could hold a value.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from psi_match import __version__
from psi_match.base.errors import ClusterLost, ConfigError, InternalError, PsiMatchError
from psi_match.base.resources import usable_cores
from psi_match.node.cluster_config import ClusterConfig, DaskConfig, ThreadsConfig
from psi_match.node.cluster_security import security
from psi_match.protocols.effects import Task

if TYPE_CHECKING:
    from distributed import Client

_CONNECT_S = 10.0
_LOOK_EVERY_S = 0.5
_ASK_EVERY_S = 5.0
_WITHOUT_WORKERS_S = 60.0
"""A cluster that has had no worker for this long has given up; one that is restarted is back before."""
_HINT = "Look at the scheduler and the workers of the node's cluster."


@dataclass(frozen=True, slots=True, repr=False)
class Computed:
    """How a task ended, as it travels back.

    Args:
        value: what it returned.
        error: what it raised on purpose.
        failure: name of the type of any other exception.
    """

    value: Any = None
    error: PsiMatchError | None = None
    failure: str = ""


def compute(task: Task, version: str) -> Computed:
    """Compute a task where it arrives; never raise, since a library would log the exception's text.

    Args:
        task: what to compute.
        version: of the psi-match that sends it.
    """
    if version != __version__:
        hint = f"The node runs {version}; install the same release on the workers."
        return Computed(error=ConfigError(f"A worker of the node's cluster runs psi-match {__version__}.", hint))
    try:
        return Computed(task.compute())
    except PsiMatchError as error:
        error.__context__ = error.__cause__ = None
        return Computed(error=error.with_traceback(None))
    except Exception as error:  # noqa: BLE001  # whatever it is, its text stays here
        return Computed(failure=type(error).__name__)


def compute_on_worker(task: Task, version: str) -> Computed:
    """Compute a task on a worker of a Dask cluster, unless that worker would write what it holds to its disk."""
    from distributed import get_worker

    # Where nothing is spilled the library keeps results in a plain dictionary.
    if type(get_worker().data) is not dict:
        hint = "Start workers with the settings target and spill of their memory off: docs/deploying.md."
        return Computed(error=ConfigError("A worker of the node's cluster may write rows and keys to its disk.", hint))
    return compute(task, version)


class Cluster(Protocol):
    """Where tasks are computed."""

    def submit(self, task: Task) -> Future[Computed]:
        """Begin to compute a task.

        Raises:
            ClusterLost: the cluster cannot be reached.
        """
        ...

    def check(self) -> None:
        """Look after the cluster; called now and then while somebody waits.

        Raises:
            ClusterLost: it will not finish anything any more.
        """
        ...

    def close(self) -> None:
        """Leave it."""
        ...


class Threads:
    """Threads of this process: kernels and ciphers run outside of the interpreter's lock.

    Args:
        count: how many; as many as this process may use processors if absent.
    """

    def __init__(self, count: int | None = None) -> None:
        # Threads start with the first task: most nodes never have one.
        self._pool = ThreadPoolExecutor(count or usable_cores(), thread_name_prefix="task")

    def submit(self, task: Task) -> Future[Computed]:
        """Begin to compute a task."""
        return self._pool.submit(compute, task, __version__)

    def check(self) -> None:
        """Threads are not lost."""

    def close(self) -> None:
        """Drop what has not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Dask:
    """The node's own Dask cluster, connected to when the first task comes.

    Args:
        config: where it is.
        peers_ca: certificates of the authority that signs those of the parties; it must not be the cluster's.

    Raises:
        ConfigError: the package ``distributed`` is missing, or a TLS file is not usable.
    """

    def __init__(self, config: DaskConfig, peers_ca: Path | None = None) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._executor: Executor | None = None
        self._asked = self._had_workers = 0.0
        self._security = security(config, peers_ca)

    def submit(self, task: Task) -> Future[Computed]:
        """Begin to compute a task.

        Raises:
            ClusterLost: the cluster cannot be reached or has no worker.
        """
        executor = self._connected()
        try:
            # A new key for each task: equal arguments must not be looked for, let alone found.
            return executor.submit(compute_on_worker, task, __version__)
        except Exception as error:  # noqa: BLE001  # the library raises many types
            raise _lost(error) from None

    def check(self) -> None:
        """Ask the scheduler for its workers, every few seconds.

        Raises:
            ClusterLost: it does not answer, or has had no worker for a minute.
        """
        now = time.monotonic()
        client = self._client
        if client is None or now - self._asked < _ASK_EVERY_S:
            return
        self._asked = now
        try:
            workers = len(client.nthreads())
        except Exception as error:  # noqa: BLE001  # as above
            raise _lost(error) from None
        if workers:
            self._had_workers = now
        elif now - self._had_workers > _WITHOUT_WORKERS_S:
            raise ClusterLost("The node's cluster has no workers any more.", _HINT)

    def close(self) -> None:
        """Disconnect; what is being computed is dropped."""
        with self._lock:
            self._leave()

    def _connected(self) -> Executor:
        with self._lock:
            if self._client is not None and self._client.status != "running":
                self._leave()
            if self._client is None or self._executor is None:
                self._client = self._connect()
                self._executor = self._client.get_executor(pure=False)
                self._asked = self._had_workers = time.monotonic()
            return self._executor

    def _connect(self) -> Client:
        import distributed

        client: Client | None = None
        try:
            client = distributed.Client(
                self._config.scheduler,
                timeout=_CONNECT_S,
                security=self._security,
                set_as_default=False,
                name=f"psi-match-{os.getpid()}",
            )
            client.wait_for_workers(1, timeout=_CONNECT_S)
        except Exception as error:  # noqa: BLE001  # as above
            if client is not None:
                client.close(timeout=_CONNECT_S)
            structlog.get_logger().error("no cluster", error=type(error).__name__)
            what = "cannot be reached" if client is None else "has no workers"
            raise ClusterLost(f"The node's cluster {what}.", _HINT) from None
        return client

    def _leave(self) -> None:
        client, self._client, self._executor = self._client, None, None
        if client is not None:
            client.close(timeout=_CONNECT_S)


def open_cluster(config: ClusterConfig, peers_ca: Path) -> Cluster:
    """Return where a node computes.

    Args:
        config: what the node's config says.
        peers_ca: certificates of the authority that signs those of the parties.

    Raises:
        ConfigError: what the config names cannot be used here.
    """
    return Threads(config.count) if isinstance(config, ThreadsConfig) else Dask(config, peers_ca)


def result(future: Future[Computed], check: Callable[[], None]) -> Any:  # noqa: ANN401  # whatever the task returns
    """Wait for a task.

    Args:
        future: the started task.
        check: raises when waiting is in vain; called twice a second.

    Raises:
        PsiMatchError: the task, the cluster or whatever ``check`` looks at failed.
    """
    while not wait([future], _LOOK_EVERY_S).done:
        check()
    try:
        computed = future.result()
    except Exception as error:  # noqa: BLE001  # of the library: a lost worker, a lost scheduler
        raise _lost(error) from None
    if computed.error is not None:
        raise computed.error
    if computed.failure:
        structlog.get_logger().error("a task failed", error=computed.failure)
        raise InternalError("A computation of the run failed.", "Please report it; the log names the kind of failure.")
    return computed.value


def _lost(error: Exception) -> ClusterLost:
    structlog.get_logger().error("the cluster failed", error=type(error).__name__)
    return ClusterLost("The node's cluster was lost, or lost the machines that computed.", _HINT)
