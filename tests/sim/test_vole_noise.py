"""Is A pseudorandom? Attacks on the noise itself, on the code as it is and on variants that are known to be weak."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.code_attack import ELEMENT_BITS, BinaryForm, bits_of, rank_left_over, rank_of

from psi_match.base.randomness import SeededRandomness
from psi_match.crypto import expand_convolute
from psi_match.crypto.expand_convolute import compress
from psi_match.protocols import vole

SEED = b"noise".ljust(16, b".")


def _binary_code(patch: pytest.MonkeyPatch) -> None:
    """Take the factor x out of the convolutions: every bit of the elements is then a word of one binary code."""

    def convolve(vector: np.ndarray, start: int, coefficients: np.ndarray) -> None:
        for i, bits in enumerate(coefficients):
            row = start + i
            for back in range(1, min(row, 24) + 1):
                if int(bits) >> (back - 1) & 1:
                    vector[row] ^= vector[row - back]
            if row > 24:
                vector[row] ^= vector[row - 25]

    patch.setattr(expand_convolute, "_convolve", convolve)


def _sparse(size: int, noise: int) -> np.ndarray:
    """One random element at a random place in each block, as a receiver draws them."""
    random = np.random.default_rng(noise)
    out = np.zeros((2 * size, 2), dtype=np.uint64)
    block = 2 * size // noise
    out[np.arange(noise) * block + random.integers(0, block, noise)] = random.integers(0, 2**64, (noise, 2), np.uint64)
    return out


def _binary_columns(size: int) -> np.ndarray:
    """What a *binary* code does to each place, bit by bit."""
    places = 2 * size
    unit = np.zeros((places, 2 * -(-places // ELEMENT_BITS)), dtype=np.uint64)
    unit[np.arange(places), np.arange(places) // 64] = np.uint64(1) << (np.arange(places) % 64).astype(np.uint64)
    return bits_of(compress(SEED, unit))[:, :places]


def _half(size: int, columns: int) -> np.ndarray:
    """As many random columns as elimination can cancel, with 64 rows to spare beyond the 128 that must show."""
    return np.sort(np.random.default_rng(1).choice(columns, size - ELEMENT_BITS - 64, replace=False))


def test_elimination_finds_the_noise_of_a_binary_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The attack that broke the first version of this engine: what follows does not hold for want of an attack."""
    _binary_code(monkeypatch)
    size = 1040
    code = _binary_columns(size)
    assert rank_left_over(code, bits_of(compress(SEED, _sparse(size, 130))), _half(size, 2 * size)) < 100
    # With as much noise as is shipped even a binary code holds, but for probability 2^-132.
    size = 1120
    code = _binary_columns(size)
    syndromes = bits_of(compress(SEED, _sparse(size, vole.NOISE)))
    assert rank_left_over(code, syndromes, _half(size, 2 * size)) == ELEMENT_BITS


def test_the_factor_alone_does_not_hide_the_noise() -> None:
    """The same attack on our code, in the form in which it is binary: it succeeds on little noise, and not on ours."""
    size = 840
    form = BinaryForm(SEED, size)
    few = _sparse(size, 40)
    left = int(few[:size].any(axis=1).sum())
    assert rank_of(bits_of(compress(SEED, few.copy()))) == ELEMENT_BITS, "A itself shows nothing"
    assert rank_of(form.syndromes(compress(SEED, few.copy()))) == 3 * left + (40 - left) == 80
    # 60 places count for 120: beyond that columns must be cancelled, and of 560 places far too many are left over.
    assert rank_of(form.syndromes(compress(SEED, _sparse(size, 60)))) <= 120
    ours = form.syndromes(compress(SEED, _sparse(size, vole.NOISE)))
    assert rank_left_over(form.columns, ours, _half(size, 4 * size)) == ELEMENT_BITS


def test_what_elimination_leaves_over_of_the_shipped_noise() -> None:
    """Cancelling n of the 4n columns of the degree-2 form: a place on the left counts three times, and needs three."""

    def log2_of_at_most(limit: int, weight: int, places: int, chance: float) -> float:
        few = range(limit // weight + 1)
        total = sum(math.comb(places, k) * chance**k * (1 - chance) ** (places - k) for k in few)
        return math.log2(total) if total else -math.inf

    half = vole.NOISE // 2
    # All on the right, all on the left, and in between: the side with less cancelled must be below 128 by itself.
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        right = log2_of_at_most(ELEMENT_BITS, 1, half, max(1 - share, 1e-12))
        left = log2_of_at_most(ELEMENT_BITS, 3, half, 1 - (1 - share) / 3)
        assert min(right, left) < -128


def test_the_noise_is_as_strong_as_the_page_says() -> None:
    t = vole.NOISE
    assert t * -math.log2(1 - 0.15) > 128
    fewer_than_128 = sum(math.comb(t, k) for k in range(ELEMENT_BITS))
    assert math.log2(fewer_than_128) - t < -128
    # Trying places that happen to be free of noise, at rate 1/2.
    assert t > 128


@pytest.mark.parametrize("size", [64, 128, 256])
def test_the_code_has_no_sums_lighter_than_a_random_code_has(size: int) -> None:
    """Search for light sums of few rows, over the field: a weight is the number of places that a test looks at."""
    rows = np.zeros((size, 2 * size), dtype=object)
    for place in range(2 * size):
        unit = np.zeros((2 * size, 2), dtype=np.uint64)
        unit[place, 0] = 1
        image = compress(SEED, unit)
        rows[:, place] = [int(low) | int(high) << 64 for low, high in image]
    random = SeededRandomness(b"light")
    lightest = 2 * size
    for _ in range(400):
        picked = {int.from_bytes(random.bytes(4), "big") % size for _ in range(1 + random.bytes(1)[0] % 4)}
        total = np.zeros(2 * size, dtype=object)
        for row in picked:
            total ^= rows[row]
        lightest = min(lightest, int(np.count_nonzero(total)))
    # The systematic half alone gives one place per row; a row that is light beyond that would be a weak test. Rows of
    # the expander that begin late in the vector are the lightest; 0.15 is what the parameters assume.
    assert lightest > 0.15 * 2 * size
