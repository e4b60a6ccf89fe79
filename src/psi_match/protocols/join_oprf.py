"""The OPRF of a join, by either engine: one function per bin, evaluated by the leader at one item of each.

Engine ``kkrt`` rests on oblivious transfer and a hash, and sends 56 bytes per bin. Engine ``vole`` rests on learning
parity with noise as well, and sends 16 and a start of a megabyte and more: less in all from some 34,000 bins on.

Reveals:
    As ``oprf`` and ``vole_oprf``.

Source:
    Those of ``oprf`` and ``vole_oprf``.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from psi_match.base.randomness import RandomSource
from psi_match.crypto.blake2s import ROW_BYTES
from psi_match.crypto.gf128 import ELEMENT_BYTES
from psi_match.protocols import base_ot, oprf, vole, vole_oprf
from psi_match.protocols.effects import Role, recv, send
from psi_match.protocols.join_terms import JoinEngine, JoinTerms
from psi_match.protocols.sizes import CHUNK_BINS


class Evaluator(Protocol):
    """F of one chunk of bins, for the data party; can be handed to a task."""

    def evaluate(self, bins: NDArray[np.uint32], items: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return F_b(y), (n, 32) bytes, for global bin indices of the chunk and (n, 16) items."""
        ...


class LeaderOprf:
    """The leader's end: ``meet``, then ``chunk`` for all chunks of bins in order.

    Args:
        terms: the public terms.
        rng: fresh local randomness.
    """

    def __init__(self, terms: JoinTerms, rng: RandomSource) -> None:
        self._terms, self._rng = terms, rng
        self._kkrt: oprf.Receiver | None = None
        self._vole: vole_oprf.Receiver | None = None

    def meet(self) -> Role[None]:
        """Do what comes before the first chunk."""
        terms = self._terms
        if terms.engine == "vole":
            self._vole = vole_oprf.Receiver(terms.data_party, terms.sid, terms.instance, terms.bins, self._rng)
            yield from self._vole.meet()
        else:
            label = base_ot.OtLabel(terms.sid, terms.instance)
            keys = yield from base_ot.send_keys(terms.data_party, label, self._rng)
            self._kkrt = oprf.Receiver(keys, oprf.Code(terms.sid), terms.instance)

    def chunk(self, first_bin: int, items: NDArray[np.uint8]) -> Role[NDArray[np.uint8]]:
        """Send one masked item per bin, (bins, 16), and return F at them, (bins, 32) bytes."""
        if self._vole is not None:
            return (yield from self._vole.chunk(first_bin, items))
        # Safe: whoever calls has met the data party.
        assert self._kkrt is not None  # noqa: S101
        message, outputs = self._kkrt.chunk(first_bin, items)
        yield from send(self._terms.data_party, message)
        return outputs


class DataOprf:
    """The data party's end: ``meet``, then ``chunk`` for all chunks of bins in order.

    Args:
        terms: the public terms.
        ahead: chunks that the leader sends before it reads an answer to the first one.
        rng: fresh local randomness.
    """

    def __init__(self, terms: JoinTerms, ahead: int, rng: RandomSource) -> None:
        self._terms, self._ahead, self._rng = terms, ahead, rng
        self._kkrt: oprf.Sender | None = None
        self._vole: vole_oprf.Sender | None = None

    def meet(self) -> Role[None]:
        """Do what comes before the first chunk."""
        terms = self._terms
        if terms.engine == "vole":
            self._vole = vole_oprf.Sender(terms.leader, terms.sid, terms.instance, terms.bins, self._rng)
            yield from self._vole.meet()
        else:
            label = base_ot.OtLabel(terms.sid, terms.instance)
            choices = oprf.choice_bits(self._rng.bytes(oprf.CHOICE_BYTES))
            keys = yield from base_ot.receive_keys(terms.leader, label, choices, self._rng)
            self._kkrt = oprf.Sender(keys, choices, oprf.Code(terms.sid), terms.instance)

    def chunk(self, first_bin: int, bins: int) -> Role[Evaluator]:
        """Take in one masked item per bin, and return F in that chunk."""
        if self._vole is not None:
            # What the leader needs for its next chunks goes out between the same two answers at which it reads it.
            return (yield from self._vole.chunk(first_bin, bins, first_bin + (self._ahead + 1) * CHUNK_BINS))
        # Safe: whoever calls has met the leader.
        assert self._kkrt is not None  # noqa: S101
        message = yield from recv(self._terms.leader, oprf.MaskedRows, (bins, ROW_BYTES))
        return self._kkrt.absorb(first_bin, message)


def message_count(terms: JoinTerms, chunks: int) -> int:
    """Return the messages of the OPRF, both directions, base OTs included."""
    return 2 + chunks + (vole.message_count(terms.bins) if terms.engine == "vole" else 0)


def oprf_bytes(engine: JoinEngine, bins: int) -> int:
    """Return the bytes of the OPRF in both directions, base OTs apart."""
    return bins * ELEMENT_BYTES + vole.sent_bytes(bins) if engine == "vole" else bins * ROW_BYTES
