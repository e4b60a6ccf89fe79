"""The compiled kernels against other implementations of the same thing."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sets import numbers

from psi_match.base.errors import CuckooFailure
from psi_match.base.randomness import SeededRandomness
from psi_match.crypto import aes, bit_matrix, blake2s, cuckoo, items, shuffling


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 70), st.binary(min_size=8, max_size=8), st.integers(0, 2**32))
def test_blake2s_equals_hashlib(rows: int, person: bytes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = rng.integers(0, 256, (rows, 56), dtype=np.uint8)
    bins = rng.integers(0, 2**64, rows, dtype=np.uint64)
    hashed = blake2s.blake2s_rows(content, bins, person)
    expected = [
        hashlib.blake2s(row.tobytes() + int(number).to_bytes(8, "little"), person=person).digest()
        for row, number in zip(content, bins, strict=True)
    ]
    assert [row.tobytes() for row in hashed] == expected


def test_blake2s_refuses_other_shapes() -> None:
    bins = np.zeros(3, dtype=np.uint64)
    good = np.zeros((3, 56), dtype=np.uint8)
    for rows, number, person in (
        (np.zeros((3, 57), dtype=np.uint8), bins, b"12345678"),
        (np.zeros((56, 3), dtype=np.uint8).T, bins, b"12345678"),
        (good, bins[:2], b"12345678"),
        (good, bins.astype(np.int64), b"12345678"),
        (good, bins, b"1234567"),
    ):
        with pytest.raises(ValueError, match="must be"):
            blake2s.blake2s_rows(rows, number, person)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 8), st.integers(0, 5), st.integers(0, 2**32))
def test_transposition_equals_numpy(width: int, blocks: int, seed: int) -> None:
    columns = np.random.default_rng(seed).integers(0, 256, (64 * width, 8 * blocks), dtype=np.uint8)
    bits = np.unpackbits(columns, axis=1, bitorder="little")
    rows = bit_matrix.transpose_columns(columns)
    assert rows.shape == (64 * blocks, 8 * width)
    assert np.array_equal(np.unpackbits(rows, axis=1, bitorder="little"), bits.T)


def test_transposition_refuses_ragged_blocks() -> None:
    with pytest.raises(ValueError, match="multiples of 64"):
        bit_matrix.transpose_columns(np.zeros((63, 8), dtype=np.uint8))
    with pytest.raises(ValueError, match="multiples of 64"):
        bit_matrix.transpose_columns(np.zeros((64, 9), dtype=np.uint8))


def test_key_streams_are_aes_ctr_read_in_any_pieces() -> None:
    keys = [bytes([index]) * 16 for index in range(5)]
    streams = aes.KeyStreams(keys)
    pieces = [streams.read(count) for count in (8, 40, 16, 1000)]
    read = np.concatenate(pieces, axis=1)
    for key, row in zip(keys, read, strict=True):
        whole = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(1064))
        assert row.tobytes() == whole


def test_encrypt_blocks_equals_single_block_encryption() -> None:
    key, blocks = bytes(range(16)), np.random.default_rng(1).integers(0, 256, (33, 16), dtype=np.uint8)
    encrypted = aes.encrypt_blocks(key, blocks)
    for plain, cipher in zip(blocks, encrypted, strict=True):
        assert Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(plain.tobytes()) == cipher.tobytes()
    assert aes.encrypt_blocks(key, blocks[:0]).shape == (0, 16)


def test_items_are_tag_digits_index() -> None:
    encoded = items.encode_items(np.array([7, 123456782, 999999999], dtype=np.uint32), 2)
    assert [row.tobytes() for row in encoded] == [
        b"BSN/1:000000007\x02",
        b"BSN/1:123456782\x02",
        b"BSN/1:999999999\x02",
    ]
    each = items.encode_items(np.array([1, 1], dtype=np.uint32), np.array([0, 1], dtype=np.uint8))
    assert each[0].tobytes() != each[1].tobytes()


@pytest.mark.parametrize("bins", [3, 4, 352, 20_808, 1 << 31])
def test_bins_are_distinct_in_range_and_follow_the_formula(bins: int) -> None:
    key, people = bytes(range(16)), numbers(2000)
    places = items.item_bins(key, people, bins)
    assert places.max() < bins
    ordered = np.sort(places, axis=1)
    assert (ordered[:, 0] < ordered[:, 1]).all()
    assert (ordered[:, 1] < ordered[:, 2]).all()
    for number, found in zip(people[:200].tolist(), places[:200].tolist(), strict=True):
        block = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(b"BSN/1:%09d\xff" % number)
        low, high = int.from_bytes(block[:8], "little"), int.from_bytes(block[8:], "little")
        rest = (low >> 40) | ((high >> 40) & 0xFFFF) << 24
        free = list(range(bins)) if bins < 1000 else None
        expected = []
        for order, piece in enumerate((low % 2**40, high % 2**40, rest)):
            choice = piece * (bins - order) >> 40
            if free is not None:
                expected.append(free.pop(choice))
            else:
                for taken in sorted(expected):
                    choice += choice >= taken
                expected.append(choice)
        assert found == expected


def test_bins_out_of_range_are_refused() -> None:
    for bins in (0, 2, (1 << 31) + 1):
        with pytest.raises(ValueError, match="out of range"):
            items.item_bins(bytes(16), numbers(1), bins)


def test_bins_are_spread_evenly() -> None:
    counts = np.bincount(items.item_bins(bytes(16), numbers(200_000), 100).ravel(), minlength=100)
    expected = 6000
    chi_squared = float(((counts - expected) ** 2 / expected).sum())
    assert chi_squared < 200, "99 degrees of freedom: about 99, above 200 with probability below 1e-8"


@pytest.mark.parametrize(("rows", "bins"), [(0, 352), (1, 352), (256, 436), (20_000, 25_400)])
def test_cuckoo_places_every_row_in_one_of_its_bins(rows: int, bins: int) -> None:
    places = items.item_bins(bytes(16), numbers(rows), bins)
    table = cuckoo.insert_all(places, bins)
    used = np.flatnonzero(table != cuckoo.EMPTY)
    assert sorted(table[used].tolist()) == list(range(rows))
    assert (places[table[used]] == used[:, None]).any(axis=1).all()


def _matching_exists(places: np.ndarray, bins: int) -> bool:
    """Kuhn's algorithm, in plain Python: the oracle for whether a placement exists."""
    owner: dict[int, int] = {}

    def place(row: int, seen: set[int]) -> bool:
        for candidate in places[row].tolist():
            if candidate not in seen:
                seen.add(candidate)
                if candidate not in owner or place(owner[candidate], seen):
                    owner[candidate] = row
                    return True
        return False

    return all(place(row, set()) for row in range(len(places))) and len(owner) <= bins


def test_cuckoo_fails_exactly_where_no_placement_exists() -> None:
    outcomes = []
    for seed in range(300):
        rows = 20
        places = items.item_bins(seed.to_bytes(16, "big"), numbers(rows, seed), 22)
        exists = _matching_exists(places, 22)
        try:
            table = cuckoo.insert_all(places, 22)
        except CuckooFailure:
            outcomes.append(False)
            assert not exists
            continue
        outcomes.append(True)
        assert exists
        used = np.flatnonzero(table != cuckoo.EMPTY)
        assert sorted(table[used].tolist()) == list(range(rows))
    assert {True, False} == set(outcomes), "the sizes must be tight enough for both outcomes"


def test_shuffle_keeps_the_rows_and_is_uniform() -> None:
    rows = np.arange(300, dtype=np.uint16).view(np.uint8).reshape(300, 2).copy()
    shuffling.shuffle_rows(rows, SeededRandomness(b"one"))
    assert sorted(rows.view(np.uint16)[:, 0].tolist()) == list(range(300))
    assert rows.view(np.uint16)[:, 0].tolist() != list(range(300))
    counts = np.zeros(24)
    for seed in range(4800):
        four = np.arange(4, dtype=np.uint8).reshape(4, 1)
        shuffling.shuffle_rows(four, SeededRandomness(seed.to_bytes(4, "big")))
        a, b, c, _ = four[:, 0].tolist()
        counts[a * 6 + (b - (b > a)) * 2 + (c - (c > a) - (c > b))] += 1
    chi_squared = float(((counts - 200) ** 2 / 200).sum())
    assert counts.min() > 0, "an order never came up"
    assert chi_squared < 80, "23 degrees of freedom: above 80 with probability below 1e-7"


def test_shuffle_of_nothing_and_of_one_row() -> None:
    for count in (0, 1):
        rows = np.full((count, 3), 7, dtype=np.uint8)
        shuffling.shuffle_rows(rows, SeededRandomness(b""))
        assert (rows == 7).all()


def test_shuffle_crosses_its_block_boundary() -> None:
    rows = np.arange(70_000, dtype=np.uint32).view(np.uint8).reshape(-1, 4).copy()
    shuffling.shuffle_rows(rows, SeededRandomness(b"large"))
    order = rows.view(np.uint32)[:, 0]
    assert np.array_equal(np.sort(order), np.arange(70_000))
    assert abs(np.corrcoef(order, np.arange(70_000))[0, 1]) < 0.03
