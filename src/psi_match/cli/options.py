"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of text for people.")]
Language = Annotated[
    str, typer.Option("--lang", help="Language of texts for people: nl or en.", envvar="PSI_MATCH_LANG")
]
LEADER = "{leader}"
"""What ``run`` replaces by the party that leads the scenario: for a demo, where one person plays every operator."""


def _of_one_node(value: Any) -> Any:  # noqa: ANN401
    """Refuse a template where no scenario says whose node is meant: the environment may hold one for ``run``."""
    from psi_match.base.errors import UsageError

    if LEADER in str(value):
        raise UsageError(
            f"{value} names no node: only `psi-match run` knows a scenario, and so its leader.",
            "Say which node with --node, and with whose keys with --keys.",
        )
    return value


_NODE_HELP, _KEYS_HELP = "HOST:PORT of your own body's node", "Folder with ca.pem, operator.pem and operator.key"
_OF_LEADER = f"; {LEADER} stands for the party that leads the scenario."
NodeAddress = Annotated[
    str, typer.Option("--node", help=f"{_NODE_HELP}.", envvar="PSI_MATCH_NODE", callback=_of_one_node)
]
Keys = Annotated[
    Path,
    typer.Option("--keys", help=f"{_KEYS_HELP}.", envvar="PSI_MATCH_KEYS", show_default=False, callback=_of_one_node),
]
LeaderNodeAddress = Annotated[str, typer.Option("--node", help=_NODE_HELP + _OF_LEADER, envvar="PSI_MATCH_NODE")]
LeaderKeys = Annotated[
    Path, typer.Option("--keys", help=_KEYS_HELP + _OF_LEADER, envvar="PSI_MATCH_KEYS", show_default=False)
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
