"""How many people anyone would learn something readable about: this run, and the same outcome reached in other ways.

Everything is worked out from the records of a run; each number says from which. Three choices, all of them in favour of
the other ways:

- rows are counted *after* the same local filter, and without people who opted out, as if other ways filtered too;
- a body hands over only the rows, to nobody but who needs them for the outcome;
- of a trusted third party only what it must see is counted, not that a breach there reaches all files at once.

A number counts *rows* of other bodies, so someone with rows at two bodies counts twice. Where a dossier of a synthetic
run has an evaluation, ``persons`` gives the number of different people behind those rows.

Reveals:
    Counts that the records show already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from psi_match.domain.parties import display_name
from psi_match.report import minimisation_texts as texts
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import AnyScenario, JoinScenario, SignalOutput, StatisticsOutput
from psi_match.scenario.joint_disclosure import collusion
from psi_match.scenario.model import Text

TRUSTED_THIRD_PARTY = "trusted-third-party"
"""Stands in ``readable`` for the third party that some ways need; no node has this name."""
VALID_NUMBERS = 90_909_091
"""Strings of nine digits that pass the 11-proef: docs/why-not-hash.md."""
FILTER_RATE = 1e-9
"""False-positive rate of the Bloom filter, as in the same page; with independent hash functions, which are its best."""


class RunDossier(Protocol):
    """What is needed of a dossier."""

    @property
    def scenario(self) -> str:
        """Name of the scenario."""

    @property
    def records(self) -> Mapping[str, dict[str, Any]]:
        """Party to the record of the run at its node."""

    @property
    def evaluation(self) -> dict[str, Any] | None:
        """Of a synthetic run: the truth in counts."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """One way to reach the outcome, and what is readable in it.

    Args:
        name: ``file-exchange``, ``residents-only`` (for a signal with an evaluation), ``unkeyed-hashes``,
            ``bloom-filter``, ``trusted-third-party`` or ``psi-match``.
        title: for people.
        readable: party to about how many people it learns something readable or recoverable that comes from others:
            rows, see the module. Parties that learn nothing have 0; a party of which a record is missing is not there.
        rows_crossing: rows about people that leave a body in readable or recoverable form.
        explanation: why, and what the number leaves out.
        sources: party to where its number comes from.
        crossing_source: where ``rows_crossing`` comes from.
        persons: party to the number of different people behind ``readable``; only with an evaluation.
        wrongly: party to about how many others a Bloom filter names by chance.
        missing: parties whose record is missing or tells no outcome: numbers count less than there was.
    """

    name: str
    title: Text
    readable: dict[str, int]
    rows_crossing: int
    explanation: Text
    sources: dict[str, str] = field(default_factory=dict)
    crossing_source: str = ""
    persons: dict[str, int] = field(default_factory=dict)
    wrongly: dict[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def party_name(party: str, language: str) -> str:
    """Return the name of a party of ``readable`` for people."""
    return texts.THIRD_PARTY.in_language(language) if party == TRUSTED_THIRD_PARTY else display_name(party)


def baselines(dossier: RunDossier, scenario: AnyScenario | None = None) -> list[Baseline]:
    """Compare a run with other ways to the same outcome.

    Args:
        dossier: of the run; records may be missing.
        scenario: of that name; the built-in one if None.

    Returns:
        One entry per way, psi-match last.

    Raises:
        ScenarioError: no scenario of that name is known.
    """
    run = _Run(dossier, scenario or Catalogue().get(dossier.scenario))
    ways = [_files(run), _residents(run), _hashes(run), _filters(run), _third_party(run), _psi_match(run)]
    return [way for way in ways if way is not None]


@dataclass(frozen=True, slots=True)
class _Count:
    """A number of rows, the people behind it if known, and where it comes from."""

    rows: int
    source: str
    persons: int | None = None


class _Run:
    """What the records and the scenario say, asked by name."""

    def __init__(self, dossier: RunDossier, scenario: AnyScenario) -> None:
        self.dossier = dossier
        self.scenario = scenario
        self.parties = [party.id for party in scenario.parties]
        if isinstance(scenario, JoinScenario):
            self.with_data = scenario.with_data
            self.recipients = scenario.recipients
        else:
            self.with_data = self.parties
            self.recipients = [scenario.leader]
        found = (dossier.evaluation or {}).get("scenario")
        self.evaluation: dict[str, Any] = found if isinstance(found, dict) else {}

    @property
    def statistics(self) -> bool:
        """Whether the outcome is a table of counts and no rows."""
        outputs = self.scenario.outputs if isinstance(self.scenario, JoinScenario) else ()
        return any(isinstance(output, StatisticsOutput) for output in outputs)

    @property
    def signal(self) -> bool:
        """Whether the outcome names people to somebody without rows of them."""
        outputs = self.scenario.outputs if isinstance(self.scenario, JoinScenario) else ()
        return any(isinstance(output, SignalOutput) for output in outputs)

    @property
    def collusion(self) -> Text | None:
        """What two compute parties together would see; None without compute parties."""
        return collusion(self.scenario) if isinstance(self.scenario, JoinScenario) else None

    @property
    def without_record(self) -> tuple[str, ...]:
        """Parties with data that have no record here."""
        return tuple(party for party in self.with_data if party not in self.dossier.records)

    def rows_of(self, party: str) -> tuple[int, str]:
        """Return the rows that a party would hand over, and which fields say so; none without a record."""
        record = self.dossier.records.get(party)
        if record is None:
            return 0, ""
        # A joint run carries opted-out people along, marked, for their absence would show; other ways leave them out.
        joint = isinstance(self.scenario, JoinScenario)
        opted_out = int(record.get("opted_out", 0)) if joint else 0
        source = f"record of {party}: rows_in" + (" - opted_out" if joint else "")
        return int(record.get("rows_in", 0)) - opted_out, source

    def others(self, recipient: str | None) -> _Count:
        """Return what a recipient would get of the parties that it needs rows of; all rows there are if it is None.

        What another recipient holds, such as whom its debt help knows, is nobody else's business.
        """
        givers = [party for party in self.with_data if recipient is None or party not in self.recipients]
        counts = [(party, *self.rows_of(party)) for party in givers if party in self.dossier.records]
        source = " + ".join(text for _, _, text in counts)
        return _Count(sum(rows for _, rows, _ in counts), source or "no record", self.persons_at(givers))

    def persons_at(self, parties: list[str]) -> int | None:
        """Return how many different people are at one of some parties; None without the truth."""
        cells = self.evaluation.get("overlap", {}).get("cells")
        if cells is None:
            return None
        return sum(int(cell["count"]) for cell in cells if set(cell["in"]) & set(parties))

    def outcome(self, recipient: str) -> _Count | None:
        """Return the people that the outcome names to a recipient; None if its record does not say."""
        if self.statistics:
            return _Count(0, "scenario: outputs are counts", 0)
        rows = self.dossier.records.get(recipient, {}).get("result_rows")
        if rows is None:
            return None
        # A row that stands for a couple is one or two people.
        joint = self.scenario if isinstance(self.scenario, JoinScenario) else None
        couples = joint is not None and len(joint.party(joint.leaders[0]).keys) > 1
        return _Count(int(rows), f"record of {recipient}: result_rows", None if couples else int(rows))

    def crossing(self) -> tuple[int, str]:
        """Return the rows that psi-match tells a recipient of: pairwise one per match with each party."""
        if isinstance(self.scenario, JoinScenario):
            outcomes = [count for recipient in self.recipients if (count := self.outcome(recipient))]
            return sum(count.rows for count in outcomes), " + ".join(count.source for count in outcomes)
        leader = self.scenario.leader
        pairs = self.dossier.records.get(leader, {}).get("pairs", {})
        matches = {party: pair["matches"] for party, pair in pairs.items() if pair.get("matches") is not None}
        source = " + ".join(f"record of {leader}: pairs.{party}.matches" for party in matches)
        return sum(matches.values()), source or "no record"


def _way(
    run: _Run,
    name: str,
    counts: Mapping[str, _Count],
    crossing: tuple[int, str],
    missing: tuple[str, ...],
    wrongly: dict[str, float] | None = None,
) -> Baseline:
    """Put a way together; whoever receives nothing in it learns of nobody."""
    nothing = _Count(0, "scenario: receives nothing about people", 0 if run.evaluation else None)
    # Of a recipient without an outcome nobody can say how much it learned: it is left out, not called zero.
    known = {party: nothing for party in run.parties if party in counts or party not in missing} | dict(counts)
    return Baseline(
        name=name,
        title=texts.TITLES[name],
        readable={party: count.rows for party, count in known.items()},
        rows_crossing=crossing[0],
        explanation=texts.explanation(name, statistics=run.statistics, signal=run.signal, collusion=run.collusion),
        sources={party: count.source for party, count in known.items()},
        crossing_source=crossing[1],
        persons={party: count.persons for party, count in known.items() if count.persons is not None},
        wrongly=wrongly or {},
        missing=missing,
    )


def _handed_over(run: _Run, name: str, wrongly: dict[str, float] | None = None) -> Baseline:
    """Every body with data gives its rows, in a form that can be read back, to every recipient."""
    counts = {recipient: run.others(recipient) for recipient in run.recipients}
    # Every recipient gets the same rows.
    source = next(iter(counts.values())).source
    crossing = (
        sum(count.rows for count in counts.values()),
        source if len(counts) == 1 else f"{len(counts)} x ({source})",
    )
    return _way(run, name, counts, crossing, run.without_record, wrongly)


def _files(run: _Run) -> Baseline:
    return _handed_over(run, "file-exchange")


def _residents(run: _Run) -> Baseline | None:
    """Creditors give each municipality its own residents only: what a careful file exchange would look like."""
    rows: Mapping[str, Mapping[str, int]] = run.evaluation.get("rows_of_residents", {})
    persons: Mapping[str, int] = run.evaluation.get("residents", {})
    if not run.signal or set(run.recipients) - set(rows):
        return None
    counts = {
        recipient: _Count(
            sum(rows[recipient].values()), f"evaluation: rows_of_residents.{recipient}", persons.get(recipient)
        )
        for recipient in run.recipients
    }
    crossing = sum(count.rows for count in counts.values()), "evaluation: rows_of_residents"
    return _way(run, "residents-only", counts, crossing, ())


def _hashes(run: _Run) -> Baseline:
    return _handed_over(run, "unkeyed-hashes")


def _filters(run: _Run) -> Baseline:
    sizes = {
        recipient: [run.rows_of(party)[0] for party in run.with_data if party not in run.recipients]
        for recipient in run.recipients
    }
    wrongly = {recipient: sum(map(false_positives, rows)) for recipient, rows in sizes.items()}
    return _handed_over(run, "bloom-filter", wrongly)


def false_positives(rows: int) -> float:
    """Return how many of all other numbers that pass the 11-proef a filter of some rows names by chance, on average."""
    return FILTER_RATE * (VALID_NUMBERS - rows) if rows else 0.0


def _third_party(run: _Run) -> Baseline:
    everything = run.others(None)
    outcomes = {recipient: run.outcome(recipient) for recipient in run.recipients}
    found = {recipient: count for recipient, count in outcomes.items() if count is not None}
    crossing = (
        everything.rows + sum(count.rows for count in found.values()),
        " + ".join([everything.source, *(count.source for count in found.values())]),
    )
    missing = dict.fromkeys((*run.without_record, *(party for party in outcomes if party not in found)))
    return _way(run, TRUSTED_THIRD_PARTY, found | {TRUSTED_THIRD_PARTY: everything}, crossing, tuple(missing))


def _psi_match(run: _Run) -> Baseline:
    outcomes = {recipient: run.outcome(recipient) for recipient in run.recipients}
    found = {recipient: count for recipient, count in outcomes.items() if count is not None}
    return _way(run, "psi-match", found, run.crossing(), tuple(party for party in outcomes if party not in found))
