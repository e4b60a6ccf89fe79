"""Revoked certificates: the list, and that a server refuses whoever is on it from the next call on."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs
from support.who_server import KINDS, WhoServer, ask

from psi_match.base.errors import ConfigError, UsageError
from psi_match.node.certificates import (
    NODE,
    OPERATOR,
    ROLES,
    Authority,
    Credentials,
    Identity,
    serial_of,
    write_key_folder,
)
from psi_match.node.channels import RevocationGuard, open_channel, server_credentials
from psi_match.node.revocation import RevocationList, revoke, revoked_serials

NOW = datetime.datetime.now(datetime.UTC)
TODAY = NOW.date()
REVOKED, BROKEN = "The certificate is revoked.", "No certificate can be checked for revocation."


def test_the_list_follows_its_file(tmp_path: Path) -> None:
    path = tmp_path / "revoked.toml"
    revoked = RevocationList(path)
    assert revoked.refusal(10) == ""
    assert revoke(path, 10, "laptop gestolen", TODAY)
    assert (revoked.refusal(10), revoked.refusal(11)) == (REVOKED, "")
    assert revoke(path, 11, "uit dienst", TODAY)
    assert not revoke(path, 10, "nog eens", TODAY)
    assert (revoked.refusal(10), revoked.refusal(11), revoked.refusal(12)) == (REVOKED, REVOKED, "")
    path.unlink()
    assert revoked.refusal(10) == ""


def test_serial_numbers_are_numbers_however_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "revoked.toml"
    entry = '[[revoked]]\nserial = "0A1f"\nreason = "as openssl prints it"\ndate = 2026-01-31\n'
    path.write_text("format = 1\n" + entry)
    assert revoked_serials(path) == {0xA1F}
    assert not revoke(path, 0xA1F, "again", TODAY)


def test_comments_and_entries_of_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "revoked.toml"
    path.write_text("# beheerd door de servicedesk\nformat = 1")
    assert revoke(path, 2**159, "sleutel gelekt", TODAY)
    assert path.read_text().startswith("# beheerd door de servicedesk\n")
    assert revoked_serials(path) == {2**159}
    assert [left.name for left in tmp_path.iterdir()] == ["revoked.toml"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"format = 2\n",
        b"format = 1\nrevoked = 5\n",
        b"format = 1\n[[revoked]]\nserial = 10\nreason = 'x'\ndate = 2026-01-31\n",
        b"format = 1\n[[revoked]]\nserial = 'xyz'\nreason = 'x'\ndate = 2026-01-31\n",
        b"format = 1\n[[revoked]]\nserial = 'a'\nreason = 'x'\n",
        b"format = 1\n[[revoked]\n",
        b"\xff\xfe",
    ],
)
def test_a_list_that_cannot_be_used_refuses_everybody_and_is_said_once(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "revoked.toml"
    revoked = RevocationList(path)
    path.write_bytes(content)
    with capture_logs() as logs:
        assert [revoked.refusal(serial) for serial in (1, 2, 3)] == [BROKEN] * 3
    assert [line["log_level"] for line in logs] == ["error"]
    assert "revoked.toml" in logs[0]["problem"]
    with pytest.raises(ConfigError):
        revoked_serials(path)
    with pytest.raises(ConfigError):
        revoke(path, 1, "x", TODAY)
    assert path.read_bytes() == content
    path.write_bytes(b"format = 1\n")
    assert revoked.refusal(1) == ""


def test_a_list_that_cannot_be_read_refuses_everybody(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    (folder / "revoked.toml").mkdir(parents=True)
    revoked = RevocationList(folder / "revoked.toml")
    with capture_logs() as logs:
        assert [revoked.refusal(1), revoked.refusal(1)] == [BROKEN, BROKEN]
    assert len(logs) == 1
    (folder / "revoked.toml").rmdir()
    assert revoked.refusal(1) == ""
    folder.rmdir()
    assert revoked.refusal(1) == BROKEN


@pytest.mark.parametrize("reason", ["", 'a "quote"', "back\\slash", "two\nlines", "x" * 201, 'x"\n[[revoked]]\n'])
def test_a_reason_is_one_line_of_plain_text(tmp_path: Path, reason: str) -> None:
    with pytest.raises(UsageError):
        revoke(tmp_path / "revoked.toml", 1, reason, TODAY)
    assert not list(tmp_path.iterdir())


# The guard of a server


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    authority = Authority.create(NOW)
    for party in ("cjib", "uwv"):
        write_key_folder(tmp_path / party, authority, party, ROLES, NOW)
    return tmp_path


@pytest.fixture
def told() -> list[tuple[Identity | None, str]]:
    return []


@pytest.fixture
def server(keys: Path, told: list[tuple[Identity | None, str]]) -> Iterator[WhoServer]:
    revoked = RevocationList(keys / "cjib" / "revoked.toml")
    guard = RevocationGuard(revoked, lambda identity, reason: told.append((identity, reason)))
    with WhoServer(server_credentials(Credentials.read(keys / "cjib", NODE)), [guard]) as running:
        yield running


def refused(channel: grpc.Channel, kind: str = "unary_unary") -> str:
    with pytest.raises(grpc.RpcError) as raised:
        ask(channel, kind)
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    return str(raised.value.details())


def test_who_is_revoked_is_refused_from_the_next_call_on(
    server: WhoServer, keys: Path, told: list[tuple[Identity | None, str]]
) -> None:
    friend, other = (Credentials.read(keys / "uwv", role) for role in (OPERATOR, NODE))
    with open_channel(server.address, "cjib", friend) as standing:
        for kind in KINDS:
            assert ask(standing, kind) == "psi-match://uwv/operator/demo"
        revoke(keys / "cjib" / "revoked.toml", serial_of(friend.certificate), "laptop gestolen", TODAY)
        with capture_logs() as logs:
            assert [refused(standing, kind) for kind in KINDS] == [REVOKED] * 4
        with open_channel(server.address, "cjib", friend) as new:
            assert refused(new) == REVOKED
        with open_channel(server.address, "cjib", other) as channel:
            assert ask(channel) == "psi-match://uwv/node"
    assert told == [(Identity("uwv", OPERATOR, "demo"), REVOKED)] * 5
    calls = [line for line in logs if line["event"] == "call refused"]
    assert {(line["reason"], line["caller"]) for line in calls} == {(REVOKED, "psi-match://uwv/operator/demo")}
    assert {line["serial"] for line in calls} == {f"{serial_of(friend.certificate):x}"}


def test_the_health_service_is_guarded_too(server: WhoServer, keys: Path) -> None:
    friend = Credentials.read(keys / "uwv", NODE)
    request = health_pb2.HealthCheckRequest()
    with open_channel(server.address, "cjib", friend) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        # gRPC calls Watch in a way of its own, which holds no thread: here are more than the server has threads.
        watching = [stub.Watch(request, timeout=10) for _ in range(6)]
        assert {next(watch).status for watch in watching} == {health_pb2.HealthCheckResponse.SERVING}
        assert stub.Check(request, timeout=10).status == health_pb2.HealthCheckResponse.SERVING
        revoke(keys / "cjib" / "revoked.toml", serial_of(friend.certificate), "sleutel gelekt", TODAY)
        for call in (lambda: stub.Check(request, timeout=10), lambda: next(stub.Watch(request, timeout=10))):
            with pytest.raises(grpc.RpcError) as raised:
                call()
            assert raised.value.details() == REVOKED


def test_a_method_that_does_not_exist_still_does_not(server: WhoServer, keys: Path) -> None:
    with (
        open_channel(server.address, "cjib", Credentials.read(keys / "uwv", NODE)) as channel,
        pytest.raises(grpc.RpcError) as raised,
    ):
        channel.unary_unary("/Who/absent")(b"", timeout=10)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_broken_list_stops_all_calls_until_it_is_mended(server: WhoServer, keys: Path) -> None:
    path = keys / "cjib" / "revoked.toml"
    with open_channel(server.address, "cjib", Credentials.read(keys / "uwv", NODE)) as channel:
        path.write_text("format = 1\n[[revoked]]\n")
        assert refused(channel) == BROKEN
        path.write_text("format = 1\n")
        assert ask(channel) == "psi-match://uwv/node"


# The commands


def psi_match(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "psi_match", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_revoke_and_show(keys: Path) -> None:
    certificate, path = keys / "uwv" / "operator.pem", keys / "uwv" / "revoked.toml"
    done = psi_match("keys", "revoke", certificate, "--list", path, "--reason", "uit dienst")
    serial = serial_of(certificate.read_bytes())
    assert done.stdout == f"Ingetrokken: {serial:x} (uwv, operator)\n"
    again = psi_match("keys", "revoke", certificate, "--list", path, "--reason", "uit dienst", "--lang", "en")
    assert again.stdout == f"Revoked already: {serial:x} (uwv, operator)\n"
    shown = json.loads(psi_match("keys", "show", keys / "uwv", "--json").stdout)
    assert [(c["role"], c["name"], c["days_left"], c["revoked"]) for c in shown["certificates"]] == [
        ("node", "", 89, False),
        ("operator", "demo", 89, True),
        ("auditor", "demo", 89, False),
        ("observer", "demo", 89, False),
    ]
    assert shown["certificates"][1]["serial"] == f"{serial:x}"
    assert shown["signing_public_key"] is None
    for language, words in (("nl", ("ingetrokken", "ja")), ("en", ("revoked", "yes"))):
        text = psi_match("keys", "show", keys / "uwv", "--lang", language).stdout
        assert all(word in text for word in words)
    assert psi_match("keys", "show", keys).returncode == 3
    assert psi_match("keys", "revoke", keys / "uwv" / "operator.key", "--list", path, "--reason", "x").returncode == 3


def test_init_and_signer_give_every_party_its_keys(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    assert psi_match("keys", "init", folder, "--party", "cjib", "--party", "uwv").returncode == 0
    shown = json.loads(psi_match("keys", "show", folder / "cjib", "--json").stdout)
    assert [c["role"] for c in shown["certificates"]] == list(ROLES)
    entry = psi_match("keys", "signer", folder / "cjib").stdout
    assert shown["signing_public_key"] in entry
    assert entry in (folder / "uwv" / "signers.toml").read_text()
    half = psi_match("keys", "signer", folder / "cjib", "--module", "/x.so")
    assert (half.returncode, "four options" in half.stderr) == (2, True)
