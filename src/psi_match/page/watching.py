"""One thread per node that follows its events, and comes back after the node was away."""

from __future__ import annotations

import random
import threading

import structlog

from psi_match.base.errors import PolicyRefusal, PsiMatchError, UsageError
from psi_match.node.certificates import OBSERVER, Credentials
from psi_match.node.observer_client import ObserverClient
from psi_match.page.board import REFUSED, STOPPED, Board
from psi_match.page.config import NodeConfig

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 5.0


class NodeWatcher:
    """Follows one node until it is stopped.

    Args:
        node: which node, and with which keys.
        board: where its events go.
    """

    def __init__(self, node: NodeConfig, board: Board) -> None:
        self._node, self._board = node, board
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._client: ObserverClient | None = None
        self._said = ""
        self._thread = threading.Thread(target=self._follow, name=f"watch-{node.party}", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Ask to stop; ``join`` waits for it."""
        self._stopping.set()
        with self._lock:
            if self._client:
                self._client.close()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout_s)

    def _follow(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stopping.is_set():
            state, heard = STOPPED, False
            try:
                # Read anew each time: certificates are replaced without a restart.
                client = ObserverClient(self._node.address, Credentials.read(self._node.keys, OBSERVER))
                with self._lock:
                    if self._stopping.is_set():
                        client.close()
                        return
                    self._client = client
                for event in client.watch():
                    if not heard:
                        heard = True
                        self._say("node serves")
                    self._board.note(self._node.party, event)
            except (PolicyRefusal, UsageError) as error:
                state = REFUSED
                self._say("node refuses the page", sentence=error.sentence)
            except PsiMatchError as error:
                self._say("node does not answer", error=type(error).__name__)
            except Exception as error:  # a closed channel raises errors of its library's  # noqa: BLE001
                self._say("node does not answer", error=type(error).__name__)
            finally:
                self._close()
            if self._stopping.is_set():
                return
            self._board.lost(self._node.party, state)
            wait_s = _FIRST_WAIT_S if heard else min(_LONGEST_WAIT_S, wait_s * 1.6)
            # Not all at once: after a restart of a machine all its nodes come back together.
            self._stopping.wait(wait_s * random.uniform(0.8, 1.2))  # nothing secret  # noqa: S311

    def _close(self) -> None:
        with self._lock:
            if self._client:
                self._client.close()
            self._client = None

    def _say(self, what: str, **values: str) -> None:
        if self._said != what and not self._stopping.is_set():
            self._said = what
            structlog.get_logger().info(what, party=self._node.party, **values)


class Watching:
    """Watchers of all nodes.

    Args:
        nodes: the nodes.
        board: where their events go.
    """

    def __init__(self, nodes: tuple[NodeConfig, ...], board: Board) -> None:
        self._watchers = [NodeWatcher(node, board) for node in nodes]

    def start(self) -> None:
        """Begin to follow all."""
        for watcher in self._watchers:
            watcher.start()

    def stop(self) -> None:
        """Stop all, and wait a moment for their threads."""
        for watcher in self._watchers:
            watcher.stop()
        for watcher in self._watchers:
            watcher.join(2.0)
