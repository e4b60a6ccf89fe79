"""A disk that is full, or a log that cannot be written: nothing is handed out that is not written down, whoever waits
is told, and the next run works.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.joint_nodes import RECIPIENT, JointBodies, make_joint_bodies, serving_jointly, wait_idle
from support.joint_nodes import outcome as joint_outcome
from support.nodes import LEADER, Bodies, records_of, results_of, serving, wait_until_idle

from psi_match.base.errors import ConfigError, CuckooFailure, PolicyRefusal, PsiMatchError, UsageError
from psi_match.governance.audit.files import log_files
from psi_match.node.audit_log import AuditLog
from psi_match.node.operator_client import OperatorClient
from psi_match.node.run_ledger import RunLedger
from psi_match.node.server import Node
from psi_match.node.store import Store
from psi_match.protocols import engines

PEER = "belastingdienst"
BOTH = (LEADER, PEER)
Nodes = dict[str, Node]
FULL = OSError(errno.ENOSPC, "No space left on device")


@contextmanager
def nodes_of(bodies: Bodies) -> Iterator[Nodes]:
    with serving(bodies, BOTH) as nodes:
        yield nodes


def run(bodies: Bodies) -> object:
    with OperatorClient(bodies.nodes[LEADER].address, bodies.operator_credentials(LEADER)) as operator:
        try:
            return operator.run("paar")
        except PsiMatchError as error:
            return error


def result(bodies: Bodies, run_id: str) -> bytes:
    with OperatorClient(bodies.nodes[LEADER].address, bodies.operator_credentials(LEADER)) as operator:
        return operator.result(run_id)


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for path in log_files(folder) for line in path.read_text().splitlines()]


@pytest.fixture
def no_line(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Callable[[], None]]:
    """Let one party's log fail at one kind of event; return what mends it."""
    append = AuditLog.append

    def fail(party: str, event: str) -> Callable[[], None]:
        broken = [True]

        def failing(log: AuditLog, name: str, /, **fields: Any) -> Any:
            if broken[0] and name == event and log._party == party:
                raise ConfigError("Cannot use the audit log: No space left on device.", "Check the disk.")
            return append(log, name, **fields)

        monkeypatch.setattr(AuditLog, "append", failing)
        return lambda: broken.__setitem__(0, False)

    return fail


@pytest.mark.parametrize("event", ["run-started", "contribution-fixed", "peer-head", "countersigned", "run-finished"])
def test_a_leader_that_cannot_write_a_line_hands_out_nothing(
    bodies: Bodies, no_line: Callable[[str, str], Callable[[], None]], event: str
) -> None:
    with nodes_of(bodies) as nodes:
        mend = no_line(LEADER, event)
        told = run(bodies)
        assert isinstance(told, ConfigError), told
        wait_until_idle(nodes)
        assert not results_of(bodies)
        record = records_of(nodes[LEADER])[-1] if event != "run-started" else None
        if record:
            assert record["state"] == "failed"
            with pytest.raises(UsageError):
                result(bodies, record["run_id"])
        assert "run-finished" not in events(bodies.nodes[LEADER].folder / "state" / "audit")
        mend()
        assert isinstance(run(bodies), dict)


@pytest.mark.parametrize("event", ["run-started", "contribution-fixed", "peer-head", "countersigned"])
def test_a_data_party_that_cannot_write_a_line_releases_nothing(
    bodies: Bodies, no_line: Callable[[str, str], Callable[[], None]], event: str
) -> None:
    with nodes_of(bodies) as nodes:
        mend = no_line(PEER, event)
        assert isinstance(run(bodies), PsiMatchError)
        wait_until_idle(nodes)
        assert not results_of(bodies)
        assert not list(nodes[PEER].context.ledger._runs.iterdir())
        mend()
        assert isinstance(run(bodies), dict)


def test_a_refusal_that_cannot_be_written_is_told_all_the_same(
    bodies: Bodies, no_line: Callable[[str, str], Callable[[], None]]
) -> None:
    with nodes_of(bodies) as nodes:
        for party in BOTH:
            policy = bodies.nodes[party].folder / "policy.toml"
            text = policy.read_text()
            policy.write_text(text.replace("belastingdienst", "uwv").replace("cjib", "uwv"))
            mend = no_line(party, "refused")
            assert isinstance(run(bodies), PolicyRefusal)
            wait_until_idle(nodes)
            mend()
            policy.write_text(text)
        assert isinstance(run(bodies), dict)


@pytest.mark.parametrize("party", BOTH)
def test_a_ledger_that_cannot_count_releases_nothing(
    bodies: Bodies, monkeypatch: pytest.MonkeyPatch, party: str
) -> None:
    take, broken = RunLedger.take, [True]

    def full(ledger: RunLedger, use: Any) -> None:
        if broken[0] and party in str(ledger._runs):
            raise FULL
        take(ledger, use)

    monkeypatch.setattr(RunLedger, "take", full)
    with nodes_of(bodies) as nodes:
        assert isinstance(run(bodies), PsiMatchError)
        wait_until_idle(nodes)
        assert not results_of(bodies)
        broken[0] = False
        assert isinstance(run(bodies), dict)


def test_a_record_that_cannot_be_written_at_the_end_takes_the_result_along(
    bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, broken = Store.write_record, [True]

    def full(store: Store, record: Any) -> None:
        if broken[0] and record.state == "finished" and record.party == LEADER:
            raise FULL
        write(store, record)

    monkeypatch.setattr(Store, "write_record", full)
    with nodes_of(bodies) as nodes:
        told = run(bodies)
        assert isinstance(told, ConfigError)
        assert "No space left" in told.sentence
        wait_until_idle(nodes)
        assert not results_of(bodies)
        assert records_of(nodes[LEADER])[-1]["state"] == "failed"
        broken[0] = False
        assert isinstance(run(bodies), dict)


def test_a_result_is_handed_out_only_with_a_line_about_it(
    bodies: Bodies, no_line: Callable[[str, str], Callable[[], None]]
) -> None:
    with nodes_of(bodies):
        record = run(bodies)
        assert isinstance(record, dict)
        mend = no_line(LEADER, "result-read")
        with pytest.raises(ConfigError):
            result(bodies, record["run_id"])
        mend()
        assert result(bodies, record["run_id"])
    said = events(bodies.nodes[LEADER].folder / "state" / "audit")
    assert said.count("result-read") == 1
    assert said.count("run-finished") == 1


def test_a_recipient_that_cannot_write_its_end_keeps_no_result(
    tmp_path: Path, no_line: Callable[[str, str], Callable[[], None]]
) -> None:
    bodies: JointBodies = make_joint_bodies(tmp_path)
    with serving_jointly(bodies) as nodes:
        mend = no_line(RECIPIENT, "run-finished")
        joint_outcome(bodies, "signaal")
        wait_idle(nodes)
        assert not bodies.results()
        assert nodes[RECIPIENT].context.store.records()[-1]["state"] == "failed"
        mend()
        assert isinstance(joint_outcome(bodies, "signaal"), dict)
        wait_idle(nodes)
        assert len(bodies.results()) == 1


def test_seeds_that_fail_once_are_drawn_anew_under_the_policy_of_that_moment(
    bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, failures = engines.LeaderRows.prepare, [1]

    def unlucky(rows: Any, *arguments: Any) -> None:
        if failures[0]:
            failures[0] -= 1
            raise CuckooFailure("No cuckoo table exists.")
        prepare(rows, *arguments)

    monkeypatch.setattr(engines.LeaderRows, "prepare", unlucky)
    policy = bodies.nodes[LEADER].folder / "policy.toml"
    with nodes_of(bodies) as nodes:
        assert isinstance(run(bodies), dict), "a second session draws new seeds"
        wait_until_idle(nodes)
        assert len(list(nodes[LEADER].context.ledger._runs.iterdir())) == 1, "the first one released nothing"
        failures[0] = 2
        assert isinstance(run(bodies), CuckooFailure)
        wait_until_idle(nodes)

        def unlucky_and_watched(rows: Any, *arguments: Any) -> None:
            policy.write_text(policy.read_text().replace('"paar"', '"geen"'))
            unlucky(rows, *arguments)

        monkeypatch.setattr(engines.LeaderRows, "prepare", unlucky_and_watched)
        failures[0] = 1
        assert isinstance(run(bodies), PolicyRefusal), "the retry is another run"


def test_a_torn_record_hides_no_other(bodies: Bodies) -> None:
    with nodes_of(bodies) as nodes:
        first, second = run(bodies), run(bodies)
        assert isinstance(first, dict)
        assert isinstance(second, dict)
        wait_until_idle(nodes)
        folder = bodies.nodes[LEADER].folder / "state" / "runs" / first["run_id"]
        (folder / "record.json").write_text("")
        assert [record["run_id"] for record in records_of(nodes[LEADER])] == [second["run_id"]]
        assert result(bodies, second["run_id"])
        with pytest.raises(UsageError):
            result(bodies, first["run_id"])
