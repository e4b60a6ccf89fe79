"""Counts on shares: how many rows have a bit set, rounded down and suppressed before anyone sees them.

Rows are added up by folding: the upper half of the words is added to the lower half, then the upper half of a word to
its lower half, until one number is left in the lowest row. A cell c is released as g floor(c / g), with g the minimum
group size, unless c < g or T - c < g for a total T; then only the word *suppressed* is released, the same for both.

Reveals:
    Recipient: the released multiples of g and which cells are suppressed. Nobody: exact cells, totals, partial sums.

Source:
    Rounding and suppression as in statistical disclosure control (Hundepool et al., Statistical Disclosure Control,
    2012, chapters 4 and 5); the rule on T - c keeps the rest of a group from being small and thereby known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from psi_match.protocols.circuits import WORD_ROWS, Circuit, CircuitBuilder, Wire
from psi_match.protocols.effects import Role
from psi_match.protocols.integers import Adder, Arithmetic, Number, bits_for
from psi_match.protocols.sharing import ComputeParty, Path, Shares, evaluate

_FEW_WORDS = 256
"""Below this a round costs more than its bytes: carries are computed with the prefix adder."""


def count_rows(me: ComputeParty, bits: Shares, path: Path) -> Role[Shares]:
    """Count the rows in which each bit is set.

    Args:
        me: this compute party.
        bits: (2, cells, words) one plane per cell.
        path: where in the session.

    Returns:
        (2, count bits, cells): the count of each cell in the lowest row of its word; all other rows are zero.
    """
    _, cells, words = bits.shape
    # One plane per bit of the number, the words of all cells behind each other in it.
    numbers = bits.reshape(2, 1, cells, words)
    fold = 0
    while words > 1:
        if words % 2:
            numbers = np.concatenate([numbers, np.zeros((2, numbers.shape[1], cells, 1), np.uint64)], axis=3)
            words += 1
        words //= 2
        numbers = yield from _add(me, numbers[..., :words], numbers[..., words:], (*path, fold))
        fold += 1
    shift = WORD_ROWS // 2
    while shift:
        numbers = yield from _add(me, numbers, numbers >> np.uint64(shift), (*path, fold))
        shift //= 2
        fold += 1
    # The other rows hold partial sums. Keeping one row of each share keeps that row of the value.
    return numbers[..., 0] & np.uint64(1)


def _add(me: ComputeParty, left: Shares, right: Shares, path: Path) -> Role[Shares]:
    _, bits, cells, words = left.shape
    circuit = adder(bits, "ripple" if cells * words > _FEW_WORDS else "prefix")
    flat = {
        "left": np.ascontiguousarray(left).reshape(2, bits, cells * words),
        "right": np.ascontiguousarray(right).reshape(2, bits, cells * words),
    }
    total = (yield from evaluate(circuit, me, flat, cells * words, path))["total"]
    return total.reshape(2, -1, cells, words)


def adder(bits: int, kind: Adder) -> Circuit:
    """Return a circuit that adds two numbers of ``bits`` bits."""
    builder = CircuitBuilder()
    arithmetic = Arithmetic(builder, kind)
    high = (1 << bits) - 1
    left, right = (Number(builder.input(name, bits), 0, high) for name in ("left", "right"))
    builder.output("total", arithmetic.add(left, right).wires)
    return builder.build()


def release_circuit(
    cells: Sequence[str], turns: Mapping[str, int], totals: Sequence[Sequence[str]], set_bits: int, min_group: int
) -> Circuit:
    """Return the circuit that turns exact counts into what may be released.

    Args:
        cells: names of the cells.
        turns: per partial count, as in ``NAME@TURN``, its bits; a cell is the sum of its partial counts.
        totals: per cell the inputs ``set/PARTY`` that are its totals; empty: the sum of all cells.
        set_bits: bits of a set size.
        min_group: g.

    Returns:
        Inputs: every partial count and every ``set/PARTY``. Outputs per cell: ``NAME/suppressed`` (1 bit) and
        ``NAME/quotient``, which is floor(c / g), or 0 where suppressed.
    """
    builder = CircuitBuilder()
    arithmetic = Arithmetic(builder, "prefix")
    partial = {name: Number(builder.input(name, bits), 0, (1 << bits) - 1) for name, bits in turns.items()}
    counts = [
        arithmetic.total([number for name, number in partial.items() if name.split("@")[0] == cell]) for cell in cells
    ]
    set_names = sorted({name for pair in totals for name in pair})
    sets = {name: Number(builder.input(name, set_bits), 0, (1 << set_bits) - 1) for name in set_names}
    group = arithmetic.constant(min_group)
    everyone = arithmetic.total(counts)
    for cell, count, against in zip(cells, counts, totals, strict=True):
        wholes = [sets[name] for name in against] or [everyone]
        small = [arithmetic.less_than(count, group)]
        small += [arithmetic.less_than(arithmetic.subtract(whole, count), group) for whole in wholes]
        suppressed = builder.any_(small)
        shown = builder.not_(suppressed)
        quotient = [builder.and_(shown, wire) for wire in _divide(builder, arithmetic, count, min_group)]
        builder.output(f"{cell}/suppressed", (suppressed,))
        builder.output(f"{cell}/quotient", quotient)
    return builder.build()


def release(count: int, totals: Sequence[int], min_group: int) -> int | None:
    """The plaintext twin: the released count, or None where it is suppressed."""
    if count < min_group or any(total - count < min_group for total in totals):
        return None
    return count // min_group * min_group


def _divide(builder: CircuitBuilder, arithmetic: Arithmetic, number: Number, divisor: int) -> list[Wire]:
    """Return floor(number / divisor), lowest bit first: schoolbook division by a public number."""
    quotient: list[Wire] = []
    rest = number
    for bit in reversed(range(max(1, bits_for(0, number.high // divisor)))):
        step = arithmetic.constant(divisor << bit)
        fits = builder.not_(arithmetic.less_than(rest, step))
        reduced = arithmetic.select(fits, arithmetic.subtract(rest, step), rest)
        # Whatever the ranges of the two branches say, the rest is below the step now.
        high = min(rest.high, (divisor << bit) - 1)
        rest = Number(reduced.wires[: bits_for(0, high)], 0, high)
        quotient.append(fits)
    return quotient[::-1]
