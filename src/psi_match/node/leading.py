"""A run as its leader: propose it, agree on a session id, intersect with every data party at once, store the result.

The result is stored only after every pair has compared its transcript. Until then nothing of it touches the disk, and
a failure anywhere ends the run at every node.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.domain.columns import bsn_column
from psi_match.governance.decision import Permit, check_sizes, run_digest
from psi_match.governance.rules import Rule, refusal
from psi_match.node.context import NodeContext
from psi_match.node.contribution import Contribution, check_declared_size, contribute
from psi_match.node.driver import SETUP_RUN, drive
from psi_match.node.engine_choice import choose_for_run
from psi_match.node.link import Link
from psi_match.node.log_heads import RunHeads
from psi_match.node.outgoing_stream import OutgoingStream, finish_all
from psi_match.node.pair_run import conclude, lead_pair, take_acceptance
from psi_match.node.recording import fix_contribution, new_record, recorded
from psi_match.node.run_ledger import Use
from psi_match.node.sessions import Session
from psi_match.node.stages import StageClock
from psi_match.node.store import PairRecord, RunRecord
from psi_match.protocols import engines, session_id
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.sizes import table_bins
from psi_match.scenario.digest import digest
from psi_match.scenario.model import Scenario
from psi_match.wire import version
from psi_match.wire.v1 import peer_pb2 as pb


def lead_run(
    context: NodeContext, scenario: Scenario, engine: str, session: Session, permit: Permit, operator: str = ""
) -> RunRecord:
    """Run a scenario that this node leads, from the proposal to the stored result.

    Args:
        context: the node.
        scenario: what to run.
        engine: which engine; empty: the one that is fastest on the paths to the data parties.
        session: the live run; its links are filled in here.
        permit: under which it takes place.
        operator: who started it, by the name in the certificate.

    Returns:
        The record of the finished run.

    Raises:
        PsiMatchError: the run failed; every peer has been told, no result is stored.
    """
    record = new_record(context, session.run_id, scenario, engine, permit, operator=operator)
    with context.sessions.admit(session):
        context.store.open_run(session.run_id)
        streams: list[OutgoingStream] = []
        try:
            with recorded(context, record, session):
                _lead(context, scenario, engine, session, record, permit, streams)
        finally:
            finish_all(streams)
    return record


def check_leads(context: NodeContext, scenario: Scenario) -> None:
    """Refuse a scenario that this node does not lead.

    Raises:
        PolicyRefusal: another party leads it.
    """
    if scenario.leader != context.party:
        raise refusal(
            Rule.SCENARIO,
            f"scenario {scenario.name} is led by {scenario.leader}, not by {context.party}.",
            f"Start it as an operator of {scenario.leader} at that body's node.",
        )


def _lead(
    context: NodeContext,
    scenario: Scenario,
    engine: str,
    session: Session,
    record: RunRecord,
    permit: Permit,
    streams: list[OutgoingStream],
) -> None:
    addresses = {party: context.config.peer(party).address for party in scenario.data_parties}
    clock = StageClock(session.links, record.stages)
    clock.enter("load")
    own = contribute(context, scenario)
    check_sizes(permit, {context.party: own.size})
    use = Use(permit, session.run_id, scenario.leaders, own.snapshot)
    context.ledger.check(use)
    fix_contribution(context, record, own)
    heads = RunHeads(context, session.run_id, permit)
    session.go_on()
    clock.enter("agree")
    if not engine:
        choice = choose_for_run(context, scenario, own.size)
        engine, record.engine, record.engine_choice = choice.engine, choice.engine, choice.as_record()
    times = context.link_times()
    for party, address in addresses.items():
        link = Link(party, times, is_leader=True)
        link.bind(bytes.fromhex(session.run_id))
        session.add_link(link)
        streams.append(OutgoingStream(address, context.credentials, link))
    sizes = _propose(scenario, engine, session, own, permit, heads)
    record.sizes = {"rows": {scenario.leader: own.size}, "sets": sizes}
    sid = _agree_on_session_id(scenario, session.links, context, permit)
    clock.enter("table")
    rows = engines.LeaderRows(own.numbers)
    rows.prepare(engine, sid, table_bins(own.size))
    # After what may fail by chance, and before anything is released.
    context.ledger.take(use)
    plan = [
        PairTerms(sid, scenario.leader, party, own.size, sizes[party], instance, len(scenario.data_parties))
        for instance, party in enumerate(scenario.data_parties)
    ]

    clock.enter("")
    failures: list[BaseException] = []

    def intersect(terms: PairTerms) -> NDArray[np.bool_]:
        link = session.links[terms.data_party]
        try:
            return lead_pair(context, link, engine, terms, rows, digest(scenario), record.stages)
        except BaseException as error:
            # The other pairs must not go on for minutes after one has failed; what they then raise is not the cause.
            failures.append(error)
            for other in session.links.values():
                other.abort(error)
            raise

    with ThreadPoolExecutor(len(plan), thread_name_prefix="pair") as pool:
        pairs = {terms.data_party: pool.submit(intersect, terms) for terms in plan}
    if failures:
        raise failures[0]
    found = {party: pair.result() for party, pair in pairs.items()}
    clock.enter("store")
    table = _result(own.numbers, found)
    context.store.write_result(session.run_id, table)
    record.result_rows = len(table)
    for terms in plan:
        link = session.links[terms.data_party]
        pair = PairRecord(terms.leader_size, terms.data_size, matches=int(found[terms.data_party].sum()))
        record.pairs[terms.data_party] = pair
        conclude(link, pair)
    clock.enter("")


def _propose(
    scenario: Scenario, engine: str, session: Session, own: Contribution, permit: Permit, heads: RunHeads
) -> dict[str, int]:
    """Propose the run to every data party; return their public sizes."""
    for instance, party in enumerate(scenario.data_parties):
        hello = pb.Hello(
            wire_version=version.WIRE_VERSION,
            parameters=version.parameters(),
            run_id=bytes.fromhex(session.run_id),
            scenario=scenario.name,
            scenario_digest=digest(scenario),
            engine=engine,
            leader=scenario.leader,
            parties=scenario.party_ids,
            leader_size=own.size,
            instance=instance,
            runs=len(scenario.data_parties),
            agreement_digest=permit.agreement.digest,
            head=heads.own(),
        )
        session.links[party].send_message(pb.SessionMessage(hello=hello))
    sizes = {}
    for party in scenario.data_parties:
        acceptance = take_acceptance(session.links[party], heads)
        check_declared_size(scenario.party(party), acceptance.data_size, "acceptance")
        sizes[party] = acceptance.data_size
    check_sizes(permit, sizes)
    return sizes


def _agree_on_session_id(scenario: Scenario, links: dict[str, Link], context: NodeContext, permit: Permit) -> bytes:
    role = session_id.lead(run_digest(permit, scenario), scenario.leader, scenario.party_ids, context.rng)
    return drive(role, links, SETUP_RUN)


def _result(numbers: NDArray[np.uint32], found: dict[str, NDArray[np.bool_]]) -> pd.DataFrame:
    """Return one row per own row that at least one data party has too, with one column per data party."""
    rows = np.flatnonzero(np.logical_or.reduce(list(found.values())))
    # Sorted as pairs of number and row in one word, in half the time of an argsort.
    pairs = np.sort(numbers[rows].astype(np.uint64) << np.uint64(32) | rows.astype(np.uint64))
    rows = (pairs & np.uint64(0xFFFF_FFFF)).astype(np.intp)
    column = pd.Series(bsn_column(numbers[rows]), dtype="str")
    return pd.DataFrame({"bsn": column} | {party: hits[rows] for party, hits in found.items()})
