"""What the file of a joint scenario says: who takes part with which columns, what is decided, and who learns it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, RootModel, model_validator

from psi_match.domain.parties import PartyId
from psi_match.domain.where import Condition
from psi_match.protocols.integers import bits_for
from psi_match.protocols.join_terms import JoinEngine
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE, SMALLEST_PUBLIC_SIZE
from psi_match.scenario.model import FrozenModel, Scenario, Text, lists_to_tuples
from psi_match.scenario.predicate.types import LEADER

Unit = Literal["boolean", "cents", "cents_per_month", "days", "months", "number", "code"]
_NAME = r"^[a-z][a-z0-9_]{0,59}$"
_LARGEST_VALUE = 2**62 - 1


class KeyColumn(FrozenModel):
    """A column of BSNs of a leader's rows.

    Args:
        name: how expressions call it: ``party.column[name]``.
        column: its name in the dataset; ``bsn`` is the row's own.
    """

    name: str = Field(pattern=_NAME)
    column: str = Field(pattern=_NAME)


class JoinColumn(FrozenModel):
    """A column that takes part in the computation.

    Args:
        name: its name in the party's dataset.
        type: what it counts.
        min: lowest value that may occur.
        max: highest value that may occur; 1 for a boolean.
        no_key: its value for a row that has no such key, as a single person has no partner.
        clamp: take a value out of range as the nearest one in it, instead of refusing the dataset.
    """

    name: str = Field(pattern=_NAME)
    type: Unit
    min: int = Field(default=0, ge=-_LARGEST_VALUE, le=_LARGEST_VALUE)
    max: int = Field(default=1, ge=-_LARGEST_VALUE, le=_LARGEST_VALUE)
    no_key: int = 0
    clamp: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min > self.max:
            raise ValueError("has a column whose min exceeds its max")
        if self.type != "boolean" and "max" not in self.model_fields_set:
            raise ValueError("says not how large the values of a column may be: max")
        if self.type == "boolean" and (self.min, self.max) != (0, 1):
            raise ValueError("has a boolean column with a range of its own")
        if not self.low <= self.no_key <= self.high:
            raise ValueError("has a column whose no_key lies outside its range")
        return self

    @property
    def low(self) -> int:
        """Lowest value in the computation; what is not there counts as 0."""
        return min(self.min, 0)

    @property
    def high(self) -> int:
        """Highest value in the computation."""
        return max(self.max, 0)

    @property
    def bits(self) -> int:
        """Width in the computation."""
        return max(1, bits_for(self.low, self.high))


class JoinParty(FrozenModel):
    """One party's part in a joint scenario.

    Args:
        id: party id.
        rows: what a row stands for, for the disclosure table; for a party without data what it does.
        dataset: name of the dataset in that node's config; none for a party without data.
        max_age_days: how old the dataset's reference date may be.
        cap: agreed public size of its set; without it the ladder of public sizes.
        where: local filter; only rows that meet all conditions take part.
        absent: what it means that a person is not in this party's set: its columns are zero, or nothing is known and
            the result is false.
        keys: key columns of a leader's rows, the row's own first.
        columns: what enters the computation.
    """

    id: PartyId
    rows: Text
    dataset: str | None = Field(default=None, min_length=1)
    max_age_days: int | None = Field(default=None, gt=0)
    cap: int | None = Field(default=None, ge=SMALLEST_PUBLIC_SIZE, le=LARGEST_PUBLIC_SIZE)
    where: tuple[Condition, ...] = ()
    absent: Literal["zero", "unknown"] = "zero"
    keys: tuple[KeyColumn, ...] = Field(default=(KeyColumn(name="self", column="bsn"),), min_length=1, max_length=4)
    columns: tuple[JoinColumn, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.dataset is None and (self.columns or self.where or self.cap or self.max_age_days):
            raise ValueError(f"gives {self.id} columns, a filter, a cap or an age, but no dataset")
        if self.dataset is not None and self.max_age_days is None:
            raise ValueError(f"says not how old the dataset of {self.id} may be: max_age_days")
        if self.keys[0].column != "bsn" or "bsn" in [key.column for key in self.keys[1:]]:
            raise ValueError(f"must have bsn as the first key column of {self.id}, and only there")
        for what, names in (
            ("key", [key.name for key in self.keys]),
            ("column", [column.name for column in self.columns]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"names a {what} of {self.id} twice")
        taken = {"present", "excluded", "bsn"} & {column.name for column in self.columns}
        if taken:
            raise ValueError(f"has a column of {self.id} named {min(taken)}, which means something else")
        return self


class ConstantValue(FrozenModel):
    """A public number in an expression.

    Args:
        value: the number.
        type: what it counts.
        source: where it comes from, or why it is assumed.
        assumed: whether it is an assumption.
    """

    value: int = Field(ge=-_LARGEST_VALUE, le=_LARGEST_VALUE)
    type: Unit
    source: Text
    assumed: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type == "boolean" and self.value not in {0, 1}:
            raise ValueError("is a boolean constant that is neither 0 nor 1")
        return self


class MembersOutput(FrozenModel):
    """The leader learns one bit per own row: whether the predicate holds."""

    kind: Literal["members"]


class LabelOutput(FrozenModel):
    """The leader learns one value for rows where the predicate holds.

    Args:
        name: name of the value.
        value: expression.
    """

    kind: Literal["label"]
    name: str = Field(pattern=_NAME)
    value: str


class SignalOutput(FrozenModel):
    """A recipient learns the BSNs, and named values, of persons for whom the predicate and ``when`` hold.

    Args:
        recipient: party id; neither leader nor compute party.
        when: expression that holds for the persons of this recipient.
        columns: name to expression.
    """

    kind: Literal["signal"]
    recipient: PartyId
    when: str = "true"
    columns: dict[str, str] = Field(default_factory=dict)


class Group(FrozenModel):
    """A cell of a table.

    Args:
        name: name of the cell.
        when: expression: who is counted.
        parties: of a table of pairs: the two parties; the cell is counted in the turn of the first one.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_+-]{0,79}$")
    when: str = "true"
    parties: tuple[PartyId, ...] = ()


class StatisticsOutput(FrozenModel):
    """A recipient learns counts, rounded and suppressed.

    Args:
        recipient: party id.
        table: ``cells``: groups of which each person is in one at most; ``pairs``: overlaps of two parties' sets.
        min_group: no count below it is shown, and counts are multiples of it.
        groups: the cells.
    """

    kind: Literal["statistics"]
    recipient: PartyId
    table: Literal["cells", "pairs"]
    min_group: int = Field(ge=2, le=1_000_000)
    groups: tuple[Group, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [group.name for group in self.groups]
        if len(set(names)) != len(names):
            raise ValueError("names a group twice")
        if self.table == "pairs" and any(len(set(group.parties)) != 2 for group in self.groups):
            raise ValueError("must name two parties for each group of a table of pairs")
        if self.table == "pairs" and any("when" in group.model_fields_set for group in self.groups):
            raise ValueError("gives a condition for a group of a table of pairs, which counts all that two sets share")
        if self.table == "cells" and any(group.parties for group in self.groups):
            raise ValueError("names parties of a group, which only a table of pairs has")
        return self

    def totals(self, group: Group) -> tuple[str, ...]:
        """Return whose set sizes a cell must not come close to; none: the sum of all cells."""
        return group.parties


Output = Annotated[MembersOutput | LabelOutput | SignalOutput | StatisticsOutput, Field(discriminator="kind")]


class JoinScenario(FrozenModel):
    """A use case on secret shares: leaders' rows are decided on by an expression over all parties' columns.

    Args:
        format: version of this file format.
        name: name of the scenario and of its file.
        title: for people.
        source: which row of the government's overview of data-sharing bottlenecks it answers.
        purpose: the one purpose for which the result may be used (doelbinding).
        protocol: ``join``: private join and predicate.
        assumptions: under which the disclosure table holds.
        limits: what the rule does not see; for people.
        leaders: whose rows are decided on, in turn; a person counts for the first leader that holds them.
        compute: the three parties that evaluate the predicate on shares.
        engines: where the oblivious functions of the joins may come from; ``vole`` rests on learning parity with noise
            as well. Unless the operator asks for one, the coordinator's node takes the first, or the other one if that
            is clearly faster on its paths.
        coverage: ``full`` claims that nobody can meet the predicate without being at one of the leaders.
        allow: deviations that must be asked for by name.
        predicate: expression.
        constants: public numbers by name.
        parties: everyone who takes part.
        outputs: who learns what.
    """

    format: Literal[1]
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{2,59}$")
    title: Text
    source: Text
    purpose: Text
    protocol: Literal["join"]
    assumptions: Text
    limits: Text | None = None
    leaders: tuple[PartyId, ...] = Field(min_length=1)
    compute: tuple[PartyId, PartyId, PartyId]
    engines: tuple[JoinEngine, ...] = Field(default=("kkrt",), min_length=1)
    coverage: Literal["full", "leaders"] = "leaders"
    allow: tuple[Literal["foreign-label"], ...] = ()
    predicate: str = "true"
    constants: dict[str, ConstantValue] = Field(default_factory=dict)
    parties: tuple[JoinParty, ...] = Field(min_length=3)
    outputs: tuple[Output, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _lists_to_tuples(cls, data: object) -> object:
        return lists_to_tuples(data)

    @model_validator(mode="after")
    def _check(self) -> Self:
        ids = [party.id for party in self.parties]
        if len(set(ids)) != len(ids):
            raise ValueError("names a party twice")
        if LEADER in ids:
            raise ValueError(f"names a party {LEADER}, which is how expressions call whoever leads")
        self._check_roles(set(ids))
        self._check_outputs(set(ids))
        return self

    def _check_roles(self, ids: set[str]) -> None:
        if len(set(self.compute)) != len(self.compute):
            raise ValueError("needs three different compute parties")
        if len(set(self.leaders)) != len(self.leaders):
            raise ValueError("names a leader twice")
        unknown = sorted({*self.compute, *self.leaders} - ids)
        if unknown:
            raise ValueError(f"has {unknown[0]} as a leader or compute party, which is not among its parties")
        for leader in self.leaders:
            if self.party(leader).dataset is None:
                raise ValueError(f"has {leader} as a leader, which has no dataset")
            if len(self.party(leader).keys) > 1 and leader not in self.compute:
                raise ValueError(f"gives {leader} several key columns: then it must be a compute party")
        if len({tuple(key.name for key in self.party(leader).keys) for leader in self.leaders}) > 1:
            raise ValueError("has leaders with different keys")
        if any(len(self.party(other).keys) > 1 for other in ids - set(self.leaders)):
            raise ValueError("gives several key columns to a party that is no leader")
        if len([party for party in self.parties if party.dataset is not None]) < 2:
            raise ValueError("needs two parties with data at least")

    def _check_outputs(self, ids: set[str]) -> None:
        kinds = [output.kind for output in self.outputs]
        if kinds.count("members") + kinds.count("label") > 1:
            raise ValueError("has more than one members or label output")
        if {"members", "label"} & set(kinds) and len(self.leaders) > 1:
            raise ValueError("opens rows to a leader, so it must have one leader")
        recipients = [o.recipient for o in self.outputs if isinstance(o, SignalOutput | StatisticsOutput)]
        recipients += [self.leaders[0]] if {"members", "label"} & set(kinds) else []
        if len(set(recipients)) != len(recipients):
            raise ValueError("has two outputs for one recipient: make two scenarios of it")
        if set(recipients) - ids:
            raise ValueError(f"has {min(set(recipients) - ids)} as a recipient, which is not among its parties")
        tables = {output.table for output in self.outputs if isinstance(output, StatisticsOutput)}
        if len(tables) > 1:
            raise ValueError("releases cells and pairs of one snapshot, from which exact cells could be recomputed")
        for output in self.outputs:
            if isinstance(output, SignalOutput) and output.recipient in {*self.compute, *self.leaders}:
                raise ValueError(
                    f"signals to {output.recipient}, which leads or computes: it could link the order of rows"
                )
            for group in output.groups if isinstance(output, StatisticsOutput) else ():
                if group.parties and group.parties[0] not in self.leaders:
                    raise ValueError(f"counts group {group.name} in the turn of a party that is no leader")

    @property
    def party_ids(self) -> list[str]:
        """All party ids, sorted."""
        return sorted(party.id for party in self.parties)

    @property
    def with_data(self) -> list[str]:
        """Ids of parties with a dataset, in the order of the file."""
        return [party.id for party in self.parties if party.dataset is not None]

    @property
    def recipients(self) -> list[str]:
        """Ids of all parties that learn something, sorted."""
        found = {o.recipient for o in self.outputs if isinstance(o, SignalOutput | StatisticsOutput)}
        if any(isinstance(output, MembersOutput | LabelOutput) for output in self.outputs):
            found |= set(self.leaders)
        return sorted(found)

    def roles(self, party_id: str) -> list[str]:
        """Return what a party does: leader, data party, compute party, recipient."""
        found = ["leader"] if party_id in self.leaders else []
        leads_alone = self.leaders == (party_id,)
        if party_id in self.with_data and not leads_alone:
            found.append("data party")
        found += ["compute party"] if party_id in self.compute else []
        found += ["recipient"] if party_id in self.recipients else []
        return found

    def party(self, party_id: str) -> JoinParty:
        """Return one party's part.

        Raises:
            KeyError: the party does not take part.
        """
        for party in self.parties:
            if party.id == party_id:
                return party
        raise KeyError(party_id)


AnyScenario = Scenario | JoinScenario


class ScenarioFile(RootModel[Annotated[AnyScenario, Field(discriminator="protocol")]]):
    """A scenario file of either protocol."""
