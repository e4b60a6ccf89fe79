"""Start the parties of another program, give them the word all at once, and take their figures.

A party is a process that runs ``runners/party.py``. The clock starts when every party has loaded its libraries and is
connected with all others. Whatever goes wrong, no process is left behind.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from psi_match.base.errors import DeadlineExceeded, PeerAborted
from psi_match.node.local_nodes import free_ports

_HARNESS = Path(__file__).with_name("runners") / "party.py"
_END_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """How a program is run.

    Args:
        name: as users name it.
        python: the interpreter that has its libraries.
        runner: the module for ``party.py``.
        timeout_s: a run that takes longer is ended.
    """

    name: str
    python: Path
    runner: Path
    timeout_s: float


class Network(Protocol):
    """Where the parties of a bench are, as ``bench.network`` makes it."""

    def address(self, party: str, port: int) -> str:
        """Return where others reach what a party serves at a port."""

    def command(self, party: str) -> list[str]:
        """Return what to put in front of a command of a party."""


class Loopback:
    """All parties on this machine, as they are."""

    def address(self, party: str, port: int) -> str:  # noqa: ARG002 - as in Network
        """Return the port of loopback."""
        return f"127.0.0.1:{port}"

    def command(self, party: str) -> list[str]:  # noqa: ARG002 - as in Network
        """Return nothing."""
        return []


@dataclass(frozen=True, slots=True)
class Mark:
    """What a party had used when a phase began.

    Args:
        name: of the phase; empty at the end of the last one.
        at: monotonic clock.
        cpu_s: processor seconds of the process and its children.
        bytes: per directed pair, of the connections that the party opened.
    """

    name: str
    at: float
    cpu_s: float
    bytes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PartyRecord:
    """What a party tells at its end.

    Args:
        marks: from the first phase to the end.
        messages: bytes that it handed over, per directed pair, where the program has no network of its own.
        peak_rss_bytes: largest resident memory.
    """

    marks: tuple[Mark, ...]
    messages: Mapping[str, int] | None
    peak_rss_bytes: int


def run_parties(
    program: Program, tasks: Mapping[str, Mapping[str, Any]], folder: Path, network: Network
) -> dict[str, PartyRecord]:
    """Run a program once.

    Args:
        program: which.
        tasks: per party what its runner must know beside ``party`` and ``addresses``; the first has rank 0.
        folder: an empty one; receives logs and what the libraries leave behind.
        network: where the parties are.

    Raises:
        DeadlineExceeded: it did not end in time.
        PeerAborted: a party failed.
    """
    ports = dict(zip(tasks, free_ports(len(tasks)), strict=True))
    addresses = {party: network.address(party, port) for party, port in ports.items()}
    deadline = time.monotonic() + program.timeout_s
    with _started(program, tasks, addresses, folder, network) as processes:
        _await(program, processes, "ready", deadline)
        _tell(processes, "go")
        _await(program, processes, "done", deadline)
        # Only now, so that what is still under way to another party has arrived.
        _tell(processes, "count")
        counted = _await(program, processes, "counted", deadline)
    return {party: _record(message) for party, message in counted.items()}


@contextmanager
def _started(
    program: Program,
    tasks: Mapping[str, Mapping[str, Any]],
    addresses: Mapping[str, str],
    folder: Path,
    network: Network,
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for party, task in tasks.items():
            own = folder / party
            own.mkdir(parents=True)
            text = json.dumps({**task, "party": party, "addresses": addresses})
            with (own / "log").open("wb") as log:
                processes[party] = subprocess.Popen(  # our own runner  # noqa: S603
                    [*network.command(party), str(program.python), str(_HARNESS), str(program.runner), text],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    bufsize=0,
                    cwd=own,
                    # Traces and sorted copies of the input go to the temporary folder.
                    env=os.environ | {"TMPDIR": str(own)},
                    # A group of its own, so that helpers which it starts end with it.
                    start_new_session=True,
                )
        yield processes
    finally:
        for process in processes.values():
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_END_WAIT_S)


def _tell(processes: Mapping[str, subprocess.Popen[bytes]], word: str) -> None:
    for process in processes.values():
        # A party that has ended says so, or nothing, at the next wait.
        with suppress(BrokenPipeError):
            _pipe(process.stdin).write(f"{word}\n".encode())


def _await(
    program: Program, processes: Mapping[str, subprocess.Popen[bytes]], event: str, deadline: float
) -> dict[str, dict[str, Any]]:
    """Wait until every party has told an event."""
    told: dict[str, dict[str, Any]] = {}
    with selectors.DefaultSelector() as selector:
        for party, process in processes.items():
            selector.register(_pipe(process.stdout), selectors.EVENT_READ, party)
        while len(told) < len(processes):
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready and time.monotonic() >= deadline:
                silent = ", ".join(party for party in processes if party not in told)
                raise DeadlineExceeded(
                    f"{program.name} did not end within {program.timeout_s:g} s and was stopped.",
                    f"Still busy or waiting: {silent}. Leave it out, or allow it more time.",
                )
            for key, _ in ready:
                # Unbuffered, and a party tells one event at a time: a line is there, or the end.
                told[key.data] = _heard(program, key.data, _pipe(processes[key.data].stdout).readline(), event)
                selector.unregister(key.fileobj)
    # In the order of the parties, not of their words.
    return {party: told[party] for party in processes}


def _heard(program: Program, party: str, line: bytes, event: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(line) if line else {}
    if message.get("event") == event:
        return message
    if message.get("event") == "failed":
        why = f"{program.name} failed at {party} in its phase {message['phase']}: {message['error'].rstrip('.')}."
    else:
        why = f"{program.name} ended at {party} without a word."
    raise PeerAborted(why, "Try its installation with a small size, or make it anew with `make peers`.")


def _pipe(stream: Any) -> Any:  # noqa: ANN401 - Popen's streams are optional in its types
    # Safe: all three streams of our processes are pipes or a file.
    assert stream is not None  # noqa: S101
    return stream


def _record(message: Mapping[str, Any]) -> PartyRecord:
    return PartyRecord(tuple(Mark(**mark) for mark in message["marks"]), message["messages"], message["peak_rss_bytes"])
