"""The one-time token with which a person shows that a private key is in their hands: its bytes, and how it is signed.

The private key never leaves its machine: the person's program signs a short statement, and what is carried to the
server is the statement, the certificate and the signature. The statement is a list of fields, each with its length in
front, so that no two statements have the same bytes:

    context | audience: party | audience: origin | issued | expires | nonce | certificate      then: signature

Times are milliseconds since 1970 in 8 bytes, the nonce is 32 random bytes, the certificate is DER. The signature is
ECDSA P-256 with SHA-256 over all fields before it, as two numbers of 32 bytes. There is one encoding of each token:
whatever is not exactly that is refused before anything is checked.

Source:
    FIPS 186-5 (ECDSA), RFC 4648 section 5 (base64url, here without padding). The shape is that of a signed client
    assertion (RFC 7523): audience, issue time, expiry, nonce. The encoding is our own, because JSON has many.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from psi_match.base.errors import ConfigError, UsageError
from psi_match.base.randomness import RandomSource
from psi_match.node.certificates import Credentials

CONTEXT = b"psi-match page login 1"
"""Says what is signed: no signature for another purpose is a login, nor the other way around."""
NONCE_BYTES = 32
LONGEST_LIFE = datetime.timedelta(minutes=5)
LONGEST_TOKEN = 8192
"""Characters: a certificate with a few extensions takes about a thousand."""

_LENGTH_BYTES = 4
_TIME_BYTES = 8
_NUMBER_BYTES = 32
_TEXT = re.compile(r"[A-Za-z0-9_-]+")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class TokenError(ValueError):
    """A token is not one. The text is a fixed phrase: fit for a log, never for the person who sent it."""


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A token whose shape is right; nothing of it has been checked.

    Args:
        party: whose service it is for.
        origin: at which address.
        issued: when, by the clock of the person's machine.
        expires: until when.
        nonce: makes it one of a kind.
        certificate: of the person, DER.
        signature: of all that.
    """

    party: str
    origin: str
    issued: datetime.datetime
    expires: datetime.datetime
    nonce: bytes
    certificate: bytes
    signature: bytes = b""

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        return _joined(
            CONTEXT,
            self.party.encode(),
            self.origin.encode(),
            _as_bytes(self.issued),
            _as_bytes(self.expires),
            self.nonce,
            self.certificate,
        )

    def is_signed_by(self, key: ec.EllipticCurvePublicKey) -> bool:
        """Tell whether the signature is that of a P-256 key."""
        half = len(self.signature) // 2
        numbers = (int.from_bytes(self.signature[:half], "big"), int.from_bytes(self.signature[half:], "big"))
        try:
            key.verify(encode_dss_signature(*numbers), self.signed_bytes(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def as_text(self) -> str:
        """Return the token as it stands in a link."""
        content = self.signed_bytes() + _joined(self.signature)
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Token:
        """Read a token as it stands in a link.

        Raises:
            TokenError: it is not the one encoding of a token.
        """
        fields = _split(_decoded(text))
        if len(fields) != 8 or fields[0] != CONTEXT:
            raise TokenError("not a login token")
        _, party, origin, issued, expires, nonce, certificate, signature = fields
        if len(nonce) != NONCE_BYTES or len(signature) != 2 * _NUMBER_BYTES:
            raise TokenError("a field has another length")
        try:
            token = cls(
                party.decode("ascii"),
                origin.decode("ascii"),
                _as_time(issued),
                _as_time(expires),
                nonce,
                certificate,
                signature,
            )
        except UnicodeDecodeError:
            raise TokenError("a field is not ASCII") from None
        return token

    def __repr__(self) -> str:
        return "Token()"


def make_token(
    credentials: Credentials,
    url: str,
    now: datetime.datetime,
    life: datetime.timedelta,
    randomness: RandomSource,
) -> str:
    """Make a one-time token for a person's certificate.

    Args:
        credentials: certificate and private key of the person.
        url: address of the service; only its origin counts.
        now: the time.
        life: how long the token may be used.
        randomness: where its nonce comes from.

    Returns:
        The token as text.

    Raises:
        UsageError: the address or the lifetime is not possible.
        ConfigError: the key is not an ECDSA key on P-256.

    Reveals:
        To whoever reads it: the certificate, so the person's name at the party. It lets its finder in once, until it
        expires.
    """
    if not datetime.timedelta(0) < life <= LONGEST_LIFE:
        raise UsageError("A login link lives for at most five minutes.", "Choose a shorter time.")
    key = serialization.load_pem_private_key(credentials.key, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(
            "The certificate's key is not an ECDSA key on P-256.", "Ask for a certificate with such a key."
        )
    certificate = x509.load_pem_x509_certificate(credentials.certificate).public_bytes(serialization.Encoding.DER)
    token = Token(
        credentials.identity.party,
        origin_of(url),
        _cut(now),
        _cut(now + life),
        randomness.bytes(NONCE_BYTES),
        certificate,
    )
    r, s = decode_dss_signature(key.sign(token.signed_bytes(), ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big")
    return Token(
        token.party, token.origin, token.issued, token.expires, token.nonce, token.certificate, signature
    ).as_text()


def origin_of(url: str) -> str:
    """Return the origin of an address, ``https://HOST[:PORT]``, as a browser writes it.

    Raises:
        UsageError: it is no address of a page, or a page on another machine without TLS.
    """
    hint = "For example https://signalen.gemeente.example, or http://localhost:8081 on your own machine."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UsageError("That is no address of a page.", hint) from None
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.username is not None:
        raise UsageError("That is no address of a page.", hint)
    if not re.fullmatch(r"[a-z0-9.-]{1,253}|[0-9a-f:]{2,45}", host):
        raise UsageError("That is no address of a page.", hint)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise UsageError("Without TLS the page may only be on the machine itself.", hint)
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}")


def _joined(*fields: bytes) -> bytes:
    return b"".join(len(field).to_bytes(_LENGTH_BYTES, "big") + field for field in fields)


def _split(content: bytes) -> list[bytes]:
    fields, at = [], 0
    while at < len(content):
        end = at + _LENGTH_BYTES + int.from_bytes(content[at : at + _LENGTH_BYTES], "big")
        if at + _LENGTH_BYTES > len(content) or end > len(content):
            raise TokenError("cut short")
        fields.append(content[at + _LENGTH_BYTES : end])
        at = end
    return fields


def _decoded(text: str) -> bytes:
    if len(text) > LONGEST_TOKEN or not _TEXT.fullmatch(text):
        raise TokenError("not base64url")
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise TokenError("not base64url") from None
    # Bits that the last character has to spare must be zero: one token, one text.
    if base64.urlsafe_b64encode(content).decode().rstrip("=") != text:
        raise TokenError("not canonical base64url")
    return content


def _cut(moment: datetime.datetime) -> datetime.datetime:
    return moment.astimezone(datetime.UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def _as_bytes(moment: datetime.datetime) -> bytes:
    return ((moment - _EPOCH) // datetime.timedelta(milliseconds=1)).to_bytes(_TIME_BYTES, "big")


def _as_time(content: bytes) -> datetime.datetime:
    if len(content) != _TIME_BYTES:
        raise TokenError("a field has another length")
    try:
        return _EPOCH + datetime.timedelta(milliseconds=int.from_bytes(content, "big"))
    except OverflowError:
        raise TokenError("a time is out of range") from None
