"""From the board to browsers: one ticker, a bounded queue per browser; a slow one gets a fresh start, no backlog."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from psi_match.page.board import Board

_TICK_S = 0.2
_QUEUE = 32
"""Updates that wait for one browser: some six seconds."""
_KEEP_ALIVE_S = 10.0


class Browser:
    """One live stream.

    Args:
        address: where the browser connects from.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.queue: asyncio.Queue[str | None] = asyncio.Queue(_QUEUE)
        self.behind = False

    def offer(self, text: str | None) -> None:
        """Queue a text; when there is no room drop all that waits, so that the browser begins anew."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.behind = True
            self.queue.put_nowait(text)


class Streams:
    """The live streams of all browsers.

    Args:
        board: what is told.
        most: streams at a time.
        most_per_address: of those, from one address.
    """

    def __init__(self, board: Board, most: int, most_per_address: int) -> None:
        self._board, self._most, self._most_per_address = board, most, most_per_address
        self._browsers: set[Browser] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._closed = False

    def reserve(self, address: str) -> Browser | None:
        """Take a place for a browser, which ``release`` gives back; None if there is none.

        In one go, on the event loop: two browsers that come together cannot take one place.
        """
        of_address = sum(browser.address == address for browser in self._browsers)
        if self._closed or len(self._browsers) >= self._most or of_address >= self._most_per_address:
            return None
        browser = Browser(address)
        self._browsers.add(browser)
        return browser

    def release(self, browser: Browser) -> None:
        """Give a place back."""
        self._browsers.discard(browser)

    def start(self) -> None:
        """Begin to tick; inside a running event loop."""
        self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """End all streams."""
        self.close()
        if self._ticker:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker

    def close(self) -> None:
        """Let every stream end, also those that a server still waits for at its shutdown."""
        self._closed = True
        for browser in self._browsers:
            browser.offer(None)

    async def follow(self, browser: Browser) -> AsyncIterator[str]:
        """Yield server-sent events: first everything, then what changes."""
        yield _event("snapshot", self._board.snapshot())
        while not self._closed:
            try:
                text = await asyncio.wait_for(browser.queue.get(), _KEEP_ALIVE_S)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if text is None:
                return
            if browser.behind:
                browser.behind = False
                yield _event("snapshot", self._board.snapshot())
                continue
            yield text

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            update = self._board.drain()
            if update is None or not self._browsers:
                continue
            text = _event("update", update)
            for browser in self._browsers:
                browser.offer(text)


def _event(name: str, content: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n"


class LiveResponse(StreamingResponse):
    """The answer to a browser that has a place, which it gives back also if the browser left before the first event.

    Args:
        streams: where the place is.
        browser: who has it.
    """

    def __init__(self, streams: Streams, browser: Browser) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(streams.follow(browser), media_type="text/event-stream", headers=headers)
        self._streams, self._browser = streams, browser

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then give the place back."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.release(self._browser)
