"""One-time login tokens: known answers, every kind of wrong token, sessions and the limit on attempts."""

from __future__ import annotations

import base64
import datetime
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from psi_match.base.errors import ConfigError, PolicyRefusal, UsageError
from psi_match.base.randomness import SeededRandomness
from psi_match.node.certificates import AUDITOR, NODE, OBSERVER, OPERATOR, Authority, Credentials, Identity
from psi_match.node.revocation import RevocationList, revoke
from psi_match.page.login import LoginCheck, Person, UsedNonces
from psi_match.page.login_sessions import AttemptLimit, Sessions
from psi_match.page.login_token import CONTEXT, LONGEST_LIFE, NONCE_BYTES, Token, TokenError, make_token, origin_of

PARTY, ORIGIN = "gemeente-a", "https://signalen.example"
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
LIFE = datetime.timedelta(minutes=2)
SECOND = datetime.timedelta(seconds=1)
AUTHORITY = Authority.create(NOW)


def credentials(
    party: str = PARTY, role: str = OPERATOR, name: str = "demo", authority: Authority = AUTHORITY
) -> Credentials:
    key, certificate = authority.issue(party, role, NOW, name=name)
    return Credentials(
        Identity(party, role, name),
        authority.certificate.public_bytes(serialization.Encoding.PEM),
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


PERSON = credentials()


def token(person: Credentials = PERSON, seed: bytes = b"nonce", **changed: object) -> str:
    arguments: dict[str, object] = {"url": ORIGIN, "now": NOW, "life": LIFE, "randomness": SeededRandomness(seed)}
    return make_token(person, **(arguments | changed))  # type: ignore[arg-type]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime.datetime:
        return self.now


def check(tmp_path: Path, clock: Clock | None = None, names: tuple[str, ...] = ("demo",)) -> LoginCheck:
    return LoginCheck(
        PARTY,
        ORIGIN,
        lambda: names,
        lambda: PERSON.authority,
        RevocationList(tmp_path / "revoked.toml"),
        clock or Clock(),
    )


def refused(checked: LoginCheck, text: str) -> str:
    """The reason in the log; what the sender is told is always the same."""
    with pytest.raises(PolicyRefusal) as caught:
        checked.admit(text)
    assert str(caught.value) == "This login link is not valid."
    assert len(caught.value.rule) < len("certificate is not of a trusted authority, or not valid now.")
    assert len(text) < 20 or text not in caught.value.rule
    return caught.value.rule


def signed(person: Credentials, changed: Token) -> str:
    """A token that somebody signed with their own key, whatever it says."""
    key = serialization.load_pem_private_key(person.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(key.sign(changed.signed_bytes(), ec.ECDSA(hashes.SHA256())))
    return replace(changed, signature=r.to_bytes(32, "big") + s.to_bytes(32, "big")).as_text()


def test_a_good_token_lets_its_person_in_once(tmp_path: Path) -> None:
    checked, text = check(tmp_path), token()
    person = checked.admit(text)
    certificate = x509.load_pem_x509_certificate(PERSON.certificate)
    assert person == Person(PERSON.identity, certificate.serial_number, certificate.not_valid_after_utc)
    assert refused(checked, text) == "used before"
    assert checked.admit(token(seed=b"another")).identity == PERSON.identity


def test_the_signed_bytes_are_these() -> None:
    # Written out by hand from the docstring of the module: the encoding may not drift.
    moment = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.UTC)
    fields = Token("cjib", "https://a.example", moment, moment + LIFE, bytes(range(32)), b"\x30\x03abc")
    expected = (
        "00000016" + b"psi-match page login 1".hex()
        + "00000004" + b"cjib".hex()
        + "00000011" + b"https://a.example".hex()
        + "00000008" + "000001a20eb6f100"
        + "00000008" + "000001a20eb8c5c0"
        + "00000020" + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        + "00000005" + "3003616263"
    )  # fmt: skip
    assert fields.signed_bytes().hex() == expected
    text = replace(fields, signature=bytes(64)).as_text()
    assert base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex() == expected + "00000040" + "00" * 64
    assert Token.parse(text) == replace(fields, signature=bytes(64))


def test_a_known_signature_is_accepted_and_its_neighbour_is_not() -> None:
    # RFC 6979, appendix A.2.5: the P-256 key, and its signature of "sample" with SHA-256. Ours is over other bytes, so
    # the vector holds the two numbers' encoding: r || s, each 32 bytes, big-endian.
    key = ec.EllipticCurvePublicNumbers(
        0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
        0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
        ec.SECP256R1(),
    ).public_key()
    signature = bytes.fromhex(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )

    class Sample(Token):
        def signed_bytes(self) -> bytes:
            return b"sample"

    known = Sample(PARTY, ORIGIN, NOW, NOW + LIFE, bytes(NONCE_BYTES), b"", signature)
    assert known.is_signed_by(key)
    assert not replace(known, signature=signature[:-1] + b"\xa9").is_signed_by(key)
    assert not replace(known, signature=bytes(64)).is_signed_by(key)


_GOOD = token()
_BYTES = base64.urlsafe_b64decode(_GOOD + "=" * (-len(_GOOD) % 4))


@given(st.integers(0, len(_BYTES) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(tmp_path_factory: pytest.TempPathFactory, place: int, change: int) -> None:
    changed = bytearray(_BYTES)
    changed[place] ^= change
    text = base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("=")
    assert refused(check(tmp_path_factory.getbasetemp()), text)


@given(st.integers(0, len(_GOOD) - 1), st.characters(codec="ascii"))
def test_any_changed_character_is_refused(tmp_path_factory: pytest.TempPathFactory, place: int, other: str) -> None:
    text = _GOOD[:place] + other + _GOOD[place + 1 :]
    if text != _GOOD:
        assert refused(check(tmp_path_factory.getbasetemp()), text)


@given(st.binary(max_size=400) | st.text(max_size=400))
def test_anything_else_is_refused_too(tmp_path_factory: pytest.TempPathFactory, content: bytes | str) -> None:
    text = base64.urlsafe_b64encode(content).decode().rstrip("=") if isinstance(content, bytes) else content
    assert refused(check(tmp_path_factory.getbasetemp()), text)


@pytest.mark.parametrize("cut", [1, 4, 64, 68, 300])
def test_a_token_cut_short_or_with_more_behind_it_is_refused(tmp_path: Path, cut: int) -> None:
    for content in (_BYTES[:-cut], _BYTES + bytes(cut), _BYTES + b"\x00\x00\x00\x00"):
        assert refused(check(tmp_path), base64.urlsafe_b64encode(content).decode().rstrip("="))
    assert refused(check(tmp_path), _GOOD + "=" * (-len(_GOOD) % 4 or 4)) == "not base64url"


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        (credentials(role=AUDITOR), "not an operator of this party"),
        (credentials(role=NODE, name=""), "not an operator of this party"),
        (credentials(name="other"), "not a name that may log in"),
        (credentials(name=""), "not a name that may log in"),
        (credentials(authority=Authority.create(NOW)), "certificate is not of a trusted authority, or not valid now"),
    ],
)
def test_other_certificates_do_not_get_in(tmp_path: Path, person: Credentials, reason: str) -> None:
    assert refused(check(tmp_path), token(person)) == reason


def test_an_observer_does_not_get_in(tmp_path: Path) -> None:
    assert refused(check(tmp_path), token(credentials(role=OBSERVER))) == "not an operator of this party"


def test_another_partys_operator_does_not_get_in(tmp_path: Path) -> None:
    stranger = credentials(party="gemeente-b")
    assert refused(check(tmp_path), token(stranger)) == "for another party"
    # Nor with a statement that names the right party: the certificate does not.
    lie = signed(stranger, replace(Token.parse(token(stranger)), party=PARTY))
    assert refused(check(tmp_path), lie) == "not an operator of this party"


def test_one_cannot_sign_for_another_persons_certificate(tmp_path: Path) -> None:
    theirs = Token.parse(token())
    assert refused(check(tmp_path), signed(credentials(), theirs)) == "signature is wrong"


def test_a_token_for_another_address_is_refused(tmp_path: Path) -> None:
    for url in ("https://signalen.example:8443", "https://other.example", "http://localhost"):
        assert refused(check(tmp_path), token(url=url)) == "for another address"


def test_times_are_kept(tmp_path: Path) -> None:
    clock = Clock()
    checked = check(tmp_path, clock)
    clock.now = NOW + LIFE
    assert refused(checked, token()) == "expired"
    clock.now = NOW + LIFE - SECOND
    assert checked.admit(token())
    ahead = token(now=clock.now + 31 * SECOND, seed=b"ahead")
    assert refused(checked, ahead) == "issued in the future"
    assert checked.admit(token(now=clock.now + 29 * SECOND, seed=b"nearly"))
    long = replace(Token.parse(token()), expires=NOW + LONGEST_LIFE + SECOND)
    assert refused(checked, signed(PERSON, long)) == "lives too long"
    backwards = replace(Token.parse(token()), expires=NOW)
    assert refused(checked, signed(PERSON, backwards)) == "lives too long"


def test_after_a_restart_older_tokens_are_refused(tmp_path: Path) -> None:
    clock, text = Clock(), token()
    check(tmp_path, clock).admit(text)
    clock.now += SECOND
    assert refused(check(tmp_path, clock), text) == "issued before the service started"


def test_a_revoked_certificate_does_not_get_in_and_who_is_in_must_leave(tmp_path: Path) -> None:
    checked = check(tmp_path)
    person = checked.admit(token())
    assert checked.still_good(person) == ""
    serial = x509.load_pem_x509_certificate(PERSON.certificate).serial_number
    revoke(tmp_path / "revoked.toml", serial, "laptop stolen", NOW.date())
    assert refused(checked, token(seed=b"later")) == "certificate revoked"
    assert checked.still_good(person) == "certificate revoked"
    (tmp_path / "revoked.toml").write_text("not toml")
    assert refused(checked, token(seed=b"later")) == "certificate revoked"


def test_who_is_in_leaves_when_the_certificate_or_the_name_ends(tmp_path: Path) -> None:
    clock = Clock()
    person = check(tmp_path, clock).admit(token())
    assert check(tmp_path, clock, names=("other",)).still_good(person) == "not a name that may log in"
    later = check(tmp_path, clock)
    clock.now = person.valid_until
    assert later.still_good(person) == "certificate expired"


def test_an_expired_certificate_does_not_get_in(tmp_path: Path) -> None:
    clock = Clock()
    checked = check(tmp_path, clock)
    clock.now = NOW + datetime.timedelta(days=91)
    assert refused(checked, token(now=clock.now)).startswith("certificate is not of a trusted authority")


def test_another_kind_of_key_signs_no_token() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(ConfigError, match="not an ECDSA key on P-256"):
        token(replace(PERSON, key=pem))


@pytest.mark.parametrize("seconds", [0, -1, 301])
def test_no_token_lives_longer_than_five_minutes(seconds: int) -> None:
    with pytest.raises(UsageError, match="at most five minutes"):
        token(life=seconds * SECOND)


def test_nonces_are_bounded_and_none_is_forgotten_early() -> None:
    used = UsedNonces(most=2)
    assert used.use(b"1", NOW + SECOND, NOW) == ""
    assert used.use(b"2", NOW + 2 * SECOND, NOW) == ""
    assert used.use(b"3", NOW + 2 * SECOND, NOW) == "too many logins within minutes"
    assert used.use(b"1", NOW + SECOND, NOW) == "used before"
    assert used.use(b"3", NOW + 2 * SECOND, NOW + SECOND) == ""
    assert len(used) == 2


def test_a_refused_token_uses_no_nonce_up(tmp_path: Path) -> None:
    checked, good = check(tmp_path), token()
    forged = replace(Token.parse(good), signature=bytes(64)).as_text()
    assert refused(checked, forged) == "signature is wrong"
    assert checked.admit(good)


def test_tokens_and_sessions_do_not_print_what_they_hold(tmp_path: Path) -> None:
    parsed = Token.parse(token())
    assert repr(parsed) == "Token()"
    sessions = Sessions(60, 600)
    secret = sessions.begin(check(tmp_path).admit(token()))
    found = sessions.find(secret)
    assert found is not None
    assert repr(found) == "Session(psi-match://gemeente-a/operator/demo)"
    assert secret not in repr(vars(sessions))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://signalen.example/", "https://signalen.example"),
        ("HTTPS://Signalen.Example:443/path?x#y", "https://signalen.example"),
        ("http://localhost:8081", "http://localhost:8081"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("http://[::1]:8081/", "http://[::1]:8081"),
    ],
)
def test_an_origin_is_written_as_browsers_do(url: str, origin: str) -> None:
    assert origin_of(url) == origin
    assert origin_of(origin) == origin


@pytest.mark.parametrize(
    "url",
    ["", "signalen.example", "ftp://a.example", "http://signalen.example", "https://", "https://a:b@c.example",
     "https://a.example:99999", "https://a b.example", "https://é.example", "https://[::1", "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_safe_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        origin_of(url)


class Ticks:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def person(name: str = "demo") -> Person:
    return Person(Identity(PARTY, OPERATOR, name), 1, NOW + LIFE)


def test_a_session_ends_when_idle_and_after_its_longest_time() -> None:
    clock = Ticks()
    sessions = Sessions(60, 150, clock=clock)
    secret = sessions.begin(person())
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    for _ in range(2):
        clock.now += 59
        assert sessions.find(secret) is not None
    clock.now += 32
    assert sessions.find(secret) is None, "150 s are over, although it was in use"
    secret = sessions.begin(person())
    clock.now += 60
    assert sessions.find(secret) is None
    assert len(sessions) == 0


def test_sessions_are_bounded_and_the_idlest_one_ends() -> None:
    clock = Ticks()
    sessions = Sessions(600, 6000, most=2, clock=clock)
    first, second = sessions.begin(person("a")), sessions.begin(person("b"))
    clock.now += 1
    assert sessions.find(first) is not None
    third = sessions.begin(person("c"))
    assert [sessions.find(secret) is not None for secret in (first, second, third)] == [True, False, True]
    sessions.end(first)
    assert sessions.find(first) is None
    assert sessions.find("") is None
    sessions.end("never was")
    assert len(sessions) == 1


def test_attempts_are_limited_per_address_and_come_back() -> None:
    clock = Ticks()
    limit = AttemptLimit(burst=3, every_s=6, most=2, clock=clock)
    assert [limit.allows("a") for _ in range(5)] == [True, True, True, False, False]
    assert limit.allows("b")
    clock.now += 6
    assert [limit.allows("a") for _ in range(2)] == [True, False]
    assert limit.allows("c")
    assert len(limit) == 2


def test_a_context_of_its_own() -> None:
    assert Token.parse(_GOOD).signed_bytes()[4 : 4 + len(CONTEXT)] == CONTEXT
    other = _BYTES.replace(CONTEXT, b"psi-match page login 2")
    with pytest.raises(TokenError, match="not a login token"):
        Token.parse(base64.urlsafe_b64encode(other).decode().rstrip("="))
