"""Dossiers as files: what is written is read back, and what is damaged or of another kind is refused with a hint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.dossiers import RUN, SCENARIO, a_dossier

from psi_match.base.errors import ConfigError, UsageError
from psi_match.node.dossier import DOSSIER_NAME, Dossier, Missing, collect, read_evaluation


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    dossier = a_dossier().with_evaluation({"population": {"persons": 9}, "scenario": {}})
    path = dossier.write(tmp_path / "new" / "dossier")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert Dossier.read(path) == Dossier.read(path.parent) == dossier
    assert [entry.name for entry in path.parent.iterdir()] == [DOSSIER_NAME]


def test_a_bare_record_is_a_dossier_that_lacks_the_rest(tmp_path: Path) -> None:
    record = a_dossier().records["cjib"]
    path = tmp_path / f"{RUN}.json"
    path.write_text(json.dumps(record))
    found = Dossier.read(path)
    assert (found.run_id, found.scenario, found.timelines) == (RUN, SCENARIO, {})
    assert found.records == {"cjib": record}
    assert found.missing == (Missing("cjib", "timeline", "not-asked"), Missing("uwv", "record", "not-asked"))


def _changed(change: Any) -> str:
    content = a_dossier().as_dict()
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "null",
        '"999990019"',
        "{" * 5000,
        "[" * 100_000,
        _changed(lambda d: d.update(format=2)),
        _changed(lambda d: d.update(run_id="cd" * 16)),
        _changed(lambda d: d.update(run_id="999990019")),
        _changed(lambda d: d.update(scenario="999990019")),
        _changed(lambda d: d.update(collected="yesterday")),
        _changed(lambda d: d.update(records={})),
        _changed(lambda d: d.update(note="999990019")),
        _changed(lambda d: d["records"].update(svb=d["records"]["cjib"])),
        _changed(lambda d: d["records"]["cjib"].pop("leader")),
        _changed(lambda d: d["records"]["cjib"].update(rows_in="999990019")),
        _changed(lambda d: d["records"]["cjib"]["pairs"].update(uwv=3)),
        _changed(lambda d: d["timelines"].update({"no party": []})),
        _changed(lambda d: d["timelines"]["cjib"].append({"bsn": "999990019"})),
        _changed(lambda d: d["timelines"]["cjib"].append(3)),
        _changed(lambda d: d["timelines"]["cjib"][0].update(step="999990019")),
        _changed(lambda d: d.update(missing=[{"party": "svb", "part": "record", "reason": "lazy"}])),
    ],
)
def test_what_is_damaged_or_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / DOSSIER_NAME).write_text(content)
    with pytest.raises(UsageError) as raised:
        Dossier.read(tmp_path)
    assert raised.value.hint
    assert "999990019" not in raised.value.sentence


def test_what_is_not_there_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot read"):
        Dossier.read(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Cannot write"):
        a_dossier().write(tmp_path / "file" / "folder")
    (tmp_path / DOSSIER_NAME).write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no JSON"):
        Dossier.read(tmp_path)


def test_an_evaluation_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps({"format": 1, "population": {"persons": 9}, "scenarios": {SCENARIO: {"x": 1}}}))
    known = read_evaluation(path)
    assert known["scenarios"] == {SCENARIO: {"x": 1}}
    for content in ("[]", "{", "{}", '{"scenarios": {}}', '{"population": {}, "scenarios": []}'):
        path.write_text(content)
        with pytest.raises(ConfigError):
            read_evaluation(path)


def test_a_run_id_is_checked_before_anybody_is_asked() -> None:
    with pytest.raises(UsageError, match="32 hexadecimal"):
        collect({}, "999990019")
    with pytest.raises(UsageError, match="No node has a record"):
        collect({}, RUN)
