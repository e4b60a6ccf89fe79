"""BLAKE2s-256 of many short rows at once: the hash that turns an OPRF row into its output.

Each row is hashed as exactly one block: 56 bytes of row, then its 8-byte little-endian bin index. The personalisation
separates purposes and OPRF instances. Rows are hashed ``LANES`` at a time, so that the compiler can keep the same state
word of several rows in one vector register.

Reveals:
    Nothing by itself; a row of full entropy is hidden by the hash, a bin index alone is public.

Source:
    RFC 7693 (BLAKE2); the personalisation parameter is that of the BLAKE2 specification, section 2.8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.kernel import kernel

ROW_BYTES = 56
"""Bytes of row in a block; the bin index fills the rest of BLAKE2s's 64-byte block."""

DIGEST_BYTES = 32
PERSON_BYTES = 8
LANES = 128
"""Rows hashed at a time. With fewer the compiler unrolls the loops that copy message words into single moves, which
takes as long as the hash itself; with more the state leaves the first-level cache."""

_IV = np.array(
    [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19], dtype=np.uint32
)
_SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    dtype=np.int64,
)
_PARAMETER_WORD = 0x01010020  # digest length 32, no key, fanout 1, depth 1


@kernel
def _mix(s: NDArray[np.uint32], a: int, b: int, c: int, d: int, x: int, y: int) -> None:
    """RFC 7693, section 3.1: function G, on all lanes of the working vector."""
    for lane in range(LANES):
        # numba widens a sum of two uint32 to uint64: every sum is cut back, so that rotations stay 32 bits wide.
        va = np.uint32(s[a * LANES + lane] + s[b * LANES + lane] + s[x * LANES + lane])
        vd = s[d * LANES + lane] ^ va
        vd = np.uint32(vd >> np.uint32(16)) | np.uint32(vd << np.uint32(16))
        vc = np.uint32(s[c * LANES + lane] + vd)
        vb = s[b * LANES + lane] ^ vc
        vb = np.uint32(vb >> np.uint32(12)) | np.uint32(vb << np.uint32(20))
        va = np.uint32(va + vb + s[y * LANES + lane])
        vd = vd ^ va
        vd = np.uint32(vd >> np.uint32(8)) | np.uint32(vd << np.uint32(24))
        vc = np.uint32(vc + vd)
        vb = vb ^ vc
        vb = np.uint32(vb >> np.uint32(7)) | np.uint32(vb << np.uint32(25))
        s[a * LANES + lane] = va
        s[b * LANES + lane] = vb
        s[c * LANES + lane] = vc
        s[d * LANES + lane] = vd


@kernel
def _hash_rows(
    rows: NDArray[np.uint32], bins: NDArray[np.uint64], person: NDArray[np.uint32], out: NDArray[np.uint32]
) -> None:
    """Hash ``rows`` (n, 14) uint32 with ``bins`` (n,) uint64 into ``out`` (n, 8) uint32, LANES rows at a time.

    One array holds the working vector (words 0-15) and this round's message in schedule order (words 16-31), so that
    every index of a round is a constant and the compiler can prove that stores do not overlap loads.
    """
    n = rows.shape[0]
    m = np.empty((16, LANES), dtype=np.uint32)
    s = np.empty(32 * LANES, dtype=np.uint32)
    h = np.empty(8, dtype=np.uint32)
    for i in range(8):
        h[i] = _IV[i]
    h[0] ^= np.uint32(_PARAMETER_WORD)
    h[6] ^= person[0]
    h[7] ^= person[1]
    for start in range(0, n, LANES):
        count = min(LANES, n - start)
        for lane in range(LANES):
            row = start + min(lane, count - 1)
            for word in range(14):
                m[word, lane] = rows[row, word]
            m[14, lane] = np.uint32(bins[row] & np.uint64(0xFFFFFFFF))
            m[15, lane] = np.uint32(bins[row] >> np.uint64(32))
        for word in range(8):
            for lane in range(LANES):
                s[word * LANES + lane] = h[word]
                s[(word + 8) * LANES + lane] = _IV[word]
        for lane in range(LANES):
            s[12 * LANES + lane] ^= np.uint32(64)  # bytes hashed so far: one whole block
            s[14 * LANES + lane] ^= np.uint32(0xFFFFFFFF)  # last block
        for r in range(10):
            for word in range(16):
                for lane in range(LANES):
                    s[(16 + word) * LANES + lane] = m[_SIGMA[r, word], lane]
            _mix(s, 0, 4, 8, 12, 16, 17)
            _mix(s, 1, 5, 9, 13, 18, 19)
            _mix(s, 2, 6, 10, 14, 20, 21)
            _mix(s, 3, 7, 11, 15, 22, 23)
            _mix(s, 0, 5, 10, 15, 24, 25)
            _mix(s, 1, 6, 11, 12, 26, 27)
            _mix(s, 2, 7, 8, 13, 28, 29)
            _mix(s, 3, 4, 9, 14, 30, 31)
        for lane in range(count):
            for word in range(8):
                out[start + lane, word] = h[word] ^ s[word * LANES + lane] ^ s[(word + 8) * LANES + lane]


def blake2s_rows(rows: NDArray[np.uint8], bins: NDArray[np.uint64], person: bytes) -> NDArray[np.uint8]:
    """Hash every row together with its bin index.

    Args:
        rows: (n, 56) bytes, C-contiguous.
        bins: (n,) bin indices, global within the session, never relative to a chunk.
        person: 8 bytes that separate purposes and instances.

    Returns:
        (n, 32) bytes; row i equals ``hashlib.blake2s(rows[i] + bins[i].to_bytes(8, "little"), person=person)``.

    Raises:
        ValueError: a shape, length or type is wrong.
    """
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != ROW_BYTES or not rows.flags.c_contiguous:
        raise ValueError(f"rows must be contiguous (n, {ROW_BYTES}) uint8")
    if bins.dtype != np.uint64 or bins.shape != (rows.shape[0],):
        raise ValueError("bins must be (n,) uint64")
    if len(person) != PERSON_BYTES:
        raise ValueError(f"person must be {PERSON_BYTES} bytes")
    out = np.empty((rows.shape[0], DIGEST_BYTES // 4), dtype=np.uint32)
    _hash_rows(rows.view("<u4"), bins, np.frombuffer(person, dtype="<u4"), out)
    return out.view(np.uint8)
