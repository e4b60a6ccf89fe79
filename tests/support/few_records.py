"""Small dossiers of runs that never were, with only what a comparison of ways and a picture need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class SomeDossier:
    scenario: str
    records: dict[str, dict[str, Any]]
    evaluation: dict[str, Any] | None = None
    timelines: dict[str, list[Any]] = field(default_factory=dict)


def record(rows_in: int = 0, opted_out: int = 0, result_rows: int | None = None, **matches: int) -> dict[str, Any]:
    pairs = {party: {"matches": count, "bytes_out": 10, "bytes_in": 20} for party, count in matches.items()}
    return {"rows_in": rows_in, "opted_out": opted_out, "result_rows": result_rows, "pairs": pairs}


PAIRS = SomeDossier(
    "betalingsregeling-rijk-paren",
    {
        "cjib": record(69, 1, 35, belastingdienst=19, toeslagen=28),
        "belastingdienst": record(137),
        "toeslagen": record(206, 3),
    },
)
SIGNAL = SomeDossier(
    "vroegsignaal-nieuw",
    {
        "belastingdienst": record(137, 2),
        "toeslagen": record(206),
        "cak": record(35, 1),
        "cjib": record(70),
        "rekennode": record(),
        "gemeente-a": record(5, 0, 3),
        "gemeente-b": record(4, 1, 1),
    },
)
