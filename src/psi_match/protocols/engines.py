"""The engines of two-party intersection behind one interface: same terms, same input, same answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import UsageError
from psi_match.base.randomness import RandomSource
from psi_match.protocols import bucketed_psi, ecdh_psi, psi, vole_psi
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.buckets import BucketTerms
from psi_match.protocols.effects import Role
from psi_match.protocols.tables import CuckooTable


class LeaderRows:
    """The leader's rows of one session; the cuckoo table is built once and shared by all intersections.

    Args:
        numbers: (n,) distinct BSNs.
    """

    def __init__(self, numbers: NDArray[np.uint32]) -> None:
        self.numbers = numbers
        self._table: CuckooTable | None = None

    def __repr__(self) -> str:
        return f"LeaderRows({len(self.numbers)} rows)"

    def prepare(self, engine: str, sid: bytes, bins: int) -> None:
        """Do what all intersections of the session share, before they start in parallel.

        Raises:
            CuckooFailure: the rows do not fit their table.
        """
        if engine == "kkrt":
            self._table = CuckooTable.build(sid, self.numbers, bins)

    def table(self, terms: PairTerms) -> CuckooTable:
        """Return the session's cuckoo table."""
        if self._table is None:
            self._table = CuckooTable.build(terms.sid, self.numbers, terms.bins)
        return self._table


def lead(engine: str, terms: PairTerms, rows: LeaderRows, rng: RandomSource) -> Role[NDArray[np.bool_]]:
    """Play the leader with one engine: True where the leader's row is in the data party's set.

    Raises:
        UsageError: there is no such engine.
    """
    match engine:
        case "kkrt":
            return psi.lead(terms, rows.table(terms), rng)
        case "kkrt-buckets":
            return bucketed_psi.lead(BucketTerms.of(terms), rows.numbers, rng)
        case "vole":
            return vole_psi.lead(terms, rows.numbers, rng)
        case "ecdh":
            return ecdh_psi.lead(terms, rows.numbers, rng)
    raise _unknown(engine)


def answer(engine: str, terms: PairTerms, numbers: NDArray[np.uint32], rng: RandomSource) -> Role[None]:
    """Play the data party with one engine.

    Raises:
        UsageError: there is no such engine.
    """
    match engine:
        case "kkrt":
            return psi.answer(terms, numbers, rng)
        case "kkrt-buckets":
            return bucketed_psi.answer(BucketTerms.of(terms), numbers, rng)
        case "vole":
            return vole_psi.answer(terms, numbers, rng)
        case "ecdh":
            return ecdh_psi.answer(terms, numbers, rng)
    raise _unknown(engine)


def message_count(engine: str, terms: PairTerms) -> int:
    """Return the messages of one intersection, both directions: for progress displays."""
    match engine:
        case "kkrt":
            return psi.message_count(terms)
        case "kkrt-buckets":
            return bucketed_psi.message_count(terms)
        case "vole":
            return vole_psi.message_count(terms)
        case "ecdh":
            return ecdh_psi.message_count(terms)
    raise _unknown(engine)


def _unknown(engine: str) -> UsageError:
    return UsageError(f"There is no engine named {engine!r}.", "Choose kkrt, kkrt-buckets, vole or ecdh.")
