"""Notices about an earlier run, matched privately: the recipient leads, and whoever gives notice is the data party.

The recipient puts in whom its result named, the data party its notices of that run, in two lists of one public size: to
withdraw, and to correct. Each list is one intersection, run whether or not anyone is on it.

Reveals:
    Recipient: which of its own rows each list is about, by whom; the public size of the lists. Nothing of notices about
        others, nor why notice is given. That a party gives notice of a person says that it knew that person, which the
        result alone may not have said.
    Who gives notice: the public size of the result as it came out, which stays the same whatever is withdrawn; that the
        recipient asked, and that it is done. Not whether any row matched.
    Other parties of the earlier run: nothing.
"""

from __future__ import annotations

import hmac
import secrets

import numpy as np
from numpy.typing import NDArray

from psi_match import __version__
from psi_match.base.errors import PeerError
from psi_match.crypto.derive import hash_fields
from psi_match.governance.rules import Rule, refusal
from psi_match.node.context import NodeContext
from psi_match.node.contribution import COMMITMENT_NONCE_BYTES, Contribution
from psi_match.node.driver import SETUP_RUN, drive
from psi_match.node.link import Link
from psi_match.node.log_heads import RunHeads
from psi_match.node.notice_files import Kind, apply, given, numbers_of, signalled
from psi_match.node.notice_gate import NoticedRun, noticed_run, permit_notices
from psi_match.node.outgoing_stream import OutgoingStream, finish_all
from psi_match.node.pair_run import accept, answer_pair, await_conclusion, conclude, lead_pair, take_acceptance
from psi_match.node.recording import fix_contribution, recorded
from psi_match.node.run_ledger import Snapshot
from psi_match.node.sessions import Session
from psi_match.node.store import RUN_ID_BYTES, PairRecord, RunRecord
from psi_match.protocols import engines, session_id
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.sizes import ladder_step, table_bins
from psi_match.wire import version
from psi_match.wire.v1 import peer_pb2 as pb

_KINDS = tuple(Kind)
"""The plan: which intersection is which list."""


def lead_notices(context: NodeContext, run_id: str, peer: str) -> bool:
    """Find out, as a recipient, which rows of an earlier result a peer's notices are about, and apply them.

    Args:
        context: the node.
        run_id: the earlier run.
        peer: who gives notice.

    Returns:
        Whether this node still has the result; if not, nothing was done.

    Raises:
        PolicyRefusal: the peer has no notices to give about that run, or there is no place for one more run.
        PsiMatchError: the run about notices failed; nothing was applied.
    """
    run = noticed_run(context, run_id)
    if run is None or context.party not in run.recipients:
        return False
    if not run.may_give_notice(peer):
        raise refusal(Rule.CALLER, f"{peer} put no data into the run and learned no rows from it.", peer=peer)
    permit = permit_notices(context, run, peer)
    numbers = signalled(context.store, run_id)
    if numbers is None:
        return False
    session = Session(secrets.token_hex(RUN_ID_BYTES), run.record["scenario"], "leader", about_notices=True)
    with context.sessions.admit(session):
        context.store.open_run(session.run_id)
        record = _new_record(context, session.run_id, run, leader=context.party, peer=peer)
        streams: list[OutgoingStream] = []
        try:
            with recorded(context, record, session):
                size = ladder_step(len(numbers))
                fix_contribution(context, record, _contribution(context, [numbers], size))
                heads = RunHeads(context, session.run_id, permit)
                session.go_on()
                link = Link(peer, context.link_times(), is_leader=True)
                link.bind(bytes.fromhex(session.run_id))
                session.add_link(link)
                streams.append(OutgoingStream(context.config.peer(peer).address, context.credentials, link))
                _lead(context, run, numbers, size, link, heads, record)
        finally:
            finish_all(streams)
    return True


def answer_notices(context: NodeContext, link: Link, hello: pb.Hello) -> None:
    """Let a recipient find out which of its rows this node's notices are about, once for each time that it was asked.

    Args:
        context: the node.
        link: the stream.
        hello: its first message.

    Raises:
        PolicyRefusal: the recipient was not asked, or both ends do not mean the same run.
        PsiMatchError: the run failed.
    """
    run = _check_hello(context, hello, link.peer)
    permit = permit_notices(context, run, link.peer)
    lists = [numbers_of(given(context.store, run.run_id), kind) for kind in _KINDS]
    session = Session(hello.run_id.hex(), run.record["scenario"], "data party", {link.peer: link}, about_notices=True)
    with context.sessions.admit(session):
        context.store.open_run(session.run_id)
        record = _new_record(context, session.run_id, run, leader=link.peer, peer=link.peer)
        with recorded(context, record, session):
            size = ladder_step(max(len(numbers) for numbers in lists))
            fix_contribution(context, record, _contribution(context, lists, size))
            _note_sizes(record, link, link.peer, hello.leader_size, context.party, size)
            sid = accept(context, session, link, hello, size, permit, run.digest)
            for terms, numbers in zip(
                _plan(sid, link.peer, hello.leader_size, context.party, size), lists, strict=True
            ):
                answer_pair(context, link, run.engine, terms, numbers, run.scenario_digest, record.stages)
            await_conclusion(link, record.pairs[link.peer])


def _lead(
    context: NodeContext,
    run: NoticedRun,
    numbers: NDArray[np.uint32],
    size: int,
    link: Link,
    heads: RunHeads,
    record: RunRecord,
) -> None:
    hello = pb.Hello(
        wire_version=version.WIRE_VERSION,
        parameters=version.parameters(),
        run_id=bytes.fromhex(record.run_id),
        scenario=record.scenario,
        scenario_digest=run.scenario_digest,
        engine=run.engine,
        leader=context.party,
        parties=record.parties,
        leader_size=size,
        runs=len(_KINDS),
        agreement_digest=run.agreement.digest,
        head=heads.own(),
        notices_of=bytes.fromhex(run.run_id),
    )
    link.send_message(pb.SessionMessage(hello=hello))
    acceptance = take_acceptance(link, heads)
    run.check_data_size(acceptance.data_size, link.peer)
    _note_sizes(record, link, context.party, size, link.peer, acceptance.data_size)
    role = session_id.lead(run.digest, context.party, record.parties, context.rng)
    sid = drive(role, {link.peer: link}, SETUP_RUN)
    rows = engines.LeaderRows(numbers)
    rows.prepare(run.engine, sid, table_bins(size))
    found = {}
    for kind, terms in zip(_KINDS, _plan(sid, context.party, size, link.peer, acceptance.data_size), strict=True):
        hits = lead_pair(context, link, run.engine, terms, rows, run.scenario_digest, record.stages)
        found[kind] = numbers[hits]
    # Written down first: a line too many is repeated with the next offer, a change without a line would stay.
    for kind, matched in found.items():
        context.audit.append("signal-notice-applied", run=run.run_id, kind=kind, peer=link.peer, matched=len(matched))
    apply(context.store, run.run_id, link.peer, found, context.clock.today())
    conclude(link, record.pairs[link.peer])


def _check_hello(context: NodeContext, hello: pb.Hello, peer: str) -> NoticedRun:
    """Check a recipient's proposal against the run that it was asked about; nothing has been computed yet."""
    version.check(hello.wire_version, hello.parameters, peer)
    if hello.leader != peer:
        raise PeerError("The proposal names another leader than the certificate.", peer=peer, step="hello")
    if len(hello.run_id) != RUN_ID_BYTES or len(hello.notices_of) != RUN_ID_BYTES:
        raise PeerError("The run id has a wrong length.", peer=peer, step="hello")
    run_id = hello.notices_of.hex()
    run = noticed_run(context, run_id) if context.store.take_notices_run(run_id, peer) else None
    if run is None:
        raise refusal(Rule.RUN_ID, f"{peer} was not asked to look at notices of that run.", peer=peer, step="hello")
    same = hmac.compare_digest(hello.scenario_digest, run.scenario_digest)
    same &= hmac.compare_digest(hello.agreement_digest, run.agreement.digest)
    if not same or hello.scenario != run.record["scenario"]:
        raise refusal(Rule.AGREEMENT, f"{peer} means another run than this node.", peer=peer, step="hello")
    plan = (run.engine, sorted([context.party, peer]), 0, len(_KINDS))
    if (hello.engine, list(hello.parties), hello.instance, hello.runs) != plan:
        raise PeerError("The proposal's plan is not that of notices.", peer=peer, step="hello")
    run.check_leader_size(hello.leader_size, peer)
    return run


def _plan(sid: bytes, leader: str, leader_size: int, data_party: str, data_size: int) -> list[PairTerms]:
    count = len(_KINDS)
    return [PairTerms(sid, leader, data_party, leader_size, data_size, instance, count) for instance in range(count)]


def _note_sizes(record: RunRecord, link: Link, leader: str, leader_size: int, data_party: str, data_size: int) -> None:
    record.pairs[link.peer] = PairRecord(leader_size, data_size)
    record.sizes = {"rows": {leader: leader_size}, "sets": {data_party: data_size}}


def _new_record(context: NodeContext, run_id: str, run: NoticedRun, leader: str, peer: str) -> RunRecord:
    """Return the record of a run about notices; it is kept as long as that of the run that they are about."""
    return RunRecord(
        run_id=run_id,
        scenario=run.record["scenario"],
        scenario_digest=run.record["scenario_digest"],
        engine=run.engine,
        party=context.party,
        role="leader" if leader == context.party else "data party",
        leader=leader,
        parties=sorted([context.party, peer]),
        coordinator=leader,
        agreement=run.agreement.name,
        agreement_digest=run.agreement.digest.hex(),
        started=context.clock.now().isoformat(timespec="milliseconds"),
        software_version=__version__,
        notices_of=run.run_id,
        keep_until=dict(run.record["keep_until"]),
    )


def _contribution(context: NodeContext, lists: list[NDArray[np.uint32]], size: int) -> Contribution:
    """Return what this node puts in: of no dataset, so that no snapshot of one is used up."""
    nonce = context.rng.bytes(COMMITMENT_NONCE_BYTES)
    numbers = np.concatenate(lists)
    return Contribution(
        numbers=numbers,
        size=size,
        rows_loaded=len(numbers),
        rows_rejected=0,
        opted_out=0,
        reference_date=None,
        commitment=hash_fields("notices", nonce, *(each.astype("<u4").tobytes() for each in lists)),
        nonce=nonce,
        snapshot=Snapshot("", ""),
    )
