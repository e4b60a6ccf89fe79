"""Who shares a network in docker-compose.yml: what the scenarios ask for, and what each node's policy allows."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compose_networks", PROJECT / "scripts" / "compose_networks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_files_are_what_the_scenarios_ask_for(script: ModuleType) -> None:
    for path, text in script.generated().items():
        assert path.read_text(encoding="utf-8") == text, f"run scripts/compose_networks.py for {path.name}"


def test_every_pair_is_allowed_by_both_policies(script: ModuleType) -> None:
    allowed = {
        node: tomllib.loads((PROJECT / "services" / node / "policy.toml").read_text(encoding="utf-8"))["peers"]
        for node in script.NODES
    }
    for one, other in script.all_pairs():
        assert other in allowed[one]
        assert one in allowed[other]


@pytest.mark.parametrize(
    ("pair", "shares"),
    [
        (("cjib", "toeslagen"), True),  # leader and data party of a pairwise scenario
        (("cak", "rekennode"), True),  # rows and a compute party
        (("gemeente-a", "rekennode"), True),  # recipient and a compute party
        (("cak", "uwv"), True),  # leads nothing there, but the leader starts the run
        (("cjib", "gemeente-a"), True),  # notices alone
        (("cjib", "svb"), False),  # no scenario has both
        (("cbs", "cjib"), False),  # the same scenario, but neither computes nor starts it
        (("cak", "svb"), False),
    ],
)
def test_pairs_that_must_and_must_not(script: ModuleType, pair: tuple[str, str], shares: bool) -> None:
    assert (pair in script.all_pairs()) is shares


def test_no_internal_network_has_three_nodes_and_no_published_one_has_two_services(script: ModuleType) -> None:
    for network in script.networks():
        assert len([each for each in network.services if each in script.NODES]) <= (0 if network.published else 2)
        assert not network.published or len(network.services) == 1


def test_subnets_do_not_overlap(script: ModuleType) -> None:
    import ipaddress

    lines = [line for line in script.network_lines(list(script.networks())) if "subnet" in line]
    subnets = [ipaddress.IPv4Network(line.split("subnet: ")[1].split("}")[0]) for line in lines]
    assert len(subnets) == len(list(script.networks()))
    for index, one in enumerate(subnets):
        assert one.subnet_of(script.RANGE)
        assert not any(one.overlaps(other) for other in subnets[index + 1 :])
