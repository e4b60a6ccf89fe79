"""Where a node's signing key is: in a file, or in a PKCS#11 token; and signing keys for demos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field

from psi_match.base.errors import ConfigError
from psi_match.governance.signing import SIGNERS_NAME, SIGNING_KEY_NAME, KeySigner, KnownSigner, Signer, Signers
from psi_match.node.certificates import write_private
from psi_match.node.pkcs11_signer import Pkcs11Signer


class _Signing(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileSigning(_Signing):
    """A key in a file.

    Args:
        path: unencrypted PKCS#8 PEM; ``signing.key`` in the key folder if absent.
    """

    kind: Literal["file"] = "file"
    path: Path | None = None

    def relative_to(self, base: Path) -> Self:
        """Return the same with its path counted from a folder."""
        return self.model_copy(update={"path": base / self.path}) if self.path else self


class Pkcs11Signing(_Signing):
    """A key in a PKCS#11 token.

    Args:
        module: shared library of the token's maker.
        token: the token's label.
        label: label of the private and of the public key.
        pin_file: file with the PIN that only its owner may read.
    """

    kind: Literal["pkcs11"]
    module: Path
    token: str
    label: str
    pin_file: Path

    def relative_to(self, base: Path) -> Self:
        """Return the same with its paths counted from a folder."""
        return self.model_copy(update={"module": base / self.module, "pin_file": base / self.pin_file})


SigningConfig = Annotated[FileSigning | Pkcs11Signing, Field(discriminator="kind")]


def open_signer(config: SigningConfig, keys_directory: Path) -> Signer:
    """Open a node's signing key.

    Args:
        config: where it is.
        keys_directory: the node's key folder.

    Raises:
        ConfigError: it is not there or cannot be used.
    """
    if isinstance(config, FileSigning):
        return KeySigner.read(config.path or keys_directory / SIGNING_KEY_NAME)
    return Pkcs11Signer(config.module, config.token, config.label, _read_pin(config.pin_file))


def write_signing_keys(folders: Mapping[str, Path]) -> None:
    """Make a signing key for each party, and tell each party all public keys: ``signing.key`` and ``signers.toml``.

    Args:
        folders: existing key folder of each party.
    """
    keys = {party: Ed25519PrivateKey.generate() for party in folders}
    known = Signers(
        format=1,
        signers=tuple(
            KnownSigner(party=party, public_key=key.public_key().public_bytes_raw().hex())
            for party, key in keys.items()
        ),
    )
    for party, folder in folders.items():
        write_private(
            folder / SIGNING_KEY_NAME,
            keys[party].private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
        (folder / SIGNERS_NAME).write_text(known.as_toml(), encoding="utf-8")


def _read_pin(path: Path) -> str:
    hint = "Write the PIN on one line, and give the file mode 0600."
    pin = ""
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"Others than its owner may use {path}.", hint)
        pin = path.read_bytes().decode().rstrip("\r\n")
    except OSError as cause:
        raise ConfigError(f"Cannot read {path}: {cause.strerror}.", hint) from None
    except UnicodeDecodeError:
        pin = ""
    # Raised outside of the handler: a library's error could hold what it read.
    if not pin:
        raise ConfigError(f"{path} holds no PIN.", hint)
    return pin
