"""How much the national results hang on figures that are assumed or open: each is changed in turn.

    .venv/bin/python scripts/sensitivity.py --persons 1000000

Results are in docs/population.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import tempfile
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from psi_match.bench.outcomes import outcomes
from psi_match.population import calibration, membership
from psi_match.population.calibration import Figure
from psi_match.population.generate import generate
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import JoinScenario

ARREARS, HOUSEHOLDS = "arrears_marginals", "aow_households"
VARIANTS: dict[str, dict[tuple[str, str, str], float]] = {
    "as in the tables": {},
    "CJIB: 200,000 people": {(ARREARS, "cjib", "persons"): 200_000},
    "CJIB: 300,000 people": {(ARREARS, "cjib", "persons"): 300_000},
    "CAK: 173,230 people": {(ARREARS, "cak", "persons"): 173_230},
    "CAK: 250,000 people": {(ARREARS, "cak", "persons"): 250_000},
    "22 % at two bodies or more": {(ARREARS, "nl", "several_share"): 0.22},
    "28 % at two bodies or more": {(ARREARS, "nl", "several_share"): 0.28},
    "reminders twice as slow": {(ARREARS, "nl", "reminder_half_months"): 4},
    "oldest claim: median 6 months": {(ARREARS, "nl", "months_median"): 6},
    "oldest claim: median 12 months": {(ARREARS, "nl", "months_median"): 12},
    "AIO: 55,000 households": {(HOUSEHOLDS, "nl", "aio_households"): 55_000},
    "AIO: 65,000 households": {(HOUSEHOLDS, "nl", "aio_households"): 65_000},
    "candidates' assets: half the median": {(HOUSEHOLDS, "belastingdienst", "assets_median_incomplete"): 1_300},
    "candidates' assets: twice the median": {(HOUSEHOLDS, "belastingdienst", "assets_median_incomplete"): 5_200},
}
SHOWN = ("signalled/2", "signalled/3", "signalled/4", "households/found", "households/income-only", "clients")


def found(persons: int, changes: Mapping[tuple[str, str, str], float]) -> dict[str, int]:
    """Return the national results of a population drawn with some figures changed."""
    true_rows = calibration._rows  # noqa: SLF001  # What figures are read from.

    def rows(table: str) -> dict[tuple[str, str], Figure]:
        changed = dict(true_rows(table))
        for (name, body, quantity), value in changes.items():
            if name == table:
                changed[body, quantity] = dataclasses.replace(changed[body, quantity], value=value)
        return changed

    scenarios = {each.name: each for each in Catalogue().all() if isinstance(each, JoinScenario)}
    with mock.patch.object(calibration, "_rows", rows), tempfile.TemporaryDirectory() as folder:
        membership.fitted.cache_clear()
        generate(persons, 1, Path(folder), datetime.date(2026, 1, 1))
        return {each.what: each.national for each in outcomes(Path(folder), scenarios)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--persons", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print(f"| changed | {' | '.join(SHOWN)} |")
    print(f"|---|{'---|' * len(SHOWN)}")
    for name, changes in VARIANTS.items():
        result = found(arguments.persons, changes)
        print(f"| {name} | {' | '.join(f'{result[what]:,}' for what in SHOWN)} |", flush=True)


if __name__ == "__main__":
    main()
