"""Drive a role over links: the node's counterpart of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from psi_match.base.errors import InternalError
from psi_match.crypto.derive import hash_fields
from psi_match.node.cluster import Cluster, Computed, result
from psi_match.node.link import Link
from psi_match.protocols.effects import (
    Agree,
    Answer,
    Finish,
    Handle,
    Outcome,
    Result,
    Role,
    Send,
    Stage,
    Start,
    Task,
    Together,
)
from psi_match.wire import transcript

SETUP_RUN = 0xFFFF
"""Run number of the frames that agree on the session id: they belong to no intersection of the plan."""
JOINT_RUN = 0
"""Run number of all frames of a joint session, which is one role."""


def drive(
    role: Role[Result],
    links: Mapping[str, Link],
    run: int,
    terms: bytes = b"",
    on_stage: Callable[[str], None] = lambda _name: None,
    cluster: Cluster | None = None,
) -> Result:
    """Run a role to its end.

    Args:
        role: the generator.
        links: one link per party that the role talks to.
        run: number of the intersection in the plan; frames carry it.
        terms: fingerprint of what was agreed beforehand; enters the comparison of transcripts.
        on_stage: called with the name of each part of the role as it begins.
        cluster: where the role's tasks are computed; a role that starts none needs none.

    Returns:
        What the role returns.

    Raises:
        PsiMatchError: whatever the role, a link, a task or the cluster raises.
    """
    with ExitStack() as unfinished:
        return _drive(role, links, run, terms, on_stage, _Tasks(cluster, links, unfinished))


class _Tasks:
    """The tasks of one role; those that nobody waits for any more are dropped when it ends."""

    def __init__(self, cluster: Cluster | None, links: Mapping[str, Link], unfinished: ExitStack) -> None:
        self.cluster = cluster
        self._links = links
        self._open: set[Future[Computed]] = set()
        unfinished.callback(self._drop)

    def start(self, task: Task) -> Handle:
        """Begin to compute."""
        if self.cluster is None:
            raise InternalError("A role that starts tasks was driven without a place to compute.")
        future = self.cluster.submit(task)
        self._open.add(future)
        return Handle(future)

    def finish(self, handle: Handle) -> Outcome:
        """Wait for a task; fail as soon as a link or the cluster has failed."""
        future = handle.of
        # Safe: the handles of a role come from ``start``.
        assert isinstance(future, Future)  # noqa: S101
        self._open.discard(future)
        return Outcome(result(future, self._check))

    def _check(self) -> None:
        for link in self._links.values():
            link.check()
        if self.cluster is not None:
            self.cluster.check()

    def _drop(self) -> None:
        for future in self._open:
            future.cancel()


def _drive(
    role: Role[Result],
    links: Mapping[str, Link],
    run: int,
    terms: bytes,
    on_stage: Callable[[str], None],
    tasks: _Tasks,
) -> Result:
    answer: Answer = None
    while True:
        # StopIteration must not leave this frame: it would be lost in a future and the caller would wait forever.
        try:
            effect = role.send(answer)
        except StopIteration as done:
            returned: Result = done.value
            return returned
        answer = None
        match effect:
            case Send():
                links[effect.to].send(run, effect.message)
            case Together():
                answer = _drive_together(effect.roles, links, run, tasks.cluster)
            case Start():
                answer = tasks.start(effect.task)
            case Finish():
                answer = tasks.finish(effect.handle)
            case Agree():
                _compare_transcripts(links, run, terms)
            case Stage():
                on_stage(effect.name)
            case _:
                answer = links[effect.frm].receive(run, effect)


def _drive_together(
    roles: Sequence[Role[Any]], links: Mapping[str, Link], run: int, cluster: Cluster | None
) -> list[Any]:
    """Run roles side by side; when one fails the others must not go on for minutes, and the first failure is raised."""
    failures: list[BaseException] = []

    def one(role: Role[object]) -> object:
        try:
            return drive(role, links, run, cluster=cluster)
        except BaseException as error:
            # What the others then raise is not the cause.
            failures.append(error)
            for link in links.values():
                link.abort(error)
            raise

    if not roles:
        return []
    with ThreadPoolExecutor(len(roles), thread_name_prefix="role") as pool:
        futures = [pool.submit(one, role) for role in roles]
    if failures:
        raise failures[0]
    return [future.result() for future in futures]


def _compare_transcripts(links: Mapping[str, Link], run: int, terms: bytes) -> None:
    """Show every peer what this end saw of their stream, and be content only if every peer saw the same.

    In a second round everyone says so. Who gets the word of all peers knows that *their* streams, which it does not
    see, agree too: otherwise shares could leave while a leader and a data party still find out that they differ.
    """
    seen = {peer: link.transcript.digest(terms) for peer, link in links.items()}
    for words in (seen, {peer: hash_fields("all-agree", digest) for peer, digest in seen.items()}):
        for peer, word in words.items():
            drive(transcript.show(peer, word), links, run)
        for peer, word in words.items():
            drive(transcript.check(peer, word), links, run)
