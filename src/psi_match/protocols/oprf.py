"""Batched OPRF: one oblivious pseudorandom function per bin, F_b(x), evaluated by the receiver at one item per bin.

The receiver (the leader of a match) holds one item per bin; the sender (a data party) learns nothing about it and can
evaluate every F_b at any item. From 448 base OTs both hold column streams: the receiver both streams t0 and t1 of every
column, the sender the stream of its secret choice bit s. For bin b with item x the receiver sends
u_b = t0_b ^ t1_b ^ C(x); the sender holds q_b = stream_b ^ (u_b & s) = t0_b ^ (C(x) & s). Then

    F_b(y) = BLAKE2s(q_b ^ (C(y) & s), b)        and for the receiver's own item    F_b(x) = BLAKE2s(t0_b, b).

C is a pseudorandom code of 448 bits: AES of the item under four public session keys. The matrix is produced chunk by
chunk; nothing of it is kept.

Reveals:
    Sender: the number of bins, a public size. u_b is masked by t1 (or t0), of which the sender knows only one.
    Receiver: F_b at its own item of each bin, nothing else: at another item y the input of the hash differs from t0_b
    in the bits of s where C(x) and C(y) differ, at least 128 of them but for probability 2^-66 per pair.

Source:
    Kolesnikov, Kumaresan, Rosulek, Trieu, Efficient Batched Oblivious PRF (ePrint 2016/799), figure 3 and section 3.2
    (width and code). The hash of exactly one BLAKE2s block is this project's choice: docs/adr/0002.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.aes import KeyStreams, encrypt_under_each
from psi_match.crypto.bit_matrix import transpose_columns
from psi_match.crypto.blake2s import ROW_BYTES, blake2s_rows
from psi_match.crypto.derive import public_key
from psi_match.crypto.kernel import kernel
from psi_match.protocols.base_ot import TRANSFERS
from psi_match.protocols.effects import Rows

PURPOSE_OUTPUT = b"F1"
"""First two bytes of the hash's personalisation: OPRF output."""

_WORDS = ROW_BYTES // 8
_COLUMN_ALIGNMENT_BINS = 64


class MaskedRows(Rows):
    """u_b for the bins of one chunk: (bins, 56)."""

    STEP = "oprf-rows"


def person(instance: int) -> bytes:
    """Return the hash personalisation of an OPRF instance: purpose (2 bytes), instance number in the plan (6)."""
    return PURPOSE_OUTPUT + instance.to_bytes(6, "big")


class Code:
    """The pseudorandom code C of one session.

    Args:
        sid: session id; the four AES keys are public values of it.
    """

    def __init__(self, sid: bytes) -> None:
        self._keys = [public_key(sid, f"oprf-code/{part}") for part in range(4)]

    def words(self, items: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """Return C of (n, 16) items as (4, n, 2): word w of item i is ``[w // 2, i, w % 2]``, and the first 7 count."""
        return encrypt_under_each(self._keys, items).view("<u8")


@kernel
def _correct(t0: NDArray[np.uint64], code: NDArray[np.uint64], t1: NDArray[np.uint64]) -> None:
    """T1 ^= t0 ^ code, in place."""
    for row in range(code.shape[1]):
        for word in range(_WORDS):
            t1[row, word] ^= t0[row, word] ^ code[word // 2, row, word % 2]


@kernel
def _absorb(rows: NDArray[np.uint64], masked: NDArray[np.uint64], choices: NDArray[np.uint64]) -> None:
    """Rows ^= masked & choices, in place."""
    for row in range(masked.shape[0]):
        for word in range(_WORDS):
            rows[row, word] ^= masked[row, word] & choices[word]


@kernel
def _at_items(
    rows: NDArray[np.uint64],
    bins: NDArray[np.uint32],
    first_bin: int,
    code: NDArray[np.uint64],
    choices: NDArray[np.uint64],
    out: NDArray[np.uint64],
) -> None:
    """out[i] = rows[bins[i] - first_bin] ^ (code[i] & choices)."""
    for i in range(out.shape[0]):
        row = bins[i] - first_bin
        for word in range(_WORDS):
            out[i, word] = rows[row, word] ^ (code[word // 2, i, word % 2] & choices[word])


def _columns_to_rows(streams: KeyStreams, bins: int) -> NDArray[np.uint64]:
    """Read the next ``bins`` bits of every stream as (bins, 7) words, rounded up to whole 64-bin blocks."""
    whole = -(-bins // _COLUMN_ALIGNMENT_BINS) * _COLUMN_ALIGNMENT_BINS
    return transpose_columns(streams.read(whole // 8)).view("<u8")


class Receiver:
    """The receiver's steps: one call per chunk of bins, in order.

    Args:
        keys: both keys of each of the 448 base OTs of this instance.
        code: the session's code.
        instance: number of this OPRF instance in the session's plan.
    """

    def __init__(self, keys: list[tuple[bytes, bytes]], code: Code, instance: int) -> None:
        self._zero_streams = KeyStreams([pair[0] for pair in keys])
        self._one_streams = KeyStreams([pair[1] for pair in keys])
        self._code = code
        self._person = person(instance)

    def chunk(self, first_bin: int, items: NDArray[np.uint8]) -> tuple[MaskedRows, NDArray[np.uint8]]:
        """Mask one item per bin and evaluate F at them.

        Args:
            first_bin: global index of the first bin of this chunk.
            items: (bins, 16); random dummies where a bin is empty.

        Returns:
            The message for the sender, and F as (bins, 32) bytes.
        """
        bins = len(items)
        t0 = _columns_to_rows(self._zero_streams, bins)
        t1 = _columns_to_rows(self._one_streams, bins)
        _correct(t0, self._code.words(items), t1)
        indices = np.arange(first_bin, first_bin + bins, dtype=np.uint64)
        outputs = blake2s_rows(t0[:bins].view(np.uint8), indices, self._person)
        return MaskedRows(t1[:bins].view(np.uint8)), outputs


@dataclass(frozen=True, slots=True, repr=False)
class Evaluator:
    """F of one chunk of bins, for its sender: holds secrets, and can be handed to a task.

    Args:
        rows: (bins, 7) words: q of each bin.
        first_bin: global index of the chunk's first bin.
        choices: (7,) words: s.
        code: the session's code.
        person: the hash personalisation of the instance.
    """

    rows: NDArray[np.uint64]
    first_bin: int
    choices: NDArray[np.uint64]
    code: Code
    person: bytes

    def evaluate(self, bins: NDArray[np.uint32], items: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return F_b(y), (n, 32) bytes, for global bin indices of the chunk and (n, 16) items."""
        inputs = np.empty((len(items), _WORDS), dtype=np.uint64)
        _at_items(self.rows, bins, self.first_bin, self.code.words(items), self.choices, inputs)
        return blake2s_rows(inputs.view(np.uint8), bins.astype(np.uint64), self.person)


class Sender:
    """The sender's steps: absorb a chunk of masked rows, then evaluate F anywhere in that chunk.

    Args:
        keys: the chosen key of each base OT.
        choices: the 448 secret choice bits s.
        code: the session's code.
        instance: number of this OPRF instance in the session's plan.
    """

    def __init__(self, keys: list[bytes], choices: list[int], code: Code, instance: int) -> None:
        self._streams = KeyStreams(keys)
        self._choices = np.packbits(np.array(choices, dtype=np.uint8), bitorder="little").view("<u8")
        self._code = code
        self._person = person(instance)

    def absorb(self, first_bin: int, message: MaskedRows) -> Evaluator:
        """Take in the masked rows of the chunk that starts at ``first_bin``; return F in that chunk."""
        rows = _columns_to_rows(self._streams, len(message.rows))
        _absorb(rows, np.ascontiguousarray(message.rows).view("<u8"), self._choices)
        return Evaluator(rows, first_bin, self._choices, self._code, self._person)


def choice_bits(random_bytes: bytes) -> list[int]:
    """Unpack random bytes into secret choice bits for as many base OTs: 448 here, of ``CHOICE_BYTES``."""
    return [int(bit) for bit in np.unpackbits(np.frombuffer(random_bytes, dtype=np.uint8), bitorder="little")]


CHOICE_BYTES = TRANSFERS // 8
