"""The config file of the page, checked as a whole before anything listens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from psi_match.base.errors import ConfigError, UsageError
from psi_match.base.toml_file import read_model
from psi_match.domain.parties import PartyId, display_name
from psi_match.node.certificates import OBSERVER, OPERATOR, Credentials
from psi_match.page.login_token import origin_of


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NodeConfig(_Model):
    """A node that the page looks at.

    Args:
        party: its party id.
        address: ``host:port``.
        keys: folder with ``ca.pem``, ``observer.pem`` and ``observer.key`` of that party.
    """

    party: PartyId
    address: str = Field(pattern=r"^\S+:\d{1,5}$")
    keys: Path


class PageLimits(_Model):
    """Bounds that keep the page alive.

    Args:
        browsers: live event streams at a time; a further one is refused.
        browsers_per_address: of those, from one client address; behind a proxy all people share one.
        request_bytes: largest body of a request.
        attack_s: an attack is stopped after so long.
        attack_pause_s: so long after an attack none is started.
    """

    browsers: int = Field(default=64, ge=1, le=10_000)
    browsers_per_address: int = Field(default=16, ge=1, le=10_000)
    request_bytes: int = Field(default=8192, ge=256, le=1_000_000)
    attack_s: float = Field(default=300.0, gt=0, le=3600)
    attack_pause_s: float = Field(default=5.0, ge=0, le=3600)


class PageConfig(_Model):
    """The page.

    Args:
        listen: ``host:port``.
        public_url: how browsers reach it.
        allowed_hosts: further values of ``Host`` that are answered.
        language: ``nl`` or ``en``: of whoever has not chosen.
        scenario_dir: folder of scenario files, the same as the nodes'; those that come along if absent.
        agreements: folder with copies of the agreements and their signatures, which the page shows.
        evaluation: what the synthetic truth says, as ``psi-match population evaluate`` writes it.
        operators: for demonstrations only: folder with one key folder per party that starts runs; without it the page
            starts nothing.
        recipient_urls: party to the address of that party's own page for its results.
        limits: bounds.
        nodes: the nodes to look at.
    """

    listen: str = Field(pattern=r"^\S+:\d{1,5}$")
    public_url: str
    allowed_hosts: tuple[str, ...] = ()
    language: str = Field(default="nl", pattern="^(nl|en)$")
    scenario_dir: Path | None = None
    agreements: Path | None = None
    evaluation: Path | None = None
    operators: Path | None = None
    attack: bool = True
    recipient_urls: dict[PartyId, str] = Field(default_factory=dict)
    limits: PageLimits = PageLimits()
    nodes: tuple[NodeConfig, ...] = Field(min_length=1, max_length=64)

    @field_validator("public_url")
    @classmethod
    def _as_origin(cls, value: str) -> str:
        return _origin(value)

    @field_validator("recipient_urls")
    @classmethod
    def _as_origins(cls, value: dict[str, str]) -> dict[str, str]:
        return {party: _origin(url) for party, url in value.items()}

    @model_validator(mode="after")
    def _check(self) -> Self:
        parties = [node.party for node in self.nodes]
        if len(set(parties)) != len(parties):
            raise ValueError("nodes hold a party twice")
        elsewhere = sorted(host for host in self.hosts if not _is_loopback(host))
        if self.operators and elsewhere:
            raise ValueError(
                f"has operators, so its names may only be localhost, 127.0.0.1 or [::1], not {', '.join(elsewhere)}:"
                " whoever opens the page starts runs as other bodies"
            )
        return self

    @property
    def hosts(self) -> frozenset[str]:
        """What browsers may write in ``Host``."""
        return frozenset({self.public_url.split("://", 1)[1], *(host.lower() for host in self.allowed_hosts)})

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it with TLS."""
        return self.public_url.startswith("https://")

    @property
    def parties(self) -> list[str]:
        """All parties, in the order of the file."""
        return [node.party for node in self.nodes]

    def node(self, party: str) -> NodeConfig | None:
        """Return the node of a party, if the page looks at it."""
        return next((node for node in self.nodes if node.party == party), None)

    def operator_keys(self, party: str) -> Path | None:
        """Return the key folder with which a run is started at a party, if there is one."""
        folder = self.operators / party if self.operators else None
        return folder if folder and self.node(party) and (folder / f"{OPERATOR}.pem").is_file() else None


def _is_loopback(host: str) -> bool:
    return re.sub(r":\d*$", "", host) in {"localhost", "127.0.0.1", "[::1]"}


def _origin(url: str) -> str:
    try:
        return origin_of(url)
    except UsageError as error:
        raise ValueError(f"is not usable: {error.sentence}") from None


def read_page_config(path: Path) -> PageConfig:
    """Read a config; paths in it count from its folder.

    Raises:
        ConfigError: it cannot be read or is not valid, or a certificate is missing or another party's.
    """
    config = read_model(path, PageConfig)
    base = path.resolve().parent
    changed: dict[str, object] = {
        name: base / folder
        for name in ("scenario_dir", "agreements", "evaluation", "operators")
        if (folder := getattr(config, name)) is not None
    }
    changed["nodes"] = tuple(node.model_copy(update={"keys": base / node.keys}) for node in config.nodes)
    config = config.model_copy(update=changed)
    for node in config.nodes:
        _check_certificate(node.keys, OBSERVER, node.party)
        operator = config.operator_keys(node.party)
        if operator:
            _check_certificate(operator, OPERATOR, node.party)
    for name in ("scenario_dir", "agreements", "operators"):
        folder = getattr(config, name)
        if folder is not None and not folder.is_dir():
            raise ConfigError(f"{name} of {path} is no folder: {folder}.", "Correct it, or leave it out.")
    return config


def _check_certificate(keys: Path, role: str, party: str) -> None:
    identity = Credentials.read(keys, role).identity
    if identity.party != party:
        raise ConfigError(
            f"{keys / role}.pem is a certificate of {display_name(identity.party)}, not of {display_name(party)}.",
            "Each [[nodes]] table has the keys of its own party.",
        )
