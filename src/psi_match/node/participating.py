"""A joint run at every other node: check the proposal, fix the own rows, play, wait until all have succeeded."""

from __future__ import annotations

import hmac

from psi_match.base.errors import PeerError, PolicyRefusal, ScenarioError
from psi_match.node.context import NodeContext
from psi_match.node.driver import SETUP_RUN, drive
from psi_match.node.joint_contribution import contribute_jointly
from psi_match.node.joint_run import JointRun
from psi_match.node.link import Link
from psi_match.node.outgoing_stream import finish_all
from psi_match.node.recording import fix_contribution, new_record, recorded
from psi_match.node.sessions import Session
from psi_match.node.store import RUN_ID_BYTES
from psi_match.protocols import session_id
from psi_match.protocols.integers import ADDERS
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import JoinScenario
from psi_match.scenario.plan import compile_plan
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
    session = Session(proposal.run_id.hex(), scenario.name, "party", {link.peer: link})
    with context.sessions.admit(session):
        context.store.open_run(session.run_id)
        record = new_record(session.run_id, scenario, proposal.adder, context.party, coordinator=link.peer)
        run: JointRun | None = None
        try:
            with recorded(context, record, session):
                own = contribute_jointly(context, scenario)
                fix_contribution(context, record, own)
                session.go_on()
                plan = compile_plan(scenario, "prefix" if proposal.adder == "prefix" else "ripple")
                run = JointRun(context, scenario, plan, session, record, link.peer, own)
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
    try:
        scenario = context.catalogue.get(proposal.scenario)
    except ScenarioError:
        raise PolicyRefusal(f"Node {context.party} does not know this scenario.", peer=peer, step="proposal") from None
    if not hmac.compare_digest(digest(scenario), proposal.scenario_digest):
        raise PolicyRefusal(
            f"Node {context.party} has another text of scenario {scenario.name}.", peer=peer, step="proposal"
        )
    if not isinstance(scenario, JoinScenario) or not {peer, context.party} <= set(scenario.party_ids):
        raise PolicyRefusal(
            f"Node {context.party} has no joint run of scenario {scenario.name} with {peer}.",
            peer=peer,
            step="proposal",
        )
    if list(proposal.parties) != scenario.party_ids:
        raise PeerError("The proposal's parties are not those of the scenario.", peer=peer, step="proposal")
    return scenario


def _participate(run: JointRun, link: Link) -> None:
    scenario, session = run.scenario, run.session
    link.bind(bytes.fromhex(session.run_id))
    # Of two parties the one with the lower id opens the stream.
    session.expected = frozenset(peer for peer in run.lateral_peers() if peer < run.context.party)
    acceptance = pb.Acceptance(data_size=run.own.set_size, row_size=run.own.row_size)
    link.send_message(pb.SessionMessage(acceptance=acceptance))
    role = session_id.join(digest(scenario), link.peer, run.context.party, scenario.party_ids, run.context.rng)
    sid = drive(role, {link.peer: link}, SETUP_RUN)
    sizes = link.receive_message("sizes").sizes
    table = run.play(sid, sizes)
    link.send_message(pb.SessionMessage(done=pb.Done()))
    # The coordinator says so only when every party has played its role to the end.
    link.receive_message("concluded")
    run.conclude(table)
