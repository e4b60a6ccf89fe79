"""``a + b < bound`` on secret columns with other programs: SecretFlow SPU with ABY3, and MPyC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from psi_match.bench.inputs import PredicateInputs
from psi_match.bench.peers.contender import CLOCK, TCP_PAYLOAD, PeerContender
from psi_match.bench.peers.processes import Network, Program

PARTIES = ("first", "second", "third")
"""Who has ``a`` and the bound and learns the answer, who has ``b``, and who has nothing and helps to compute."""
OWNERS = {"a": 0, "b": 1, "bound": 0}
_PHASES = "The predicate alone is the phase compute; sharing the columns and opening the answer have their own."


@dataclass(frozen=True, slots=True)
class PredicatePeer:
    """A protocol of another program; its arguments are as in ``Row``, and the file of its runner."""

    system: str
    variant: str
    runner: str
    reveals: str
    remarks: tuple[str, ...]


PREDICATE_PEERS = {
    "spu-aby3": PredicatePeer(
        "spu",
        "aby3",
        "spu_less_than.py",
        "Nothing beside the number of rows, as long as no two of the three parties collude and none deviates.",
        (
            CLOCK,
            _PHASES,
            "64-bit integers, three parties, all other settings as they come. It is compiled and has run once on zeros "
            "before the clock starts.",
        ),
    ),
    "mpyc": PredicatePeer(
        "mpyc",
        "shamir",
        "mpyc_less_than.py",
        "Nothing beside the number of rows, up to a leakage of 2^-30 per comparison, as long as no two of the three "
        "parties collude and none deviates.",
        (CLOCK, _PHASES, "NumPy arrays of SecInt(64), three parties, gmpy2 and uvloop, default security parameter 30."),
    ),
}
"""By the name that users type."""


def make_predicate_contender(
    name: str, inputs: PredicateInputs, folder: Path, python: Path, timeout_s: float, network: Network
) -> PeerContender:
    """Return a protocol of another program as a contender, the first party as the one who learns the answer."""
    peer = PREDICATE_PEERS[name]
    files = {"a": inputs.a, "b": inputs.b, "bound": inputs.bound}

    def tasks(result: Path) -> Mapping[str, Mapping[str, Any]]:
        return {
            party: {
                "rows": inputs.rows,
                "owners": OWNERS,
                "inputs": {column: str(files[column].resolve()) for column, owner in OWNERS.items() if owner == rank},
                "result": str(result),
            }
            for rank, party in enumerate(PARTIES)
        }

    return PeerContender(
        peer.system,
        peer.variant,
        TCP_PAYLOAD,
        peer.reveals,
        peer.remarks,
        Program(name, python, Path(__file__).with_name("runners") / peer.runner, timeout_s),
        tasks,
        lambda result: _wrong(result, inputs.expected),
        folder,
        network,
    )


def _wrong(result: Path, expected: Path) -> str:
    found, right = np.load(result), np.load(expected)
    if found.shape != right.shape:
        return f"it has {found.size} rows, not {right.size}"
    differing = int((found != right).sum())
    return f"{differing} of {right.size} rows differ" if differing else ""
