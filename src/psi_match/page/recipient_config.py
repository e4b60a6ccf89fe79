"""The config file of a recipient's page, checked as a whole before anything listens."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from psi_match.base.errors import ConfigError, UsageError
from psi_match.base.toml_file import read_model
from psi_match.domain.parties import PartyId
from psi_match.node.certificates import OPERATOR, Credentials
from psi_match.node.revocation import REVOKED_NAME
from psi_match.page.login_token import origin_of


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeysConfig(_Model):
    """Where the page's own certificate is.

    Args:
        directory: folder with ``ca.pem``, ``operator.pem`` and ``operator.key``.
        revoked: revocation list, best the node's own; ``revoked.toml`` in the folder if absent.
    """

    directory: Path
    revoked: Path | None = None


class TlsConfig(_Model):
    """Certificate with which browsers are answered, where no proxy in front does that.

    Args:
        certificate: PEM file, with the chain.
        key: PEM file.
    """

    certificate: Path
    key: Path


class SessionConfig(_Model):
    """How long somebody is in.

    Args:
        idle_minutes: after so long without a request the session ends.
        longest_minutes: after so long it ends whatever happens.
        most: sessions at a time.
    """

    idle_minutes: int = Field(default=15, ge=1, le=120)
    longest_minutes: int = Field(default=240, ge=1, le=720)
    most: int = Field(default=32, ge=1, le=1000)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.idle_minutes > self.longest_minutes:
            raise ValueError("has idle_minutes above longest_minutes")
        return self


class RecipientConfig(_Model):
    """A recipient's page.

    Args:
        party: whose page it is.
        listen: ``host:port``.
        public_url: how people's browsers reach it; login links are made for this address, and no other is answered.
        node: ``host:port`` of the party's own node.
        keys: the page's certificate.
        people: names of operators that may log in; the name of the page's own certificate if absent.
        scenario_dir: folder of scenario files, best the node's own; those that come along if absent.
        language: ``nl`` or ``en``: of whoever has not chosen.
        synthetic: whether the people are synthetic; each page then says so.
        session: how long somebody is in.
        tls: certificate of the page, where no proxy in front has one.
    """

    party: PartyId
    listen: str = Field(pattern=r"^\S+:\d{1,5}$")
    public_url: str
    node: str = Field(pattern=r"^\S+:\d{1,5}$")
    keys: KeysConfig
    people: tuple[str, ...] | None = Field(default=None, min_length=1)
    scenario_dir: Path | None = None
    language: str = Field(default="nl", pattern="^(nl|en)$")
    synthetic: bool = False
    session: SessionConfig = SessionConfig()
    tls: TlsConfig | None = None

    @field_validator("public_url")
    @classmethod
    def _as_origin(cls, value: str) -> str:
        try:
            return origin_of(value)
        except UsageError as error:
            raise ValueError(f"is not usable: {error.sentence}") from None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.tls and not self.is_secure:
            raise ValueError("has a certificate for browsers, but a public_url without https")
        if any(not re.fullmatch(r"[a-z][a-z0-9-]{0,39}|", name) for name in self.people or ()):
            raise ValueError("has people whose names cannot stand in a certificate")
        return self

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it with TLS."""
        return self.public_url.startswith("https://")

    @property
    def host(self) -> str:
        """What browsers write in ``Host``."""
        return self.public_url.split("://", 1)[1]

    @property
    def revoked_path(self) -> Path:
        """Where the revocation list is."""
        return self.keys.revoked or self.keys.directory / REVOKED_NAME

    def names(self) -> Collection[str]:
        """Return who may log in.

        Raises:
            ConfigError: nobody is named, and the page's own certificate cannot be read.
        """
        return self.people or (Credentials.read(self.keys.directory, OPERATOR).identity.name,)


def read_recipient_config(path: Path) -> RecipientConfig:
    """Read a config; paths in it count from its folder.

    Raises:
        ConfigError: it cannot be read or is not valid, or the certificate in the key folder is another party's.
    """
    config = read_model(path, RecipientConfig)
    base = path.resolve().parent
    keys = KeysConfig(
        directory=base / config.keys.directory, revoked=base / config.keys.revoked if config.keys.revoked else None
    )
    changed: dict[str, object] = {"keys": keys}
    if config.scenario_dir:
        changed["scenario_dir"] = base / config.scenario_dir
    if config.tls:
        changed["tls"] = TlsConfig(certificate=base / config.tls.certificate, key=base / config.tls.key)
    config = config.model_copy(update=changed)
    credentials = Credentials.read(config.keys.directory, OPERATOR)
    if credentials.identity.party != config.party:
        raise ConfigError(
            f"{config.keys.directory / OPERATOR}.pem is one of {credentials.identity.party}, not of {config.party}.",
            "A recipient's page has the certificate of an operator of its own party.",
        )
    return config
