"""Another program as a contender of a bench."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psi_match.base.errors import ResultMismatch
from psi_match.bench.model import Measure, RunFigures
from psi_match.bench.peers.figures import run_figures
from psi_match.bench.peers.processes import Loopback, Network, Program, run_parties

TCP_PAYLOAD, MESSAGES = "TCP payload", "serialised messages"
CLOCK = (
    "The clock starts when every party has loaded its libraries and is connected with the others, and ends when the "
    "result is written: neither imports nor connect retries count."
)
"""What a reader must know of all of them."""


@dataclass(slots=True)
class PeerContender:
    """A program whose parties are started anew for each run.

    Args:
        system: as in ``Row``.
        variant: as in ``Row``.
        bytes_are: as in ``Row``.
        reveals: as in ``Row``.
        remarks: as in ``Row``.
        program: how it is run.
        tasks: given the file for the result, per party what its runner must know; who gets the result comes first.
        wrong: what is wrong with the answer in the file, in counts; empty: nothing.
        folder: where runs have their folders, each for as long as it lasts.
        network: where the parties are.
        limits: what the program is known to get wrong.
    """

    system: str
    variant: str
    bytes_are: str
    reveals: str
    remarks: tuple[str, ...]
    program: Program
    tasks: Callable[[Path], Mapping[str, Mapping[str, Any]]]
    wrong: Callable[[Path], str]
    folder: Path
    network: Network = field(default_factory=Loopback)
    limits: str = ""

    @contextmanager
    def ready(self) -> Iterator[Measure]:
        """Give what runs it once; nothing is started beforehand."""
        yield self._measure

    def _measure(self) -> RunFigures:
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="peer-", dir=self.folder) as name:
            run = Path(name).resolve()
            result = run / "result"
            records = run_parties(self.program, self.tasks(result), run, self.network)
            if wrong := self.wrong(result) if result.exists() else "it wrote none":
                raise ResultMismatch(
                    f"{self.program.name} gave another answer than the plaintext: {wrong}.",
                    self.limits or "Leave it out, or try another size.",
                )
        return run_figures(records)
