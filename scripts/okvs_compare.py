"""Time the shipped key-value store against two other layouts: binary fuse and random band.

    .venv/bin/python scripts/okvs_compare.py --stores 38 --keys 80000

One store per chunk of bins, 16-byte values, one core. ``fuse`` is the shipped encoder with positions in three
neighbouring segments (Graf and Lemire, 2022), sized as they say for the number of keys. ``band`` is a random band of
256 bits (Bienstock et al., ePrint 2023/903) at an expansion of 1.10. They are measured for speed only: neither has the
failure bound that the product needs at these parameters. Results are in docs/adr/0008-okvs.md.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.aes import encrypt_blocks
from psi_match.crypto.kernel import kernel
from psi_match.crypto.okvs import _decode, _dense, _dense_tables, _peel, _positions, _solve, decode
from psi_match.crypto.okvs_size import DENSE, slots

WORDS, BAND = 4, 256
SEED = bytes(16)
Words = NDArray[np.uint64]
Timing = tuple[float, float, bool, int]
"""Seconds to encode, seconds to decode, whether all keys decode, slots."""


@kernel
def fuse_positions(blocks: NDArray[np.uint32], slots_: int, segment: int, out: NDArray[np.uint32]) -> None:
    """Three positions in three neighbouring segments: keys are peeled from both ends inwards."""
    starts = slots_ // segment - 2
    for row in range(len(blocks)):
        first = (np.uint64(blocks[row, 0]) * np.uint64(starts)) >> np.uint64(32)
        for k in range(3):
            offset = np.uint64(blocks[row, k + 1]) % np.uint64(segment)
            out[row, k] = (first + np.uint64(k)) * np.uint64(segment) + offset


@kernel
def trailing_zeros(word: int) -> int:
    count = 0
    while word & np.uint64(1) == 0:
        word >>= np.uint64(1)
        count += 1
    return count


@kernel
def shifted(bits: Words, by: int) -> None:
    """Shift a band of four words down."""
    while by >= 64:
        bits[0], bits[1], bits[2], bits[3] = bits[1], bits[2], bits[3], np.uint64(0)
        by -= 64
    if by:
        down, up = np.uint64(by), np.uint64(64 - by)
        for word in range(3):
            bits[word] = (bits[word] >> down) | (bits[word + 1] << up)
        bits[3] >>= down


@kernel
def band_encode(starts: NDArray[np.int64], bands: Words, values: Words, order: NDArray[np.int64], table: Words) -> bool:
    """Eliminate rows by their start; then solve columns from the last to the first. Returns whether it worked."""
    columns = len(table)
    taken = np.zeros(columns, dtype=np.bool_)
    rows = np.zeros((columns, 4), dtype=np.uint64)
    right = np.zeros((columns, 2), dtype=np.uint64)
    bits = np.empty(4, dtype=np.uint64)
    for key in order:
        column = starts[key]
        bits[:] = bands[key]
        first, second = values[key, 0], values[key, 1]
        while True:
            while bits[0] == 0:
                if bits[1] == 0 and bits[2] == 0 and bits[3] == 0:
                    return False
                shifted(bits, 64)
                column += 64
            by = trailing_zeros(bits[0])
            shifted(bits, by)
            column += by
            if not taken[column]:
                break
            for word in range(4):
                bits[word] ^= rows[column, word]
            first ^= right[column, 0]
            second ^= right[column, 1]
        taken[column] = True
        rows[column] = bits
        right[column, 0], right[column, 1] = first, second
    for column in range(columns - 1, -1, -1):
        if taken[column]:
            rows[column, 0] ^= np.uint64(1)
            total = np.zeros(2, dtype=np.uint64)
            band_value(rows[column], table, column, total)
            table[column, 0], table[column, 1] = right[column, 0] ^ total[0], right[column, 1] ^ total[1]
    return True


@kernel
def band_value(bits: Words, table: Words, start: int, total: Words) -> None:
    for word in range(4):
        rest = bits[word]
        for bit in range(64):
            mask = np.uint64(0) - ((rest >> np.uint64(bit)) & np.uint64(1))
            where = min(start + 64 * word + bit, len(table) - 1)
            total[0] ^= table[where, 0] & mask
            total[1] ^= table[where, 1] & mask


@kernel
def band_decode(starts: NDArray[np.int64], bands: Words, table: Words, out: Words) -> None:
    for key in range(len(starts)):
        band_value(bands[key], table, starts[key], out[key])


def shipped(rng: np.random.Generator, keys: NDArray[np.uint8], values: Words) -> Timing:
    table = rng.integers(0, 1 << 64, (slots(len(keys)), 2), dtype=np.uint64)
    began = time.perf_counter()
    _solve(_positions(SEED, keys, len(keys)), _dense(keys), values, table)
    encoded = time.perf_counter()
    found = decode(SEED, table, keys, len(keys))
    return encoded - began, time.perf_counter() - encoded, np.array_equal(found, values), len(table)


def fuse(rng: np.random.Generator, keys: NDArray[np.uint8], values: Words) -> Timing:
    count = len(keys)
    segment = 1 << math.floor(math.log(count) / math.log(3.33) + 2.25)
    expansion = max(1.125, 0.875 + 0.25 * math.log(1e6) / math.log(count))
    sparse = -(-round(expansion * count) // segment) * segment
    table = rng.integers(0, 1 << 64, (sparse + DENSE, 2), dtype=np.uint64)
    positions = np.empty((count, 3), dtype=np.uint32)
    began = time.perf_counter()
    blocks = encrypt_blocks(SEED, keys).view("<u4")
    fuse_positions(blocks, sparse, segment, positions)
    order = np.empty((count, 2), dtype=np.uint32)
    _, left = _peel(positions, sparse, order)
    if left.sum() > 2000:  # far too many for the elimination
        return time.perf_counter() - began, 0.0, False, len(table)
    dense = _dense(keys)
    _solve(positions, dense, values, table)
    encoded = time.perf_counter()
    out = np.empty_like(values)
    fuse_positions(blocks, sparse, segment, positions)
    _decode(positions, dense, table, _dense_tables(table[-DENSE:]), out)
    return encoded - began, time.perf_counter() - encoded, np.array_equal(out, values), len(table)


def band(rng: np.random.Generator, keys: NDArray[np.uint8], values: Words) -> Timing:
    count = len(keys)
    columns = round(1.10 * count)
    table = rng.integers(0, 1 << 64, (columns + BAND, 2), dtype=np.uint64)
    bands = rng.integers(0, 1 << 64, (count, WORDS), dtype=np.uint64)
    bands[:, 0] |= np.uint64(1)
    starts = rng.integers(0, columns, count)
    began = time.perf_counter()
    worked = band_encode(starts, bands, values, np.argsort(starts), table)
    encoded = time.perf_counter()
    out = np.zeros_like(values)
    band_decode(starts, bands, table, out)
    return encoded - began, time.perf_counter() - encoded, worked and np.array_equal(out, values), len(table)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=80_000)
    parser.add_argument("--stores", type=int, default=38)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    layouts = {"shipped": shipped, "fuse": fuse, "band": band}
    totals: dict[str, list[list[float]]] = {name: [] for name in layouts}
    failed = dict.fromkeys(layouts, 0)
    # The first run compiles and is thrown away; the layouts alternate.
    for run in range(arguments.runs + 1):
        sums = {name: [0.0, 0.0, 0] for name in layouts}
        for _ in range(arguments.stores if run else 1):
            keys = rng.integers(0, 256, (arguments.keys, 16), dtype=np.uint8)
            values = rng.integers(0, 1 << 64, (arguments.keys, 2), dtype=np.uint64)
            for name, layout in layouts.items():
                encode, decode, right, size = layout(rng, keys, values)
                sums[name][0] += encode
                sums[name][1] += decode
                sums[name][2] = size
                failed[name] += not right
        if run:
            for name, each in sums.items():
                totals[name].append(each)
    for name, each in totals.items():
        encode, decode = (statistics.median(run[i] for run in each) for i in (0, 1))
        expansion = each[0][2] / arguments.keys
        print(
            f"{name:8} encode {encode:.2f} s, decode {decode:.2f} s, {expansion:.3f} slots a key, failed {failed[name]}"
        )


if __name__ == "__main__":
    main()
