"""People whom several parties have, with another program: SecretFlow SPU's KKRT_NPC, which knows n of n only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psi_match.bench.inputs import CSV_COLUMN, QuorumInputs
from psi_match.bench.peers.contender import CLOCK, TCP_PAYLOAD, PeerContender
from psi_match.bench.peers.numbers_file import numbers_wrong, read_numbers
from psi_match.bench.peers.processes import Network, Program

QUORUM_PEERS = ("spu-kkrt-npc",)
"""Names that users type."""


def make_quorum_contender(
    name: str, inputs: QuorumInputs, folder: Path, python: Path, timeout_s: float, network: Network
) -> PeerContender:
    """Return another program as a contender, the first party as the one who learns the answer."""
    count, first = len(inputs.csv), next(iter(inputs.csv))
    expected = inputs.expected if inputs.threshold == count else common_to_all(inputs)
    remarks = (
        CLOCK,
        f"{count} of {count}: it has no threshold below the number of parties, so that it answers "
        f"{'this very' if inputs.threshold == count else 'another'} question.",
        "One person in the answer stands for the first party's number in the clear, not for a count of parties.",
    )

    def tasks(result: Path) -> Mapping[str, Mapping[str, Any]]:
        return {
            party: {
                "protocol": "KKRT_NPC",
                "low_comm": False,
                "column": CSV_COLUMN,
                "csv": str(csv.resolve()),
                "result": str(result if party == first else result.with_name(f"none-{party}")),
            }
            for party, csv in inputs.csv.items()
        }

    return PeerContender(
        "spu",
        f"kkrt-npc {count} of {count}",
        TCP_PAYLOAD,
        "The first party learns the intersection of all in the clear, and by the program's own manual parties learn "
        "intersections of two parties on the way; all learn the sizes of sets.",
        remarks,
        Program(name, python, Path(__file__).with_name("runners") / "spu_psi.py", timeout_s),
        tasks,
        lambda result: numbers_wrong(result, expected),
        folder,
        network,
    )


def common_to_all(inputs: QuorumInputs) -> NDArray[np.str_]:
    """Return the numbers that every party has, as sorted text."""
    return reduce(np.intersect1d, (read_numbers(path) for path in inputs.csv.values()))
