"""One end of the stream between two parties of a run: frames in order, heartbeats, deadlines, counted bytes.

A reader thread calls ``feed`` with what arrives; gRPC takes what leaves from ``outgoing``. The thread that plays the
role calls ``send`` and ``receive``. A deadline counts from the peer's last sign of life, not from the start of a
step: a long computation is not a dead peer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from psi_match.base.errors import DeadlineExceeded, PeerError, PsiMatchError, TransportError
from psi_match.node.event_log import MessageTap
from psi_match.node.mailbox import Closed, Mailbox
from psi_match.protocols.effects import Recv, Rows
from psi_match.wire import aborts
from psi_match.wire.frames import MAX_FRAME_BYTES, STEP_NAMES, STEPS, FrameReader, FrameWriter
from psi_match.wire.transcript import Transcript, TranscriptDigest
from psi_match.wire.v1 import peer_pb2 as pb

_QUEUED_MESSAGES = 8
"""Messages in each direction that wait inside the node: at most 16 MB a link."""


@dataclass(frozen=True, slots=True)
class LinkTimes:
    """How long to wait.

    Args:
        silence_s: without any sign of life from the peer for this long, the run ends.
        heartbeat_s: how often to send one.
        run_end: monotonic time at which the run ends in any case.
    """

    silence_s: float
    heartbeat_s: float
    run_end: float


@dataclass(slots=True)
class LinkProgress:
    """How far a run with one peer is; read by operators and sent in heartbeats."""

    step: str = "hello"
    done: int = 0
    total: int = 0
    peer_done: int = 0
    peer_total: int = 0


class Link:
    """One end of a stream.

    Args:
        peer: party id of the other end.
        times: how long to wait.
        is_leader: whether this end is the leader of the run.
    """

    def __init__(self, peer: str, times: LinkTimes, *, is_leader: bool) -> None:
        self.peer = peer
        self.progress = LinkProgress()
        self.transcript = Transcript()
        self.tap = MessageTap()
        self.lost_by: BaseException | None = None
        """What the connection or the peer failed with first, also where this end had given up before."""
        self.bytes_out = 0
        self.bytes_in = 0
        self.flights = 0
        """Maximal runs of messages in one direction, in the order in which the role sent and awaited them."""
        self._times = times
        self._is_leader = is_leader
        self._inbound: Mailbox[pb.SessionMessage] = Mailbox(_QUEUED_MESSAGES)
        self._outbound: Mailbox[bytes] = Mailbox(_QUEUED_MESSAGES)
        self._opened_at = self._heard_at = time.monotonic()
        self._last_flight = ""
        self._messages_sent = 0
        self._messages_fed = 0
        self._waits_for_room = False
        self._writer: FrameWriter | None = None
        self._reader: FrameReader | None = None
        self._stopped = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"heartbeat-{peer}", daemon=True)
        self._heart.start()

    # What the thread of the role calls.

    def bind(self, run_id: bytes) -> None:
        """Fix the run that frames on this stream belong to."""
        self._writer = FrameWriter(run_id)
        self._reader = FrameReader(run_id, self.peer)

    def send_message(self, message: pb.SessionMessage) -> None:
        """Send one message; wait while the peer reads slowly.

        Raises:
            PsiMatchError: the link has failed, or the peer reads nothing and says nothing.
        """
        self._put(message.SerializeToString(), message.WhichOneof("content") or "")
        self._messages_sent += 1

    def receive_message(self, content: str) -> pb.SessionMessage:
        """Wait for the next message, which must be of one kind of content.

        Raises:
            PsiMatchError: it is not, the link has failed, or the peer says nothing.
        """
        message = self._get(content)
        if message.WhichOneof("content") != content:
            raise PeerError(f"A message of another kind came where {content} was due.", peer=self.peer, step=content)
        return message

    def receive_first(self, contents: tuple[str, ...]) -> pb.SessionMessage:
        """Wait for the first message of the stream, for a fixed time: heartbeats do not prolong it.

        Args:
            contents: the kinds that it may be of.

        Raises:
            PsiMatchError: it is of another kind, the link has failed, or the peer says nothing.
        """
        message = self._get(contents[0], self._opened_at + self._times.silence_s)
        if message.WhichOneof("content") not in contents:
            raise PeerError(
                f"A message of another kind came where {contents[0]} was due.", peer=self.peer, step=contents[0]
            )
        return message

    def send(self, run: int, message: Rows) -> None:
        """Send one protocol message as a frame.

        Raises:
            PsiMatchError: as ``send_message``.
        """
        self.progress.step = message.STEP
        framed = self._bound_writer().frame(run, message)
        self._put(framed.SerializeToString(), message.STEP)
        # Hashed while it is on its way; nobody asks for the digest before the thread that is here.
        if not isinstance(message, TranscriptDigest):
            self.transcript.add(framed.frame, from_leader=self._is_leader)
        # Counted after it is queued, so that a heartbeat never announces a frame that comes after it.
        self._messages_sent += 1
        self.progress.done += 1

    def receive(self, run: int, expected: Recv) -> Rows:
        """Wait for the protocol message that a role expects.

        Raises:
            PsiMatchError: another frame came, the link has failed, or the peer says nothing.
        """
        self.progress.step = expected.kind.STEP
        message = self._get(expected.kind.STEP)
        if message.WhichOneof("content") != "frame":
            raise PeerError(
                "A message that is not a frame came in the middle.", peer=self.peer, step=expected.kind.STEP
            )
        rows = self._bound_reader().message(message.frame, run, expected)
        if expected.kind is not TranscriptDigest:
            self.transcript.add(message.frame, from_leader=not self._is_leader)
        self.progress.done += 1
        return rows

    def check(self) -> None:
        """Raise what the link has failed with, if it has.

        Raises:
            PsiMatchError: the connection or the peer failed, or the peer has been silent for too long.
        """
        self._inbound.check()
        if time.monotonic() >= self._reading_deadline():
            raise self._silent(self._step())

    def close(self) -> None:
        """End this direction of the stream after what is queued has gone out."""
        self._stopped.set()
        self._outbound.close()

    def abort(self, error: BaseException) -> None:
        """Tell the peer that the run has failed here, and end this direction of the stream."""
        self._stopped.set()
        self._outbound.close(last=aborts.to_wire(error, self.peer).SerializeToString())
        self._inbound.fail(error)

    def wait_closed(self) -> None:
        """Wait until the link is closed, aborted or lost."""
        self._stopped.wait()

    # What gRPC's threads call.

    def outgoing(self) -> Iterator[bytes]:
        """Yield what is to be sent until the link is closed."""
        while True:
            try:
                yield self._outbound.get(lambda: self._times.run_end + self._times.silence_s)
            except (Closed, TimeoutError, PsiMatchError):
                return

    def feed(self, serialised: bytes) -> bool:
        """Take in one message from the peer; False when nothing more is wanted."""
        self._heard_at = time.monotonic()
        if len(serialised) > MAX_FRAME_BYTES:
            return self._refuse("A message is larger than a frame may be.")
        try:
            message = pb.SessionMessage.FromString(serialised)
        except DecodeError:
            return self._refuse("A message cannot be read.")
        content = message.WhichOneof("content")
        if content == "heartbeat":
            if message.heartbeat.frames_sent > self._messages_fed:
                return self._refuse("A message was lost on the way.")
            self.progress.peer_done = message.heartbeat.done
            self.progress.peer_total = message.heartbeat.total
            return True
        if content == "abort":
            return self.fail(aborts.from_wire(message.abort, self.peer))
        if content is None:
            return self._refuse("A message has no content.")
        self.bytes_in += len(serialised)
        self._messages_fed += 1
        self.tap.tell(False, _step_of(message, content), len(serialised))
        self._waits_for_room = True
        try:
            self._inbound.put(message, lambda: self._times.run_end)
        except (Closed, TimeoutError, PsiMatchError):
            return False
        # While there was no room its heartbeats stayed unread behind this message: that silence was our own.
        self._heard_at = time.monotonic()
        self._waits_for_room = False
        return True

    def _refuse(self, what: str) -> bool:
        """Fail for whoever reads; the outbound direction stays open, so that the peer is told why."""
        self._inbound.fail(PeerError(what, peer=self.peer, step=self._step()))
        return False

    def end(self) -> None:
        """The peer has ended its direction of the stream."""
        self._inbound.close()

    def fail(self, error: BaseException) -> bool:
        """The connection or the peer failed: whoever waits gets ``error``. Returns False, for ``feed``."""
        self.lost_by = self.lost_by or error
        self._inbound.fail(error)
        self._outbound.fail(error)
        self._stopped.set()
        return False

    @property
    def silent_s(self) -> float:
        """Seconds since the peer's last sign of life."""
        return time.monotonic() - self._heard_at

    def _step(self) -> str:
        return self.progress.step

    def _deadline(self) -> float:
        return min(self._heard_at + self._times.silence_s, self._times.run_end)

    def _reading_deadline(self) -> float:
        """Return when to give up on the next message: not as long as one is at the door."""
        return self._times.run_end if self._waits_for_room else self._deadline()

    def _silent(self, step: str) -> DeadlineExceeded:
        if time.monotonic() >= self._times.run_end:
            return DeadlineExceeded("The run took longer than this node allows.", peer=self.peer, step=step)
        return DeadlineExceeded(
            f"The peer has not been heard for {self._times.silence_s:g} s.",
            "Check that its node runs and can be reached.",
            peer=self.peer,
            step=step,
        )

    def _put(self, serialised: bytes, step: str) -> None:
        self._count_flight("out")
        try:
            self._outbound.put(serialised, self._deadline)
        except TimeoutError:
            raise self._silent(self._step()) from None
        except Closed:
            raise TransportError("The link is closed.", peer=self.peer, step=self._step()) from None
        self.bytes_out += len(serialised)
        self.tap.tell(True, step, len(serialised))

    def _get(self, step: str, until: float | None = None) -> pb.SessionMessage:
        self._count_flight("in")
        try:
            return self._inbound.get(self._reading_deadline if until is None else lambda: until)
        except TimeoutError:
            raise self._silent(step) from None
        except Closed:
            raise TransportError(
                "The peer ended the stream in the middle of the run.", peer=self.peer, step=step
            ) from None
        except PsiMatchError as error:
            if error.step is None:
                error.step = step
            raise

    def _count_flight(self, direction: str) -> None:
        self.flights += direction != self._last_flight
        self._last_flight = direction

    def _bound_writer(self) -> FrameWriter:
        if self._writer is None:
            raise TransportError("The link is not bound to a run.", peer=self.peer)
        return self._writer

    def _bound_reader(self) -> FrameReader:
        if self._reader is None:
            raise TransportError("The link is not bound to a run.", peer=self.peer)
        return self._reader

    def _beat(self) -> None:
        while not self._stopped.wait(self._times.heartbeat_s):
            progress = self.progress
            beat = pb.Heartbeat(
                step=STEPS.get(progress.step, pb.STEP_UNSPECIFIED),
                done=progress.done,
                total=progress.total,
                # Not frames alone: a peer whose `done` is lost would be waited for until the run's time is up.
                frames_sent=self._messages_sent,
            )
            # Where there is no room, data is on its way and is a sign of life itself.
            self._outbound.offer(pb.SessionMessage(heartbeat=beat).SerializeToString())


def _step_of(message: pb.SessionMessage, content: str) -> str:
    """Return the step of a message: of a frame what it says of itself, which only its reader checks."""
    return STEP_NAMES.get(message.frame.step, "unknown") if content == "frame" else content
