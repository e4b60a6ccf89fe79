"""Progress of a run: bars on a terminal, JSON lines off it; both on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from psi_match.wire.v1.operator_pb2 import Progress as PeerProgress

_SILENCE_SHOWN_S = 5.0
_LINE_EVERY_S = 2.0


class Follower:
    """Shows the progress that a node reports.

    Args:
        bars: where to draw; None for JSON lines.
    """

    def __init__(self, bars: Progress | None) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._printed: dict[str, float] = {}

    def started(self, run_id: str) -> None:
        """A run has begun."""
        if self._bars is None:
            _line({"event": "started", "run": run_id})
        else:
            self._bars.console.print(f"run {run_id}")

    def advanced(self, progress: PeerProgress) -> None:
        """A peer's share of the run has moved, or has not."""
        if self._bars is None:
            now = time.monotonic()
            if now - self._printed.get(progress.peer, -_LINE_EVERY_S) >= _LINE_EVERY_S:
                self._printed[progress.peer] = now
                _line(
                    {
                        "event": "progress",
                        "peer": progress.peer,
                        "step": progress.step,
                        "done": progress.done,
                        "total": progress.total,
                    }
                )
            return
        if progress.peer not in self._tasks:
            self._tasks[progress.peer] = self._bars.add_task(progress.peer, total=None)
        waiting = progress.silent_s > _SILENCE_SHOWN_S
        step = f"waiting for {progress.peer} since {progress.silent_s:.0f} s" if waiting else progress.step
        self._bars.update(
            self._tasks[progress.peer],
            completed=progress.done,
            total=progress.total or None,
            description=f"{progress.peer}: {step}",
        )


@contextmanager
def follow() -> Iterator[Follower]:
    """Show progress as long as the block lasts."""
    if not sys.stderr.isatty():
        yield Follower(None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:50}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Follower(bars)


@contextmanager
def step_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show named steps of a known number as a bar; off a terminal nothing, for these take seconds."""
    if not sys.stderr.isatty():
        yield lambda _step, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda step, done, total: bars.update(task, description=step, completed=done, total=total)


def _line(event: dict[str, object]) -> None:
    sys.stderr.write(json.dumps(event) + "\n")
    sys.stderr.flush()
