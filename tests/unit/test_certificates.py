"""Certificates and keys: who they say someone is, and that they change under a server that goes on serving."""

from __future__ import annotations

import datetime
import shutil
import socket
import ssl
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import TypeAdapter, ValidationError
from structlog.testing import capture_logs
from support.who_server import WhoServer, ask

from psi_match.base.errors import ConfigError, UsageError
from psi_match.governance.signing import KeySigner, Signers, is_signed
from psi_match.node.certificates import (
    AUDITOR,
    NODE,
    OBSERVER,
    OPERATOR,
    ROLES,
    Authority,
    Credentials,
    Identity,
    LiveCredentials,
    certificate_identity,
    days_left,
    identity_of,
    serial_of,
    server_name,
    write_key_folder,
)
from psi_match.node.channels import live_server_credentials, open_channel
from psi_match.node.signing_config import (
    FileSigning,
    Pkcs11Signing,
    SigningConfig,
    open_signer,
    write_signing_keys,
)

NOW = datetime.datetime.now(datetime.UTC)
PEM = serialization.Encoding.PEM
OLD_FRIEND, NEW_FRIEND = "old friend", "new friend"


@pytest.mark.parametrize(
    "identity",
    [
        Identity("cjib", NODE),
        Identity("cjib", OPERATOR),
        Identity("cjib", OPERATOR, "jansen"),
        Identity("cjib", AUDITOR),
        Identity("cjib", AUDITOR, "de-vries-2"),
        Identity("cjib", OBSERVER, "scherm"),
        Identity("cjib", OPERATOR, "x" * 40),
    ],
)
def test_a_certificate_says_who_its_holder_is(identity: Identity) -> None:
    _, certificate = Authority.create(NOW).issue(identity.party, identity.role, NOW, name=identity.name)
    assert certificate_identity(certificate.public_bytes(PEM)) == identity
    # Peers serve and call; people only call.
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert (x509.ExtendedKeyUsageOID.SERVER_AUTH in usages) == (identity.role == NODE)


@pytest.mark.parametrize(
    "name",
    [
        "psi-match://cjib/node/jansen",
        "psi-match://cjib/operator/",
        "psi-match://cjib/operator/Jansen",
        "psi-match://cjib/operator/1jansen",
        "psi-match://cjib/operator/jansen/x",
        "psi-match://cjib/operator/jansen\n",
        "psi-match://cjib/operator/" + "x" * 41,
        "psi-match://cjib/auditors",
        "psi-match://cjib/observe",
        "psi-match://cjib/admin",
        "psi-match://cjib/nodeoperator",
        "psi-match://cjib//node",
        "PSI-MATCH://cjib/node",
        "psi-match://cjib/node?x",
        "xpsi-match://cjib/node",
    ],
)
def test_other_names_say_nothing(name: str) -> None:
    assert identity_of([name]) is None


def test_two_identities_are_none() -> None:
    one, two = "psi-match://cjib/operator/jansen", "psi-match://cjib/auditor/jansen"
    assert identity_of([one, "https://example.nl"]) == Identity("cjib", OPERATOR, "jansen")
    assert identity_of([one, two]) is None
    assert identity_of([one, one]) is None
    assert identity_of([]) is None


@pytest.mark.parametrize(
    ("party", "role", "name"),
    [("cjib", NODE, "x"), ("cjib", "admin", ""), ("CJIB", NODE, ""), ("cjib", OPERATOR, "J"), ("cjib/x", NODE, "")],
)
def test_no_certificate_is_issued_that_would_say_something_else(party: str, role: str, name: str) -> None:
    with pytest.raises(UsageError):
        Authority.create(NOW).issue(party, role, NOW, name=name)


def test_serial_number_and_days_left_are_those_of_the_certificate() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([]))
    builder = builder.public_key(key.public_key()).serial_number(0xA1B2)
    start, end = NOW - datetime.timedelta(days=9), NOW + datetime.timedelta(days=6, hours=23)
    pem = builder.not_valid_before(start).not_valid_after(end).sign(key, hashes.SHA256()).public_bytes(PEM)
    assert serial_of(pem) == 0xA1B2
    assert days_left(pem, NOW) == 6
    assert days_left(pem, NOW + datetime.timedelta(days=7)) == -1


def test_a_key_folder_holds_all_roles_and_named_people(tmp_path: Path) -> None:
    write_key_folder(tmp_path, Authority.create(NOW), "cjib", ROLES, NOW, "jansen")
    found = {role: Credentials.read(tmp_path, role) for role in ROLES}
    assert {role: credentials.identity.name for role, credentials in found.items()} == {
        NODE: "",
        OPERATOR: "jansen",
        AUDITOR: "jansen",
        OBSERVER: "jansen",
    }
    assert found[NODE].days_left(NOW) == 89
    assert len({serial_of(credentials.certificate) for credentials in found.values()}) == len(ROLES)


# A certificate that changes under a running server


@pytest.fixture
def old(tmp_path: Path) -> Authority:
    authority = Authority.create(NOW)
    write_key_folder(tmp_path / "cjib", authority, "cjib", (NODE,), NOW)
    write_key_folder(tmp_path / OLD_FRIEND, authority, "uwv", (NODE,), NOW)
    return authority


@pytest.fixture
def live(old: Authority, tmp_path: Path) -> LiveCredentials:  # noqa: ARG001  # writes the keys
    return LiveCredentials(tmp_path / "cjib", NODE)


@pytest.fixture
def server(live: LiveCredentials) -> Iterator[WhoServer]:
    with WhoServer(live_server_credentials(live)) as running:
        yield running


def shown_serial(server: WhoServer, friend: Path) -> int:
    """The serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(friend / "ca.pem"))
    context.load_cert_chain(friend / "node.pem", friend / "node.key")
    context.set_alpn_protocols(["h2"])
    host, port = server.address.split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=server_name("cjib")) as connection,
    ):
        der = connection.getpeercert(binary_form=True)
    assert der
    return x509.load_der_x509_certificate(der).serial_number


def who(server: WhoServer, friend: Path) -> str:
    with open_channel(server.address, "cjib", Credentials.read(friend, NODE)) as channel:
        return ask(channel)


def serial_in(folder: Path) -> int:
    return serial_of((folder / "node.pem").read_bytes())


def trust(folder: Path, *authorities: Authority) -> None:
    content = b"".join(authority.certificate.public_bytes(PEM) for authority in authorities)
    (folder / "ca.pem").write_bytes(content)


def test_a_new_connection_gets_the_new_certificate_without_a_restart(
    server: WhoServer, old: Authority, live: LiveCredentials, tmp_path: Path
) -> None:
    folder, friend = tmp_path / "cjib", tmp_path / OLD_FRIEND
    first = serial_in(folder)
    assert shown_serial(server, friend) == first
    before = live.current()
    assert live.current() is before
    with open_channel(server.address, "cjib", Credentials.read(friend, NODE)) as standing:
        assert ask(standing) == "psi-match://uwv/node"
        with capture_logs() as logs:
            write_key_folder(folder, old, "cjib", (NODE,), NOW)
            assert shown_serial(server, friend) == serial_in(folder) != first
        assert ask(standing) == "psi-match://uwv/node"
    assert [line["event"] for line in logs] == ["new certificates in use"]
    assert live.current() is not before
    assert serial_of(live.current().certificate) == serial_in(folder)


def test_a_half_written_pair_keeps_the_old_one_until_it_is_whole(
    server: WhoServer, old: Authority, tmp_path: Path
) -> None:
    folder, friend, new = tmp_path / "cjib", tmp_path / OLD_FRIEND, tmp_path / "new"
    first = serial_in(folder)
    write_key_folder(new, old, "cjib", (NODE,), NOW)
    with capture_logs() as logs:
        shutil.copy(new / "node.pem", folder)
        assert [shown_serial(server, friend) for _ in range(2)] == [first, first]
        (folder / "node.key").write_bytes((new / "node.key").read_bytes()[:100])
        assert who(server, friend) == "psi-match://uwv/node"
        shutil.copy(new / "node.key", folder)
        assert shown_serial(server, friend) == serial_in(folder) != first
    assert [line["log_level"] for line in logs] == ["warning", "warning", "info"]
    assert "does not belong to" in logs[0]["problem"]
    assert "PRIVATE" not in str(logs)


def test_a_certificate_of_another_party_is_not_taken_over(
    server: WhoServer, old: Authority, live: LiveCredentials, tmp_path: Path
) -> None:
    folder, friend = tmp_path / "cjib", tmp_path / OLD_FRIEND
    first = serial_in(folder)
    with capture_logs() as logs:
        write_key_folder(folder, old, "uwv", (NODE,), NOW)
        assert shown_serial(server, friend) == first
    assert "psi-match://uwv/node" in logs[0]["problem"]
    assert live.current().identity == Identity("cjib", NODE)


def test_the_authority_itself_can_be_replaced(server: WhoServer, old: Authority, tmp_path: Path) -> None:
    new = Authority.create(NOW)
    folder, old_friend, new_friend = tmp_path / "cjib", tmp_path / OLD_FRIEND, tmp_path / NEW_FRIEND
    write_key_folder(new_friend, new, "toeslagen", (NODE,), NOW)
    trust(new_friend, new, old)
    with pytest.raises(grpc.RpcError):
        who(server, new_friend)
    # First everybody trusts both, then certificates change, then the old authority goes.
    trust(old_friend, old, new)
    trust(folder, old, new)
    assert who(server, new_friend) == "psi-match://toeslagen/node"
    write_key_folder(folder, new, "cjib", (NODE,), NOW)
    trust(folder, old, new)
    assert who(server, old_friend) == "psi-match://uwv/node"
    trust(folder, new)
    with pytest.raises(grpc.RpcError):
        who(server, old_friend)
    assert who(server, new_friend) == "psi-match://toeslagen/node"


def test_live_credentials_must_be_good_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        LiveCredentials(tmp_path, NODE)


# Signing keys


def test_each_party_gets_a_signing_key_that_all_know(tmp_path: Path) -> None:
    folders = {party: tmp_path / party for party in ("cjib", "uwv")}
    for folder in folders.values():
        folder.mkdir()
    write_signing_keys(folders)
    for party, folder in folders.items():
        assert stat.S_IMODE((folder / "signing.key").stat().st_mode) == 0o600
        signer = open_signer(FileSigning(), folder)
        signature = signer.sign("purpose", b"field")
        for other in folders.values():
            known = Signers.read(other / "signers.toml")
            assert known.keys_of(party) == [signer.public_key]
        assert is_signed(known.keys_of(party)[0], signature, "purpose", b"field")


def test_a_signing_key_is_where_the_config_says(tmp_path: Path) -> None:
    adapter = TypeAdapter[SigningConfig](SigningConfig)
    (tmp_path / "elsewhere").mkdir()
    write_signing_keys({"cjib": tmp_path / "elsewhere"})
    config = adapter.validate_python({"kind": "file", "path": "elsewhere/signing.key"}).relative_to(tmp_path)
    expected = KeySigner.read(tmp_path / "elsewhere" / "signing.key").public_key
    assert open_signer(config, tmp_path).public_key == expected
    token = {"kind": "pkcs11", "module": "/lib/x.so", "token": "t", "label": "l", "pin_file": "pin"}
    assert adapter.validate_python(token).relative_to(tmp_path) == Pkcs11Signing(
        kind="pkcs11", module=Path("/lib/x.so"), token="t", label="l", pin_file=tmp_path / "pin"
    )
    for wrong in ({"kind": "file", "token": "t"}, {"kind": "usb"}, {"path": "x"}, token | {"pin": "1234"}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"246813\n", 0o640, "Others than its owner"),
        (b"246813\n", 0o604, "Others than its owner"),
        (b"\n", 0o600, "holds no PIN"),
        (b"246813\xff", 0o600, "holds no PIN"),
        (None, 0o600, "No such file"),
    ],
)
def test_a_pin_file_is_private_and_holds_a_pin(tmp_path: Path, content: bytes | None, mode: int, said: str) -> None:
    path = tmp_path / "pin"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    config = Pkcs11Signing(kind="pkcs11", module=Path("/x.so"), token="t", label="l", pin_file=path)
    with pytest.raises(ConfigError, match=said) as raised:
        open_signer(config, tmp_path)
    assert "246813" not in f"{raised.value} {raised.value.hint} {raised.value.__context__!r}"


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pin").write_text("246813")
    (tmp_path / "pin").chmod(0o600)
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    config = Pkcs11Signing(kind="pkcs11", module=Path("/x.so"), token="t", label="l", pin_file=tmp_path / "pin")
    with pytest.raises(ConfigError, match="python-pkcs11") as raised:
        open_signer(config, tmp_path)
    assert "psi-match[pkcs11]" in raised.value.hint
