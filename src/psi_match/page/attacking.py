"""The live attack: a process of its own beside the page, one at a time; it can be stopped and is never left behind."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from typing import Any, Literal

import structlog

from psi_match.base.errors import PolicyRefusal

Kind = Literal["hashed", "filter"]
KINDS: tuple[Kind, ...] = ("hashed", "filter")
COUNT = 100_000
"""Numbers of an exhibit."""
SPACE = 90_909_090
"""Synthetic numbers, all of which are tried; of those that pass the 11-proef there is one more."""
_STOP_WAIT_S = 3.0


class Attacking:
    """The attack that runs, or the last one that ran.

    Args:
        longest_s: it is stopped after so long.
        count: numbers of an exhibit.
        pause_s: so long after one has ended none is started: each takes a core, and anybody may start one.
    """

    def __init__(self, longest_s: float, count: int = COUNT, pause_s: float = 0.0) -> None:
        self._longest_s, self._count, self._pause_s = longest_s, count, pause_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._state: dict[str, Any] = {"state": "idle", "kind": ""}
        self._ended_at = -math.inf

    @property
    def count(self) -> int:
        """Numbers of an exhibit."""
        return self._count

    def state(self) -> dict[str, Any]:
        """Return how far it is, and whether it is too soon for another; counts and seconds only."""
        with self._lock:
            return self._state | {"paused": time.monotonic() - self._ended_at < self._pause_s}

    @property
    def is_running(self) -> bool:
        """Whether an attack is under way."""
        return self.state()["state"] in {"loading", "running"}

    def start(self, kind: Kind) -> None:
        """Start an attack.

        Raises:
            PolicyRefusal: one is under way, or has just ended.
        """
        with self._lock:
            if self._state["state"] in {"loading", "running"}:
                raise PolicyRefusal("An attack is running already.", "Wait until it is done, or stop it.")
            if time.monotonic() - self._ended_at < self._pause_s:
                raise PolicyRefusal("An attack has just ended.", "Try again in a few seconds.")
            command = [sys.executable, "-m", "psi_match.page.attack_worker", kind, str(self._count)]
            self._process = subprocess.Popen(  # our own interpreter and module  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            self._state = {"state": "loading", "kind": kind}
            process = self._process
        timer = threading.Timer(self._longest_s, self._end, (process, "timeout"))
        timer.daemon = True
        timer.start()
        threading.Thread(target=self._follow, args=(process, kind, timer), name="attack", daemon=True).start()
        structlog.get_logger().info("attack started", kind=kind, count=self._count)

    def cancel(self) -> None:
        """Stop the attack, if one is under way."""
        with self._lock:
            process = self._process
        if process:
            self._end(process, "cancelled")

    def _end(self, process: subprocess.Popen[bytes], state: str) -> None:
        with self._lock:
            if process is not self._process or self._state["state"] not in {"loading", "running"}:
                return
            self._state = self._state | {"state": state}
            self._ended_at = time.monotonic()
        process.terminate()
        try:
            process.wait(_STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _follow(self, process: subprocess.Popen[bytes], kind: Kind, timer: threading.Timer) -> None:
        # Safe: the process was started with a pipe.
        assert process.stdout is not None  # noqa: S101
        with process.stdout:
            for line in process.stdout:
                told = json.loads(line)
                with self._lock:
                    if process is self._process and self._state["state"] in {"loading", "running"}:
                        self._state = {"kind": kind} | told
                        # In the same breath: who sees that it is done must see the pause too.
                        if told["state"] not in {"loading", "running"}:
                            self._ended_at = time.monotonic()
        process.wait()
        timer.cancel()
        with self._lock:
            if process is self._process and self._state["state"] in {"loading", "running"}:
                self._state = {"state": "failed", "kind": kind}
                self._ended_at = time.monotonic()
        structlog.get_logger().info("attack ended", kind=kind, state=self.state()["state"])
