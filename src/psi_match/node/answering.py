"""What a peer opens a stream for; and a pairwise run as a data party: check the proposal, answer, compare."""

from __future__ import annotations

from psi_match.base.errors import PeerError, PsiMatchError
from psi_match.governance.decision import check_sizes, run_digest
from psi_match.node.context import NodeContext
from psi_match.node.contribution import check_declared_size, contribute
from psi_match.node.link import Link
from psi_match.node.notice_run import answer_notices
from psi_match.node.pair_run import accept, answer_pair, await_conclusion
from psi_match.node.participating import attach, participate
from psi_match.node.recording import fix_contribution, new_record, recorded
from psi_match.node.run_ledger import Use
from psi_match.node.sessions import Session
from psi_match.node.shared_scenario import not_shared, shared_scenario
from psi_match.node.stages import StageClock
from psi_match.node.store import RUN_ID_BYTES, PairRecord
from psi_match.protocols.agreed import PairTerms
from psi_match.scenario.digest import digest
from psi_match.scenario.model import Scenario
from psi_match.wire import version
from psi_match.wire.v1 import peer_pb2 as pb


def answer_stream(context: NodeContext, link: Link) -> None:
    """Do what a stream that a peer has opened is for: its first message says so.

    Args:
        context: the node.
        link: the stream; its peer is whom the certificate says.

    Raises:
        PsiMatchError: the run was refused or failed; the peer has been told.
    """
    about: dict[str, str] = {}
    try:
        first = link.receive_first(("hello", "proposal", "attachment"))
        about = _about(first)
        match first.WhichOneof("content"):
            case "hello" if first.hello.notices_of:
                answer_notices(context, link, first.hello)
            case "hello":
                answer_run(context, link, first.hello)
            case "proposal":
                participate(context, link, first.proposal)
            case _:
                attach(context, link, first.attachment)
                # From here on the stream belongs to the run, which closes it.
                return
    except PsiMatchError as error:
        link.abort(error)
        context.refusals.note(error, peer=link.peer, **about)
        raise
    link.close()


def _about(first: pb.SessionMessage) -> dict[str, str]:
    """Return what the audit log says of a proposal that is refused."""
    match first.WhichOneof("content"):
        case "hello":
            proposed: pb.Hello | pb.Proposal = first.hello
        case "proposal":
            proposed = first.proposal
        case _:
            return {"run": first.attachment.run_id.hex()}
    return {
        "scenario": proposed.scenario,
        "run": proposed.run_id.hex(),
        "agreement_digest": proposed.agreement_digest.hex(),
    }


def answer_run(context: NodeContext, link: Link, hello: pb.Hello) -> None:
    """Take part in a pairwise run that a peer leads, from its proposal to the end of its stream.

    Args:
        context: the node.
        link: the stream.
        hello: its first message.

    Raises:
        PsiMatchError: the run was refused or failed.
    """
    scenario = check_hello(context, hello, link.peer)
    permit = context.gate.answer(scenario, hello.agreement_digest)
    check_sizes(permit, {link.peer: hello.leader_size})
    context.ledger.check(Use(permit, "", scenario.leaders))
    session = Session(hello.run_id.hex(), scenario.name, "data party", {link.peer: link})
    with context.sessions.admit(session):
        context.store.open_run(session.run_id)
        record = new_record(context, session.run_id, scenario, hello.engine, permit)
        with recorded(context, record, session):
            clock = StageClock({link.peer: link}, record.stages)
            clock.enter("load")
            own = contribute(context, scenario)
            check_sizes(permit, {context.party: own.size})
            use = Use(permit, session.run_id, scenario.leaders, own.snapshot)
            context.ledger.check(use)
            fix_contribution(context, record, own)
            record.pairs[link.peer] = PairRecord(hello.leader_size, own.size)
            record.sizes = {"rows": {link.peer: hello.leader_size}, "sets": {context.party: own.size}}
            about = run_digest(permit, scenario)
            clock.enter("agree")
            sid = accept(context, session, link, hello, own.size, permit, about)
            context.ledger.take(use)
            clock.enter("")
            terms = PairTerms(sid, link.peer, context.party, hello.leader_size, own.size, hello.instance, hello.runs)
            answer_pair(context, link, hello.engine, terms, own.numbers, digest(scenario), record.stages)
            # The leader says so only when every pair of the session has succeeded.
            await_conclusion(link, record.pairs[link.peer])


def check_hello(context: NodeContext, hello: pb.Hello, peer: str) -> Scenario:
    """Check a proposal against what this node knows; nothing has been loaded or computed yet.

    Returns:
        This node's own copy of the scenario.

    Raises:
        VersionMismatch: the peer speaks another wire version.
        PolicyRefusal: the scenario, engine or role is not one that this node takes part in.
        PeerError: the proposal contradicts itself or the certificate.
    """
    version.check(hello.wire_version, hello.parameters, peer)
    if hello.leader != peer:
        raise PeerError("The proposal names another leader than the certificate.", peer=peer, step="hello")
    if len(hello.run_id) != RUN_ID_BYTES:
        raise PeerError("The run id has a wrong length.", peer=peer, step="hello")
    scenario = shared_scenario(context, hello.scenario, hello.scenario_digest, peer, "hello")
    if not isinstance(scenario, Scenario) or scenario.leader != peer or context.party not in scenario.data_parties:
        sentence = f"In scenario {scenario.name} node {context.party} has no run with {peer} as leader."
        raise not_shared(sentence, peer, "hello")
    if hello.engine not in scenario.engines:
        raise not_shared("The scenario does not allow this engine.", peer, "hello")
    expected = (scenario.party_ids, scenario.data_parties.index(context.party), len(scenario.data_parties))
    if (list(hello.parties), hello.instance, hello.runs) != expected:
        raise PeerError("The proposal's plan is not that of the scenario.", peer=peer, step="hello")
    check_declared_size(scenario.party(peer), hello.leader_size, "hello")
    return scenario
