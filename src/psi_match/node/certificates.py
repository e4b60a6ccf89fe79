"""Certificates: who one says it is, a certificate authority for demos, and a node's own credentials, which may change.

Identity is a URI in the certificate: ``psi-match://PARTY/node``, or for people ``psi-match://PARTY/ROLE/NAME``, where
the name may be left out. A node's certificate also carries the DNS name under which its peers check it,
``PARTY.node.psi-match``, whatever address they dialled: the certificate names the party, not the machine.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from psi_match.base.errors import ConfigError, UsageError
from psi_match.domain.parties import PARTY_PATTERN

NODE = "node"
OPERATOR = "operator"
"""Runs scenarios and reads results, at its own body's node only."""
AUDITOR = "auditor"
"""Reads logs and records at its own body's node, never a result."""
OBSERVER = "observer"
"""Looks on at its own body's node: records and events of runs; never a result or the log, and it starts nothing."""
ROLES = (NODE, OPERATOR, AUDITOR, OBSERVER)

VALID_DAYS = 90
EXPIRES_SOON_DAYS = 7
"""A node that starts with fewer days left says so in its log."""
_BACKDATE = datetime.timedelta(minutes=5)
"""Machines whose clocks differ a little still accept a new certificate."""

_IDENTITY = re.compile(
    rf"psi-match://(?P<party>{PARTY_PATTERN.strip('^$')})/"
    rf"(?:(?P<node>{NODE})|(?P<role>{OPERATOR}|{AUDITOR}|{OBSERVER})(?:/(?P<name>[a-z][a-z0-9-]{{0,39}}))?)"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate says it is.

    Args:
        party: party id.
        role: one of ``ROLES``.
        name: which of the party's people in that role, as the party calls them; may be empty. A node has none.
    """

    party: str
    role: str
    name: str = ""

    @property
    def uri(self) -> str:
        """The name in the certificate."""
        return f"psi-match://{self.party}/{self.role}{'/' if self.name else ''}{self.name}"


def server_name(party: str) -> str:
    """Return the DNS name under which peers check a node's certificate."""
    return f"{party}.node.psi-match"


def identity_of(names: list[str]) -> Identity | None:
    """Return the identity among a certificate's URI names; None unless there is exactly one."""
    found = [match for name in names if (match := _IDENTITY.fullmatch(name))]
    if len(found) != 1:
        return None
    return Identity(found[0]["party"], found[0]["node"] or found[0]["role"], found[0]["name"] or "")


def certificate_identity(pem: bytes) -> Identity | None:
    """Return the identity in a PEM certificate.

    Raises:
        ValueError: it is not a certificate.
    """
    certificate = _parsed(pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        # What cannot be read, or stands there twice, names no one.
        return None
    return identity_of(names.get_values_for_type(x509.UniformResourceIdentifier))


def _parsed(pem: bytes) -> x509.Certificate:
    """Return a PEM certificate.

    Raises:
        ValueError: it is not one.
    """
    try:
        return x509.load_pem_x509_certificate(pem)
    except x509.InvalidVersion:
        raise ValueError("no X.509 certificate of a known version") from None


def serial_of(pem: bytes) -> int:
    """Return the serial number of a PEM certificate.

    Raises:
        ValueError: it is not a certificate.
    """
    return _parsed(pem).serial_number


def expires_at(pem: bytes) -> datetime.datetime:
    """Return the moment until which a PEM certificate is valid.

    Raises:
        ValueError: it is not a certificate.
    """
    return _parsed(pem).not_valid_after_utc


def days_left(pem: bytes, now: datetime.datetime) -> int:
    """Return for how many whole days a PEM certificate is still valid; negative if it has expired.

    Raises:
        ValueError: it is not a certificate.
    """
    return (expires_at(pem) - now).days


@dataclass(frozen=True, slots=True, repr=False)
class Authority:
    """A certificate authority: for demos and tests. In production every body brings its own certificates."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, now: datetime.datetime) -> Authority:
        """Make a new authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "psi-match demo authority")])
        certificate = (
            _builder(name, name, key.public_key(), now, VALID_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    def issue(
        self,
        party: str,
        role: str,
        now: datetime.datetime,
        valid_days: int = VALID_DAYS,
        name: str = "",
    ) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """Issue a certificate for one role of one party; a negative validity makes one that has expired.

        Raises:
            UsageError: the party, role or name cannot stand in a certificate.
        """
        identity = Identity(party, role, name)
        if identity_of([identity.uri]) != identity:
            raise UsageError(
                "There is no such party, role or name.", "Lower case, digits, hyphens; a node has no name."
            )
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identity.uri)]
        if role == NODE:
            # The address names are for other tools that call a demo node; psi-match itself checks the first one.
            names += [x509.DNSName(server_name(party)), x509.DNSName(party), x509.DNSName("localhost")]
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if role == NODE else [])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{party} {role}")])
        certificate = (
            _builder(subject, self.certificate.subject, key.public_key(), now, valid_days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return key, certificate


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    valid_days: int,
) -> x509.CertificateBuilder:
    start, end = now - _BACKDATE, now + datetime.timedelta(days=valid_days)
    if end <= start:
        start = end - datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def write_key_folder(
    folder: Path, authority: Authority, party: str, roles: tuple[str, ...], now: datetime.datetime, name: str = "demo"
) -> None:
    """Write ``ca.pem`` and, per role, ``ROLE.pem`` and ``ROLE.key`` into a party's folder, mode 0700 and 0600.

    Args:
        folder: the party's folder; made if missing.
        authority: who issues.
        party: party id.
        roles: which certificates.
        now: from when they are valid.
        name: name of the people.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "ca.pem").write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    for role in roles:
        key, certificate = authority.issue(party, role, now, name="" if role == NODE else name)
        (folder / f"{role}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_private(
            folder / f"{role}.key",
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from the first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A certificate, its key, and the authority that both ends trust, as PEM."""

    identity: Identity
    authority: bytes
    certificate: bytes
    key: bytes

    @classmethod
    def read(cls, folder: Path, role: str) -> Credentials:
        """Read a role's credentials from a key folder and check that they belong together.

        Raises:
            ConfigError: a file is missing, unreadable, expired, or does not fit the others.
        """
        hint = "Make demo keys with `psi-match keys init DIR`, or put your own certificates there."
        try:
            authority, certificate, key = (
                (folder / name).read_bytes() for name in ("ca.pem", f"{role}.pem", f"{role}.key")
            )
        except OSError as cause:
            raise ConfigError(f"Cannot read {cause.filename}: {cause.strerror}.", hint) from None
        problem = _problem(authority, certificate, key, role)
        if problem:
            raise ConfigError(f"{folder}: {problem}", hint)
        identity = certificate_identity(certificate)
        if identity is None or identity.role != role:
            raise ConfigError(f"{folder / role}.pem is not a {role} certificate of psi-match.", hint)
        return cls(identity, authority, certificate, key)

    def days_left(self, now: datetime.datetime) -> int:
        """Return for how many whole days the certificate is still valid."""
        return days_left(self.certificate, now)

    def __repr__(self) -> str:
        return f"Credentials({self.identity.party}, {self.identity.role})"


class LiveCredentials:
    """A role's credentials that follow their files, so that a new certificate or authority needs no restart.

    The files are read at each use, which is once per connection: no time stamp tells as surely that they are the same.
    While they do not fit together, as halfway through a replacement, the last ones that did stay in use.

    Args:
        folder: key folder.
        role: whose credentials.

    Raises:
        ConfigError: they are not usable at the start.
    """

    def __init__(self, folder: Path, role: str) -> None:
        self._folder, self._role = folder, role
        self._good = Credentials.read(folder, role)
        self._problem = ""
        self._lock = threading.Lock()

    def current(self) -> Credentials:
        """Return the newest usable credentials: the same object as before if nothing changed."""
        with self._lock:
            try:
                self._take(Credentials.read(self._folder, self._role))
            except ConfigError as error:
                # Said once, not at every connection.
                if error.sentence != self._problem:
                    structlog.get_logger().warning("the last usable certificate stays in use", problem=error.sentence)
                self._problem = error.sentence
            return self._good

    def _take(self, fresh: Credentials) -> None:
        if fresh.identity != self._good.identity:
            raise ConfigError(f"{self._folder / self._role}.pem is now that of {fresh.identity.uri}.")
        # The key fits the certificate, so the two say whether it is another one.
        if (fresh.authority, fresh.certificate) != (self._good.authority, self._good.certificate):
            self._good = fresh
            left = fresh.days_left(datetime.datetime.now(datetime.UTC))
            structlog.get_logger().info("new certificates in use", party=fresh.identity.party, days_left=left)
        self._problem = ""


def _problem(authority: bytes, certificate: bytes, key: bytes, role: str) -> str | None:
    """Return what is wrong with a set of credentials, if anything. The key's content never enters a message."""
    try:
        parsed = _parsed(certificate)
        public = parsed.public_key()
        x509.load_pem_x509_certificates(authority)
    except Exception:  # of many types: an unknown kind of key, a version that there is not  # noqa: BLE001
        return f"{role}.pem or ca.pem is not a PEM certificate."
    private = None
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except Exception:  # likewise, also for what OpenSSL cannot explain  # noqa: BLE001
        return f"{role}.key is not an unencrypted PEM private key."
    if private.public_key() != public:
        return f"{role}.key does not belong to {role}.pem."
    now = datetime.datetime.now(datetime.UTC)
    if parsed.not_valid_after_utc < now:
        return f"{role}.pem expired on {parsed.not_valid_after_utc:%Y-%m-%d}."
    if parsed.not_valid_before_utc > now:
        return f"{role}.pem is not valid before {parsed.not_valid_before_utc:%Y-%m-%d}."
    return None
