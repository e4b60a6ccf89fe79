"""Commands as a user types them: output, exit codes, errors, and how fast they start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from support.nodes import LEADER, Bodies, make_bodies, serving
from support.sets import numbers

ROOT = Path(__file__).parents[2]


def psi_match(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "psi_match", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | environment,
        check=False,
    )


def fails(code: int, *arguments: object) -> str:
    """Run what must fail; return stderr after checking its form: one sentence, a hint, no traceback."""
    done = psi_match(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(("Error: ", "Usage: "))
    return done.stderr


def test_help_lists_every_command() -> None:
    done = psi_match("--help")
    assert done.returncode == 0
    for command in (
        "demo",
        "population",
        "node",
        "run",
        "result",
        "scenario",
        "keys",
        "bench",
        "doctor",
        "status",
        "agreement",
        "attack",
        "audit",
        "signal",
    ):
        assert command in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("--help",),
        ("attack", "--help"),
        ("scenario", "list"),
        ("scenario", "show", "betalingsregeling-rijk-paren"),
        ("keys", "init"),
    ],
)
def test_commands_without_kernels_load_none(command: tuple[str, ...], tmp_path: Path) -> None:
    # What makes a start slow is what is imported; the time itself is measured elsewhere.
    if command[0] == "keys":
        command = (*command, str(tmp_path / "keys"))
    code = (
        "import sys\n"
        "from psi_match.cli.main import main\n"
        f"sys.argv = ['psi-match', *{command!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "slow = {'numba', 'pandas', 'grpc', 'sqlalchemy'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_the_disclosure_table_is_shown_in_both_languages() -> None:
    dutch = psi_match("scenario", "show", "betalingsregeling-rijk-paren").stdout
    english = psi_match("scenario", "show", "betalingsregeling-rijk-paren", "--lang", "en").stdout
    assert "komt niet te weten" in dutch
    assert "does not learn" in english
    for text in (dutch, english):
        for name in ("CJIB", "Belastingdienst", "Dienst Toeslagen"):
            assert name in text
    shown = json.loads(psi_match("scenario", "show", "betalingsregeling-rijk-paren", "--json").stdout)
    assert [line["party"] for line in shown["disclosure"]] == ["cjib", "belastingdienst", "toeslagen"]


def test_usage_errors_have_their_exit_codes(tmp_path: Path) -> None:
    fails(2, "scenario", "list", "--lang", "fr")
    fails(2, "bench", "psi", "--engine", "rsa")
    fails(2, "keys", "init", tmp_path, "--party", "CJIB!")
    fails(2, "population", "generate", "--persons", "-1", "--out", tmp_path / "p")
    fails(2, "population", "generate", "--reference-date", "gisteren", "--out", tmp_path / "p")
    fails(2, "onbekend")
    assert "no scenario named" in fails(3, "scenario", "show", "bestaat-niet")
    assert "Cannot read" in fails(3, "scenario", "check", tmp_path / "absent.toml")
    assert "Cannot read" in fails(3, "node", "serve", "--config", tmp_path / "absent.toml")
    (tmp_path / "vol").mkdir()
    (tmp_path / "vol" / "x").write_text("")
    assert "not empty" in fails(2, "demo", "--out", tmp_path / "vol")


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    assert psi_match("keys", "init", tmp_path / "keys", "--party", "cjib").returncode == 0
    before = (tmp_path / "keys" / "cjib" / "node.key").read_bytes()
    assert "holds keys already" in fails(2, "keys", "init", tmp_path / "keys", "--party", "cjib")
    assert (tmp_path / "keys" / "cjib" / "node.key").read_bytes() == before


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Bodies:
    drawn = numbers(1000)
    rows = {"cjib": drawn[:400], "belastingdienst": drawn[300:700], "toeslagen": drawn[350:750]}
    return make_bodies(tmp_path_factory.mktemp("bodies"), rows)


def test_an_operators_day(bodies: Bodies, tmp_path: Path) -> None:
    operator = ("--node", bodies.nodes[LEADER].address, "--keys", bodies.nodes[LEADER].keys)
    with serving(bodies):
        rehearsed = psi_match("run", "paren", *operator, "--dry-run")
        assert rehearsed.returncode == 0, rehearsed.stderr
        assert "niets verzonden" in rehearsed.stdout
        done = psi_match("run", "paren", *operator, "--out", tmp_path / "records", "--lang", "en")
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in done.stderr.splitlines()]
        assert events[0]["event"] == "started"
        run_id = events[0]["run"]
        assert run_id in done.stdout
        record = json.loads((tmp_path / "records" / f"{run_id}.json").read_text())
        assert {party: pair["matches"] for party, pair in record["pairs"].items()} == bodies.expected()
        for name in ("result.csv", "result.parquet"):
            fetched = psi_match("result", run_id, *operator, "--out", tmp_path / name)
            assert fetched.returncode == 0, fetched.stderr
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        table = pd.read_csv(tmp_path / "result.csv", dtype={"bsn": str})
        assert len(table) == record["result_rows"]
        assert table["bsn"].str.len().eq(9).all()
        assert "exists already" in fails(2, "result", run_id, *operator, "--out", tmp_path / "result.csv")
        assert "no result" in fails(2, "result", "0" * 32, *operator, "--out", tmp_path / "x.csv")
        assert "32 hexadecimal" in fails(2, "result", "x", *operator, "--out", tmp_path / "x.csv")
        assert "no scenario" in fails(3, "run", "absent", *operator)
        listed = psi_match("status", *operator)
        assert "finished" in listed.stdout
        assert run_id in listed.stdout
        health = psi_match("node", "health", "--config", bodies.nodes[LEADER].folder / "node.toml")
        assert health.returncode == 0, health.stderr
        checked = psi_match("doctor", "--config", bodies.nodes[LEADER].folder / "node.toml")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "FAIL" not in checked.stdout
    assert "Cannot reach" in fails(6, "run", "paren", *operator)
    assert "does not serve" in fails(6, "node", "health", "--config", bodies.nodes[LEADER].folder / "node.toml")
    unhealthy = psi_match("doctor", "--config", bodies.nodes[LEADER].folder / "node.toml")
    assert unhealthy.returncode == 6
    assert "FAIL  peer belastingdienst" in unhealthy.stdout


def test_the_demo_equals_the_truth_and_says_who_learned_what(tmp_path: Path) -> None:
    done = psi_match("demo", "--persons", "3000", "--out", tmp_path / "demo", "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["equal_truth"] is True
    assert outcome["matches"] == outcome["expected"]
    assert sum(outcome["matches"].values()) > 0
    parties = {party["party"]: party for party in outcome["parties"]}
    assert len(parties) == 6
    sent = {name: parties[name]["bytes_out"] for name in ("belastingdienst", "toeslagen")}
    assert parties["cjib"]["bytes_in"] == sum(sent.values())
    assert [name for name, party in parties.items() if party["learned"]] == ["cjib"]
    for name, party in parties.items():
        config = (tmp_path / "demo" / "nodes" / name / "node.toml").read_text()
        others = [other for other in parties if other != name]
        assert f"/population/{name}/" in config
        assert not [other for other in others if f"/population/{other}/" in config or f"/keys/{other}" in config]
        assert "truth.parquet" not in config
        assert party["role"] or party["bytes_out"] == 0


def test_a_demo_whose_result_differs_from_the_truth_ends_with_9() -> None:
    from psi_match.base.errors import ResultMismatch
    from psi_match.bench.demonstration import DemoOutcome
    from psi_match.cli.demo import _report

    nothing: dict[str, int] = {}
    outcome = DemoOutcome("0" * 32, "s", "kkrt", 1, 1, 1.0, 1.0, False, nothing, nothing, tables={}, parties=[])
    with pytest.raises(ResultMismatch) as raised:
        _report(outcome, "nl", as_json=True)
    assert raised.value.exit_code == 9
