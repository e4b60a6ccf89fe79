"""Write who shares a network with whom into docker-compose.yml and the nodes' configs, derived from the scenarios.

    .venv/bin/python scripts/compose_networks.py            write the generated parts
    .venv/bin/python scripts/compose_networks.py --check    only check that they are up to date; exit status 1 if not

Two nodes share a network if a scenario lets them talk:

- the first leader of a scenario, whose operator starts it, with every other party;
- of a joint scenario, the pairs that its plan connects (docs/protocols/joint-session.md);
- a party that put data into a run or learned rows from it, with every other party that learned rows: notices
  (docs/notices.md).

Each such pair has an internal network of its own: one of three would connect two of them without need. Beside these,
a node has one network to the operator and the page, and a body with data one to the database.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from psi_match.domain.parties import BODIES, OTHERS
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import AnyScenario, JoinScenario, StatisticsOutput
from psi_match.scenario.plan import compile_plan

PROJECT = Path(__file__).parents[1]
COMPOSE = PROJECT / "docker-compose.yml"
NODES = tuple(body.id for body in (*BODIES, *OTHERS))
PORT = 50051

RANGE = ipaddress.IPv4Network("10.83.0.0/22")
"""All networks come out of this one. An engine's own choice of ranges ends after some thirty networks."""
FRONT_PREFIX = 28
"""Room for a node, the page, and some operators at a time."""
PAIR_PREFIX = 29
"""Five addresses beside the bridge's own: the smallest that leaves a container room to be replaced."""

DATABASE, LOAD, PAGE, RECIPIENT, OPERATOR = "database", "load", "page", "gemeente", "operator"
RECIPIENT_NODE = "gemeente-a"
"""Whose result page the service `gemeente` is."""
PUBLISHED_ALIAS = "published"
"""The name under which a page finds its own address on the published network, the only one that it listens on."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Network:
    """One network of docker-compose.yml.

    Args:
        name: its name there.
        services: who is on it.
        prefix: length of its subnet's prefix.
        published: it has a way to the host, for a published port; the others are internal.
    """

    name: str
    services: tuple[str, ...]
    prefix: int = PAIR_PREFIX
    published: bool = False


def run_pairs(scenario: AnyScenario) -> set[Pair]:
    """Return the pairs that talk in a run that the first leader's operator starts."""
    coordinator = scenario.leaders[0]
    pairs = {_pair(coordinator, party) for party in scenario.party_ids if party != coordinator}
    if isinstance(scenario, JoinScenario):
        pairs |= compile_plan(scenario).links()
    return pairs


def notice_pairs(scenario: AnyScenario) -> set[Pair]:
    """Return the pairs of whoever may give notice after a run and whoever learned rows from it."""
    if isinstance(scenario, JoinScenario):
        # Counts name nobody: there are no notices about them.
        recipients = set(scenario.recipients)
        recipients -= {output.recipient for output in scenario.outputs if isinstance(output, StatisticsOutput)}
    else:
        recipients = {scenario.leader}
    givers = recipients | {party.id for party in scenario.parties if party.dataset is not None}
    return {_pair(giver, recipient) for giver in givers for recipient in recipients if giver != recipient}


def all_pairs() -> list[Pair]:
    """Return every pair of nodes that must be able to talk, sorted."""
    scenarios = Catalogue(PROJECT / "scenarios").all()
    return sorted(set(chain.from_iterable(run_pairs(each) | notice_pairs(each) for each in scenarios)))


def with_data() -> list[str]:
    """Return the nodes that bring rows to a scenario: those have a database."""
    scenarios = Catalogue(PROJECT / "scenarios").all()
    holders = {party.id for each in scenarios for party in each.parties if party.dataset is not None}
    return [node for node in NODES if node in holders]


def networks() -> Iterator[Network]:
    """Yield all networks, the largest subnets first."""
    for node in NODES:
        yield Network(f"front_{node}", (node, OPERATOR, PAGE), FRONT_PREFIX)
    for one, other in all_pairs():
        yield Network(f"pair_{one}_{other}", (one, other))
    for node in with_data():
        yield Network(f"database_{node}", (node, DATABASE))
    yield Network("database_load", (LOAD, DATABASE))
    yield Network("recipient_page", (RECIPIENT_NODE, RECIPIENT))
    yield Network("published_page", (PAGE,), published=True)
    yield Network("published_gemeente", (RECIPIENT,), published=True)


def _pair(one: str, other: str) -> Pair:
    return min(one, other), max(one, other)


def service_lines(wanted: list[Network]) -> list[str]:
    """Return which service is on which networks."""
    lines = ["x-networks:"]
    for service in (*NODES, DATABASE, LOAD, OPERATOR, PAGE, RECIPIENT):
        lines.append(f"  {service}: &networks-{service}")
        for network in wanted:
            if service in network.services:
                settings = f" {{aliases: [{PUBLISHED_ALIAS}]}}" if network.published else ""
                lines.append(f"    {network.name}:{settings}")
    return lines


def network_lines(wanted: list[Network]) -> list[str]:
    """Return the networks with their subnets."""
    lines = ["networks:"]
    address = int(RANGE.network_address)
    for network in wanted:
        subnet = ipaddress.IPv4Network((address, network.prefix))
        if not subnet.subnet_of(RANGE):
            raise SystemExit(f"{RANGE} is too small for all networks.")
        kind = "published" if network.published else "internal"
        lines.append(f"  {network.name}: {{<<: *{kind}, ipam: {{config: [{{subnet: {subnet}}}]}}}}")
        address += subnet.num_addresses
    return lines


def with_part(text: str, name: str, lines: list[str], where: Path) -> str:
    """Return a text in which the lines between the marks of a generated part are these."""
    marks = f"# {name}: written by scripts/compose_networks.py", f"# {name}: end"
    pattern = re.compile(rf"^{re.escape(marks[0])}\n.*?^{re.escape(marks[1])}$", re.MULTILINE | re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise SystemExit(f"{where} must hold the part {name} between its two marks, once.")
    return pattern.sub(lambda _found: "\n".join([marks[0], *lines, marks[1]]), text)


def peer_lines(node: str) -> list[str]:
    """Return the peers of a node's config: by the name of their service, on the network that both share."""
    peers = sorted(other for pair in all_pairs() if node in pair for other in pair if other != node)
    lines = []
    for peer in peers:
        lines += ["[[peers]]", f'party = "{peer}"', f'address = "{peer}:{PORT}"', ""]
    return lines[:-1]


def generated() -> dict[Path, str]:
    """Return every file with a generated part, as it must be."""
    wanted = list(networks())
    text = COMPOSE.read_text(encoding="utf-8")
    text = with_part(text, "Who is on which network", service_lines(wanted), COMPOSE)
    files = {COMPOSE: with_part(text, "Networks", network_lines(wanted), COMPOSE)}
    for node in NODES:
        path = PROJECT / "services" / node / "node.toml"
        files[path] = with_part(path.read_text(encoding="utf-8"), "Peers", peer_lines(node), path)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description="Who shares a network with whom, from the scenarios.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not up to date")
    parser.add_argument("--pairs", action="store_true", help="print the pairs of services that share a network")
    options = parser.parse_args()
    if options.pairs:
        for network in networks():
            first, *others = network.services
            for other in others:
                print(first, other)
        return
    stale = [path for path, text in generated().items() if path.read_text(encoding="utf-8") != text]
    if options.check:
        for path in stale:
            print(f"{path.relative_to(PROJECT)} is not what the scenarios ask for: run scripts/compose_networks.py.")
        sys.exit(1 if stale else 0)
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(all_pairs())} pairs of nodes, {len(list(networks()))} networks; {len(stale)} files changed.")


if __name__ == "__main__":
    main()
