"""Nothing secret on disk or in logs: planted numbers, amounts, keys and shares stand where they belong, nowhere else.

What they are and where they belong: ``canary.planted_people`` and ``canary.full_demo``. How they could be written, and
why nothing is found by chance: ``canary.spellings``. Not searched: the memory of processes.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import json
import lzma
import pickle
import sqlite3
import struct
import zipfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from canary.full_demo import CREDITORS, OWN_STATE, PARTIES, FullDemo
from canary.search import Canary, Finding, Searcher, judge
from canary.spellings import of_amount, of_number, of_secret
from google.protobuf.descriptor_pb2 import SourceCodeInfo

from psi_match.node.dossier import Dossier

pytestmark = pytest.mark.timeout(1800)
"""Ten nodes start at once, and may have to compile their kernels first."""

NUMBER, NEXT, SHORT = 987_654_321, 987_654_332, 98_765_432
TEXT = str(NUMBER)
CENTS, NEXT_CENTS = 73_194_862, 84_305_971
SECRET = hashlib.sha256(b"a secret of 32 bytes").digest()
CANARIES = (
    Canary("number", of_number(NUMBER, NEXT)),
    Canary("short", of_number(SHORT, NEXT)),
    Canary("amount", of_amount(CENTS, NEXT_CENTS)),
    Canary("secret", of_secret(SECRET)),
)
SEARCHER = Searcher(CANARIES)
NOISE = np.random.default_rng(0).bytes(3 << 20)
"""More than one chunk of the search."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> FullDemo:
    played = FullDemo(tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("secrets"))
    played.play()
    return played


@pytest.fixture(scope="module")
def findings(demo: FullDemo) -> set[Finding]:
    return Searcher(demo.canaries).search(demo.folder)


def test_every_canary_is_where_it_belongs_and_nowhere_else(demo: FullDemo, findings: set[Finding]) -> None:
    assert judge(demo.canaries, findings) == []


def test_all_kinds_of_secrets_were_looked_for(demo: FullDemo, findings: set[Finding]) -> None:
    names = [canary.name for canary in demo.canaries]
    # Of a node's secrets: NODE/KIND/WHAT/NUMBER.
    kinds = Counter(name.split("/")[name.split("/")[0] in PARTIES] for name in names)
    wanted = {"number", "amount", "keys", "authority's key", "drawn", "scalar", "derived", "stream", "share", "frame"}
    assert wanted <= set(kinds), kinds
    assert min(kinds[kind] for kind in ("drawn", "scalar", "derived", "stream", "share", "frame")) >= 30, kinds
    # What a node keeps is found where it keeps it: so what it draws is what is looked for.
    for what in OWN_STATE:
        assert any(f"/{what}/" in finding.canary for finding in findings), what


def test_the_demo_had_logs_refusals_and_failures_to_search(demo: FullDemo) -> None:
    said = {path.name: path.read_text() for path in (demo.folder / "commands").iterdir()}
    assert "statistics of this snapshot were released before" in " ".join(said.values())
    # Its own node tells an operator which rows are wrong, a peer's node does not.
    told = sorted(
        name.split("-")[1] for name, text in said.items() if "the BSN is not of the declared kind in row" in text
    )
    assert told == ["doctor", "doctor", "run"]
    assert "Error: " in said["killed.err"]
    for party in PARTIES:
        assert (demo.folder / "nodes" / party / "node.log").stat().st_size
    dossier = Dossier.read(demo.folder / "dossier")
    assert len(dossier.timelines) == len(dossier.records) >= len(CREDITORS)
    assert len(list(demo.folder.glob("nodes/*/state/runs/*/timeline.jsonl"))) > 20
    states = Counter(
        json.loads(path.read_text())["state"] for path in demo.folder.glob("nodes/*/state/runs/*/record.json")
    )
    assert states["finished"] > 20
    assert states["failed"] >= 3


def _varints(*values: int) -> bytes:
    return SourceCodeInfo.Location(path=values).SerializeToString()


def _sqlite(value: object) -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (?)", [value])
        connection.commit()
        content = connection.serialize()
    connection.close()
    return content


def _parquet(path: Path, values: list[object], **metadata: str) -> bytes:
    table = pa.table({"x": pa.array(values)}).replace_schema_metadata(metadata or None)
    pq.write_table(table, path, compression="zstd", write_statistics=False)
    return path.read_bytes()


PLANTED_NUMBERS: dict[str, bytes] = {
    "text": f"row of {TEXT}.".encode(),
    "JSON number": json.dumps({"bsn": NUMBER, "x": 1}).encode(),
    "numbers without anything in between": f"{NEXT}{TEXT}{NEXT}".encode(),
    "VAT number of a sole trader": f"NL{TEXT}B01".encode(),
    "grouped": b"987.654.321",
    "grouped as on a card": b"9876.54.321",
    "grouped by thin spaces": "987\u2009654\u2009321".encode(),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16, big-endian": TEXT.encode("utf-16-be"),
    "numpy text": np.array([TEXT]).tobytes(),
    "percent-encoded": "".join(f"%{ord(digit):x}" for digit in TEXT).upper().encode(),
    "two uint32": np.array([NUMBER, NEXT], "<u4").tobytes(),
    "two uint32, big-endian": np.array([NUMBER, NEXT], ">u4").tobytes(),
    "int64": struct.pack("<q", NUMBER),
    "int64, big-endian": struct.pack(">q", NUMBER),
    "float64": struct.pack("<d", NUMBER),
    "float64, big-endian": struct.pack(">d", NUMBER),
    "hex number": hex(NUMBER).encode(),
    "HEX number": f"{NUMBER:08X}".encode(),
    "hex of uint32": struct.pack("<I", NUMBER).hex().encode(),
    "hex of int64": struct.pack("<q", NUMBER).hex().encode(),
    "hex of the text": TEXT.encode().hex().encode(),
    "HEX of two uint32": np.array([NUMBER, NEXT], "<u4").tobytes().hex().upper().encode(),
    "packed decimal": bytes.fromhex("0987654321" + f"0{NEXT}"),
    "packed decimal with signs": bytes.fromhex("987654321C" + f"{NEXT}C"),
    "varints": _varints(NUMBER, NEXT),
    "pickle": pickle.dumps([NUMBER, NEXT]),
    "SHA-256": hashlib.sha256(TEXT.encode()).digest(),
    "SHA-256, hex": hashlib.sha256(TEXT.encode()).hexdigest().encode(),
    "SHA-256, base64": base64.b64encode(hashlib.sha256(TEXT.encode()).digest()),
    "SHA-1, shortened": hashlib.sha1(TEXT.encode(), usedforsecurity=False).hexdigest()[:16].encode(),
    "MD5": hashlib.md5(TEXT.encode(), usedforsecurity=False).hexdigest().encode(),
    "BLAKE2s of uint32": hashlib.blake2s(struct.pack("<I", NUMBER)).digest(),
    **{f"base64 at {shift}": base64.b64encode(b"x" * shift + TEXT.encode() + b"yz") for shift in range(3)},
    **{f"base64 of int64 at {shift}": base64.b64encode(b"x" * shift + struct.pack("<q", NUMBER)) for shift in range(3)},
    **{
        f"quoted base64 of a digest at {shift}": quote(
            base64.urlsafe_b64encode(b"x" * shift + hashlib.sha256(TEXT.encode()).digest())
        ).encode()
        for shift in range(3)
    },
}


@pytest.mark.parametrize("spelling", PLANTED_NUMBERS)
def test_a_number_is_found_in_every_spelling(spelling: str) -> None:
    content = NOISE + b"\0" + PLANTED_NUMBERS[spelling] + b"\0" + NOISE
    assert {canary for canary, _ in SEARCHER.find(content)} == {"number"}


def test_a_number_that_lost_its_leading_zero_is_found() -> None:
    for content in (b"98765432", b"[98765432]", b"098765432", b"0987.65.432"):
        assert {canary for canary, _ in SEARCHER.find(b" " + content + b" ")} == {"short"}


@pytest.mark.parametrize(
    "content",
    [
        *(b"73194862", b"-73194862.0", b"731948.62", b"731948,62", b"731.948,62", b"731,948.62", b"73.194.862"),
        *("€ 731\u202f948,62".encode(), str(Decimal(CENTS) / 100).encode(), hex(CENTS).encode()),
        *(struct.pack("<q", CENTS), struct.pack(">d", CENTS / 100), base64.b64encode(b"x" + struct.pack(">q", CENTS))),
        *(np.array([CENTS, NEXT_CENTS], "<i4").tobytes(), "73194862".encode("utf-16-le")),
    ],
)
def test_an_amount_is_found_in_every_spelling(content: bytes) -> None:
    assert {canary for canary, _ in SEARCHER.find(NOISE + b"\0" + content + b"\0" + NOISE)} == {"amount"}


@pytest.mark.parametrize(
    "content",
    [
        *(
            SECRET,
            SECRET[:16],
            SECRET[16:],
            SECRET.hex().encode(),
            SECRET.hex().upper().encode(),
            repr(SECRET).encode(),
        ),
        *(base64.b64encode(b"x" * shift + SECRET) for shift in range(3)),
        *(base64.urlsafe_b64encode(b"x" * shift + SECRET) for shift in range(3)),
        *(str(list(SECRET)).encode(), json.dumps(list(SECRET), separators=(",", ":")).encode()),
        str(int.from_bytes(SECRET[:16], "big")).encode(),
    ],
)
def test_a_secret_is_found_in_every_spelling(content: bytes) -> None:
    assert {canary for canary, _ in SEARCHER.find(NOISE + b"\0" + content + b"\0" + NOISE)} == {"secret"}


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "searched"
    (folder / ".hidden").mkdir(parents=True)
    part = tmp_path / "part"
    inside = {
        "parquet text": _parquet(part, [TEXT, TEXT]),
        "parquet integer": _parquet(part, [NUMBER]),
        "parquet float": _parquet(part, [float(NUMBER)]),
        "parquet bytes": _parquet(part, [TEXT.encode()]),
        "parquet list": _parquet(part, [[NUMBER, 1]]),
        "parquet footer": _parquet(part, [1], note=TEXT),
        "sqlite text": _sqlite(TEXT),
        "sqlite integer": _sqlite(NUMBER),
        "sqlite bytes": _sqlite(TEXT.encode()),
    }
    pq.write_table(pa.table({"x": [NUMBER]}), part, compression="zstd")
    pq.write_table(pa.table({"x": [1]}), folder / "innocent", compression="zstd")
    inside["parquet statistics"] = part.read_bytes()
    packed = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": pa.Codec("zstd").compress}
    for name, content in inside.items():
        (folder / ".hidden" / name).write_bytes(content)
    text = b"bsn\n" + TEXT.encode()
    for name, pack in packed.items():
        # Zstd without a frame of known size is what streams write; gzip around Parquet is what exports do.
        (folder / name).write_bytes(bytes(pack(inside["parquet text"] if name == "gzip" else text)))
    with zipfile.ZipFile(folder / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", text)
    pem = base64.encodebytes(b"12345" + SECRET).decode()
    (folder / "pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{pem}-----END PRIVATE KEY-----\n")
    (folder / "broken line").write_bytes(SECRET.hex()[:20].encode() + b"\n  " + SECRET.hex()[20:].encode())
    found = {finding.file.removeprefix(".hidden/") for finding in SEARCHER.search(folder)}
    assert found == {*inside, *packed, "zip", "pem", "broken line"}


def test_random_bytes_and_digests_hold_nothing(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    for name, content in {
        "noise": NOISE,
        "hex": NOISE.hex().encode(),
        "base64": base64.b64encode(NOISE),
        # By chance nine given digits stand in a digest; a longer number holds eight given ones.
        "digest": (digest[:20] + TEXT + digest[29:]).encode(),
        "size": b"1" + str(CENTS).encode() + b" a" + f"{NUMBER:x}".encode(),
        "apart": b"987 and 654 and 321",
        "like gzip": b"\x1f\x8b" + SECRET[::-1],
    }.items():
        (tmp_path / name).write_bytes(content)
    assert SEARCHER.search(tmp_path) == set()


def test_leaks_and_absences_are_told() -> None:
    canary = Canary("number/x", of_number(NUMBER, NEXT), must=("data/*.parquet", "truth"), may=("result",))
    here = [Finding(file, "number/x", "digits", "raw") for file in ("data/a.parquet", "result", "node.log")]
    problems = judge([canary], here)
    assert problems == ["number/x leaked into node.log (raw): digits", "number/x was not found in truth"]
    assert judge([canary], [*here[:2], Finding("truth", "number/x", "digits", "raw")]) == []


def test_a_spelling_that_is_too_short_to_be_no_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        Searcher([Canary("x", {"uint32": b"1234"})])
