"""What a role may ask of the world: send a message to a party, receive one, and do several things side by side.

A role is a generator that yields ``Send``, ``Recv``, ``Together``, ``Start``, ``Finish``, ``Agree`` and ``Stage`` and
returns its result. It knows no network, thread, clock or file; the simulator and the node drive the same role objects.
The expected shape travels with ``Recv``, so that a driver checks kind, count and width of a message before its content
reaches the role, and ``recv`` checks them once more.

``Start`` hands out a piece of pure computing, ``Finish`` waits for its result. Where it is computed is the driver's
business: at once, in a thread, or on another machine of the same party.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, TypeVarTuple

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
Arguments = TypeVarTuple("Arguments")


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


@dataclass(frozen=True, slots=True)
class Together:
    """Play several roles of the same party side by side; each talks to parties that no other one talks to."""

    roles: Sequence[Role[Any]]


@dataclass(frozen=True, slots=True, repr=False)
class Task:
    """A piece of pure computing: equal arguments give equal results, so that it may be done twice if need be.

    Args:
        function: of a module's top level, so that another process finds it by name.
        arguments: what can be sent to another process. They hold secrets: a task never shows them.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Name of the function, which is public."""
        return self.function.__name__

    def __repr__(self) -> str:
        return f"Task({self.name})"

    def compute(self) -> Any:  # noqa: ANN401  # whatever the function returns
        """Compute it here and now."""
        return self.function(*self.arguments)


@dataclass(frozen=True, slots=True)
class Start:
    """Begin to compute something in the background; the answer is a ``Handle``."""

    task: Task


@dataclass(frozen=True, slots=True, repr=False)
class Handle:
    """What a driver knows a started task by.

    Args:
        of: the driver's own; a role only keeps it.
    """

    of: object


@dataclass(frozen=True, slots=True)
class Finish:
    """Wait for a started task; the answer is its ``Outcome``."""

    handle: Handle


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """What a task has returned."""

    value: Any


@dataclass(frozen=True, slots=True, repr=False)
class Started(Generic[Result]):
    """A task that was started, as its role knows it."""

    handle: Handle


@dataclass(frozen=True, slots=True)
class Agree:
    """Compare with every party that was talked to, both ways, what was said so far; go on only if all saw the same.

    What is compared is the driver's business, which alone sees what travels: a node hashes its frames.
    """


@dataclass(frozen=True, slots=True)
class Stage:
    """A new part of the role begins; drivers measure and show it. The name is public."""

    name: str


Effect = Send | Recv | Together | Start | Finish | Agree | Stage
Answer = Rows | list[Any] | Handle | Outcome | None
Role = Generator[Effect, Answer, Result]


def send(to: str, message: Rows) -> Role[None]:
    """Send one message."""
    yield Send(to, message)


def together(roles: Sequence[Role[Result]]) -> Role[list[Result]]:
    """Play several roles side by side and return their results in order."""
    results = yield Together(roles)
    # Safe: a driver answers ``Together`` with the list of the roles' results.
    assert isinstance(results, list)  # noqa: S101
    return results


def start(function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Role[Started[Result]]:
    """Begin to compute ``function(*arguments)`` in the background: pure, of a module's top level.

    Whoever computes it is trusted with the arguments.
    """
    handle = yield Start(Task(function, arguments))
    # Safe: a driver answers ``Start`` with a handle.
    assert isinstance(handle, Handle)  # noqa: S101
    return Started(handle)


def finish(started: Started[Result]) -> Role[Result]:
    """Wait for a started task and return its result.

    Raises:
        PsiMatchError: it failed; of a failure that was not raised on purpose only the fact is told.
    """
    outcome = yield Finish(started.handle)
    # Safe: a driver answers ``Finish`` with the outcome of the task of that handle.
    assert isinstance(outcome, Outcome)  # noqa: S101
    result: Result = outcome.value
    return result


def stage(name: str) -> Role[None]:
    """Tell the driver that a new part begins."""
    yield Stage(name)


def agree() -> Role[None]:
    """Go on only if every party that was talked to saw the same messages.

    Raises:
        PeerError: one did not.
    """
    yield Agree()


def recv(frm: str, kind: type[Message], shape: tuple[int, int]) -> Role[Message]:
    """Wait for one message of exactly this kind and shape.

    Raises:
        PeerError: the driver delivered something else.
    """
    message = yield Recv(frm, kind, shape)
    if not isinstance(message, kind) or message.rows.shape != shape:
        raise PeerError("A message has another kind or size than agreed.", peer=frm, step=kind.STEP)
    return message
