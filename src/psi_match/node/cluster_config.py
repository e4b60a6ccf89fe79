"""Where a node computes the tasks of its runs: in threads of its own process, or on its own Dask cluster."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Cluster(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ThreadsConfig(_Cluster):
    """Threads of the node's process.

    Args:
        count: how many; as many as there are processors if absent.
    """

    kind: Literal["threads"] = "threads"
    count: int | None = Field(default=None, ge=1, le=1024)

    def relative_to(self, _base: Path) -> Self:
        """Return the same: it has no paths."""
        return self


class DaskConfig(_Cluster):
    """A Dask cluster of the same body. Its machines see rows and keys, and whoever reaches it runs code on it.

    Args:
        scheduler: ``tls://host:port``; ``tcp://`` only on this machine, unless ``plain_network``.
        ca: certificate of the authority that signed the cluster's certificates.
        certificate: the node's certificate in that cluster.
        key: its key.
        plain_network: rows and keys may cross a network without encryption, said on purpose.
    """

    kind: Literal["dask"]
    scheduler: str
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    plain_network: bool = False

    @property
    def encrypted(self) -> bool:
        """Whether the connection is by TLS."""
        return self.scheduler.startswith("tls://")

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        try:
            url = urlsplit(self.scheduler)
            complete = url.scheme in {"tls", "tcp"} and url.hostname is not None and url.port is not None
        except ValueError:
            complete = False
        if not complete:
            raise ValueError("scheduler must look like tls://host:8786")
        files = [self.ca, self.certificate, self.key]
        if self.encrypted and None in files:
            raise ValueError("a tls:// scheduler needs ca, certificate and key")
        if not self.encrypted and any(files):
            raise ValueError("a tcp:// scheduler uses no ca, certificate or key; write tls://")
        if not self.encrypted and not self.plain_network and not _is_loopback(url.hostname or ""):
            raise ValueError(
                "a tcp:// scheduler on another machine would get rows and keys in the clear; "
                "write tls://, or plain_network = true to accept that"
            )
        return self

    def relative_to(self, base: Path) -> Self:
        """Return the same with its paths counted from a folder."""
        paths = {name: getattr(self, name) for name in ("ca", "certificate", "key")}
        return self.model_copy(update={name: base / path for name, path in paths.items() if path})


ClusterConfig = Annotated[ThreadsConfig | DaskConfig, Field(discriminator="kind")]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
