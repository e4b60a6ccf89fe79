"""Three bodies with 400 rows each, made once: keys, data and configs; nodes are started by each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.nodes import Bodies, make_bodies
from support.sets import numbers


@pytest.fixture
def bodies(tmp_path: Path) -> Bodies:
    drawn = numbers(1000)
    rows = {"cjib": drawn[:400], "belastingdienst": drawn[300:700], "toeslagen": drawn[350:750]}
    return make_bodies(tmp_path, rows)
