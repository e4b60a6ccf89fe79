"""Field, code, trees and extension below the engine ``vole``, each against an oracle of plain Python."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psi_match.base.randomness import SeededRandomness
from psi_match.crypto import gf128
from psi_match.crypto.aes import KeyStreams
from psi_match.crypto.expand_convolute import WEIGHT, compress
from psi_match.crypto.puncturable import Generator, depth
from psi_match.protocols import ot_extension

ELEMENTS = st.integers(0, 2**128 - 1)
SEED = bytes(range(16))
KNOWN_ANSWER = "dfda1c8e54e71353a148d4b50afa288a0df5b16787cf77447da207dc83502989"


def _row(element: int) -> np.ndarray:
    return np.frombuffer(element.to_bytes(16, "little"), dtype="<u8")


def _element(row: np.ndarray) -> int:
    return int.from_bytes(np.ascontiguousarray(row).astype("<u8").tobytes(), "little")


def _product(left: int, right: int) -> int:
    """Schoolbook multiplication and long division by x^128 + x^7 + x^2 + x + 1."""
    product = 0
    for bit in range(128):
        product ^= (left << bit) * (right >> bit & 1)
    for bit in range(254, 127, -1):
        if product >> bit & 1:
            product ^= ((1 << 128) | 0x87) << (bit - 128)
    return product


@settings(max_examples=100, deadline=None)
@given(ELEMENTS, st.lists(ELEMENTS, min_size=1, max_size=5), ELEMENTS)
def test_products_equal_schoolbook_multiplication(factor: int, elements: list[int], added: int) -> None:
    rows = np.array([_row(element) for element in elements])
    out = np.array([_row(added) for _ in elements])
    gf128.add_products(gf128.multiples(_row(factor)), rows, out)
    assert [_element(row) for row in out] == [_product(factor, element) ^ added for element in elements]


def test_products_at_the_edges_of_the_field() -> None:
    for factor in (0, 1, 2, 1 << 127, 2**128 - 1):
        for element in (0, 1, 1 << 63, 1 << 64, 1 << 127, 2**128 - 1):
            out = np.zeros((1, 2), dtype=np.uint64)
            gf128.add_products(gf128.multiples(_row(factor)), _row(element)[None], out)
            assert _element(out[0]) == _product(factor, element)
    # x^128 = x^7 + x^2 + x + 1, by the definition of the field.
    assert gf128.doubled(1 << 127) == 0b10000111


@given(ELEMENTS)
def test_doubling_is_multiplication_by_x(element: int) -> None:
    assert gf128.doubled(element) == _product(2, element)
    assert _element(gf128.doubled_rows(_row(element)[None])[0]) == _product(2, element)


def _compressed(seed: bytes, vector: list[int]) -> list[int]:
    """The code by its definition (weight 21, 11 of it regular, windows of 24), from the same public streams."""

    def key(part: str) -> bytes:
        fields = (b"expand-convolute/" + part.encode(), seed)
        digest = hashlib.blake2s(person=b"psimatch")
        digest.update(b"".join(len(field).to_bytes(8, "big") + field for field in fields))
        return digest.digest()[:16]

    size = len(vector) // 2
    left, right = vector[:size], vector[size:]
    for turn in range(2):
        bits = KeyStreams([key(f"convolution-{turn}")]).read(4 * size).view("<u4")[0]
        for row in range(size):
            total = _product(2, right[row] ^ (right[row - 25] if row >= 25 else 0))
            for back in range(1, 25):
                if back <= row and int(bits[row]) >> (back - 1) & 1:
                    total ^= right[row - back]
            right[row] = total
    words = KeyStreams([key("expander")]).read(4 * 21 * size).view("<u4").reshape(size, 21)
    for row in range(size):
        for k in range(21):
            word = int(words[row, k])
            left[row] ^= right[k * (size // 11) + (word * (size // 11) >> 32) if k < 11 else word * size >> 32]
    return left


@pytest.mark.parametrize("size", [WEIGHT, 100, 777])
@pytest.mark.parametrize("elements", [1, 2])
def test_the_code_is_what_its_definition_says(size: int, elements: int) -> None:
    words = np.random.default_rng(size).integers(0, 2**64, (2 * size, 2 * elements), dtype=np.uint64)
    expected = [_compressed(SEED, [_element(row) for row in words[:, 2 * at : 2 * at + 2]]) for at in range(elements)]
    found = compress(SEED, words.copy())
    assert found.shape == (size, 2 * elements)
    for at in range(elements):
        assert [_element(row) for row in found[:, 2 * at : 2 * at + 2]] == expected[at]


def test_the_code_is_linear_over_the_field_and_not_binary() -> None:
    """C = A * D + B needs products with D to pass through; a *binary* map would let the bits of words pass singly."""
    random = np.random.default_rng(3)
    vector = random.integers(0, 2**64, (400, 2), dtype=np.uint64)
    factor = gf128.multiples(random.integers(0, 2**64, 2, dtype=np.uint64))
    before, after = np.zeros_like(vector), np.zeros((200, 2), dtype=np.uint64)
    gf128.add_products(factor, vector, before)
    gf128.add_products(factor, compress(SEED, vector.copy()), after)
    assert np.array_equal(compress(SEED, before), after)
    low_bits = compress(SEED, vector & np.uint64(1))
    assert not np.array_equal(low_bits, compress(SEED, vector.copy()) & np.uint64(1))


def test_a_known_answer_of_the_code() -> None:
    """A fingerprint of this project's code, not a proof: whoever changes it must see that both ends have to change."""
    vector = np.arange(2 * 1000 * 2, dtype=np.uint64).reshape(2000, 2)
    assert hashlib.sha256(compress(SEED, vector).tobytes()).hexdigest() == KNOWN_ANSWER


def test_the_code_is_linear_and_its_blocks_make_no_difference() -> None:
    size = (1 << 14) + 321  # two blocks of the streams
    random = np.random.default_rng(1)
    one, other = (random.integers(0, 2**64, (2 * size, 2), dtype=np.uint64) for _ in range(2))
    assert np.array_equal(compress(SEED, one ^ other), compress(SEED, one.copy()) ^ compress(SEED, other.copy()))
    words = [_element(row) for row in one]
    assert [_element(row) for row in compress(SEED, one)] == _compressed(SEED, words)


def test_another_seed_names_another_code() -> None:
    vector = np.random.default_rng(2).integers(0, 2**64, (200, 2), dtype=np.uint64)
    assert not np.array_equal(compress(SEED, vector.copy()), compress(bytes(16), vector.copy()))


@pytest.mark.parametrize("shape", [(41, 2), (2 * WEIGHT - 2, 2), (100, 3)])
def test_a_vector_that_the_code_cannot_take_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even number of rows"):
        compress(SEED, np.zeros(shape, dtype=np.uint64))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 70), st.data())
def test_a_punctured_tree_has_every_leaf_but_one(leaves: int, data: st.DataObject) -> None:
    generator = Generator((b"a" * 16, b"b" * 16))
    paths = np.array(data.draw(st.lists(st.integers(0, leaves - 1), min_size=3, max_size=3)), dtype=np.int64)
    roots = np.frombuffer(SeededRandomness(b"roots").bytes(48), dtype="<u8").reshape(3, 2)
    whole, sums = generator.grow(roots, leaves)
    assert whole.shape == (3, leaves, 2)
    levels = depth(leaves)
    complete, same = generator.grow(roots, 1 << levels)
    assert np.array_equal(complete[:, :leaves], whole)
    assert np.array_equal(same, sums)
    assert np.array_equal(sums[:, -1, 0] ^ sums[:, -1, 1], np.bitwise_xor.reduce(complete, axis=1))
    away = 1 - ((paths[:, None] >> np.arange(levels - 1, -1, -1)) & 1)
    chosen = sums[np.arange(3)[:, None], np.arange(levels), away]
    punctured, total = generator.grow_punctured(paths, chosen, leaves)
    assert not punctured[np.arange(3), paths].any()
    complete[np.arange(3), paths] = 0
    assert np.array_equal(total, np.bitwise_xor.reduce(complete, axis=1))
    whole[np.arange(3), paths] = 0
    assert np.array_equal(punctured, whole)


@pytest.mark.parametrize("leaves", [*range(2, 18), 31, 32, 33])
def test_every_vector_of_choices_leaves_one_leaf_unknown_and_that_is_in_the_total(leaves: int) -> None:
    """Whatever sides somebody chooses, also those of a path to a leaf that is not used."""
    generator, levels = Generator((b"a" * 16, b"b" * 16)), depth(leaves)
    roots = np.frombuffer(SeededRandomness(b"roots").bytes(16), dtype="<u8").reshape(1, 2)
    complete, _ = generator.grow(roots, 1 << levels)
    _, sums = generator.grow(roots, leaves)
    total = sums[0, -1, 0] ^ sums[0, -1, 1]
    for path in range(1 << levels):
        nodes, unknown = np.zeros((1, 1, 2), dtype=np.uint64), [0]
        for level in range(levels):
            side = 1 - (path >> levels - 1 - level & 1)
            nodes, _ = generator.children(nodes)
            unknown = [child for node in unknown for child in (2 * node, 2 * node + 1)]
            nodes[0, unknown] = 0
            (learned,) = [child for child in unknown if child % 2 == side]
            nodes[0, learned] = sums[0, level, side] ^ np.bitwise_xor.reduce(nodes[0, side::2], axis=0)
            unknown.remove(learned)
        assert unknown == [path]
        known = np.bitwise_xor.reduce(nodes[0], axis=0)
        assert np.array_equal(total ^ known, complete[0, path])


def test_a_tree_is_as_deep_as_its_leaves_need() -> None:
    assert [depth(leaves) for leaves in (2, 3, 4, 5, 2048, 2049)] == [1, 2, 2, 3, 11, 12]


@pytest.mark.parametrize("counts", [[1], [64], [65, 3], [2816, 2816]])
def test_extension_gives_the_chosen_keys_and_hides_the_others(counts: list[int]) -> None:
    rng = SeededRandomness(b"extension")
    pairs = [(rng.bytes(16), rng.bytes(16)) for _ in range(ot_extension.COLUMNS)]
    secret = [bit % 2 for bit in rng.bytes(ot_extension.COLUMNS)]
    receiver = ot_extension.Receiver(pairs, 7)
    sender = ot_extension.Sender([pair[bit] for pair, bit in zip(pairs, secret, strict=True)], secret, 7)
    seen: set[bytes] = set()
    for count in counts:
        choices = np.frombuffer(rng.bytes(count), dtype=np.uint8) & 1
        message, keys = receiver.extend(choices, rng)
        assert message.rows.shape == ot_extension.message_shape(count)
        both = sender.extend(count, message)
        assert np.array_equal(ot_extension.plaintext_keys(both, choices), keys)
        assert not (ot_extension.plaintext_keys(both, 1 - choices) == keys).all(axis=1).any()
        seen |= {row.tobytes() for row in both.reshape(-1, 2)}
    assert len(seen) == 2 * sum(counts), "no key comes twice, also not in a later call"
