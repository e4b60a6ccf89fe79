"""A node's logs: structlog, coloured on a terminal and JSON lines off it, to stderr.

What may be logged is decided where it is logged: counts, sizes, names, digests, sentences of errors. As a second fence,
a processor drops whatever is not plain text, number or a list of names, and masks every run of seven or more digits.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_LONG_NUMBER = re.compile(r"\d{7,}")
_HEXADECIMAL = ("run", "commitment", "digest", "serial")
"""Fields that hold hexadecimal identifiers, in which a run of digits means nothing."""


def _fence(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    return {key: value if key in {"timestamp", *_HEXADECIMAL} else _plain(value) for key, value in event.items()}


def _plain(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value if abs(value) < 10**7 else "[number]"
    if isinstance(value, str):
        return _LONG_NUMBER.sub("[number]", value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return f"[{type(value).__name__}]"


def configure_logs(*, verbose: bool = False) -> None:
    """Set up logging for a node process."""
    on_terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _fence,
            structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
