"""Numbers and sentences for people: separators of the language, units, and numbers put into sentences."""

from __future__ import annotations

import math
from string import Formatter

from psi_match.report.model import Inline, Number, Parts, Source, SourceKind, Unit
from psi_match.scenario.model import Text

_MB = 1_000_000
_KB = 1_000
_Z95 = 1.959963984540054
"""Quantile of the normal distribution for an interval of 95 %."""


def grouped(value: float, decimals: int, language: str) -> str:
    """Return 1234.5 as ``1.234,5`` in Dutch and ``1,234.5`` in English."""
    text = f"{value:,.{decimals}f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def shown(number: Number, language: str) -> str:
    """Return a number as people read it, with its unit."""
    value = number.value
    match number.unit:
        case "count" | "bytes":
            return grouped(value, 0, language)
        case "megabytes":
            return _bytes(value, language)
        case "seconds":
            return f"{grouped(value, 2 if value >= 1 else 3, language)}\u00a0s"
        case "share":
            return f"{grouped(100 * value, 1, language)}%"
        case "cents":
            return f"€\u00a0{grouped(value / 100, 0 if value % 100 == 0 else 2, language)}"
        case "small":
            return grouped(value, 2, language)
        case "plain":
            return str(value)


def _bytes(value: float, language: str) -> str:
    if value >= _MB / 10:
        return f"{grouped(value / _MB, 2, language)}\u00a0MB"
    return (
        f"{grouped(value / _KB, 1, language)}\u00a0kB" if value >= _KB else f"{grouped(value, 0, language)}\u00a0bytes"
    )


def plain(parts: Parts, language: str) -> str:
    """Return a sentence as text."""
    return "".join(part if isinstance(part, str) else shown(part, language) for part in parts)


def fill(text: Text, language: str, **values: Inline | Parts) -> Parts:
    """Put values into a text at ``{name}``.

    A value is never read as a template again: a brace in it stays one.

    Raises:
        KeyError: the text names a value that is not there.
    """
    parts: list[Inline] = []
    for literal, name, _spec, _conversion in Formatter().parse(text.in_language(language)):
        if literal:
            parts.append(literal)
        if name is not None:
            value = values[name]
            parts += value if isinstance(value, tuple) else [value]
    return tuple(parts)


def joined(items: list[Parts], separator: str) -> Parts:
    """Return sentences with a separator between them."""
    parts: list[Inline] = []
    for item in items:
        parts += [separator, *item] if parts else item
    return tuple(parts)


def number(value: float, unit: Unit, kind: SourceKind, field: str, party: str = "") -> Number:
    """Return a number with its source."""
    return Number(value, unit, Source(kind, field, party))


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, after Wilson (1927).

    Args:
        hits: how many of them.
        total: at least 1.
    """
    share = hits / total
    spread = _Z95 * math.sqrt(share * (1 - share) / total + _Z95**2 / (4 * total**2))
    middle = share + _Z95**2 / (2 * total)
    scale = 1 + _Z95**2 / total
    # At 0 and at 1 the bound is exactly that, but for rounding.
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
