"""One party of another program, as a process of its own in the environment of that program.

Called as ``party.py MODULE.py TASK`` with the task as JSON. The module's ``prepare(task)`` loads the libraries,
connects the parties and returns ``run``; ``run(begin)`` does the work and calls ``begin(phase)`` where a phase starts.

One JSON line per event goes to standard output: ``ready``, ``done``, ``counted`` or ``failed``. The words ``go`` and
``count`` come in: the first starts the clock, the second asks for the bytes once every party is done. Whatever
libraries print goes to standard error. Nothing of psi-match is imported: it is not installed here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import resource
import socket
import struct
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

# struct tcp_info in Linux's include/uapi/linux/tcp.h; bytes_sent and bytes_retrans since Linux 4.19.
_BYTES_RECEIVED, _BYTES_SENT, _BYTES_RETRANSMITTED, _TCP_INFO_BYTES = 128, 200, 208, 216


class Phases:
    """Takes the time, the processor seconds and the bytes at the start of each phase.

    Args:
        party: the name of this party.
        addresses: per other party where it listens, as ``host:port``.
    """

    def __init__(self, party: str, addresses: Mapping[str, str]) -> None:
        self._party, self._addresses = party, {address: name for name, address in addresses.items() if name != party}
        self.marks: list[dict[str, Any]] = []

    def begin(self, name: str) -> None:
        """Note that a phase begins here and the one before it ends.

        Args:
            name: of the phase; empty after the last.
        """
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
        self.marks.append({"name": name, "at": time.monotonic(), "cpu_s": cpu, "bytes": self.bytes()})

    def bytes(self) -> dict[str, int]:
        """Return the payload bytes so far of the connections that this party opened, per directed pair.

        The kernel counts them for every connection, retransmitted bytes apart, so that counting costs the run nothing.
        """
        totals: dict[str, int] = {}
        for descriptor in Path("/proc/self/fd").iterdir():
            try:
                connection = socket.socket(fileno=os.dup(int(descriptor.name)))
            except OSError:
                continue
            with connection:
                if connection.family != socket.AF_INET or connection.type != socket.SOCK_STREAM:
                    continue
                try:
                    host, port = connection.getpeername()
                except OSError:
                    continue
                if other := self._addresses.get(f"{host}:{port}"):
                    sent, received = _payload(connection)
                    for pair, count in ((f"{self._party}->{other}", sent), (f"{other}->{self._party}", received)):
                        totals[pair] = totals.get(pair, 0) + count
        return totals


def _payload(connection: socket.socket) -> tuple[int, int]:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)

    def at(offset: int) -> int:
        return int(struct.unpack_from("=Q", info, offset)[0])

    return at(_BYTES_SENT) - at(_BYTES_RETRANSMITTED), at(_BYTES_RECEIVED)


def _peak_rss_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) * 1024


def _masked(text: str) -> str:
    """Return the first line of an error with every number of five or more digits taken out: it may be a row's."""
    return re.sub(r"[0-9]{5,}", "#", text.strip().split("\n")[0])[:200]


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("peer", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _say(to: TextIO, event: str, **what: object) -> None:
    to.write(json.dumps({"event": event, **what}) + "\n")
    to.flush()


def _hear(word: str) -> None:
    if sys.stdin.readline().strip() != word:
        raise EOFError(f"the bench did not say {word}")


def main() -> int:
    """Play the party of the task on the command line; return the exit code."""
    task = json.loads(sys.argv[2])
    bench = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    phases = Phases(task["party"], task["addresses"])
    try:
        run = _load(sys.argv[1]).prepare(task)
        before = phases.bytes()
        _say(bench, "ready")
        _hear("go")
        # A program without a network of its own returns what it handed over.
        handed_over = run(phases.begin)
        phases.begin("")
        _say(bench, "done")
        _hear("count")
        # Another party may have begun, and sent, a little earlier than this one; nobody ends before all have.
        phases.marks[0]["bytes"], phases.marks[-1]["bytes"] = before, phases.bytes()
        _say(bench, "counted", marks=phases.marks, messages=handed_over, peak_rss_bytes=_peak_rss_bytes())
        # Until the bench ends all of them: closing a connection is seen in the counters of whoever still counts.
        sys.stdin.read()
    except Exception as error:  # noqa: BLE001 - whatever a library raises is told to the bench, which ends the run
        phase = phases.marks[-1]["name"] if phases.marks else "preparation"
        _say(bench, "failed", phase=phase, error=f"{type(error).__name__}: {_masked(str(error))}")
        return 1
    return 0


if __name__ == "__main__":
    # Without the libraries' own clean-up: their threads may wait for parties that have ended already.
    os._exit(main())
