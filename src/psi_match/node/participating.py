"""A joint run at every other node: check the proposal, fix the own rows, play, wait until all have succeeded."""

from __future__ import annotations

from psi_match.base.errors import PeerError
from psi_match.governance.decision import run_digest
from psi_match.node.context import NodeContext
from psi_match.node.driver import SETUP_RUN, drive
from psi_match.node.joint_run import JointRun, prepare
from psi_match.node.link import Link
from psi_match.node.outgoing_stream import finish_all
from psi_match.node.pair_run import await_countersignature
from psi_match.node.recording import new_record, recorded
from psi_match.node.run_ledger import Use
from psi_match.node.sessions import Session
from psi_match.node.shared_scenario import not_shared, shared_scenario
from psi_match.node.store import RUN_ID_BYTES
from psi_match.protocols import session_id
from psi_match.protocols.integers import ADDERS, Adder
from psi_match.scenario.join_model import JoinScenario
from psi_match.wire import version
from psi_match.wire.v1 import peer_pb2 as pb


def participate(context: NodeContext, link: Link, proposal: pb.Proposal) -> None:
    """Take part in a joint run that a peer coordinates, to the end of all its streams.

    Args:
        context: the node.
        link: the stream from the coordinator.
        proposal: its first message.

    Raises:
        PsiMatchError: the run was refused or failed; every party that this node talks to has been told.
    """
    scenario = check_proposal(context, proposal, link.peer)
    permit = context.gate.answer(scenario, proposal.agreement_digest)
    context.ledger.check(Use(permit, "", scenario.leaders))
    session = Session(proposal.run_id.hex(), scenario.name, "party", {link.peer: link})
    with context.sessions.admit(session):
        context.store.open_run(session.run_id)
        record = new_record(context, session.run_id, scenario, proposal.engine, permit, coordinator=link.peer)
        record.adder = proposal.adder
        run: JointRun | None = None
        try:
            with recorded(context, record, session):
                adder: Adder = "prefix" if proposal.adder == "prefix" else "ripple"
                run = prepare(context, scenario, adder, session, record, permit)
                run.take_engine(proposal.engine)
                run.heads.take(link.peer, proposal.head)
                _participate(run, link)
        finally:
            finish_all(run.streams if run else [])


def attach(context: NodeContext, link: Link, attachment: pb.Attachment) -> None:
    """Hand a stream that a peer has opened for a run to that run.

    Raises:
        PolicyRefusal: no such run is under way, or it expects no stream of that peer.
    """
    link.bind(attachment.run_id)
    context.sessions.find(attachment.run_id.hex()).attach(link)


def check_proposal(context: NodeContext, proposal: pb.Proposal, peer: str) -> JoinScenario:
    """Check a proposal against what this node knows; nothing has been loaded or computed yet.

    Returns:
        This node's own copy of the scenario.

    Raises:
        VersionMismatch: the peer speaks another wire version.
        PolicyRefusal: the scenario is not one in which both take part.
        PeerError: the proposal contradicts itself or the certificate.
    """
    version.check(proposal.wire_version, proposal.parameters, peer)
    if proposal.coordinator != peer:
        raise PeerError("The proposal names another coordinator than the certificate.", peer=peer, step="proposal")
    if len(proposal.run_id) != RUN_ID_BYTES:
        raise PeerError("The run id has a wrong length.", peer=peer, step="proposal")
    if proposal.adder not in ADDERS:
        raise PeerError("The proposal names an unknown adder.", peer=peer, step="proposal")
    scenario = shared_scenario(context, proposal.scenario, proposal.scenario_digest, peer, "proposal")
    if not isinstance(scenario, JoinScenario):
        sentence = f"Node {context.party} has no joint run of scenario {scenario.name} with {peer}."
        raise not_shared(sentence, peer, "proposal")
    if proposal.engine not in scenario.engines:
        raise not_shared("The scenario does not allow this engine.", peer, "proposal")
    if list(proposal.parties) != scenario.party_ids:
        raise PeerError("The proposal's parties are not those of the scenario.", peer=peer, step="proposal")
    return scenario


def _participate(run: JointRun, link: Link) -> None:
    scenario, session = run.scenario, run.session
    link.bind(bytes.fromhex(session.run_id))
    # Of two parties the one with the lower id opens the stream.
    session.expected = frozenset(peer for peer in run.lateral_peers() if peer < run.context.party)
    acceptance = pb.Acceptance(
        data_size=run.own.set_size,
        row_size=run.own.row_size,
        head=run.heads.own(),
        countersignature=run.heads.countersignature(link.peer),
    )
    link.send_message(pb.SessionMessage(acceptance=acceptance))
    await_countersignature(link, run.heads)
    role = session_id.join(
        run_digest(run.permit, scenario), link.peer, run.context.party, scenario.party_ids, run.context.rng
    )
    sid = drive(role, {link.peer: link}, SETUP_RUN)
    sizes = link.receive_message("sizes").sizes
    table = run.play(sid, sizes)
    link.send_message(pb.SessionMessage(done=pb.Done()))
    # The coordinator says so only when every party has played its role to the end.
    link.receive_message("concluded")
    run.conclude(table)
