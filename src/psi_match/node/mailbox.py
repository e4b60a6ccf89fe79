"""A bounded queue between two threads that can be failed or closed from either side, waking whoever waits."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Closed(Exception):  # a signal, not an error
    """The mailbox is closed and empty."""


class Mailbox(Generic[Item]):
    """A bounded first-in-first-out queue.

    Args:
        capacity: a put waits while this many items are inside.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._failure: BaseException | None = None

    def put(self, item: Item, deadline: Callable[[], float]) -> None:
        """Add an item; wait for room until ``deadline()`` (monotonic seconds, asked again at each wake).

        Raises:
            TimeoutError: no room until the deadline.
            Closed: the mailbox was closed.
            BaseException: whatever the mailbox failed with.
        """
        with self._changed:
            while len(self._items) >= self._capacity and not self._closed and self._failure is None:
                self._wait(deadline)
            self._raise_failure()
            if self._closed:
                raise Closed
            self._items.append(item)
            self._changed.notify_all()

    def offer(self, item: Item) -> bool:
        """Add an item if there is room; never wait."""
        with self._changed:
            if self._closed or self._failure is not None or len(self._items) >= self._capacity:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def get(self, deadline: Callable[[], float]) -> Item:
        """Take the oldest item; wait for one until ``deadline()``.

        Raises:
            TimeoutError: none came until the deadline.
            Closed: the mailbox is closed and empty.
            BaseException: whatever the mailbox failed with; items that were inside are dropped.
        """
        with self._changed:
            while not self._items and not self._closed and self._failure is None:
                self._wait(deadline)
            self._raise_failure()
            if not self._items:
                raise Closed
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self, last: Item | None = None) -> None:
        """Let nothing in any more; what is inside can still be taken. ``last`` replaces what is inside."""
        with self._changed:
            if last is not None and not self._closed:
                self._items.clear()
                self._items.append(last)
            self._closed = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Make every further ``put`` and ``get`` raise ``error``; the first failure stays, a good end stays good."""
        with self._changed:
            if self._failure is None and not (self._closed and not self._items):
                self._failure = error
                self._items.clear()
            self._changed.notify_all()

    def check(self) -> None:
        """Raise what the mailbox failed with, if it has."""
        with self._changed:
            self._raise_failure()

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)

    def _wait(self, deadline: Callable[[], float]) -> None:
        left = deadline() - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._changed.wait(min(left, 1.0))

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
