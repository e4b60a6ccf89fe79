"""A network between the nodes of a bench: real TCP over lines of a chosen rate and round-trip time, on one machine.

Each party's processes run in a network namespace of their own. The kernel's token bucket (tbf) gives every line its
rate; its ``netem`` gives every way its delay, or, on a kernel without it, a switch of ours (``network_relay``). Nothing
outside the namespaces is touched, and all of it is gone at the end.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from psi_match.base.errors import InternalError, UsageError
from psi_match.bench.network_door import Door
from psi_match.bench.network_measure import Measured, measure
from psi_match.bench.network_namespaces import check_able, has_netem, namespaces, remove_leftovers
from psi_match.bench.network_plan import MOST_PARTIES, NETS, Net, Plan
from psi_match.bench.network_sockets import inside, open_port
from psi_match.node.local_nodes import LocalNode

__all__ = ["NETS", "Net", "ShapedNetwork", "find_net", "shaped"]

NODE_PORT = 7443
"""Of every node: each is alone in its namespace."""
_MEASURE_PORT = 7
_CONNECT_WAIT_S = 10.0
_END_WAIT_S = 5.0


def find_net(name: str) -> Net:
    """Return a kind of network.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in NETS:
        raise UsageError(f"There is no network named {name}.", f"Choose from {', '.join(NETS)}.")
    return NETS[name]


class ShapedNetwork:
    """A network that stands.

    Args:
        plan: what it is.
        delay_by: ``netem`` or ``relay``.
        measured: what it does.
        stack: closes the doors at its end.
    """

    def __init__(self, plan: Plan, delay_by: str, measured: Measured, stack: ExitStack) -> None:
        self._plan, self._delay_by, self._measured, self._stack = plan, delay_by, measured, stack

    def host(self, party: str) -> str:
        """Return a party's address; it is the same for all other parties."""
        return self._plan.host(party)

    def address(self, party: str, port: int) -> str:
        """Return where the other parties reach what a party serves at a port."""
        return f"{self.host(party)}:{port}"

    def command(self, party: str) -> list[str]:
        """Return what to put in front of a command, so that it runs at the party's end of its line."""
        return ["ip", "netns", "exec", self._plan.namespace(party)]

    def door(self, party: str, port: int) -> str:
        """Open a way for this process to what a party serves at a port, beside the shaped lines; return its address."""
        return self._stack.enter_context(closing(Door(self._plan.namespace(party), self.host(party), port))).address

    def node(self, party: str, folder: Path, keys: Path) -> LocalNode:
        """Return a node that will run in the party's namespace; its operators come in by a door."""
        return LocalNode(
            party,
            folder,
            keys,
            NODE_PORT,
            host=self.host(party),
            prefix=tuple(self.command(party)),
            door=self.door(party, NODE_PORT),
        )

    def describe(self) -> dict[str, str | float]:
        """Return what was asked for, by what it is done, and what was measured, for a report."""
        net = self._plan.net
        return {
            "net": net.name,
            "rate_mbit_s": net.rate_bits_per_s / 1e6,
            "round_trip_ms": net.round_trip_s * 1e3,
            "delay_by": self._delay_by,
            "measured_mbit_s": round(self._measured.rate_bits_per_s / 1e6, 1),
            "measured_round_trip_ms": round(self._measured.round_trip_s * 1e3, 2),
        }


@contextmanager
def shaped(net: Net, parties: Sequence[str]) -> Iterator[ShapedNetwork]:
    """Make a network, measure it, and remove it at the end, whatever happens.

    Args:
        net: which kind.
        parties: who is in it, at least two; the first two are measured.

    Raises:
        ConfigError: this machine or this user cannot do it; the hint says what is missing.
        InternalError: the network stands and carries nothing.
    """
    if not 2 <= len(set(parties)) <= MOST_PARTIES:
        raise UsageError("A network is of two parties or more.", f"The most is {MOST_PARTIES}.")
    check_able()
    remove_leftovers()
    netem = has_netem()
    plan = Plan(net, tuple(dict.fromkeys(parties)), os.getpid(), secrets.token_hex(3))
    with ExitStack() as stack:
        stack.enter_context(namespaces(plan, netem=netem))
        if not netem:
            stack.enter_context(_relay(plan))
        yield ShapedNetwork(plan, "netem" if netem else "relay", _measure(plan), stack)


@contextmanager
def _relay(plan: Plan) -> Iterator[None]:
    """Run the switch with the delay line between the ports of the middle."""
    with ExitStack() as stack:
        ports = [
            stack.enter_context(closing(inside(plan.middle, partial(open_port, plan.port(party)))))
            for party in plan.parties
        ]
        descriptors = [port.fileno() for port in ports]
        settings = json.dumps({"ports": descriptors, "delay_s": plan.net.round_trip_s / 2})
        process = subprocess.Popen(  # our own interpreter and module  # noqa: S603
            [sys.executable, "-m", "psi_match.bench.network_relay", settings],
            stdin=subprocess.PIPE,
            pass_fds=descriptors,
            # Ctrl-C at the terminal is for the bench, which closes the pipe when the nodes have stopped.
            start_new_session=True,
        )
    try:
        yield
    finally:
        # The end of its standard input is the end of it.
        try:
            process.communicate(timeout=_END_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _measure(plan: Plan) -> Measured:
    first, second = plan.parties[:2]
    where = (plan.host(second), _MEASURE_PORT)
    try:
        with inside(plan.namespace(second), partial(socket.create_server, where)) as listener:
            connect = partial(socket.create_connection, where, _CONNECT_WAIT_S)
            with inside(plan.namespace(first), connect) as near, listener.accept()[0] as far:
                return measure(near, far, plan.net.rate_bits_per_s)
    except OSError as cause:
        raise InternalError(
            f"The shaped network carries nothing: {cause.strerror or 'no answer'}.", "Please report it."
        ) from None
