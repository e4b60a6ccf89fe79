"""A run as its leader: propose it, agree on a session id, intersect with every data party at once, store the result.

The result is stored only after every pair has compared its transcript. Until then nothing of it touches the disk, and
a failure anywhere ends the run at every node.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.base.errors import PolicyRefusal, PsiMatchError
from psi_match.domain.bsn import format_bsn
from psi_match.node.context import NodeContext
from psi_match.node.contribution import Contribution, check_declared_size, contribute
from psi_match.node.driver import SETUP_RUN, drive
from psi_match.node.link import Link
from psi_match.node.outgoing_stream import OutgoingStream, finish_all
from psi_match.node.recording import fix_contribution, new_record, note_link, recorded
from psi_match.node.sessions import Session
from psi_match.node.store import PairRecord, RunRecord
from psi_match.protocols import engines, session_id
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.sizes import table_bins
from psi_match.scenario.digest import digest
from psi_match.scenario.model import Scenario
from psi_match.wire import transcript, version
from psi_match.wire.v1 import peer_pb2 as pb


def lead_run(context: NodeContext, scenario: Scenario, engine: str, session: Session) -> RunRecord:
    """Run a scenario that this node leads, from the proposal to the stored result.

    Args:
        context: the node.
        scenario: what to run.
        engine: which engine.
        session: the live run; its links are filled in here.

    Returns:
        The record of the finished run.

    Raises:
        PsiMatchError: the run failed; every peer has been told, no result is stored.
    """
    record = new_record(session.run_id, scenario, engine, context.party)
    with context.sessions.admit(session):
        context.store.open_run(session.run_id)
        streams: list[OutgoingStream] = []
        try:
            with recorded(context, record, session):
                _lead(context, scenario, engine, session, record, streams)
        finally:
            finish_all(streams)
    return record


def check_leads(context: NodeContext, scenario: Scenario) -> None:
    """Refuse a scenario that this node does not lead.

    Raises:
        PolicyRefusal: another party leads it.
    """
    if scenario.leader != context.party:
        raise PolicyRefusal(
            f"Scenario {scenario.name} is led by {scenario.leader}, not by {context.party}.",
            f"Start it as an operator of {scenario.leader} at that body's node.",
        )


def _lead(
    context: NodeContext,
    scenario: Scenario,
    engine: str,
    session: Session,
    record: RunRecord,
    streams: list[OutgoingStream],
) -> None:
    addresses = {party: context.config.peer(party).address for party in scenario.data_parties}
    own = contribute(context.config, context.datasets, scenario, context.today(), context.rng)
    fix_contribution(context, record, own)
    session.go_on()
    times = context.link_times()
    for party, address in addresses.items():
        link = Link(party, times, is_leader=True)
        link.bind(bytes.fromhex(session.run_id))
        session.add_link(link)
        streams.append(OutgoingStream(address, context.credentials, link))
    sizes = _propose(context, scenario, engine, session, own)
    sid = _agree_on_session_id(scenario, session.links, context)
    rows = engines.LeaderRows(own.numbers)
    rows.prepare(engine, sid, table_bins(own.size))
    plan = [
        PairTerms(sid, scenario.leader, party, own.size, sizes[party], instance, len(scenario.data_parties))
        for instance, party in enumerate(scenario.data_parties)
    ]

    failures: list[BaseException] = []

    def intersect(terms: PairTerms) -> NDArray[np.bool_]:
        link = session.links[terms.data_party]
        try:
            link.progress.total = link.progress.done + engines.message_count(engine, terms) + 2
            found = drive(engines.lead(engine, terms, rows, context.rng), session.links, terms.instance)
            seen = link.transcript.digest(terms.digest(digest(scenario), engine))
            drive(transcript.confirm(terms.data_party, seen), session.links, terms.instance)
        except BaseException as error:
            # The other pairs must not go on for minutes after one has failed; what they then raise is not the cause.
            failures.append(error)
            for other in session.links.values():
                other.abort(error)
            raise
        return found

    with ThreadPoolExecutor(len(plan), thread_name_prefix="pair") as pool:
        pairs = {terms.data_party: pool.submit(intersect, terms) for terms in plan}
    if failures:
        raise failures[0]
    found = {party: pair.result() for party, pair in pairs.items()}
    table = _result(own.numbers, found)
    context.store.write_result(session.run_id, table)
    record.result_rows = len(table)
    for terms in plan:
        link = session.links[terms.data_party]
        pair = PairRecord(terms.leader_size, terms.data_size, matches=int(found[terms.data_party].sum()))
        record.pairs[terms.data_party] = pair
        # The result is there, whether or not a data party still hears of it.
        with suppress(PsiMatchError):
            link.send_message(pb.SessionMessage(concluded=pb.Concluded()))
        link.close()
        note_link(pair, link)


def _propose(
    context: NodeContext, scenario: Scenario, engine: str, session: Session, own: Contribution
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
        )
        session.links[party].send_message(pb.SessionMessage(hello=hello))
    sizes = {}
    for party in scenario.data_parties:
        size = session.links[party].receive_message("acceptance").acceptance.data_size
        check_declared_size(scenario.party(party), size, context.config.limits.max_public_size, "acceptance")
        sizes[party] = size
    return sizes


def _agree_on_session_id(scenario: Scenario, links: dict[str, Link], context: NodeContext) -> bytes:
    role = session_id.lead(digest(scenario), scenario.leader, scenario.party_ids, context.rng)
    return drive(role, links, SETUP_RUN)


def _result(numbers: NDArray[np.uint32], found: dict[str, NDArray[np.bool_]]) -> pd.DataFrame:
    """Return one row per own row that at least one data party has too, with one column per data party."""
    rows = np.flatnonzero(np.logical_or.reduce(list(found.values())))
    rows = rows[np.argsort(numbers[rows])]
    return pd.DataFrame({"bsn": format_bsn(numbers[rows])} | {party: hits[rows] for party, hits in found.items()})
