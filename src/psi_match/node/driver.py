"""Drive a role over links: the node's counterpart of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from psi_match.crypto.derive import hash_fields
from psi_match.node.link import Link
from psi_match.protocols.effects import Agree, Answer, Result, Role, Send, Stage, Together
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
) -> Result:
    """Run a role to its end.

    Args:
        role: the generator.
        links: one link per party that the role talks to.
        run: number of the intersection in the plan; frames carry it.
        terms: fingerprint of what was agreed beforehand; enters the comparison of transcripts.
        on_stage: called with the name of each part of the role as it begins.

    Returns:
        What the role returns.

    Raises:
        PsiMatchError: whatever the role or a link raises.
    """
    answer: Answer = None
    while True:
        # StopIteration must not leave this frame: it would be lost in a future and the caller would wait forever.
        try:
            effect = role.send(answer)
        except StopIteration as done:
            result: Result = done.value
            return result
        answer = None
        match effect:
            case Send():
                links[effect.to].send(run, effect.message)
            case Together():
                answer = _drive_together(effect.roles, links, run)
            case Agree():
                _compare_transcripts(links, run, terms)
            case Stage():
                on_stage(effect.name)
            case _:
                answer = links[effect.frm].receive(run, effect)


def _drive_together(roles: Sequence[Role[Any]], links: Mapping[str, Link], run: int) -> list[Any]:
    """Run roles side by side; when one fails the others must not go on for minutes, and the first failure is raised."""
    failures: list[BaseException] = []

    def one(role: Role[object]) -> object:
        try:
            return drive(role, links, run)
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
