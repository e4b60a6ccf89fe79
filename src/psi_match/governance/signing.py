"""Ed25519 signatures of a party: who signs, and whose key is known.

A party signs agreements, the lines of its audit log and the heads of its peers' logs with one key of its own, apart
from its TLS keys. What is signed is always the digest of a purpose and fields, so that no signature means two things.

Source:
    RFC 8032 (Ed25519), as implemented by OpenSSL behind the package ``cryptography``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, model_validator

from psi_match.base.errors import ConfigError
from psi_match.base.toml_file import read_model
from psi_match.crypto.derive import hash_fields
from psi_match.domain.parties import PartyId

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64
SIGNING_KEY_NAME = "signing.key"
SIGNERS_NAME = "signers.toml"


class Signer(Protocol):
    """Whoever holds a party's signing key: a file, or a hardware module that never lets it go."""

    @property
    def public_key(self) -> bytes:
        """The 32-byte public key."""
        ...

    def sign(self, purpose: str, *fields: bytes) -> bytes:
        """Return the 64-byte signature of ``hash_fields(purpose, *fields)``."""
        ...


class KeySigner:
    """A signing key in memory.

    Args:
        key: the private key.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes_raw()

    @classmethod
    def read(cls, path: Path) -> KeySigner:
        """Read an unencrypted PKCS#8 PEM file.

        Raises:
            ConfigError: it cannot be read, or is no Ed25519 key.
        """
        hint = "Make demo keys with `psi-match keys init DIR`, or put your own signing key there."
        key: object = None
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except OSError as cause:
            raise ConfigError(f"Cannot read {path}: {cause.strerror}.", hint) from None
        except Exception:  # of many types, also for what OpenSSL cannot explain  # noqa: BLE001
            key = None
        # Raised outside of the handler: a library's error could hold what it read.
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(f"{path} is not an unencrypted Ed25519 key in PEM.", hint)
        return cls(key)

    def sign(self, purpose: str, *fields: bytes) -> bytes:
        """Return the signature of a purpose and fields."""
        return self._key.sign(hash_fields(purpose, *fields))

    def __repr__(self) -> str:
        return "KeySigner()"


def is_signed(public_key: bytes, signature: bytes, purpose: str, *fields: bytes) -> bool:
    """Tell whether a signature of a purpose and fields is that of a public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, hash_fields(purpose, *fields))
    except (InvalidSignature, ValueError):
        return False
    return True


class KnownSigner(BaseModel):
    """One party's public signing key, as this node knows it.

    Args:
        party: party id.
        public_key: 64 hexadecimal digits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    party: PartyId
    public_key: str = Field(pattern=r"^[0-9a-f]{64}$")


class Signers(BaseModel):
    """``signers.toml``: which signing key speaks for which party. A party may have several while it changes keys.

    A key that is removed here is not believed any more: neither agreements nor log heads that it signed.

    Args:
        format: version of this file format.
        signers: one entry per key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    signers: tuple[KnownSigner, ...] = ()

    @model_validator(mode="after")
    def _one_party_per_key(self) -> Self:
        keys = [signer.public_key for signer in self.signers]
        if len(set(keys)) != len(keys):
            raise ValueError("signers hold a key twice")
        return self

    @classmethod
    def read(cls, path: Path) -> Signers:
        """Read a file.

        Raises:
            ConfigError: it cannot be read or is not valid.
        """
        return read_model(path, cls)

    def knows(self, party: str, public_key: bytes) -> bool:
        """Tell whether a key speaks for a party."""
        return any(s.party == party and s.public_key == public_key.hex() for s in self.signers)

    def keys_of(self, party: str) -> list[bytes]:
        """Return a party's keys, in the order of the file: the newest last."""
        return [bytes.fromhex(s.public_key) for s in self.signers if s.party == party]

    def as_toml(self) -> str:
        """Return the file's text."""
        entries = "".join(f'\n[[signers]]\nparty = "{s.party}"\npublic_key = "{s.public_key}"\n' for s in self.signers)
        return f"# Which signing key speaks for which party.\nformat = 1\n{entries}"
