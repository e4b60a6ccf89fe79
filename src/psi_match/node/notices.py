"""What an operator says after a run: people objected, or their data were corrected or deleted; tell the recipients.

The creditor that gives notice does not know whether the person was in the result, nor at which recipient. Sending the
number would tell recipients of people of whom they had learned nothing. So each recipient is told only that there are
notices, and finds out privately which of its own rows they are about: ``notice_run``.

Reveals:
    To each recipient's node that is called: that this party has notices about the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import PeerAborted, PsiMatchError, UsageError
from psi_match.domain.bsn import DIGITS, BsnKind, format_bsn, is_of_kind
from psi_match.node.channels import open_channel, translate
from psi_match.node.context import NodeContext
from psi_match.node.notice_files import Kind, Notice, Reason, apply, given, keep_given, signalled
from psi_match.node.notice_gate import NoticedRun, noticed_run, permit_notices
from psi_match.wire.aborts import printable
from psi_match.wire.v1 import peer_pb2 as pb
from psi_match.wire.v1 import peer_pb2_grpc

MOST_NOTICES = 100_000
"""In one call: fits a gRPC message of 4 MiB three times over."""
_LONGEST_WAIT_S = 600.0
"""For one recipient. Ten million rows take a few minutes; one that hangs must not hold the operator for hours."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a recipient took it.

    Args:
        party: the recipient.
        told: whether nothing is left to be told.
        has_result: whether it still had the result.
        sentence: why it was not told.
    """

    party: str
    told: bool
    has_result: bool = False
    sentence: str = ""


def notify(
    context: NodeContext, run_id: str, kind: str, reason: str, bsn: Sequence[str], operator: str = ""
) -> list[Told]:
    """Keep notices about an earlier run, and tell every recipient of rows: all notices of that run, old and new.

    Args:
        context: the node.
        run_id: the earlier run.
        kind: ``withdraw`` or ``correct``; empty with the rest: nothing new.
        reason: ``objection``, ``correction`` or ``deletion``.
        bsn: nine digits each.
        operator: who says so, by the name in the certificate.

    Returns:
        Per recipient, sorted, how it took it.

    Raises:
        UsageError: there are no notices to give about that run, or an argument is wrong.
        ConfigError: this node does not have the dataset of that run any more.
        PolicyRefusal: the text of the agreement is not there any more.
    """
    run = _own_run(context, run_id)
    others = [party for party in run.recipients if party != context.party]
    told = []
    if kind or reason or bsn:
        new = _check(context, run, kind, reason, bsn)
        context.audit.append(
            "signal-notice-given", run=run_id, kind=kind, reason=reason, people=len(new), operator=operator
        )
        if others:
            keep_given(context.store, run_id, new)
        if context.party in run.recipients:
            told.append(_apply_here(context, run_id, Kind(kind), reason, new))
    elif not given(context.store, run_id):
        raise UsageError("This node keeps no notices of that run.", "Give some: psi-match signal withdraw or correct.")
    told += [_tell(context, run, party) for party in others]
    return sorted(told, key=lambda each: each.party)


def check_numbers(bsn: Sequence[str], kinds: Sequence[BsnKind]) -> NDArray[np.uint32]:
    """Return numbers that are one a line as numbers.

    Args:
        bsn: nine digits each.
        kinds: of which each must be one.

    Raises:
        UsageError: one is not; the sentence says on which line, not what stands there.
    """
    if not 0 < len(bsn) <= MOST_NOTICES:
        raise UsageError(f"There are {len(bsn)} numbers.", f"Give at least one, and at most {MOST_NOTICES} at a time.")
    wrong = [
        line for line, text in enumerate(bsn, 1) if not (len(text) == DIGITS and text.isascii() and text.isdigit())
    ]
    if wrong:
        raise UsageError(f"Line {wrong[0]} does not hold nine digits.", "Write one BSN a line, and nothing else.")
    numbers = np.array([int(text) for text in bsn], dtype=np.uint32)
    fits = np.logical_or.reduce([is_of_kind(numbers, kind) for kind in kinds])
    if not fits.all():
        line, names = int(np.flatnonzero(~fits)[0]) + 1, " or ".join(kinds)
        raise UsageError(f"Line {line} does not hold a BSN of kind {names}.", "Correct it; nothing was kept.")
    return np.unique(numbers)


def _own_run(context: NodeContext, run_id: str) -> NoticedRun:
    run = noticed_run(context, run_id)
    if run is None:
        raise UsageError("This node has no finished run of that id.", "See `psi-match status`.")
    if not run.recipients:
        raise UsageError(
            "That run released statistics only: it has no rows that a notice could be about.",
            "Who objects is left out of the next run: see the list of opt-outs.",
        )
    if not run.may_give_notice(context.party):
        raise UsageError(f"{context.party} put no data into that run and learned no rows from it.")
    last = run.record["keep_until"]["result"]
    if str(context.clock.today()) > last:
        raise UsageError(
            f"The results of that run were kept until {last}.", "No recipient has one any more, as agreed."
        )
    return run


def _check(context: NodeContext, run: NoticedRun, kind: str, reason: str, bsn: Sequence[str]) -> list[Notice]:
    for value, known in ((kind, Kind), (reason, Reason)):
        if value not in list(known):
            raise UsageError(f"A notice has no such {known.__name__.lower()}.", f"Choose {', '.join(known)}.")
    dataset = run.agreement.party(context.party).dataset
    kinds = tuple(BsnKind) if dataset is None else (context.config.dataset(dataset).spec.bsn,)
    today = context.clock.today()
    return [Notice(text, kind, context.party, today, reason) for text in format_bsn(check_numbers(bsn, kinds)).tolist()]


def _apply_here(context: NodeContext, run_id: str, kind: Kind, reason: str, new: Sequence[Notice]) -> Told:
    numbers = signalled(context.store, run_id)
    if numbers is None:
        return Told(context.party, told=True)
    matched = numbers[np.isin(numbers, np.array([int(notice.bsn) for notice in new], dtype=np.uint32))]
    apply(context.store, run_id, context.party, {kind: matched}, context.clock.today(), reason)
    context.audit.append("signal-notice-applied", run=run_id, kind=kind, peer=context.party, matched=len(matched))
    return Told(context.party, told=True, has_result=True)


def _tell(context: NodeContext, run: NoticedRun, recipient: str) -> Told:
    try:
        permit_notices(context, run, recipient)
        has_result = _call(context, run.run_id, recipient)
    except PsiMatchError as error:
        return Told(recipient, told=False, sentence=str(error))
    for kind in sorted({notice.kind for notice in given(context.store, run.run_id)}):
        context.audit.append("signal-notice-sent", run=run.run_id, kind=kind, recipient=recipient)
    return Told(recipient, told=True, has_result=has_result)


def _call(context: NodeContext, run_id: str, recipient: str) -> bool:
    """Ask a recipient to look at the notices of a run; when it answers, it has applied them or has no result."""
    address = context.config.peer(recipient).address
    context.store.expect_notices_run(run_id, recipient)
    failure: PsiMatchError | None = None
    try:
        with open_channel(address, recipient, context.credentials) as channel:
            request = pb.NoticeRequest(run_id=bytes.fromhex(run_id))
            wait = min(_LONGEST_WAIT_S, context.config.limits.run_s)
            reply: pb.NoticeReply = peer_pb2_grpc.PeerStub(channel).Notice(request, timeout=wait)
            return reply.has_result
    except grpc.RpcError as error:
        failure = _stopped(error, recipient) or translate(error, recipient, "notice")
    finally:
        # Whatever came of it: the recipient may look again only when it is asked again.
        context.store.take_notices_run(run_id, recipient)
    raise failure


def _stopped(error: grpc.RpcError, recipient: str) -> PsiMatchError | None:
    if not isinstance(error, grpc.Call) or error.code() is not grpc.StatusCode.ABORTED:
        return None
    words = printable(error.details() or "")
    return PeerAborted(f"{recipient} has not taken the notices in: {words}", peer=recipient, step="notice")
