"""The runs that are live at a node: how many at most, how far they are, and how to stop them all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from psi_match.base.errors import PolicyRefusal
from psi_match.node.link import Link
from psi_match.wire.aborts import ShutdownError


@dataclass(slots=True)
class Session:
    """One live run.

    Args:
        run_id: 32 hexadecimal digits.
        scenario: name.
        role: ``leader`` or ``data party``.
        links: per peer.
    """

    run_id: str
    scenario: str
    role: str
    links: dict[str, Link] = field(default_factory=dict)
    stopping: bool = False

    def add_link(self, link: Link) -> None:
        """Add a link.

        Raises:
            ShutdownError: the node is shutting down.
        """
        self.links[link.peer] = link
        self.go_on()

    def go_on(self) -> None:
        """Check that the run may go on.

        Raises:
            ShutdownError: the node is shutting down.
        """
        if self.stopping:
            raise ShutdownError("The node is shutting down.", "Try again later.")


class Sessions:
    """All live runs of a node.

    Args:
        limit: runs at a time.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._live: dict[str, Session] = {}
        self._changed = threading.Condition()
        self._closing = False

    @contextmanager
    def admit(self, session: Session) -> Iterator[Session]:
        """Hold a place for a run as long as it lasts.

        Raises:
            PolicyRefusal: no place is free, the run is live already, or the node is shutting down.
        """
        with self._changed:
            if self._closing:
                raise ShutdownError("The node is shutting down.", "Try again later.")
            if session.run_id in self._live:
                raise PolicyRefusal("This run id was used before.", "Start a new run.")
            if len(self._live) >= self.limit:
                raise PolicyRefusal(
                    f"The node has {self.limit} runs at work, as many as it allows.", "Try again later."
                )
            self._live[session.run_id] = session
        try:
            yield session
        finally:
            with self._changed:
                del self._live[session.run_id]
                self._changed.notify_all()

    def live(self) -> list[Session]:
        """Return the live runs."""
        with self._changed:
            return list(self._live.values())

    def shut_down(self, wait_s: float) -> bool:
        """Refuse new runs, abort the live ones and wait for them to end; tell whether all did."""
        with self._changed:
            self._closing = True
            live = list(self._live.values())
        for session in live:
            # Set before the links are looked at: a run that adds one later finds the flag.
            session.stopping = True
            for link in list(session.links.values()):
                link.abort(ShutdownError("The node is shutting down.", peer=link.peer))
        with self._changed:
            return self._changed.wait_for(lambda: not self._live, timeout=wait_s)
