"""What each part of a run took: seconds, and bytes in both directions over all links."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from psi_match.node.link import Link
from psi_match.node.store import StageRecord


class StageClock:
    """Measures the parts of a role as it enters them.

    Args:
        links: the run's links; may grow.
        stages: receives one record per part.
        on_enter: told the name of each part as it begins.
    """

    def __init__(
        self,
        links: Mapping[str, Link],
        stages: list[StageRecord],
        on_enter: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._links = links
        self._stages = stages
        self._on_enter = on_enter
        self._name = ""
        self._since = self._now()

    def enter(self, name: str) -> None:
        """Begin a part; the one before has ended. An empty name begins none."""
        seconds, sent, received = self._now()
        if self._name:
            began, sent_before, received_before = self._since
            self._stages.append(
                StageRecord(self._name, round(seconds - began, 4), sent - sent_before, received - received_before)
            )
        self._name, self._since = name, (seconds, sent, received)
        if name:
            self._on_enter(name)

    def _now(self) -> tuple[float, int, int]:
        links = list(self._links.values())
        return time.monotonic(), sum(link.bytes_out for link in links), sum(link.bytes_in for link in links)
