"""What a role may ask of the world: send a message to a party, receive a message from a party.

A role is a generator that yields ``Send`` and ``Recv`` and returns its result. It knows no network, thread, clock or
file; the simulator and the node drive the same role objects. The expected shape travels with ``Recv``, so that a driver
checks kind, count and width of a message before its content reaches the role, and ``recv`` checks them once more.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import PeerError


@dataclass(frozen=True, slots=True, repr=False)
class Rows:
    """A message of ``n`` rows of equal width; every protocol message is one of these.

    Args:
        rows: (n, width) bytes.
    """

    STEP: ClassVar[str] = ""
    """Name of the protocol step, the same on the wire and in errors."""

    rows: NDArray[np.uint8]

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.rows.shape}"


Message = TypeVar("Message", bound=Rows)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Send:
    """Send one message to one party; one frame on the wire."""

    to: str
    message: Rows


@dataclass(frozen=True, slots=True)
class Recv:
    """Wait for one message of a kind and shape from one party."""

    frm: str
    kind: type[Rows]
    shape: tuple[int, int]


Role = Generator[Send | Recv, Rows | None, Result]


def send(to: str, message: Rows) -> Role[None]:
    """Send one message."""
    yield Send(to, message)


def recv(frm: str, kind: type[Message], shape: tuple[int, int]) -> Role[Message]:
    """Wait for one message of exactly this kind and shape.

    Raises:
        PeerError: the driver delivered something else.
    """
    message = yield Recv(frm, kind, shape)
    if not isinstance(message, kind) or message.rows.shape != shape:
        raise PeerError("A message has another kind or size than agreed.", peer=frm, step=kind.STEP)
    return message
