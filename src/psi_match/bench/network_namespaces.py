"""Makes and removes the namespaces of a shaped network, its own ones only, and those that a killed bench left."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from psi_match.base.errors import ConfigError
from psi_match.bench.network_plan import Plan, build_commands, owner, probe_commands, remove_commands
from psi_match.bench.network_sockets import NAMESPACES

_CAPABILITIES: Final = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21}
"""Bits, of linux/capability.h: to lay lines, to open raw sockets, to make and enter namespaces."""
_SYSTEM_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"
_COMMAND_WAIT_S: Final = 20.0
_END_WAIT_S: Final = 5.0
_POLL_S: Final = 0.05


def check_able() -> None:
    """Check that this process can shape a network.

    Raises:
        ConfigError: it lacks a program or a right.
    """
    if missing := [program for program in ("ip", "tc") if _path(program) is None]:
        raise ConfigError(
            f"A shaped network needs the program {missing[0]}.", "Install iproute2: `apt-get install iproute2`."
        )
    if lacking := lacking_rights(Path("/proc/self/status").read_text()):
        raise ConfigError(
            f"A shaped network needs the right {lacking[0]}.",
            "Run the bench as root, in a container with `--privileged`; or leave out --net.",
        )


def lacking_rights(status: str) -> list[str]:
    """Return which rights a process lacks, from its ``/proc`` status."""
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    held = int(effective.split()[1], 16)
    return [name for name, bit in _CAPABILITIES.items() if not held >> bit & 1]


@contextmanager
def namespaces(plan: Plan, *, netem: bool) -> Iterator[None]:
    """Make a network's namespaces and lines, and remove them at the end, whatever happens.

    Raises:
        ConfigError: the system does not do it.
    """
    try:
        for command in build_commands(plan, netem=netem):
            run(command)
        yield
    finally:
        remove([namespace for namespace in plan.namespaces if (NAMESPACES / namespace).exists()])


def has_netem() -> bool:
    """Find out whether this kernel delays packets, in a namespace that is made for it and removed."""
    namespace = f"psi-match-{os.getpid()}-{secrets.token_hex(4)}-.probe"
    try:
        for command in probe_commands(namespace):
            run(command)
    except ConfigError:
        return False
    finally:
        remove([namespace] if (NAMESPACES / namespace).exists() else [])
    return True


def remove_leftovers() -> list[str]:
    """Remove the namespaces of benches that were killed, and end the nodes that still run in them.

    Returns:
        Their names.
    """
    if not NAMESPACES.exists():
        return []
    left = sorted(path.name for path in NAMESPACES.iterdir() if _is_left(path.name))
    for name in left:
        _end_processes(name)
    remove(left)
    return left


def remove(names: Sequence[str]) -> None:
    """Remove namespaces; one that cannot be removed now is left to the next bench."""
    for command in remove_commands(names):
        with suppress(ConfigError):
            run(command)


def run(command: Sequence[str]) -> str:
    """Run ``ip`` or ``tc`` and return what it says.

    Raises:
        ConfigError: it fails; its own words are in the sentence.
    """
    program = _path(command[0]) or command[0]
    done = subprocess.run(  # a fixed program, and words of our own  # noqa: S603
        [program, *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=_COMMAND_WAIT_S,
        # A Ctrl-C at the terminal is for the bench, which then removes what it made: with these commands.
        start_new_session=True,
    )
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise ConfigError(
            f"The network cannot be shaped: `{' '.join(command)}` says: {said}",
            "It needs root, namespaces and the queue tbf in the kernel; see docs/bench-networks.md.",
        )
    return done.stdout


def _path(program: str) -> str | None:
    # Not all have the folders of system programs in their path.
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")


def _is_left(name: str) -> bool:
    pid = owner(name)
    return pid is not None and not Path(f"/proc/{pid}").exists()


def _end_processes(namespace: str) -> None:
    deadline = time.monotonic() + _END_WAIT_S
    kind = signal.SIGTERM
    while pids := _processes(namespace):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, kind)
        if kind == signal.SIGKILL:
            return
        time.sleep(_POLL_S)
        if time.monotonic() > deadline:
            kind = signal.SIGKILL


def _processes(namespace: str) -> list[int]:
    with suppress(ConfigError):
        return [int(pid) for pid in run(["ip", "netns", "pids", namespace]).split()]
    return []
