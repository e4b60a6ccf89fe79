"""What every intersection of two nodes consists of, whatever it is for: a pairwise run, or notices about one."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import PsiMatchError
from psi_match.governance.decision import Permit
from psi_match.node.context import NodeContext
from psi_match.node.driver import SETUP_RUN, drive
from psi_match.node.link import Link
from psi_match.node.log_heads import RunHeads
from psi_match.node.recording import note_link
from psi_match.node.sessions import Session
from psi_match.node.stages import StageClock
from psi_match.node.store import PairRecord, StageRecord
from psi_match.protocols import engines, session_id
from psi_match.protocols.agreed import PairTerms
from psi_match.wire import transcript
from psi_match.wire.v1 import peer_pb2 as pb

_TRANSCRIPT_MESSAGES = 2
COMPARE_STAGE = "compare"
"""Name of the stage in which both ends compare what they saw."""


def lead_pair(
    context: NodeContext,
    link: Link,
    engine: str,
    terms: PairTerms,
    rows: engines.LeaderRows,
    about: bytes,
    stages: list[StageRecord],
) -> NDArray[np.bool_]:
    """Play the leader of one intersection, and compare what both ends saw.

    Args:
        context: the node.
        link: to the data party.
        engine: which engine.
        terms: the public terms.
        rows: own rows.
        about: digest of the scenario.
        stages: receives what each part of the intersection took.

    Returns:
        True where the own row is in the data party's set.

    Raises:
        PsiMatchError: it failed, or the two ends differ.
    """
    links = {link.peer: link}
    link.progress.total = link.progress.done + engines.message_count(engine, terms) + _TRANSCRIPT_MESSAGES
    clock = _PairClock(link, terms.data_party, stages)
    role = engines.lead(engine, terms, rows, context.rng)
    found = drive(role, links, terms.instance, on_stage=clock.enter, cluster=context.cluster)
    clock.enter(COMPARE_STAGE)
    seen = link.transcript.digest(terms.digest(about, engine))
    drive(transcript.confirm(terms.data_party, seen), links, terms.instance)
    clock.enter("")
    return found


def answer_pair(
    context: NodeContext,
    link: Link,
    engine: str,
    terms: PairTerms,
    numbers: NDArray[np.uint32],
    about: bytes,
    stages: list[StageRecord],
) -> None:
    """Play the data party of one intersection, and compare what both ends saw.

    Args:
        context: the node.
        link: to the leader.
        engine: which engine.
        terms: the public terms.
        numbers: own set.
        about: digest of the scenario.
        stages: receives what each part of the intersection took.

    Raises:
        PsiMatchError: it failed, or the two ends differ.
    """
    links = {link.peer: link}
    link.progress.total = link.progress.done + engines.message_count(engine, terms) + _TRANSCRIPT_MESSAGES
    clock = _PairClock(link, terms.data_party, stages)
    role = engines.answer(engine, terms, numbers, context.rng)
    drive(role, links, terms.instance, on_stage=clock.enter, cluster=context.cluster)
    clock.enter(COMPARE_STAGE)
    seen = link.transcript.digest(terms.digest(about, engine))
    drive(transcript.answer(link.peer, seen), links, terms.instance)
    clock.enter("")


class _PairClock:
    """Measures the parts of one intersection; those of several pairs run side by side and bear the data party's id."""

    def __init__(self, link: Link, data_party: str, stages: list[StageRecord]) -> None:
        self._clock = StageClock({link.peer: link}, stages)
        self._data_party = data_party

    def enter(self, name: str) -> None:
        """Begin a part; an empty name begins none."""
        self._clock.enter(f"{name}/{self._data_party}" if name else "")


def accept(
    context: NodeContext, session: Session, link: Link, hello: pb.Hello, size: int, permit: Permit, about: bytes
) -> bytes:
    """Accept a leader's proposal: exchange log heads, tell the own public size, agree on a session id.

    Args:
        context: the node.
        session: the live run.
        link: to the leader.
        hello: the proposal.
        size: own public size.
        permit: under which the run takes place.
        about: what the session id depends on.

    Returns:
        The session id.

    Raises:
        PsiMatchError: the leader does not sign its head or not countersign ours, or the session id does not come about.
    """
    heads = RunHeads(context, session.run_id, permit)
    heads.take(link.peer, hello.head)
    session.go_on()
    link.bind(hello.run_id)
    acceptance = pb.Acceptance(data_size=size, head=heads.own(), countersignature=heads.countersignature(link.peer))
    link.send_message(pb.SessionMessage(acceptance=acceptance))
    await_countersignature(link, heads)
    role = session_id.join(about, link.peer, context.party, list(hello.parties), context.rng)
    return drive(role, {link.peer: link}, SETUP_RUN)


def take_acceptance(link: Link, heads: RunHeads) -> pb.Acceptance:
    """Take, as leader or coordinator, a peer's acceptance: check and exchange signatures under both log heads.

    Raises:
        PsiMatchError: none comes, or the peer does not hold its party's signing key.
    """
    acceptance = link.receive_message("acceptance").acceptance
    heads.take(link.peer, acceptance.head)
    heads.take_countersignature(link.peer, acceptance.countersignature)
    word = pb.Countersigned(signature=heads.countersignature(link.peer))
    link.send_message(pb.SessionMessage(countersigned=word))
    return acceptance


def await_countersignature(link: Link, heads: RunHeads) -> None:
    """Wait, after an acceptance, for the leader's or coordinator's signature under our log head.

    That head is new, so an old signature of whoever stole a TLS key is of no use: nothing follows without this one.

    Raises:
        PsiMatchError: it does not come, or the peer does not hold its party's signing key.
    """
    countersigned = link.receive_message("countersigned").countersigned
    heads.take_countersignature(link.peer, countersigned.signature)


def conclude(link: Link, pair: PairRecord) -> None:
    """Tell a data party, as the leader, that the run has succeeded, and close the stream.

    What the leader learned is stored by now, whether or not the data party still hears of it.
    """
    with suppress(PsiMatchError):
        link.send_message(pb.SessionMessage(concluded=pb.Concluded()))
    link.close()
    note_link(pair, link)


def await_conclusion(link: Link, pair: PairRecord) -> None:
    """Wait, as a data party, for the leader's word that the run has succeeded.

    Raises:
        PsiMatchError: it does not come.
    """
    link.receive_message("concluded")
    note_link(pair, link)
