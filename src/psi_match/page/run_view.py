"""What the page shows of a run that has ended: who put in and learned what, beside the synthetic truth.

Reveals:
    Counts of the nodes' own records, which observers may read. Of a recipient that includes how many rows its
    result has; never which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psi_match.domain.parties import display_name
from psi_match.node.dossier import Dossier
from psi_match.page.scenario_view import recipients
from psi_match.page.texts import Words, count, seconds, size
from psi_match.report.minimisation import TRUSTED_THIRD_PARTY, Baseline, baselines, party_name
from psi_match.scenario.join_model import AnyScenario, JoinScenario, StatisticsOutput


def outcome(dossier: Dossier, scenario: AnyScenario, t: Words, language: str) -> dict[str, Any]:
    """Return the result as the page shows it."""
    records = dossier.records
    failed = [record for record in records.values() if record["state"] != "finished"]
    return {
        "failed": bool(failed),
        "failure": _failure(records, t) if failed else "",
        "errors": [
            {"party": display_name(record["party"]), "error": record["error"]} for record in failed if record["error"]
        ],
        "rows": [] if failed else [_row(party.id, records, scenario, t) for party in scenario.parties],
        "compared": [] if failed else compared(dossier, scenario, t),
        "engine": next(iter(records.values())).get("engine", ""),
        "wall": seconds(max(record["wall_s"] for record in records.values()), language),
        "bytes": size(
            sum(pair["bytes_out"] for record in records.values() for pair in record["pairs"].values()), language
        ),
        "started": min(record["started"] for record in records.values())[:19].replace("T", " "),
        "missing": [display_name(party) for party in sorted({one.party for one in dossier.missing})],
    }


def _failure(records: Mapping[str, dict[str, Any]], t: Words) -> str:
    """Return what is left of a run that failed at one node at least."""
    holders = [
        p for p, record in records.items() if record["state"] == "finished" and record["result_rows"] is not None
    ]
    if holders:
        return t("result_failed_partly", parties=", ".join(map(display_name, holders)))
    return t("result_failed")


def _row(party: str, records: Mapping[str, dict[str, Any]], scenario: AnyScenario, t: Words) -> dict[str, Any]:
    record = records.get(party)
    receives = party in recipients(scenario)
    learned = [t("learned_unknown")]
    if record is not None:
        learned = [t("learned_nothing")]
        matches = {peer: pair["matches"] for peer, pair in record["pairs"].items() if pair["matches"] is not None}
        if record["result_rows"] is not None:
            learned = [t("learned_rows", count=count(record["result_rows"]))]
            if party in scenario.leaders:
                learned.append(t("learned_others"))
        learned += [t("learned_matches", count=count(n), party=display_name(peer)) for peer, n in matches.items()]
    return {
        "party": display_name(party),
        "id": party,
        "receives": receives,
        "rows_in": "?" if record is None else count(record["rows_in"]),
        "learned": learned,
    }


def is_statistics(scenario: AnyScenario) -> bool:
    """Tell whether the outcome is a table of counts."""
    return isinstance(scenario, JoinScenario) and any(isinstance(o, StatisticsOutput) for o in scenario.outputs)


def compared(dossier: Dossier, scenario: AnyScenario, t: Words) -> list[dict[str, Any]]:
    """Return what was found beside what the synthetic truth says; empty without the truth."""
    expected: Mapping[str, int] = ((dossier.evaluation or {}).get("scenario") or {}).get("expected") or {}
    lines = []
    for party, number in expected.items():
        found: int | None
        if party in recipients(scenario):
            found = dossier.records.get(party, {}).get("result_rows")
        else:
            # What a pairwise leader found per data party.
            leader = dossier.records.get(scenario.leaders[0], {})
            found = leader.get("pairs", {}).get(party, {}).get("matches")
        verdict = "learned_unknown" if found is None else "compare_equal" if found == number else "compare_differs"
        lines.append(
            {
                "party": display_name(party),
                "found": "?" if found is None else count(found),
                "expected": count(number),
                "verdict": t(verdict),
                "equal": found == number,
            }
        )
    return lines


def ways(dossier: Dossier, scenario: AnyScenario, language: str) -> dict[str, Any]:
    """Return ``today or with psi-match`` as a table: a line per way, a column per party that learns in any."""
    found: list[Baseline] = baselines(dossier, scenario)
    parties = list(dict.fromkeys(party for way in found for party, number in way.readable.items() if number))
    return {
        "parties": [party_name(party, language) for party in parties],
        "lines": [
            {
                "title": way.title.in_language(language),
                "own": way.name == "psi-match",
                "counts": [_readable(way, party) for party in parties],
                "crossing": count(way.rows_crossing),
                "explanation": way.explanation.in_language(language),
            }
            for way in found
        ],
    }


def _readable(way: Baseline, party: str) -> str:
    """Return about how many people a party reads in a way: unknown without its record, none where it has no part."""
    if party in way.readable:
        return count(way.readable[party])
    return "-" if party == TRUSTED_THIRD_PARTY else "?"
