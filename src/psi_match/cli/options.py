"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of text for people.")]
Language = Annotated[
    str, typer.Option("--lang", help="Language of texts for people: nl or en.", envvar="PSI_MATCH_LANG")
]
NodeAddress = Annotated[str, typer.Option("--node", help="HOST:PORT of your own body's node.", envvar="PSI_MATCH_NODE")]
Keys = Annotated[
    Path,
    typer.Option(
        "--keys", help="Folder with ca.pem, operator.pem and operator.key.", envvar="PSI_MATCH_KEYS", show_default=False
    ),
]


def check_language(language: str) -> str:
    """Return ``nl`` or ``en``.

    Raises:
        UsageError: it is another language.
    """
    from psi_match.base.errors import UsageError

    if language not in {"nl", "en"}:
        raise UsageError("There is no such language.", "Choose --lang nl or --lang en.")
    return language


def keep_numba_quiet() -> None:
    """Give numba a private place for compiled kernels where the package folder cannot be written."""
    package = Path(__file__).parents[1]
    if not os.access(package, os.W_OK) and "NUMBA_CACHE_DIR" not in os.environ:
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "psi-match" / "numba"
        os.environ["NUMBA_CACHE_DIR"] = str(cache)
