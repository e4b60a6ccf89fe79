"""A leader that makes one choice of a tree contradict its place: with cut trees it gets D, with complete ones nothing.

It asks, at one level, for the sum on the side where its own path goes. In a tree that was cut to its leaves the last
node of a level may have no sibling; then it gets that node, with it all leaves, and from their total c - b, which is
beta * D. With D it reads the data party's whole set. No check of the choices would notice: they are well formed.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.protocol import intersect
from support.sets import two_sets

from psi_match.base.randomness import RandomSource, SystemRandomness
from psi_match.crypto.gf128 import WORDS
from psi_match.crypto.puncturable import Generator, depth
from psi_match.protocols import ot_extension, vole

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
        assert batch.levels == LEVELS
        assert batch.leaves % 2 == 1, "the last leaf has no sibling in a tree that is cut"
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
