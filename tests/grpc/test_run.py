"""Runs between real nodes over loopback gRPC with mTLS, and what an operator and a stranger can do."""

from __future__ import annotations

import io
import json
import stat
import threading
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from support.nodes import DATA_PARTIES, LEADER, Bodies, records_of, results_of, serving, wait_until_idle

from psi_match.base.errors import DataError, PolicyRefusal, ScenarioError, UsageError
from psi_match.domain.bsn import format_bsn
from psi_match.node.channels import open_channel
from psi_match.node.config import NodeConfig
from psi_match.node.logs import configure_logs
from psi_match.node.operator_client import OperatorClient, finished_record
from psi_match.node.store import Store
from psi_match.wire.v1 import operator_pb2 as pb


def _operator(bodies: Bodies, party: str = LEADER) -> OperatorClient:
    return OperatorClient(bodies.nodes[party].address, bodies.operator_credentials(party))


@pytest.mark.parametrize("engine", ["kkrt", "vole", pytest.param("ecdh", marks=pytest.mark.openmined)])
def test_the_leader_learns_each_pair_and_nobody_else_anything(bodies: Bodies, engine: str) -> None:
    with serving(bodies) as nodes, _operator(bodies) as operator:
        record = operator.run("paren", engine)
        table = pd.read_parquet(io.BytesIO(operator.result(record["run_id"])))
        theirs = {}
        for party in DATA_PARTIES:
            with _operator(bodies, party) as own:
                theirs[party] = finished_record(own, record["run_id"])
        wait_until_idle(nodes)
    leader = bodies.rows[LEADER]
    expected = pd.DataFrame(
        {"bsn": format_bsn(leader)} | {party: np.isin(leader, bodies.rows[party]) for party in DATA_PARTIES}
    )
    expected = expected[expected[list(DATA_PARTIES)].any(axis=1)].sort_values("bsn", ignore_index=True)
    pd.testing.assert_frame_equal(table.astype({"bsn": str}), expected.astype({"bsn": str}))
    assert {party: pair["matches"] for party, pair in record["pairs"].items()} == bodies.expected()
    for party in DATA_PARTIES:
        pair = theirs[party]["pairs"][LEADER]
        assert pair["matches"] is None
        assert theirs[party]["result_rows"] is None
        assert pair["bytes_in"] == record["pairs"][party]["bytes_out"]
        assert pair["bytes_out"] == record["pairs"][party]["bytes_in"]
        assert theirs[party]["state"] == "finished"
    (result,) = results_of(bodies)
    assert bodies.nodes[LEADER].folder in result.parents
    for path in bodies.folder.glob("nodes/*/state/**/*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_bytes_do_not_depend_on_the_rows(bodies: Bodies) -> None:
    with serving(bodies) as nodes, _operator(bodies) as operator:
        first = operator.run("paar")
        wait_until_idle(nodes)
        second = operator.run("paar")
    for key in ("bytes_in", "bytes_out", "rounds"):
        assert first["pairs"]["belastingdienst"][key] == second["pairs"]["belastingdienst"][key]
    assert first["run_id"] != second["run_id"]


def test_records_and_logs_hold_no_bsn(bodies: Bodies, capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs(verbose=True)
    try:
        with serving(bodies), _operator(bodies) as operator:
            record = operator.run("paren")
    finally:
        structlog.reset_defaults()
    logged = capfd.readouterr().err
    assert record["run_id"] in logged, "the log is where this test looks"
    written = logged + json.dumps(record)
    written += "".join(path.read_text() for path in bodies.folder.glob("nodes/*/state/runs/*/record.json"))
    everyone = set(format_bsn(np.concatenate(list(bodies.rows.values()))).tolist())
    assert not [bsn for bsn in everyone if bsn in written or bsn.lstrip("0") in written]


def test_a_dry_run_checks_everything_and_starts_nothing(bodies: Bodies) -> None:
    with serving(bodies) as nodes, _operator(bodies) as operator:
        checked = operator.run("paren", dry_run=True)
        assert checked["rows_in"] == 400
        assert set(checked["peers"]) == set(DATA_PARTIES)
        assert all(not records_of(node) for node in nodes.values())
    with serving(bodies, (LEADER,)), _operator(bodies) as operator:
        with pytest.raises(Exception, match="belastingdienst") as raised:
            operator.run("paren", dry_run=True)
        assert raised.value.exit_code == 6


def test_several_runs_at_a_time_and_one_too_many(bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: list[Any] = []
    all_started, write = threading.Event(), Store.write_result

    def held(store: Store, *arguments: Any) -> None:
        # Those that are let in are at work until all others have been told no.
        assert all_started.wait(60)
        write(store, *arguments)

    monkeypatch.setattr(Store, "write_result", held)

    def run() -> None:
        with _operator(bodies) as operator:
            try:
                outcomes.append(operator.run("paren")["pairs"])
            except PolicyRefusal as refusal:
                outcomes.append(refusal)
                if len(outcomes) == 4:
                    all_started.set()

    with serving(bodies) as nodes:
        threads = [threading.Thread(target=run) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until_idle(nodes)
        done = [outcome for outcome in outcomes if isinstance(outcome, dict)]
        refused = [outcome for outcome in outcomes if isinstance(outcome, PolicyRefusal)]
        assert (len(done), len(refused)) == (2, 4), "six runs at once are too many for nodes that allow two"
        assert all("as many as it allows" in str(refusal) for refusal in refused)
        for pairs in done:
            assert {party: pair["matches"] for party, pair in pairs.items()} == bodies.expected()
        with _operator(bodies) as operator:
            operator.run("paren")
    assert len(results_of(bodies)) == len(done) + 1


def test_only_the_leaders_own_operator_gets_in(bodies: Bodies) -> None:
    with serving(bodies), _operator(bodies) as operator:
        run_id = operator.run("paren")["run_id"]
        with _operator(bodies, "toeslagen") as other:
            with pytest.raises(UsageError, match="no result"):
                other.result(run_id)
            with pytest.raises(PolicyRefusal, match="led by cjib"):
                other.run("paren")
        # The operator of one body at the node of another: the certificate of the node is not the one expected.
        foreign = OperatorClient(bodies.nodes[LEADER].address, bodies.operator_credentials("toeslagen"))
        with foreign, pytest.raises(Exception, match="toeslagen") as raised:
            foreign.result(run_id)
        assert raised.value.exit_code == 6
        # ... and even where that check is left out, the node refuses.
        for credentials in (bodies.operator_credentials("toeslagen"), bodies.node_credentials(LEADER)):
            with open_channel(bodies.nodes[LEADER].address, LEADER, credentials) as channel:
                call = channel.unary_unary(
                    "/psi_match.wire.v1.Operator/Status",
                    request_serializer=pb.StatusRequest.SerializeToString,
                    response_deserializer=pb.StatusReply.FromString,
                )
                with pytest.raises(grpc.RpcError) as refused:
                    call(pb.StatusRequest(), timeout=60)
                assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_a_stranger_with_a_certificate_finds_health_and_reflection(bodies: Bodies) -> None:
    with serving(bodies, (LEADER,)):
        node = bodies.nodes[LEADER]
        with open_channel(node.address, LEADER, bodies.node_credentials("toeslagen")) as channel:
            health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
            assert health.status == health_pb2.HealthCheckResponse.SERVING
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            request = reflection_pb2.ServerReflectionRequest(list_services="")
            (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=60)
            services = {service.name for service in answer.list_services_response.service}
            assert {"psi_match.wire.v1.Peer", "psi_match.wire.v1.Operator", "grpc.health.v1.Health"} <= services
            symbol = reflection_pb2.ServerReflectionRequest(file_containing_symbol="psi_match.wire.v1.Peer")
            (answer,) = stub.ServerReflectionInfo(iter([symbol]), timeout=60)
            assert answer.file_descriptor_response.file_descriptor_proto


def test_unknown_scenarios_and_engines_are_refused(bodies: Bodies) -> None:
    with serving(bodies), _operator(bodies) as operator:
        with pytest.raises(ScenarioError, match="no scenario"):
            operator.run("bestaat-niet")
        with pytest.raises(UsageError, match="does not allow this engine"):
            operator.run("paren", "rsa")


def test_another_text_of_the_scenario_is_refused(bodies: Bodies, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in (bodies.folder / "scenarios").glob("*.toml"):
        (other / path.name).write_text(path.read_text().replace('en = "Test"', 'en = "Tent"', 1))

    def change(config: NodeConfig) -> NodeConfig:
        return config.model_copy(update={"scenario_dir": other})

    with serving(bodies, change={"toeslagen": change}) as nodes, _operator(bodies) as operator:
        with pytest.raises(PolicyRefusal, match="another text") as raised:
            operator.run("paren")
        assert raised.value.peer == "toeslagen"
        with pytest.raises(PolicyRefusal, match="another text"):
            operator.run("paren", dry_run=True)
        wait_until_idle(nodes)
        assert operator.run("paar")["pairs"]["belastingdienst"]["matches"] == bodies.expected()["belastingdienst"]


@pytest.mark.parametrize("party", [LEADER, "toeslagen"])
def test_a_dataset_that_is_too_old_ends_the_run_at_all_ends(bodies: Bodies, party: str) -> None:
    import datetime

    from support.nodes import write_rows

    day = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=40)
    write_rows(bodies.folder / "data" / party / "rows.parquet", bodies.rows[party], day)
    with serving(bodies) as nodes, _operator(bodies) as operator:
        with pytest.raises(Exception, match=r"days old|own dataset") as raised:
            operator.run("paren")
        if party == LEADER:
            assert isinstance(raised.value, DataError)
        else:
            assert raised.value.peer == party
            assert str(day) not in str(raised.value), "the cause is the owner's business"
            (record,) = records_of(nodes[party])
            assert str(day) in record["error"]
        wait_until_idle(nodes)
    assert not results_of(bodies)


def test_empty_sets_run_like_any_other(bodies: Bodies) -> None:
    from support.nodes import write_rows

    for party in (LEADER, "toeslagen"):
        write_rows(bodies.folder / "data" / party / "rows.parquet", bodies.rows[party][:0])
    with serving(bodies), _operator(bodies) as operator:
        record = operator.run("paren")
    assert record["result_rows"] == 0
    assert [pair["matches"] for pair in record["pairs"].values()] == [0, 0]
