"""Oblivious key-value store: a table from which every encoded key decodes to its value, and which tells no other key.

Each key has a row: three distinct sparse slots, and ``DENSE`` further ones of which the key's own bits choose a subset.
A key's value is the XOR of the slots of its row. Encoding solves these equations: a key that alone uses some slot can
be put off to the end, which *peels* almost all keys; the few that remain (the 2-core) are solved together by Gaussian
elimination, in which the dense slots take part. All slots that the equations leave free are random.

There is one seed and no second try. The leader of a join knows the keys of the rows that match, so a seed that was
accepted after others had failed would tell it something about the set. That an encoding fails is bounded instead, below
2^-40 for all stores of a session together: docs/protocols/okvs.md.

Reveals:
    To whoever gets the table: the number of slots, a function of the public capacity; the values of the keys that it
    knows. For uniform values the table is uniform, whatever the keys are.

Source:
    Garimella, Pinkas, Rosulek, Trieu, Yanai (ePrint 2021/883) for the definition and the sparse-dense structure;
    Raghuraman and Rindal (ePrint 2022/320), section 5, for the parameters of three-wise tables.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import OkvsFailure
from psi_match.base.randomness import RandomSource
from psi_match.crypto.aes import BLOCK_BYTES, KEY_BYTES, KeyStreams, encrypt_blocks
from psi_match.crypto.kernel import kernel
from psi_match.crypto.okvs_size import DENSE, slots, sparse_slots

_TABLES, _TABLE_BITS = DENSE // 8, 8


def encode(
    seed: bytes, keys: NDArray[np.uint8], values: NDArray[np.uint64], capacity: int, rng: RandomSource
) -> NDArray[np.uint64]:
    """Solve for a table.

    Args:
        seed: 16 public bytes.
        keys: (n, 16) pseudorandom, distinct; n is at most ``capacity``.
        values: (n, words); uniform, or the table tells something.
        capacity: public bound on n.
        rng: fresh local randomness for the free slots.

    Returns:
        (slots, words).

    Raises:
        OkvsFailure: there is no solution.
        ValueError: a shape is wrong.
    """
    _check(keys, capacity)
    if values.shape[0] != len(keys) or values.ndim != 2 or len(keys) > capacity:
        raise ValueError("there must be one row of values per key, and no more keys than the capacity")
    table = KeyStreams([rng.bytes(KEY_BYTES)]).read(8 * slots(capacity) * values.shape[1]).view("<u8")
    table = table.reshape(slots(capacity), values.shape[1])
    return _solve(_positions(seed, keys, capacity), _dense(keys), values, table)


def decode(seed: bytes, table: NDArray[np.uint64], keys: NDArray[np.uint8], capacity: int) -> NDArray[np.uint64]:
    """Return the value of every key, (n, words); pseudorandom where a key was not encoded.

    Raises:
        ValueError: a shape is wrong.
    """
    _check(keys, capacity)
    if table.ndim != 2 or len(table) != slots(capacity):
        raise ValueError("the table has another size than its capacity says")
    out = np.empty((len(keys), table.shape[1]), dtype=np.uint64)
    _decode(_positions(seed, keys, capacity), _dense(keys), table, _dense_tables(table[-DENSE:]), out)
    return out


def _check(keys: NDArray[np.uint8], capacity: int) -> None:
    if keys.dtype != np.uint8 or keys.ndim != 2 or keys.shape[1] != BLOCK_BYTES or not keys.flags.c_contiguous:
        raise ValueError(f"keys must be contiguous (n, {BLOCK_BYTES}) uint8")
    if capacity < 0:
        raise ValueError("a capacity is not negative")


def _dense(keys: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The subset of dense slots of each key: 64 of its own bits, which are uniform."""
    return np.ascontiguousarray(keys.view("<u8")[:, 0])


def _positions(seed: bytes, keys: NDArray[np.uint8], capacity: int) -> NDArray[np.uint32]:
    out = np.empty((len(keys), 3), dtype=np.uint32)
    _three_positions(encrypt_blocks(seed, keys).view("<u4"), sparse_slots(capacity), out)
    return out


def _solve(
    positions: NDArray[np.uint32], dense: NDArray[np.uint64], values: NDArray[np.uint64], table: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Overwrite slots of a random table so that every key's row gives its value."""
    order = np.empty((len(positions), 2), dtype=np.uint32)
    peeled, left = _peel(positions, len(table) - DENSE, order)
    if left.any():
        _solve_core(np.flatnonzero(left), positions, dense, values, table)
    _substitute(order[:peeled], positions, dense, values, table, _dense_tables(table[-DENSE:]))
    return table


def _solve_core(
    core: NDArray[np.intp],
    positions: NDArray[np.uint32],
    dense: NDArray[np.uint64],
    values: NDArray[np.uint64],
    table: NDArray[np.uint64],
) -> None:
    """Gaussian elimination on the keys that cannot be peeled; rare, and small where it happens.

    An equation is one integer: bit c is set where column c takes part. Columns are the dense slots, then the core's
    sparse slots. Slots without a pivot keep their random content.
    """
    first_dense = len(table) - DENSE
    columns = [first_dense + bit for bit in range(DENSE)] + sorted({int(p) for i in core for p in positions[i]})
    column_of = {slot: column for column, slot in enumerate(columns)}
    pivots: list[tuple[int, int, NDArray[np.uint64]]] = []
    for i in core:
        row = int(dense[i])
        for position in positions[i]:
            row ^= 1 << column_of[int(position)]
        right = values[i].copy()
        for column, equation, value in pivots:
            if row >> column & 1:
                row ^= equation
                right ^= value
        if row == 0:
            raise OkvsFailure(
                "The key-value store has no solution under this session's seeds.",
                "Start the run again: a new session draws new seeds.",
            )
        pivots.append((row.bit_length() - 1, row, right))
    # The last equations hold no earlier pivot, so they are solved first.
    for column, equation, value in reversed(pivots):
        result = value.copy()
        rest = equation ^ (1 << column)
        while rest:
            other = rest.bit_length() - 1
            result ^= table[columns[other]]
            rest ^= 1 << other
        table[columns[column]] = result


def _dense_tables(dense_slots: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """All 256 sums of each eight dense slots (the method of four Russians): (8, 256, words)."""
    tables = np.zeros((_TABLES, 1 << _TABLE_BITS, dense_slots.shape[1]), dtype=np.uint64)
    for part in range(_TABLES):
        for bit in range(_TABLE_BITS):
            tables[part, 1 << bit : 2 << bit] = tables[part, : 1 << bit] ^ dense_slots[_TABLE_BITS * part + bit]
    return tables


@kernel
def _three_positions(blocks: NDArray[np.uint32], slots: int, out: NDArray[np.uint32]) -> None:
    """Map three uniform 32-bit words to three distinct positions."""
    for row in range(blocks.shape[0]):
        first = np.int64((np.uint64(blocks[row, 0]) * np.uint64(slots)) >> np.uint64(32))
        second = np.int64((np.uint64(blocks[row, 1]) * np.uint64(slots - 1)) >> np.uint64(32))
        third = np.int64((np.uint64(blocks[row, 2]) * np.uint64(slots - 2)) >> np.uint64(32))
        # The choice skips the positions that are taken, in ascending order.
        if second >= first:
            second += 1
        smaller, larger = min(first, second), max(first, second)
        if third >= smaller:
            third += 1
        if third >= larger:
            third += 1
        out[row, 0], out[row, 1], out[row, 2] = first, second, third


@kernel
def _peel(positions: NDArray[np.uint32], slots: int, order: NDArray[np.uint32]) -> tuple[int, NDArray[np.bool_]]:
    """Take away keys that alone use some slot; list them with that slot in ``order``; return which are left."""
    degree = np.zeros(slots, dtype=np.uint32)
    keys_of = np.zeros(slots, dtype=np.uint32)  # XOR of the indices of the keys that use a slot
    for key in range(positions.shape[0]):
        for k in range(3):
            degree[positions[key, k]] += np.uint32(1)
            keys_of[positions[key, k]] ^= np.uint32(key)
    left = np.ones(positions.shape[0], dtype=np.bool_)
    stack = np.empty(slots, dtype=np.uint32)
    taken = 0
    for start in range(slots):
        if degree[start] != 1:
            continue
        height = 1
        stack[0] = start
        while height:
            height -= 1
            slot = stack[height]
            if degree[slot] != 1:
                continue
            key = keys_of[slot]
            left[key] = False
            order[taken, 0], order[taken, 1] = key, slot
            taken += 1
            for k in range(3):
                other = positions[key, k]
                degree[other] -= np.uint32(1)
                keys_of[other] ^= key
                if degree[other] == 1:
                    stack[height] = other
                    height += 1
    return taken, left


@kernel
def _substitute(
    order: NDArray[np.uint32],
    positions: NDArray[np.uint32],
    dense: NDArray[np.uint64],
    values: NDArray[np.uint64],
    table: NDArray[np.uint64],
    dense_tables: NDArray[np.uint64],
) -> None:
    """Solve the peeled keys, last one first: each sets the slot that nobody before it uses."""
    for step in range(order.shape[0] - 1, -1, -1):
        key, slot = order[step, 0], order[step, 1]
        for word in range(table.shape[1]):
            total = values[key, word]
            for k in range(3):
                if positions[key, k] != slot:
                    total ^= table[positions[key, k], word]
            for part in range(8):
                total ^= dense_tables[part, (dense[key] >> np.uint64(8 * part)) & np.uint64(0xFF), word]
            table[slot, word] = total


@kernel
def _decode(
    positions: NDArray[np.uint32],
    dense: NDArray[np.uint64],
    table: NDArray[np.uint64],
    dense_tables: NDArray[np.uint64],
    out: NDArray[np.uint64],
) -> None:
    for key in range(positions.shape[0]):
        for word in range(table.shape[1]):
            total = table[positions[key, 0], word] ^ table[positions[key, 1], word] ^ table[positions[key, 2], word]
            for part in range(8):
                total ^= dense_tables[part, (dense[key] >> np.uint64(8 * part)) & np.uint64(0xFF), word]
            out[key, word] = total
