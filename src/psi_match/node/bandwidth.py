"""How fast the path to a peer is: a few padded greetings on one connection, remembered for a while.

Only the way to the peer is measured: most bytes of a pairwise run go from the leader to the data party.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from psi_match.node.certificates import Credentials
from psi_match.node.greeting import BARE_GREETINGS, greet_repeatedly

_GROWING = (1 << 16, 1 << 18, 1 << 20)
"""So that TCP and HTTP/2 have found their pace by the last; below gRPC's cap of 4 MiB a message."""
_AGAIN = (1 << 20,) * 3
"""On a fast path, where a megabyte takes so little that the processors of both ends weigh in, the best of several."""
PROBE_BYTES = sum(_GROWING)
"""What measuring sends at most on a path on which that takes time."""
_ENOUGH_S = 0.08
"""A greeting that takes so long has shown the rate: on a slow path the larger ones would take seconds."""
_SLOW_S = 0.5
"""The same of the smallest one, most of whose time may be TCP's slow start."""
_SHORTEST_S = 1e-4
_KEPT_S = 3600.0


@dataclass(slots=True)
class PathRates:
    """What this node has measured of the paths to its peers since its start.

    Args:
        clock: seconds, never backwards.
    """

    clock: Callable[[], float] = time.monotonic
    _measured: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def known(self, address: str) -> float | None:
        """Return bytes per second to an address; None: not measured within the last hour."""
        with self._lock:
            rate, when = self._measured.get(address, (0.0, -_KEPT_S))
        return rate if rate and self.clock() - when < _KEPT_S else None

    def measure(self, address: str, party: str, credentials: Credentials) -> float:
        """Return bytes per second to a peer, measured now unless that is known.

        Raises:
            PsiMatchError: it cannot be reached or refuses.
        """
        rate = self.known(address)
        if rate is None:
            rate = _padded_rate(address, party, credentials, self.clock)
            with self._lock:
                self._measured[address] = rate, self.clock()
        return rate


def _padded_rate(address: str, party: str, credentials: Credentials, clock: Callable[[], float]) -> float:
    paddings = BARE_GREETINGS + _GROWING + _AGAIN
    greetings = greet_repeatedly(address, party, credentials, paddings)
    return rate_of(_timed(greetings, paddings, clock))


def _timed(
    greetings: Iterable[Callable[[], object]], paddings: Iterable[int], clock: Callable[[], float]
) -> Iterable[tuple[int, float]]:
    for greeting, padding in zip(greetings, paddings, strict=True):
        began = clock()
        greeting()
        yield padding, clock() - began


def rate_of(greetings: Iterable[tuple[int, float]]) -> float:
    """Return bytes per second from the padding and the seconds of each greeting, bare ones first.

    Of the padded greetings the largest count, less the shortest bare one, and of equally large ones the fastest. No
    more greetings are taken than needed.
    """
    bare_s, best = float("inf"), (0, 0.0)
    for padding, took_s in greetings:
        if not padding:
            # The first one pays for the handshake.
            bare_s = min(bare_s, took_s)
            continue
        padded_s = took_s - bare_s
        best = max(best, (padding, padding / max(padded_s, _SHORTEST_S)))
        if padded_s > (_SLOW_S if padding == _GROWING[0] else _ENOUGH_S):
            break
    return best[1]
