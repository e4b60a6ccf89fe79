"""A node's config file: validated as a whole before anything listens or any data is read."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from psi_match.base.errors import ConfigError
from psi_match.base.toml_file import read_model
from psi_match.domain.dataset import DatasetSpec
from psi_match.domain.parties import PartyId
from psi_match.node.sources import SourceConfig
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE, SMALLEST_PUBLIC_SIZE


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeysConfig(_Model):
    """Where the node's keys are.

    Args:
        directory: folder with ``ca.pem``, ``node.pem`` and ``node.key``.
    """

    directory: Path


class PeerConfig(_Model):
    """A node that this node may talk to.

    Args:
        party: its party id; its certificate must say the same.
        address: ``host:port``.
    """

    party: PartyId
    address: str = Field(pattern=r"^\S+:\d{1,5}$")


class DatasetConfig(_Model):
    """A dataset that scenarios may name.

    Args:
        source: where the rows are.
        preload: read and check it when the node starts, and keep it in memory.
    """

    spec: DatasetSpec
    source: SourceConfig
    preload: bool = False

    @model_validator(mode="before")
    @classmethod
    def _gather_spec(cls, data: object) -> object:
        # In the file one table describes both: what the rows look like, and where they are.
        if not isinstance(data, dict):
            return data
        own = {key: data[key] for key in ("source", "preload") if key in data}
        return own | {"spec": {key: value for key, value in data.items() if key not in own}}


class Limits(_Model):
    """Bounds that keep a node alive and a peer honest about time.

    Args:
        max_sessions: runs at a time, as leader or data party; a further one is refused.
        peer_silence_s: a peer that sends nothing for this long, not even a heartbeat, ends the run.
        heartbeat_s: how often this node tells its peers that it is alive.
        run_s: no run lasts longer.
        max_public_size: largest public size that is accepted from a peer.
        min_group: smallest group size of statistics in which this node's rows take part.
    """

    max_sessions: int = Field(default=4, ge=1, le=64)
    peer_silence_s: float = Field(default=30.0, gt=0)
    heartbeat_s: float = Field(default=3.0, gt=0)
    run_s: float = Field(default=4 * 3600.0, gt=0)
    min_group: int = Field(default=10, ge=2)
    max_public_size: int = Field(default=LARGEST_PUBLIC_SIZE, ge=SMALLEST_PUBLIC_SIZE, le=LARGEST_PUBLIC_SIZE)

    @model_validator(mode="after")
    def _heartbeats_fit(self) -> Self:
        if self.heartbeat_s * 2 > self.peer_silence_s:
            raise ValueError("peer_silence_s must be at least twice heartbeat_s")
        return self


class NodeConfig(_Model):
    """One node.

    Args:
        party: own party id; the node's certificate must say the same.
        listen: ``host:port`` to listen on; port 0 picks a free one.
        state_dir: folder for run records and results; made if missing, mode 0700.
        scenario_dir: folder of scenario files; those that come with psi-match if absent.
        keys: certificates and keys.
        peers: other nodes.
        datasets: what scenarios may name.
        opt_outs: name of the dataset that lists who opted out at this body; joint scenarios leave them out everywhere.
        limits: bounds.
    """

    party: PartyId
    listen: str = Field(pattern=r"^\S+:\d{1,5}$")
    state_dir: Path
    scenario_dir: Path | None = None
    keys: KeysConfig
    peers: tuple[PeerConfig, ...] = ()
    datasets: tuple[DatasetConfig, ...] = ()
    opt_outs: str | None = None
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (
            ("peers", [peer.party for peer in self.peers]),
            ("datasets", [dataset.spec.name for dataset in self.datasets]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} hold a name twice")
        if self.opt_outs is not None and self.opt_outs not in [dataset.spec.name for dataset in self.datasets]:
            raise ValueError("opt_outs names a dataset that is not declared")
        if self.party in [peer.party for peer in self.peers]:
            raise ValueError("peers hold the node's own party")
        return self

    def peer(self, party: str) -> PeerConfig:
        """Return a peer's address.

        Raises:
            ConfigError: this node does not know the peer.
        """
        for peer in self.peers:
            if peer.party == party:
                return peer
        raise ConfigError(
            f"Node {self.party} has no address for {party}.", "Add a [[peers]] table to its config.", peer=party
        )

    def dataset(self, name: str) -> DatasetConfig:
        """Return a dataset's config.

        Raises:
            ConfigError: this node has no such dataset.
        """
        for dataset in self.datasets:
            if dataset.spec.name == name:
                return dataset
        raise ConfigError(f"Node {self.party} has no dataset named {name}.", "Add a [[datasets]] table to its config.")


def read_config(path: Path) -> NodeConfig:
    """Read a node's config; relative paths in it count from the file's own folder.

    Raises:
        ConfigError: the file cannot be read or is not valid.
    """
    config = read_model(path, NodeConfig)
    base = path.resolve().parent
    return config.model_copy(
        update={
            "state_dir": base / config.state_dir,
            "scenario_dir": base / config.scenario_dir if config.scenario_dir else None,
            "keys": KeysConfig(directory=base / config.keys.directory),
            "datasets": tuple(
                dataset.model_copy(update={"source": dataset.source.relative_to(base)}) for dataset in config.datasets
            ),
        }
    )
