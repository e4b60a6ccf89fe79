"""OT extension: thousands of oblivious transfers of 16-byte keys from 128 base OTs.

The base OTs run the other way round: the receiver of the extension sent them, the sender chose in them with 128 secret
bits s. Column i of the receiver is the stream t0_i of its first key; it sends u_i = t0_i ^ t1_i ^ r, with its choices
r. The sender holds q_i = stream_i ^ (u_i & s_i), so that row j is q_j = t0_j ^ (r_j & s). Its two keys are the hashes
of q_j and of q_j ^ s; the receiver knows the hash of t0_j, which is the key of its choice.

Reveals:
    Sender: nothing. u_i is masked by t1_i or t0_i, of which it knows one.
    Receiver: per transfer the key of its choice; the other one is hidden by s behind the hash.

Source:
    Ishai, Kilian, Nissim, Petrank, Extending Oblivious Transfers Efficiently (CRYPTO 2003), the semi-honest protocol;
    the hash is BLAKE2s of the row and the number of the transfer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.base.randomness import RandomSource
from psi_match.crypto.aes import KeyStreams
from psi_match.crypto.bit_matrix import BLOCK_BITS, transpose_columns
from psi_match.crypto.blake2s import ROW_BYTES, blake2s_rows
from psi_match.protocols.effects import Rows

COLUMNS = 128
"""Base OTs; also the length of s, so the computational security."""
KEY_WORDS = 2
_ROW_BYTES = COLUMNS // 8
_PURPOSE = b"OX"


class MaskedChoices(Rows):
    """u_i of every column: (128, bytes)."""

    STEP = "ot-extension"


def message_shape(count: int) -> tuple[int, int]:
    """Return the shape of the message for ``count`` transfers."""
    return COLUMNS, -(-count // BLOCK_BITS) * BLOCK_BITS // 8


def _keys(rows: NDArray[np.uint64], first: int, instance: int) -> NDArray[np.uint64]:
    """Hash rows (n, 2) with their numbers, counted over all calls of an instance, to keys (n, 2)."""
    padded = np.zeros((len(rows), ROW_BYTES), dtype=np.uint8)
    padded[:, :_ROW_BYTES] = np.ascontiguousarray(rows).view(np.uint8)
    numbers = np.arange(first, first + len(rows), dtype=np.uint64)
    hashed = blake2s_rows(padded, numbers, _PURPOSE + instance.to_bytes(6, "big"))
    return np.ascontiguousarray(hashed.view("<u8")[:, :KEY_WORDS])


class Receiver:
    """The receiver's steps; several calls may follow each other.

    Args:
        keys: both keys of each of 128 base OTs, used for nothing else.
        instance: number of this instance in the session's plan.
    """

    def __init__(self, keys: list[tuple[bytes, bytes]], instance: int) -> None:
        self._zero = KeyStreams([pair[0] for pair in keys])
        self._one = KeyStreams([pair[1] for pair in keys])
        self._instance = instance
        self._done = 0

    def extend(self, choices: NDArray[np.uint8], rng: RandomSource) -> tuple[MaskedChoices, NDArray[np.uint64]]:
        """Return the message for the sender, and the key of each choice (0 or 1): (n, 2) words."""
        _, width = message_shape(len(choices))
        # Beyond the choices random bits: zeros would show the sender the sum of both streams of a column.
        padded = np.unpackbits(np.frombuffer(rng.bytes(width), dtype=np.uint8), bitorder="little")
        padded[: len(choices)] = choices
        packed = np.packbits(padded, bitorder="little")
        zero = self._zero.read(width)
        rows = transpose_columns(np.ascontiguousarray(zero)).view("<u8")[: len(choices)]
        keys = _keys(rows, self._done, self._instance)
        self._done += len(choices)
        return MaskedChoices(zero ^ self._one.read(width) ^ packed), keys


class Sender:
    """The sender's steps.

    Args:
        keys: the chosen key of each of 128 base OTs, used for nothing else.
        choices: the 128 secret bits s.
        instance: number of this instance in the session's plan.
    """

    def __init__(self, keys: list[bytes], choices: list[int], instance: int) -> None:
        self._streams = KeyStreams(keys)
        self._columns = np.array(choices, dtype=np.uint8)[:, None] * np.uint8(0xFF)
        self._secret = np.packbits(np.array(choices, dtype=np.uint8), bitorder="little").view("<u8")
        self._instance = instance
        self._done = 0

    def extend(self, count: int, message: MaskedChoices) -> NDArray[np.uint64]:
        """Return both keys of each transfer: (n, 2 choices, 2 words)."""
        columns = self._streams.read(message.rows.shape[1]) ^ (message.rows & self._columns)
        rows = transpose_columns(np.ascontiguousarray(columns)).view("<u8")[:count]
        keys = [_keys(row, self._done, self._instance) for row in (rows, rows ^ self._secret)]
        self._done += count
        return np.stack(keys, axis=1)


def plaintext_keys(pairs: NDArray[np.uint64], choices: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The plaintext twin: what the receiver must hold, given the sender's keys and the choices."""
    return pairs[np.arange(len(pairs)), choices]
