"""Puncturable pseudorandom vectors: many binary trees of seeds at once, and the same trees without one leaf each.

Each tree grows from a random root by a length-doubling generator. Whoever knows, at every level, the sum of all nodes
on the side where the path to one leaf does *not* go, can rebuild all leaves but that one.

Trees are complete, and all of their leaves enter the sums; what is used of them is the wanted number, from the left.
So every vector of choices leaves exactly one leaf unknown, used or not, and that leaf is in the total. In a tree that
is cut instead, a node at the edge may have no sibling: whoever asks there for the sum on the path's own side gets that
node, so all leaves, and with them what the missing one hides (tests/sim/test_vole_cheating.py).

The generator is AES under two public keys of the session, each with feed-forward. As everywhere with fixed keys, a
search for any one of 2^q nodes costs 2^(128 - q) AES calls: docs/protocols/vole.md.

Source:
    Goldreich, Goldwasser, Micali (JACM 1986); puncturing by level sums as in Boyle, Couteau, Gilboa, Ishai, Kohl,
    Rindal, Scholl, Efficient Two-Round OT Extension and Silent Non-Interactive Secure Computation (ePrint 2019/1159).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.aes import encrypt_blocks
from psi_match.crypto.kernel import kernel

SIDES = 2
WORDS = 2


def depth(leaves: int) -> int:
    """Return the levels, below the root, of the smallest complete tree with so many leaves, at least two."""
    return (leaves - 1).bit_length()


class Generator:
    """The length-doubling generator of a session.

    Args:
        keys: two public AES keys.
    """

    def __init__(self, keys: tuple[bytes, bytes]) -> None:
        self._keys = keys

    def children(self, nodes: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the children of (trees, n, 2) nodes, and their sums per side.

        Returns:
            (trees, 2n, 2), and (trees, 2 sides, 2 words).
        """
        blocks = nodes.view(np.uint8).reshape(-1, WORDS * 8)
        left, right = (encrypt_blocks(key, blocks).view("<u8").reshape(nodes.shape) for key in self._keys)
        out = np.empty((len(nodes), 2 * nodes.shape[1], WORDS), dtype=np.uint64)
        sums = np.zeros((len(nodes), SIDES, WORDS), dtype=np.uint64)
        _interleave(nodes, left, right, out, sums)
        return out, sums

    def grow(self, roots: NDArray[np.uint64], leaves: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Grow whole trees.

        Args:
            roots: (trees, 2) random.
            leaves: per tree.

        Returns:
            The leaves (trees, leaves, 2), and per tree and level of the complete tree the sums of left and of right
            nodes, (trees, levels, 2 sides, 2 words).
        """
        nodes = roots[:, None]
        sums = []
        for _ in range(depth(leaves)):
            nodes, level = self.children(nodes)
            sums.append(level)
        return np.ascontiguousarray(nodes[:, :leaves]), np.stack(sums, axis=1)

    def grow_punctured(
        self, paths: NDArray[np.int64], sums: NDArray[np.uint64], leaves: int
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Grow trees without the leaf at ``paths``, whose place holds zero.

        Args:
            paths: (trees,) index of the missing leaf.
            sums: (trees, levels, 2) per level the sum of the nodes on the side where the path does not go.
            leaves: per tree.

        Returns:
            (trees, leaves, 2), and the sum of all leaves of each complete tree but the missing one, (trees, 2).
        """
        tree = np.arange(len(paths))
        levels = depth(leaves)
        nodes = np.zeros((len(paths), 1, WORDS), dtype=np.uint64)
        total = np.zeros((len(paths), WORDS), dtype=np.uint64)
        for level in range(levels):
            nodes, seen = self.children(nodes)
            here = paths >> (levels - 1 - level)
            side, sibling = here & 1, here ^ 1
            # What grew from the unknown node above means nothing: it leaves the sums, and its place becomes zero.
            seen[tree, side] ^= nodes[tree, here]
            nodes[tree, here] = 0
            seen[tree, 1 - side] ^= nodes[tree, sibling]
            nodes[tree, sibling] = sums[:, level] ^ seen[tree, 1 - side]
            total = sums[:, level] ^ seen[tree, side]
        return np.ascontiguousarray(nodes[:, :leaves]), total


@kernel
def _interleave(
    nodes: NDArray[np.uint64],
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    out: NDArray[np.uint64],
    sums: NDArray[np.uint64],
) -> None:
    """Place left and right children side by side, each with its parent added, and sum up each side."""
    for tree in range(out.shape[0]):
        for child in range(out.shape[1]):
            parent = child >> 1
            encrypted = right if child & 1 else left
            for word in range(2):
                value = encrypted[tree, parent, word] ^ nodes[tree, parent, word]
                out[tree, child, word] = value
                sums[tree, child & 1, word] ^= value
