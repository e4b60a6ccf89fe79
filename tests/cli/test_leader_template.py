"""``{leader}`` in ``--node`` and ``--keys``: ``run`` fills it in, every other command says that it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.nodes import make_bodies, serving
from support.sets import numbers
from typer.testing import CliRunner

from psi_match.base.errors import ConfigError, ScenarioError, UsageError
from psi_match.cli.main import app


@pytest.mark.parametrize(
    ("scenario", "leader"), [("aio-niet-gebruik", "svb"), ("overlap-statistiek", "belastingdienst")]
)
def test_run_takes_keys_of_the_first_leader(tmp_path: Path, scenario: str, leader: str) -> None:
    found = CliRunner().invoke(app, ["run", scenario, "--node", "{leader}:1", "--keys", str(tmp_path / "{leader}")])
    assert isinstance(found.exception, ConfigError)
    assert f"{tmp_path}/{leader}/" in str(found.exception)


def test_run_reaches_the_leader(tmp_path: Path) -> None:
    drawn = numbers(300)
    bodies = make_bodies(tmp_path, dict.fromkeys(("cjib", "belastingdienst", "toeslagen"), drawn))
    with serving(bodies):
        address, keys = bodies.nodes["cjib"].address, str(bodies.nodes["cjib"].keys).replace("cjib", "{leader}")
        command = ["run", "betalingsregeling-rijk-paren", "--node", address, "--keys", keys, "--json"]
        found = CliRunner().invoke(app, command)
    # These nodes know scenarios of their own: that the leader's operator was let in is what counts here.
    assert isinstance(found.exception, ScenarioError), found.exception
    assert str(tmp_path / "scenarios") in str(found.exception)


def test_a_scenario_that_the_catalogue_lacks_has_no_leader() -> None:
    found = CliRunner().invoke(app, ["run", "no-such", "--node", "{leader}:1", "--keys", "/k"])
    assert isinstance(found.exception, ScenarioError)


@pytest.mark.parametrize("command", [["status"], ["result", "0" * 32, "--out", "x.csv"]])
@pytest.mark.parametrize("where", [("{leader}:1", "/k"), ("host:1", "/k/{leader}")])
def test_other_commands_refuse_it(command: list[str], where: tuple[str, str]) -> None:
    environment = {"PSI_MATCH_NODE": where[0], "PSI_MATCH_KEYS": where[1]}
    found = CliRunner().invoke(app, command, env=environment)
    assert isinstance(found.exception, UsageError)
    assert "names no node" in str(found.exception)
