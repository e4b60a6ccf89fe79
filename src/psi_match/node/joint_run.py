"""What coordinator and other parties of a joint run do alike: connect, play, hand over the result.

The coordinator - the node whose operator started the run - has a stream to every party. Every other pair that the plan
connects gets a stream of its own, opened by the lower party id once all public sizes are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from psi_match.base.errors import PeerError
from psi_match.governance.decision import Permit, check_sizes
from psi_match.node.context import NodeContext
from psi_match.node.contribution import check_declared_size
from psi_match.node.driver import JOINT_RUN, drive
from psi_match.node.joint_contribution import JointContribution, contribute_jointly
from psi_match.node.joint_results import result_table
from psi_match.node.link import Link
from psi_match.node.log_heads import RunHeads
from psi_match.node.outgoing_stream import OutgoingStream
from psi_match.node.recording import fix_contribution, note_link
from psi_match.node.run_ledger import Use
from psi_match.node.sessions import Session
from psi_match.node.stages import StageClock
from psi_match.node.store import PairRecord, RunRecord
from psi_match.protocols.integers import Adder
from psi_match.protocols.join_plan import Plan, SessionTerms
from psi_match.protocols.join_session import COMPARE_STAGE, play
from psi_match.protocols.join_terms import JoinEngine
from psi_match.scenario.join_model import JoinScenario, StatisticsOutput
from psi_match.scenario.plan import compile_plan
from psi_match.wire.v1 import peer_pb2 as pb


def prepare(
    context: NodeContext,
    scenario: JoinScenario,
    adder: Adder,
    session: Session,
    record: RunRecord,
    permit: Permit,
) -> JointRun:
    """Load and fix this node's rows for a joint run, and check what needs them: sizes and the ledger.

    Raises:
        PolicyRefusal: a size is larger than allowed, or what the run would use is used up.
        PsiMatchError: as ``contribute_jointly``.
    """
    clock = StageClock(session.links, record.stages)
    clock.enter("load")
    own = contribute_jointly(context, scenario)
    clock.enter("agree")
    check_sizes(permit, {context.party: max(own.row_size, own.set_size)})
    plan = compile_plan(scenario, adder)
    fix_contribution(context, record, own)
    heads = RunHeads(context, session.run_id, permit)
    run = JointRun(context, scenario, plan, session, record, record.coordinator, permit, own, heads, clock)
    context.ledger.check(run.use)
    session.go_on()
    return run


@dataclass(slots=True)
class JointRun:
    """One party's side of a joint run.

    Args:
        context: the node.
        scenario: what is run.
        plan: its plan.
        session: the live run; holds the links.
        record: the run's record.
        coordinator: party id of the node that started it.
        permit: under which it takes place.
        own: what this node puts in.
        heads: of the parties' audit logs.
        clock: measures the parts of the run.
        engine: where the oblivious functions of the joins come from.
        streams: gRPC streams that this node opened; whoever made this object finishes them.
    """

    context: NodeContext
    scenario: JoinScenario
    plan: Plan
    session: Session
    record: RunRecord
    coordinator: str
    permit: Permit
    own: JointContribution
    heads: RunHeads
    clock: StageClock
    engine: JoinEngine = "kkrt"
    streams: list[OutgoingStream] = field(default_factory=list)

    def take_engine(self, name: str) -> JoinEngine:
        """Fix the engine, which the scenario allows, and write it down."""
        self.engine = next(one for one in self.scenario.engines if one == name)
        self.record.engine = self.engine
        return self.engine

    @property
    def use(self) -> Use:
        """What the run uses up at this node."""
        counts = any(isinstance(output, StatisticsOutput) for output in self.scenario.outputs)
        return Use(self.permit, self.session.run_id, self.scenario.leaders, self.own.snapshot, counts)

    @property
    def _party(self) -> str:
        return self.context.party

    def lateral_peers(self) -> list[str]:
        """Return the peers with which this node has a stream that does not involve the coordinator."""
        if self._party == self.coordinator:
            return []
        return [peer for peer in self.plan.peers(self._party) if peer != self.coordinator]

    def open_stream(self, peer: str) -> Link:
        """Open a stream to a peer; this end counts as the leading one."""
        address = self.context.config.peer(peer).address
        link = Link(peer, self.context.link_times(), is_leader=True)
        link.bind(bytes.fromhex(self.session.run_id))
        self.session.add_link(link)
        self.streams.append(OutgoingStream(address, self.context.credentials, link))
        return link

    def connect_laterally(self) -> None:
        """Open streams to the lateral peers with a higher party id, and wait for those with a lower one."""
        run_id = bytes.fromhex(self.session.run_id)
        for peer in self.lateral_peers():
            if self._party < peer:
                self.open_stream(peer).send_message(pb.SessionMessage(attachment=pb.Attachment(run_id=run_id)))
        self.session.await_links(self.lateral_peers(), self.context.config.limits.peer_silence_s)

    def check_sizes(self, sizes: pb.SessionSizes) -> tuple[dict[str, int], dict[str, int]]:
        """Check all public sizes, as the coordinator has collected or relayed them.

        Returns:
            Public rows per leader, and public set size per party with rows.

        Raises:
            PeerError: a size is no public size, or the own one came back changed.
            PolicyRefusal: a size is larger than this node allows, or a party's head is not signed by it.
        """
        named = {entry.party: entry for entry in sizes.parties}
        if list(named) != list(self.plan.parties) or len(named) != len(sizes.parties):
            raise PeerError("The sizes are not those of the plan's parties.", peer=self.coordinator, step="sizes")
        leaders = {turn.leader for turn in self.plan.turns}
        for party, entry in named.items():
            part = self.scenario.party(party)
            for size, wanted in ((entry.row_size, party in leaders), (entry.set_size, party in self.plan.with_rows)):
                if wanted:
                    check_declared_size(part, size, "sizes")
                elif size:
                    raise PeerError("The peer declares rows that it must not have.", peer=party, step="sizes")
        own = named[self._party]
        if (own.row_size, own.set_size) != (self.own.row_size, self.own.set_size):
            raise PeerError("Our own sizes came back changed.", peer=self.coordinator, step="sizes")
        check_sizes(self.permit, {party: max(e.row_size, e.set_size) for party, e in named.items()})
        for party, entry in named.items():
            if party != self._party:
                self.heads.take(party, entry.head)
        row_sizes = {party: int(named[party].row_size) for party in sorted(leaders)}
        return row_sizes, {party: int(named[party].set_size) for party in self.plan.with_rows}

    def play(self, sid: bytes, sizes: pb.SessionSizes) -> pd.DataFrame | None:
        """Play this party's role to its end.

        Returns:
            What this party learned, as its operator will read it; None if it is no recipient.

        Raises:
            PsiMatchError: the run failed.
        """
        row_sizes, set_sizes = self.check_sizes(sizes)
        terms = SessionTerms(self.plan, sid, row_sizes, set_sizes, self.engine)
        self.record.sizes = {"rows": row_sizes, "sets": set_sizes}
        self.connect_laterally()
        for peer in self.session.links:
            self.record.pairs[peer] = PairRecord(0, 0)
        role = play(terms, self._party, self.own.rows, self.context.rng)

        def entered(stage: str) -> None:
            if stage == COMPARE_STAGE:
                # Before any share leaves: a run that fails after this counts as a release.
                self.context.ledger.take(self.use)
            self.clock.enter(stage)
            self.session.enter_stage(stage)

        learned = drive(role, self.session.links, JOINT_RUN, terms.digest(), entered, self.context.cluster)
        self.clock.enter("")
        return result_table(self.scenario, self.plan, self._party, self.own.rows, learned)

    def conclude(self, table: pd.DataFrame | None) -> None:
        """Keep the result, now that every party has played its role to the end, and close all streams."""
        if table is not None:
            self.context.store.write_result(self.session.run_id, table)
            self.record.result_rows = len(table)
        for peer, link in self.session.links.items():
            link.close()
            note_link(self.record.pairs[peer], link)
