"""Two-party intersection with other programs: openmined-psi and SecretFlow SPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psi_match.bench.inputs import CSV_COLUMN, PsiInputs
from psi_match.bench.peers.contender import CLOCK, MESSAGES, TCP_PAYLOAD, PeerContender
from psi_match.bench.peers.numbers_file import numbers_wrong
from psi_match.bench.peers.processes import Network, Program

LEADER, DATA_PARTY = "leader", "data-party"
_SPU_REMARKS = (
    CLOCK,
    "From CSV to an unsorted CSV, semi-honest, the result for the receiver only, buckets of 2^20 rows as by default. "
    "It looks for duplicates itself: its switch to leave that out fails in 0.9.5.",
)
_SPU_REVEALS = (
    "The receiver learns the intersection in the clear; both learn the sizes of the sets, above 2^20 rows also of "
    "their buckets."
)
_LOW_LIMITS = (
    "In 0.9.5 this mode loses some rows unless the sizes are multiples of 32 and at most 2^20; larger sets are split "
    "into buckets of any size."
)


@dataclass(frozen=True, slots=True)
class PsiPeer:
    """A protocol of another program.

    Args:
        system: as in ``Row``.
        variant: as in ``Row``.
        runner: file of its runner.
        reveals: as in ``Row``.
        remarks: as in ``Row``.
        bytes_are: as in ``Row``.
        settings: what its runner must know beside the files.
        limits: as of ``PeerContender``.
    """

    system: str
    variant: str
    runner: str
    reveals: str
    remarks: tuple[str, ...]
    bytes_are: str
    settings: Mapping[str, Any]
    limits: str = ""


def _spu(variant: str, protocol: str, remark: str = "", *, low_comm: bool = False, limits: str = "") -> PsiPeer:
    return PsiPeer(
        "spu",
        variant,
        "spu_psi.py",
        _SPU_REVEALS,
        (*_SPU_REMARKS, *(text for text in (remark, limits) if text)),
        TCP_PAYLOAD,
        {"protocol": protocol, "low_comm": low_comm},
        limits,
    )


PSI_PEERS = {
    "openmined": PsiPeer(
        "openmined-psi",
        "ecdh gcs",
        "openmined_psi.py",
        "The client learns the intersection in the clear; both learn the sizes of the sets.",
        (
            CLOCK,
            "The default structure GCS, with a chance of 10^-9 that a run has a false positive. The package has no "
            "network of its own: its messages go over one TCP connection.",
        ),
        MESSAGES,
        {},
    ),
    "spu-rr22": _spu("rr22", "RR22", "Its fast mode, which is the default."),
    "spu-rr22-low": _spu("rr22 low", "RR22", "Its mode of few bytes.", low_comm=True, limits=_LOW_LIMITS),
    "spu-kkrt": _spu("kkrt", "KKRT"),
    "spu-ecdh": _spu("ecdh", "ECDH", "On Curve25519."),
}
"""By the name that users type."""


def make_psi_contender(
    name: str, inputs: PsiInputs, folder: Path, python: Path, timeout_s: float, network: Network
) -> PeerContender:
    """Return a protocol of another program as a contender, the leader as its receiver or client."""
    peer = PSI_PEERS[name]
    files = {LEADER: inputs.leader_csv, DATA_PARTY: inputs.data_csv}

    def tasks(result: Path) -> Mapping[str, Mapping[str, Any]]:
        return {
            # Every party must name a file; only the leader's is written.
            party: {**peer.settings, "column": CSV_COLUMN, "csv": str(csv.resolve()), "result": _for(result, party)}
            for party, csv in files.items()
        }

    return PeerContender(
        peer.system,
        peer.variant,
        peer.bytes_are,
        peer.reveals,
        peer.remarks,
        Program(name, python, Path(__file__).with_name("runners") / peer.runner, timeout_s),
        tasks,
        lambda result: numbers_wrong(result, inputs.expected),
        folder,
        network,
        peer.limits,
    )


def _for(result: Path, party: str) -> str:
    return str(result if party == LEADER else result.with_name(f"none-{party}"))
