"""What may be chosen about a population where published figures leave it open, or where years differ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rules(StrEnum):
    """The year whose norms and limits of AIO hold."""

    YEAR_2024 = "2024"
    YEAR_2025 = "2025"


class NonUse(StrEnum):
    """How many of the households that are entitled to AIO do not use it: CBS's estimate, or the Rekenkamer's."""

    BASE = "base"
    STRESS = "stress"


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of one population.

    Args:
        rules: year of the norms and limits of AIO.
        non_use: of AIO.
        tax_as_one: "a quarter of all debtors are at two bodies or more" counts Belastingdienst and Toeslagen as one
            body. Which is meant was not found.
        with_duo: write DUO's file too; its debtors are in the truth in any case.
    """

    rules: Rules = Rules.YEAR_2025
    non_use: NonUse = NonUse.BASE
    tax_as_one: bool = False
    with_duo: bool = False
