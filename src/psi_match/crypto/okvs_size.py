"""How large an oblivious key-value store is: a function of its public capacity alone. See ``okvs``."""

from __future__ import annotations

import math

DENSE = 64
"""Dense slots: 40 bits of failure, 10 for 2^10 stores of one session, 14 for the size of a small 2-core."""

_SECURITY_BITS = 50
_THRESHOLD = 1.223
_SMALLEST_SPARSE = 96


def sparse_slots(capacity: int) -> int:
    """Return the sparse slots for up to ``capacity`` keys.

    Source:
        Raghuraman and Rindal (ePrint 2022/320), section 5: for weight three the expansion e fails with probability
        2^-(a e + b), with log2 a = 0.555 log2 n + 2.336 and b = -9.2 - 1.223 a, fitted by them to many trials.
    """
    keys = max(capacity, 64)
    slope: float = 2.0 ** (0.555 * math.log2(keys) + 2.336)
    expansion = _THRESHOLD + (_SECURITY_BITS + 9.2) / slope
    return max(_SMALLEST_SPARSE, math.ceil(keys * expansion))


def slots(capacity: int) -> int:
    """Return the slots of a table for up to ``capacity`` keys: sparse ones, then dense ones."""
    return sparse_slots(capacity) + DENSE
