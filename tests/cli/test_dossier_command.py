"""``psi-match dossier`` as a user types it, at nodes that have run something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.dossiers import SCENARIO
from support.nodes import LEADER, PARTIES, Bodies, make_bodies, serving, wait_until_idle
from support.sets import numbers
from typer.testing import CliRunner, Result

from psi_match.base.errors import UsageError
from psi_match.cli.main import app
from psi_match.node.dossier import Dossier
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.digest import digest


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Bodies:
    drawn = numbers(1000)
    rows = {"cjib": drawn[:400], "belastingdienst": drawn[300:700], "toeslagen": drawn[350:750]}
    return make_bodies(tmp_path_factory.mktemp("dossier"), rows)


@pytest.fixture(scope="module")
def run_id(bodies: Bodies) -> Iterator[str]:
    """The id of a run at nodes that serve."""
    with serving(bodies) as nodes:
        with bodies.nodes[LEADER].operator() as operator:
            record = operator.run("paren")
        wait_until_idle(nodes)
        yield str(record["run_id"])


def dossier(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["dossier", *map(str, arguments)])


def all_nodes(bodies: Bodies) -> list[str]:
    words = [word for party in PARTIES for word in ("--node", f"{party}={bodies.nodes[party].address}")]
    return [*words, "--keys", str(bodies.folder / "keys" / "{party}")]


@pytest.mark.parametrize(("language", "word"), [("nl", "gebeurtenissen"), ("en", "events")])
def test_a_dossier_of_every_node(bodies: Bodies, run_id: str, tmp_path: Path, language: str, word: str) -> None:
    done = dossier(run_id, *all_nodes(bodies), "--out", tmp_path / "dossier", "--lang", language)
    assert done.exit_code == 0, done.output
    assert word in done.output
    found = Dossier.read(tmp_path / "dossier")
    assert set(found.timelines) == set(PARTIES)
    assert found.missing == ()


def test_a_dossier_of_ones_own_node_names_the_others(bodies: Bodies, run_id: str, tmp_path: Path) -> None:
    own = bodies.nodes[LEADER]
    done = dossier(run_id, "--node", own.address, "--keys", own.keys, "--out", tmp_path / "d", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert said["parties"] == [LEADER]
    assert {each["party"] for each in said["missing"]} == set(PARTIES) - {LEADER}
    assert {each["reason"] for each in said["missing"]} == {"not-asked"}


def test_an_evaluation_goes_in_if_it_is_of_the_scenario(bodies: Bodies, run_id: str, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    text = digest(Catalogue(bodies.folder / "scenarios").get("paren")).hex()
    for name, of_text, fits in (("paren", text, True), (SCENARIO, text, False), ("paren", "00" * 32, False)):
        about = {"scenario_digest": of_text}
        path.write_text(json.dumps({"population": {"persons": 9}, "scenarios": {name: about}}))
        out = tmp_path / f"{name}-{of_text}"
        done = dossier(run_id, *all_nodes(bodies), "--out", out, "--evaluation", path)
        assert (done.exit_code == 0) == fits, done.output
        assert out.exists() == fits
    expected = {"population": {"persons": 9}, "scenario": {"scenario_digest": text}}
    assert Dossier.read(tmp_path / f"paren-{text}").evaluation == expected


def test_what_cannot_be_collected_is_said(bodies: Bodies, run_id: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    keys = ["--keys", str(bodies.folder / "keys" / "{party}")]
    out = ["--out", str(tmp_path / "new")]
    for arguments, sentence in (
        ([run_id, *all_nodes(bodies), "--out", str(tmp_path / "full")], "not an empty folder"),
        (["x", *all_nodes(bodies), *out], "32 hexadecimal"),
        (["0" * 32, *all_nodes(bodies), *out], "No node has a record"),
        ([run_id, "--node", "127.0.0.1:1", *keys, *out], "several nodes"),
        ([run_id, "--node", "uwv=127.0.0.1:1", *keys, *out], "no observer's certificate of uwv"),
        ([run_id, *all_nodes(bodies)[:-1], str(tmp_path / "{party}"), *out], "holds no observer's certificate"),
        ([run_id, *all_nodes(bodies)[:-1], "keys-{party}", *out], "whole folder name"),
    ):
        done = dossier(*arguments)
        assert isinstance(done.exception, UsageError), done.output
        assert sentence in done.exception.sentence
        assert done.exception.hint
    assert not (tmp_path / "new").exists()
