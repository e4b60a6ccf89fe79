"""Whatever bytes a decoder gets, it reads them or refuses them with a typed error: no crash, no hang, nothing left.

Random bytes, and valid contents that were changed: bits, pieces, words and lines of files, fields of messages. What
was found stands below as tests with names. The same decoders run for longer, guided by coverage, in
``fuzz_decoders.py``.
"""

from __future__ import annotations

import datetime
import gc
import itertools
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from support.decoders import Decoder, as_pem, make_decoders, make_ecdh_decoders
from support.mutations import changed_bytes, changed_message, changed_text

from psi_match.base.errors import ConfigError, DataError
from psi_match.base.toml_file import line_of
from psi_match.node.certificates import NODE, Authority, certificate_identity
from psi_match.wire.v1 import observer_pb2
from psi_match.wire.v1 import peer_pb2 as pb

FILES = (
    "scenario",
    "expression",
    "agreement",
    "signature",
    "policy",
    "signers",
    "node config",
    "revoked",
    "audit log",
    "audit line",
    "audit head",
    "csv in UTF-8",
    "csv in windows-1252",
    "dossier",
)
MESSAGES = {
    "link, first message": pb.SessionMessage,
    "link, frame": pb.SessionMessage,
    "frame": pb.DataFrame,
    "abort": pb.Abort,
    "signed head": pb.SignedHead,
    "event": observer_pb2.Event,
}
BINARY = ("certificate in PEM", "certificate", "authority", "key", "signing key", "parquet", "points")
ECDH = ("ecdh request", "ecdh setup", "ecdh response")
EVERY = (*FILES, *MESSAGES, *BINARY)
WITH_ECDH = (*EVERY, *(pytest.param(name, marks=pytest.mark.openmined) for name in ECDH))
FEW = settings(max_examples=25, deadline=None, print_blob=True)


@pytest.fixture(scope="module")
def decoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Decoder]:
    found = make_decoders(tmp_path_factory.mktemp("decoders"))
    assert set(found) == set(EVERY), "every decoder is fuzzed, and as what it is"
    return found


@pytest.fixture(scope="module")
def ecdh_decoders() -> dict[str, Decoder]:
    found = make_ecdh_decoders()
    assert set(found) == set(ECDH)
    return found


def the(request: pytest.FixtureRequest, name: str) -> Decoder:
    fixture = "ecdh_decoders" if name in ECDH else "decoders"
    found: Decoder = request.getfixturevalue(fixture)[name]
    return found


@pytest.mark.parametrize("name", WITH_ECDH)
def test_each_decoder_reads_its_seeds(request: pytest.FixtureRequest, name: str) -> None:
    decoder = the(request, name)
    found = [decoder.decode(seed) for seed in decoder.seeds]
    assert any(not isinstance(one, Exception) for one in found), "a fuzzer that starts from refused contents is shallow"


@pytest.mark.parametrize("name", WITH_ECDH)
def test_arbitrary_bytes_are_read_or_refused(request: pytest.FixtureRequest, name: str) -> None:
    decode = the(request, name).decode

    @FEW
    @given(st.binary(max_size=300))
    def run(content: bytes) -> None:
        decode(content)

    run()


@pytest.mark.parametrize("name", WITH_ECDH)
def test_changed_bytes_are_read_or_refused(request: pytest.FixtureRequest, name: str) -> None:
    decoder = the(request, name)

    @FEW
    @given(changed_bytes(decoder.seeds))
    def run(content: bytes) -> None:
        decoder.decode(content)

    run()


@pytest.mark.parametrize("name", FILES)
def test_changed_words_and_lines_are_read_or_refused(decoders: dict[str, Decoder], name: str) -> None:
    decoder = decoders[name]

    @settings(FEW, max_examples=50)
    @given(changed_text(decoder.seeds))
    def run(content: bytes) -> None:
        decoder.decode(content)

    run()


@pytest.mark.parametrize("name", MESSAGES)
def test_changed_fields_are_read_or_refused(decoders: dict[str, Decoder], name: str) -> None:
    decoder = decoders[name]

    @settings(FEW, max_examples=50)
    @given(changed_message(tuple(MESSAGES[name].FromString(seed) for seed in decoder.seeds)))
    def run(content: bytes) -> None:
        decoder.decode(content)

    run()


@pytest.mark.parametrize("name", WITH_ECDH)
def test_decoding_leaves_nothing_behind(request: pytest.FixtureRequest, name: str) -> None:
    decoder = the(request, name)
    contents = [part for seed in decoder.seeds for part in (seed, seed[: len(seed) // 2], seed[::-1])]

    def held_after(rounds: int) -> int:
        for content in contents * rounds:
            decoder.decode(content)
        gc.collect()
        return sys.getallocatedblocks()

    # Caches of Python and of the libraries fill in the first rounds, and threads of other tests may be about to end.
    # What a decoder leaves behind is more each time.
    held = [held_after(5) for _ in range(4)]
    more = min(after - before for before, after in itertools.pairwise(held))
    assert more < 500, f"{more} objects more after 5 rounds of {len(contents)} contents"


# What was found.


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 5000, ".".join("a" * 5000) + " = 1", "a = " + "1" * 5000],
    ids=["arrays in arrays", "tables in tables", "a number of 5000 digits"],
)
@pytest.mark.parametrize("name", ["scenario", "agreement", "policy", "signers", "node config", "revoked"])
def test_toml_that_is_too_much_for_the_reader_is_refused(decoders: dict[str, Decoder], name: str, text: str) -> None:
    assert isinstance(decoders[name].decode(text.encode()), ConfigError)


def test_the_line_of_a_key_is_found_in_time_whatever_stands_in_brackets() -> None:
    # It took time with the third power of the length: hours for this one.
    assert line_of("[" + " " * 100_000 + "x]x\nformat = 2\n", ("format",)) == 2


def test_an_error_about_a_file_of_somebody_else_is_short_and_printable(decoders: dict[str, Decoder]) -> None:
    lines = "".join(f'"\\u001b[2J{number}" = 1\n' for number in range(20_000))
    error = decoders["agreement"].decode(lines.encode())
    assert isinstance(error, ConfigError)
    assert str(error).isprintable()
    assert len(str(error)) < 10_000


@pytest.mark.parametrize("zone", ["Europe", "x" * 5000])
def test_a_timezone_that_names_no_file_is_refused(decoders: dict[str, Decoder], zone: str) -> None:
    (seed,) = decoders["policy"].seeds
    error = decoders["policy"].decode(f'timezone = "{zone}"\n'.encode() + seed)
    assert "timezone that is not known" in str(error)


def _issued() -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    _, certificate = Authority.create(now).issue("cjib", NODE, now)
    return certificate.public_bytes(serialization.Encoding.DER)


def test_a_certificate_with_an_extension_twice_names_no_one() -> None:
    usage, names = b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x11"
    der = _issued()
    assert der.count(usage) == der.count(names) == 1
    twice = as_pem(der.replace(usage, names), "CERTIFICATE")
    with pytest.raises(x509.DuplicateExtension):
        _ = x509.load_pem_x509_certificate(twice).extensions
    assert certificate_identity(twice) is None


def test_a_certificate_of_no_known_version_is_refused(decoders: dict[str, Decoder]) -> None:
    version = b"\xa0\x03\x02\x01"
    der = _issued()
    changed = as_pem(der.replace(version + b"\x02", version + b"\x06", 1), "CERTIFICATE")
    with pytest.raises(x509.InvalidVersion):
        x509.load_pem_x509_certificate(changed)
    *found, credentials = decoders["certificate in PEM"].decode(changed)  # type: ignore[misc]  # a list
    assert all(isinstance(one, ValueError) for one in found)
    assert isinstance(credentials, ConfigError)


@pytest.mark.parametrize(("name", "kind"), [("key", "2a8648ce3d0201"), ("signing key", "2b6570")])
def test_a_key_of_an_unknown_kind_is_refused(decoders: dict[str, Decoder], name: str, kind: str) -> None:
    (seed,) = decoders[name].seeds
    known = bytes.fromhex(kind)
    assert known in seed
    assert isinstance(decoders[name].decode(seed.replace(known, known[:-1] + b"\x00")), ConfigError)


def test_texts_of_parquet_that_are_not_utf_8_are_refused(decoders: dict[str, Decoder]) -> None:
    (seed, _) = decoders["parquet"].seeds
    table = pq.read_table(pa.BufferReader(seed))
    raw = pa.array([b"\xff\xfe", b"900\x80"])
    text = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    for name in ("bsn", "euros", "date", "second"):
        sink = pa.BufferOutputStream()
        pq.write_table(table.set_column(table.column_names.index(name), name, text), sink)
        error = decoders["parquet"].decode(sink.getvalue().to_pybytes())
        assert isinstance(error, DataError), name
        assert "damaged" in str(error)
