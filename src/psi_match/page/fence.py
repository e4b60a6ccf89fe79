"""What stands around every request to a page: known hosts, own forms only, small bodies, no inline script or style.

The main page and a recipient's page share it; they differ in what ``Fence`` is given.

An error shows its kind and nothing else, in the page and in the log: its text could hold a value.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

import structlog

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
LIVE_CONTENT_POLICY = f"{_CONTENT_POLICY}; connect-src 'self'"
"""Of a page whose own script asks its server for more."""
_HEADERS = {
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # Not no-referrer: browsers then hide the origin of our own forms from us.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex, nofollow",
}


class Fence:
    """ASGI middleware.

    Args:
        app: what is inside.
        public_url: origin where browsers reach it.
        health_path: answered under any host name, for a container's health check.
        most_body_bytes: largest body of a request, also of one that does not say how long it is.
        hosts: further values of ``Host`` that are answered; no other is, which stops DNS rebinding.
        content_policy: of answers without one of their own.
        own_headers: headers that an answer may set for itself.
    """

    def __init__(
        self,
        app: App,
        public_url: str,
        *,
        health_path: str,
        most_body_bytes: int,
        hosts: Collection[str] = (),
        content_policy: str = _CONTENT_POLICY,
        own_headers: Collection[str] = (),
    ) -> None:
        self._app, self._health_path, self._most, self._own = app, health_path, most_body_bytes, frozenset(own_headers)
        scheme, host = public_url.split("://", 1)
        self._hosts = {host, *hosts}
        self._origins = {f"{scheme}://{each}" for each in self._hosts}
        self._headers = _HEADERS | {"content-security-policy": content_policy}
        if scheme == "https":
            self._headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        started = False

        async def guarded_send(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = [(name.decode("latin-1").lower(), name, value) for name, value in message["headers"]]
                kept = {lower for lower, _, _ in given} & self._own
                message["headers"] = [
                    *((name, value) for lower, name, value in given if lower in kept or lower not in self._headers),
                    *((name.encode(), value.encode()) for name, value in self._headers.items() if name not in kept),
                ]
            await send(message)

        problem = self._problem(scope)
        if problem:
            await _plain(guarded_send, *problem)
            return
        if scope["method"] == "POST":
            body = await _whole_body(receive, self._most)
            if body is None:
                await _plain(guarded_send, 413, "Te groot. / Too large.")
                return
            receive = _with_body(body, receive)
        try:
            await self._app(scope, receive, guarded_send)
        except Exception as error:  # the text could hold a value  # noqa: BLE001
            structlog.get_logger().error("a defect of psi-match", error=type(error).__name__)
            if not started:
                await _plain(guarded_send, 500, "Er ging iets mis. / Something went wrong.")

    def _problem(self, scope: Scope) -> tuple[int, str] | None:
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [value.lower() for name, value in headers if name == "host"]
        if scope["path"] != self._health_path and not (len(hosts) == 1 and hosts[0] in self._hosts):
            return 421, "Dit adres hoort niet bij deze pagina. / This address is not that of this page."
        if scope["method"] not in {"GET", "HEAD", "POST"}:
            return 405, "Not allowed."
        lengths = [value for name, value in headers if name == "content-length"]
        if any(not length.isdecimal() or int(length) > self._most for length in lengths):
            return 413, "Te groot. / Too large."
        if scope["method"] == "POST":
            # A form of another site carries that site's origin; SameSite cookies would not come along either.
            origins = [value for name, value in headers if name == "origin"]
            sites = [value for name, value in headers if name == "sec-fetch-site"]
            if not (len(origins) == 1 and origins[0] in self._origins) or any(
                site not in {"same-origin", "none"} for site in sites
            ):
                return 403, "Dit formulier kwam van een andere pagina. / This form came from another page."
        return None


async def _whole_body(receive: Receive, most: int) -> bytes | None:
    """Return the body of a request; None if it is larger than allowed or the browser has gone."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return body


def _with_body(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives a body that has been read, and then what comes after it."""
    given = False

    async def once() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


class FormTokens:
    """Tokens that bind a form to the browser that it was made for: an HMAC of a random cookie.

    Args:
        public_url: origin of the page. Ports do not keep cookies apart, so the cookie's name holds it.
    """

    def __init__(self, public_url: str) -> None:
        self._key = secrets.token_bytes(32)
        self.cookie_name = cookie_name("psi-match-form", public_url)

    def cookie(self, present: str | None) -> str:
        """Return the browser's cookie, a new one if it has none."""
        return present if present and len(present) == 43 else secrets.token_urlsafe(32)

    def token(self, cookie: str) -> str:
        """Return what a form of this browser must carry."""
        return hmac.new(self._key, cookie.encode(), hashlib.sha256).hexdigest()

    def fits(self, cookie: str | None, token: str) -> bool:
        """Tell whether a form's token is that of the browser."""
        return bool(cookie) and hmac.compare_digest(self.token(cookie or "").encode(), token.encode())


def cookie_name(name: str, public_url: str) -> str:
    """Return the name of a cookie of a page: with its port, and over TLS one that no other host can set."""
    scheme, host = public_url.split("://", 1)
    port = re.search(r":(\d+)$", host)
    return ("__Host-" if scheme == "https" else "") + name + (f"-{port[1]}" if port else "")


async def _plain(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
