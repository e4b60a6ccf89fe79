"""Oblivious permutation of shared rows: one compute party knows the order, the two others learn nothing of it.

The permuting party P_i is called P0 here, P_(i+1) and P_(i+2) are P1 and P2, shares likewise. For a list p of source
rows (injective; output row j is input row p[j]) P0 and P1 draw a random permutation q1 and a mask m from their common
stream, and P0 writes p as q1 followed by q2: q2[j] = q1^-1[p[j]].

    P0 -> P2   q2,  b = p(x0 ^ x1) ^ q2(m) ^ s01
    P1 -> P2   c = q1(x2) ^ m
    P2 -> P0   a = q2(c) ^ s12

s01 comes from the stream of P0 and P1, s12 from that of P1 and P2. New shares: y0 = a ^ b (P0, P2), y1 = s01 (P0, P1),
y2 = s12 (P1, P2); their sum is p(x0 ^ x1) ^ q2(q1(x2)) = p(x). Everything is drawn fresh for each use: with a mask used
twice, or with b sent unmasked, P2 could match rows of b against c and learn p.

A shuffle is two such permutations, chosen by two different compute parties: against one corrupted party that suffices.

Reveals:
    P1: nothing, it receives nothing. P2: q2, which is uniform without q1, and two masked lists. P0: a, masked by s12.
    P1 and P2 together: p. All: the number of rows, which is public.

Source:
    Chida, Hamada, Ikarashi, Kikuchi, Kiribuchi, Pinkas (ePrint 2019/695) and Araki, Furukawa, Ohara, Pinkas,
    Rosemarin, Tsuchida, Secure Graph Analysis at Scale (CCS 2021) for shuffles of replicated shares; the message
    pattern for an order that one party *chooses* is written down here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import PeerError
from psi_match.base.randomness import RandomSource
from psi_match.crypto.aes import KEY_BYTES, KeyStreams
from psi_match.crypto.bit_matrix import BLOCK_BITS, transpose_columns
from psi_match.crypto.shuffling import gather_rows, is_injective, permutation
from psi_match.protocols.circuits import COMPUTE_PARTIES, WORD_ROWS, Planes, words_for
from psi_match.protocols.effects import Message, Role, Rows, recv, send
from psi_match.protocols.sharing import ComputeParty, Path, Shares
from psi_match.protocols.sizes import FRAME_PAYLOAD_BYTES, chunks

_INDEX_BYTES = 4


class Factor(Rows):
    """q2, the second factor of the order: (rows, 4)."""

    STEP = "permutation-factor"


class MaskedByFirst(Rows):
    """b: the permuting party's masked shares, in the new order: (rows, width)."""

    STEP = "permutation-first"


class MaskedBySecond(Rows):
    """c: the third share in the order of q1, masked: (rows, width)."""

    STEP = "permutation-second"


class MaskedByThird(Rows):
    """a: c in the new order, masked again: (rows, width)."""

    STEP = "permutation-third"


def permute(
    me: ComputeParty, chooser: int, shares: Shares, rows: int, order: NDArray[np.uint32] | None, path: Path
) -> Role[Shares]:
    """Bring shared rows into an order that one compute party knows.

    Args:
        me: this compute party.
        chooser: index of the permuting party.
        shares: (2, bits, words) of the input rows.
        rows: output rows, public; at most the input rows.
        order: (rows,) source row of every output row, distinct; at the permuting party only.
        path: where in the session.

    Returns:
        (2, bits, words) of the output rows.

    Raises:
        PeerError: the second factor of the order is not a list of distinct rows.
    """
    _, bits, words = shares.shape
    sources = words * WORD_ROWS
    position = (me.index - chooser) % COMPUTE_PARTIES
    width = -(-bits // 8)
    if position == 0:
        # Safe: the permuting party knows the order.
        assert order is not None  # noqa: S101
        return _as_shares(*(yield from _choose(me, shares, order, width, path)), bits)
    if position == 1:
        return _as_shares(*(yield from _second(me, shares, rows, width, path)), bits)
    return _as_shares(*(yield from _third(me, sources, rows, width, path)), bits)


def shuffle(me: ComputeParty, shares: Shares, rng: RandomSource, path: Path) -> Role[Shares]:
    """Bring shared rows into an order that nobody knows: P0 and then P1 permute at random.

    Args:
        me: this compute party.
        shares: (2, bits, words); all rows of all words take part.
        rng: fresh local randomness.
        path: where in the session.
    """
    rows = shares.shape[2] * WORD_ROWS
    for chooser in (0, 1):
        order = permutation(rows, KeyStreams([rng.bytes(KEY_BYTES)])) if me.index == chooser else None
        shares = yield from permute(me, chooser, shares, rows, order, (*path, chooser))
    return shares


def _choose(
    me: ComputeParty, shares: Shares, order: NDArray[np.uint32], width: int, path: Path
) -> Role[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    own = rows_of(shares[0] ^ shares[1])
    first = permutation(len(own), me.with_next("permutation-order", path))
    inverse = np.empty_like(first)
    inverse[first] = np.arange(len(first), dtype=np.uint32)
    second = inverse[order]
    masks = me.with_next("permutation-mask", path).read(len(own) * width).reshape(-1, width)
    fresh = me.with_next("permutation-share", path).read(len(order) * width).reshape(-1, width)
    masked = gather_rows(own, order) ^ gather_rows(masks, second) ^ fresh
    yield from _send(me.previous, Factor, second.astype("<u4").view(np.uint8).reshape(-1, _INDEX_BYTES))
    yield from _send(me.previous, MaskedByFirst, masked)
    third = yield from _receive(me.previous, MaskedByThird, len(order), width)
    return masked ^ third, fresh


def _second(
    me: ComputeParty, shares: Shares, rows: int, width: int, path: Path
) -> Role[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    own = rows_of(shares[1])
    first = permutation(len(own), me.with_previous("permutation-order", path))
    masks = me.with_previous("permutation-mask", path).read(len(own) * width).reshape(-1, width)
    yield from _send(me.next, MaskedBySecond, gather_rows(own, first) ^ masks)
    return (
        me.with_previous("permutation-share", path).read(rows * width).reshape(-1, width),
        me.with_next("permutation-share", path).read(rows * width).reshape(-1, width),
    )


def _third(
    me: ComputeParty, sources: int, rows: int, width: int, path: Path
) -> Role[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    second = (yield from _receive(me.next, Factor, rows, _INDEX_BYTES)).view("<u4").reshape(rows)
    if not is_injective(second, sources):
        # Rows read twice would let the permuting party compare masked rows: it must be an injective list.
        raise PeerError("An order names a row twice or one that does not exist.", peer=me.next, step=Factor.STEP)
    masked = yield from _receive(me.next, MaskedByFirst, rows, width)
    other = yield from _receive(me.previous, MaskedBySecond, sources, width)
    fresh = me.with_previous("permutation-share", path).read(rows * width).reshape(-1, width)
    third = gather_rows(other, second) ^ fresh
    yield from _send(me.next, MaskedByThird, third)
    return fresh, masked ^ third


def rows_of(planes: Planes) -> NDArray[np.uint8]:
    """Return (bits, words) planes as one byte string per row: (64 words, ceil(bits / 8))."""
    bits, words = planes.shape
    padded = np.zeros((-(-bits // BLOCK_BITS) * BLOCK_BITS, words), dtype=np.uint64)
    padded[:bits] = planes
    return np.ascontiguousarray(transpose_columns(padded.view(np.uint8))[:, : -(-bits // 8)])


def planes_of(rows: NDArray[np.uint8], bits: int) -> Planes:
    """Return one byte string per row as (bits, words) planes; rows beyond the last one are zero."""
    words = words_for(len(rows))
    padded = np.zeros((words * WORD_ROWS, -(-bits // BLOCK_BITS) * 8), dtype=np.uint8)
    padded[: len(rows), : rows.shape[1]] = rows[:, : padded.shape[1]]
    return np.ascontiguousarray(transpose_columns(padded).view("<u8")[:bits])


def _as_shares(first: NDArray[np.uint8], second: NDArray[np.uint8], bits: int) -> Shares:
    return np.stack([planes_of(first, bits), planes_of(second, bits)])


def _send(to: str, kind: type[Rows], rows: NDArray[np.uint8]) -> Role[None]:
    for start, stop in chunks(len(rows), FRAME_PAYLOAD_BYTES // rows.shape[1]):
        yield from send(to, kind(rows[start:stop]))


def _receive(frm: str, kind: type[Message], rows: int, width: int) -> Role[NDArray[np.uint8]]:
    out = np.empty((rows, width), dtype=np.uint8)
    for start, stop in chunks(rows, FRAME_PAYLOAD_BYTES // width):
        out[start:stop] = (yield from recv(frm, kind, (stop - start, width))).rows
    return out
