"""What every party of a joint session knows beforehand: who does what, in which order, at which public sizes.

A plan is compiled from the signed scenario and holds no data. Its terms add what a single session fixes: the session id
and the public sizes. From both follows every message of every party, its recipient and its length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psi_match.crypto.derive import hash_fields
from psi_match.protocols.circuits import Circuit
from psi_match.protocols.integers import Adder
from psi_match.protocols.join_terms import JoinEngine, JoinTerms
from psi_match.protocols.sizes import table_bins

BSN_BITS = 30
EXCLUDED_BITS = 1
"""Every payload begins with the bit that says: this person opted out."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a party that takes part in the computation.

    Args:
        name: name in the party's dataset.
        bits: width; two's complement where negative values are allowed.
    """

    name: str
    bits: int


@dataclass(frozen=True, slots=True)
class JoinStep:
    """One data party in one leader's turn.

    Args:
        data_party: party id.
        columns: what it contributes per row, beside the excluded bit.
    """

    data_party: str
    columns: tuple[Column, ...]

    @property
    def payload_bits(self) -> int:
        """Bits per row, the excluded bit included."""
        return EXCLUDED_BITS + sum(column.bits for column in self.columns)


@dataclass(frozen=True, slots=True)
class Turn:
    """One leader's rows are decided on.

    Args:
        leader: party id.
        keys: aliases of its key columns; the first one is the row's own.
        joins: the data parties.
        columns: the leader's own columns that enter the circuit as ``leader/NAME``.
        with_bsn: whether the row's own BSN enters the circuit as ``leader/bsn``.
        circuit: evaluated on every row.
    """

    leader: str
    keys: tuple[str, ...]
    joins: tuple[JoinStep, ...]
    columns: tuple[Column, ...]
    with_bsn: bool
    circuit: Circuit


@dataclass(frozen=True, slots=True)
class Signal:
    """A list of persons for one recipient: the circuit's output ``field``, ``bits`` wide, shuffled over all turns."""

    field: str
    bits: int
    recipient: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts for one recipient, rounded and suppressed before they are opened.

    Args:
        fields: the circuits' output of every cell, one bit per row.
        recipient: party id.
        min_group: g: a cell is released as a multiple of g, and only if it and what is left of its total reach g.
        totals: per cell, what it must not come close to: the two parties whose set sizes count, or none for the sum
            of all cells.
    """

    fields: tuple[str, ...]
    recipient: str
    min_group: int
    totals: tuple[tuple[str, ...], ...]

    @property
    def set_parties(self) -> tuple[str, ...]:
        """Parties whose set size is an input, sorted."""
        return tuple(sorted({party for pair in self.totals for party in pair}))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scenario's session does.

    Args:
        digest: digest of the scenario.
        parties: all party ids, sorted.
        compute: the three compute parties.
        turns: one per leader, in turn.
        members: whether the leader learns one bit per own row; then there is one turn.
        label_bits: width of the value that the leader learns for rows where the bit holds; 0 for none.
        signals: lists for recipients.
        statistics: counts for recipients.
        adder: how the circuits carry.
    """

    digest: bytes
    parties: tuple[str, ...]
    compute: tuple[str, str, str]
    turns: tuple[Turn, ...]
    members: bool
    label_bits: int
    signals: tuple[Signal, ...]
    statistics: tuple[Statistics, ...]
    adder: Adder = "ripple"

    @property
    def with_rows(self) -> tuple[str, ...]:
        """Parties that contribute rows, sorted."""
        leaders = {turn.leader for turn in self.turns}
        return tuple(sorted(leaders | {join.data_party for turn in self.turns for join in turn.joins}))

    @property
    def recipients(self) -> tuple[str, ...]:
        """Parties to which something is opened, sorted."""
        found = {signal.recipient for signal in self.signals} | {one.recipient for one in self.statistics}
        if self.members:
            found |= {turn.leader for turn in self.turns}
        return tuple(sorted(found))

    def links(self) -> frozenset[tuple[str, str]]:
        """Return the pairs of parties that talk to each other, each with the lower party id first."""
        pairs = [(a, b) for a in self.compute for b in self.compute]
        pairs += [(a, b) for a in self.compute for b in (*self.with_rows, *self.recipients)]
        pairs += [(turn.leader, join.data_party) for turn in self.turns for join in turn.joins]
        return frozenset((min(pair), max(pair)) for pair in pairs if pair[0] != pair[1])

    def peers(self, party: str) -> list[str]:
        """Return with whom a party talks, sorted."""
        return sorted({other for pair in self.links() if party in pair for other in pair if other != party})


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """A plan with what one session fixes: all public.

    Args:
        plan: the plan.
        sid: session id.
        row_sizes: public number of rows of every leader.
        set_sizes: public size of every party's set as a data party, opt-outs included.
        engine: where the joins' OPRFs come from.
    """

    plan: Plan
    sid: bytes
    row_sizes: Mapping[str, int]
    set_sizes: Mapping[str, int]
    engine: JoinEngine = "kkrt"

    def digest(self) -> bytes:
        """Return one fingerprint of everything on which all parties must agree."""
        sizes = [f"{party}/{size}".encode() for party, size in sorted(self.row_sizes.items())]
        sizes += [b"", *(f"{party}/{size}".encode() for party, size in sorted(self.set_sizes.items()))]
        names = ",".join(self.plan.parties).encode()
        how = f"{self.engine}/{self.plan.adder}".encode()
        return hash_fields("session-terms", self.sid, self.plan.digest, names, how, *sizes)

    def table_size(self, turn: Turn) -> int:
        """Return the items for which a leader's cuckoo table has room."""
        return self.row_sizes[turn.leader] * len(turn.keys)

    def rows(self, turn: Turn) -> int:
        """Return the rows on which a turn's circuit is evaluated: bins, or the leader's rows after a permutation."""
        return table_bins(self.table_size(turn)) if len(turn.keys) == 1 else self.row_sizes[turn.leader]

    def joins(self, turn: Turn) -> list[JoinTerms]:
        """Return the terms of a turn's joins."""
        session_bins = sum(table_bins(self.table_size(each)) * len(each.joins) for each in self.plan.turns)
        before = self.plan.turns[: self.plan.turns.index(turn)]
        first = sum(len(each.joins) for each in before)
        return [
            JoinTerms(
                sid=self.sid,
                leader=turn.leader,
                data_party=join.data_party,
                table_size=self.table_size(turn),
                data_size=self.set_sizes[join.data_party],
                instance=first + number,
                session_bins=session_bins,
                payload_bits=join.payload_bits,
                engine=self.engine,
            )
            for number, join in enumerate(turn.joins)
        ]
