"""Serve the page until told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import structlog
import uvicorn

from psi_match.base.errors import ConfigError
from psi_match.page.app import create_app, make_context
from psi_match.page.config import PageConfig
from psi_match.page.streaming import Streams

_STOP_WAIT_S = 5
_SPARE_CONNECTIONS = 100


class _Server(uvicorn.Server):
    """A server that ends live streams when it is told to stop: else it would wait for browsers that stay."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._streams.close()
        super().handle_exit(sig, frame)


def serve(config: PageConfig, on_ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        config: validated config.
        on_ready: called once the page answers.

    Raises:
        PsiMatchError: something in the config is not usable, or the address is taken.
    """
    context = make_context(config)
    app = create_app(context)
    host, _, port = config.listen.rpartition(":")
    settings = uvicorn.Config(
        app,
        host=host.strip("[]"),
        port=int(port),
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        # Who asks is who connects: a header that anybody can write is not believed.
        proxy_headers=False,
        limit_concurrency=config.limits.browsers + _SPARE_CONNECTIONS,
        timeout_graceful_shutdown=_STOP_WAIT_S,
    )
    server = _Server(settings, context.streams)
    ready = threading.Thread(target=_announce, args=(server, on_ready), daemon=True)
    ready.start()
    structlog.get_logger().info(
        "page serves", listen=config.listen, public_url=config.public_url, nodes=len(config.nodes)
    )
    taken = ConfigError(f"Cannot listen on {config.listen}.", "Check that the address is free.")
    try:
        with _ending_by_signal():
            server.run()
    except (OSError, SystemExit):
        # uvicorn ends the process itself where it cannot listen.
        raise taken from None
    if not server.started:
        raise taken
    structlog.get_logger().info("page stopped")


@contextmanager
def _ending_by_signal() -> Iterator[None]:
    """Let the server end as asked: it raises the signal that ended it once more, which would end the process."""
    before = {number: signal.signal(number, _ignored) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignored(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: the server has stopped already."""


def _announce(server: uvicorn.Server, on_ready: Callable[[], None]) -> None:
    wait = threading.Event()
    while not server.started and not server.should_exit:
        wait.wait(0.05)
    if server.started:
        on_ready()
