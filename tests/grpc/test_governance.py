"""What a node refuses, between real nodes: the rule is named at home and in the log, peers get a public sentence, and
nothing was computed. Changes of policy, agreements, keys and certificates count without a restart.
"""

from __future__ import annotations

import datetime
import io
import json
import shutil
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd
import pytest
import tomli_w
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.nodes import (
    END_WITHIN_S,
    LEADER,
    Bodies,
    records_of,
    results_of,
    serving,
    wait_until_idle,
    with_peer_at,
    write_rows,
)
from support.proxy import Meddle, Proxy

from psi_match.base.errors import ConfigError, PolicyRefusal, PsiMatchError, TransportError, UsageError
from psi_match.domain.bsn import format_bsn
from psi_match.governance.agreement_files import sign_agreement, write_agreement
from psi_match.governance.audit.files import log_files
from psi_match.governance.proposal import propose
from psi_match.governance.rules import PUBLIC, Rule
from psi_match.governance.signing import KeySigner, Signers
from psi_match.node import operator_service
from psi_match.node.certificates import AUDITOR, NODE, OPERATOR, Credentials, serial_of, write_key_folder, write_private
from psi_match.node.channels import open_channel
from psi_match.node.config import NodeConfig, read_config
from psi_match.node.local_governance import LocalPolicy, agree_as_all, demo_conditions
from psi_match.node.local_nodes import LocalDataset, write_node_folder
from psi_match.node.log_heads import RunHeads
from psi_match.node.operator_client import OperatorClient
from psi_match.node.outgoing_stream import SESSION_METHOD
from psi_match.node.refusals import LINES_A_MINUTE
from psi_match.node.revocation import REVOKED_NAME, revoke
from psi_match.node.server import Node
from psi_match.scenario.catalogue import Catalogue
from psi_match.wire import version
from psi_match.wire.v1 import operator_pb2 as pb
from psi_match.wire.v1 import operator_pb2_grpc, peer_pb2, peer_pb2_grpc

PEER = "belastingdienst"
BOTH = (LEADER, PEER)
NAME = "paar"
Nodes = dict[str, Node]


@pytest.fixture
def nodes(bodies: Bodies) -> Iterator[Nodes]:
    with serving(bodies, BOTH) as found:
        yield found


@contextmanager
def person(bodies: Bodies, party: str = LEADER, role: str = OPERATOR) -> Iterator[OperatorClient]:
    credentials = Credentials.read(bodies.nodes[party].keys, role)
    with OperatorClient(bodies.nodes[party].address, credentials) as client:
        yield client


def run(bodies: Bodies, scenario: str = NAME, **options: Any) -> dict[str, Any]:
    with person(bodies) as operator:
        return operator.run(scenario, **options)


def write_policy(
    bodies: Bodies, party: str, change: Callable[[dict[str, Any]], object] = lambda _policy: None, **limits: object
) -> None:
    """Give a node another policy while it runs."""
    own = LocalPolicy(set(bodies.nodes) - {party}, [NAME, "paren"], limits)
    content = tomllib.loads(own.toml())
    change(content)
    (bodies.nodes[party].folder / "policy.toml").write_text(tomli_w.dumps(content))


def log_of(bodies: Bodies, party: str) -> list[dict[str, Any]]:
    files = log_files(bodies.nodes[party].folder / "state" / "audit")
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def refusals(bodies: Bodies, party: str) -> list[dict[str, Any]]:
    return [line["fields"] for line in log_of(bodies, party) if line["event"] == "refused"]


def refused_here(bodies: Bodies, rule: Rule, **options: Any) -> PolicyRefusal:
    """Run; the leader's own node says no and names the rule."""
    with pytest.raises(PolicyRefusal) as raised:
        run(bodies, **options)
    assert f"Rule {rule}: " in raised.value.sentence
    last = refusals(bodies, LEADER)[-1]
    assert last["rule"] == rule
    assert last["operator"] == "demo"
    assert not results_of(bodies)
    return raised.value


def refused_there(bodies: Bodies, nodes: Nodes, rule: Rule) -> None:
    """Run; the data party's node says no: its rule stays there, the leader gets the public sentence."""
    with pytest.raises(PolicyRefusal) as raised:
        run(bodies)
    assert raised.value.sentence == f"{PEER} refuses: {PUBLIC[rule]}"
    assert raised.value.peer == PEER
    wait_until_idle(nodes)
    last = refusals(bodies, PEER)[-1]
    assert (last["rule"], last["peer"], last["scenario"]) == (rule, LEADER, NAME)
    assert not results_of(bodies)
    assert records_of(nodes[LEADER])[-1]["state"] == "failed"


def runs_again(bodies: Bodies, nodes: Nodes) -> dict[str, Any]:
    record = run(bodies)
    wait_until_idle(nodes)
    assert record["pairs"][PEER]["matches"] == bodies.expected()[PEER]
    return record


# Default: deny.


def test_without_a_policy_nothing_runs(bodies: Bodies, nodes: Nodes) -> None:
    for party, refused in ((LEADER, lambda: refused_here(bodies, Rule.POLICY)), (PEER, None)):
        path = bodies.nodes[party].folder / "policy.toml"
        kept = path.read_text()
        for content in (None, "", "format = 1\n", "nonsense ="):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_text(content)
            if refused:
                # The policy names operators too: without one the caller is refused before anything else.
                with pytest.raises(PolicyRefusal, match=f"Rule {Rule.POLICY}"):
                    run(bodies)
            else:
                refused_there(bodies, nodes, Rule.POLICY)
        path.write_text(kept)
    runs_again(bodies, nodes)


@pytest.mark.parametrize("party", BOTH)
def test_a_peer_that_is_not_named_takes_no_part(bodies: Bodies, nodes: Nodes, party: str) -> None:
    write_policy(bodies, party, lambda p: p.update(peers=["toeslagen"]))
    if party == LEADER:
        refused_here(bodies, Rule.PEER)
    else:
        refused_there(bodies, nodes, Rule.PEER)
    write_policy(bodies, party)
    runs_again(bodies, nodes)


@pytest.mark.parametrize("party", BOTH)
def test_outside_the_hours_nothing_starts(bodies: Bodies, nodes: Nodes, party: str) -> None:
    write_policy(bodies, party, lambda p: p.pop("hours"))
    if party == LEADER:
        refused_here(bodies, Rule.HOURS)
    else:
        refused_there(bodies, nodes, Rule.HOURS)


@pytest.mark.parametrize("party", BOTH)
def test_an_agreement_that_is_not_named_or_not_there_covers_nothing(bodies: Bodies, nodes: Nodes, party: str) -> None:
    def check() -> None:
        if party == LEADER:
            refused_here(bodies, Rule.AGREEMENT)
            refused_here(bodies, Rule.AGREEMENT, agreement=NAME)
        else:
            refused_there(bodies, nodes, Rule.AGREEMENT)

    write_policy(bodies, party, lambda p: p.update(agreements=["paren"]))
    check()
    write_policy(bodies, party)
    file = bodies.nodes[party].folder / "agreements" / f"{NAME}.toml"
    kept = file.read_text()
    file.unlink()
    check()
    file.write_text(kept)
    runs_again(bodies, nodes)


@pytest.mark.parametrize("party", BOTH)
def test_without_all_signatures_it_is_not_in_force(bodies: Bodies, nodes: Nodes, party: str) -> None:
    file = bodies.nodes[party].folder / "agreements" / f"{NAME}.{PEER}.sig"
    file.unlink()
    if party == LEADER:
        refused_here(bodies, Rule.SIGNATURES)
    else:
        refused_there(bodies, nodes, Rule.SIGNATURES)


def test_both_ends_mean_the_same_agreement(bodies: Bodies, nodes: Nodes) -> None:
    # Both are signed by both, on the same scenario; but each end has only one of them in its policy.
    other = bodies.folder / "other"
    conditions = demo_conditions(datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1))
    scenario = Catalogue(bodies.folder / "scenarios").get(NAME)
    keys = {party: bodies.nodes[party].keys for party in BOTH}
    agree_as_all([scenario], keys, dict.fromkeys(BOTH, other) | {PEER: other / "peer"}, conditions)
    for path in other.glob("paar.*"):
        shutil.copy(path, bodies.nodes[LEADER].folder / "agreements" / path.name)
    refused_there(bodies, nodes, Rule.AGREEMENT)


def test_of_several_agreements_one_must_be_chosen(bodies: Bodies, nodes: Nodes) -> None:
    scenario = Catalogue(bodies.folder / "scenarios").get(NAME)
    keys = {party: bodies.nodes[party].keys for party in BOTH}
    known = Signers.read(keys[LEADER] / "signers.toml")
    conditions = demo_conditions(datetime.datetime.now(datetime.UTC).date())
    for party in BOTH:
        folder = bodies.nodes[party].folder / "agreements"
        path = write_agreement(folder, propose(scenario, "tweede", known, conditions))
        for signer in BOTH:
            sign_agreement(path, signer, KeySigner.read(keys[signer] / "signing.key"))
        write_policy(bodies, party, lambda p: p["agreements"].append("tweede"))
    with pytest.raises(UsageError, match="Several agreements"):
        run(bodies)
    refused_here(bodies, Rule.AGREEMENT, agreement="derde")
    assert run(bodies, agreement="tweede")["agreement"] == "tweede"
    wait_until_idle(nodes)


def test_the_log_says_which_policy_was_in_force(bodies: Bodies, nodes: Nodes) -> None:
    def digests() -> list[str]:
        return [line["fields"]["policy_digest"] for line in log_of(bodies, PEER) if line["event"] == "policy-read"]

    runs_again(bodies, nodes)
    runs_again(bodies, nodes)
    assert digests() == [nodes[PEER].context.gate.policy().digest.hex()]
    write_policy(bodies, PEER, max_runs=999)
    runs_again(bodies, nodes)
    assert digests()[1:] == [nodes[PEER].context.gate.policy().digest.hex()]
    assert digests()[0] != digests()[1]


# Sizes and counts.


@pytest.mark.parametrize("rule", [Rule.SET_SIZE, Rule.POPULATION_SHARE])
@pytest.mark.parametrize("large", BOTH)
@pytest.mark.parametrize("party", BOTH)
def test_no_set_is_too_large_own_or_the_peers(bodies: Bodies, nodes: Nodes, party: str, large: str, rule: Rule) -> None:
    # 400 rows have public size 448, 100 rows 256.
    small = PEER if large == LEADER else LEADER
    bodies.rows[small] = bodies.rows[small][-100:] if small == LEADER else bodies.rows[small][:100]
    write_rows(bodies.folder / "data" / small / "rows.parquet", bodies.rows[small])
    limits: dict[str, object] = (
        {"max_set_size": 447} if rule is Rule.SET_SIZE else {"population": 1000, "max_population_share": 0.447}
    )
    write_policy(bodies, party, **limits)
    if party == LEADER:
        refused_here(bodies, rule)
    else:
        refused_there(bodies, nodes, rule)
    wider = {"max_set_size": 448} if rule is Rule.SET_SIZE else {"population": 1000, "max_population_share": 0.448}
    write_policy(bodies, party, **wider)
    runs_again(bodies, nodes)


@contextmanager
def meddled(bodies: Bodies, meddle: Meddle) -> Iterator[Nodes]:
    with (
        Proxy(bodies.nodes[PEER].address, bodies.node_credentials(PEER), bodies.node_credentials(LEADER)) as proxy,
        serving(bodies, BOTH, {LEADER: with_peer_at(PEER, proxy.address)}) as nodes,
    ):
        proxy.meddle = meddle
        yield nodes


def _saying(content: str, change: Callable[[Any], object]) -> Meddle:
    """Change the first message of a kind on its way."""

    def meddle(_way: str, _number: int, message: bytes) -> list[bytes]:
        parsed = peer_pb2.SessionMessage.FromString(message)
        if parsed.WhichOneof("content") == content:
            change(getattr(parsed, content))
        return [parsed.SerializeToString()]

    return meddle


def test_a_leader_that_is_too_large_is_refused_by_its_peer(bodies: Bodies) -> None:
    write_policy(bodies, PEER, max_set_size=448)
    with meddled(bodies, _saying("hello", lambda hello: setattr(hello, "leader_size", 512))) as nodes:
        refused_there(bodies, nodes, Rule.SET_SIZE)
        assert not records_of(nodes[PEER]), "nothing was loaded or computed"


def test_a_peer_that_is_too_large_is_refused_by_the_leader(bodies: Bodies) -> None:
    write_policy(bodies, LEADER, max_set_size=448)
    with meddled(bodies, _saying("acceptance", lambda acceptance: setattr(acceptance, "data_size", 512))) as nodes:
        with pytest.raises(PolicyRefusal, match=f"Rule {Rule.SET_SIZE}: the set of {PEER}"):
            run(bodies)
        wait_until_idle(nodes)
        assert not results_of(bodies)


@pytest.mark.parametrize("content", ["hello", "acceptance"])
def test_a_head_that_its_party_did_not_sign_is_refused(bodies: Bodies, content: str) -> None:
    def change(message: Any) -> None:
        message.head.sequence += 1

    with meddled(bodies, _saying(content, change)) as nodes:
        with pytest.raises(PolicyRefusal):
            run(bodies)
        wait_until_idle(nodes)
        party = PEER if content == "hello" else LEADER
        assert refusals(bodies, party)[-1]["rule"] == Rule.SIGNED_HEAD
        assert not [line for line in log_of(bodies, party) if line["event"] == "peer-head"]


@pytest.mark.parametrize("content", ["acceptance", "countersigned"])
def test_a_countersignature_of_another_head_is_refused(bodies: Bodies, content: str) -> None:
    def change(message: Any) -> None:
        setattr(message, "countersignature" if content == "acceptance" else "signature", bytes(64))

    with meddled(bodies, _saying(content, change)) as nodes:
        with suppress(PsiMatchError):
            run(bodies)
        wait_until_idle(nodes)
        party = LEADER if content == "acceptance" else PEER
        assert refusals(bodies, party)[-1]["rule"] == Rule.SIGNED_HEAD
        assert records_of(nodes[party])[-1]["state"] == "failed"
        assert not results_of(bodies)
        assert not any(nodes[PEER].context.ledger._runs.iterdir()), "nothing was released"


@pytest.mark.parametrize("party", BOTH)
def test_runs_on_a_snapshot_are_used_up_also_after_a_restart(bodies: Bodies, party: str) -> None:
    def check(nodes: Nodes) -> None:
        if party == LEADER:
            with pytest.raises(PolicyRefusal, match=f"Rule {Rule.SNAPSHOT_RUNS}"):
                run(bodies)
        else:
            with pytest.raises(PolicyRefusal) as raised:
                run(bodies)
            assert raised.value.sentence == f"{PEER} refuses: {PUBLIC[Rule.SNAPSHOT_RUNS]}"
        wait_until_idle(nodes)
        assert refusals(bodies, party)[-1]["rule"] == Rule.SNAPSHOT_RUNS

    write_policy(bodies, party, max_runs_per_snapshot=2)
    with serving(bodies, BOTH) as nodes:
        runs_again(bodies, nodes)
        runs_again(bodies, nodes)
        check(nodes)
    with serving(bodies, BOTH) as nodes:
        check(nodes)
        # The next extract of this node's data is another snapshot.
        rows = bodies.rows[party][:-1]
        yesterday = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
        write_rows(bodies.folder / "data" / party / "rows.parquet", rows, yesterday)
        run(bodies)


def test_a_dry_run_uses_nothing_up(bodies: Bodies, nodes: Nodes) -> None:
    for party in BOTH:
        write_policy(bodies, party, max_runs_per_snapshot=1, max_runs=1)
    for _ in range(3):
        checked = run(bodies, dry_run=True)
    assert checked["agreement"] == NAME
    runs_again(bodies, nodes)
    with pytest.raises(PolicyRefusal, match=f"Rule {Rule.RUNS}"):
        run(bodies, dry_run=True)


def test_a_run_that_fails_before_anything_is_released_uses_nothing_up(bodies: Bodies) -> None:
    write_policy(bodies, LEADER, max_runs_per_snapshot=1)
    with serving(bodies, (LEADER,)):
        for _ in range(3):
            with pytest.raises(TransportError):
                run(bodies)
    with serving(bodies, BOTH) as nodes:
        runs_again(bodies, nodes)


# People.


def test_an_operator_who_is_not_named_may_do_nothing(bodies: Bodies, nodes: Nodes) -> None:
    record = runs_again(bodies, nodes)
    write_policy(bodies, LEADER, lambda p: p.update(operators=["anna"]))
    for attempt in (
        lambda client: client.run(NAME),
        lambda client: client.status(),
        lambda client: client.result(record["run_id"]),
    ):
        with person(bodies) as operator, pytest.raises(PolicyRefusal, match=f"Rule {Rule.OPERATOR}"):
            attempt(operator)
    assert refusals(bodies, LEADER)[-1] == {"rule": Rule.OPERATOR, "operator": "demo"}


def test_an_auditor_reads_records_and_log_and_never_a_result(bodies: Bodies, nodes: Nodes) -> None:
    record = runs_again(bodies, nodes)
    with person(bodies, LEADER, AUDITOR) as auditor:
        (seen,) = auditor.status().runs
        assert json.loads(seen.record_json)["run_id"] == record["run_id"]
        files = auditor.log()
        (content,) = files.values()
        assert [json.loads(line) for line in content.splitlines()] == log_of(bodies, LEADER)
        assert json.loads(content.splitlines()[-1])["event"] == "log-read"
        for attempt in (lambda: auditor.run(NAME), lambda: auditor.result(record["run_id"])):
            with pytest.raises(PolicyRefusal, match=f"Rule {Rule.CALLER}"):
                attempt()
    with person(bodies) as operator, pytest.raises(PolicyRefusal, match=f"Rule {Rule.CALLER}"):
        operator.log()
    write_policy(bodies, LEADER, lambda p: p.update(auditors=[]))
    with person(bodies, LEADER, AUDITOR) as auditor, pytest.raises(PolicyRefusal, match=f"Rule {Rule.AUDITOR}"):
        auditor.log()


@pytest.mark.parametrize("role", [OPERATOR, AUDITOR, NODE])
def test_others_than_its_own_people_may_do_nothing_at_a_node(bodies: Bodies, nodes: Nodes, role: str) -> None:
    record = runs_again(bodies, nodes)
    theirs = Credentials.read(bodies.nodes[PEER].keys, role)
    # They dial this node by its own name, as their own program would not.
    with open_channel(bodies.nodes[LEADER].address, LEADER, theirs) as channel:
        stub = operator_pb2_grpc.OperatorStub(channel)
        for call in (
            lambda: list(stub.Run(pb.RunRequest(scenario=NAME))),
            lambda: stub.Status(pb.StatusRequest()),
            lambda: list(stub.Result(pb.ResultRequest(run_id=record["run_id"]))),
            lambda: list(stub.Log(pb.LogRequest())),
        ):
            with pytest.raises(grpc.RpcError) as raised:
                call()
            assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert refusals(bodies, LEADER)[-1] == {"rule": Rule.CALLER, "peer": PEER}


def test_refusals_without_end_do_not_fill_the_log(bodies: Bodies) -> None:
    asked = 3 * LINES_A_MINUTE
    with serving(bodies, (LEADER,)) as nodes, person(bodies, LEADER, AUDITOR) as auditor:
        # All of them in one minute, however long they take.
        moment = nodes[LEADER].context.clock.now()
        nodes[LEADER].context.refusals._now = lambda: moment
        for _ in range(asked):
            with pytest.raises(PolicyRefusal):
                auditor.result("0" * 32)
        assert len(refusals(bodies, LEADER)) == LINES_A_MINUTE
    lines = refusals(bodies, LEADER)
    assert len(lines) == LINES_A_MINUTE + 1, "the rest is told when the node stops"
    assert len(lines) + sum(line.get("repeated", 0) for line in lines) == asked


def test_a_peer_learns_nothing_of_scenarios_without_a_part_for_it(bodies: Bodies) -> None:
    stranger = bodies.node_credentials("toeslagen")
    with serving(bodies, (PEER,)) as nodes, open_channel(bodies.nodes[PEER].address, PEER, stranger) as channel:
        said = []
        for scenario, digest in (("no-such", bytes(32)), (NAME, bytes(32))):
            hello = peer_pb2.Hello(
                wire_version=version.WIRE_VERSION,
                parameters=version.parameters(),
                run_id=bytes(16),
                scenario=scenario,
                scenario_digest=digest,
                leader="toeslagen",
            )
            first = peer_pb2.SessionMessage(hello=hello).SerializeToString()
            answers = map(peer_pb2.SessionMessage.FromString, channel.stream_stream(SESSION_METHOD)(iter([first])))
            said += [answer.abort.sentence for answer in answers if answer.WhichOneof("content") == "abort"]
        assert said == [f"Node {PEER} does not know this scenario."] * 2
        assert not records_of(nodes[PEER])


def test_a_node_that_is_no_peer_here_is_nobody(bodies: Bodies) -> None:
    def without_leader(config: NodeConfig) -> NodeConfig:
        return config.model_copy(update={"peers": tuple(p for p in config.peers if p.party != LEADER)})

    people = Credentials.read(bodies.nodes[LEADER].keys, OPERATOR)
    for change, credentials in (
        ({PEER: without_leader}, bodies.node_credentials(LEADER)),
        ({}, people),
    ):
        with serving(bodies, (PEER,), change), open_channel(bodies.nodes[PEER].address, PEER, credentials) as channel:
            stub = peer_pb2_grpc.PeerStub(channel)
            with pytest.raises(grpc.RpcError) as raised:
                stub.Greet(peer_pb2.GreetRequest())
            assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert refusals(bodies, PEER)[-1] == {"rule": Rule.CALLER, "peer": LEADER}


def test_status_tells_of_the_newest_runs(bodies: Bodies, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = runs_again(bodies, nodes), runs_again(bodies, nodes)
    monkeypatch.setattr(operator_service, "_MOST_RECORDS", 1)
    record = json.loads((bodies.nodes[LEADER].folder / "state" / "runs" / second["run_id"] / "record.json").read_text())
    record["started"] = "2999-01-01T00:00:00+00:00"
    (bodies.nodes[LEADER].folder / "state" / "runs" / second["run_id"] / "record.json").write_text(json.dumps(record))
    with person(bodies) as operator:
        assert [run.run_id for run in operator.status().runs] == [second["run_id"]]
        assert [run.run_id for run in operator.status(first["run_id"]).runs] == [first["run_id"]]
        assert not operator.status("0" * 32).runs


# Keys and certificates, without a restart.


def test_a_revoked_node_is_refused_at_its_next_call(bodies: Bodies, nodes: Nodes) -> None:
    runs_again(bodies, nodes)
    serial = serial_of(bodies.node_credentials(LEADER).certificate)
    revoke(bodies.nodes[PEER].keys / REVOKED_NAME, serial, "stolen", datetime.date(2026, 11, 24))
    with pytest.raises(PolicyRefusal, match="revoked"):
        run(bodies)
    wait_until_idle(nodes)
    assert refusals(bodies, PEER)[-1] == {"rule": Rule.CALLER, "peer": LEADER}


def test_a_new_certificate_is_in_use_from_the_next_connection_on(bodies: Bodies, nodes: Nodes) -> None:
    now = datetime.datetime.now(datetime.UTC)
    before = {party: serial_of(bodies.node_credentials(party).certificate) for party in BOTH}
    for party in BOTH:
        write_key_folder(bodies.nodes[party].keys, bodies.authority, party, (NODE,), now)
        # The old ones are no good any more.
        revoke(bodies.nodes[LEADER].keys / REVOKED_NAME, before[party], "replaced", now.date())
        revoke(bodies.nodes[PEER].keys / REVOKED_NAME, before[party], "replaced", now.date())
    runs_again(bodies, nodes)


def test_a_peer_without_the_signing_key_of_the_agreement_is_no_peer(bodies: Bodies) -> None:
    stranger = _stranger()
    for party in BOTH:
        path = bodies.nodes[party].keys / "signing.key"
        kept = path.read_bytes()
        write_private(path, stranger)
        with serving(bodies, BOTH) as nodes:
            with pytest.raises(PolicyRefusal) as raised:
                run(bodies)
            wait_until_idle(nodes)
            found = refusals(bodies, PEER if party == LEADER else LEADER)[-1]
            assert found["rule"] == Rule.SIGNED_HEAD
            assert raised.value.peer == PEER
            assert not results_of(bodies)
        write_private(path, kept)


def test_an_old_head_is_of_no_use_to_a_thief_of_a_tls_key(bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[peer_pb2.SignedHead] = []
    with meddled(bodies, _saying("hello", lambda hello: heads.append(hello.head))) as nodes:
        runs_again(bodies, nodes)
    # The thief has the leader's TLS key and its program, without the checks, but not its signing key.
    write_private(bodies.nodes[LEADER].keys / "signing.key", _stranger())
    shutil.rmtree(bodies.nodes[LEADER].folder / "state")
    checked = RunHeads.take_countersignature

    def unchecked(own: RunHeads, party: str, signature: bytes) -> None:
        if own._context.party != LEADER:
            checked(own, party, signature)

    monkeypatch.setattr(RunHeads, "take_countersignature", unchecked)
    with meddled(bodies, _saying("hello", lambda hello: hello.head.CopyFrom(heads[0]))) as nodes:
        with pytest.raises(PolicyRefusal):
            run(bodies)
        wait_until_idle(nodes)
        assert refusals(bodies, PEER)[-1]["rule"] == Rule.SIGNED_HEAD
        assert not results_of(bodies)
        assert len(list(nodes[PEER].context.ledger._runs.iterdir())) == 1, "nothing was released"


def _stranger() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_a_signing_key_that_is_taken_out_ends_the_agreement(bodies: Bodies, nodes: Nodes) -> None:
    path = bodies.nodes[PEER].keys / "signers.toml"
    key = bodies.nodes[LEADER].keys / "signers.toml"
    assert key.read_text() == path.read_text()
    text = path.read_text()
    start = text.index("[[signers]]")
    path.write_text(text[:start] + text[text.index("[[signers]]", start + 1) :])
    refused_there(bodies, nodes, Rule.SIGNATURES)
    path.unlink()
    refused_there(bodies, nodes, Rule.SIGNATURES)


def test_one_node_per_state_folder(bodies: Bodies, nodes: Nodes) -> None:
    del nodes
    with pytest.raises(ConfigError, match="Another node uses"):
        Node(bodies.configs[LEADER].model_copy(update={"listen": "127.0.0.1:0"}))


# Opting out, in a pairwise run.


def _with_lists(bodies: Bodies, party: str, own: np.ndarray, register: np.ndarray) -> NodeConfig:
    node = bodies.nodes[party]
    datasets = {"rows": LocalDataset(bodies.folder / "data" / party / "rows.parquet")}
    for name, rows in (("own", own), ("register", register)):
        path = bodies.folder / "data" / party / f"{name}.parquet"
        write_rows(path, rows)
        datasets[name] = LocalDataset(path)
    addresses = {other: each.address for other, each in bodies.nodes.items()}
    extra = f'scenario_dir = "{bodies.folder / "scenarios"}"\nopt_outs = "own"\nopt_out_register = "register"\n'
    write_node_folder(node.folder, node, addresses, datasets, extra)
    return read_config(node.folder / "node.toml")


def test_who_opted_out_at_either_end_is_in_no_result(bodies: Bodies) -> None:
    both = np.intersect1d(bodies.rows[LEADER], bodies.rows[PEER])
    out = {LEADER: (both[:3], both[3:5]), PEER: (both[5:9], both[8:10])}
    for party, (own, register) in out.items():
        bodies.configs[party] = _with_lists(bodies, party, own, register)
    with serving(bodies, BOTH) as nodes:
        record = run(bodies)
        with person(bodies) as operator:
            table = pd.read_parquet(io.BytesIO(operator.result(record["run_id"])))
        wait_until_idle(nodes)
        theirs = records_of(nodes[PEER])[-1]
    assert table["bsn"].tolist() == sorted(format_bsn(both[10:]).tolist())
    assert (record["opted_out"], theirs["opted_out"]) == (5, 5)
    assert (record["rows_in"], theirs["rows_in"]) == (395, 395)
    fixed = [line["fields"] for line in log_of(bodies, PEER) if line["event"] == "contribution-fixed"]
    assert fixed[-1]["opted_out"] == 5


def test_without_its_opt_out_list_a_node_does_not_run(bodies: Bodies) -> None:
    bodies.configs[PEER] = _with_lists(bodies, PEER, bodies.rows[PEER][:1], bodies.rows[PEER][1:2])
    (bodies.folder / "data" / PEER / "register.parquet").unlink()
    with serving(bodies, BOTH) as nodes:
        with pytest.raises(PsiMatchError):
            run(bodies)
        wait_until_idle(nodes)
        assert "register" in records_of(nodes[PEER])[-1]["error"]


# Retention.


def _set_due(bodies: Bodies, party: str, run_id: str, *parts: str) -> Path:
    folder = bodies.nodes[party].folder / "state" / "runs" / run_id
    record = json.loads((folder / "record.json").read_text())
    yesterday = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    record["keep_until"] |= dict.fromkeys(parts, str(yesterday))
    (folder / "record.json").write_text(json.dumps(record))
    return folder


def test_what_is_due_is_deleted_and_written_down(bodies: Bodies) -> None:
    with serving(bodies, BOTH) as nodes:
        record = runs_again(bodies, nodes)
        run_id = record["run_id"]
        today = datetime.datetime.now(datetime.UTC).date()
        assert record["keep_until"]["result"] == str(today + datetime.timedelta(days=7))
        folder = _set_due(bodies, LEADER, run_id, "result")
        assert (folder / "result.parquet").exists()
        with person(bodies) as operator, pytest.raises(UsageError, match="no result"):
            operator.result(run_id)
        assert not (folder / "result.parquet").exists()
        assert records_of(nodes[LEADER])[-1]["purged"] == {"result": str(today)}
        nonce = folder.parents[1] / "nonces" / run_id
        assert nonce.exists()
    _set_due(bodies, LEADER, run_id, "secrets", "record")
    with serving(bodies, BOTH) as nodes:
        # At its start, in a thread of its own.
        wait_until_gone(folder / "record.json")
        assert not nonce.exists()
        assert folder.exists(), "the run id stays used"
        assert not records_of(nodes[LEADER])
    purged = [line["fields"]["what"] for line in log_of(bodies, LEADER) if line["event"] == "purged"]
    assert purged == ["result", "secrets", "record"]


def wait_until_gone(path: Path) -> None:
    deadline = time.monotonic() + END_WITHIN_S
    while path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
