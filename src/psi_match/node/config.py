"""A node's config file: validated as a whole before anything listens or any data is read."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from psi_match.base.errors import ConfigError
from psi_match.base.toml_file import read_model
from psi_match.domain.dataset import DatasetSpec
from psi_match.domain.parties import PartyId
from psi_match.governance.signing import SIGNERS_NAME
from psi_match.node.cluster_config import ClusterConfig, ThreadsConfig
from psi_match.node.signing_config import FileSigning, SigningConfig
from psi_match.node.sources import SourceConfig


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


class GovernanceConfig(_Model):
    """What this node goes by, beside its policy: read anew for each decision.

    Args:
        policy: the policy file. Without one the node permits nothing.
        agreements: folder of agreements and their signatures.
        signers: file of the parties' public signing keys; ``signers.toml`` among the keys if absent.
    """

    policy: Path = Path("policy.toml")
    agreements: Path = Path("agreements")
    signers: Path | None = None


_LONGEST_S = 7 * 24 * 3600.0
"""A week: no wait is meant to be longer."""


class Limits(_Model):
    """Bounds that keep a node alive and a peer honest about time.

    Args:
        max_sessions: runs at a time, as leader or data party; a further one is refused.
        peer_silence_s: a peer that sends nothing for this long, not even a heartbeat, ends the run.
        heartbeat_s: how often this node tells its peers that it is alive.
        run_s: no run lasts longer.
    """

    max_sessions: int = Field(default=4, ge=1, le=64)
    peer_silence_s: float = Field(default=30.0, gt=0, le=_LONGEST_S)
    heartbeat_s: float = Field(default=3.0, gt=0, le=_LONGEST_S)
    run_s: float = Field(default=4 * 3600.0, gt=0, le=_LONGEST_S)

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
        opt_out_register: name of the dataset that lists who opted out at all bodies: the joint register's file.
        signing: where the node's signing key is.
        governance: policy, agreements, known signing keys.
        limits: bounds.
        health_file: a file that is fresh as long as the node serves; none if absent.
        cluster: where tasks of runs in hash buckets are computed; threads of the node if absent.
    """

    party: PartyId
    listen: str = Field(pattern=r"^\S+:\d{1,5}$")
    state_dir: Path
    scenario_dir: Path | None = None
    keys: KeysConfig
    peers: tuple[PeerConfig, ...] = ()
    datasets: tuple[DatasetConfig, ...] = ()
    opt_outs: str | None = None
    opt_out_register: str | None = None
    signing: SigningConfig = FileSigning()
    governance: GovernanceConfig = GovernanceConfig()
    limits: Limits = Limits()
    health_file: Path | None = None
    cluster: ClusterConfig = ThreadsConfig()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (
            ("peers", [peer.party for peer in self.peers]),
            ("datasets", [dataset.spec.name for dataset in self.datasets]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} hold a name twice")
        declared = [dataset.spec.name for dataset in self.datasets]
        for what, name in (("opt_outs", self.opt_outs), ("opt_out_register", self.opt_out_register)):
            if name is not None and name not in declared:
                raise ValueError(f"{what} names a dataset that is not declared")
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
    governance, keys = config.governance, base / config.keys.directory
    return config.model_copy(
        update={
            "state_dir": base / config.state_dir,
            "scenario_dir": base / config.scenario_dir if config.scenario_dir else None,
            "health_file": base / config.health_file if config.health_file else None,
            "keys": KeysConfig(directory=keys),
            "signing": config.signing.relative_to(base),
            "cluster": config.cluster.relative_to(base),
            "governance": GovernanceConfig(
                policy=base / governance.policy,
                agreements=base / governance.agreements,
                signers=base / governance.signers if governance.signers else keys / SIGNERS_NAME,
            ),
            "datasets": tuple(
                dataset.model_copy(update={"source": dataset.source.relative_to(base)}) for dataset in config.datasets
            ),
        }
    )
