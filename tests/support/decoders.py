"""Every decoder of psi-match as a function of bytes, with contents that it accepts: for the fuzzers.

A decoder gets a file's content, a message or a cell of a protocol, and either reads it or refuses it with an error of
its own tree. Whatever else it raises passes through, and is what a fuzzer looks for.
"""

from __future__ import annotations

import base64
import datetime
import json
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.utils import CryptographyDeprecationWarning
from google.protobuf.message import DecodeError

from psi_match.base.errors import InternalError, PsiMatchError
from psi_match.base.randomness import SystemRandomness
from psi_match.crypto import ristretto
from psi_match.domain.bsn import format_bsn
from psi_match.domain.columns import ColumnSpec, ColumnType
from psi_match.domain.dataset import DatasetSpec
from psi_match.governance.agreement_files import read_signed
from psi_match.governance.audit.compare import compare_logs
from psi_match.governance.audit.files import read_tail
from psi_match.governance.audit.heads import LogHead, is_head_of, parse_head
from psi_match.governance.audit.lines import NotALineError, parse_line
from psi_match.governance.audit.witnesses import verify_log
from psi_match.governance.policy import read_policy
from psi_match.governance.signing import SIGNERS_NAME, SIGNING_KEY_NAME, KeySigner, Signers
from psi_match.node.certificates import (
    NODE,
    ROLES,
    Authority,
    Credentials,
    certificate_identity,
    days_left,
    serial_of,
    write_key_folder,
)
from psi_match.node.config import read_config
from psi_match.node.dossier import Dossier
from psi_match.node.events import NodeEvent
from psi_match.node.link import Link, LinkTimes
from psi_match.node.local_governance import LocalPolicy, agree_as_all, demo_conditions
from psi_match.node.revocation import RevocationList, revoked_serials
from psi_match.node.signing_config import write_signing_keys
from psi_match.node.sources import CsvSource, ParquetSource, load
from psi_match.protocols import base_ot, ecdh_psi, oprf
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.effects import Recv, Role, Rows, Send, Stage
from psi_match.scenario.catalogue import builtin_folder, read_scenario
from psi_match.scenario.digest import digest
from psi_match.scenario.expressions import scope
from psi_match.scenario.join_model import JoinScenario
from psi_match.scenario.predicate.parser import Source, parse
from psi_match.scenario.predicate.types import check
from psi_match.wire import aborts, version
from psi_match.wire.frames import FrameReader
from psi_match.wire.v1 import observer_pb2
from psi_match.wire.v1 import peer_pb2 as pb
from support.audit import exchange_heads, finish_run, known, lines_of, open_log, signer, start_run
from support.dossiers import a_dossier
from support.sets import numbers

RUN_ID = bytes(range(16))
EXPECTED = Recv("cjib", oprf.MaskedRows, (3, 56))
NAME = "proef"
"""Name of scenario and agreement: that of their files."""
SCENARIO_NAMES = ("betalingsregeling-rijk", "betalingsregeling-rijk-paren", "vroegsignaal-nieuw", "aio-niet-gebruik")
LEADER_SIZE = DATA_SIZE = 3


@dataclass(frozen=True)
class Decoder:
    """One decoder.

    Args:
        decode: reads a content; returns what it found, or the error with which it refused.
        seeds: contents that it accepts.
    """

    decode: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def refused(decode: Callable[[], object], *others: type[Exception]) -> object:
    """Return what a decoder found, or its error: one of the tree, but not a defect, or one that it documents."""
    try:
        return decode()
    except InternalError:
        raise
    except (PsiMatchError, *others) as error:
        return error


def make_decoders(folder: Path) -> dict[str, Decoder]:
    """Return every decoder; those that read files get one in a folder that exists."""
    found = dict(_wire_decoders())
    found |= _governed(folder / "governed")
    found |= _audit(folder / "audit")
    found |= _certificates(folder / "keys")
    found |= _datasets(folder / "data")
    found |= _points()
    found |= _looked_on(folder / "dossier")
    return found


def _looked_on(folder: Path) -> dict[str, Decoder]:
    """What a node tells an observer, and the dossier that is made of it."""
    folder.mkdir()
    dossier = a_dossier()
    path = dossier.write(folder)
    record = json.dumps(dossier.records["cjib"]).encode()
    events = tuple(event.to_message().SerializeToString() for event in dossier.timelines["cjib"])

    def read(content: bytes) -> object:
        path.write_bytes(content)
        return refused(lambda: Dossier.read(folder))

    def event(content: bytes) -> object:
        return refused(lambda: NodeEvent.from_message(observer_pb2.Event.FromString(content)), ValueError, DecodeError)

    return {"dossier": Decoder(read, (path.read_bytes(), record)), "event": Decoder(event, events)}


def _wire_decoders() -> Iterator[tuple[str, Decoder]]:
    frame = pb.DataFrame(session=RUN_ID, run=1, step=pb.STEP_OPRF_ROWS, payload=bytes(168))
    head = pb.SignedHead(log=RUN_ID, sequence=7, digest=bytes(32), signature=bytes(64))
    hello = pb.Hello(
        wire_version=version.WIRE_VERSION,
        parameters=version.parameters(),
        run_id=RUN_ID,
        scenario=NAME,
        scenario_digest=bytes(32),
        engine="kkrt",
        leader="cjib",
        parties=["belastingdienst", "cjib"],
        leader_size=256,
        runs=1,
        agreement_digest=bytes(32),
        head=head,
    )
    proposal = pb.Proposal(run_id=RUN_ID, scenario=NAME, coordinator="cjib", parties=["cjib"], head=head)
    sizes = pb.SessionSizes(parties=[pb.PartySizes(party="cjib", row_size=256, head=head)])
    abort = pb.Abort(reason=pb.ABORT_REASON_REFUSED, sentence="Rule hours", step=pb.STEP_OPRF_ROWS)
    contents = (
        pb.SessionMessage(frame=frame),
        pb.SessionMessage(hello=hello),
        pb.SessionMessage(acceptance=pb.Acceptance(data_size=256, head=head, countersignature=bytes(64))),
        pb.SessionMessage(heartbeat=pb.Heartbeat(step=pb.STEP_OPRF_ROWS, done=1, total=9, frames_sent=0)),
        pb.SessionMessage(abort=abort),
        pb.SessionMessage(countersigned=pb.Countersigned(signature=bytes(64))),
        pb.SessionMessage(concluded=pb.Concluded()),
        pb.SessionMessage(proposal=proposal),
        pb.SessionMessage(sizes=sizes),
        pb.SessionMessage(attachment=pb.Attachment(run_id=RUN_ID)),
        pb.SessionMessage(done=pb.Done()),
    )
    messages = tuple(content.SerializeToString() for content in contents)
    yield "link, first message", Decoder(lambda content: _through_link(content, first=True), messages)
    yield "link, frame", Decoder(lambda content: _through_link(content, first=False), messages)
    yield "frame", Decoder(_frame, (frame.SerializeToString(),))
    yield "abort", Decoder(_abort, (abort.SerializeToString(),))
    yield "signed head", Decoder(_signed_head, (head.SerializeToString(),))


def _through_link(content: bytes, *, first: bool) -> object:
    """Feed a message to a link; whoever waits gets it, or a typed error at once."""
    # No time to wait for a message that does not come, and no heartbeat in between.
    link = Link("cjib", LinkTimes(0.0, 3600.0, time.monotonic() + 60), is_leader=False)
    link.bind(RUN_ID)
    try:
        link.feed(content)
        link.end()
        if first:
            return refused(lambda: link.receive_first(("hello", "proposal", "attachment")))
        return refused(lambda: link.receive(1, EXPECTED))
    finally:
        link.close()
        link._heart.join()


def _parsed(kind: type, content: bytes) -> object:
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(content)  # type: ignore[attr-defined]  # every generated message has it
    except DecodeError:
        return None


def _frame(content: bytes) -> object:
    frame = _parsed(pb.DataFrame, content)
    return frame and refused(lambda: FrameReader(RUN_ID, "cjib").message(frame, 1, EXPECTED))


def _abort(content: bytes) -> object:
    abort = _parsed(pb.Abort, content)
    if abort is None:
        return None
    error = aborts.from_wire(abort, "cjib")
    assert isinstance(error, PsiMatchError)
    assert str(error).isprintable()
    return error.sentence


def _signed_head(content: bytes) -> object:
    head = _parsed(pb.SignedHead, content)
    if head is None:
        return None
    shown = LogHead("cjib", head.log.hex(), head.sequence, head.digest.hex(), head.signature)
    return is_head_of(shown, signer("cjib").public_key)


def _governed(folder: Path) -> dict[str, Decoder]:
    """Scenarios, expressions, agreements, signatures, policies, signers, node configs, revocation lists."""
    folder.mkdir()
    texts = [(builtin_folder() / f"{name}.toml").read_text() for name in SCENARIO_NAMES]
    texts = [
        text.replace(f'name = "{name}"', f'name = "{NAME}"', 1)
        for name, text in zip(SCENARIO_NAMES, texts, strict=True)
    ]
    scenario_path = folder / f"{NAME}.toml"
    scenarios = []
    for text in texts:
        scenario_path.write_text(text)
        scenarios.append(read_scenario(scenario_path))
    joint = scenarios[0]
    assert isinstance(joint, JoinScenario)
    parties = joint.party_ids
    keys = {party: folder / "keys" / party for party in parties}
    for path in keys.values():
        path.mkdir(parents=True)
    write_signing_keys(keys)
    agreements = {party: folder / "agreements" / party for party in parties}
    agree_as_all([joint], keys, agreements, demo_conditions(datetime.date(2026, 11, 24)))
    kept, fuzzed = agreements[parties[0]], folder / "fuzzed"
    shutil.copytree(kept, fuzzed)
    agreement, signature = (f"{NAME}.toml", f"{NAME}.{parties[0]}.sig")
    leader = joint.leaders[0]
    names = scope(joint, leader)
    files = folder / "files"
    files.mkdir()

    def read_one(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
        path = files / name

        def decode(content: bytes) -> object:
            path.write_bytes(content)
            return refused(lambda: read(path))

        return decode

    def scenario(path: Path) -> object:
        return digest(read_scenario(path))

    def expression(content: bytes) -> object:
        source = Source("predicate", content.decode("utf-8", "replace"))
        return refused(lambda: check(parse(source), names, source))

    def signed(name: str) -> Callable[[bytes], object]:
        def decode(content: bytes) -> object:
            (fuzzed / name).write_bytes(content)
            try:
                return refused(lambda: read_signed(fuzzed / agreement))
            finally:
                shutil.copyfile(kept / name, fuzzed / name)

        return decode

    def policy(path: Path) -> object:
        found = read_policy(path)
        return found.digest, found.open_at(datetime.datetime(2026, 11, 24, 13, 0, tzinfo=datetime.UTC))

    def revocation(path: Path) -> object:
        assert RevocationList(path).refusal(1) in {
            "",
            "The certificate is revoked.",
            "No certificate can be checked for revocation.",
        }
        return revoked_serials(path)

    return {
        "scenario": Decoder(read_one(f"{NAME}.toml", scenario), tuple(text.encode() for text in texts)),
        "expression": Decoder(expression, (joint.predicate.encode(), *_EXPRESSIONS)),
        "agreement": Decoder(signed(agreement), ((kept / agreement).read_bytes(),)),
        "signature": Decoder(signed(signature), ((kept / signature).read_bytes(),)),
        "policy": Decoder(read_one("policy.toml", policy), (LocalPolicy(parties, [NAME]).toml().encode(),)),
        "signers": Decoder(read_one("signers.toml", Signers.read), ((keys[leader] / SIGNERS_NAME).read_bytes(),)),
        "node config": Decoder(read_one("node.toml", read_config), (_CONFIG, _CONFIG_WITH_TOKEN)),
        "revoked": Decoder(read_one("revoked.toml", revocation), (_REVOKED,)),
    }


_EXPRESSIONS = (
    b"if not (cjib.present and 1_000 <= 2) then true else false == (count(cjib.present, true) >= 2)",
    b"sum(1, 2, -3) + 4 - 5 > 0 or cjib.open_cents[partner] != 0",
)
_CONFIG = b"""\
party = "cjib"
listen = "127.0.0.1:0"
state_dir = "state"
opt_outs = "people"

[keys]
directory = "keys"

[governance]
policy = "policy.toml"

[limits]
max_sessions = 2
peer_silence_s = 2.0
heartbeat_s = 0.25

[[peers]]
party = "uwv"
address = "uwv:50051"

[[datasets]]
name = "rows"
bsn = "synthetic"
reference_date = 2026-11-24
on_invalid = "drop"

[[datasets.columns]]
name = "open_cents"
source = "Bedrag"
type = "euros"

[datasets.source]
kind = "csv"
path = "rows.csv"
delimiter = ";"
encoding = "windows-1252"

[[datasets]]
name = "people"
bsn = "synthetic"
reference_date_column = "peildatum"

[datasets.source]
kind = "sql"
url = "sqlite:///people.db"
table = "people"
"""
_CONFIG_WITH_TOKEN = b"""\
party = "cjib"
listen = "127.0.0.1:0"
state_dir = "state"
keys = { directory = "keys" }
signing = { kind = "pkcs11", module = "token.so", token = "cjib", label = "signing", pin_file = "pin" }
"""
_REVOKED = b"""\
format = 1

[[revoked]]
serial = "1f"
reason = "key lost"
date = 2026-11-24
"""


def _audit(folder: Path) -> dict[str, Decoder]:
    """Audit logs of one party and another, and heads."""
    logs = {party: open_log(folder / party, party) for party in ("cjib", "belastingdienst")}
    one, other = logs.values()
    for log in logs.values():
        start_run(log)
    exchange_heads(one, other)
    finish_run(one, "belastingdienst", 10, 20)
    finish_run(other, "cjib", 20, 10)
    signers = known(*logs)
    head_path = folder / "head.json"
    head_path.write_text(one.head().as_json())
    fuzzed = folder / "fuzzed" / "000001.jsonl"
    fuzzed.parent.mkdir()

    def log(content: bytes) -> object:
        fuzzed.write_bytes(content)
        found = refused(lambda: verify_log(fuzzed.parent, signers, [head_path, folder / "belastingdienst"]))
        witness = refused(lambda: verify_log(folder / "cjib", signers, [fuzzed]))
        return (
            found,
            witness,
            refused(lambda: read_tail(fuzzed)),
            refused(lambda: compare_logs(fuzzed, folder / "cjib")),
        )

    lines = lines_of(folder / "cjib")
    return {
        "audit log": Decoder(log, (b"".join(lines),)),
        "audit line": Decoder(
            lambda content: refused(lambda: parse_line(content), NotALineError),
            tuple(line.rstrip(b"\n") for line in lines),
        ),
        "audit head": Decoder(
            lambda content: refused(lambda: parse_head(content, "head.json")), (head_path.read_bytes(),)
        ),
    }


def as_pem(der: bytes, label: str) -> bytes:
    """Return DER bytes in PEM."""
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode()


def _der(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(pem.strip().splitlines()[1:-1]))


def _certificates(folder: Path) -> dict[str, Decoder]:
    """Certificates and keys; fuzzed as DER as well, since a changed letter of PEM rarely gets further."""
    now = datetime.datetime.now(datetime.UTC)
    write_key_folder(folder, Authority.create(now), "cjib", ROLES, now)
    write_signing_keys({"cjib": folder})
    certificates = tuple((folder / f"{role}.pem").read_bytes() for role in ROLES)
    fuzzed = folder / "fuzzed"
    fuzzed.mkdir()
    for name in ("ca.pem", "node.pem", "node.key", SIGNING_KEY_NAME):
        shutil.copyfile(folder / name, fuzzed / name)

    def identity(pem: bytes) -> object:
        with warnings.catch_warnings():
            # Of a serial number that is not positive; a later release of the library refuses it.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return [
                refused(lambda: certificate_identity(pem), ValueError),
                refused(lambda: serial_of(pem), ValueError),
                refused(lambda: days_left(pem, now), ValueError),
                credentials("node.pem", pem),
            ]

    def credentials(name: str, content: bytes) -> object:
        (fuzzed / name).write_bytes(content)
        try:
            return refused(lambda: Credentials.read(fuzzed, NODE))
        finally:
            shutil.copyfile(folder / name, fuzzed / name)

    def signing_key(content: bytes) -> object:
        (fuzzed / SIGNING_KEY_NAME).write_bytes(content)
        return refused(lambda: KeySigner.read(fuzzed / SIGNING_KEY_NAME))

    key, secret = (folder / "node.key").read_bytes(), (folder / SIGNING_KEY_NAME).read_bytes()
    return {
        "certificate in PEM": Decoder(identity, certificates),
        "certificate": Decoder(
            lambda content: identity(as_pem(content, "CERTIFICATE")), tuple(map(_der, certificates))
        ),
        "authority": Decoder(lambda content: credentials("ca.pem", content), ((folder / "ca.pem").read_bytes(),)),
        "key": Decoder(lambda content: credentials("node.key", as_pem(content, "PRIVATE KEY")), (_der(key),)),
        "signing key": Decoder(lambda content: signing_key(as_pem(content, "PRIVATE KEY")), (_der(secret),)),
    }


_SPEC = DatasetSpec(
    name="rows",
    bsn="synthetic",
    columns=tuple(
        ColumnSpec(name="second" if kind is ColumnType.BSN else kind.value, type=kind) for kind in ColumnType
    ),
    on_invalid="drop",
    reference_date_column="peildatum",
)


def _datasets(folder: Path) -> dict[str, Decoder]:
    """Tables as CSV and Parquet, with a column of every type."""
    folder.mkdir()
    csv, parquet = folder / "rows.csv", folder / "rows.parquet"

    def read_csv(encoding: str) -> Callable[[bytes], object]:
        source = CsvSource(kind="csv", path=csv, encoding=encoding)  # type: ignore[arg-type]  # one of the two literals

        def decode(content: bytes) -> object:
            csv.write_bytes(content)
            return refused(lambda: load(_SPEC, source))

        return decode

    def read_parquet(content: bytes) -> object:
        parquet.write_bytes(content)
        return refused(lambda: load(_SPEC, ParquetSource(kind="parquet", path=parquet)))

    rows = _CSV.encode("windows-1252")
    return {
        "csv in UTF-8": Decoder(read_csv("utf-8"), (_CSV.encode(), _CSV.replace(";", "\t").encode())),
        "csv in windows-1252": Decoder(read_csv("windows-1252"), (rows, rows.replace(b"\n", b"\r\n"))),
        "parquet": Decoder(read_parquet, tuple(_parquet_files(parquet))),
    }


_BSN = format_bsn(numbers(2)).tolist()
_CSV = f"""\
bsn;cents;euros;integer;boolean;date;text;second;peildatum
{_BSN[0]};120;€ 1.234,56;-3;ja;24-11-2026;"Ju""n;ij";;2026-11-24
{_BSN[1]};0;0,5;+7;FALSE;2026-02-28;x;{_BSN[0]};2026-11-23
"""


def _parquet_files(path: Path) -> Iterator[bytes]:
    day = datetime.date(2026, 11, 24)
    plain: dict[str, pa.Array] = {
        "bsn": pa.array(_BSN),
        "cents": pa.array([1, 2**62]),
        "euros": pa.array(["1,50", None]),
        "integer": pa.array([1, None], pa.int8()),
        "boolean": pa.array([True, None]),
        "date": pa.array([day, None]),
        "text": pa.array(["x", "y"]).dictionary_encode(),
        "second": pa.array([None, _BSN[0]]),
        "peildatum": pa.array([day, day]),
    }
    other = plain | {
        "bsn": pa.array(_BSN, pa.large_string()),
        "euros": pa.array([1, 2]).cast(pa.decimal128(21, 2)),
        "boolean": pa.array([0, 1], pa.uint8()),
        "date": pa.array([datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)] * 2),
        "text": pa.array([1, 2]),
    }
    for columns in (plain, other):
        pq.write_table(pa.table(columns), path, compression="none")
        yield path.read_bytes()


def _points() -> dict[str, Decoder]:
    """Group elements of the base OT, and the messages that openmined-psi parses."""
    point = ristretto.base_times(ristretto.random_scalar(SystemRandomness()))

    def points(content: bytes) -> object:
        whole = content[: len(content) // 64 * 64]
        rows = np.frombuffer(whole, dtype=np.uint8).reshape(-1, 64)
        ristretto.is_valid(content)
        return refused(lambda: base_ot._checked(rows, "cjib", "base-ot-receiver"))

    return {"points": Decoder(points, (point, point * 2, bytes(32), b"\xff" * 64))}


def make_ecdh_decoders() -> dict[str, Decoder]:
    """The decoders of the package openmined-psi as a leader and a data party meet them; needs that package."""
    terms = PairTerms(bytes(32), "cjib", "uwv", LEADER_SIZE, DATA_SIZE, 0, 1)
    rows = numbers(2)
    rng = SystemRandomness()
    honest: dict[str, bytes] = {}
    roles = {"cjib": ecdh_psi.lead(terms, rows, rng), "uwv": ecdh_psi.answer(terms, rows, rng)}
    waiting = {party: next(role) for party, role in roles.items()}
    while len(honest) < 3:
        for party, role in roles.items():
            effect = waiting[party]
            if isinstance(effect, Send):
                honest[effect.message.STEP] = effect.message.rows.tobytes()
                waiting[party] = next(role, effect)
            elif isinstance(effect, Recv) and effect.kind.STEP in honest:
                waiting[party] = role.send(_piece(effect, honest[effect.kind.STEP]))
            elif isinstance(effect, Stage):
                waiting[party] = next(role)

    def answered(role: Role[object], messages: dict[str, bytes]) -> object:
        """Play a role to its end or its error with prepared messages."""
        effect = next(role)
        while True:
            try:
                answer = _piece(effect, messages[effect.kind.STEP]) if isinstance(effect, Recv) else None
                effect = role.send(answer)
            except StopIteration as done:
                return done.value

    def lead(step: str) -> Callable[[bytes], object]:
        return lambda content: refused(lambda: answered(ecdh_psi.lead(terms, rows, rng), honest | {step: content}))

    def answer(content: bytes) -> object:
        return refused(lambda: answered(ecdh_psi.answer(terms, rows, rng), {"ecdh-request": content}))

    return {
        "ecdh request": Decoder(answer, (honest["ecdh-request"],)),
        "ecdh setup": Decoder(lead("ecdh-setup"), (honest["ecdh-setup"],)),
        "ecdh response": Decoder(lead("ecdh-response"), (honest["ecdh-response"],)),
    }


def _piece(wanted: Recv, content: bytes) -> Rows:
    """Return content as the message that a role waits for: of the agreed length, which the wire has checked."""
    count = wanted.shape[0]
    exact = (content + bytes(count))[:count]
    return wanted.kind(np.frombuffer(exact, dtype=np.uint8).reshape(wanted.shape))
