"""Leaders that break the protocol of vector OLE.

One makes a choice of a tree contradict its place: with cut trees it gets D, with complete ones nothing. It asks, at
one level, for the sum on the side where its own path goes. In a tree that was cut to its leaves the last node of a
level may have no sibling; then it gets that node, with it all leaves, and from their total c - b, which is beta * D.
With D it reads the data party's whole set. No check of the choices would notice: they are well formed.

The other makes its products contradict each other. Nothing stops it, and it reads the whole set.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray
from support.protocol import intersect, terms_for
from support.sets import two_sets

from psi_match.base.randomness import RandomSource, SystemRandomness
from psi_match.crypto import okvs
from psi_match.crypto.aes import KeyStreams
from psi_match.crypto.expand_convolute import compress
from psi_match.crypto.gf128 import DEGREE, MODULUS, WORDS, add_products, multiples
from psi_match.crypto.okvs_size import slots
from psi_match.crypto.puncturable import Generator, depth
from psi_match.protocols import base_ot, ot_extension, psi, vole, vole_psi
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.effects import Role, recv, send
from psi_match.protocols.sizes import chunks
from psi_match.sim.simulator import simulate

Array = NDArray[np.uint64]
LEVELS = 4


def _cut_grow(self: Generator, roots: Array, leaves: int) -> tuple[Array, Array]:
    """Trees whose levels hold only what leads to the wanted leaves, in the sums too: without the precaution."""
    nodes, sums = roots[:, None], []
    for level in range(1, depth(leaves) + 1):
        nodes, _ = self.children(nodes)
        nodes = np.ascontiguousarray(nodes[:, : -(-leaves >> depth(leaves) - level)])
        sums.append(np.stack([np.bitwise_xor.reduce(nodes[:, side::2], axis=1) for side in (0, 1)], axis=1))
    return nodes, np.stack(sums, axis=1)


def _known_leaves(generator: Generator, chosen: Array, sides: NDArray[np.int64], edge: int, leaves: int) -> Array:
    """Return the leaves that follow from the sums of the chosen sides of one tree, zero where unknown.

    Args:
        generator: of the batch.
        chosen: (levels, 2) the sum on the chosen side, per level.
        sides: (levels,) which side that is.
        edge: how many leaves enter the sums: all of a complete tree, or the wanted ones of a tree that is cut.
        leaves: the wanted ones.
    """
    nodes, unknown = np.zeros((1, 1, WORDS), dtype=np.uint64), {0}
    for level, side in enumerate(sides):
        nodes, _ = generator.children(nodes)
        nodes = np.ascontiguousarray(nodes[:, : -(-edge >> depth(leaves) - level - 1)])
        unknown = {child for node in unknown for child in (2 * node, 2 * node + 1) if child < nodes.shape[1]}
        nodes[0, sorted(unknown)] = 0
        one = [child for child in unknown if child % 2 == side]
        if len(one) == 1:
            nodes[0, one[0]] = chosen[level] ^ np.bitwise_xor.reduce(nodes[0, side::2], axis=0)
            unknown -= set(one)
    return nodes[0]


@pytest.mark.parametrize("level", range(LEVELS))
@pytest.mark.parametrize("cut", [True, False])
def test_one_contradicting_choice(level: int, cut: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found, scalars, sides = [], [], []
    real_plant, real_scalar = vole._plant, vole.scalar

    def draw(batch: vole.Batch, extension: ot_extension.Receiver, rng: RandomSource):  # noqa: ANN202
        words = np.frombuffer(rng.bytes(8 * vole.NOISE), dtype="<u8")
        alpha = np.array([int(word) * batch.leaves >> 64 for word in words], dtype=np.int64)
        alpha[0] = batch.leaves - 1
        away = 1 - ((alpha[:, None] >> np.arange(batch.levels - 1, -1, -1)) & 1)
        away[0, level] ^= 1
        sides[:] = [away[0].copy()]
        message, keys = extension.extend(away.reshape(-1).astype(np.uint8), rng)
        return message, vole._Drawn(alpha, keys.reshape(vole.NOISE, batch.levels, WORDS))

    def plant(batch, secrets, generator, sums, totals, beta, products):  # noqa: ANN001, ANN202
        assert batch.leaves == (1 << LEVELS) - 1, "one leaf is not used: the sibling of the last"
        both = np.ascontiguousarray(sums.rows).view("<u8").reshape(vole.NOISE, batch.levels, 2, WORDS)[0]
        chosen = both[np.arange(batch.levels), sides[0]] ^ secrets.keys[0]
        edge = batch.leaves if cut else 1 << batch.levels
        leaves = _known_leaves(generator, chosen, sides[0], edge, batch.leaves)
        total = np.ascontiguousarray(totals.rows).view("<u8")[0]
        # c - b, if all leaves of the total are known.
        guess = total ^ np.bitwise_xor.reduce(leaves, axis=0) ^ products[0]
        right = vole.plaintext_products(beta[:1], np.zeros((1, WORDS), dtype=np.uint64), scalars[0])[0]
        found.append(bool((guess == right).all()))
        return real_plant(batch, secrets, generator, sums, totals, beta, products)

    def scalar(choices: list[int]) -> Array:
        scalars.append(real_scalar(choices))
        return scalars[-1]

    monkeypatch.setattr(vole, "_draw", draw)
    monkeypatch.setattr(vole, "_plant", plant)
    monkeypatch.setattr(vole, "scalar", scalar)
    if cut:
        monkeypatch.setattr(Generator, "grow", _cut_grow)
    leader, data = two_sets(200, 200, 0)
    intersect("vole", leader, data, leader_rng=SystemRandomness(), data_rng=SystemRandomness())
    # At the last level the last leaf has no sibling; the other levels are complete in both variants.
    assert found == [cut and level == LEVELS - 1]


# Products that contradict each other: the limit of semi-honest security, kept as a test.

GROUPS, ROWS_A_GROUP, BITS = 8, 3, 16
OWN = GROUPS * ROWS_A_GROUP
FIRST_PLACE = 300
SPACE = 20_000
"""Stands for all BSNs."""


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        lowest = b & -b
        product, b = product ^ a << lowest.bit_length() - 1, b ^ lowest
    while product.bit_length() > DEGREE:
        product ^= MODULUS << product.bit_length() - DEGREE - 1
    return product


def _inverse(a: int) -> int:
    power, result = a, 1
    for _ in range(DEGREE - 1):
        power = _times(power, power)
        result = _times(result, power)
    return result


def _solved(matrix: list[list[int]]) -> list[list[int]]:
    """Return the right sides of a square system in GF(2^128), (rows, rows + right sides), once the left is the unit."""
    size = len(matrix)
    for column in range(size):
        pivot = next(row for row in range(column, size) if matrix[row][column])
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        factor = _inverse(matrix[column][column])
        matrix[column] = [_times(factor, entry) for entry in matrix[column]]
        for row in range(size):
            factor = matrix[row][column]
            if row != column and factor:
                matrix[row] = [x ^ _times(factor, y) for x, y in zip(matrix[row], matrix[column], strict=True)]
    return [row[size:] for row in matrix]


def _number(element: Array) -> int:
    return int.from_bytes(np.ascontiguousarray(element).tobytes(), "little")


def _element(number: int) -> Array:
    return np.frombuffer(number.to_bytes(16, "little"), dtype="<u8").copy()


class _Cheat:
    """A leader whose products add 16 bits of D, times a factor that it chose, to the value of each of its rows.

    It knows nobody in the data party's set. A row that is there gives its bits away: one guess of 2^16 is found among
    the values that were sent. With all bits it evaluates the function anywhere.
    """

    def __init__(self, terms: PairTerms, own: NDArray[np.uint32], rng: RandomSource) -> None:
        self.terms, self.own, self.rng = terms, own, rng
        self.items = vole_psi._Items(terms)
        self.code = vole._code(terms.sid, terms.instance, 0)
        self.slots = slots(terms.leader_size)

    def play(self) -> Role[NDArray[np.uint32]]:
        peer, sid, instance = self.terms.data_party, self.terms.sid, self.terms.instance
        label = base_ot.OtLabel(sid, instance)
        keys = yield from base_ot.send_keys(peer, label, self.rng, vole.BASE_TRANSFERS)
        receiver = vole.Receiver(peer, sid, instance, self.slots, keys, self.rng)
        (batch,) = receiver.plan
        choices, drawn = vole._draw(batch, receiver._extension, self.rng)
        places = np.arange(FIRST_PLACE, FIRST_PLACE + OWN)
        at = places * batch.leaves + drawn.alpha[places]
        factors = self._factors(batch, at)
        message, products = self._contradicting(keys, places, factors)
        yield from send(peer, message)
        yield from send(peer, choices)
        sums = yield from recv(peer, vole.LevelSums, (batch.transfers, 32))
        totals = yield from recv(peer, vole.BlockSums, (vole.NOISE, 16))
        generator = vole._generator(sid, instance, 0)
        nothing = np.zeros((vole.NOISE, WORDS), dtype=np.uint64)
        sparse = vole._plant(batch, drawn, generator, sums, totals, nothing, products)
        leaves = np.ascontiguousarray(sparse[:, WORDS:])
        c = compress(self.code, leaves.copy())[: self.slots]
        own_keys = self.items.keys(self.own)
        store = okvs.encode(
            self.items.store_seed, own_keys, self.items.targets(self.own), self.terms.leader_size, self.rng
        )
        for start, stop in chunks(self.slots, vole_psi._SLOTS_PER_FRAME):
            yield from send(peer, vole_psi.MaskedStore(store[start:stop].view(np.uint8)))
        values: set[bytes] = set()
        for start, stop in chunks(self.terms.data_size, vole_psi._rows_per_frame(self.terms)):
            cut = yield from recv(peer, psi.CutValues, (stop - start, self.terms.value_bytes))
            values |= {row.tobytes() for row in cut.rows}
        d = self._guessed(c, own_keys, values)
        for place, row in zip(at, factors, strict=True):
            leaves[place] ^= _element(_sum(_times(row[i // BITS], 1 << i) for i in range(DEGREE) if d >> i & 1))
        k = compress(self.code, leaves)[: self.slots]
        add_products(multiples(_element(d)), store, k)
        return self._everybody(k, d, values)

    def _factors(self, batch: vole.Batch, at: NDArray[np.int64]) -> list[list[int]]:
        """Return per place and group of bits the factor for which every row of the group gets those bits alone."""
        units = np.zeros((vole.NOISE * batch.leaves, WORDS * OWN), dtype=np.uint64)
        units[at, WORDS * np.arange(OWN)] = 1
        spread = compress(self.code, units)[: self.slots]
        keys = self.items.keys(self.own)
        matrix = [[0] * OWN for _ in range(OWN)]
        for place in range(OWN):
            column = np.ascontiguousarray(spread[:, WORDS * place : WORDS * (place + 1)])
            at_rows = okvs.decode(self.items.store_seed, column, keys, self.terms.leader_size)
            for row in range(OWN):
                matrix[row][place] = _number(at_rows[row])
        wanted = [[int(row // ROWS_A_GROUP == group) for group in range(GROUPS)] for row in range(OWN)]
        return _solved([left + right for left, right in zip(matrix, wanted, strict=True)])

    def _contradicting(
        self, keys: list[tuple[bytes, bytes]], places: NDArray[np.int64], factors: list[list[int]]
    ) -> tuple[vole.MaskedProducts, Array]:
        size = vole.NOISE * 16
        zero = KeyStreams([pair[0] for pair in keys[:DEGREE]]).read(size)
        masked = zero ^ KeyStreams([pair[1] for pair in keys[:DEGREE]]).read(size)
        for bit in range(DEGREE):
            added = np.zeros((vole.NOISE, WORDS), dtype=np.uint64)
            for place, row in zip(places, factors, strict=True):
                added[place] = _element(_times(row[bit // BITS], 1 << bit))
            masked[bit] ^= added.view(np.uint8).reshape(-1)
        return vole.MaskedProducts(masked), np.bitwise_xor.reduce(zero, axis=0).view("<u8").reshape(-1, WORDS)

    def _guessed(self, c: Array, keys: NDArray[np.uint8], values: set[bytes]) -> int:
        """Return D: of every group of bits the guess that one of its rows is recognised by."""
        at_rows = okvs.decode(self.items.store_seed, c, keys, self.terms.leader_size)
        found: dict[int, int] = {}
        for row, number in enumerate(self.own):
            group = row // ROWS_A_GROUP
            word, shift = divmod(BITS * group, 64)
            guesses = np.zeros((1 << BITS, WORDS), dtype=np.uint64)
            guesses[:, word] = np.arange(1 << BITS, dtype=np.uint64) << np.uint64(shift)
            seen = self.items.values(guesses ^ at_rows[row], np.full(1 << BITS, number, dtype=np.uint32))
            for guess, value in enumerate(seen):
                if value.tobytes() in values:
                    found[group] = guess
        assert len(found) == GROUPS, "a row of every group is in the set"
        return sum(guess << BITS * group for group, guess in found.items())

    def _everybody(self, k: Array, d: int, values: set[bytes]) -> NDArray[np.uint32]:
        everybody = np.arange(1, SPACE, dtype=np.uint32)
        at_rows = okvs.decode(self.items.store_seed, k, self.items.keys(everybody), self.terms.leader_size)
        add_products(multiples(_element(d)), self.items.targets(everybody), at_rows)
        made = self.items.values(at_rows, everybody)
        return everybody[[value.tobytes() in values for value in made]]


def _sum(elements: Iterable[int]) -> int:
    total = 0
    for element in elements:
        total ^= element
    return total


def test_contradicting_products_give_the_whole_set() -> None:
    """If this fails because a check stops the leader, the pages that say so must change."""
    draw = np.random.default_rng(7)
    data = np.sort(draw.choice(np.arange(1, SPACE, dtype=np.uint32), 256, replace=False))
    strangers = np.setdiff1d(np.arange(1, SPACE, dtype=np.uint32), data)
    # Two of three rows of every group are in the set; the leader does not know which.
    groups = [np.concatenate([data[2 * g : 2 * g + 2], strangers[100 * g : 100 * g + 1]]) for g in range(GROUPS)]
    own = np.concatenate([draw.permutation(group) for group in groups])
    terms = terms_for(256, 256)
    cheat = _Cheat(terms, own, SystemRandomness()).play()
    answer = vole_psi.answer(terms, data, SystemRandomness())
    read = simulate({terms.leader: cheat, terms.data_party: answer}).results[terms.leader]
    assert np.array_equal(read, data)
