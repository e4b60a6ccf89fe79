"""Other programs beside psi-match in one bench: the same files, the same machine, runs in turn.

They have an environment of their own (``make peers``), one process per party, and their own recommended settings.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from psi_match.base.errors import UsageError
from psi_match.bench.inputs import PredicateInputs, PsiInputs, QuorumInputs
from psi_match.bench.peers.contender import PeerContender
from psi_match.bench.peers.environment import peer_versions, peers_python
from psi_match.bench.peers.predicate import PREDICATE_PEERS, make_predicate_contender
from psi_match.bench.peers.processes import Loopback, Network
from psi_match.bench.peers.psi import PSI_PEERS, make_psi_contender
from psi_match.bench.peers.quorum import QUORUM_PEERS, make_quorum_contender

__all__ = ["PEERS", "peer_versions", "predicate_contender", "psi_contender", "quorum_contender"]

PEERS: dict[str, tuple[str, ...]] = {
    "psi": tuple(PSI_PEERS),
    "predicate": tuple(PREDICATE_PEERS),
    "quorum": QUORUM_PEERS,
}
"""Per suite the names of other programs that can take part."""
TIMEOUT_S = 1800.0
"""Of one run. openmined-psi takes some 400 s at 2^20, and SPU's modes of several parties have been seen to hang."""


def psi_contender(
    name: str, inputs: PsiInputs, folder: Path, *, timeout_s: float = TIMEOUT_S, network: Network | None = None
) -> PeerContender:
    """Return another program as a contender of the suite ``psi``.

    Args:
        name: one of ``PEERS["psi"]``.
        inputs: what it starts from.
        folder: receives a folder per run, for as long as the run lasts.
        timeout_s: a run that takes longer is stopped.
        network: where the parties are; this machine if None.

    Raises:
        UsageError: there is no such program for this suite.
        ConfigError: the programs are not installed.
    """
    _check(name, PEERS["psi"])
    return make_psi_contender(name, inputs, folder, peers_python(), timeout_s, network or Loopback())


def predicate_contender(
    name: str, inputs: PredicateInputs, folder: Path, *, timeout_s: float = TIMEOUT_S, network: Network | None = None
) -> PeerContender:
    """Return another program as a contender of the suite ``predicate``; the rest is as in ``psi_contender``."""
    _check(name, PEERS["predicate"])
    return make_predicate_contender(name, inputs, folder, peers_python(), timeout_s, network or Loopback())


def quorum_contender(
    name: str, inputs: QuorumInputs, folder: Path, *, timeout_s: float = TIMEOUT_S, network: Network | None = None
) -> PeerContender:
    """Return another program as a contender of the suite ``quorum``; the rest is as in ``psi_contender``."""
    _check(name, PEERS["quorum"])
    return make_quorum_contender(name, inputs, folder, peers_python(), timeout_s, network or Loopback())


def _check(name: str, names: Iterable[str]) -> None:
    if name not in names:
        raise UsageError(f"There is no program named {name} for this suite.", f"Choose from {', '.join(names)}.")
