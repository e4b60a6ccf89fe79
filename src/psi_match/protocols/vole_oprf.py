"""Batched OPRF from vector OLE: one oblivious pseudorandom function per bin.

From some 34,000 bins on it sends fewer bytes than ``oprf``.

The receiver (the leader of a join) holds A and C, the sender (a data party) B and D, with C = A * D + B and one row per
bin. For bin b with item x the receiver sends Z_b = A_b + x, items being elements of GF(2^128). The sender then knows
K_b = B_b + Z_b * D = C_b + x * D, and

    F_b(y) = BLAKE2s(K_b + y * D, y, b),        for the receiver's own item    F_b(x) = BLAKE2s(C_b, x, b).

Vector OLE is made in batches, some chunks of bins ahead of their use; nothing of it is kept.

Reveals:
    Sender: the number of bins, a public size. Z hides the items only as long as A looks random, *by the assumption of
    learning parity with noise*: docs/protocols/vole.md.
    Receiver: F_b at one item of each bin, whatever it sends as Z_b: at another one the input of the hash differs from
    C_b by a multiple of D that is not zero, and of D a receiver that made the vector OLE as it should knows nothing.

Source:
    Rindal and Schoppmann (ePrint 2021/266) and Raghuraman and Rindal (ePrint 2022/320) for the OPRF from a vector OLE.
    One row per bin in place of their key-value store is this project's choice, so that a leader holds exactly one value
    per bin, as in Kolesnikov, Kumaresan, Rosulek, Trieu (ePrint 2016/799): docs/adr/0026.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.base.randomness import RandomSource
from psi_match.crypto.blake2s import ROW_BYTES, blake2s_rows
from psi_match.crypto.gf128 import ELEMENT_BYTES, WORDS, add_products, multiples
from psi_match.crypto.kernel import kernel
from psi_match.protocols import base_ot, vole
from psi_match.protocols.effects import Role, Rows, recv, send
from psi_match.protocols.oprf import choice_bits

_PURPOSE = b"V2"
"""First two bytes of the hash's personalisation."""
_BLOCK_WORDS = ROW_BYTES // 8


class MaskedItems(Rows):
    """Z for the bins of one chunk: (bins, 16)."""

    STEP = "vole-items"


class Receiver:
    """The receiver's roles: ``meet``, then ``chunk`` for all chunks of bins in order.

    Args:
        sender: party id of the sender.
        sid: session id.
        instance: number of this OPRF instance in the session's plan.
        bins: how many.
        rng: fresh local randomness.
    """

    def __init__(self, sender: str, sid: bytes, instance: int, bins: int, rng: RandomSource) -> None:
        self._sender, self._label, self._bins, self._rng = sender, base_ot.OtLabel(sid, instance), bins, rng
        self._person = _person(instance)
        self._vole: vole.Receiver | None = None
        self._batches = 0
        # A and C side by side: what batches have given and no chunk has taken.
        self._left = np.empty((0, 2 * WORDS), dtype=np.uint64)

    def meet(self) -> Role[None]:
        """Play the base OTs, and ask for all batches.

        Raises:
            PeerError: the sender sends something that is not of the agreed kind, size or group.
        """
        pairs = yield from base_ot.send_keys(self._sender, self._label, self._rng, vole.BASE_TRANSFERS)
        sid, instance = self._label.sid, self._label.instance
        self._vole = vole.Receiver(self._sender, sid, instance, self._bins, pairs, self._rng)
        yield from self._vole.ask()

    def chunk(self, first_bin: int, items: NDArray[np.uint8]) -> Role[NDArray[np.uint8]]:
        """Send one masked item per bin, and return F at them, (bins, 32) bytes.

        Args:
            first_bin: global index of the first bin of this chunk.
            items: (bins, 16); random dummies where a bin is empty.

        Raises:
            PeerError: the sender sends something that is not of the agreed kind or size.

        Reveals:
            To the sender: nothing, by the assumption above.
        """
        while len(self._left) < len(items):
            # Safe: whoever calls has met the sender.
            assert self._vole is not None  # noqa: S101
            a, c = yield from self._vole.batch(self._batches)
            self._left = np.concatenate([self._left, np.concatenate([a, c], axis=1)])
            self._batches += 1
        here, self._left = self._left[: len(items)], self._left[len(items) :]
        elements = np.ascontiguousarray(items).view("<u8")
        yield from send(self._sender, MaskedItems((here[:, :WORDS] ^ elements).view(np.uint8)))
        bins = np.arange(first_bin, first_bin + len(items), dtype=np.uint64)
        return blake2s_rows(_blocks(np.ascontiguousarray(here[:, WORDS:]), elements), bins, self._person)


@dataclass(frozen=True, slots=True, repr=False)
class Evaluator:
    """F of one chunk of bins, for its sender: holds secrets, and can be handed to a task.

    Args:
        rows: (bins, 2) words: K of each bin.
        first_bin: global index of the chunk's first bin.
        tables: multiples of D.
        person: the hash personalisation of the instance.
    """

    rows: NDArray[np.uint64]
    first_bin: int
    tables: NDArray[np.uint64]
    person: bytes

    def evaluate(self, bins: NDArray[np.uint32], items: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return F_b(y), (n, 32) bytes, for global bin indices of the chunk and (n, 16) items."""
        elements = np.ascontiguousarray(items).view("<u8")
        inputs = np.empty((len(items), WORDS), dtype=np.uint64)
        _rows_of(self.rows, bins, self.first_bin, inputs)
        add_products(self.tables, elements, inputs)
        return blake2s_rows(_blocks(inputs, elements), bins.astype(np.uint64), self.person)


class Sender:
    """The sender's roles: ``meet``, then ``chunk`` for all chunks of bins in order.

    Args:
        receiver: party id of the receiver.
        sid: session id.
        instance: number of this OPRF instance in the session's plan.
        bins: how many.
        rng: fresh local randomness.
    """

    def __init__(self, receiver: str, sid: bytes, instance: int, bins: int, rng: RandomSource) -> None:
        self._receiver, self._label, self._bins, self._rng = receiver, base_ot.OtLabel(sid, instance), bins, rng
        self._person = _person(instance)
        self._vole: vole.Sender | None = None
        self._tables = np.empty((0, 0, WORDS), dtype=np.uint64)
        self._batches = self._made = 0
        self._left = np.empty((0, WORDS), dtype=np.uint64)

    def meet(self) -> Role[None]:
        """Play the base OTs, and take in what the receiver asks.

        Raises:
            PeerError: the receiver sends something that is not of the agreed kind, size or group.
        """
        choices = choice_bits(self._rng.bytes(vole.BASE_TRANSFERS // 8))
        keys = yield from base_ot.receive_keys(self._receiver, self._label, choices, self._rng)
        sid, instance = self._label.sid, self._label.instance
        self._vole = vole.Sender(self._receiver, sid, instance, self._bins, keys, choices, self._rng)
        self._tables = multiples(self._vole.scalar)
        yield from self._vole.attend()

    def chunk(self, first_bin: int, bins: int, until: int) -> Role[Evaluator]:
        """Take in one masked item per bin, and return F in that chunk.

        Args:
            first_bin: global index of the first bin of this chunk.
            bins: bins of this chunk.
            until: for all bins before this one the receiver is given its vector OLE first: it is so far ahead.

        Raises:
            PeerError: the receiver sends something that is not of the agreed kind or size.
        """
        # Safe: whoever calls has met the receiver.
        assert self._vole is not None  # noqa: S101
        while self._made < min(until, self._bins):
            batch = yield from self._vole.batch(self._batches)
            self._left = np.concatenate([self._left, batch])
            self._made += len(batch)
            self._batches += 1
        here, self._left = self._left[:bins].copy(), self._left[bins:]
        masked = yield from recv(self._receiver, MaskedItems, (bins, ELEMENT_BYTES))
        add_products(self._tables, np.ascontiguousarray(masked.rows).view("<u8"), here)
        return Evaluator(here, first_bin, self._tables, self._person)


def _person(instance: int) -> bytes:
    """Return the hash personalisation of an instance: purpose (2 bytes), instance number in the plan (6)."""
    return _PURPOSE + instance.to_bytes(6, "big")


def _blocks(inputs: NDArray[np.uint64], elements: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return what is hashed per row: field element, then the item itself."""
    blocks = np.zeros((len(inputs), _BLOCK_WORDS), dtype=np.uint64)
    blocks[:, :WORDS] = inputs
    blocks[:, WORDS : 2 * WORDS] = elements
    return blocks.view(np.uint8)


@kernel
def _rows_of(rows: NDArray[np.uint64], bins: NDArray[np.uint32], first_bin: int, out: NDArray[np.uint64]) -> None:
    """out[i] = rows[bins[i] - first_bin]."""
    for i in range(out.shape[0]):
        for word in range(WORDS):
            out[i, word] = rows[bins[i] - first_bin, word]
