"""Cuckoo table: at most one item per bin, every item in one of its three bins, no stash.

Insertion is a random walk that moves items between their bins; an item that is still without a bin after
``WALK_STEPS`` moves is placed by breadth-first search for an augmenting path. Insertion therefore fails only where *no*
placement exists at all, which is the event that the parameters of ``protocols.sizes`` bound below 2^-40.

Reveals:
    Nothing: the table stays with the leader. Only the number of bins, a public size, leaves it. Whether insertion
    failed does leave it (the session aborts): an event of probability below 2^-40, under hash seeds that nobody chose.

Source:
    Pagh and Rodler (Journal of Algorithms 2004); three hash functions without stash: Pinkas, Schneider, Zohner
    (ePrint 2016/930). Placement as bipartite matching: an augmenting path exists unless Hall's condition is violated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import CuckooFailure
from psi_match.crypto.hashes import HASHES
from psi_match.crypto.kernel import kernel

EMPTY = 0xFFFFFFFF
"""Row index of an empty bin; rows are therefore limited to 2^32 - 1."""

WALK_STEPS = 500


@kernel
def _random_walk(places: NDArray[np.uint32], table: NDArray[np.uint32], homeless: NDArray[np.uint32]) -> int:
    """Insert all rows by random walk; return how many stay without a bin, listed in ``homeless``."""
    empty = np.uint32(EMPTY)
    left = 0
    # The walk's choices never leave the leader and need no cryptographic quality: xorshift64 with a fixed start.
    state = np.uint64(0x9E3779B97F4A7C15)
    for row in range(places.shape[0]):
        item = np.uint32(row)
        came_from = empty
        placed = False
        for _ in range(WALK_STEPS):
            for k in range(HASHES):
                if table[places[item, k]] == empty:
                    table[places[item, k]] = item
                    placed = True
                    break
            if placed:
                break
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            turn = np.int64((state >> np.uint64(33)) % np.uint64(HASHES))
            if places[item, turn] == came_from:
                turn = (turn + 1) % HASHES
            came_from = places[item, turn]
            table[came_from], item = item, table[came_from]
        if not placed:
            homeless[left] = item
            left += 1
    return left


@kernel
def _augment(
    places: NDArray[np.uint32],
    table: NDArray[np.uint32],
    item: np.uint32,
    queue: NDArray[np.uint32],
    parent: NDArray[np.uint32],
    seen: NDArray[np.uint32],
    mark: np.uint32,
) -> bool:
    """Place one item by the shortest augmenting path; False if none exists. ``parent[b]`` is the bin before bin b."""
    empty = np.uint32(EMPTY)
    head, tail = 0, 0
    for k in range(HASHES):
        b = places[item, k]
        seen[b] = mark
        parent[b] = empty
        queue[tail] = b
        tail += 1
    while head < tail:
        b = queue[head]
        head += 1
        occupant = table[b]
        if occupant == empty:
            # Walk back: every occupant on the path moves one bin onwards, the new item takes the first bin.
            while parent[b] != empty:
                table[b] = table[parent[b]]
                b = parent[b]
            table[b] = item
            return True
        for k in range(HASHES):
            nxt = places[occupant, k]
            if seen[nxt] != mark:
                seen[nxt] = mark
                parent[nxt] = b
                queue[tail] = nxt
                tail += 1
    return False


def insert_all(places: NDArray[np.uint32], bins: int) -> NDArray[np.uint32]:
    """Place every row in one of its three bins.

    Args:
        places: (n, 3) distinct bins of each row.
        bins: number of bins of the table.

    Returns:
        (bins,) row index per bin, ``EMPTY`` where there is none.

    Raises:
        CuckooFailure: no placement of all rows exists.
    """
    table = np.full(bins, EMPTY, dtype=np.uint32)
    homeless = np.empty(len(places), dtype=np.uint32)
    left = _random_walk(places, table, homeless)
    if left:
        queue = np.empty(bins, dtype=np.uint32)
        parent = np.empty(bins, dtype=np.uint32)
        seen = np.zeros(bins, dtype=np.uint32)
        for mark in range(left):
            if not _augment(places, table, homeless[mark], queue, parent, seen, np.uint32(mark + 1)):
                raise CuckooFailure(
                    "The leader's rows do not fit its cuckoo table under this session's hash seeds.",
                    "Start the run again: a new session draws new seeds.",
                )
    return table
