"""Other programs beside psi-match: which take part, in which versions, and on which network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psi_match.base.errors import UsageError
from psi_match.bench.model import Contender, Measure
from psi_match.bench.network import find_net, shaped
from psi_match.bench.nodes import LOOPBACK, described
from psi_match.bench.peers import PEERS, peer_versions
from psi_match.bench.peers.contender import PeerContender


def check_peers(suite: str, names: Sequence[str]) -> dict[str, str]:
    """Refuse programs that a suite does not know; return the versions of those that are installed.

    Raises:
        UsageError: there is no such program.
        ConfigError: the programs are not installed.
    """
    if unknown := [name for name in names if name not in PEERS[suite]]:
        raise UsageError(
            f"Suite {suite} knows no program named {unknown[0]}.", f"Choose from {', '.join(PEERS[suite])}."
        )
    # Theirs stand on packages that ours stand on too, in other versions.
    return {f"{name} (beside)": version for name, version in peer_versions().items()} if names else {}


def on_net(contender: PeerContender, net: str, parties: Sequence[str]) -> Contender:
    """Return a program with its parties on a network; on loopback it is as it was."""
    return contender if net == LOOPBACK else _OnNet(contender, net, parties)


class _OnNet:
    """A program whose parties have a shaped network of their own for as long as it is ready."""

    def __init__(self, contender: PeerContender, net: str, parties: Sequence[str]) -> None:
        self.system, self.variant = contender.system, contender.variant
        self.bytes_are, self.reveals, self.remarks = contender.bytes_are, contender.reveals, contender.remarks
        self._contender, self._net, self._parties = contender, net, parties

    @contextmanager
    def ready(self) -> Iterator[Measure]:
        """Make the network; remove it at the end."""
        with shaped(find_net(self._net), self._parties) as network:
            self.remarks = (*self._contender.remarks, described(network))
            self._contender.network = network
            with self._contender.ready() as run:
                yield run
