"""Who is in: sessions in memory, bounded in number and in time, and a limit on attempts to get in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from psi_match.page.login import Person

_SECRET_BYTES = 32


@dataclass(slots=True, repr=False)
class Session:
    """Somebody who is in.

    Args:
        person: who.
        began: when, by a clock that never goes back.
        seen: when they last asked for something.
        key: secret of this session; tells a page whether a result is still the one that it showed.
    """

    person: Person
    began: float
    seen: float
    key: bytes = field(default_factory=lambda: secrets.token_bytes(_SECRET_BYTES))

    def __repr__(self) -> str:
        return f"Session({self.person.identity.uri})"


class Sessions:
    """Sessions by the secret in the browser's cookie. Only the secret's hash is kept.

    Args:
        idle_s: a session ends when nothing was asked for so long.
        longest_s: it ends after so long whatever happens.
        most: how many at a time; one more ends the one that was idle for longest.
        clock: seconds, never going back.
    """

    def __init__(
        self, idle_s: float, longest_s: float, most: int = 32, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._idle_s, self._longest_s, self._most, self._clock = idle_s, longest_s, most, clock
        self._open: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def begin(self, person: Person) -> str:
        """Open a session and return its secret: 256 random bits, for the cookie."""
        secret, now = secrets.token_urlsafe(_SECRET_BYTES), self._clock()
        with self._lock:
            self._forget_ended(now)
            if len(self._open) >= self._most:
                del self._open[min(self._open, key=lambda hashed: self._open[hashed].seen)]
            self._open[_hashed(secret)] = Session(person, now, now)
        return secret

    def find(self, secret: str) -> Session | None:
        """Return the session of a secret, which counts as use of it; None if there is none any more."""
        hashed, now = _hashed(secret), self._clock()
        with self._lock:
            self._forget_ended(now)
            found = None
            # Every one is looked at, in constant time each: time tells nothing of what is there.
            for each, session in self._open.items():
                if hmac.compare_digest(each, hashed):
                    found = session
            if found is not None:
                found.seen = now
            return found

    def end(self, secret: str) -> None:
        """End a session, if it is there."""
        with self._lock:
            self._open.pop(_hashed(secret), None)

    def __len__(self) -> int:
        return len(self._open)

    def _forget_ended(self, now: float) -> None:
        for hashed, session in list(self._open.items()):
            if now - session.seen >= self._idle_s or now - session.began >= self._longest_s:
                del self._open[hashed]


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


class AttemptLimit:
    """Bounds how often anybody may try to get in: it keeps work and log lines bounded; tokens cannot be guessed anyway.

    Args:
        burst: attempts that an address may make at once.
        every_s: one more after so many seconds.
        most: addresses that are remembered; beyond it the one that tried longest ago is forgotten.
        clock: seconds, never going back.
    """

    def __init__(
        self, burst: int = 10, every_s: float = 6.0, most: int = 1024, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._every_s, self._most, self._clock = burst, every_s, most, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Tell whether an address may try now; counts the attempt."""
        now = self._clock()
        with self._lock:
            left, then = self._left.pop(address, (float(self._burst), now))
            left = min(float(self._burst), left + (now - then) / self._every_s)
            self._left[address] = (left - 1 if left >= 1 else left, now)
            while len(self._left) > self._most:
                self._left.popitem(last=False)
            return left >= 1

    def __len__(self) -> int:
        return len(self._left)
