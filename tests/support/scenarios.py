"""Small joint scenarios for tests, built from plain values as a file would hold them."""

from __future__ import annotations

from typing import Any

from psi_match.base.errors import ScenarioError
from psi_match.scenario.join_model import JoinScenario

TEXT = {"nl": "proef", "en": "test"}


def party(name: str, *, data: bool = True, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"id": name, "rows": TEXT}
    if data:
        values |= {"dataset": "rows", "max_age_days": 1}
    return values | changes


def column(name: str, kind: str, high: int = 1, **changes: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "max": high, **changes}


def constant(value: int, kind: str) -> dict[str, Any]:
    return {"value": value, "type": kind, "source": TEXT}


PARTNER_KEYS = [{"name": "self", "column": "bsn"}, {"name": "partner", "column": "partner_bsn"}]


def members_values(**changes: Any) -> dict[str, Any]:
    """A scenario in which ``aa`` leads and ``bb`` has data; ``cc`` has none."""
    values: dict[str, Any] = {
        "format": 1,
        "name": "proef",
        "title": TEXT,
        "source": TEXT,
        "purpose": TEXT,
        "assumptions": TEXT,
        "protocol": "join",
        "leaders": ["aa"],
        "compute": ["aa", "bb", "cc"],
        "predicate": "bb.present",
        "parties": [party("aa"), party("bb"), party("cc", data=False)],
        "outputs": [{"kind": "members"}],
    }
    return values | changes


def build(values: dict[str, Any]) -> JoinScenario:
    return JoinScenario.model_validate(values)


def pointed_at(error: ScenarioError) -> tuple[str, int]:
    """Return the line that an error shows and the column of its caret in it."""
    _, line, caret = error.sentence.rsplit("\n", 2)
    assert caret.strip() == "^"
    assert line.startswith("    ")
    return line[4:], caret.index("^") - 4
