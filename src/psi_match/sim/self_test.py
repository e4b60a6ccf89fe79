"""A small intersection and a small joint session in this process, compared with the plain answer.

It proves that the kernels, the AES and group libraries and the protocol work on this machine, and it compiles or loads
every kernel, so that the first real run is not the slow one.
"""

from __future__ import annotations

import numpy as np

from psi_match.base.errors import InternalError
from psi_match.base.randomness import RandomSource
from psi_match.crypto.derive import hash_fields
from psi_match.domain.bsn import NO_KEY
from psi_match.protocols import engines, psi
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.circuits import CircuitBuilder
from psi_match.protocols.effects import Recv, Rows
from psi_match.protocols.integers import Arithmetic, Number
from psi_match.protocols.join_plan import Column, JoinStep, Plan, SessionTerms, Turn
from psi_match.protocols.join_session import OwnRows, play
from psi_match.protocols.sizes import ladder_step
from psi_match.sim.simulator import simulate

OWN_ENGINES = ("kkrt", "kkrt-buckets", "vole")
_ROWS = 300
_WRONG = "The self-test of the protocol gave a wrong answer on this machine."


def self_test(rng: RandomSource) -> None:
    """Intersect two small sets of made-up numbers by every own engine, and decide on households of them jointly.

    Raises:
        InternalError: an answer is wrong.
    """
    for engine in OWN_ENGINES:
        _intersect(engine, rng)
    _decide_jointly(rng)


def _intersect(engine: str, rng: RandomSource) -> None:
    leader = np.arange(0, 2 * _ROWS, 2, dtype=np.uint32)
    data_party = np.arange(0, 3 * _ROWS, 3, dtype=np.uint32)
    size = ladder_step(_ROWS)
    terms = PairTerms(hash_fields("self-test", rng.bytes(16)), "leader", "data-party", size, size, 0, 1)
    outcome = simulate(
        {
            "leader": engines.lead(engine, terms, engines.LeaderRows(leader), rng),
            "data-party": engines.answer(engine, terms, data_party, rng),
        },
        _read_only,
    )
    if not np.array_equal(outcome.results["leader"], psi.plaintext_intersection(leader, data_party)):
        raise InternalError(_WRONG, "Please report it.")


def _decide_jointly(rng: RandomSource) -> None:
    """A leader's households with two keys: is the sum of both amounts at the data party below 500?"""
    builder = CircuitBuilder()
    arithmetic = Arithmetic(builder)
    (valid,) = builder.input("valid", 1)
    amounts = [Number(builder.input(f"data-party/{key}/amount", 10), 0, 1023) for key in ("self", "partner")]
    below = arithmetic.less_than(arithmetic.add(*amounts), arithmetic.constant(500))
    builder.output("members", (builder.and_(valid, below),))
    parties = ("data-party", "leader", "third")
    step = JoinStep("data-party", (Column("amount", 10),))
    turn = Turn("leader", ("self", "partner"), (step,), (), with_bsn=False, circuit=builder.build())
    plan = Plan(bytes(32), parties, parties, (turn,), members=True, label_bits=0, signals=(), statistics=())
    size = ladder_step(_ROWS)
    terms = SessionTerms(plan, hash_fields("self-test", rng.bytes(16)), {"leader": size}, {"data-party": size})
    nobody = np.empty(0, dtype=np.uint32)
    own, partners = (np.arange(first, first + _ROWS, dtype=np.uint32) for first in (0, 1000))
    partners[::3] = NO_KEY
    held = np.arange(0, 6 * _ROWS, 6, dtype=np.uint32)
    amount = np.arange(_ROWS, dtype=np.int64) * 3 % 1024
    rows = {"leader": OwnRows((own, partners), {}, nobody), "data-party": OwnRows((held,), {"amount": amount}, nobody)}
    outcome = simulate({party: play(terms, party, rows.get(party), rng) for party in parties}, _read_only)
    of = dict(zip(held.tolist(), amount.tolist(), strict=True))
    expected = [of.get(a, 0) + of.get(b, 0) < 500 for a, b in zip(own.tolist(), partners.tolist(), strict=True)]
    if outcome.results["leader"].members.tolist() != expected:
        raise InternalError(_WRONG, "Please report it.")


def _read_only(_sender: str, _recipient: str, message: Rows, _expected: Recv) -> Rows:
    """Deliver a message as the wire does, as read-only rows: numba compiles a kernel of its own for those."""
    rows = message.rows.copy()
    rows.flags.writeable = False
    return type(message)(rows)
