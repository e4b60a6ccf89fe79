"""What a scenario file says: who takes part with which rows, which protocol runs, and why."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from psi_match.domain.parties import PartyId
from psi_match.domain.where import Condition
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE, SMALLEST_PUBLIC_SIZE

Engine = Literal["kkrt", "kkrt-buckets", "vole", "ecdh"]
ENGINES: tuple[Engine, ...] = ("kkrt", "kkrt-buckets", "vole", "ecdh")


class FrozenModel(BaseModel):
    """A part of a scenario file: strict, complete, and unchangeable after its digest is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _printable(text: str) -> str:
    # No control characters and no marks that turn the direction of writing: what people read is what they sign.
    if not text.isprintable():
        raise ValueError("holds a character that cannot be shown")
    return text


Printable = Annotated[str, AfterValidator(_printable)]
"""Text that a terminal shows as it is."""


class Text(FrozenModel):
    """A text for people, in Dutch and in English."""

    nl: Printable = Field(min_length=1)
    en: Printable = Field(min_length=1)

    def in_language(self, language: str) -> str:
        """Return the text in ``nl`` or ``en``."""
        return self.en if language == "en" else self.nl


class ScenarioParty(FrozenModel):
    """One party's part in a scenario.

    Args:
        id: party id.
        dataset: name of the dataset in that node's config.
        max_age_days: how old the dataset's reference date may be.
        cap: agreed public size of its set; without it the ladder of public sizes.
        where: local filter; only rows that meet all conditions take part.
        rows: what a row stands for, for the disclosure table.
    """

    id: PartyId
    dataset: str = Field(min_length=1)
    max_age_days: int = Field(gt=0)
    cap: int | None = Field(default=None, ge=SMALLEST_PUBLIC_SIZE, le=LARGEST_PUBLIC_SIZE)
    where: tuple[Condition, ...] = ()
    rows: Text


class Scenario(FrozenModel):
    """A use case: one leader intersects its rows with those of each other party.

    Args:
        format: version of this file format.
        name: name of the scenario and of its file.
        title: for people.
        source: which row of the government's overview of data-sharing bottlenecks it answers.
        purpose: the one purpose for which the result may be used (doelbinding).
        protocol: ``psi``: pairwise intersection.
        engines: which implementations may run it. Unless the operator asks for one, the leader's node takes the first,
            or another one that is clearly faster on its paths to the data parties.
        leader: the party that learns the result.
        assumptions: under which the disclosure table holds.
        parties: everyone who takes part, the leader included.
    """

    format: Literal[1]
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{2,59}$")
    title: Text
    source: Text
    purpose: Text
    protocol: Literal["psi"]
    engines: tuple[Engine, ...] = Field(min_length=1)
    leader: PartyId
    assumptions: Text
    parties: tuple[ScenarioParty, ...] = Field(min_length=2)

    @model_validator(mode="before")
    @classmethod
    def _lists_to_tuples(cls, data: object) -> object:
        # TOML has lists only; strict mode wants tuples, which cannot be changed after the digest is taken.
        return lists_to_tuples(data)

    @model_validator(mode="after")
    def _check_parties(self) -> Self:
        ids = [party.id for party in self.parties]
        if len(set(ids)) != len(ids):
            raise ValueError("names a party twice")
        if self.leader not in ids:
            raise ValueError("has a leader that is not among its parties")
        return self

    @property
    def leaders(self) -> tuple[str, ...]:
        """The leader, as the only one."""
        return (self.leader,)

    def roles(self, party_id: str) -> list[str]:
        """Return what a party does."""
        return ["leader" if party_id == self.leader else "data party"]

    @property
    def party_ids(self) -> list[str]:
        """All party ids, sorted."""
        return sorted(party.id for party in self.parties)

    @property
    def data_parties(self) -> list[str]:
        """The party ids other than the leader's, in the order of the file: the plan's order of intersections."""
        return [party.id for party in self.parties if party.id != self.leader]

    def party(self, party_id: str) -> ScenarioParty:
        """Return one party's part.

        Raises:
            KeyError: the party does not take part.
        """
        for party in self.parties:
            if party.id == party_id:
                return party
        raise KeyError(party_id)


def lists_to_tuples(value: object) -> object:
    """Return nested lists as tuples."""
    if isinstance(value, dict):
        return {key: lists_to_tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(lists_to_tuples(item) for item in value)
    return value
