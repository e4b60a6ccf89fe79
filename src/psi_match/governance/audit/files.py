"""The files of an audit log: ``000001.jsonl``, ``000002.jsonl`` and so on in one folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from psi_match.base.errors import AuditFailure, ConfigError
from psi_match.governance.audit.lines import (
    MAX_LINE_BYTES,
    Line,
    NotALineError,
    Opening,
    is_line_of,
    parse_line,
    parse_opening,
)

_FILE = re.compile(r"([0-9]{6})\.jsonl")
_SKIP_BYTES = 1 << 16


def file_name(number: int) -> str:
    """Return the name of the file with a number, from 1."""
    return f"{number:06}.jsonl"


def file_number(path: Path) -> int | None:
    """Return a file's number; None if it is named otherwise."""
    found = _FILE.fullmatch(path.name)
    return int(found[1]) if found else None


def log_files(folder: Path) -> list[Path]:
    """Return the log's files in a folder, in order."""
    return sorted(path for path in folder.iterdir() if file_number(path) is not None and path.is_file())


def files_at(path: Path) -> list[Path]:
    """Return the files of the log in a folder, or a file alone.

    Raises:
        ConfigError: there is none.
    """
    try:
        files = log_files(path) if path.is_dir() else [path] if path.is_file() else []
    except OSError as cause:
        raise ConfigError(f"Cannot read {path}: {cause.strerror}.", "Check the path and the permissions.") from None
    if not files:
        raise ConfigError(f"There is no audit log at {path}.", "Give the folder `audit` of a node, or a file of it.")
    return files


def raw_lines(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield each line of a file without its newline, cut after the longest that may be, and whether it had one.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            while content := file.readline(MAX_LINE_BYTES + 2):
                whole = content.endswith(b"\n")
                if not whole and len(content) > MAX_LINE_BYTES:
                    whole = _skip_line(file)
                yield content.removesuffix(b"\n"), whole
    except OSError as cause:
        raise ConfigError(f"Cannot read {path}: {cause.strerror}.", "Check the permissions.") from None


def _skip_line(file: BinaryIO) -> bool:
    """Read on to the end of a line; tell whether there is a newline."""
    while content := file.readline(_SKIP_BYTES):
        if content.endswith(b"\n"):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a file stands.

    Args:
        number: its number.
        opening: its first line.
        last: its last whole line.
        torn: what stands behind that.
    """

    number: int
    opening: Opening
    last: Line
    torn: bytes


def read_tail(path: Path) -> Tail:
    """Read the first and the last line of a file and check their signatures; the lines between are not read.

    Raises:
        AuditFailure: one of them is not in order.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        first = file.readline(MAX_LINE_BYTES + 2)
        size = file.seek(0, os.SEEK_END)
        # A whole line and a torn one, each with what ends the line before.
        file.seek(max(0, size - 2 * (MAX_LINE_BYTES + 1)))
        end = file.read()
    *whole, torn = end.split(b"\n")
    try:
        if not first.endswith(b"\n") or not whole or len(torn) > MAX_LINE_BYTES:
            raise NotALineError("no-opening")
        opening = parse_opening(first.removesuffix(b"\n"))
        last = parse_line(whole[-1])
    except NotALineError:
        raise _damaged(path) from None
    if not is_line_of(last, opening.log, opening.public_key):
        raise _damaged(path)
    return Tail(file_number(path) or 0, opening, last, torn)


def _damaged(path: Path) -> AuditFailure:
    return AuditFailure(
        f"The first or last line of {path} is not in order.", "See what is wrong: `psi-match audit verify`."
    )
