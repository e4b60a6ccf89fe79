"""The runs that are live at a node: how many at most, how far they are, and how to stop them all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from psi_match.base.errors import DeadlineExceeded, PsiMatchError, SecondHandAbort, ShutdownError
from psi_match.governance.rules import Rule, refusal
from psi_match.node.event_log import RunEvents, nobody
from psi_match.node.link import Link

_LOOK_EVERY_S = 0.1
_CAUSE_WAIT_S = 2.0


@dataclass(slots=True)
class Session:
    """One live run.

    Args:
        run_id: 32 hexadecimal digits.
        scenario: name.
        role: what this node does in it.
        links: per peer.
    """

    run_id: str
    scenario: str
    role: str
    links: dict[str, Link] = field(default_factory=dict)
    stopping: bool = False
    about_notices: bool = False
    """Whether it is about notices on an earlier run; those who only look on do not see it."""
    expected: frozenset[str] = frozenset()
    """Peers that may attach a stream of their own to this run."""
    events: RunEvents | None = None
    """What happens in the run, for those who look on; from its recorded beginning."""
    _reports: bool = False
    _attached: threading.Condition = field(default_factory=threading.Condition)

    def add_link(self, link: Link) -> None:
        """Add a link.

        Raises:
            ShutdownError: the node is shutting down.
        """
        with self._attached:
            self._take_in(link)
        self.go_on()

    def attach(self, link: Link) -> None:
        """Take in a stream that a peer has opened for this run.

        Raises:
            PolicyRefusal: no stream of that peer is expected.
        """
        with self._attached:
            if link.peer not in self.expected or link.peer in self.links:
                raise refusal(
                    Rule.RUN_ID, "no stream of this peer is expected in the run.", peer=link.peer, step="attachment"
                )
            self._take_in(link)
            self._attached.notify_all()
        if self.stopping:
            link.abort(ShutdownError("The node is shutting down.", peer=link.peer))

    def report_to(self, events: RunEvents | None) -> None:
        """Let the links tell of their messages, those that are there and those to come; None: tell nobody."""
        with self._attached:
            self.events, self._reports = events, True
            for link in self.links.values():
                self._let_tell(link)

    def first_message_at(self) -> float | None:
        """Return the monotonic moment of the first message, as long as nobody is told of messages."""
        moments = [link.tap.first_at for link in self.links.values()]
        return min((at for at in moments if at is not None), default=None)

    def enter_stage(self, name: str) -> None:
        """Tell those who look on that a part of the run begins."""
        if self.events is not None:
            self.events.stage(name)

    def _take_in(self, link: Link) -> None:
        self.links[link.peer] = link
        if self._reports:
            self._let_tell(link)

    def _let_tell(self, link: Link) -> None:
        link.tap.report_to(self.events.reporter(link.peer) if self.events else nobody)

    def await_links(self, peers: Iterable[str], wait_s: float) -> None:
        """Wait until these peers have attached.

        Raises:
            DeadlineExceeded: one has not in time.
            PsiMatchError: the run has failed meanwhile.
        """
        end = time.monotonic() + wait_s
        for peer in peers:
            while not self._has(peer):
                for link in list(self.links.values()):
                    link.check()
                if time.monotonic() > end:
                    raise DeadlineExceeded("The peer opened no stream.", peer=peer, step="attachment")

    def _has(self, peer: str) -> bool:
        """Tell whether a peer has a link, at once or within a moment."""
        with self._attached:
            return self._attached.wait_for(lambda: peer in self.links, timeout=_LOOK_EVERY_S)

    def cause_of(self, failure: PsiMatchError, wait_s: float = _CAUSE_WAIT_S) -> PsiMatchError:
        """Return what the party at fault itself said, where ``failure`` is only what another party heard of it.

        Of two messages on two streams either may come first: the second is waited for, a moment.
        """
        end = time.monotonic() + wait_s
        while isinstance(failure, SecondHandAbort):
            for link in list(self.links.values()):
                cause = link.lost_by
                if isinstance(cause, PsiMatchError) and not isinstance(cause, SecondHandAbort):
                    # Whoever waits for a message fills in its step; for this one nobody waited.
                    cause.step = cause.step or link.progress.step
                    return cause
            if time.monotonic() > end:
                break
            time.sleep(_LOOK_EVERY_S / 5)
        return failure

    def fail(self, error: BaseException) -> None:
        """Tell every peer that the run has failed here, also one that attaches from now on."""
        with self._attached:
            self.expected = frozenset()
            links = list(self.links.values())
        for link in links:
            link.abort(error)

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
                raise refusal(Rule.RUN_ID, "the run id was used before.", "Start a new run.")
            if len(self._live) >= self.limit:
                raise refusal(
                    Rule.SESSIONS, f"the node has {self.limit} runs at work, as many as it allows.", "Try again later."
                )
            self._live[session.run_id] = session
        try:
            yield session
        finally:
            with self._changed:
                del self._live[session.run_id]
                self._changed.notify_all()

    def find(self, run_id: str) -> Session:
        """Return a live run.

        Raises:
            PolicyRefusal: there is none of this id.
        """
        with self._changed:
            if run_id not in self._live:
                raise refusal(Rule.RUN_ID, "the run is not under way here.", "Start a new run.")
            return self._live[run_id]

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
