"""Shaped networks: the commands, the switch with the delay line, and, as root, real namespaces."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from psi_match.base.errors import ConfigError, UsageError
from psi_match.bench import network_namespaces
from psi_match.bench.network import NETS, Net, find_net, shaped
from psi_match.bench.network_measure import measure
from psi_match.bench.network_namespaces import check_able, lacking_rights, remove_leftovers
from psi_match.bench.network_plan import PREFIX, Plan, build_commands, owner, remove_commands
from psi_match.bench.network_relay import VNET_HEADER_BYTES, DelaySwitch
from psi_match.bench.network_sockets import NAMESPACES
from psi_match.node.local_nodes import LocalNode

PLAN = Plan(NETS["wan"], ("cjib", "svb", "uwv"), 4711, "a1b2c3")
DELAY_S = 0.05


def able() -> bool:
    try:
        check_able()
        for command in (
            ["ip", "netns", "add", f"{PREFIX}{os.getpid()}-0-try"],
            *remove_commands([f"{PREFIX}{os.getpid()}-0-try"]),
        ):
            network_namespaces.run(command)
    except ConfigError:
        return False
    return True


needs_namespaces = pytest.mark.skipif(not able(), reason="needs root, iproute2 and network namespaces")


# The nets and the commands.


def test_nets_are_those_of_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "bench-networks.md").read_text()
    for net in NETS.values():
        row = f"| `{net.name}` | {net.rate_bits_per_s // 1_000_000} Mbit/s | {net.round_trip_s * 1000:g} ms |"
        assert row in text


def test_an_unknown_net_is_refused_with_the_known_ones() -> None:
    assert find_net("wan-slow").round_trip_s == 0.05
    with pytest.raises(UsageError, match="no network named modem") as caught:
        find_net("modem")
    assert all(name in caught.value.hint for name in NETS)


def names_only_ours(command: list[str]) -> bool:
    """True for a command that can change nothing but what is in our namespaces."""
    match command:
        case ["ip", "netns", "add" | "del", name]:
            return owner(name) is not None
        case ["ip" | "tc", "-n", name, *_]:
            return owner(name) is not None
        case ["ip", "link", "add", "name", _, "netns", one, "type", "veth", "peer", "name", _, "netns", other]:
            return owner(one) is not None and owner(other) is not None
    return False


@pytest.mark.parametrize("netem", [False, True])
def test_no_command_touches_anything_outside_of_our_namespaces(netem: bool) -> None:
    commands = build_commands(PLAN, netem=netem) + remove_commands(PLAN.namespaces)
    assert all(names_only_ours(command) for command in commands)
    assert not names_only_ours(["ip", "link", "add", "name", "port0", "type", "veth"])


@pytest.mark.parametrize("netem", [False, True])
def test_every_line_has_its_rate_in_both_directions(netem: bool) -> None:
    buckets = [command for command in build_commands(PLAN, netem=netem) if "tbf" in command]
    assert all(command[command.index("rate") + 1] == "100000000bit" for command in buckets)
    where = [(command[2], command[command.index("dev") + 1]) for command in buckets]
    upward = [(PLAN.namespace(party), "eth0") for party in PLAN.parties]
    downward = [(PLAN.middle, PLAN.port(party)) for party in PLAN.parties]
    assert sorted(where) == sorted(upward + downward)


def test_netem_delays_half_of_the_round_trip_each_way() -> None:
    commands = build_commands(PLAN, netem=True)
    delays = [command for command in commands if "netem" in command]
    # A frame crosses one of them on its way, the one of the party that it goes to.
    assert [command[2:7] for command in delays] == [
        [PLAN.middle, "qdisc", "add", "dev", PLAN.port(party)] for party in PLAN.parties
    ]
    assert all(command[command.index("delay") + 1] == "10000us" for command in delays)
    assert not [command for command in build_commands(PLAN, netem=False) if "netem" in command or "bridge" in command]


def test_parties_have_addresses_of_their_own() -> None:
    assert [PLAN.host(party) for party in PLAN.parties] == ["10.213.0.1", "10.213.0.2", "10.213.0.3"]
    assert len(set(PLAN.namespaces)) == len(PLAN.parties) + 1


def test_names_of_namespaces_tell_whose_they_are() -> None:
    assert {owner(name) for name in PLAN.namespaces} == {4711}
    assert [
        owner(name) for name in ("blue", "psi-match-", "psi-match-12", "psi-match-x-1-cjib", "xpsi-match-1-1-a")
    ] == [None] * 5


# What a machine lacks.


def test_missing_programs_and_rights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lacking_rights("Name:\tx\nCapEff:\t000001ffffffffff\n") == []
    assert lacking_rights("CapEff:\t0000000000001000\n") == ["CAP_NET_RAW", "CAP_SYS_ADMIN"]
    monkeypatch.setattr(shutil, "which", lambda program, **_: None if program == "tc" else "/sbin/ip")
    with pytest.raises(ConfigError, match="the program tc") as caught:
        check_able()
    assert "iproute2" in caught.value.hint


def test_what_the_system_says_is_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_namespaces, "_path", lambda _program: shutil.which("ls"))
    with pytest.raises(ConfigError, match=r"`ip /nowhere` says: .*No such file") as caught:
        network_namespaces.run(["ip", "/nowhere"])
    assert "root" in caught.value.hint


def test_a_node_runs_where_it_is_put(tmp_path: Path) -> None:
    plain = LocalNode("cjib", tmp_path, tmp_path, 7443)
    assert (plain.address, plain.prefix, plain.door) == ("127.0.0.1:7443", (), "")
    put = LocalNode("cjib", tmp_path, tmp_path, 7443, host="10.213.0.1", prefix=("echo",), door="127.0.0.1:9")
    assert put.address == "10.213.0.1:7443"
    put.start()
    assert put.process is not None
    put.process.wait(10)
    # `echo` ran in its place, and said what would have run.
    assert " -m psi_match node serve --config " in put.log.read_text()


# The switch.


def frame(to: int, source: int, content: bytes) -> bytes:
    """A frame between stations with one-byte names; an odd one would be a group."""
    return bytes(VNET_HEADER_BYTES) + bytes([to] * 6 + [source] * 6) + content


@pytest.fixture
def ports() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Three ports of a switch: the station's end and the switch's end."""
    with ExitStack() as stack:
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(3)]
        for one in (end for pair in pairs for end in pair):
            stack.enter_context(one)
            one.settimeout(5)
        yield pairs


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def silent(port: socket.socket) -> bool:
    port.setblocking(False)
    try:
        port.recv(1)
    except BlockingIOError:
        return True
    finally:
        port.settimeout(5)
    return False


def test_frames_wait_their_time_and_keep_their_order(ports: list[tuple[socket.socket, socket.socket]]) -> None:
    clock = Clock()
    switch = DelaySwitch([inner for _, inner in ports], 0.010, clock=clock)
    (first, first_in), (second, _), _ = ports
    sent = [frame(4, 2, bytes([index]) * (1 + 40 * index)) for index in range(50)]
    for index, one in enumerate(sent):
        clock.now = index * 0.001
        first.send(one)
        switch.take_in(first_in)
    assert switch.wait_s() == 0.0, "at 0.049 the first one is overdue"
    clock.now = 0.0099
    switch.send_due()
    assert silent(second)
    assert switch.wait_s() == pytest.approx(0.0001)
    clock.now = 0.0305
    switch.send_due()
    assert [second.recv(1 << 17) for _ in range(21)] == sent[:21]
    assert silent(second), "those of 0.021 and later are not due"
    clock.now = 1.0
    switch.send_due()
    assert [second.recv(1 << 17) for _ in range(29)] == sent[21:]
    assert switch.wait_s() is None


def test_a_known_station_gets_its_frames_alone_and_a_group_all(
    ports: list[tuple[socket.socket, socket.socket]],
) -> None:
    switch = DelaySwitch([inner for _, inner in ports], 0.0)
    (one, one_in), (two, two_in), (three, _) = ports

    def pass_on(station: socket.socket, inner: socket.socket, sent: bytes) -> list[bool]:
        station.send(sent)
        switch.take_in(inner)
        switch.send_due()
        return [not silent(port) for port in (one, two, three)]

    assert pass_on(one, one_in, frame(4, 2, b"who is 4?")) == [False, True, True]
    assert pass_on(two, two_in, frame(2, 4, b"me")) == [True, False, False]
    assert pass_on(one, one_in, frame(4, 2, b"hello")) == [False, True, False]
    assert pass_on(one, one_in, frame(0xFF, 2, b"all")) == [False, True, True]


def test_a_frame_that_cannot_be_delivered_is_lost_and_stops_nothing(
    ports: list[tuple[socket.socket, socket.socket]],
) -> None:
    switch = DelaySwitch([inner for _, inner in ports], 0.0)
    (one, one_in), (two, _), (three, _) = ports
    two.close()
    one.send(frame(0xFF, 2, b"all"))
    switch.take_in(one_in)
    switch.send_due()
    assert three.recv(1 << 17) == frame(0xFF, 2, b"all")
    assert switch.wait_s() is None


def test_the_process_delays_by_what_is_asked_and_ends_with_its_input(
    ports: list[tuple[socket.socket, socket.socket]],
) -> None:
    descriptors = [inner.fileno() for _, inner in ports]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "psi_match.bench.network_relay",
            json.dumps({"ports": descriptors, "delay_s": DELAY_S}),
        ],
        stdin=subprocess.PIPE,
        pass_fds=descriptors,
    )
    (first, _), (second, _), _ = ports
    second.settimeout(30)
    sent = [frame(4, 2, bytes([index]) * 60_000) for index in range(5)]
    began = time.monotonic()
    came = []
    for one in sent:
        first.send(one)
        came.append((second.recv(1 << 17), time.monotonic()))
    assert [content for content, _ in came] == sent
    assert came[0][1] - began >= DELAY_S
    assert came[-1][1] - began >= len(sent) * DELAY_S
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_path_that_is_closed_in_a_burst_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
        with near, far:
            measured = measure(near, far, 8e6)
            assert measured.round_trip_s > 0
            assert measured.rate_bits_per_s > 0
            near.shutdown(socket.SHUT_WR)
            with pytest.raises(OSError, match=r"closed|pipe"):
                measure(near, far, 8e6)


# Real namespaces.

ECHO = """
import socket, sys
with socket.create_server((sys.argv[1], 7443)) as listener:
    while True:
        one, _ = listener.accept()
        one.sendall(one.recv(100))
        one.close()
"""
ASK = "import socket,sys;s=socket.create_connection((sys.argv[1],7443),10);s.sendall(b'hello');print(s.recv(100))"


def interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def ours() -> list[str]:
    return [path.name for path in NAMESPACES.iterdir() if owner(path.name) == os.getpid()]


def asked(address: str) -> bytes:
    host, port = address.split(":")
    for _ in range(500):
        with socket.create_connection((host, int(port)), 10) as connection:
            try:
                connection.sendall(b"hello")
                answer = connection.recv(100)
            except ConnectionError:
                answer = b""
        if answer:
            return answer
        time.sleep(0.02)
    return b""


@needs_namespaces
def test_a_shaped_network_connects_its_parties_and_leaves_nothing_behind(tmp_path: Path) -> None:
    before = interfaces()
    net = Net("test", 50_000_000, 0.010)

    class StopError(Exception):
        pass

    def use() -> None:
        with shaped(net, ["cjib", "svb", "uwv"]) as network:
            assert len(ours()) == 4
            assert interfaces() == before, "nothing of it is outside"
            words = network.describe()
            assert words["delay_by"] in {"netem", "relay"}
            # What a net adds it adds at least: these are bounds of the shaping, not of this machine.
            assert float(words["measured_round_trip_ms"]) >= 10.0
            assert 0 < float(words["measured_mbit_s"]) <= 55
            echo = [*network.command("svb"), sys.executable, "-c", ECHO, network.host("svb")]
            server = subprocess.Popen(echo)
            try:
                assert asked(network.door("svb", 7443)) == b"hello"
                for party in ("cjib", "uwv"):
                    ask = [*network.command(party), sys.executable, "-c", ASK, network.host("svb")]
                    assert subprocess.run(ask, capture_output=True, check=True, text=True).stdout == "b'hello'\n"
                node = network.node("svb", tmp_path, tmp_path)
                assert node.address == network.address("svb", 7443)
                assert asked(node.door) == b"hello"
            finally:
                server.kill()
                server.wait()
            raise StopError

    with pytest.raises(StopError):
        use()
    assert ours() == []
    assert interfaces() == before
    assert not [thread.name for thread in threading.enumerate() if thread.name == "door" and not _ends(thread)]


def _ends(thread: threading.Thread) -> bool:
    thread.join(10)
    return not thread.is_alive()


@needs_namespaces
def test_what_a_killed_bench_left_is_removed_and_nothing_else() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, alive, foreign = f"{PREFIX}{gone.pid}-0-cjib", f"{PREFIX}{os.getpid()}-0-svb", f"other-{os.getpid()}"
    for name in (left, alive, foreign):
        network_namespaces.run(["ip", "netns", "add", name])
    node = subprocess.Popen(["ip", "netns", "exec", left, "sleep", "300"])
    try:
        while not network_namespaces.run(["ip", "netns", "pids", left]).strip():
            time.sleep(0.01)
        assert left in remove_leftovers()
        assert node.wait(10) != 0
        assert [(NAMESPACES / name).exists() for name in (left, alive, foreign)] == [False, True, True]
    finally:
        node.kill()
        node.wait()
        network_namespaces.remove([name for name in (left, alive, foreign) if (NAMESPACES / name).exists()])
