"""Psi-match as a contender: nodes of its own, one run each time, its answer compared, its figures from the records.

What is timed is what an operator waits for: from ``run`` to the result in the recipient's store, with the datasets in
memory and the kernels warm; or, next to other programs, from the rows in CSV files to the result in a file.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.base.errors import ResultMismatch
from psi_match.bench.inputs import as_text
from psi_match.bench.model import OURS, Measure, RunFigures
from psi_match.bench.nodes import LOOPBACK, Serving, Setting, serving
from psi_match.bench.run_figures import figures
from psi_match.node.operator_client import finished_record

SERIALISED = "serialised messages"
"""What our nodes count: without heartbeats, gRPC and TLS."""
AUTO = "auto"
"""The variant that leaves the choice of engine or adder to the node."""
RESULT_PHASE = "result"
"""The phase in which the recipient's operator fetches the result and writes it to a file."""


@dataclass(slots=True, eq=False, repr=False)
class OurNodes:
    """A contender of this program.

    Args:
        variant: its name among the contenders.
        setting: nodes, rows and scenario.
        expected: the answer as text, sorted.
        folder: empty; receives keys, node folders and results.
        recipient: who learns the answer; the first party of the setting starts the run.
        engine: engine or adder; empty: as the node chooses.
        net: the network between the nodes.
        to_file: whether the result is fetched into a CSV file within the time that is measured.
        reveals: as in ``Row``.
    """

    variant: str
    setting: Setting
    expected: NDArray[np.str_]
    folder: Path
    recipient: str
    engine: str = ""
    net: str = LOOPBACK
    to_file: bool = False
    reveals: str = ""
    remarks: tuple[str, ...] = ()
    system: str = OURS
    bytes_are: str = SERIALISED

    @contextmanager
    def ready(self) -> Iterator[Measure]:
        """Start the nodes with their rows; stop them at the end."""
        with serving(self.setting, self.folder, self.net) as found:
            if found.network:
                self._note(found.network)
            yield partial(self._run, found)

    def _run(self, found: Serving) -> RunFigures:
        starter = self.setting.parties[0]
        nodes = found.nodes
        with nodes[starter].operator() as operator, nodes[self.recipient].operator() as recipient:
            began = time.monotonic()
            record = operator.run(self.setting.scenario, self.engine)
            wall = time.monotonic() - began
            run_id = record["run_id"]
            if self.to_file:
                finished_record(recipient, run_id)
            table = pd.read_parquet(io.BytesIO(recipient.result(run_id)))
            after = {}
            if self.to_file:
                table.to_csv(self.folder / f"{run_id}.csv", index=False)
                whole = time.monotonic() - began
                after, wall = {RESULT_PHASE: whole - wall}, whole
        if not np.array_equal(as_text(table["bsn"]), self.expected):
            raise ResultMismatch(
                f"{self.system} {self.variant} gave another answer than the plaintext.", "Please report it."
            )
        records = {}
        for party in self.setting.parties:
            with nodes[party].operator() as own:
                records[party] = finished_record(own, run_id)
        if not self.engine:
            chosen = ", ".join(filter(None, (record["engine"], record.get("adder"))))
            self._note(f"chosen by the node: {chosen}")
        return figures(records, wall, after)

    def _note(self, remark: str) -> None:
        if remark not in self.remarks:
            self.remarks = (*self.remarks, remark)
