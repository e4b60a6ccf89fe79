"""Nodes of a bench: real processes with mutual TLS, on loopback or on a shaped network, each in its own folder."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psi_match.bench.network import ShapedNetwork, find_net, shaped
from psi_match.node.certificates import NODE, OPERATOR, Authority, write_key_folder
from psi_match.node.local_nodes import LocalDataset, LocalNode, free_ports, govern, running, write_node_folder
from psi_match.scenario.catalogue import Catalogue

LOOPBACK = "loopback"
"""Name of the network that is none: all nodes on this machine, as fast as it can."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Which nodes there are, and what each has.

    Args:
        scenario: name of the scenario.
        toml: its file.
        parties: all party ids.
        datasets: per party that has rows its dataset named ``rows``.
    """

    scenario: str
    toml: str
    parties: Sequence[str]
    datasets: Mapping[str, LocalDataset]


@dataclass(slots=True)
class Serving:
    """Nodes that serve.

    Args:
        nodes: per party.
        network: what the network between them is, for people; empty on loopback.
    """

    nodes: Mapping[str, LocalNode] = field(default_factory=dict)
    network: str = ""


def check_net(net: str) -> None:
    """Refuse what is no network.

    Raises:
        UsageError: there is none of that name.
    """
    if net != LOOPBACK:
        find_net(net)


@contextmanager
def serving(setting: Setting, folder: Path, net: str = LOOPBACK) -> Iterator[Serving]:
    """Make keys, scenario, agreements and nodes in an empty folder; start the nodes and stop them at the end.

    Raises:
        UsageError: there is no such network.
        ConfigError: this machine or this user cannot make it.
        PsiMatchError: a node does not start.
    """
    with _placed(setting.parties, folder, net) as found:
        _prepare(setting, found.nodes, folder)
        with running(list(found.nodes.values())):
            yield found


@contextmanager
def _placed(parties: Sequence[str], folder: Path, net: str) -> Iterator[Serving]:
    """Give every party's node its address."""
    if net == LOOPBACK:
        ports = free_ports(len(parties))
        yield Serving(
            {
                party: LocalNode(party, folder / "nodes" / party, folder / "keys" / party, port)
                for party, port in zip(parties, ports, strict=True)
            }
        )
        return
    with shaped(find_net(net), parties) as network:
        nodes = {party: network.node(party, folder / "nodes" / party, folder / "keys" / party) for party in parties}
        yield Serving(nodes, described(network))


def described(network: ShapedNetwork) -> str:
    """Say what a network is, what makes it so, and what was measured on it."""
    what = network.describe()
    return (
        f"{what['net']}: {what['rate_mbit_s']:g} Mbit/s, round trip {what['round_trip_ms']:g} ms "
        f"by {what['delay_by']}; measured {what['measured_mbit_s']} Mbit/s and {what['measured_round_trip_ms']} ms"
    )


def _prepare(setting: Setting, nodes: Mapping[str, LocalNode], folder: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    authority = Authority.create(now)
    scenarios = folder / "scenarios"
    scenarios.mkdir(parents=True)
    (scenarios / f"{setting.scenario}.toml").write_text(setting.toml)
    addresses = {party: node.address for party, node in nodes.items()}
    for party, node in nodes.items():
        write_key_folder(node.keys, authority, party, (NODE, OPERATOR), now)
        datasets = {"rows": setting.datasets[party]} if party in setting.datasets else {}
        write_node_folder(node.folder, node, addresses, datasets, f'scenario_dir = "{scenarios}"\n')
    govern(nodes, Catalogue(scenarios).all())
