"""A shaped network as a list of commands: which namespaces, which addresses, which queues. Nothing is run here.

Every party has a namespace with one line into a namespace in the middle, which joins the lines. A line carries the
net's rate in each direction, by a token bucket at both of its ends: two peers that send to one party share its line.
Every way from party to party takes half of the round-trip time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

PREFIX = "psi-match-"
"""Of the names of all namespaces of ours; the process id of the bench follows."""
_NAME = re.compile(re.escape(PREFIX) + r"(\d+)-[0-9a-f]+-.+")
_BLOCK = "10.213.0"
"""Exists in the namespaces only, so that it clashes with nothing outside of them."""
MOST_PARTIES = 200
_LINE = "eth0"
_BRIDGE = "bridge"
_LEAST_BURST_BYTES = 16 << 10
"""Ten full packets, so that a bucket is no narrower than what TCP sends at once."""
_BURST_S = 0.001
_LEAST_QUEUE_S = 0.05
_QUEUE_ROUND_TRIPS = 2
_NETEM_PACKETS = 100_000
"""Room in the delay line itself; what limits a queue is the token bucket behind it."""


@dataclass(frozen=True, slots=True)
class Net:
    """A kind of network.

    Args:
        name: for the command line.
        rate_bits_per_s: of each party's line, in each direction.
        round_trip_s: from a party to another and back; half of it each way.
    """

    name: str
    rate_bits_per_s: int
    round_trip_s: float

    @property
    def burst_bytes(self) -> int:
        """What a line that was idle carries at once: a millisecond, or ten packets."""
        return max(_LEAST_BURST_BYTES, round(self.rate_bits_per_s / 8 * _BURST_S))

    @property
    def queue_s(self) -> float:
        """How long a packet waits for the line before the line drops it."""
        return max(_LEAST_QUEUE_S, _QUEUE_ROUND_TRIPS * self.round_trip_s)


NETS: dict[str, Net] = {
    net.name: net
    for net in (
        Net("lan", 1_000_000_000, 0.001),
        Net("wan", 100_000_000, 0.020),
        Net("wan-slow", 10_000_000, 0.050),
    )
}
"""What ``--net`` takes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One shaped network.

    Args:
        net: its kind.
        parties: who is in it.
        pid: of the process to which it belongs.
        token: tells networks of one process apart.
    """

    net: Net
    parties: tuple[str, ...]
    pid: int
    token: str

    @property
    def middle(self) -> str:
        """The namespace that joins the lines."""
        return f"{PREFIX}{self.pid}-{self.token}-.middle"

    def namespace(self, party: str) -> str:
        """The namespace of a party."""
        return f"{PREFIX}{self.pid}-{self.token}-{party}"

    @property
    def namespaces(self) -> list[str]:
        """All namespaces."""
        return [self.middle, *map(self.namespace, self.parties)]

    def host(self, party: str) -> str:
        """A party's address in the network."""
        return f"{_BLOCK}.{self.parties.index(party) + 1}"

    def port(self, party: str) -> str:
        """The interface at which a party's line ends in the middle."""
        return f"port{self.parties.index(party)}"


def owner(namespace: str) -> int | None:
    """Return the process to which a namespace of this name belongs; None: it is not one of ours."""
    found = _NAME.fullmatch(namespace)
    return int(found[1]) if found else None


def build_commands(plan: Plan, *, netem: bool) -> list[list[str]]:
    """Return the commands that make a network.

    Args:
        plan: which.
        netem: the kernel delays packets and joins the lines; otherwise somebody else does both between the ports.
    """
    commands = [["ip", "netns", "add", namespace] for namespace in plan.namespaces]
    for party in plan.parties:
        commands += _line(plan, party)
        commands += _queues(plan, party, netem=netem)
    if netem:
        commands += _bridge(plan)
    return commands


def remove_commands(namespaces: Sequence[str]) -> list[list[str]]:
    """Return the commands that remove namespaces; what is in them goes with them."""
    return [["ip", "netns", "del", namespace] for namespace in namespaces]


def probe_commands(namespace: str) -> list[list[str]]:
    """Return the commands that succeed where the kernel has ``netem``; they leave a namespace behind."""
    return [
        ["ip", "netns", "add", namespace],
        ["tc", "-n", namespace, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"],
    ]


def _line(plan: Plan, party: str) -> list[list[str]]:
    own, port = plan.namespace(party), plan.port(party)
    # Both ends are made where they belong: not even for a moment is there an interface of ours outside.
    ends = ["name", port, "netns", plan.middle, "type", "veth", "peer", "name", _LINE, "netns", own]
    return [
        ["ip", "link", "add", *ends],
        ["ip", "-n", own, "addr", "add", f"{plan.host(party)}/24", "dev", _LINE],
        ["ip", "-n", own, "link", "set", "lo", "up"],
        ["ip", "-n", own, "link", "set", _LINE, "up"],
        ["ip", "-n", plan.middle, "link", "set", port, "up"],
    ]


def _queues(plan: Plan, party: str, *, netem: bool) -> list[list[str]]:
    net, own = plan.net, plan.namespace(party)
    bucket = ["tbf", "rate", f"{net.rate_bits_per_s}bit", "burst", f"{net.burst_bytes}b"]
    bucket += ["latency", _microseconds(net.queue_s)]
    upward = ["tc", "-n", own, "qdisc", "add", "dev", _LINE, "root", *bucket]
    downward = ["tc", "-n", plan.middle, "qdisc", "add", "dev", plan.port(party)]
    if not netem:
        return [upward, [*downward, "root", *bucket]]
    # Bucket, delay, bucket: the order in which a frame meets them where somebody else delays it.
    delay = ["netem", "delay", _microseconds(net.round_trip_s / 2), "limit", str(_NETEM_PACKETS)]
    return [
        upward,
        [*downward, "root", "handle", "1:", *delay],
        [*downward, "parent", "1:1", "handle", "10:", *bucket],
    ]


def _bridge(plan: Plan) -> list[list[str]]:
    middle = ["ip", "-n", plan.middle, "link"]
    return [
        [*middle, "add", _BRIDGE, "type", "bridge"],
        *([*middle, "set", plan.port(party), "master", _BRIDGE] for party in plan.parties),
        [*middle, "set", _BRIDGE, "up"],
    ]


def _microseconds(seconds: float) -> str:
    return f"{round(seconds * 1e6)}us"
