"""The syntax tree of a predicate: what was written, with the position of each part for errors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """A whole number, or true or false."""

    value: int | bool
    at: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A named constant of the scenario."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Reference:
    """``party.present`` or ``party.column``, with the key column in brackets where one is named."""

    party: str
    column: str
    key: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or function with its operands: ``+ - neg < <= > >= == != and or not count sum if``."""

    name: str
    operands: tuple[Node, ...]
    at: int


Node = Literal | Constant | Reference | Operation
