"""The field GF(2^128): sums are XOR, and products with one fixed factor go through tables.

An element is two little-endian 64-bit words; bit i is the coefficient of x^i, modulo x^128 + x^7 + x^2 + x + 1. All
products of the project have one factor in common (the scalar of a vector OLE), so its multiples are tabulated once:
16 look-ups a product, eight bits at a time.

Source:
    The polynomial is that of NIST SP 800-38D (GCM), with bits in their natural order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.crypto.kernel import kernel

WORDS = 2
ELEMENT_BYTES = 16
DEGREE = 128
MODULUS = (1 << 128) | 0x87
_TABLES, _TABLE_BITS = 16, 8


def doubled(element: int) -> int:
    """Return x times an element, both as integers."""
    twice = element << 1
    return twice ^ MODULUS if twice >> DEGREE else twice


def doubled_rows(elements: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return x times every element of (n, 2) words."""
    low, high = elements[:, 0], elements[:, 1]
    carry = high >> np.uint64(63)
    out = np.empty_like(elements)
    out[:, 0] = (low << np.uint64(1)) ^ (carry * np.uint64(MODULUS & 0xFF))
    out[:, 1] = (high << np.uint64(1)) | (low >> np.uint64(63))
    return out


def multiples(factor: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Tabulate a factor of (2,) words for ``times``: entry (j, b) is b(x) * x^(8j) * factor; (16, 256, 2)."""
    tables = np.zeros((_TABLES, 1 << _TABLE_BITS, WORDS), dtype=np.uint64)
    power = int.from_bytes(factor.astype("<u8").tobytes(), "little")
    for part in range(_TABLES):
        for bit in range(_TABLE_BITS):
            element = np.frombuffer(power.to_bytes(ELEMENT_BYTES, "little"), dtype="<u8")
            tables[part, 1 << bit : 2 << bit] = tables[part, : 1 << bit] ^ element
            power = doubled(power)
    return tables


@kernel
def add_products(tables: NDArray[np.uint64], elements: NDArray[np.uint64], out: NDArray[np.uint64]) -> None:
    """Add factor * element to each row: ``elements`` and ``out`` are (n, 2), ``tables`` those of the factor."""
    for row in range(elements.shape[0]):
        low, high = out[row, 0], out[row, 1]
        for word in range(2):
            rest = elements[row, word]
            for part in range(8 * word, 8 * word + 8):
                byte = rest & np.uint64(0xFF)
                low ^= tables[part, byte, 0]
                high ^= tables[part, byte, 1]
                rest >>= np.uint64(8)
        out[row, 0], out[row, 1] = low, high
