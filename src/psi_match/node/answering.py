"""What a peer opens a stream for; and a pairwise run as a data party: check the proposal, answer, compare."""

from __future__ import annotations

import hmac

from psi_match.base.errors import PeerError, PolicyRefusal, PsiMatchError, ScenarioError
from psi_match.node.context import NodeContext
from psi_match.node.contribution import check_declared_size, contribute
from psi_match.node.driver import SETUP_RUN, drive
from psi_match.node.link import Link
from psi_match.node.participating import attach, participate
from psi_match.node.recording import fix_contribution, new_record, note_link, recorded
from psi_match.node.sessions import Session
from psi_match.node.store import RUN_ID_BYTES, PairRecord
from psi_match.protocols import engines, session_id
from psi_match.protocols.agreed import PairTerms
from psi_match.scenario.digest import digest
from psi_match.scenario.model import Scenario
from psi_match.wire import transcript, version
from psi_match.wire.v1 import peer_pb2 as pb


def answer_stream(context: NodeContext, link: Link) -> None:
    """Do what a stream that a peer has opened is for: its first message says so.

    Args:
        context: the node.
        link: the stream; its peer is whom the certificate says.

    Raises:
        PsiMatchError: the run was refused or failed; the peer has been told.
    """
    try:
        first = link.receive_first(("hello", "proposal", "attachment"))
        match first.WhichOneof("content"):
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
        raise
    link.close()


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
    session = Session(hello.run_id.hex(), scenario.name, "data party", {link.peer: link})
    with context.sessions.admit(session):
        context.store.open_run(session.run_id)
        record = new_record(session.run_id, scenario, hello.engine, context.party)
        with recorded(context, record, session):
            own = contribute(context.config, context.datasets, scenario, context.today(), context.rng)
            fix_contribution(context, record, own)
            session.go_on()
            link.bind(hello.run_id)
            link.send_message(pb.SessionMessage(acceptance=pb.Acceptance(data_size=own.size)))
            record.pairs[link.peer] = PairRecord(hello.leader_size, own.size)
            role = session_id.join(digest(scenario), link.peer, context.party, scenario.party_ids, context.rng)
            sid = drive(role, {link.peer: link}, SETUP_RUN)
            terms = PairTerms(sid, link.peer, context.party, hello.leader_size, own.size, hello.instance, hello.runs)
            link.progress.total = link.progress.done + engines.message_count(hello.engine, terms) + 2
            answer = engines.answer(hello.engine, terms, own.numbers, context.rng)
            drive(answer, {link.peer: link}, terms.instance)
            seen = link.transcript.digest(terms.digest(digest(scenario), hello.engine))
            drive(transcript.answer(link.peer, seen), {link.peer: link}, terms.instance)
            # The leader says so only when every pair of the session has succeeded.
            link.receive_message("concluded")
            note_link(record.pairs[link.peer], link)


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
    try:
        scenario = context.catalogue.get(hello.scenario)
    except ScenarioError:
        raise PolicyRefusal(f"Node {context.party} does not know this scenario.", peer=peer, step="hello") from None
    if not hmac.compare_digest(digest(scenario), hello.scenario_digest):
        raise PolicyRefusal(
            f"Node {context.party} has another text of scenario {scenario.name}.", peer=peer, step="hello"
        )
    if not isinstance(scenario, Scenario) or scenario.leader != peer or context.party not in scenario.data_parties:
        raise PolicyRefusal(
            f"In scenario {scenario.name} node {context.party} has no run with {peer} as leader.",
            peer=peer,
            step="hello",
        )
    if hello.engine not in scenario.engines:
        raise PolicyRefusal("The scenario does not allow this engine.", peer=peer, step="hello")
    expected = (scenario.party_ids, scenario.data_parties.index(context.party), len(scenario.data_parties))
    if (list(hello.parties), hello.instance, hello.runs) != expected:
        raise PeerError("The proposal's plan is not that of the scenario.", peer=peer, step="hello")
    check_declared_size(scenario.party(peer), hello.leader_size, context.config.limits.max_public_size, "hello")
    return scenario
