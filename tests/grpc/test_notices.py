"""Notices about a run between real nodes: whom they reach, what each end learns and keeps, and who is refused."""

from __future__ import annotations

import datetime
import io
import json
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import structlog
from support.joint_nodes import (
    COMPUTING,
    DATA_ONLY,
    END_WITHIN_S,
    LEADER,
    PARTIES,
    RECIPIENT,
    WITH_DATA,
    WITHOUT_DATA,
    JointBodies,
    Wire,
    expected_result,
    make_joint_bodies,
    outcome,
    record_of,
    records,
    rerouted,
    serving_jointly,
    wait_idle,
)
from support.nodes import Bodies, make_bodies, serving
from support.sets import numbers
from typer.testing import CliRunner

from psi_match.base.errors import PolicyRefusal, PsiMatchError, TransportError, UsageError
from psi_match.cli.signal import app
from psi_match.domain.bsn import format_bsn
from psi_match.governance.audit.chain import LogWalk
from psi_match.governance.audit.witnesses import verify_log
from psi_match.node.audit_log import FOLDER_NAME
from psi_match.node.certificates import AUDITOR, NODE, Authority, Credentials, write_key_folder
from psi_match.node.channels import open_channel
from psi_match.node.events import RUN_ENDED
from psi_match.node.logs import configure_logs
from psi_match.node.notice_files import Kind, Notice, keep_given, signalled
from psi_match.node.operator_client import OperatorClient
from psi_match.node.outgoing_stream import SESSION_METHOD
from psi_match.node.retention import RESULT
from psi_match.node.server import Node
from psi_match.wire import version
from psi_match.wire.v1 import operator_pb2, operator_pb2_grpc, peer_pb2_grpc
from psi_match.wire.v1 import peer_pb2 as pb

SCENARIO = "signaal"
TODAY = datetime.datetime.now(datetime.UTC).date()


class Signalling:
    """Five nodes that serve, and the wire between them."""

    def __init__(self, bodies: JointBodies, nodes: dict[str, Node], wire: Wire) -> None:
        self.bodies, self.nodes, self.wire = bodies, nodes, wire

    def run(self, scenario: str = SCENARIO) -> str:
        run_id = str(self.bodies.run(scenario)["run_id"])
        wait_idle(self.nodes)
        return run_id

    def give(
        self, run_id: str, kind: str = "", bsn: list[str] | tuple[()] = (), reason: str = "", party: str = LEADER
    ) -> dict[str, operator_pb2.RecipientTold]:
        with self.bodies.operator(party) as operator:
            told = operator.notify(run_id, kind, reason or ("objection" if kind else ""), bsn).recipients
        wait_idle(self.nodes)
        return {each.party: each for each in told}

    def result(self, run_id: str, party: str = RECIPIENT) -> pd.DataFrame:
        with self.bodies.operator(party) as operator:
            return pd.read_parquet(io.BytesIO(operator.result(run_id)))

    def received(self, run_id: str, party: str = RECIPIENT) -> list[dict[str, Any]]:
        with self.bodies.operator(party) as operator:
            table = pq.read_table(io.BytesIO(operator.notices(run_id)))
        return sorted(table.to_pylist(), key=lambda row: (row["bsn"], row["kind"], row["party"]))

    def folder(self, party: str) -> Path:
        return self.bodies.configs[party].state_dir

    def lines(self, party: str, event: str, run_id: str) -> list[dict[str, Any]]:
        """What a party's audit log says of a kind of event in a run."""
        walk = LogWalk(self.folder(party) / FOLDER_NAME)
        return [dict(p.line.fields) for p in walk if p.line.event == event and p.line.fields.get("run") == run_id]

    def notices_runs(self, party: str, run_id: str) -> list[dict[str, Any]]:
        return [record for record in records(self.nodes[party]) if record["notices_of"] == run_id]

    def in_result(self, count: int, first: int = 0) -> list[str]:
        return [str(bsn) for bsn in expected_result(self.bodies.people, SCENARIO)["bsn"][first : first + count]]

    def of_leader_only(self, count: int, first: int = 0) -> list[str]:
        """People of the leader of whom the recipient learned nothing, and who are at no other body."""
        told = set(expected_result(self.bodies.people, SCENARIO)["bsn"])
        theirs = [set(format_bsn(self.bodies.people.rows[p]["bsn"].to_numpy())) for p in WITH_DATA]
        theirs += [set(format_bsn(opted_out)) for opted_out in self.bodies.people.opted_out.values()]
        found = sorted(theirs[0].difference(told, *theirs[1:]))
        return [str(bsn) for bsn in found[first : first + count]]


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signalling]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        wire = Wire(monkeypatch)
        bodies = make_joint_bodies(tmp_path_factory.mktemp("notices"))
        with serving_jointly(bodies) as nodes:
            yield Signalling(bodies, nodes, wire)


@pytest.fixture(autouse=True)
def _calm(five: Signalling) -> Iterator[None]:
    yield
    five.wire.calm()


@contextmanager
def changed(path: Path, before: str, after: str) -> Iterator[None]:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    try:
        yield
    finally:
        path.write_text(text)


def traces(folder: Path, bsn: str) -> list[Path]:
    """Files of a folder that hold a number as text, as four bytes of either order, or in a cell of a table."""
    needles = (bsn.encode(), int(bsn).to_bytes(4, "little"), int(bsn).to_bytes(4, "big"))
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += pq.read_table(path).to_pandas().to_csv().encode()
        if any(needle in content for needle in needles):
            found.append(path)
    return found


def test_withdrawn_people_leave_the_result_and_others_are_not_betrayed(five: Signalling) -> None:
    run_id = five.run()
    file = five.folder(RECIPIENT) / "runs" / run_id / "result.parquet"
    with five.bodies.operator(RECIPIENT) as operator:
        assert operator.result(run_id) == file.read_bytes(), "without notices a result is handed out as it is"
    before = five.result(run_id)
    inside, outside = five.in_result(3), five.of_leader_only(4)
    told = five.give(run_id, "withdraw", inside + outside)
    assert list(told) == [RECIPIENT]
    assert told[RECIPIENT].told
    assert told[RECIPIENT].has_result
    expected = before[~before["bsn"].isin(inside)].reset_index(drop=True)
    assert len(expected) == len(before) - 3
    pd.testing.assert_frame_equal(five.result(run_id), expected)
    pd.testing.assert_frame_equal(pd.read_parquet(file), expected)
    wanted = [{"bsn": bsn, "kind": "withdraw", "party": LEADER, "date": TODAY, "reason": ""} for bsn in sorted(inside)]
    assert five.received(run_id) == wanted
    for bsn in outside:
        assert traces(five.folder(LEADER), bsn), "this search finds a number that is kept"
        assert not traces(five.folder(RECIPIENT), bsn), "the recipient must not learn of people outside of its result"
    for path in five.folder(RECIPIENT).rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    # Both ends wrote it down; how many rows it was about, only the recipient did.
    assert five.lines(LEADER, "signal-notice-given", run_id) == [
        {"run": run_id, "kind": "withdraw", "reason": "objection", "people": 7, "operator": "demo"}
    ]
    assert five.lines(LEADER, "signal-notice-sent", run_id) == [
        {"run": run_id, "kind": "withdraw", "recipient": RECIPIENT}
    ]
    assert five.lines(LEADER, "signal-notice-applied", run_id) == []
    assert five.lines(RECIPIENT, "signal-notice-applied", run_id) == [
        {"run": run_id, "kind": "withdraw", "peer": LEADER, "matched": 3},
        {"run": run_id, "kind": "correct", "peer": LEADER, "matched": 0},
    ]
    for party in (LEADER, RECIPIENT):
        (record,) = five.notices_runs(party, run_id)
        assert record["state"] == "finished"
        assert all(pair["matches"] is None for pair in record["pairs"].values())
        assert verify_log(five.folder(party) / FOLDER_NAME, None, ()).findings == ()
        assert five.lines(party, "countersigned", record["run_id"])
    for party in (COMPUTING, DATA_ONLY, WITHOUT_DATA):
        assert not five.notices_runs(party, run_id)


def test_rows_to_correct_stay_and_say_who_is_to_be_asked(five: Signalling) -> None:
    run_id = five.run()
    before = five.result(run_id)
    both, corrected, withdrawn = five.in_result(3)
    assert five.give(run_id, "correct", [corrected, both], "correction")[RECIPIENT].told
    assert five.give(run_id, "correct", [corrected], "correction", DATA_ONLY)[RECIPIENT].told
    assert five.give(run_id, "withdraw", [withdrawn, both], "deletion")[RECIPIENT].told
    found = five.result(run_id)
    assert list(found.columns) == [*before.columns, "notice"]
    assert set(before["bsn"]) - set(found["bsn"]) == {withdrawn, both}
    marks = dict(zip(found["bsn"], found["notice"], strict=True))
    assert marks.pop(corrected) == f"correct:{LEADER} correct:{DATA_ONLY}"
    assert set(marks.values()) == {""}
    assert {(row["bsn"], row["kind"], row["party"]) for row in five.received(run_id)} == {
        (corrected, "correct", LEADER),
        (both, "correct", LEADER),
        (corrected, "correct", DATA_ONLY),
        (withdrawn, "withdraw", LEADER),
        (both, "withdraw", LEADER),
    }
    assert {row["reason"] for row in five.received(run_id)} == {""}, "why stays at who gave notice"


def test_the_same_notice_twice_or_about_nobody_here_changes_nothing(five: Signalling) -> None:
    run_id = five.run()
    untouched = (five.folder(RECIPIENT) / "runs" / run_id / "result.parquet").read_bytes()
    assert five.give(run_id, "withdraw", five.of_leader_only(2))[RECIPIENT].told
    with five.bodies.operator(RECIPIENT) as operator:
        assert operator.result(run_id) == untouched
    assert five.received(run_id) == []
    withdrawn, corrected = five.in_result(2)
    five.give(run_id, "withdraw", [withdrawn])
    five.give(run_id, "correct", [corrected])
    folder = five.folder(RECIPIENT) / "runs" / run_id
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert five.give(run_id, "withdraw", [withdrawn, withdrawn])[RECIPIENT].told
    assert five.give(run_id)[RECIPIENT].told
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == content
    # Another party's notice about a row that is gone is written down all the same.
    five.give(run_id, "withdraw", [withdrawn], party=COMPUTING)
    assert {row["party"] for row in five.received(run_id) if row["bsn"] == withdrawn} == {LEADER, COMPUTING}


def test_what_the_notifier_sees_does_not_depend_on_matches(five: Signalling) -> None:
    views = []

    def watched(frm: str, to: str, kind: str, message: bytes) -> list[bytes]:
        # Both show a head of their log, which grows: the number of its last line may take a byte more.
        views[-1].append((frm, to, kind, len(message) if kind not in {"hello", "acceptance"} else 0))
        return [message]

    for bsn in (five.in_result(5), five.of_leader_only(5), five.of_leader_only(1)):
        run_id = five.run()
        five.wire.on_send = watched
        for kind in ("withdraw", "correct"):
            views.append([])
            five.give(run_id, kind, bsn)
        five.wire.calm()
        for record in five.notices_runs(LEADER, run_id):
            assert record["sizes"] == {"rows": {RECIPIENT: 256}, "sets": {LEADER: 256}}
    first, *others = map(sorted, views)
    assert {kind for _, _, kind, _ in first} >= {"hello", "acceptance", "psi-values", "transcript", "concluded"}
    assert others == [first] * 5, "nor on what was withdrawn before"


@pytest.fixture
def three(tmp_path: Path) -> Bodies:
    drawn = numbers(1000)
    rows = {"cjib": drawn[:400], "belastingdienst": drawn[100:500], "toeslagen": drawn[350:750]}
    return make_bodies(tmp_path, rows)


@pytest.mark.parametrize("engine", ["kkrt", "vole", pytest.param("ecdh", marks=pytest.mark.openmined)])
def test_a_pairwise_result_and_a_size_that_stays_when_rows_are_withdrawn(three: Bodies, engine: str) -> None:
    with serving(three) as nodes:
        operators = {
            party: OperatorClient(three.nodes[party].address, three.operator_credentials(party)) for party in nodes
        }
        with operators["cjib"] as cjib, operators["belastingdienst"] as tax, operators["toeslagen"] as benefits:
            run_id = cjib.run("paren", engine)["run_id"]
            before = pd.read_parquet(io.BytesIO(cjib.result(run_id)))
            assert len(before) == 300
            wait_idle(nodes)
            (told,) = tax.notify(
                run_id, "withdraw", "objection", list(format_bsn(three.rows["cjib"][50:180]))
            ).recipients
            assert (told.party, told.told, told.has_result) == ("cjib", True, True)
            left = pd.read_parquet(io.BytesIO(cjib.result(run_id)))
            expected = before[~before["bsn"].isin(format_bsn(three.rows["cjib"][100:180]))]
            pd.testing.assert_frame_equal(left, expected.reset_index(drop=True))
            assert len(left) == 220
            # Of the smallest size by now; what peers see is still that of the 300.
            assert benefits.notify(run_id, "correct", "correction", list(left["bsn"][:1])).recipients[0].told
            wait_idle(nodes)
            for party in ("belastingdienst", "toeslagen"):
                (seen,) = [each for each in nodes[party].context.store.records() if each["notices_of"] == run_id]
                assert seen["sizes"] == {"rows": {"cjib": 320}, "sets": {party: 256}}
                assert seen["engine"] == engine
            # The recipient's own operator: no network, and why is kept.
            (own,) = cjib.notify(run_id, "withdraw", "deletion", list(left["bsn"][1:3])).recipients
            assert (own.party, own.told, own.has_result) == ("cjib", True, True)
            assert list(pd.read_parquet(io.BytesIO(cjib.result(run_id)))["bsn"]) == [left["bsn"][0], *left["bsn"][3:]]
            received = pd.read_parquet(io.BytesIO(cjib.notices(run_id)))
            mine = received[received["party"] == "cjib"]
            assert list(mine["reason"]) == ["deletion", "deletion"]
            with pytest.raises(UsageError, match="keeps no notices"):
                cjib.notify(run_id)


def test_a_members_result_of_a_joint_run_can_be_noticed(five: Signalling) -> None:
    run_id = five.run("huishoudens")
    before = five.result(run_id, LEADER)
    gone = [str(bsn) for bsn in before["bsn"][:2]]
    assert five.give(run_id, "withdraw", gone, party=DATA_ONLY)[LEADER].told
    found = five.result(run_id, LEADER)
    pd.testing.assert_frame_equal(found, before[2:].reset_index(drop=True))
    assert found.dtypes.equals(before.dtypes)


def call_notice(five: Signalling, credentials: Credentials, run_id: str, at: str = RECIPIENT) -> pb.NoticeReply:
    with open_channel(five.bodies.nodes[at].address, at, credentials) as channel:
        reply: pb.NoticeReply = peer_pb2_grpc.PeerStub(channel).Notice(
            pb.NoticeRequest(run_id=bytes.fromhex(run_id)), timeout=60
        )
        return reply


def test_who_has_no_part_in_it_is_refused(five: Signalling, tmp_path: Path) -> None:
    run_id, of_leader = five.run(), five.run("leden")
    write_key_folder(tmp_path, five.bodies.authority, "uwv", (NODE,), datetime.datetime.now(datetime.UTC))
    other = Authority.create(datetime.datetime.now(datetime.UTC))
    write_key_folder(tmp_path / "other", other, LEADER, (NODE,), datetime.datetime.now(datetime.UTC))
    operator = Credentials.read(five.bodies.nodes[LEADER].keys, "operator")
    for credentials, run, at in (
        (Credentials.read(tmp_path, NODE), run_id, RECIPIENT),
        (operator, run_id, RECIPIENT),
        # It computed, but has no data about anyone.
        (five.bodies.node_credentials(WITHOUT_DATA), run_id, RECIPIENT),
        # It took no part in that run.
        (five.bodies.node_credentials(RECIPIENT), of_leader, LEADER),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            call_notice(five, credentials, run, at)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.RpcError) as refused:
        call_notice(five, Credentials.read(tmp_path / "other", NODE), run_id)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert five.lines(RECIPIENT, "refused", run_id) == [{"rule": "caller", "run": run_id, "peer": WITHOUT_DATA}]
    assert not five.notices_runs(RECIPIENT, run_id)
    with pytest.raises(UsageError, match="put no data"):
        five.give(run_id, "withdraw", five.in_result(1), party=WITHOUT_DATA)
    # An auditor may look at the log, not change a result.
    auditor = Credentials.read(five.bodies.nodes[LEADER].keys, AUDITOR)
    with open_channel(five.bodies.nodes[LEADER].address, LEADER, auditor) as channel:
        stub = operator_pb2_grpc.OperatorStub(channel)
        for call, request in (
            (stub.Notify, operator_pb2.NotifyRequest(run_id=run_id)),
            (lambda r, timeout: list(stub.Notices(r, timeout=timeout)), operator_pb2.ResultRequest(run_id=run_id)),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                call(request, timeout=60)
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_a_run_that_is_unknown_failed_or_without_rows_has_no_notices(five: Signalling) -> None:
    bsn = five.in_result(1)
    with pytest.raises(UsageError, match="no finished run"):
        five.give("ab" * 16, "withdraw", bsn)
    with pytest.raises(UsageError, match="32 hexadecimal"):
        five.give("../run", "withdraw", bsn)
    reply = call_notice(five, five.bodies.node_credentials(LEADER), "ab" * 16)
    assert not reply.has_result
    with rerouted(five.nodes[LEADER], RECIPIENT, "127.0.0.1:1"):
        assert isinstance(outcome(five.bodies, SCENARIO), PsiMatchError)
    wait_idle(five.nodes)
    failed = records(five.nodes[LEADER])[-1]
    assert failed["state"] == "failed"
    with pytest.raises(UsageError, match="no finished run"):
        five.give(failed["run_id"], "withdraw", bsn)
    run_id = five.run("cijfers")
    with pytest.raises(UsageError, match="statistics only"):
        five.give(run_id, "withdraw", bsn)
    assert not call_notice(five, five.bodies.node_credentials(LEADER), run_id).has_result
    # A run about notices is none that notices could be about.
    run_id = five.run()
    five.give(run_id, "withdraw", bsn)
    with pytest.raises(UsageError, match="no finished run"):
        five.give(five.notices_runs(LEADER, run_id)[0]["run_id"], "withdraw", bsn)


def test_a_recipient_that_cannot_be_reached_is_told_later(five: Signalling) -> None:
    run_id = five.run()
    first, second = five.in_result(2)
    with rerouted(five.nodes[LEADER], RECIPIENT, "127.0.0.1:1"):
        told = five.give(run_id, "withdraw", [first])[RECIPIENT]
        assert not told.told
        assert RECIPIENT in told.sentence
        assert five.lines(LEADER, "signal-notice-sent", run_id) == []
        assert not list((five.folder(LEADER) / "runs" / run_id).glob("expected.*")), "it may not look later on its own"
        assert five.received(run_id) == []
        done = cli(five, "withdraw", run_id, "--reason", "objection", "--lang", "en", stdin=first)
        assert isinstance(done.exception, TransportError)
        assert "list of opt-outs" in done.output, "said also where a recipient was not told"
        done = cli(five, "retry", run_id)
        assert isinstance(done.exception, TransportError)
        assert done.exception.exit_code == 6
        assert f"{RECIPIENT}: niet verteld" in done.output
    # The next command of the run offers it again, beside its own.
    assert five.give(run_id, "correct", [second])[RECIPIENT].told
    assert {(row["bsn"], row["kind"]) for row in five.received(run_id)} == {(first, "withdraw"), (second, "correct")}


def test_who_looks_on_does_not_see_that_notices_are_given(five: Signalling) -> None:
    run_id = five.run()
    with five.bodies.nodes[LEADER].observer() as observer, five.bodies.nodes[RECIPIENT].observer() as other:
        watches = [observer.watch(), other.watch()]
        for watch in watches:
            next(watch)
        told = five.give(run_id, "withdraw", five.in_result(1))
        assert told[RECIPIENT].told
        about = five.notices_runs(LEADER, run_id)[0]["run_id"]
        with pytest.raises(UsageError, match="no timeline"):
            observer.timeline(about)
        shown = {each.run_id for each in observer.status().runs}
        assert run_id in shown
        assert about not in shown
        again = five.run()
        for watch in watches:
            seen = [next(watch)]
            while seen[-1].kind != RUN_ENDED:
                seen.append(next(watch))
            assert {event.run_id for event in seen} <= {"", again}
    with five.bodies.operator(LEADER) as operator:
        assert about in {each.run_id for each in operator.status().runs}


def test_a_result_that_was_deleted_takes_its_notices_along(five: Signalling) -> None:
    run_id = five.run()
    bsn = five.in_result(1)
    five.give(run_id, "withdraw", bsn)
    for party in (RECIPIENT, LEADER):
        five.nodes[party].context.store.delete(run_id, RESULT, TODAY)
        kept = sorted(path.name for path in (five.folder(party) / "runs" / run_id).iterdir())
        assert kept == ["record.json", "timeline.jsonl"]
    with pytest.raises(UsageError, match="no result"):
        five.received(run_id)
    told = five.give(run_id, "withdraw", bsn)[RECIPIENT]
    assert told.told
    assert not told.has_result
    assert len(five.notices_runs(RECIPIENT, run_id)) == 1, "nothing was computed"
    # After the last day of the results a node takes no notice any more.
    record = five.folder(LEADER) / "runs" / run_id / "record.json"
    last = json.loads(record.read_text())["keep_until"]["result"]
    yesterday = str(TODAY - datetime.timedelta(days=1))
    with (
        changed(record, f'"result": "{last}"', f'"result": "{yesterday}"'),
        pytest.raises(UsageError, match=f"until {yesterday}"),
    ):
        five.give(run_id, "withdraw", bsn)


def test_rights_outlive_the_agreement_but_not_the_peers(five: Signalling) -> None:
    run_id, bsn = five.run(), five.in_result(3)
    ends = [five.bodies.nodes[party].folder for party in (LEADER, RECIPIENT)]
    with (
        changed(ends[0] / "policy.toml", f'"{SCENARIO}"', '"iets-anders"'),
        changed(ends[1] / "policy.toml", f'"{SCENARIO}"', '"iets-anders"'),
    ):
        assert isinstance(outcome(five.bodies, SCENARIO), PolicyRefusal)
        assert five.give(run_id, "withdraw", bsn[:1])[RECIPIENT].told
    with changed(ends[0] / "policy.toml", f'"{RECIPIENT}"', '"gemeente-b"'):
        told = five.give(run_id, "withdraw", bsn[1:2])[RECIPIENT]
        assert not told.told
        assert "no peer" in told.sentence
    with changed(ends[1] / "policy.toml", f'"{LEADER}"', '"gemeente-b"'):
        told = five.give(run_id)[RECIPIENT]
        assert not told.told
        assert "no part in runs with these parties" in told.sentence
    own_key = five.nodes[LEADER].context.signer.public_key.hex()
    with changed(five.bodies.nodes[RECIPIENT].keys / "signers.toml", own_key, "ab" * 32):
        assert not five.give(run_id)[RECIPIENT].told
    moved = ends[0] / "agreements" / f"{SCENARIO}.toml"
    moved.rename(moved.with_suffix(".away"))
    try:
        with pytest.raises(PolicyRefusal, match="not there any more"):
            five.give(run_id, "withdraw", bsn[2:])
    finally:
        moved.with_suffix(".away").rename(moved)
    assert [row["bsn"] for row in five.received(run_id)] == bsn[:1]
    assert five.give(run_id)[RECIPIENT].told
    assert [row["bsn"] for row in five.received(run_id)] == bsn[:2], "what was refused before it was kept is not kept"


@pytest.mark.parametrize(
    ("line", "why"),
    [("12345678", "nine digits"), ("1234567890", "nine digits"), ("١٢٣٤٥٦٧٨٩", "nine digits"), ("111222333", "kind")],
)
def test_a_number_that_is_none_is_refused_without_being_shown(five: Signalling, line: str, why: str) -> None:
    run_id, bsn = five.run(), five.in_result(1)
    with pytest.raises(UsageError, match=why) as raised:
        five.give(run_id, "withdraw", [*bsn, line])
    assert "Line 2" in raised.value.sentence
    assert line not in raised.value.sentence + raised.value.hint
    with pytest.raises(UsageError, match="There are 0"):
        five.give(run_id, "withdraw", [])
    for kind, reason in (("delete", "objection"), ("withdraw", "dislike"), ("", "objection")):
        with pytest.raises(UsageError, match="no such"):
            five.give(run_id, kind, bsn, reason)
    assert five.received(run_id) == []
    assert not (five.folder(LEADER) / "runs" / run_id / "given-notices.parquet").exists()


@pytest.mark.parametrize("kind", ["acceptance", "session-opening", "psi-values", "transcript"])
@pytest.mark.parametrize("occurrence", [1, 2])
def test_a_connection_that_is_cut_leaves_everything_as_it_was(five: Signalling, kind: str, occurrence: int) -> None:
    if occurrence == 2 and kind in {"acceptance", "session-opening"}:
        occurrence = 1
    run_id = five.run()
    withdrawn, corrected = five.in_result(2)
    five.give(run_id, "correct", [corrected])
    folder = five.folder(RECIPIENT) / "runs" / run_id
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    seen: list[str] = []

    def cut(_frm: str, to: str, what: str, message: bytes) -> list[bytes]:
        if to == RECIPIENT and what == kind:
            seen.append(what)
            if len(seen) == occurrence:
                five.wire.cut(RECIPIENT, LEADER)
                return []
        return [message]

    five.wire.meddle = cut
    began = time.monotonic()
    told = five.give(run_id, "withdraw", [withdrawn])[RECIPIENT]
    assert time.monotonic() - began < END_WITHIN_S
    assert seen
    assert not told.told
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    for party in (LEADER, RECIPIENT):
        assert sorted(record["state"] for record in five.notices_runs(party, run_id)) == ["failed", "finished"]
    assert not list((five.folder(LEADER) / "runs" / run_id).glob("expected.*"))
    five.wire.calm()
    assert five.give(run_id)[RECIPIENT].told
    assert withdrawn not in set(five.result(run_id)["bsn"])


def test_a_disk_that_is_full_leaves_everything_as_it_was(five: Signalling, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, bsn = five.run(), five.in_result(1)
    folder = five.folder(RECIPIENT) / "runs" / run_id
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write = pq.write_table

    def full(table: Any, where: Any, **options: Any) -> None:
        write(table, where, **options)
        if "high" in table.column_names:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", full)
        told = five.give(run_id, "withdraw", bsn)[RECIPIENT]
    assert not told.told
    assert "files or configuration" in told.sentence
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert five.give(run_id)[RECIPIENT].told


def test_a_crash_between_the_two_files_hands_out_no_withdrawn_row(
    five: Signalling, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, bsn = five.run(), five.in_result(1)
    rename = Path.rename

    def torn(path: Path, target: Path) -> Path:
        if target.name == "result.parquet":
            raise OSError(5, "Input/output error")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", torn)
        assert not five.give(run_id, "withdraw", bsn)[RECIPIENT].told
    stored = pd.read_parquet(five.folder(RECIPIENT) / "runs" / run_id / "result.parquet")
    assert bsn[0] in set(stored["bsn"])
    assert bsn[0] not in set(five.result(run_id)["bsn"])


def hello_about(five: Signalling, run_id: str, **changes: Any) -> pb.Hello:
    """A proposal as the recipient would make it."""
    record = record_of(five.nodes[RECIPIENT], run_id)
    head = five.nodes[RECIPIENT].context.audit.head()
    fields: dict[str, Any] = {
        "wire_version": version.WIRE_VERSION,
        "parameters": version.parameters(),
        "run_id": np.random.default_rng().bytes(16),
        "scenario": record["scenario"],
        "scenario_digest": bytes.fromhex(record["scenario_digest"]),
        "engine": "kkrt",
        "leader": RECIPIENT,
        "parties": sorted([LEADER, RECIPIENT]),
        "leader_size": 256,
        "runs": 2,
        "agreement_digest": bytes.fromhex(record["agreement_digest"]),
        "head": pb.SignedHead(
            log=bytes.fromhex(head.log),
            sequence=head.sequence,
            digest=bytes.fromhex(head.digest),
            signature=head.signature,
        ),
        "notices_of": bytes.fromhex(run_id),
    }
    return pb.Hello(**(fields | changes))


def propose(five: Signalling, hello: pb.Hello) -> pb.SessionMessage:
    """Propose a run to the leader with the recipient's certificate; return its first answer.

    After a refusal the stream is read to its end: by then the node has written it down.
    """
    credentials = five.bodies.node_credentials(RECIPIENT)
    answered = threading.Event()

    def messages() -> Iterator[bytes]:
        yield pb.SessionMessage(hello=hello).SerializeToString()
        answered.wait(END_WITHIN_S)

    with open_channel(five.bodies.nodes[LEADER].address, LEADER, credentials) as channel:
        try:
            stream = channel.stream_stream(SESSION_METHOD)(messages())
            for message in map(pb.SessionMessage.FromString, stream):
                if message.WhichOneof("content") == "heartbeat":
                    continue
                if message.WhichOneof("content") == "abort":
                    list(stream)
                return message
        finally:
            answered.set()
    raise AssertionError("the node said nothing")


def test_a_recipient_looks_only_when_asked_and_only_at_so_many(five: Signalling) -> None:
    run_id = five.run()
    store = five.nodes[LEADER].context.store
    keep_given(store, run_id, [Notice(five.in_result(1)[0], Kind.WITHDRAW, LEADER, TODAY, "objection")])
    answer = propose(five, hello_about(five, run_id))
    assert answer.abort.reason == pb.ABORT_REASON_REFUSED, "it was not asked"
    assert {"rule": "run-id", "peer": RECIPIENT}.items() <= five.lines(LEADER, "refused", answer_run(five))[0].items()
    rows = sum(record_of(five.nodes[LEADER], run_id)["sizes"]["rows"].values())
    assert rows == 320
    for changes, reason in (
        # More rows than any result of that run can have.
        ({"leader_size": 384}, pb.ABORT_REASON_PROTOCOL),
        ({"leader_size": 255}, pb.ABORT_REASON_PROTOCOL),
        ({"runs": 1}, pb.ABORT_REASON_PROTOCOL),
        ({"instance": 1}, pb.ABORT_REASON_PROTOCOL),
        ({"engine": "ecdh"}, pb.ABORT_REASON_PROTOCOL),
        ({"parties": sorted(PARTIES)}, pb.ABORT_REASON_PROTOCOL),
        ({"leader": LEADER}, pb.ABORT_REASON_PROTOCOL),
        ({"notices_of": b"short"}, pb.ABORT_REASON_PROTOCOL),
        ({"scenario_digest": bytes(32)}, pb.ABORT_REASON_REFUSED),
        ({"agreement_digest": bytes(32)}, pb.ABORT_REASON_REFUSED),
        ({"scenario": "leden"}, pb.ABORT_REASON_REFUSED),
        ({"wire_version": version.WIRE_VERSION + 1}, pb.ABORT_REASON_VERSION),
    ):
        store.expect_notices_run(run_id, RECIPIENT)
        answer = propose(five, hello_about(five, run_id, **changes))
        assert answer.abort.reason == reason, (changes, answer)
    store.expect_notices_run(run_id, RECIPIENT)
    assert propose(five, hello_about(five, run_id)).WhichOneof("content") == "acceptance"
    assert propose(five, hello_about(five, run_id)).abort.reason == pb.ABORT_REASON_REFUSED, "it was asked once"
    wait_idle(five.nodes)


def answer_run(five: Signalling) -> str:
    """The run that the leader refused last."""
    walk = LogWalk(five.folder(LEADER) / FOLDER_NAME)
    return str([placed.line.fields.get("run") for placed in walk if placed.line.event == "refused"][-1])


def test_logs_and_records_hold_no_bsn(five: Signalling, capfd: pytest.CaptureFixture[str]) -> None:
    run_id, bsn = five.run(), five.in_result(2) + five.of_leader_only(2)
    configure_logs(verbose=True)
    try:
        five.give(run_id, "withdraw", bsn)
        five.give(run_id, "correct", bsn)
    finally:
        structlog.reset_defaults()
    written = capfd.readouterr().err
    assert five.notices_runs(LEADER, run_id)[0]["run_id"] in written, "the log is where this test looks"
    for path in five.bodies.folder.glob("nodes/*/state/**/*"):
        if path.is_file() and path.suffix != ".parquet":
            written += path.read_bytes().decode("latin-1")
    assert not [each for each in bsn if each in written]
    assert bsn[0] not in repr(Notice(bsn[0], Kind.WITHDRAW, LEADER, TODAY))


def test_the_set_of_a_recipient_stays_the_same(five: Signalling) -> None:
    run_id = five.run()
    store = five.nodes[RECIPIENT].context.store
    before = signalled(store, run_id)
    five.give(run_id, "withdraw", five.in_result(4))
    after = signalled(store, run_id)
    assert before is not None
    assert after is not None
    assert before.tolist() == after.tolist()
    assert len(before) == len(five.result(run_id)) + 4


def cli(five: Signalling, command: str, run_id: str, *more: str, party: str = LEADER, stdin: str = "") -> Any:
    node = five.bodies.nodes[party]
    arguments = [command, run_id, "--node", node.address, "--keys", str(node.keys), *more]
    # The nodes of this process would log to the command's own output.
    with structlog.testing.capture_logs():
        done = CliRunner().invoke(app, arguments, input=stdin)
        wait_idle(five.nodes)
    return done


def test_an_operator_gives_and_reads_notices(five: Signalling, tmp_path: Path) -> None:
    run_id = five.run()
    withdrawn, corrected = five.in_result(2)
    file = tmp_path / "numbers.txt"
    file.write_text(f"{withdrawn}\r\n{five.of_leader_only(1)[0]}\n")
    done = cli(five, "withdraw", run_id, "--file", str(file), "--reason", "objection")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == f"{RECIPIENT}: verteld"
    assert "lijst van afmeldingen" in done.output
    done = cli(five, "correct", run_id, "--reason", "correction", "--json", stdin=f"{corrected}\n")
    (told,) = json.loads(done.output)["recipients"]
    assert told == {"party": RECIPIENT, "told": True, "has_result": True, "sentence": ""}
    done = cli(five, "retry", run_id, "--lang", "en")
    assert done.output == f"{RECIPIENT}: told\n"
    done = cli(five, "list", run_id, "--json", party=RECIPIENT)
    assert json.loads(done.output) == [
        {"kind": kind, "party": LEADER, "date": str(TODAY), "people": 1} for kind in ("correct", "withdraw")
    ]
    out = tmp_path / "notices.csv"
    done = cli(five, "list", run_id, "--out", str(out), party=RECIPIENT)
    assert done.exit_code == 0
    assert withdrawn not in done.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert set(pd.read_csv(out, dtype=str)["bsn"]) == {withdrawn, corrected}
    again = cli(five, "list", run_id, "--out", str(out), party=RECIPIENT)
    assert "exists already" in str(again.exception)
    five.nodes[RECIPIENT].context.store.delete(run_id, RESULT, TODAY)
    assert "heeft de uitkomst van deze run niet meer" in cli(five, "retry", run_id).output


@pytest.mark.parametrize("content", [b"\xff\xfe1\x00", b"bsn\n", b"", b"123456789\n\n123456789\n"])
def test_a_file_of_something_else_does_not_leave_the_operators_machine(
    five: Signalling, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "numbers.txt"
    file.write_bytes(content)
    five.wire.calm()
    done = cli(five, "withdraw", "ab" * 16, "--file", str(file), "--reason", "objection")
    assert isinstance(done.exception, UsageError)
    assert "no finished run" not in str(done.exception), "the node was not asked"
    assert content == b"" or content.decode("latin-1") not in str(done.exception)
    assert done.exception.__context__ is None or "123456789" not in str(done.exception.__context__)
