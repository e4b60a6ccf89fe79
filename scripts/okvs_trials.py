"""How often a key-value store has keys that cannot be peeled, and how many equations the dense slots must then solve.

    .venv/bin/python scripts/okvs_trials.py --keys 1000 --trials 100000
    .venv/bin/python scripts/okvs_trials.py --keys 4096 --trials 20000 --expansion 1.23

An encoding fails only if the sparse equations of the 2-core lack more than ``DENSE`` minus a few ranks. What is counted
here is the 2-core, and the rank that its sparse part lacks. Results are in docs/protocols/okvs.md.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from psi_match.crypto.okvs import _peel, _three_positions
from psi_match.crypto.okvs_size import sparse_slots


def missing_rank(positions: np.ndarray) -> int:
    """Return how many of these rows depend on the others over GF(2)."""
    pivots: dict[int, int] = {}
    missing = 0
    for row in positions:
        equation = 0
        for position in row:
            equation ^= 1 << int(position)
        while equation:
            top = equation.bit_length() - 1
            if top not in pivots:
                pivots[top] = equation
                break
            equation ^= pivots[top]
        missing += equation == 0
    return missing


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, required=True)
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--expansion", type=float, help="sparse slots per key; default: what is shipped")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    slots = sparse_slots(arguments.keys)
    if arguments.expansion:
        slots = round(arguments.keys * arguments.expansion)
    rng = np.random.default_rng(arguments.seed)
    cores: Counter[int] = Counter()
    ranks: Counter[int] = Counter()
    order = np.empty((arguments.keys, 2), dtype=np.uint32)
    positions = np.empty((arguments.keys, 3), dtype=np.uint32)
    for _ in range(arguments.trials):
        _three_positions(rng.integers(0, 1 << 32, (arguments.keys, 4), dtype=np.uint32), slots, positions)
        _, left = _peel(positions, slots, order)
        core = int(left.sum())
        cores[core] += 1
        # A core of thousands has far fewer keys than slots' rank only if it fails for good: counted, not solved.
        ranks[missing_rank(positions[left]) if core <= 3000 else -1] += 1
    with_core = arguments.trials - cores[0]
    print(f"{arguments.keys} keys, {slots} sparse slots ({slots / arguments.keys:.3f}), {arguments.trials} trials")
    print(f"  with a 2-core: {with_core}; largest: {max(cores)}; missing rank: {dict(sorted(ranks.items()))}")


if __name__ == "__main__":
    main()
