"""The key-value store: what was encoded decodes, sizes tell the capacity only, and cores are solved."""

from __future__ import annotations

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from psi_match.base.errors import OkvsFailure
from psi_match.base.randomness import SeededRandomness
from psi_match.crypto import okvs
from psi_match.crypto.okvs_size import DENSE, slots, sparse_slots

SEED = bytes(range(16))


def drawn(count: int, words: int, seed: int = 1) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, 256, (count, 16), dtype=np.uint8)
    return keys, rng.integers(0, 1 << 64, (count, words), dtype=np.uint64)


def by_definition(table: NDArray[np.uint64], key: bytes, capacity: int) -> NDArray[np.uint64]:
    """A key's value from the definition alone: three distinct slots by AES, dense slots by the key's first 64 bits."""
    block = Cipher(AES(SEED), ECB()).encryptor().update(key)
    words = [int.from_bytes(block[4 * i : 4 * i + 4], "little") for i in range(3)]
    free = list(range(sparse_slots(capacity)))
    value = np.zeros(table.shape[1], dtype=np.uint64)
    for word in words:
        value ^= table[free.pop(word * len(free) >> 32)]
    for bit in range(DENSE):
        if int.from_bytes(key[:8], "little") >> bit & 1:
            value ^= table[len(table) - DENSE + bit]
    return value


@settings(max_examples=25, deadline=None)
@given(
    count=st.sampled_from([0, 1, 2, 3, 10, 64, 300, 1000]),
    room=st.integers(0, 50),
    words=st.integers(1, 3),
    seed=st.integers(0, 2**32),
)
def test_what_was_encoded_decodes(count: int, room: int, words: int, seed: int) -> None:
    keys, values = drawn(count, words, seed)
    table = okvs.encode(SEED, keys, values, count + room, SeededRandomness(seed.to_bytes(8, "big")))
    assert table.shape == (slots(count + room), words)
    assert np.array_equal(okvs.decode(SEED, table, keys, count + room), values)
    for key, value in list(zip(keys, values, strict=True))[:10]:
        assert np.array_equal(by_definition(table, key.tobytes(), count + room), value)


@pytest.mark.parametrize("count", [4097, 80_000])
def test_large_stores_decode(count: int) -> None:
    keys, values = drawn(count, 2)
    table = okvs.encode(SEED, keys, values, count, SeededRandomness(b"large"))
    assert np.array_equal(okvs.decode(SEED, table, keys, count), values)


def test_the_size_depends_on_the_capacity_only_and_grows_with_it() -> None:
    sizes = [slots(capacity) for capacity in (0, 1, 64, 65, 300, 5_000, 80_000, 1_000_000)]
    assert sizes == sorted(sizes)
    keys, values = drawn(200, 1)
    tables = [okvs.encode(SEED, keys[:n], values[:n], 200, SeededRandomness(b"x")) for n in (0, 1, 200)]
    assert {len(table) for table in tables} == {slots(200)}


def test_free_slots_are_random_and_a_foreign_key_gets_something_unrelated() -> None:
    keys, values = drawn(300, 1)
    one, other = (okvs.encode(SEED, keys, values, 300, SeededRandomness(seed)) for seed in (b"a", b"b"))
    assert not np.array_equal(one, other)
    foreign, _ = drawn(1000, 1, seed=2)
    found = okvs.decode(SEED, one, foreign, 300)
    assert not np.isin(found, values).any()
    assert len(np.unique(found)) == 1000


def test_a_table_of_uniform_values_is_uniform_whatever_the_keys() -> None:
    keys, values = drawn(20_000, 1)
    table = okvs.encode(SEED, keys, values, 20_000, SeededRandomness(b"u"))
    ones = np.unpackbits(table.view(np.uint8)).mean()
    # Over 1.6 million bits the mean of uniform ones is within 0.003 of a half but for probability 2^-40.
    assert abs(ones - 0.5) < 0.003


def test_a_key_twice_fails_with_two_values_and_passes_with_one() -> None:
    keys, values = drawn(100, 1)
    keys[7] = keys[3]
    with pytest.raises(OkvsFailure, match="no solution"):
        okvs.encode(SEED, keys, values, 100, SeededRandomness(b"d"))


def core(size: int, seed: int = 3) -> tuple[NDArray[np.uint32], NDArray[np.uint64], NDArray[np.uint64]]:
    """Keys that all use the same three sparse slots: nothing can be peeled, only the dense slots tell them apart."""
    rng = np.random.default_rng(seed)
    positions = np.tile(np.array([0, 1, 2], dtype=np.uint32), (size, 1))
    return positions, rng.integers(0, 1 << 64, size, dtype=np.uint64), rng.integers(0, 1 << 64, (size, 2), np.uint64)


@pytest.mark.parametrize("size", [2, 3, 20, 45])
def test_a_core_is_solved_by_the_dense_slots(size: int) -> None:
    positions, dense, values = core(size)
    table = np.random.default_rng(4).integers(0, 1 << 64, (96 + DENSE, 2), dtype=np.uint64)
    okvs._solve(positions, dense, values, table)
    for i in range(size):
        total = table[0] ^ table[1] ^ table[2]
        for bit in range(DENSE):
            if int(dense[i]) >> bit & 1:
                total = total ^ table[96 + bit]
        assert np.array_equal(total, values[i])


def test_a_core_beyond_the_dense_slots_fails() -> None:
    positions, dense, values = core(DENSE + 2)
    table = np.zeros((96 + DENSE, 2), dtype=np.uint64)
    with pytest.raises(OkvsFailure):
        okvs._solve(positions, dense, values, table)


def test_wrong_shapes_are_refused() -> None:
    keys, values = drawn(10, 1)
    table = okvs.encode(SEED, keys, values, 10, SeededRandomness(b"w"))
    for wrong in (keys[:, :8], keys.astype(np.uint16), keys[::2][:, ::-1]):
        with pytest.raises(ValueError, match="keys"):
            okvs.decode(SEED, table, wrong, 10)
    with pytest.raises(ValueError, match="capacity"):
        okvs.encode(SEED, keys, values, 9, SeededRandomness(b"w"))
    with pytest.raises(ValueError, match="another size"):
        okvs.decode(SEED, table[1:], keys, 10)
