"""``psi-match page recipient`` and ``page login``: a recipient's own results in the browser, and the way in."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from psi_match.cli.options import Keys, keep_numba_quiet


def recipient(
    config: Annotated[Path, typer.Option("--config", help="The page's config file.")],
) -> None:
    """Show the results that your own node holds to your own people, until SIGTERM."""
    from psi_match.base.errors import ConfigError

    keep_numba_quiet()
    try:
        from psi_match.page.recipient_config import read_recipient_config
        from psi_match.page.recipient_server import serve
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"The page needs the package {missing.name}.", "Install it: pip install 'psi-match[page]'"
        ) from None
    from psi_match.node.logs import configure_logs

    configure_logs()
    serve(read_recipient_config(config))


def login(
    keys: Keys,
    url: Annotated[str, typer.Option("--url", help="Address of the page, as its config has it in public_url.")],
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=5, help="How long the link may be used.")] = 2,
) -> None:
    """Print a link that lets you into your recipient's page once. The private key stays here."""
    from psi_match.base.randomness import SystemRandomness
    from psi_match.node.certificates import OPERATOR, Credentials
    from psi_match.page.login_token import make_token, origin_of

    now, life = datetime.datetime.now(datetime.UTC), datetime.timedelta(minutes=minutes)
    token = make_token(Credentials.read(keys, OPERATOR), url, now, life, SystemRandomness())
    typer.echo(f"{origin_of(url)}/login#login={token}")
    typer.echo(f"Open it within {minutes} min. It works once; whoever has it is you, so send it to nobody.", err=True)
