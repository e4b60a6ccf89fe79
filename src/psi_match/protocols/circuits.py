"""Boolean circuits: built gate by gate, levelled by AND depth, evaluated on 64 rows per machine word.

A circuit describes what is computed on *one* row; every wire is evaluated for all rows at once, as a *plane* of
packed bits. XOR and NOT are free for parties that hold shares, an AND costs a message; gates are therefore grouped in
levels of equal AND depth, and all ANDs of a level go in one message. Gates with a constant input are folded away, and
equal gates are built once.

Reveals:
    Nothing: a circuit is public, it is compiled from the signed scenario.

Source:
    Goldreich, Micali, Wigderson (STOC 1987) for evaluation by XOR and AND on shares; levels by AND depth as in every
    later implementation of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from psi_match.protocols.sizes import FRAME_PAYLOAD_BYTES, chunks

Wire = int
Planes = NDArray[np.uint64]
"""(bits, words): bit plane b of rows 64 w to 64 w + 63 is ``planes[b, w]``, row 64 w in the lowest bit."""

ZERO: Wire = -1
ONE: Wire = -2
"""Constant wires; no gate ever has one as an input."""

INPUT, XOR, NOT, AND = range(4)
WORD_ROWS = 64
COMPUTE_PARTIES = 3
"""Who evaluates a circuit on shares."""

LARGEST_STEP_WORDS = 1 << 14
"""Words of each plane that are evaluated at a time; a wire then takes 256 KB."""


@dataclass(frozen=True, slots=True)
class Field:
    """A named group of wires: an input or an output, lowest bit first."""

    name: str
    wires: tuple[Wire, ...]

    @property
    def bits(self) -> int:
        """Number of wires."""
        return len(self.wires)


@dataclass(frozen=True, slots=True)
class Level:
    """Gates of one AND depth: first the free ones, in order, then all ANDs at once.

    Args:
        free: (n, 4) operation, result slot, left slot, right slot.
        ands: (m, 3) result slot, left slot, right slot.
    """

    free: NDArray[np.int32]
    ands: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A circuit ready to run: slots of memory are reused when no later gate reads them.

    Args:
        slots: planes of memory that an evaluation needs.
        inputs: slot of every input wire, per input field.
        levels: the gates.
        outputs: slot of every output wire, per output field; ``ZERO`` or ``ONE`` for constants.
    """

    slots: int
    inputs: Mapping[str, tuple[int, ...]]
    levels: tuple[Level, ...]
    outputs: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Circuit:
    """A finished circuit.

    Args:
        operations: operation of every wire.
        left: first input wire of every gate.
        right: second input wire of every XOR and AND.
        inputs: input fields, in the order in which they were declared.
        outputs: output fields.
    """

    operations: tuple[int, ...]
    left: tuple[Wire, ...]
    right: tuple[Wire, ...]
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]

    @property
    def and_gates(self) -> int:
        """ANDs that are evaluated: those on which an output depends."""
        return sum(len(level.ands) for level in self.schedule.levels)

    @property
    def depth(self) -> int:
        """Rounds of communication that an evaluation takes."""
        return sum(len(level.ands) > 0 for level in self.schedule.levels)

    @property
    def widest_level(self) -> int:
        """Most ANDs of one level: what bounds the size of a message."""
        return max((len(level.ands) for level in self.schedule.levels), default=0)

    def input_bits(self) -> dict[str, int]:
        """Return the width of every input field."""
        return {field.name: field.bits for field in self.inputs}

    def output_bits(self) -> dict[str, int]:
        """Return the width of every output field."""
        return {field.name: field.bits for field in self.outputs}

    @cached_property
    def schedule(self) -> Schedule:
        """The gates that outputs depend on, in levels, with slots of memory."""
        return _schedule(self)

    def evaluate(self, inputs: Mapping[str, Planes]) -> dict[str, Planes]:
        """The plaintext twin: evaluate on bits that are not shared.

        Args:
            inputs: (bits, words) planes of every input field.

        Returns:
            (bits, words) planes of every output field.
        """
        words = next(iter(inputs.values())).shape[1]
        values: list[NDArray[np.uint64]] = []
        planes = {wire: inputs[field.name][bit] for field in self.inputs for bit, wire in enumerate(field.wires)}
        for wire, operation in enumerate(self.operations):
            match operation:
                case 0:  # INPUT
                    values.append(planes[wire])
                case 1:  # XOR
                    values.append(values[self.left[wire]] ^ values[self.right[wire]])
                case 2:  # NOT
                    values.append(~values[self.left[wire]])
                case _:  # AND
                    values.append(values[self.left[wire]] & values[self.right[wire]])
        constants = {ZERO: np.zeros(words, np.uint64), ONE: ~np.zeros(words, np.uint64)}
        return {
            field.name: np.array(
                [constants[wire] if wire < 0 else values[wire] for wire in field.wires], dtype=np.uint64
            ).reshape(field.bits, words)
            for field in self.outputs
        }


class CircuitBuilder:
    """Builds a circuit: declare inputs, combine wires, name outputs, ``build``."""

    def __init__(self) -> None:
        self._operations: list[int] = []
        self._left: list[Wire] = []
        self._right: list[Wire] = []
        self._known: dict[tuple[int, Wire, Wire], Wire] = {}
        self._inputs: list[Field] = []
        self._outputs: list[Field] = []

    def input(self, name: str, bits: int) -> tuple[Wire, ...]:
        """Declare an input field and return its wires, lowest bit first.

        Raises:
            ValueError: the name is taken.
        """
        if name in {field.name for field in self._inputs}:
            raise ValueError(f"input {name} exists")
        wires = tuple(self._append(INPUT, ZERO, ZERO) for _ in range(bits))
        self._inputs.append(Field(name, wires))
        return wires

    def output(self, name: str, wires: Sequence[Wire]) -> None:
        """Name an output field, lowest bit first.

        Raises:
            ValueError: the name is taken.
        """
        if name in {field.name for field in self._outputs}:
            raise ValueError(f"output {name} exists")
        self._outputs.append(Field(name, tuple(wires)))

    def build(self) -> Circuit:
        """Return the circuit."""
        return Circuit(
            tuple(self._operations),
            tuple(self._left),
            tuple(self._right),
            tuple(self._inputs),
            tuple(self._outputs),
        )

    def xor(self, left: Wire, right: Wire) -> Wire:
        """Return left XOR right."""
        left, right = min(left, right), max(left, right)
        if left == right:
            return ZERO
        if left < 0:
            if right < 0:
                return ONE
            return right if left == ZERO else self.not_(right)
        # NOT is pushed outwards, so that equal gates are recognised.
        inverted = False
        if self._operations[left] == NOT:
            left, inverted = self._left[left], not inverted
        if self._operations[right] == NOT:
            right, inverted = self._left[right], not inverted
        if left == right:
            return ONE if inverted else ZERO
        wire = self._gate(XOR, min(left, right), max(left, right))
        return self.not_(wire) if inverted else wire

    def not_(self, wire: Wire) -> Wire:
        """Return NOT wire."""
        if wire < 0:
            return ONE if wire == ZERO else ZERO
        if self._operations[wire] == NOT:
            return self._left[wire]
        return self._gate(NOT, wire, ZERO)

    def and_(self, left: Wire, right: Wire) -> Wire:
        """Return left AND right."""
        left, right = min(left, right), max(left, right)
        if ZERO in {left, right}:
            return ZERO
        if left == ONE:
            return right
        if left == right:
            return left
        if self.not_(left) == right:
            return ZERO
        return self._gate(AND, left, right)

    def or_(self, left: Wire, right: Wire) -> Wire:
        """Return left OR right."""
        return self.not_(self.and_(self.not_(left), self.not_(right)))

    def all_(self, wires: Sequence[Wire]) -> Wire:
        """Return the AND of all wires, as a tree; ONE of none."""
        return self._tree(self.and_, list(wires), ONE)

    def any_(self, wires: Sequence[Wire]) -> Wire:
        """Return the OR of all wires, as a tree; ZERO of none."""
        return self.not_(self.all_([self.not_(wire) for wire in wires]))

    def select(self, condition: Wire, then: Wire, otherwise: Wire) -> Wire:
        """Return ``then`` where the condition holds, else ``otherwise``: one AND."""
        return self.xor(self.and_(condition, self.xor(then, otherwise)), otherwise)

    def majority(self, first: Wire, second: Wire, third: Wire) -> Wire:
        """Return the majority of three wires, the carry of a full adder: one AND."""
        return self.xor(self.and_(self.xor(first, third), self.xor(second, third)), third)

    def _tree(self, combine: Callable[[Wire, Wire], Wire], wires: list[Wire], empty: Wire) -> Wire:
        while len(wires) > 1:
            pairs = [combine(wires[i], wires[i + 1]) for i in range(0, len(wires) - 1, 2)]
            wires = pairs + wires[2 * len(pairs) :]
        return wires[0] if wires else empty

    def _gate(self, operation: int, left: Wire, right: Wire) -> Wire:
        key = (operation, left, right)
        if key not in self._known:
            self._known[key] = self._append(operation, left, right)
        return self._known[key]

    def _append(self, operation: int, left: Wire, right: Wire) -> Wire:
        self._operations.append(operation)
        self._left.append(left)
        self._right.append(right)
        return len(self._operations) - 1


def _needed(circuit: Circuit) -> list[bool]:
    """Tell of each wire whether an output depends on it."""
    needed = [False] * len(circuit.operations)
    for field in circuit.outputs:
        for wire in field.wires:
            if wire >= 0:
                needed[wire] = True
    for wire in reversed(range(len(needed))):
        if needed[wire] and circuit.operations[wire] != INPUT:
            needed[circuit.left[wire]] = True
            if circuit.operations[wire] != NOT:
                needed[circuit.right[wire]] = True
    return needed


def _operands(circuit: Circuit, wire: Wire) -> tuple[Wire, ...]:
    match circuit.operations[wire]:
        case 0:  # INPUT
            return ()
        case 2:  # NOT
            return (circuit.left[wire],)
        case _:
            return (circuit.left[wire], circuit.right[wire])


def _schedule(circuit: Circuit) -> Schedule:
    needed = _needed(circuit)
    depth = [0] * len(needed)
    for wire, operation in enumerate(circuit.operations):
        below = max((depth[operand] for operand in _operands(circuit, wire)), default=0)
        depth[wire] = below + (operation == AND)
    last_level = max((depth[w] for w in range(len(needed)) if needed[w]), default=0)
    free_gates: list[list[Wire]] = [[] for _ in range(last_level + 1)]
    and_gates: list[list[Wire]] = [[] for _ in range(last_level + 1)]
    for wire, operation in enumerate(circuit.operations):
        if needed[wire] and operation in {XOR, NOT}:
            free_gates[depth[wire]].append(wire)
        elif needed[wire] and operation == AND:
            and_gates[depth[wire] - 1].append(wire)
    # The level at which a wire is read for the last time: the slot is free after it.
    last_read = [-1] * len(needed)
    for level in range(last_level + 1):
        for wire in free_gates[level] + and_gates[level]:
            for operand in _operands(circuit, wire):
                last_read[operand] = level
    for field in circuit.outputs:
        for wire in field.wires:
            if wire >= 0:
                last_read[wire] = last_level + 1
    return _allocate(circuit, free_gates, and_gates, last_read)


def _allocate(
    circuit: Circuit, free_gates: list[list[Wire]], and_gates: list[list[Wire]], last_read: list[int]
) -> Schedule:
    slot: dict[Wire, int] = {}
    unused: list[int] = []
    slots = 0

    def take(wire: Wire) -> int:
        nonlocal slots
        if unused:
            slot[wire] = unused.pop()
        else:
            slot[wire] = slots
            slots += 1
        return slot[wire]

    inputs = {field.name: tuple(take(wire) for wire in field.wires) for field in circuit.inputs}
    levels = []
    held = [wire for field in circuit.inputs for wire in field.wires]
    for level, (free, ands) in enumerate(zip(free_gates, and_gates, strict=True)):
        free_rows = [
            (circuit.operations[w], take(w), slot[circuit.left[w]], slot.get(circuit.right[w], 0)) for w in free
        ]
        and_rows = [(take(w), slot[circuit.left[w]], slot[circuit.right[w]]) for w in ands]
        levels.append(
            Level(np.array(free_rows, dtype=np.int32).reshape(-1, 4), np.array(and_rows, dtype=np.int32).reshape(-1, 3))
        )
        held += free + ands
        unused += [slot[wire] for wire in held if last_read[wire] <= level]
        held = [wire for wire in held if last_read[wire] > level]
    outputs = {
        field.name: tuple(slot[wire] if wire >= 0 else wire for wire in field.wires) for field in circuit.outputs
    }
    return Schedule(slots, inputs, tuple(levels), outputs)


def words_for(rows: int) -> int:
    """Return the words that hold one bit of each of ``rows`` rows."""
    return -(-rows // WORD_ROWS)


def evaluate_messages(circuit: Circuit, words: int) -> int:
    """Return how many messages each compute party sends in an evaluation: for progress displays."""
    return circuit.depth * len(chunks(words, step_words(circuit)))


def step_words(circuit: Circuit) -> int:
    """Return the words per plane that are evaluated at a time: the widest level must fit one frame."""
    return max(1, min(LARGEST_STEP_WORDS, FRAME_PAYLOAD_BYTES // (8 * max(1, circuit.widest_level))))
