"""What the headline scenarios find in a population, and what that means for the whole country.

Worked out from the truth, without a protocol: what nodes find is compared with the same truth by every demo.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psi_match.base.errors import UsageError
from psi_match.bench.truth import CREDITORS, JoinScenario, aio_tests, creditor_counts, expected_join
from psi_match.population.calibration import RESIDENTS_TABLE, figure
from psi_match.population.generate import SUMMARY_NAME
from psi_match.population.truth import Truth, read_whole_truth

SIGNAL, AIO, MINIMUM = "vroegsignaal-gezamenlijk", "aio-niet-gebruik", "bestaansminimum-uwv"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One number.

    Args:
        scenario: name.
        what: what is counted, as a short name: ``signalled/2`` or ``households/income-only``.
        found: in the population.
        national: the same in proportion to all residents of the country.
    """

    scenario: str
    what: str
    found: int
    national: int


def outcomes(folder: Path, scenarios: Mapping[str, JoinScenario]) -> list[Outcome]:
    """Work out what the headline scenarios find in a population.

    Args:
        folder: the population's.
        scenarios: the catalogue's, by name.

    Returns:
        For joint early signals people at k creditors or more, for each k from 2 on; for unused AIO the households that
        the rule finds, that a rule on income alone would find, and the difference; for the minimum the clients.

    Raises:
        UsageError: the folder holds no population.
        DataError: its truth cannot be read.
    """
    persons = _persons(folder)
    truth = read_whole_truth(folder)
    scale = figure(RESIDENTS_TABLE, "nl", "residents") / persons
    found = [(SIGNAL, what, count) for what, count in _signals(scenarios[SIGNAL], truth).items()]
    found += [(AIO, what, count) for what, count in _households(scenarios[AIO], truth).items()]
    found.append((MINIMUM, "clients", len(expected_join(scenarios[MINIMUM], truth)["uwv"])))
    return [Outcome(scenario, what, count, round(count * scale)) for scenario, what, count in found]


def _persons(folder: Path) -> int:
    try:
        persons = json.loads((folder / SUMMARY_NAME).read_text())["persons"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{folder} holds no population.", "Make one with `psi-match population generate --out FOLDER`."
        ) from None
    if not isinstance(persons, int) or persons < 1:
        raise UsageError(f"{folder} holds a population of nobody.", "Make one with more --persons.")
    return persons


def _signals(scenario: JoinScenario, truth: Truth) -> dict[str, int]:
    counts = creditor_counts(scenario, truth)
    return {f"signalled/{k}": int((counts >= k).sum()) for k in range(2, len(CREDITORS) + 1)}


def _households(scenario: JoinScenario, truth: Truth) -> dict[str, int]:
    tests = aio_tests(scenario, truth)
    by_rule, by_income = tests.all(axis=1), tests["asked"] & tests["income"]
    return {
        "households/asked": int(tests["asked"].sum()),
        "households/found": int(by_rule.sum()),
        "households/income-only": int(by_income.sum()),
        "households/income-only-beyond": int((by_income & ~by_rule).sum()),
    }
