"""``psi-match page serve`` and ``page demo``: what happens between the nodes, in the browser."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from psi_match.cli import page_recipient
from psi_match.cli.options import Language, check_language, keep_numba_quiet

app = typer.Typer(help="Show in the browser what happens between the nodes.", no_args_is_help=True)
app.command("recipient")(page_recipient.recipient)
app.command("login")(page_recipient.login)

_STAGES = {
    "population": ("bevolking maken", "make a population"),
    "evaluation": ("de waarheid ervan uitrekenen", "work out its truth"),
    "kernels": ("rekenkernen laden", "load kernels"),
    "nodes": ("nodes starten", "start nodes"),
    "page": ("pagina starten", "start the page"),
}


@app.command("serve")
def serve(config: Annotated[Path, typer.Option("--config", help="The page's config file.")]) -> None:
    """Serve the page until SIGTERM. Everything is checked before it listens."""
    keep_numba_quiet()
    with _page_installed():
        from psi_match.page.config import read_page_config
        from psi_match.page.server import serve as serve_page
    from psi_match.node.logs import configure_logs

    configure_logs()
    serve_page(read_page_config(config))


@app.command("demo")
def demo(
    persons: Annotated[
        int, typer.Option("--persons", min=1000, help="Residents of the synthetic population.")
    ] = 100_000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the population.")] = 1,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on loopback; 0 picks a free one.")] = 8080,
    out: Annotated[
        Path | None, typer.Option("--out", help="Keep population, keys, logs and results in this new folder.")
    ] = None,
    language: Language = "nl",
) -> None:
    """Make a population, start all nodes on this machine, and serve the pages until Ctrl-C. For demonstrations."""
    from psi_match.base.errors import UsageError

    english = check_language(language) == "en"
    if out and out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty.", "Choose a new folder for --out.")
    keep_numba_quiet()
    with _page_installed():
        from psi_match.page.demo import RECIPIENT, demonstration
        from psi_match.page.server import serve as serve_page
    from psi_match.node.logs import configure_logs

    configure_logs()
    # Also when told to stop while it starts: nodes are never left behind.
    signal.signal(signal.SIGTERM, _interrupted)
    with tempfile.TemporaryDirectory(prefix="psi-match-page-") as temporary:
        folder = (out or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)

        def stage(name: str) -> None:
            sys.stderr.write(f"- {_STAGES[name][english]}\n")

        with demonstration(folder, persons, seed, port, stage) as (config, recipient_url):
            url = config.public_url + ("/?lang=en" if english else "/")
            keys = folder / "keys" / RECIPIENT
            text = (
                f"\nOpen {url}\nThe recipient's own page: {recipient_url}\n"
                f"  log in: psi-match page login --keys {keys} --url {recipient_url}\nStop: Ctrl-C\n\n"
                if english
                else f"\nOpen {url}\nDe eigen pagina van de ontvanger: {recipient_url}\n"
                f"  inloggen: psi-match page login --keys {keys} --url {recipient_url}\nStoppen: Ctrl-C\n\n"
            )

            def announce() -> None:
                sys.stdout.write(text)
                sys.stdout.flush()

            serve_page(config, announce)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _page_installed() -> Iterator[None]:
    """Say what to install where the packages of the page are missing."""
    from psi_match.base.errors import ConfigError

    missing = ""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("psi_match"):
            raise
    if missing:
        raise ConfigError(f"The page needs the package {missing}.", "Install it: pip install 'psi-match[page]'")
