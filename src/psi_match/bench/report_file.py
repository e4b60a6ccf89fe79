"""A report as a JSON file: written, and read again with every check."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from psi_match.base.errors import UsageError
from psi_match.bench.model import Report

FORMAT = 1
"""Goes up whenever a field changes its meaning."""
_DIGITS = 4
_LARGEST_BYTES = 64 << 20
_HINT = "It is what `psi-match bench ... --out DIR` writes as report.json, or prints with --json."


def as_json(report: Report) -> str:
    """Return a report as JSON text; seconds are rounded to a tenth of a millisecond."""
    document = {"format": FORMAT} | asdict(report)
    return json.dumps(_rounded(document), indent=2, ensure_ascii=False) + "\n"


def read_report(path: Path) -> Report:
    """Read a report.

    Raises:
        UsageError: the file cannot be read, is no report, or is one of another format version.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise UsageError(f"{path} is too large for a report of a bench.", _HINT)
        document = json.loads(path.read_bytes())
    except OSError as cause:
        raise UsageError(f"Cannot read {path}: {cause.strerror}.", _HINT) from None
    except ValueError:
        raise UsageError(f"{path} is no JSON.", _HINT) from None
    version = document.get("format") if isinstance(document, dict) else None
    if not isinstance(version, int):
        raise UsageError(f"{path} is no report of a bench.", _HINT)
    if version != FORMAT:
        raise UsageError(
            f"{path} is of format {version}; this version reads format {FORMAT}.",
            "Measure again, or read it with the version of psi-match that it names.",
        )
    try:
        report = _adapter().validate_python({name: value for name, value in document.items() if name != "format"})
    except ValidationError as cause:
        where = ".".join(str(part) for part in cause.errors()[0]["loc"])
        raise UsageError(f"{path} is no report of a bench: wrong at {where}.", _HINT) from None
    if any(not row.runs for row in report.rows):
        raise UsageError(f"{path} has a row without runs.", _HINT)
    return report


@cache
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


def _rounded(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value
