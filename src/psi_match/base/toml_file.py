"""Read a TOML file into a pydantic model; an error names the key and the line, never a value."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from psi_match.base.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
_HEADER = re.compile(r"^\s*(\[\[?)([^\]]+)\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*(\.|=)""")

_MOST_SHOWN = 20
"""Problems of one file that an error tells of."""
_LONGEST_KEY = 200
_PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "string_pattern_mismatch": "has characters that are not allowed here",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "int_type": "must be a whole number",
}


def read_model(path: Path, model: type[Model], error: type[ConfigError] = ConfigError) -> Model:
    """Read and validate a TOML file.

    Args:
        path: the file.
        model: the pydantic model of its content.
        error: class of the error to raise.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or does not fit the model.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as cause:
        raise error(f"Cannot read {path}: {cause.strerror}.", "Check the path and the permissions.") from None
    except UnicodeDecodeError:
        raise error(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from None
    return parse_model(text, str(path), model, error)


def parse_model(text: str, name: str, model: type[Model], error: type[ConfigError] = ConfigError) -> Model:
    """Validate TOML text; ``name`` stands for the file in errors.

    Raises:
        ConfigError: the text is not TOML or does not fit the model.
    """
    problems: list[str] = []
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as cause:
        where = re.search(r"at line (\d+)", str(cause))
        problems = [f"{name}{f' line {where[1]}' if where else ''} is not valid TOML."]
    except ValidationError as cause:
        for problem in cause.errors(include_input=False, include_url=False)[:_MOST_SHOWN]:
            location = tuple(part for part in problem["loc"] if part not in _UNION_TAGS)
            key = _printable(".".join(str(part) for part in location)) or "the file"
            line = line_of(text, location)
            said = _PLAIN.get(problem["type"], problem["msg"].removeprefix("Value error, "))
            problems.append(f"{name}{f' line {line}' if line else ''}: {key} {said}.")
    except RecursionError:
        problems = [f"{name} is nested too deeply."]
    except ValueError:
        # Python reads no number of more than a few thousand digits.
        problems = [f"{name} holds a number that is too large."]
    # Raised here, outside the handlers: a library's error holds the value and must not travel along as context.
    more = f" And {len(problems) - 1} more: {' '.join(problems[1:])}" if len(problems) > 1 else ""
    raise error(problems[0] + more, "Compare it with the example in docs.")


_UNION_TAGS = frozenset(
    {"csv", "parquet", "sql", "file", "pkcs11", "threads", "dask"}
    | {"psi", "join", "members", "label", "signal", "statistics"}
)
"""Pydantic puts the tag of a tagged union into a location; it is not a key of the file."""


def _printable(key: str) -> str:
    """Return a key fit for a terminal: a file may come from somebody else."""
    return "".join(character for character in key[:_LONGEST_KEY] if character.isprintable())


def line_of(text: str, location: tuple[str | int, ...]) -> int | None:
    """Return the line of a key, or of the innermost table around it that is in the file.

    Args:
        text: TOML text, one key per line.
        location: keys and list positions from the root, as pydantic reports them.
    """
    here: tuple[str | int, ...] = ()
    tables: dict[tuple[str | int, ...], int] = {}
    best: tuple[int, int | None] = (0, None)
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            here = _table_path(header[2], header[1] == "[[", tables)
            found = here
        else:
            key = _KEY.match(line)
            if not key:
                continue
            found = (*here, key[1].strip("\"'"))
        if location[: len(found)] == found and len(found) > best[0]:
            best = (len(found), number)
    return best[1]


def _table_path(
    dotted: str,
    is_list: bool,
    counts: dict[tuple[str | int, ...], int],
) -> tuple[str | int, ...]:
    """Resolve ``[a.b]`` or ``[[a.b]]`` to a path with the current list positions in it."""
    path: tuple[str | int, ...] = ()
    names = [name.strip().strip("\"'") for name in dotted.split(".")]
    for depth, name in enumerate(names):
        path = (*path, name)
        if is_list and depth == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path
