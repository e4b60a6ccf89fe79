"""Joint runs between five real nodes over loopback gRPC with mTLS: who learns what, what is written down, what is sent,
who may start a run, and what is refused.
"""

from __future__ import annotations

import datetime
import io
import json
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import structlog
from support.joint_nodes import (
    COMPUTING,
    DATA_ONLY,
    LARGEST_AMOUNT,
    LEADER,
    PARTIES,
    RECIPIENT,
    RECIPIENTS,
    SCENARIOS,
    WITH_DATA,
    WITHOUT_DATA,
    JointBodies,
    draw_people,
    expected_result,
    forget_statistics,
    make_joint_bodies,
    outcome,
    record_of,
    records,
    rerouted,
    serving_jointly,
    wait_idle,
)
from support.proxy import Proxy

from psi_match.base.errors import (
    DataError,
    PeerAborted,
    PeerError,
    PolicyRefusal,
    PsiMatchError,
    ScenarioError,
    TransportError,
    UsageError,
    VersionMismatch,
)
from psi_match.domain.bsn import format_bsn
from psi_match.domain.columns import ColumnType
from psi_match.governance.agreement_files import read_agreement
from psi_match.node.certificates import OPERATOR, Credentials
from psi_match.node.channels import open_channel
from psi_match.node.logs import configure_logs
from psi_match.node.operator_client import OperatorClient
from psi_match.node.outgoing_stream import SESSION_METHOD
from psi_match.node.server import Node
from psi_match.node.sessions import Session
from psi_match.node.store import Store
from psi_match.scenario.digest import digest
from psi_match.wire import version
from psi_match.wire.v1 import operator_pb2
from psi_match.wire.v1 import peer_pb2 as pb

Nodes = dict[str, Node]


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> JointBodies:
    return make_joint_bodies(tmp_path_factory.mktemp("joint"))


@pytest.fixture(scope="module")
def nodes(bodies: JointBodies) -> Iterator[Nodes]:
    with serving_jointly(bodies) as found:
        yield found


def _result(bodies: JointBodies, party: str, run_id: str) -> pd.DataFrame:
    with bodies.operator(party) as operator:
        return pd.read_parquet(io.BytesIO(operator.result(run_id)))


def _same(found: pd.DataFrame, expected: pd.DataFrame) -> bool:
    def plain(frame: pd.DataFrame) -> list[list[Any]]:
        return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()

    return list(found.columns) == list(expected.columns) and plain(found) == plain(expected)


@pytest.mark.parametrize(
    ("asked", "engine", "adder"),
    [("ripple", "kkrt", "ripple"), ("prefix", "kkrt", "prefix"), ("vole+ripple", "vole", "ripple")],
)
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_recipient_learns_what_plain_tables_say_and_nobody_else_anything(
    bodies: JointBodies, nodes: Nodes, name: str, asked: str, engine: str, adder: str
) -> None:
    forget_statistics(nodes)
    before = set(bodies.results())
    record = bodies.run(name, LEADER, asked)
    wait_idle(nodes)
    recipient, parties = RECIPIENTS[name], SCENARIOS[name][2]
    expected = expected_result(bodies.people, name)
    found = _result(bodies, recipient, record["run_id"])
    assert _same(found, expected), f"{found}\n{expected}"
    assert len(expected) > 2
    # One result file in all, at the recipient.
    (result,) = set(bodies.results()) - before
    assert bodies.nodes[recipient].folder in result.parents
    theirs = {party: record_of(nodes[party], record["run_id"]) for party in parties}
    for party, own in theirs.items():
        assert own["state"] == "finished", own["error"]
        assert (own["engine"], own["adder"]) == (engine, adder)
        assert own["coordinator"] == LEADER
        assert own["sizes"] == record["sizes"]
        assert own["result_rows"] == (len(expected) if party == recipient else None)
        assert own["rows_in"] == (bodies.people.rows[party]["reminded"].sum() if party in WITH_DATA else 0)
        if party != recipient:
            with bodies.operator(party) as operator, pytest.raises(UsageError, match="no result"):
                operator.result(record["run_id"])
    # Both ends of each stream counted the same.
    assert sum(len(own["pairs"]) for own in theirs.values()) >= 2 * len(parties)
    for party, own in theirs.items():
        for peer, pair in own["pairs"].items():
            other = theirs[peer]["pairs"][party]
            assert (pair["bytes_out"], pair["bytes_in"]) == (other["bytes_in"], other["bytes_out"])
            assert pair["matches"] is None
            assert pair["rounds"] > 0
    for path in bodies.folder.glob("nodes/*/state/**/*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_small_cell_is_suppressed_and_a_snapshot_is_counted_once(bodies: JointBodies, nodes: Nodes) -> None:
    expected = expected_result(bodies.people, "cijfers")
    assert expected["suppressed"].any()
    assert not expected["suppressed"].all()
    forget_statistics(nodes)
    bodies.run("cijfers")
    wait_idle(nodes)
    before = len(bodies.results())
    for party in (LEADER, WITHOUT_DATA):
        with pytest.raises(PolicyRefusal, match=r"statistics-once|no further statistics"):
            bodies.run("cijfers", party)
        wait_idle(nodes)
    assert len(bodies.results()) == before


@pytest.mark.parametrize("party", PARTIES)
def test_any_partys_operator_may_start_a_run(bodies: JointBodies, nodes: Nodes, party: str) -> None:
    record = bodies.run("signaal", party)
    wait_idle(nodes)
    assert record["party"] == record["coordinator"] == party
    assert record["state"] == "finished"
    assert set(record["parties"]) == set(PARTIES)
    assert _same(_result(bodies, RECIPIENT, record["run_id"]), expected_result(bodies.people, "signaal"))
    assert {record_of(node, record["run_id"])["coordinator"] for node in nodes.values()} == {party}


def test_nobody_elses_operator_may_start_a_run(bodies: JointBodies, nodes: Nodes) -> None:
    before = sum(len(records(node)) for node in nodes.values())
    # Of a party that takes no part in this scenario.
    with pytest.raises(PolicyRefusal, match="takes no part in scenario leden"):
        bodies.run("leden", RECIPIENT)
    # Of another body, at this node: the node's certificate is not the one expected ...
    foreign = Credentials.read(bodies.nodes[COMPUTING].keys, OPERATOR)
    with OperatorClient(bodies.nodes[LEADER].address, foreign) as stranger, pytest.raises(TransportError):
        stranger.run("leden")
    # ... and where that check is left out, the node refuses; a node is no operator either.
    for credentials in (foreign, bodies.node_credentials(COMPUTING)):
        with open_channel(bodies.nodes[LEADER].address, LEADER, credentials) as channel:
            call = channel.unary_stream(
                "/psi_match.wire.v1.Operator/Run",
                request_serializer=operator_pb2.RunRequest.SerializeToString,
                response_deserializer=operator_pb2.RunEvent.FromString,
            )
            with pytest.raises(grpc.RpcError) as refused:
                list(call(operator_pb2.RunRequest(scenario="leden"), timeout=60))
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(UsageError, match="no engine of that name"):
        bodies.run("leden", LEADER, "ecdh")
    assert sum(len(records(node)) for node in nodes.values()) == before


def test_records_and_logs_hold_no_bsn(bodies: JointBodies, nodes: Nodes, capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs(verbose=True)
    try:
        finished = [bodies.run(name) for name in ("huishoudens", "beurtelings")]
        wait_idle(nodes)
        bodies.people.rows[COMPUTING].loc[5, "open_cents"] = LARGEST_AMOUNT + 1
        bodies.write_people(bodies.people)
        assert isinstance(outcome(bodies, "leden"), PsiMatchError)
    finally:
        structlog.reset_defaults()
        bodies.write_people(draw_people())
    wait_idle(nodes)
    logged = capfd.readouterr().err
    assert all(record["run_id"] in logged for record in finished), "the log is where this test looks"
    assert "run failed" in logged
    written = logged + "".join(path.read_text() for path in bodies.folder.glob("nodes/*/state/runs/*/record.json"))
    assert not [bsn for bsn in bodies.people.everyone if bsn in written or bsn.lstrip("0") in written]


@pytest.mark.parametrize("name", ["huishoudens", "beurtelings", "cijfers"])
def test_bytes_and_rounds_do_not_depend_on_the_rows(bodies: JointBodies, nodes: Nodes, name: str) -> None:
    def crossed() -> tuple[dict[str, Any], list[Any]]:
        forget_statistics(nodes)
        record = bodies.run(name, LEADER, "prefix")
        wait_idle(nodes)
        theirs = [record_of(nodes[party], record["run_id"]) for party in SCENARIOS[name][2]]
        # What comes in is counted when it arrives, which may be in the stage before: only the sums are fixed.
        stages = [[(stage["name"], stage["bytes_out"]) for stage in own["stages"]] for own in theirs]
        return record, [[own["pairs"] for own in theirs], stages]

    first, sent = crossed()
    try:
        bodies.write_people(draw_people(seed=7, fewer=9))
        second, sent_again = crossed()
    finally:
        bodies.write_people(draw_people())
    assert first["sizes"] == second["sizes"], "the public sizes are equal"
    assert first["rows_in"] != second["rows_in"], "the rows are not"
    assert sent == sent_again


def outcome_of_dry_run(operator: OperatorClient) -> object:
    try:
        return operator.run("signaal", dry_run=True)
    except PsiMatchError as error:
        return error


def test_a_dry_run_checks_everything_and_starts_nothing(bodies: JointBodies, nodes: Nodes) -> None:
    before = sum(len(records(node)) for node in nodes.values())
    for party in (LEADER, WITHOUT_DATA):
        with bodies.operator(party) as operator:
            checked = operator.run("signaal", dry_run=True)
        assert set(checked["peers"]) == set(PARTIES) - {party}
        assert checked["public_size"] == (320 if party == LEADER else 0)
    with rerouted(nodes[LEADER], RECIPIENT, "127.0.0.1:9"), bodies.operator(LEADER) as operator:
        told = outcome_of_dry_run(operator)
    assert isinstance(told, TransportError)
    assert told.peer == RECIPIENT
    assert sum(len(records(node)) for node in nodes.values()) == before


def test_status_shows_a_run_while_it_lasts_and_afterwards(
    bodies: JointBodies, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    looked, write = threading.Event(), Store.write_result

    def held(store: Store, *arguments: Any) -> None:
        # However fast the run is, and however late the look at it.
        assert looked.wait(60)
        write(store, *arguments)

    def look(_progress: operator_pb2.Progress) -> None:
        seen.append(beside.status())
        looked.set()

    monkeypatch.setattr(Store, "write_result", held)
    with bodies.operator(LEADER) as operator, bodies.operator(LEADER) as beside:
        record = operator.run("beurtelings", on_progress=look)
        (run,) = beside.status(record["run_id"]).runs
    assert any(
        (run.run_id, run.role, run.state) == (record["run_id"], "coordinator", "running")
        for status in seen
        for run in status.runs
    )
    assert json.loads(run.record_json)["state"] == "finished"
    wait_idle(nodes)
    with bodies.operator(WITHOUT_DATA) as operator:
        (run,) = operator.status(record["run_id"]).runs
        assert (run.state, run.role, run.scenario) == ("finished", "compute party", "beurtelings")
        assert operator.status().live_sessions == 0


def _raw_session(bodies: JointBodies, frm: str, to: str, message: pb.SessionMessage) -> pb.Abort:
    """Open a stream by hand; return the abort with which it is answered."""
    with open_channel(bodies.nodes[to].address, to, bodies.node_credentials(frm)) as channel:
        call = channel.stream_stream(SESSION_METHOD)(iter([message.SerializeToString()]))
        answers = [pb.SessionMessage.FromString(raw) for raw in call]
    (answer,) = [answer for answer in answers if answer.WhichOneof("content") != "heartbeat"]
    return answer.abort


def _agreement(nodes: Nodes) -> Path:
    return nodes[LEADER].context.config.governance.agreements / "signaal.toml"


def _proposal(nodes: Nodes, changes: dict[str, Any]) -> pb.SessionMessage:
    scenario = nodes[LEADER].context.catalogue.get("signaal")
    fields: dict[str, Any] = {
        "wire_version": version.WIRE_VERSION,
        "parameters": version.parameters(),
        "run_id": bytes(range(16)),
        "scenario": scenario.name,
        "scenario_digest": digest(scenario),
        "coordinator": LEADER,
        "parties": scenario.party_ids,
        "adder": "ripple",
        "engine": "kkrt",
        "agreement_digest": read_agreement(_agreement(nodes)).digest,
    }
    return pb.SessionMessage(proposal=pb.Proposal(**(fields | changes)))


def test_a_run_id_works_once(bodies: JointBodies, nodes: Nodes) -> None:
    used = bytes.fromhex(bodies.run("signaal")["run_id"])
    wait_idle(nodes)
    before = len(records(nodes[DATA_ONLY]))
    abort = _raw_session(bodies, LEADER, DATA_ONLY, _proposal(nodes, {"run_id": used}))
    assert abort.reason == pb.ABORT_REASON_REFUSED
    assert "used before" in abort.sentence
    # A stream for a run that is over, or that never was.
    for run_id in (used, bytes(16), b"", b"short"):
        attachment = pb.SessionMessage(attachment=pb.Attachment(run_id=run_id))
        abort = _raw_session(bodies, COMPUTING, DATA_ONLY, attachment)
        assert abort.reason == pb.ABORT_REASON_REFUSED
        assert "belongs to no run" in abort.sentence
    assert len(records(nodes[DATA_ONLY])) == before


REFUSED_PROPOSALS: dict[str, tuple[dict[str, Any], int]] = {
    "version": ({"wire_version": 99}, pb.ABORT_REASON_VERSION),
    "parameters": ({"parameters": pb.Parameters()}, pb.ABORT_REASON_VERSION),
    "coordinator": ({"coordinator": COMPUTING}, pb.ABORT_REASON_PROTOCOL),
    "run id": ({"run_id": b"short"}, pb.ABORT_REASON_PROTOCOL),
    "adder": ({"adder": "kkrt"}, pb.ABORT_REASON_PROTOCOL),
    "engine": ({"engine": "ecdh"}, pb.ABORT_REASON_REFUSED),
    "no engine": ({"engine": ""}, pb.ABORT_REASON_REFUSED),
    "parties": ({"parties": sorted(PARTIES)[:4]}, pb.ABORT_REASON_PROTOCOL),
    "scenario": ({"scenario": "../../etc/passwd"}, pb.ABORT_REASON_REFUSED),
    "digest": ({"scenario_digest": bytes(32)}, pb.ABORT_REASON_REFUSED),
}


@pytest.mark.parametrize("name", REFUSED_PROPOSALS)
def test_a_proposal_that_does_not_fit_is_refused(bodies: JointBodies, nodes: Nodes, name: str) -> None:
    changes, reason = REFUSED_PROPOSALS[name]
    before = len(records(nodes[DATA_ONLY]))
    abort = _raw_session(bodies, LEADER, DATA_ONLY, _proposal(nodes, changes))
    assert abort.reason == reason
    assert len(records(nodes[DATA_ONLY])) == before, "nothing was loaded or computed"


@pytest.mark.parametrize("party", [LEADER, WITHOUT_DATA])
def test_a_set_that_is_too_large_ends_a_joint_run(bodies: JointBodies, nodes: Nodes, party: str) -> None:
    """Also at a node that only computes: it does not go along with a set that could be a list of everybody."""
    policy = bodies.nodes[party].folder / "policy.toml"
    text = policy.read_text()
    policy.write_text(re.sub(r"max_set_size = \d+", "max_set_size = 256", text))
    before = len(bodies.results())
    try:
        with pytest.raises(PolicyRefusal, match="larger than this node allows"):
            bodies.run("signaal", COMPUTING)
        wait_idle(nodes)
        assert [record for record in records(nodes[party]) if "Rule set-size" in record["error"]]
        assert len(bodies.results()) == before
    finally:
        policy.write_text(text)


def test_two_runs_at_the_same_time(bodies: JointBodies, nodes: Nodes) -> None:
    told: dict[str, Any] = {}

    def run(name: str, party: str) -> None:
        told[name] = outcome(bodies, name, party)

    forget_statistics(nodes)
    wanted = {"beurtelings": RECIPIENT, "cijfers": DATA_ONLY}
    threads = [threading.Thread(target=run, args=each) for each in wanted.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_idle(nodes)
    for name, record in told.items():
        assert isinstance(record, dict), record
        assert _same(_result(bodies, RECIPIENT, record["run_id"]), expected_result(bodies.people, name))


# Datasets that cannot be used end the run everywhere, and nobody but their owner hears why.


def _rewritten(bodies: JointBodies, party: str, change: Callable[[pa.Table], pa.Table]) -> None:
    path = bodies.rows_path(party)
    pq.write_table(change(pq.read_table(path)), path)


def _with_column(name: str, values: Callable[[list[Any]], list[Any]]) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        changed = values(table.column(name).to_pylist())
        return table.set_column(table.column_names.index(name), name, pa.array(changed))

    return change


_OLD = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=40)
_BEYOND = 98765
"""An amount above the declared maximum; no other number of a test is it."""

BAD_ROWS: dict[str, tuple[str, Callable[[pa.Table], pa.Table], str]] = {
    "column missing": ("leden", lambda table: table.drop_columns(["open_cents"]), "open_cents"),
    "binary fractions": ("leden", _with_column("open_cents", lambda cells: [c + 0.5 for c in cells]), "open_cents"),
    "words": ("leden", _with_column("open_cents", lambda cells: ["veel" for _ in cells]), "open_cents"),
    "beyond the range": (
        "leden",
        _with_column("open_cents", lambda cells: [*cells[:7], _BEYOND, *cells[8:]]),
        "outside the scenario's range (valid rows 8)",
    ),
    "below the range": (
        "leden",
        _with_column("open_cents", lambda cells: [-_BEYOND, *cells[1:]]),
        "outside the scenario's range (valid rows 1)",
    ),
    "too old": ("leden", _with_column("peildatum", lambda cells: [_OLD for _ in cells]), "40 days old"),
    "a person twice": ("leden", _with_column("bsn", lambda cells: [cells[1], *cells[1:]]), "row 2"),
}


def _ends_everywhere(bodies: JointBodies, nodes: Nodes, name: str, owner: str, coordinator: str, why: str) -> None:
    known = {record["run_id"] for node in nodes.values() for record in records(node)}
    before = len(bodies.results())
    with pytest.MonkeyPatch.context() as patch:
        # On a busy machine the owner's word may come long after its echo, but it does come.
        patch.setattr(Session.cause_of, "__defaults__", (30.0,))
        told = outcome(bodies, name, coordinator)
    wait_idle(nodes)
    written = {
        party: record for party, node in nodes.items() for record in records(node) if record["run_id"] not in known
    }
    assert written[owner]["state"] == "failed"
    assert why in written[owner]["error"]
    assert str(_BEYOND) not in json.dumps(written)
    assert all(record["state"] == "failed" for record in written.values())
    assert len(bodies.results()) == before
    assert isinstance(told, PsiMatchError)
    if owner == coordinator:
        assert isinstance(told, DataError | ScenarioError)
        assert why in str(told)
    else:
        assert isinstance(told, PeerAborted)
        assert told.peer == owner
        assert why not in str(told) + json.dumps([r for p, r in written.items() if p != owner]), "the owner's business"
        # A party that the proposal had not reached when the run was over knows nothing of it.
        assert {owner, coordinator} <= set(written) <= set(SCENARIOS[name][2])


@contextmanager
def _restored(bodies: JointBodies) -> Iterator[None]:
    try:
        yield
    finally:
        bodies.write_people(draw_people())


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_rows_that_cannot_be_used_end_the_run_everywhere(bodies: JointBodies, nodes: Nodes, bad: str) -> None:
    name, change, why = BAD_ROWS[bad]
    with _restored(bodies):
        _rewritten(bodies, DATA_ONLY, change)
        _ends_everywhere(bodies, nodes, name, DATA_ONLY, LEADER, why)
        _ends_everywhere(bodies, nodes, name, DATA_ONLY, DATA_ONLY, why)


def test_a_partner_of_two_people_ends_the_run_everywhere(bodies: JointBodies, nodes: Nodes) -> None:
    def doubled(cells: list[Any]) -> list[Any]:
        there = [cell for cell in cells if cell]
        return [there[0], there[0], *(None for _ in cells[2:])]

    with _restored(bodies):
        everyone = _with_column("reminded", lambda cells: [True for _ in cells])
        _rewritten(bodies, LEADER, lambda table: _with_column("partner_bsn", doubled)(everyone(table)))
        for coordinator in (COMPUTING, LEADER):
            _ends_everywhere(bodies, nodes, "huishoudens", LEADER, coordinator, "partner_bsn of dataset rows names")
        # Scenarios that do not use that column run.
        assert bodies.run("leden")["state"] == "finished"
        wait_idle(nodes)


def test_columns_that_the_config_declares_otherwise_end_the_run_everywhere(bodies: JointBodies, nodes: Nodes) -> None:
    config = nodes[DATA_ONLY].context.config
    rows = config.dataset("rows")
    words = tuple(
        each.model_copy(update={"type": ColumnType.TEXT}) if each.name == "open_cents" else each
        for each in rows.spec.columns
    )
    none = tuple(each for each in rows.spec.columns if each.name != "open_cents")
    for columns, why in ((words, "declares as text"), (none, "does not declare")):
        changed = rows.model_copy(update={"spec": rows.spec.model_copy(update={"columns": columns})})
        others = tuple(each for each in config.datasets if each.spec.name != "rows")
        object.__setattr__(
            nodes[DATA_ONLY].context, "config", config.model_copy(update={"datasets": (changed, *others)})
        )
        try:
            _ends_everywhere(bodies, nodes, "leden", DATA_ONLY, LEADER, why)
            _ends_everywhere(bodies, nodes, "leden", DATA_ONLY, DATA_ONLY, why)
        finally:
            object.__setattr__(nodes[DATA_ONLY].context, "config", config)


def test_empty_sets_run_like_any_other(bodies: JointBodies, nodes: Nodes) -> None:
    people = draw_people()
    people.rows[DATA_ONLY] = people.rows[DATA_ONLY][:0]
    people.opted_out[DATA_ONLY] = people.opted_out[DATA_ONLY][:0]
    with _restored(bodies):
        bodies.write_people(people)
        for name in ("leden", "beurtelings"):
            record = bodies.run(name)
            wait_idle(nodes)
            assert _same(_result(bodies, RECIPIENTS[name], record["run_id"]), expected_result(people, name))


def test_another_text_of_the_scenario_is_refused(bodies: JointBodies, nodes: Nodes, tmp_path: Path) -> None:
    for path in (bodies.folder / "scenarios").glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text().replace('en = "Test"', 'en = "Tent"', 1))
    catalogue = nodes[WITHOUT_DATA].context.catalogue
    folder, catalogue.folder = catalogue.folder, tmp_path
    try:
        for dry_run in (False, True):
            with bodies.operator(RECIPIENT) as operator:
                with pytest.raises(PolicyRefusal, match="another text of scenario signaal") as raised:
                    operator.run("signaal", dry_run=dry_run)
                assert raised.value.peer == WITHOUT_DATA
        wait_idle(nodes)
    finally:
        catalogue.folder = folder
    assert bodies.run("signaal", RECIPIENT)["state"] == "finished"
    wait_idle(nodes)


# Sizes that somebody changed on the way.


def _entry(sizes: pb.SessionSizes, party: str) -> pb.PartySizes:
    return next(entry for entry in sizes.parties if entry.party == party)


SIZE_CHANGES: dict[str, tuple[Callable[[pb.SessionMessage], None], str, str]] = {
    "own set": (lambda m: setattr(_entry(m.sizes, DATA_ONLY), "set_size", 384), DATA_ONLY, "came back changed"),
    "own rows": (lambda m: setattr(_entry(m.sizes, DATA_ONLY), "row_size", 320), DATA_ONLY, "must not have"),
    "no public size": (lambda m: setattr(_entry(m.sizes, COMPUTING), "set_size", 300), DATA_ONLY, "300 rows"),
    "2^40": (lambda m: setattr(_entry(m.sizes, LEADER), "row_size", 1 << 40), DATA_ONLY, str(1 << 40)),
    "rows of nobody": (lambda m: setattr(_entry(m.sizes, WITHOUT_DATA), "set_size", 256), DATA_ONLY, "must not have"),
    "a party less": (lambda m: m.sizes.parties.pop(), DATA_ONLY, "not those of the plan's parties"),
    "a party twice": (lambda m: m.sizes.parties.append(m.sizes.parties[0]), DATA_ONLY, "not those of the plan"),
    "accepted set": (lambda m: setattr(m.acceptance, "data_size", 384), DATA_ONLY, "came back changed"),
    "accepted 2^40": (lambda m: setattr(m.acceptance, "data_size", 1 << 40), LEADER, str(1 << 40)),
    "accepted rows": (lambda m: setattr(m.acceptance, "row_size", 320), LEADER, "must not have"),
}


@pytest.mark.parametrize("name", SIZE_CHANGES)
def test_changed_sizes_are_refused(bodies: JointBodies, nodes: Nodes, name: str) -> None:
    change, finder, why = SIZE_CHANGES[name]
    content = "acceptance" if name.startswith("accepted") else "sizes"

    def meddle(_way: str, _number: int, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if parsed.WhichOneof("content") == content:
            change(parsed)
        return [parsed.SerializeToString()]

    target = bodies.nodes[DATA_ONLY].address
    known = {record["run_id"] for record in records(nodes[LEADER])}
    with (
        Proxy(target, bodies.node_credentials(DATA_ONLY), bodies.node_credentials(LEADER)) as proxy,
        rerouted(nodes[LEADER], DATA_ONLY, proxy.address),
    ):
        proxy.meddle = meddle
        told = outcome(bodies, "leden")
        wait_idle(nodes)
    assert isinstance(told, PeerError if finder == LEADER else PeerAborted)
    assert told.step
    (run_id,) = {record["run_id"] for record in records(nodes[LEADER])} - known
    error = record_of(nodes[finder], run_id)["error"]
    assert why in error
    assert "step sizes" in error
    assert all(record_of(nodes[party], run_id)["state"] == "failed" for party in SCENARIOS["leden"][2])


def test_a_peer_of_another_wire_version_gets_a_clear_answer(bodies: JointBodies, nodes: Nodes) -> None:
    def newer(_way: str, _number: int, message: bytes) -> list[bytes]:
        parsed = pb.SessionMessage.FromString(message)
        if parsed.WhichOneof("content") == "proposal":
            parsed.proposal.wire_version += 1
        return [parsed.SerializeToString()]

    target = bodies.nodes[RECIPIENT].address
    with (
        Proxy(target, bodies.node_credentials(RECIPIENT), bodies.node_credentials(LEADER)) as proxy,
        rerouted(nodes[LEADER], RECIPIENT, proxy.address),
    ):
        proxy.meddle = newer
        told = outcome(bodies, "signaal")
        wait_idle(nodes)
    assert isinstance(told, VersionMismatch)
    assert told.peer == RECIPIENT


def test_what_a_recipient_gets_is_what_its_rows_are(bodies: JointBodies, nodes: Nodes) -> None:
    """Nobody who opted out anywhere is in any result."""
    excluded = set(format_bsn(np.concatenate(list(bodies.people.opted_out.values()))).tolist())
    for name in ("leden", "signaal", "beurtelings"):
        assert not excluded & set(expected_result(bodies.people, name)["bsn"])
        record = bodies.run(name)
        wait_idle(nodes)
        assert not excluded & set(_result(bodies, RECIPIENTS[name], record["run_id"])["bsn"])
