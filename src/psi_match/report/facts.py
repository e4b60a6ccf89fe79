"""What a dossier says about its run, worked out once: who took part, how it ended, what came out, what it took.

Whatever is not in the dossier is None here, never zero: the report then says that it is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from psi_match.domain.parties import display_name
from psi_match.node.events import MESSAGE
from psi_match.report.evaluated import Evaluation, Population, ScenarioEvaluation, checked
from psi_match.report.model import Number
from psi_match.report.numbers import number
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import JoinScenario, SignalOutput, StatisticsOutput
from psi_match.scenario.model import Scenario

if TYPE_CHECKING:
    from psi_match.governance.agreement import Agreement
    from psi_match.node.dossier import Dossier
    from psi_match.scenario.join_model import AnyScenario

OutputKind = Literal["members", "label", "signal", "statistics", "pairs", "unknown"]
"""As a joint scenario has them; ``pairs`` of a pairwise one; ``unknown`` where the scenario is not known."""
State = Literal["finished", "failed", "running", "unknown"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one recipient got.

    Args:
        party: the recipient.
        kind: which kind of output.
        rows: how many rows; None if its record is missing or the run did not finish there.
        expected: by the truth of the synthetic population; None without an evaluation.
    """

    party: str
    kind: OutputKind
    rows: Number | None
    expected: Number | None


@dataclass(frozen=True, slots=True)
class Flow:
    """What one party sent to another in one step.

    Args:
        step: name of the step on the wire.
        sender: who sent it.
        receiver: to whom.
        messages: how many frames.
        frame_bytes: serialised bytes of them.
        reporter: whose timeline says so: the sender's if there is one.
    """

    step: str
    sender: str
    receiver: str
    messages: int
    frame_bytes: int
    reporter: str


class RunFacts:
    """A dossier with its scenario and agreement, asked by name.

    Args:
        dossier: the dossier.
        scenario: the scenario of that name in this installation; None if there is none.
        agreement: the agreement, if somebody gave it; only if it is the one that the records name.
    """

    def __init__(self, dossier: Dossier, scenario: AnyScenario | None, agreement: Agreement | None = None) -> None:
        self.dossier = dossier
        self.scenario = scenario
        self.agreement = agreement
        self.records: Mapping[str, dict[str, Any]] = dossier.records

    @property
    def joint(self) -> JoinScenario | None:
        """The scenario, if it is a joint one."""
        return self.scenario if isinstance(self.scenario, JoinScenario) else None

    @property
    def scenario_fits(self) -> bool:
        """Whether this installation's text of the scenario is the one that every record names."""
        if self.scenario is None or not self.records:
            return False
        own = digest(self.scenario).hex()
        return all(record.get("scenario_digest") == own for record in self.records.values())

    @cached_property
    def parties(self) -> list[str]:
        """Everyone who takes part: leaders first, then as the scenario has them, then whoever records name besides."""
        named: list[str] = []
        if self.scenario is not None:
            named = [*self.scenario.leaders, *(party.id for party in self.scenario.parties)]
        for record in self.records.values():
            named += [record["party"], *record.get("parties", [])]
        return list(dict.fromkeys(named))

    @property
    def missing(self) -> list[str]:
        """Parties without a record in the dossier."""
        return [party for party in self.parties if party not in self.records]

    def why_absent(self, party: str, part: Literal["record", "timeline"]) -> str:
        """Return the reason why a part of a party is missing, as the dossier names it; empty if it names none."""
        return next((each.reason for each in self.dossier.missing if (each.party, each.part) == (party, part)), "")

    @property
    def failed(self) -> list[str]:
        """Parties whose record says that the run failed."""
        return [party for party in self.parties if self.records.get(party, {}).get("state") == "failed"]

    @property
    def state(self) -> State:
        """How the run ended, as far as records say: failed if it failed anywhere."""
        states = {record.get("state", "") for record in self.records.values()}
        if "failed" in states:
            return "failed"
        if states == {"finished"}:
            return "finished"
        return "running" if states else "unknown"

    @property
    def holders(self) -> list[str]:
        """Parties whose node kept a result: a run can fail at one and leave another with its outcome."""
        return [
            party
            for party in self.parties
            if (record := self.records.get(party, {})).get("state") == "finished"
            and record.get("result_rows") is not None
        ]

    def count(self, party: str, name: str) -> Number | None:
        """Return a count of a record; None if the record or the field is missing."""
        value = self.records.get(party, {}).get(name)
        return None if value is None else number(value, "count", "record", name, party)

    @property
    def outcomes(self) -> list[Outcome]:
        """What each recipient got, in the order of the scenario's outputs."""
        expected = self.evaluation.expected if self.evaluation else {}
        found = []
        for party, kind in self._recipients():
            record = self.records.get(party, {})
            finished = record.get("state") == "finished"
            wanted = expected.get(party)
            found.append(
                Outcome(
                    party,
                    kind,
                    self.count(party, "result_rows") if finished else None,
                    None if wanted is None else number(wanted, "count", "evaluation", f"scenario.expected.{party}"),
                )
            )
        return found

    def _recipients(self) -> list[tuple[str, OutputKind]]:
        match self.scenario:
            case JoinScenario() as joint:
                return [
                    (
                        output.recipient if isinstance(output, SignalOutput | StatisticsOutput) else joint.leaders[0],
                        output.kind,
                    )
                    for output in joint.outputs
                ]
            case Scenario() as pairwise:
                return [(pairwise.leader, "pairs")]
            case _:
                return [(p, "unknown") for p, r in self.records.items() if r.get("result_rows") is not None]

    @property
    def matches(self) -> dict[str, Number]:
        """Of a pairwise run: matches per data party, as the leader's record has them."""
        if not isinstance(self.scenario, Scenario):
            return {}
        leader = self.scenario.leader
        pairs = self.records.get(leader, {}).get("pairs", {})
        return {
            party: number(pair["matches"], "count", "record", f"pairs.{party}.matches", leader)
            for party, pair in pairs.items()
            if pair.get("matches") is not None
        }

    @property
    def wall(self) -> Number | None:
        """The longest that the run took at any node."""
        times = [record["wall_s"] for record in self.records.values() if record.get("wall_s")]
        return number(max(times), "seconds", "record", "max(wall_s)") if times else None

    @property
    def cpu(self) -> Number | None:
        """Processor time of all nodes together."""
        times = [record["cpu_s"] for record in self.records.values() if record.get("cpu_s") is not None]
        return number(round(sum(times), 4), "seconds", "record", "sum(cpu_s)") if times else None

    @property
    def total_bytes(self) -> Number | None:
        """All bytes that left a node for another one, each counted once, at the sender."""
        if not self.records:
            return None
        total = sum(pair["bytes_out"] for record in self.records.values() for pair in record.get("pairs", {}).values())
        return number(total, "megabytes", "record", "sum(pairs.*.bytes_out)")

    def party_bytes(self, party: str, direction: Literal["bytes_out", "bytes_in"]) -> Number | None:
        """Return the bytes that left or reached one party."""
        record = self.records.get(party)
        if record is None:
            return None
        total = sum(pair[direction] for pair in record.get("pairs", {}).values())
        return number(total, "bytes", "record", f"sum(pairs.*.{direction})", party)

    @property
    def rows_in(self) -> Number | None:
        """All rows that were put in, over all parties with a record."""
        counts = [record["rows_in"] for record in self.records.values() if record.get("rows_in")]
        return number(sum(counts), "count", "record", "sum(rows_in)") if counts else None

    @cached_property
    def _checked(self) -> Evaluation | None:
        digests = {str(record.get("scenario_digest", "")) for record in self.records.values()}
        return checked(self.dossier.evaluation, digests)

    @property
    def evaluation(self) -> ScenarioEvaluation | None:
        """The evaluation of this scenario against the truth of a synthetic population, if the dossier has one."""
        return self._checked.scenario if self._checked else None

    @property
    def population(self) -> Population | None:
        """Size, seed and date of the synthetic population, if the dossier has them."""
        return self._checked.population if self._checked else None

    @cached_property
    def flows(self) -> list[Flow]:
        """Who sent what to whom, step by step: from the sender's timeline, else from the receiver's."""
        sums: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0])
        have = {party for party, events in self.dossier.timelines.items() if events}
        for reporter, events in self.dossier.timelines.items():
            for event in events:
                if event.kind != MESSAGE:
                    continue
                sender, receiver = (reporter, event.peer) if event.outgoing else (event.peer, reporter)
                if not event.outgoing and sender in have:
                    continue
                total = sums[event.step, sender, receiver, reporter]
                total[0] += event.frames
                total[1] += event.frame_bytes
        return [
            Flow(step, sender, receiver, count, size, reporter)
            for (step, sender, receiver, reporter), (count, size) in sums.items()
        ]


def names(parties: list[str]) -> str:
    """Return parties' names for people, separated by commas."""
    return ", ".join(map(display_name, parties))
