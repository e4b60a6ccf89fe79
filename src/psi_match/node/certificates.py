"""Certificates: a certificate authority for demos, node and operator certificates, and who a certificate says it is.

Identity is a URI in the certificate, ``psi-match://PARTY/ROLE``. A node's certificate also carries the DNS name under
which its peers check it, ``PARTY.node.psi-match``, whatever address they dialled: the certificate names the party, not
the machine.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from psi_match.base.errors import ConfigError
from psi_match.domain.parties import PARTY_PATTERN

NODE = "node"
OPERATOR = "operator"
ROLES = (NODE, OPERATOR)

VALID_DAYS = 90
_BACKDATE = datetime.timedelta(minutes=5)
"""Machines whose clocks differ a little still accept a new certificate."""

_IDENTITY = re.compile(rf"psi-match://({PARTY_PATTERN.strip('^$')})/({'|'.join(ROLES)})")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate says it is."""

    party: str
    role: str


def server_name(party: str) -> str:
    """Return the DNS name under which peers check a node's certificate."""
    return f"{party}.node.psi-match"


def identity_of(names: list[str]) -> Identity | None:
    """Return the identity among a certificate's URI names; None unless there is exactly one."""
    found = [match for name in names if (match := _IDENTITY.fullmatch(name))]
    return Identity(found[0][1], found[0][2]) if len(found) == 1 else None


def certificate_identity(pem: bytes) -> Identity | None:
    """Return the identity in a PEM certificate.

    Raises:
        ValueError: it is not a certificate.
    """
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    return identity_of(names.get_values_for_type(x509.UniformResourceIdentifier))


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
    ) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """Issue a certificate for one role of one party; a negative validity makes one that has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(f"psi-match://{party}/{role}")]
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
    folder: Path, authority: Authority, party: str, roles: tuple[str, ...], now: datetime.datetime
) -> None:
    """Write ``ca.pem`` and, per role, ``ROLE.pem`` and ``ROLE.key`` into a party's folder, mode 0700 and 0600."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "ca.pem").write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    for role in roles:
        key, certificate = authority.issue(party, role, now)
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

    def __repr__(self) -> str:
        return f"Credentials({self.identity.party}, {self.identity.role})"


def _problem(authority: bytes, certificate: bytes, key: bytes, role: str) -> str | None:
    """Return what is wrong with a set of credentials, if anything. The key's content never enters a message."""
    try:
        parsed = x509.load_pem_x509_certificate(certificate)
        x509.load_pem_x509_certificates(authority)
    except ValueError:
        return f"{role}.pem or ca.pem is not a PEM certificate."
    private = None
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError):
        return f"{role}.key is not an unencrypted PEM private key."
    if private.public_key() != parsed.public_key():
        return f"{role}.key does not belong to {role}.pem."
    now = datetime.datetime.now(datetime.UTC)
    if parsed.not_valid_after_utc < now:
        return f"{role}.pem expired on {parsed.not_valid_after_utc:%Y-%m-%d}."
    if parsed.not_valid_before_utc > now:
        return f"{role}.pem is not valid before {parsed.not_valid_before_utc:%Y-%m-%d}."
    return None
