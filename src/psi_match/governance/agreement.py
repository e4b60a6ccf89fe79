"""An agreement (*overeenkomst*): what parties allow each other, in a file that all of them sign.

It names the scenario by its digest, so that changing one character of the scenario breaks it. What it says for people
beside the digest - purpose, parties, roles, datasets, columns, recipients - must be what the scenario does: a text that
describes another one is refused, also with all signatures under it.
"""

from __future__ import annotations

import datetime
from typing import Literal, Self

from pydantic import Field, model_validator

from psi_match.crypto.derive import hash_fields
from psi_match.domain.parties import PartyId
from psi_match.governance.audit.events import NAME as LOGGABLE
from psi_match.governance.audit.events import PARTY
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE, SMALLEST_PUBLIC_SIZE
from psi_match.scenario.digest import digest as scenario_digest
from psi_match.scenario.digest import encode
from psi_match.scenario.join_model import AnyScenario, JoinScenario, LabelOutput, SignalOutput, StatisticsOutput
from psi_match.scenario.model import FrozenModel, Printable, Text, lists_to_tuples

HEX_DIGEST = r"^[0-9a-f]{64}$"
NAME = r"^[a-z][a-z0-9-]{2,79}$"
_LONGEST_DAYS = 36_525


class Grondslag(FrozenModel):
    """The legal basis.

    Args:
        reference: law and article, for people.
        valid_from: first day on which it is in force.
        valid_until: last day; none if it has no end.
    """

    reference: Text
    valid_from: datetime.date
    valid_until: datetime.date | None = None


class Runs(FrozenModel):
    """How often.

    Args:
        max: runs in any period of this length.
        period_days: length of the period.
    """

    max: int = Field(ge=1, le=1_000_000)
    period_days: int = Field(ge=1, le=_LONGEST_DAYS)


class Retention(FrozenModel):
    """How long a node keeps what a run leaves, counted from the day of the run.

    Args:
        result_days: a result, and what came in about it since; 0: until the end of the day of the run.
        secret_days: what opens the commitment to the rows that were put in.
        record_days: the run's record: counts, sizes, times.
    """

    result_days: int = Field(ge=0, le=_LONGEST_DAYS)
    secret_days: int = Field(ge=0, le=_LONGEST_DAYS)
    record_days: int = Field(ge=0, le=_LONGEST_DAYS)

    @model_validator(mode="after")
    def _record_stays_longest(self) -> Self:
        if self.record_days < max(self.result_days, self.secret_days):
            raise ValueError("keeps the record shorter than what it is about")
        return self


class PartyTerms(FrozenModel):
    """One party's part.

    Args:
        id: party id.
        signing_key: its public key, 64 hexadecimal digits; its signature is made with this one.
        roles: what it does.
        dataset: which of its datasets takes part; none for a party without data.
        columns: every column of it that the run reads: keys, filters, and what enters the computation; sorted.
        max_set_size: largest public size of its set.
    """

    id: PartyId
    signing_key: str = Field(pattern=HEX_DIGEST)
    roles: tuple[Printable, ...] = ()
    dataset: Printable | None = None
    columns: tuple[Printable, ...] = ()
    max_set_size: int | None = Field(default=None, ge=SMALLEST_PUBLIC_SIZE, le=LARGEST_PUBLIC_SIZE)

    @model_validator(mode="after")
    def _size_where_data(self) -> Self:
        if (self.dataset is None) != (self.max_set_size is None):
            raise ValueError(f"must give {self.id} a dataset and a max_set_size, or neither")
        return self


class OutputTerms(FrozenModel):
    """Who learns what.

    Args:
        kind: as in the scenario; ``members`` for a pairwise one.
        recipient: party id.
        columns: what it learns beside who: names of columns, of a label, of groups.
    """

    kind: Literal["members", "label", "signal", "statistics"]
    recipient: PartyId
    columns: tuple[Printable, ...] = ()


class Agreement(FrozenModel):
    """An agreement.

    Args:
        format: version of this file format.
        name: name of the agreement and of its file.
        scenario: name of the scenario.
        scenario_digest: its digest.
        purpose: the one purpose for which results may be used (doelbinding): that of the scenario.
        grondslag: the legal basis.
        start: first day.
        end: last day.
        min_group: smallest group of statistics that may be released.
        runs: how often.
        retention: how long results stay.
        parties: everyone who takes part.
        outputs: who learns what.
    """

    format: Literal[1]
    name: str = Field(pattern=NAME)
    scenario: Printable = Field(min_length=1)
    scenario_digest: str = Field(pattern=HEX_DIGEST)
    start: datetime.date
    end: datetime.date
    min_group: int = Field(ge=2, le=1_000_000)
    purpose: Text
    grondslag: Grondslag
    runs: Runs
    retention: Retention
    parties: tuple[PartyTerms, ...] = Field(min_length=2)
    outputs: tuple[OutputTerms, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _lists_to_tuples(cls, data: object) -> object:
        return lists_to_tuples(data)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for what, values in (
            ("party", [party.id for party in self.parties]),
            ("signing key", [party.signing_key for party in self.parties]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"names a {what} twice")
        if not all(map(LOGGABLE, [self.name, self.scenario])) or not all(map(PARTY, self.party_ids)):
            raise ValueError("has a name with so many digits that it could be a number of a person")
        if self.end < self.start:
            raise ValueError("ends before it starts")
        return self

    @property
    def party_ids(self) -> list[str]:
        """All party ids, sorted."""
        return sorted(party.id for party in self.parties)

    def party(self, party_id: str) -> PartyTerms:
        """Return one party's part.

        Raises:
            KeyError: the party does not take part.
        """
        for party in self.parties:
            if party.id == party_id:
                return party
        raise KeyError(party_id)

    @property
    def digest(self) -> bytes:
        """The 32-byte digest of everything in it: what parties sign, and what a run is proposed under."""
        return hash_fields("agreement", encode(self.model_dump(mode="python")))


def columns_read(scenario: AnyScenario, party_id: str) -> tuple[str, ...]:
    """Return every column of a party's dataset that a scenario reads, sorted; empty for a party without data."""
    part = scenario.party(party_id)
    if part.dataset is None:
        return ()
    names = {"bsn", *(condition.column for condition in part.where)}
    if isinstance(scenario, JoinScenario):
        joint = scenario.party(party_id)
        names |= {key.column for key in joint.keys} | {column.name for column in joint.columns}
    return tuple(sorted(names))


def outputs_of(scenario: AnyScenario) -> tuple[OutputTerms, ...]:
    """Return who learns what, as a scenario says it."""
    if not isinstance(scenario, JoinScenario):
        others = tuple(scenario.data_parties)
        return (OutputTerms(kind="members", recipient=scenario.leader, columns=others),)
    found = []
    for output in scenario.outputs:
        match output:
            case LabelOutput():
                terms = OutputTerms(kind="label", recipient=scenario.leaders[0], columns=(output.name,))
            case SignalOutput():
                terms = OutputTerms(kind="signal", recipient=output.recipient, columns=tuple(output.columns))
            case StatisticsOutput():
                groups = tuple(group.name for group in output.groups)
                terms = OutputTerms(kind="statistics", recipient=output.recipient, columns=groups)
            case _:
                terms = OutputTerms(kind="members", recipient=scenario.leaders[0])
        found.append(terms)
    return tuple(found)


def differences(agreement: Agreement, scenario: AnyScenario) -> list[str]:
    """Return what an agreement says otherwise than the scenario does; the digests apart."""
    found = []
    if agreement.scenario != scenario.name:
        found.append("the name of the scenario")
    if agreement.purpose != scenario.purpose:
        found.append("the purpose")
    if agreement.party_ids != scenario.party_ids:
        found.append("the parties")
        return found
    for party in agreement.parties:
        part = scenario.party(party.id)
        if party.roles != tuple(scenario.roles(party.id)):
            found.append(f"the roles of {party.id}")
        if party.dataset != part.dataset:
            found.append(f"the dataset of {party.id}")
        if party.columns != columns_read(scenario, party.id):
            found.append(f"the columns of {party.id}")
    if agreement.outputs != outputs_of(scenario):
        found.append("the outputs")
    return found


def names_scenario(agreement: Agreement, scenario: AnyScenario) -> bool:
    """Tell whether an agreement names a scenario by the digest of its text."""
    return agreement.scenario_digest == scenario_digest(scenario).hex()
