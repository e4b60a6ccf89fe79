"""Serve a recipient's page until told to stop."""

from __future__ import annotations

import datetime
import signal

import structlog
import uvicorn

from psi_match.base.errors import ConfigError
from psi_match.node.certificates import EXPIRES_SOON_DAYS, OPERATOR, LiveCredentials
from psi_match.node.operator_client import OperatorClient
from psi_match.node.revocation import RevocationList, revoked_serials
from psi_match.page.fence import App
from psi_match.page.login import LoginCheck
from psi_match.page.recipient import create_app
from psi_match.page.recipient_config import RecipientConfig
from psi_match.page.recipient_results import OwnNode

_STOP_WAIT_S = 5
_MOST_CONNECTIONS = 200


def build_app(config: RecipientConfig) -> App:
    """Return the page for a config. Certificates and lists are read anew at each use, so they change without a restart.

    Raises:
        ConfigError: certificate, revocation list or scenarios are not usable.
    """
    live = LiveCredentials(config.keys.directory, OPERATOR)
    revoked_serials(config.revoked_path)
    now = datetime.datetime.now(datetime.UTC)
    days_left = live.current().days_left(now)
    if days_left < EXPIRES_SOON_DAYS:
        structlog.get_logger().warning("certificate expires soon", days_left=days_left)
    check = LoginCheck(
        config.party,
        config.public_url,
        lambda: config.people or (live.current().identity.name,),
        lambda: live.current().authority,
        RevocationList(config.revoked_path),
        lambda: datetime.datetime.now(datetime.UTC),
    )
    return create_app(config, OwnNode(lambda: OperatorClient(config.node, live.current())), check)


def make_server(config: RecipientConfig) -> uvicorn.Server:
    """Return the server for a config; it does not listen yet.

    Raises:
        ConfigError: as ``build_app``.
    """
    host, _, port = config.listen.rpartition(":")
    return uvicorn.Server(
        uvicorn.Config(
            build_app(config),
            host=host.strip("[]"),
            port=int(port),
            # Addresses of pages hold run ids and nothing else, but who looked when is for the audit log.
            access_log=False,
            log_config=None,
            log_level="critical",
            server_header=False,
            # Who asks is who connects: a header that anybody can write is not believed.
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_STOP_WAIT_S,
            ssl_certfile=config.tls.certificate if config.tls else None,
            ssl_keyfile=config.tls.key if config.tls else None,
        )
    )


def serve(config: RecipientConfig) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigError: something in the config is not usable, or the address is taken.
    """
    server = make_server(config)
    structlog.get_logger().info(
        "recipient page serves", party=config.party, listen=config.listen, public_url=config.public_url
    )
    # uvicorn sends a signal that it has obeyed once more when it is done; the end then is none of an error.
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        server.run()
    except (OSError, SystemExit):
        # uvicorn ends the process itself where it cannot listen; its reason is on no log of ours.
        raise ConfigError(f"Cannot listen on {config.listen}.", "Check the address, and the files of [tls].") from None
    if not server.started:
        raise ConfigError(f"Cannot listen on {config.listen}.", "Check that the address is free.")
    structlog.get_logger().info("recipient page stopped", party=config.party)
