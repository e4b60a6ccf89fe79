"""Integers in a circuit: exact ranges, and widths that follow from them, so that nothing can overflow.

A number is a tuple of wires with the lowest and highest value that it can take. Every operation computes the range of
its result and takes as many bits as that range needs: two's complement where it reaches below zero, plain binary where
it does not. There is no other width anywhere, so overflow is impossible by construction.

Two adders: ``ripple`` sends the fewest bits and needs one round per bit; ``prefix`` (Sklansky) needs few rounds and
sends several times the bits. A comparison that follows a ripple sum runs one bit behind it, not after it.

Source:
    Knuth, The Art of Computer Programming, volume 4A, 7.1.2 (full adders with one AND);
    Sklansky (IRE Transactions 1960).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from psi_match.protocols.circuits import ONE, ZERO, CircuitBuilder, Wire

Adder = Literal["ripple", "prefix"]
ADDERS: tuple[Adder, ...] = ("ripple", "prefix")


@dataclass(frozen=True, slots=True)
class Number:
    """An integer in a circuit.

    Args:
        wires: lowest bit first; the last one is the sign where ``low`` is negative.
        low: lowest possible value.
        high: highest possible value.
    """

    wires: tuple[Wire, ...]
    low: int
    high: int

    @property
    def bits(self) -> int:
        """Number of wires."""
        return len(self.wires)


def bits_for(low: int, high: int) -> int:
    """Return the bits that hold every integer from ``low`` to ``high``, a sign bit included where ``low`` < 0."""
    if low >= 0:
        return high.bit_length()
    return max((-low - 1).bit_length(), high.bit_length()) + 1


class Arithmetic:
    """Operations on numbers; each adds gates to a builder.

    Args:
        builder: receives the gates.
        adder: how carries are computed.
    """

    def __init__(self, builder: CircuitBuilder, adder: Adder = "ripple") -> None:
        self._b = builder
        self._adder = adder

    def constant(self, value: int) -> Number:
        """Return a public constant."""
        bits = bits_for(value, value)
        return Number(tuple(ONE if value >> i & 1 else ZERO for i in range(bits)), value, value)

    def from_bit(self, wire: Wire) -> Number:
        """Return a truth value as the number 0 or 1."""
        return Number((wire,), 0, 1)

    def add(self, left: Number, right: Number) -> Number:
        """Return left + right."""
        return self._sum(left, right, left.low + right.low, left.high + right.high, invert=False)

    def subtract(self, left: Number, right: Number) -> Number:
        """Return left - right."""
        return self._sum(left, right, left.low - right.high, left.high - right.low, invert=True)

    def total(self, numbers: Sequence[Number]) -> Number:
        """Return the sum of all numbers, added as a tree; 0 of none."""
        left = list(numbers) or [self.constant(0)]
        while len(left) > 1:
            pairs = [self.add(left[i], left[i + 1]) for i in range(0, len(left) - 1, 2)]
            left = pairs + left[2 * len(pairs) :]
        return left[0]

    def less_than(self, left: Number, right: Number) -> Wire:
        """Return left < right: the sign of their difference, of which only the carries are computed."""
        low, high = left.low - right.high, left.high - right.low
        if low >= 0:
            return ZERO
        if high < 0:
            return ONE
        bits = bits_for(low, high)
        a, b = self._extended(left, bits), self._extended(right, bits, invert=True)
        carry = self._carries(a, b, ONE, only_last=True)[-1]
        return self._b.xor(self._b.xor(a[-1], b[-1]), carry)

    def equal(self, left: Number, right: Number) -> Wire:
        """Return left == right, as a tree."""
        if left.high < right.low or right.high < left.low:
            return ZERO
        bits = bits_for(min(left.low, right.low), max(left.high, right.high))
        pairs = zip(self._extended(left, bits), self._extended(right, bits), strict=True)
        return self._b.all_([self._b.not_(self._b.xor(a, b)) for a, b in pairs])

    def select(self, condition: Wire, then: Number, otherwise: Number) -> Number:
        """Return ``then`` where the condition holds, else ``otherwise``."""
        low, high = min(then.low, otherwise.low), max(then.high, otherwise.high)
        bits = bits_for(low, high)
        pairs = zip(self._extended(then, bits), self._extended(otherwise, bits), strict=True)
        return Number(tuple(self._b.select(condition, a, b) for a, b in pairs), low, high)

    def masked(self, condition: Wire, number: Number) -> Number:
        """Return the number where the condition holds, else 0."""
        return self.select(condition, number, self.constant(0))

    def _extended(self, number: Number, bits: int, *, invert: bool = False) -> list[Wire]:
        fill = number.wires[-1] if number.low < 0 else ZERO
        wires = list(number.wires[:bits]) + [fill] * (bits - number.bits)
        return [self._b.not_(wire) for wire in wires] if invert else wires

    def _sum(self, left: Number, right: Number, low: int, high: int, *, invert: bool) -> Number:
        bits = bits_for(low, high)
        a, b = self._extended(left, bits), self._extended(right, bits, invert=invert)
        carries = self._carries(a, b, ONE if invert else ZERO)
        wires = tuple(self._b.xor(self._b.xor(x, y), c) for x, y, c in zip(a, b, carries, strict=True))
        return Number(wires, low, high)

    def _carries(self, a: list[Wire], b: list[Wire], first: Wire, *, only_last: bool = False) -> list[Wire]:
        """Return the carry *into* every position; with ``only_last`` only the last one counts."""
        if self._adder == "ripple" or len(a) <= 2:
            carries = [first]
            for x, y in zip(a[:-1], b[:-1], strict=True):
                carries.append(self._b.majority(x, y, carries[-1]))
            return carries[: len(a)]
        return self._prefix_carries(a, b, first, only_last=only_last)

    def _prefix_carries(self, a: list[Wire], b: list[Wire], first: Wire, *, only_last: bool) -> list[Wire]:
        # generate and propagate of every position; the carry in counts as a position of its own before them.
        spans = [(first, ZERO)]
        spans += [(self._b.and_(x, y), self._b.xor(x, y)) for x, y in zip(a[:-1], b[:-1], strict=True)]
        if only_last:
            while len(spans) > 1:
                # From the top, so that the lowest span, which needs no propagate, is the odd one out.
                joined = [self._join(spans[i], spans[i - 1]) for i in range(len(spans) - 1, 0, -2)][::-1]
                spans = spans[: len(spans) - 2 * len(joined)] + joined
            return [spans[0][0]]
        distance = 1
        while distance < len(spans):
            for start in range(distance, len(spans), 2 * distance):
                low = spans[start - 1]
                for position in range(start, min(start + distance, len(spans))):
                    spans[position] = self._join(spans[position], low)
            distance *= 2
        return [generate for generate, _ in spans]

    def _join(self, high: tuple[Wire, Wire], low: tuple[Wire, Wire]) -> tuple[Wire, Wire]:
        """Return generate and propagate of two neighbouring spans; generate and propagate exclude each other."""
        generate = self._b.xor(high[0], self._b.and_(high[1], low[0]))
        return generate, self._b.and_(high[1], low[1])
