"""Pages that name tests and files: what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:\[[^\]]*\])?`")
_LINK = re.compile(r"\]\(([^)#:\s]+)(#[\w-]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_and_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    for file, name in _TEST.findall(text):
        assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{name}"
    for target, _ in _LINK.findall(text):
        assert (page.parent / target).exists(), target


def test_the_threat_model_names_tests() -> None:
    assert len(_TEST.findall((ROOT / "docs" / "threat-model.md").read_text())) > 80
