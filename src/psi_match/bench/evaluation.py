"""What each scenario finds in a synthetic population, how good that is by the truth, and what other thresholds do.

Worked out without a protocol, as ``bench.truth`` does, from files that no party of a scenario has together. Aggregates
only: nothing in it names a person. People who opted out are out of everything but ``rows`` and ``opted_out``.

Format: see docs/evaluation.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psi_match.base.errors import UsageError
from psi_match.bench.evaluation_answers import answer
from psi_match.bench.evaluation_quality import judged
from psi_match.bench.evaluation_rows import overlap, rows_of_residents, take_part
from psi_match.bench.evaluation_thresholds import thresholds
from psi_match.population.generate import SUMMARY_NAME
from psi_match.population.truth import Truth, read_whole_truth
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import AnyScenario, JoinScenario

FORMAT = 1


def evaluate(folder: Path, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """Evaluate every scenario of a catalogue on a population.

    Args:
        folder: the population's, with a folder per party and the truth.
        catalogue: the built-in one if None.

    Returns:
        Plain values, for JSON.

    Raises:
        UsageError: the folder holds no population.
        DataError: a file of it is missing or not readable.
        ScenarioError: a scenario is not valid.
    """
    summary = _summary(folder)
    truth = read_whole_truth(folder)
    scenarios = (catalogue or Catalogue()).all()
    return {
        "format": FORMAT,
        "population": {name: summary[name] for name in ("persons", "seed", "reference_date", "generator", "choices")},
        "scenarios": {scenario.name: evaluate_scenario(scenario, truth, folder) for scenario in scenarios},
    }


def of_scenario(evaluation: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return what a dossier of a run holds of an evaluation; None if it has not this scenario."""
    found = evaluation.get("scenarios", {}).get(name)
    return None if found is None else {"population": evaluation["population"], "scenario": found}


def fits(about: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether what ``of_scenario`` returned is of the text of the scenario that a run had.

    Args:
        about: of the evaluation.
        records: party to the record of the run at its node.
    """
    own = about["scenario"].get("scenario_digest")
    return all(record.get("scenario_digest") == own for record in records.values())


def evaluate_scenario(scenario: AnyScenario, truth: Truth, folder: Path) -> dict[str, Any]:
    """Evaluate one scenario.

    Args:
        scenario: one that ``bench.truth`` knows the answer of.
        truth: of the population.
        folder: the population's.

    Raises:
        DataError: a file of a party is missing or not readable.
    """
    members = take_part(scenario, truth, folder)
    found = answer(scenario, truth)
    entry: dict[str, Any] = {
        "scenario_digest": digest(scenario).hex(),
        "expected": found.expected,
        "selected": found.count,
        "rows": {party: member.rows for party, member in members.items()},
        "opted_out": {party: member.opted_out for party, member in members.items()},
        **overlap({party: member.persons for party, member in members.items()}),
        **judged(scenario, truth, found),
        "thresholds": thresholds(scenario, truth),
    }
    if found.table is not None:
        entry["table"] = found.table
    if isinstance(scenario, JoinScenario) and any(output.kind == "signal" for output in scenario.outputs):
        entry |= rows_of_residents(scenario, truth, members)
    return entry


def _summary(folder: Path) -> dict[str, Any]:
    try:
        summary = json.loads((folder / SUMMARY_NAME).read_text())
        if {"persons", "seed", "reference_date", "generator", "choices"} <= set(summary):
            return dict(summary)
    except (OSError, ValueError, TypeError):
        pass
    raise UsageError(f"{folder} holds no population.", "Make one with `psi-match population generate --out FOLDER`.")
