"""Errors to abort messages and back: what a peer may be told about a failure here.

A peer gets a reason and a sentence of its own for that reason; the text of a local error stays local.
"""

from __future__ import annotations

from psi_match.base.errors import (
    ClusterLost,
    ConfigError,
    DataError,
    DeadlineExceeded,
    PeerAborted,
    PeerError,
    PolicyRefusal,
    PsiMatchError,
    SecondHandAbort,
    SeedFailure,
    ShutdownError,
    TransportError,
    VersionMismatch,
)
from psi_match.wire.frames import STEP_NAMES, STEPS
from psi_match.wire.v1 import peer_pb2 as pb

_REASONS: tuple[tuple[type[PsiMatchError], pb.AbortReason], ...] = (
    (VersionMismatch, pb.ABORT_REASON_VERSION),
    (PeerError, pb.ABORT_REASON_PROTOCOL),
    (DeadlineExceeded, pb.ABORT_REASON_DEADLINE),
    (ClusterLost, pb.ABORT_REASON_INTERNAL),
    (TransportError, pb.ABORT_REASON_OTHER_PARTY),
    (PeerAborted, pb.ABORT_REASON_OTHER_PARTY),
    (PolicyRefusal, pb.ABORT_REASON_REFUSED),
    (DataError, pb.ABORT_REASON_DATA),
    (ConfigError, pb.ABORT_REASON_DATA),
    (SeedFailure, pb.ABORT_REASON_CUCKOO),
)

SENTENCES: dict[int, str] = {
    pb.ABORT_REASON_REFUSED: "The node refuses this run.",
    pb.ABORT_REASON_VERSION: "The node speaks another wire version or uses other parameters.",
    pb.ABORT_REASON_PROTOCOL: "The node received a message that breaks the protocol.",
    pb.ABORT_REASON_DEADLINE: "The node waited too long for a message.",
    pb.ABORT_REASON_DATA: "The node's own dataset, files or configuration are not usable for this run.",
    pb.ABORT_REASON_OTHER_PARTY: "Another party of the run failed or stopped.",
    pb.ABORT_REASON_CUCKOO: "The run's hash seeds fit no table; a new run draws new ones.",
    pb.ABORT_REASON_SHUTDOWN: "The node is shutting down.",
    pb.ABORT_REASON_INTERNAL: "The node failed for a reason of its own.",
}


def to_wire(error: BaseException, to: str) -> pb.SessionMessage:
    """Return the abort message for a local failure.

    A refusal tells its public sentence: that of the rule, or its own where it is no rule's. Every other error is
    reduced to its reason. What is about another party stays between this node and that party: others learn only that
    the run has ended.

    Args:
        error: the failure.
        to: who is told.
    """
    about = getattr(error, "peer", None)
    if about is not None and about != to:
        reason = pb.ABORT_REASON_OTHER_PARTY
        return pb.SessionMessage(abort=pb.Abort(reason=reason, sentence=SENTENCES[reason]))
    step = STEPS.get(getattr(error, "step", None) or "", pb.STEP_UNSPECIFIED)
    if isinstance(error, ShutdownError):
        reason = pb.ABORT_REASON_SHUTDOWN
    else:
        reason = next((value for kind, value in _REASONS if isinstance(error, kind)), pb.ABORT_REASON_INTERNAL)
    sentence = ""
    if reason == pb.ABORT_REASON_REFUSED and isinstance(error, PolicyRefusal):
        sentence = error.public or error.sentence
    return pb.SessionMessage(abort=pb.Abort(reason=reason, sentence=sentence or SENTENCES[reason], step=step))


_MAX_WORDS = 300


def printable(words: str) -> str:
    """Return a peer's own words fit for a log or terminal: cut, and without control characters."""
    return "".join(character for character in words[:_MAX_WORDS] if character.isprintable())


def from_wire(abort: pb.Abort, peer: str) -> PsiMatchError:
    """Return the error that a peer's abort stands for at this end."""
    step = STEP_NAMES.get(abort.step)
    if abort.reason == pb.ABORT_REASON_REFUSED:
        # The peer's own words: shown, but cut and stripped of control characters.
        words = printable(abort.sentence)
        return PolicyRefusal(f"{peer} refuses: {words}", "Ask that body's operator.", peer=peer, step=step)
    sentence = SENTENCES.get(abort.reason, SENTENCES[pb.ABORT_REASON_INTERNAL])
    if abort.reason == pb.ABORT_REASON_VERSION:
        return VersionMismatch(sentence, "Run the same release of psi-match at both bodies.", peer=peer, step=step)
    if abort.reason == pb.ABORT_REASON_CUCKOO:
        # Whoever started the run starts it once more, whichever party's seeds failed.
        return SeedFailure(f"{peer} stopped the run: {sentence}", "Start the run again.", peer=peer, step=step)
    kind = SecondHandAbort if abort.reason == pb.ABORT_REASON_OTHER_PARTY else PeerAborted
    return kind(
        f"{peer} stopped the run: {sentence}", "Its operator finds the cause in that node's log.", peer=peer, step=step
    )
