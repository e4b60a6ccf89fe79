"""Parts of a node on their own: certificates, mailboxes, links, store, logs, errors."""

from __future__ import annotations

import datetime
import io
import re
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from psi_match.base import errors
from psi_match.base.errors import ConfigError, PeerError, PolicyRefusal, PsiMatchError, TransportError, UsageError
from psi_match.node.certificates import (
    NODE,
    OPERATOR,
    Authority,
    Credentials,
    Identity,
    certificate_identity,
    server_name,
    write_key_folder,
)
from psi_match.node.link import Link, LinkTimes
from psi_match.node.logs import _fence
from psi_match.node.mailbox import Closed, Mailbox
from psi_match.node.sessions import Session, Sessions
from psi_match.node.store import RunRecord, Store
from psi_match.wire import aborts
from psi_match.wire.v1 import peer_pb2 as pb

NOW = datetime.datetime.now(datetime.UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    authority = Authority.create(NOW)
    for party in ("cjib", "uwv"):
        write_key_folder(folder / party, authority, party, (NODE, OPERATOR), NOW)
    return folder


def test_key_folders_are_private_and_name_their_party(keys: Path) -> None:
    for role in (NODE, OPERATOR):
        credentials = Credentials.read(keys / "cjib", role)
        assert credentials.identity == Identity("cjib", role, "" if role == NODE else "demo")
        assert "PRIVATE" not in repr(credentials)
        assert stat.S_IMODE((keys / "cjib" / f"{role}.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((keys / "cjib").stat().st_mode) == 0o700
    assert not list(keys.rglob("ca.key")), "the demo authority's key is never written"


def test_broken_credentials_are_refused_before_anything_listens(keys: Path, tmp_path: Path) -> None:
    def copy(**changed: bytes) -> Path:
        folder = tmp_path / f"keys{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name in ("ca.pem", "node.pem", "node.key"):
            (folder / name).write_bytes(changed.get(name.replace(".", "_"), (keys / "cjib" / name).read_bytes()))
        return folder

    other = keys / "uwv"
    for folder, said in (
        (tmp_path / "absent", "No such file"),
        (copy(node_key=(other / "node.key").read_bytes()), "does not belong to"),
        (copy(node_pem=b"x"), "not a PEM certificate"),
        (copy(node_key=b"x"), "not an unencrypted PEM private key"),
        (
            copy(
                node_pem=(keys / "cjib" / "operator.pem").read_bytes(),
                node_key=(keys / "cjib" / "operator.key").read_bytes(),
            ),
            "not a node certificate",
        ),
    ):
        with pytest.raises(ConfigError, match=said):
            Credentials.read(folder, NODE)
    key, expired = Authority.create(NOW).issue("cjib", NODE, NOW, -1)
    folder = copy(
        node_pem=expired.public_bytes(serialization.Encoding.PEM),
        node_key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    with pytest.raises(ConfigError, match="expired on"):
        Credentials.read(folder, NODE)


def _certificate(*names: x509.GeneralName) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + datetime.timedelta(days=1))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_only_one_uri_name_makes_an_identity() -> None:
    uri, good = x509.UniformResourceIdentifier, "psi-match://cjib/node"
    assert certificate_identity(_certificate(uri(good), x509.DNSName(server_name("cjib")))) == Identity("cjib", NODE)
    for names in (
        (),
        (x509.DNSName(good),),
        (x509.RFC822Name("psi-match://cjib/node"),),
        (uri(good), uri("psi-match://uwv/node")),
        (uri(good + "\n"),),
        (uri("psi-match://cjib/node/x"),),
        (uri("psi-match://cjib/admin"),),
        (uri("psi-match://CJIB/node"),),
        (uri("https://cjib/node"),),
    ):
        assert certificate_identity(_certificate(*names)) is None, names


def soon() -> Callable[[], float]:
    end = time.monotonic() + 0.2
    return lambda: end


def test_mailbox_order_capacity_failure_and_end() -> None:
    box: Mailbox[int] = Mailbox(2)
    box.put(1, soon())
    box.put(2, soon())
    assert not box.offer(3)
    with pytest.raises(TimeoutError):
        box.put(3, soon())
    assert [box.get(soon()), box.get(soon())] == [1, 2]
    with pytest.raises(TimeoutError):
        box.get(soon())
    box.put(4, soon())
    box.close()
    assert box.get(soon()) == 4
    with pytest.raises(Closed):
        box.get(soon())
    box.fail(TransportError("late"))
    with pytest.raises(Closed):
        box.get(soon())
    failed: Mailbox[int] = Mailbox(2)
    failed.put(1, soon())
    failed.fail(PeerError("first"))
    failed.fail(PeerError("second"))
    for action in (lambda: failed.get(soon()), lambda: failed.put(1, soon())):
        with pytest.raises(PeerError, match="first"):
            action()


def test_a_failure_wakes_whoever_waits() -> None:
    box: Mailbox[int] = Mailbox(1)
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            box.get(lambda: time.monotonic() + 30)
        except PeerError as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.05)
    box.fail(PeerError("gone"))
    thread.join(5)
    assert len(caught) == 1


def _link(heartbeat_s: float = 60.0) -> Link:
    return Link("uwv", LinkTimes(1.0, heartbeat_s, time.monotonic() + 30), is_leader=True)


def test_a_lost_frame_shows_at_the_next_heartbeat() -> None:
    link = _link()
    assert link.feed(pb.SessionMessage(heartbeat=pb.Heartbeat(frames_sent=0)).SerializeToString())
    assert not link.feed(pb.SessionMessage(heartbeat=pb.Heartbeat(frames_sent=1)).SerializeToString())
    with pytest.raises(PeerError, match="lost on the way"):
        link.receive_message("acceptance")
    link.abort(PeerError("x", peer="uwv"))
    (told,) = [pb.SessionMessage.FromString(message) for message in link.outgoing()]
    assert told.abort.reason == pb.ABORT_REASON_PROTOCOL


def test_heartbeats_do_not_prolong_the_wait_for_a_proposal() -> None:
    link = _link()
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.1):
            link.feed(pb.SessionMessage(heartbeat=pb.Heartbeat()).SerializeToString())

    thread = threading.Thread(target=beat)
    thread.start()
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded):
        link.receive_first(("hello",))
    assert time.monotonic() - began < 3
    stop.set()
    thread.join()
    link.close()


def test_what_is_about_one_peer_is_not_told_to_another() -> None:
    refusal = PolicyRefusal("svb refuses: private words", peer="svb")
    assert "private words" in aborts.to_wire(refusal, "svb").abort.sentence
    told = aborts.to_wire(refusal, "uwv").abort
    assert (told.reason, told.sentence) == (
        pb.ABORT_REASON_OTHER_PARTY,
        aborts.SENTENCES[pb.ABORT_REASON_OTHER_PARTY],
    )
    for error in (ValueError("123456782"), errors.DataError("row 7 of the table"), errors.InternalError("123456782")):
        assert aborts.to_wire(error, "uwv").abort.sentence in aborts.SENTENCES.values()


def _aborted(link: Link, reason: pb.AbortReason) -> None:
    link.feed(pb.SessionMessage(abort=pb.Abort(reason=reason)).SerializeToString())


@pytest.mark.parametrize("late", [False, True])
def test_the_party_at_fault_is_named_and_not_who_passes_it_on(late: bool) -> None:
    """Two streams: what a third party heard may come before the word of the party at fault."""
    times = LinkTimes(silence_s=5, heartbeat_s=60, run_end=time.monotonic() + 60)
    links = {peer: Link(peer, times, is_leader=True) for peer in ("svb", "uwv")}
    session = Session("00" * 16, "s", "leader", dict(links))
    _aborted(links["svb"], pb.ABORT_REASON_OTHER_PARTY)
    with pytest.raises(errors.PeerAborted) as raised:
        links["svb"].receive_message("done")
    for link in links.values():
        link.abort(raised.value)
    timer = threading.Timer(0.3 if late else 0, _aborted, (links["uwv"], pb.ABORT_REASON_DATA))
    timer.start()
    cause = session.cause_of(raised.value)
    timer.join()
    assert (cause.peer, cause.step, type(cause)) == ("uwv", "hello", errors.PeerAborted)


def test_where_the_cause_never_comes_its_echo_stands() -> None:
    times = LinkTimes(silence_s=5, heartbeat_s=60, run_end=time.monotonic() + 60)
    link = Link("svb", times, is_leader=True)
    _aborted(link, pb.ABORT_REASON_OTHER_PARTY)
    with pytest.raises(errors.PeerAborted) as raised:
        link.check()
    assert Session("00" * 16, "s", "leader", {"svb": link}).cause_of(raised.value, wait_s=0.2) is raised.value
    link.close()


def test_a_peers_words_are_cut_and_stripped() -> None:
    abort = pb.Abort(reason=pb.ABORT_REASON_REFUSED, sentence="no\x1b[31m\nway" + "x" * 1000)
    said = str(aborts.from_wire(abort, "uwv"))
    assert "\x1b" not in said
    assert "\n" not in said
    assert len(said) < 400
    for reason in [*aborts.SENTENCES, 0, 99]:
        assert aborts.from_wire(pb.Abort(reason=reason), "uwv").peer == "uwv"


def _record(run_id: str) -> RunRecord:
    parties = ["cjib", "uwv"]
    return RunRecord(
        run_id, "s", "d", "kkrt", "cjib", "leader", "cjib", parties, state="finished", started="2026-01-01"
    )


def test_a_run_id_works_once_also_after_a_restart(tmp_path: Path) -> None:
    run_id = "0" * 32
    Store(tmp_path).open_run(run_id)
    with pytest.raises(PolicyRefusal, match="used before"):
        Store(tmp_path).open_run(run_id)
    for bad in ("", "0" * 31, "0" * 33, "../../etc", "0" * 32 + "\n", "G" * 32):
        with pytest.raises(UsageError):
            Store(tmp_path).open_run(bad)


def test_results_and_records_are_private_and_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, run_id = Store(tmp_path / "state"), "a" * 32
    store.open_run(run_id)
    with pytest.raises(UsageError, match="no result"):
        store.result_path(run_id)
    store.write_result(run_id, pd.DataFrame({"bsn": ["999900006"]}))
    store.write_record(_record(run_id))
    store.write_nonce(run_id, bytes(32))
    assert pd.read_parquet(store.result_path(run_id))["bsn"].tolist() == ["999900006"]
    assert store.records()[0]["run_id"] == run_id
    for path in [tmp_path / "state", *(tmp_path / "state").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path

    def full(*_: object, **__: object) -> None:
        raise OSError("disk full")

    store.open_run("b" * 32)
    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="disk full"):
        store.write_result("b" * 32, pd.DataFrame({"bsn": ["999900006"]}))
    assert list((tmp_path / "state" / "runs" / ("b" * 32)).iterdir()) == []


def test_a_state_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Cannot use"):
        Store(tmp_path / "file" / "state")


def test_sessions_are_bounded_and_end_at_shutdown() -> None:
    sessions = Sessions(2)
    with sessions.admit(Session("1", "s", "leader")), sessions.admit(Session("2", "s", "leader")) as second:
        with pytest.raises(PolicyRefusal, match="as many as it allows"), sessions.admit(Session("3", "s", "leader")):
            pass
        link = _link()
        second.add_link(link)
        assert not sessions.shut_down(0.1)
        with pytest.raises(errors.ShutdownError):
            second.add_link(_link())
        (told,) = [pb.SessionMessage.FromString(message) for message in link.outgoing()]
        assert told.abort.reason == pb.ABORT_REASON_SHUTDOWN
    with pytest.raises(PolicyRefusal, match="shutting down"), sessions.admit(Session("4", "s", "leader")):
        pass
    assert sessions.shut_down(0.1)


@pytest.mark.parametrize(
    "value",
    [
        "123456782",
        "id123456782",
        "123456782a",
        "BSN 012345678.",
        123456782,
        123456782.0,
        ["123456782"],
        b"123456782",
        {"a": 1},
    ],
)
def test_the_log_fence_lets_no_number_through(value: object) -> None:
    assert "12345678" not in str(_fence(None, "info", {"event": "x", "value": value}))


def test_the_log_fence_keeps_what_is_needed() -> None:
    event = {"event": "run started", "run": "0123456789" * 3 + "ab", "rows": 100_000, "ok": True, "peers": ["uwv"]}
    assert _fence(None, "info", dict(event)) == event
    stream = io.StringIO()
    structlog.PrintLogger(stream).msg("x")
    assert stream.getvalue() == "x\n"


def _all_errors(kind: type[PsiMatchError]) -> set[type[PsiMatchError]]:
    found = {kind}
    for child in kind.__subclasses__():
        found |= _all_errors(child)
    return found


def test_every_exit_code_is_documented_and_every_documented_one_exists() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text()
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    used = {kind.exit_code for kind in _all_errors(PsiMatchError)}
    assert documented == used | {0, 130}
    for kind in _all_errors(PsiMatchError) - {PsiMatchError}:
        assert f"| {kind.exit_code} | `{kind.__name__}`" in page, kind.__name__
        assert kind.__name__ in (errors.__doc__ or "")


def test_an_error_names_its_peer_and_step() -> None:
    assert str(PeerError("Wrong.", peer="uwv", step="oprf-rows")) == "Wrong. (peer uwv, step oprf-rows)"
    assert str(PeerError("Wrong.")) == "Wrong."
