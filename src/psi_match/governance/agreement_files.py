"""Agreements and their signatures as files: ``NAME.toml``, and beside it ``NAME.PARTY.sig`` per party that signed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field

from psi_match.base.errors import ConfigError
from psi_match.base.toml_file import read_model
from psi_match.domain.parties import PartyId
from psi_match.governance.agreement import HEX_DIGEST, Agreement
from psi_match.governance.signing import Signer, is_signed

_PURPOSE = "agreement-signature"


class Signature(BaseModel):
    """One party's signature under an agreement.

    Args:
        format: version of this file format.
        party: who signed.
        agreement: digest of the agreement.
        public_key: with which key.
        signature: Ed25519, over the digest and the party id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    party: PartyId
    agreement: str = Field(pattern=HEX_DIGEST)
    public_key: str = Field(pattern=HEX_DIGEST)
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")

    def is_of(self, agreement: Agreement) -> bool:
        """Tell whether this is the party's signature under exactly this text, by the key that the text names."""
        named = [party.signing_key for party in agreement.parties if party.id == self.party]
        return (
            self.agreement == agreement.digest.hex()
            and named == [self.public_key]
            and is_signed(
                bytes.fromhex(self.public_key),
                bytes.fromhex(self.signature),
                _PURPOSE,
                agreement.digest,
                self.party.encode(),
            )
        )


@dataclass(frozen=True, slots=True)
class SignedAgreement:
    """An agreement and whose signatures lie beside it.

    Args:
        agreement: the text.
        signed: parties whose signature is one under this text, sorted.
        wrong: parties whose signature file is there, but is no signature under this text, sorted.
    """

    agreement: Agreement
    signed: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def missing(self) -> list[str]:
        """Parties that have not signed this text, sorted."""
        return sorted(set(self.agreement.party_ids) - set(self.signed))


def read_agreement(path: Path) -> Agreement:
    """Read an agreement.

    Raises:
        ConfigError: it cannot be read, is not valid, or its name differs from its file's.
    """
    agreement = read_model(path, Agreement)
    if path.stem != agreement.name:
        raise ConfigError(
            f"{path} holds agreement {agreement.name}: a file is named after its agreement.",
            f"Rename it to {agreement.name}.toml.",
        )
    return agreement


def read_signed(path: Path) -> SignedAgreement:
    """Read an agreement and the signatures beside it.

    Raises:
        ConfigError: the agreement, or a signature file, cannot be read or is not valid.
    """
    agreement = read_agreement(path)
    signed: list[str] = []
    wrong: list[str] = []
    for party in agreement.party_ids:
        file = signature_path(path, party)
        if not file.exists():
            continue
        signature = read_model(file, Signature)
        fits = signature.party == party and signature.is_of(agreement)
        (signed if fits else wrong).append(party)
    return SignedAgreement(agreement, tuple(signed), tuple(wrong))


def write_agreement(folder: Path, agreement: Agreement) -> Path:
    """Write an agreement into a folder; never over another one.

    Raises:
        ConfigError: the file exists already, or cannot be written.
    """
    path = folder / f"{agreement.name}.toml"
    text = tomli_w.dumps(_without_none(agreement.model_dump(mode="python")))
    _write_new(path, text)
    return path


def sign_agreement(path: Path, party: str, signer: Signer) -> Path:
    """Sign an agreement as a party; return the file of the signature, which replaces an older one.

    Raises:
        ConfigError: the agreement is not valid, has no such party, or names another key for it.
    """
    agreement = read_agreement(path)
    named = [terms.signing_key for terms in agreement.parties if terms.id == party]
    if not named:
        raise ConfigError(f"{party} is no party to agreement {agreement.name}.", "Check --party.")
    if named[0] != signer.public_key.hex():
        raise ConfigError(
            f"Agreement {agreement.name} names another signing key for {party} than this one.",
            "Sign with the key that it names, or propose it anew with the key of today.",
        )
    signature = Signature(
        format=1,
        party=party,
        agreement=agreement.digest.hex(),
        public_key=signer.public_key.hex(),
        signature=signer.sign(_PURPOSE, agreement.digest, party.encode()).hex(),
    )
    file = signature_path(path, party)
    _replace(file, tomli_w.dumps(signature.model_dump()))
    return file


def signature_path(path: Path, party: str) -> Path:
    """Return where a party's signature under an agreement lies."""
    return path.with_name(f"{path.stem}.{party}.sig")


def _without_none(value: object) -> dict[str, object]:
    """Return nested values without those that are None, which TOML has not."""

    def clean(item: object) -> object:
        if isinstance(item, dict):
            return {key: clean(part) for key, part in item.items() if part is not None}
        return [clean(part) for part in item] if isinstance(item, list | tuple) else item

    # Safe: a dict stays one.
    cleaned = clean(value)
    assert isinstance(cleaned, dict)  # noqa: S101
    return cleaned


def _write_new(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{path} exists already.", "Choose another name, or remove it first.") from None
    except OSError as cause:
        raise ConfigError(f"Cannot write {path}: {cause.strerror}.", "Check the folder and its owner.") from None


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.rename(path)
    except OSError as cause:
        raise ConfigError(f"Cannot write {path}: {cause.strerror}.", "Check the folder and its owner.") from None
