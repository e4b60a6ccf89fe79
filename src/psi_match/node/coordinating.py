"""A joint run at the node whose operator started it: propose, collect sizes, agree on a session id, play, conclude."""

from __future__ import annotations

from contextlib import suppress

from psi_match.base.errors import PsiMatchError
from psi_match.governance.decision import Permit, run_digest
from psi_match.governance.rules import Rule, refusal
from psi_match.node.context import NodeContext
from psi_match.node.driver import SETUP_RUN, drive
from psi_match.node.joint_choice import Asked, adder_for_run, engine_for_run
from psi_match.node.joint_run import JointRun, prepare
from psi_match.node.outgoing_stream import finish_all
from psi_match.node.pair_run import take_acceptance
from psi_match.node.recording import new_record, recorded
from psi_match.node.sessions import Session
from psi_match.node.store import RunRecord
from psi_match.protocols import session_id
from psi_match.protocols.integers import Adder
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import JoinScenario
from psi_match.wire import version
from psi_match.wire.v1 import peer_pb2 as pb


def coordinate_run(
    context: NodeContext, scenario: JoinScenario, asked: Asked, session: Session, permit: Permit, operator: str = ""
) -> RunRecord:
    """Run a joint scenario, from the proposal to the result at its recipients.

    Args:
        context: the node.
        scenario: what to run.
        asked: engine and adder, if the operator wants certain ones.
        session: the live run; its links are filled in here.
        permit: under which it takes place.
        operator: who started it, by the name in the certificate.

    Returns:
        The record of the finished run.

    Raises:
        PsiMatchError: the run failed; every party has been told, no result is stored anywhere.
    """
    adder = adder_for_run(context, scenario, asked)
    record = new_record(context, session.run_id, scenario, asked.engine or "", permit, context.party, operator)
    record.adder = adder
    with context.sessions.admit(session):
        context.store.open_run(session.run_id)
        run: JointRun | None = None
        try:
            with recorded(context, record, session):
                run = prepare(context, scenario, adder, session, record, permit)
                _coordinate(run, asked, adder)
        finally:
            finish_all(run.streams if run else [])
    return record


def check_takes_part(context: NodeContext, scenario: JoinScenario) -> None:
    """Refuse a scenario in which this node takes no part.

    Raises:
        PolicyRefusal: it takes none.
    """
    if context.party not in scenario.party_ids:
        raise refusal(
            Rule.SCENARIO,
            f"node {context.party} takes no part in scenario {scenario.name}.",
            f"Start it as an operator of one of {', '.join(scenario.party_ids)}.",
        )


def _coordinate(run: JointRun, asked: Asked, adder: Adder) -> None:
    context, scenario, session = run.context, run.scenario, run.session
    choice = engine_for_run(context, scenario, asked, max(run.own.row_size, run.own.set_size))
    engine = run.take_engine(choice.engine)
    run.record.engine_choice = choice.as_record()
    others = [party for party in scenario.party_ids if party != context.party]
    for party in others:
        proposal = pb.Proposal(
            wire_version=version.WIRE_VERSION,
            parameters=version.parameters(),
            run_id=bytes.fromhex(session.run_id),
            scenario=scenario.name,
            scenario_digest=digest(scenario),
            coordinator=context.party,
            parties=scenario.party_ids,
            adder=adder,
            engine=engine,
            agreement_digest=run.permit.agreement.digest,
            head=run.heads.own(),
        )
        run.open_stream(party).send_message(pb.SessionMessage(proposal=proposal))
    own = pb.Acceptance(row_size=run.own.row_size, data_size=run.own.set_size, head=run.heads.own())
    accepted = {context.party: own}
    for party in others:
        accepted[party] = take_acceptance(session.links[party], run.heads)
    sizes = pb.SessionSizes(
        parties=[
            pb.PartySizes(
                party=party,
                row_size=accepted[party].row_size,
                set_size=accepted[party].data_size,
                head=accepted[party].head,
            )
            for party in scenario.party_ids
        ]
    )
    run.check_sizes(sizes)
    role = session_id.lead(run_digest(run.permit, scenario), context.party, scenario.party_ids, context.rng)
    sid = drive(role, session.links, SETUP_RUN)
    for party in others:
        session.links[party].send_message(pb.SessionMessage(sizes=sizes))
    table = run.play(sid, sizes)
    for party in others:
        session.links[party].receive_message("done")
    for party in others:
        # Everyone has played to the end: the run has succeeded, whether or not a party still hears of it.
        with suppress(PsiMatchError):
            session.links[party].send_message(pb.SessionMessage(concluded=pb.Concluded()))
    run.conclude(table)
