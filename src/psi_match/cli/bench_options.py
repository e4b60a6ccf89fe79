"""Options that the suites of ``psi-match bench`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Runs = Annotated[int, typer.Option("--runs", min=1, help="Timed runs of each contender.")]
WarmUp = Annotated[bool, typer.Option(help="Do one run first that does not count.")]
Net = Annotated[
    str, typer.Option("--net", help="Network between the nodes: loopback, or as root lan, wan or wan-slow.")
]
Peers = Annotated[
    str, typer.Option("--peers", help="Other programs beside ours, NAME,NAME; `make peers` installs them.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Write report.json, tables and charts into this new folder.")]
JoinEngines = Annotated[list[str] | None, typer.Option("--engine", help="kkrt, vole or auto; repeat.")]
Adder = Annotated[str, typer.Option("--adder", help="ripple (fewest bytes) or prefix (fewest rounds).")]
DEFAULT_SIZE = ["2^20"]


def named(peers: str) -> list[str]:
    """Return the names in a list with commas."""
    return list(dict.fromkeys(name.strip() for name in peers.split(",") if name.strip()))


def check_adder(adder: str) -> None:
    """Refuse what is no adder.

    Raises:
        UsageError: there is none of that name.
    """
    from psi_match.base.errors import UsageError
    from psi_match.protocols.integers import ADDERS

    if adder and adder not in ADDERS:
        raise UsageError(f"There is no adder named {adder}.", f"Choose from {', '.join(ADDERS)}.")
