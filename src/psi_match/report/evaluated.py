"""The evaluation in a dossier, checked: what the truth of a synthetic population says of one scenario.

A dossier carries it as it was given. What a report reads of it is checked here, so that a damaged one is an error with
a hint and never half a chapter.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from psi_match.base.errors import UsageError
from psi_match.scenario.model import Text

_HINT = "Make it anew with `psi-match population evaluate`."


class _Part(BaseModel):
    # A newer version may say more.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Quality(_Part):
    """How well the rule hits, and what counts as right.

    Args:
        definition: who should have been selected.
        selected: how many the rule selects.
        relevant: how many should have been.
        hits: how many are both.
        precision: hits of selected; None if nobody was selected.
        recall: hits of relevant; None if there is nobody.
    """

    definition: Text
    selected: int = Field(ge=0)
    relevant: int = Field(ge=0)
    hits: int = Field(ge=0)
    precision: float | None = Field(ge=0, le=1)
    recall: float | None = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _check_hits(self) -> Self:
        if self.hits > min(self.selected, self.relevant):
            raise ValueError("has more hits than people")
        return self

    @property
    def says_nothing(self) -> bool:
        """Whether rule and definition select the same people: then shares of 100 % say nothing about the rule."""
        return self.hits == self.selected == self.relevant


class Point(_Part):
    """What one value of a threshold would select; None where no quality is defined."""

    value: int | float
    selected: int = Field(ge=0)
    relevant: int | None = Field(default=None, ge=0)
    hits: int | None = Field(default=None, ge=0)
    precision: float | None = Field(default=None, ge=0, le=1)
    recall: float | None = Field(default=None, ge=0, le=1)


class Threshold(_Part):
    """A threshold and what each value of it would select."""

    name: str
    label: Text
    unit: str
    current: int | float
    points: list[Point]


class OverlapCell(_Part):
    """How many people are at exactly these parties."""

    parties: list[str] = Field(alias="in")
    count: int = Field(ge=0)


class Overlap(_Part):
    """Who is where, as counts."""

    parties: list[str]
    cells: list[OverlapCell]


class ScenarioEvaluation(_Part):
    """What the truth says of one scenario."""

    scenario_digest: str
    expected: dict[str, int | None] = Field(default_factory=dict)
    rows: dict[str, int] = Field(default_factory=dict)
    distinct_persons: int | None = None
    overlap: Overlap | None = None
    quality: Quality | None = None
    quality_reason: Text | None = None
    thresholds: list[Threshold] = Field(default_factory=list)


class Population(_Part):
    """Which synthetic population it was."""

    persons: int = Field(gt=0)
    seed: int
    reference_date: str


class Evaluation(_Part):
    """The evaluation of a dossier."""

    population: Population | None = None
    scenario: ScenarioEvaluation


def checked(evaluation: dict[str, Any] | None, digests: Set[str]) -> Evaluation | None:
    """Return a dossier's evaluation, checked; None if it has none.

    Args:
        evaluation: as the dossier carries it.
        digests: of the scenario, as the records of the run name it.

    Raises:
        UsageError: it is not as `psi-match population evaluate` writes it, or is of another text of the scenario.
    """
    if not evaluation or not evaluation.get("scenario"):
        return None
    try:
        found = Evaluation.model_validate(evaluation)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"][:5]) or "the whole"
        raise UsageError(
            f"The evaluation in the dossier cannot be read: wrong at {where}.",
            _HINT,
        ) from None
    if any(each != found.scenario.scenario_digest for each in digests):
        raise UsageError("The evaluation in the dossier is of another text of the scenario than the run.", _HINT)
    return found
