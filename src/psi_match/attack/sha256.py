"""SHA-256 of nine digits behind a public salt, of many numbers at once.

Salt and digits fit one block, so one compression is one guess. ``LANES`` numbers are hashed at a time, so that the
compiler can keep the same word of several numbers in one vector register.

Reveals:
    The number, to anyone who has its hash and the salt: there are few enough numbers to hash them all.

Source:
    FIPS 180-4, sections 4.1.2, 4.2.2, 5.1.1, 5.3.3 and 6.2.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.kernel import kernel
from psi_match.domain.bsn import DIGITS

WORDS = 8
"""Words of 32 bits in a digest, most significant byte first."""

DIGEST_BYTES = 4 * WORDS
MAX_SALT_BYTES = 64 - 8 - 1 - DIGITS
"""A block holds salt, digits, one byte of padding and the 8-byte length."""

LANES = 16

_ROUNDS = 64
_A, _E, _W = 0, _ROUNDS + 4, 2 * (_ROUNDS + 4)
"""First rows of the parts of the working array: successive ``a``, successive ``e``, message schedule."""
_ROWS = _W + _ROUNDS

_START = np.array(
    [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19], dtype=np.uint32
)
_K = np.array(
    [
        *(0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5),
        *(0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174),
        *(0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA),
        *(0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967),
        *(0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85),
        *(0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070),
        *(0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3),
        *(0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2),
    ],
    dtype=np.uint32,
)


@kernel
def _turn(word: np.uint32, places: int) -> np.uint32:
    """Rotate right; the casts keep 32 bits, where numba would widen to 64."""
    return np.uint32(word >> np.uint32(places)) | np.uint32(word << np.uint32(32 - places))


@kernel
def _write_digits(s: NDArray[np.uint32], rest: NDArray[np.uint32], salt_bytes: int) -> None:
    """Add the ASCII digits of the numbers in ``rest``, which is used up, to the first sixteen words of the schedule."""
    for place in range(DIGITS):
        byte = salt_bytes + DIGITS - 1 - place
        row = (_W + byte // 4) * LANES
        shift = np.uint32(24 - 8 * (byte % 4))
        for lane in range(LANES):
            tens = np.uint32(rest[lane] // np.uint32(10))
            digit = np.uint32(rest[lane] - np.uint32(tens * np.uint32(10)) + np.uint32(48))
            s[row + lane] |= np.uint32(digit << shift)
            rest[lane] = tens


@kernel
def _expand(s: NDArray[np.uint32]) -> None:
    """FIPS 180-4, section 6.2.2, step 1: the other words of the schedule."""
    for t in range(_W + 16, _W + _ROUNDS):
        for lane in range(LANES):
            w_15, w_2 = s[(t - 15) * LANES + lane], s[(t - 2) * LANES + lane]
            sigma_0 = _turn(w_15, 7) ^ _turn(w_15, 18) ^ np.uint32(w_15 >> np.uint32(3))
            sigma_1 = _turn(w_2, 17) ^ _turn(w_2, 19) ^ np.uint32(w_2 >> np.uint32(10))
            s[t * LANES + lane] = np.uint32(sigma_1 + s[(t - 7) * LANES + lane] + sigma_0 + s[(t - 16) * LANES + lane])


@kernel
def _compress(s: NDArray[np.uint32]) -> None:
    """FIPS 180-4, section 6.2.2, steps 2 and 3."""
    for i in range(4):
        for lane in range(LANES):
            s[(_A + i) * LANES + lane] = _START[3 - i]
            s[(_E + i) * LANES + lane] = _START[7 - i]
    for t in range(_ROUNDS):
        for lane in range(LANES):
            a, b = s[(_A + t + 3) * LANES + lane], s[(_A + t + 2) * LANES + lane]
            c, d = s[(_A + t + 1) * LANES + lane], s[(_A + t) * LANES + lane]
            e, f = s[(_E + t + 3) * LANES + lane], s[(_E + t + 2) * LANES + lane]
            g, h = s[(_E + t + 1) * LANES + lane], s[(_E + t) * LANES + lane]
            choice, majority = g ^ (e & (f ^ g)), (a & b) | (c & (a | b))
            sum_0 = _turn(a, 2) ^ _turn(a, 13) ^ _turn(a, 22)
            sum_1 = _turn(e, 6) ^ _turn(e, 11) ^ _turn(e, 25)
            t_1 = np.uint32(h + sum_1 + choice + _K[t] + s[(_W + t) * LANES + lane])
            s[(_A + t + 4) * LANES + lane] = np.uint32(t_1 + sum_0 + majority)
            s[(_E + t + 4) * LANES + lane] = np.uint32(d + t_1)


@kernel
def _hash_numbers(
    numbers: NDArray[np.uint32], block: NDArray[np.uint32], salt_bytes: int, out: NDArray[np.uint32]
) -> None:
    """Hash ``numbers`` (n,) into ``out`` (n, 8); ``block`` (16,) is the padded block with zeros for the digits.

    Of the eight working variables only ``a`` and ``e`` are new in a round; the others are those of up to three rounds
    before. So one array ``s`` holds the successive ``a``, the successive ``e`` and the message schedule, LANES wide,
    and every index of a round is a fixed distance away: the compiler sees that stores do not overlap loads.
    """
    n = numbers.shape[0]
    s = np.empty(_ROWS * LANES, dtype=np.uint32)
    rest = np.empty(LANES, dtype=np.uint32)
    for start in range(0, n, LANES):
        count = min(LANES, n - start)
        for lane in range(LANES):
            rest[lane] = numbers[start + min(lane, count - 1)]
            for word in range(16):
                s[(_W + word) * LANES + lane] = block[word]
        _write_digits(s, rest, salt_bytes)
        _expand(s)
        _compress(s)
        for lane in range(count):
            for i in range(4):
                out[start + lane, i] = _START[i] + s[(_A + _ROUNDS + 3 - i) * LANES + lane]
                out[start + lane, 4 + i] = _START[4 + i] + s[(_E + _ROUNDS + 3 - i) * LANES + lane]


def sha256_numbers(numbers: NDArray[np.uint32], salt: bytes = b"") -> NDArray[np.uint32]:
    """Hash the salt and the nine digits of every number.

    Args:
        numbers: (n,) numbers below 10^9.
        salt: at most 46 bytes that stand before the digits.

    Returns:
        (n, 8) words; row i as big-endian bytes equals ``hashlib.sha256(salt + b"%09d" % numbers[i])``.

    Raises:
        ValueError: the salt is too long or the numbers are of another type.
    """
    if len(salt) > MAX_SALT_BYTES:
        raise ValueError(f"a salt has at most {MAX_SALT_BYTES} bytes")
    if numbers.dtype != np.uint32 or numbers.ndim != 1:
        raise ValueError("numbers must be (n,) uint32")
    length = len(salt) + DIGITS
    padded = salt + bytes(DIGITS) + b"\x80" + bytes(64 - 8 - 1 - length) + (8 * length).to_bytes(8, "big")
    block = np.frombuffer(padded, dtype=">u4").astype(np.uint32)
    out = np.empty((len(numbers), WORDS), dtype=np.uint32)
    _hash_numbers(numbers, block, len(salt), out)
    return out
