"""The figures of one run, from the records that the nodes themselves wrote about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psi_match.bench.model import RunFigures

Records = Mapping[str, Mapping[str, Any]]
"""Per party its run record."""


def figures(records: Records, wall_s: float, after: Mapping[str, float] | None = None) -> RunFigures:
    """Return a run's figures.

    Args:
        records: of all parties; the first is whoever started the run.
        wall_s: what that party's operator waited.
        after: phases that followed the run, such as fetching the result.
    """
    seconds = {party: stage_seconds(record) for party, record in records.items()}
    shown = max(seconds.values(), key=len)  # of equals the first: whoever started the run
    return RunFigures(
        wall_s=wall_s,
        phases=shown | dict(after or {}),
        cpu_s={party: float(record["cpu_s"]) for party, record in records.items()},
        peak_rss_bytes={party: int(record["peak_rss_bytes"]) for party, record in records.items()},
        bytes={
            f"{party}->{peer}": int(pair["bytes_out"])
            for party, record in records.items()
            for peer, pair in record["pairs"].items()
        },
        rounds=max(int(pair["rounds"]) for record in records.values() for pair in record["pairs"].values()),
        phase_bytes=_phase_bytes(records),
    )


def stage_seconds(record: Mapping[str, Any]) -> dict[str, float]:
    """Return seconds per kind of stage: over turns the sum, over pairs that ran side by side the longest."""
    side_by_side = not record["sizes"].get("rows") or len(record["sizes"]["rows"]) == 1
    found: dict[str, float] = {}
    for stage in record["stages"]:
        kind, seconds = _kind(stage), float(stage["wall_s"])
        so_far = found.get(kind, 0.0)
        found[kind] = max(so_far, seconds) if side_by_side else so_far + seconds
    return found


def _phase_bytes(records: Records) -> dict[str, int]:
    found: dict[str, int] = {}
    for record in records.values():
        for stage in record["stages"]:
            found[_kind(stage)] = found.get(_kind(stage), 0) + int(stage["bytes_out"])
    return {kind: count for kind, count in found.items() if count}


def _kind(stage: Mapping[str, Any]) -> str:
    """Return a stage's kind; what follows it in its name is whose turn it was, or of which pair it is."""
    return str(stage["name"]).split("/", 1)[0]
