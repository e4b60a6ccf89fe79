"""A whole joint session, as each party plays it: joins, predicate, outputs, in the order of the plan.

Every leader has its turn. In a turn the data parties join their columns to the leader's rows, all at the same time; the
compute parties then evaluate the row circuit on shares and keep its outputs as shares. After the last turn they count,
round and shuffle what has to be. Only then, when every pair of parties has compared what it saw and all compute parties
have said *ready*, shares go out, each to its recipient alone.

Reveals:
    Recipients: the declared outputs. Everyone: the public sizes of the sets, and how long each step took. Compute
    parties: nothing else; two of them together: all of the leaders' rows' matches, columns and intermediate values.

Source:
    docs/protocols/joint-session.md; the building blocks name their papers.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import InternalError, PeerError
from psi_match.base.randomness import RandomSource
from psi_match.crypto.cuckoo import EMPTY
from psi_match.crypto.derive import DIGEST_BYTES, hash_fields
from psi_match.domain.bsn import NO_KEY, is_among
from psi_match.protocols import join
from psi_match.protocols.circuits import WORD_ROWS, Circuit, Planes, words_for
from psi_match.protocols.counting import count_rows, release_circuit
from psi_match.protocols.effects import Role, Rows, agree, recv, send, stage, together
from psi_match.protocols.join import Payload
from psi_match.protocols.join_plan import BSN_BITS, EXCLUDED_BITS, JoinStep, SessionTerms, Statistics, Turn
from psi_match.protocols.join_terms import JoinTerms, match_circuit
from psi_match.protocols.permutation import permute, shuffle
from psi_match.protocols.planes import from_planes, to_planes
from psi_match.protocols.sharing import (
    ComputeParty,
    OutsideOwner,
    Outsider,
    Path,
    RandomPlanes,
    Shares,
    announce_inputs,
    evaluate,
    exchange_keys,
    expect_inputs,
    give_input,
    give_random,
    open_to,
    receive_opened,
    take_input,
    take_random,
)
from psi_match.protocols.sizes import FRAME_PAYLOAD_BYTES, LARGEST_PUBLIC_SIZE, chunks
from psi_match.protocols.tables import CuckooTable

COMPARE_STAGE = "compare"
"""Name of the stage in which everyone compares what it saw; shares to recipients leave after it."""

SET_SIZE_BITS = LARGEST_PUBLIC_SIZE.bit_length()


class TermsDigest(Rows):
    """Fingerprint of session id, plan, engine, adder and public sizes: (1, 32)."""

    STEP = "session-terms"


class Ready(Rows):
    """A compute party has checked everything and is ready to open: (1, 32)."""

    STEP = "ready"


@dataclass(frozen=True, slots=True, repr=False)
class OwnRows:
    """What a party puts into a session.

    Args:
        keys: (n,) BSNs per key column, the row's own first; ``NO_KEY`` where a row has none. Distinct in each column.
        columns: (n,) integers per column name.
        opted_out: distinct BSNs of people who opted out at this party, in its rows or not.
    """

    keys: tuple[NDArray[np.uint32], ...]
    columns: Mapping[str, NDArray[np.int64]]
    opted_out: NDArray[np.uint32]

    def __repr__(self) -> str:
        return f"OwnRows({len(self.keys[0])} rows)"

    def led(self, keys: int) -> NDArray[np.intp]:
        """Return the rows that this party decides on as a leader: those in which nobody opted out."""
        chosen = np.ones(len(self.keys[0]), dtype=np.bool_)
        for column in self.keys[:keys]:
            chosen &= ~self._excluded(column)
        return np.flatnonzero(chosen)

    @property
    def set_size(self) -> int:
        """Number of BSNs as a data party: rows, and people who opted out beyond them."""
        return len(self.keys[0]) + len(self._beyond())

    def payload(self, step: JoinStep) -> Payload:
        """Return the set as a data party: also people who opted out and are not in a row, with the excluded bit."""
        numbers = np.concatenate([self.keys[0], self._beyond()])
        fields = [(self._excluded(numbers).astype(np.int64), EXCLUDED_BITS)]
        for column in step.columns:
            padded = np.zeros(len(numbers), dtype=np.int64)
            padded[: len(self.keys[0])] = self.columns[column.name]
            fields.append((padded, column.bits))
        return Payload(numbers, tuple(fields))

    def _excluded(self, numbers: NDArray[np.uint32]) -> NDArray[np.bool_]:
        return is_among(numbers, self.opted_out)

    def _beyond(self) -> NDArray[np.uint32]:
        """Return who opted out and is in no row."""
        in_rows = self.keys[0][self._excluded(self.keys[0])]
        return np.setdiff1d(self.opted_out, in_rows)


@dataclass(slots=True, repr=False)
class Learned:
    """What a party learned from a session, by its role in it; everything is empty for most parties.

    Args:
        members: (n,) per own row of ``OwnRows`` whether the predicate holds, for the leader.
        label: (n,) value planes of those rows, zero elsewhere; the caller knows width and sign.
        signals: per signal of the plan that is for this party: (bits, words) planes of shuffled rows, mostly zero.
        statistics: per statistics of the plan that is for this party: released counts, None where suppressed.
    """

    members: NDArray[np.bool_] | None = None
    label: NDArray[np.int64] | None = None
    signals: dict[int, Planes] = field(default_factory=dict)
    statistics: dict[int, list[int | None]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Learned()"


def play(terms: SessionTerms, party: str, own: OwnRows | None, rng: RandomSource) -> Role[Learned]:
    """Play one party of a session from the first message after the session id to the last share.

    Args:
        terms: plan, session id and public sizes.
        party: own party id.
        own: own rows; None for a party without data.
        rng: fresh local randomness.

    Raises:
        PeerError: a peer has other terms, or sends something that is not of the agreed kind, size or value.
        CuckooFailure: own rows do not fit the cuckoo table; below 2^-40.
        OkvsFailure: a key-value store cannot be solved; below 2^-40.
    """
    yield from _compare_terms(terms, party)
    player = _Player(terms, party, own, rng)
    return (yield from player.play())


def _compare_terms(terms: SessionTerms, party: str) -> Role[None]:
    """Check that all parties hold the same session id, plan, engine and sizes: who relayed them lied to none."""
    digest = terms.digest()
    peers = terms.plan.peers(party)
    for peer in peers:
        yield from send(peer, TermsDigest(np.frombuffer(digest, dtype=np.uint8).reshape(1, -1)))
    for peer in peers:
        theirs = yield from recv(peer, TermsDigest, (1, DIGEST_BYTES))
        if not hmac.compare_digest(theirs.rows.tobytes(), digest):
            raise PeerError(
                "The peer has another session id, plan, engine, adder or size.", peer=peer, step=TermsDigest.STEP
            )


@dataclass(slots=True, repr=False)
class _LeaderTable:
    """A leader's cuckoo table and where its rows are.

    Args:
        table: the distinct BSNs of all key columns.
        rows: rows of ``OwnRows`` that are decided on.
        row_of_output: (output rows,) index into ``rows`` or ``EMPTY``.
        orders: per key column the bin of every output row, where there is more than one key column.
    """

    table: CuckooTable
    rows: NDArray[np.intp]
    row_of_output: NDArray[np.uint32]
    orders: list[NDArray[np.uint32]]


class _Player:
    """One party's state in a session."""

    def __init__(self, terms: SessionTerms, party: str, own: OwnRows | None, rng: RandomSource) -> None:
        self._terms = terms
        self._plan = terms.plan
        self._party = party
        self._own = own
        self._rng = rng
        self._me: ComputeParty | None = None
        self._leader_table: _LeaderTable | None = None
        self._members: dict[str, Shares] = {}
        self._signals: dict[int, list[Shares]] = {}
        self._counts: dict[int, list[Shares]] = {}

    def play(self) -> Role[Learned]:
        plan = self._plan
        if self._party in plan.compute:
            self._me = yield from exchange_keys(plan.compute, self._party, self._terms.sid, self._rng)
        for number, turn in enumerate(plan.turns):
            yield from self._turn(turn, number)
        yield from stage("finish")
        released = []
        for number, statistics in enumerate(plan.statistics):
            released.append((yield from self._release(statistics, number)))
        signals = (yield from self._shuffled()) if plan.signals else []
        yield from stage(COMPARE_STAGE)
        yield from self._all_ready()
        yield from stage("open")
        return (yield from self._open(signals, released))

    # A leader's turn.

    def _turn(self, turn: Turn, number: int) -> Role[None]:
        joins = self._terms.joins(turn)
        path: Path = ("turn", number)
        yield from stage(f"join/{turn.leader}")
        outsider = yield from self._meet_outsider(turn.leader)
        secrets, shared_secrets = yield from self._exchange_secrets(joins)
        if self._party == turn.leader:
            self._leader_table = self._build_table(turn)
            rng, table = self._rng, self._leader_table.table
            values = yield from together([join.lead(terms, table, rng) for terms in joins])
        else:
            values = []
            for terms, step in zip(joins, turn.joins, strict=True):
                if terms.data_party == self._party:
                    yield from join.answer(terms, self._rows().payload(step), secrets[terms.instance], self._rng)
        if self._me is None and self._party != turn.leader:
            return
        yield from stage(f"match/{turn.leader}")
        giver = outsider if isinstance(outsider, Outsider) else self._me
        inputs: dict[str, Shares] = {}
        for index, (terms, step) in enumerate(zip(joins, turn.joins, strict=True)):
            own_values = values[index] if values else None
            streams = shared_secrets.get(terms.instance)
            matched = yield from self._match(terms, giver, outsider, own_values, streams, (*path, "join", index))
            if values:
                values[index] = np.empty((0, 0), dtype=np.uint64)  # a join's planes are large and done with
            if self._me is not None and matched is not None:
                yield from self._name_inputs(turn, step, matched, inputs, (*path, "join", index))
        yield from stage(f"row-inputs/{turn.leader}")
        yield from self._leader_inputs(turn, giver, outsider, inputs, path)
        if self._me is not None:
            yield from stage(f"row-circuit/{turn.leader}")
            words = words_for(self._terms.rows(turn))
            outputs = yield from evaluate(turn.circuit, self._me, inputs, words, (*path, "row"))
            if self._plan.statistics:
                yield from stage(f"count/{turn.leader}")
            yield from self._keep(outputs, number)

    def _meet_outsider(self, owner: str) -> Role[Outsider | OutsideOwner | str]:
        """Prepare inputs of a party: keys of its streams if it is not a compute party."""
        if owner in self._plan.compute:
            return owner
        if self._party == owner:
            return (yield from announce_inputs(self._plan.compute, self._terms.sid, self._rng))
        if self._me is not None:
            return (yield from expect_inputs(self._me, owner))
        return owner

    def _exchange_secrets(
        self, joins: list[JoinTerms]
    ) -> Role[tuple[dict[int, RandomPlanes], dict[int, RandomPlanes]]]:
        """Share every data party's tags and masks; return own ones, and the shares that this party holds of each."""
        own, shared = {}, {}
        for terms in joins:
            if terms.data_party == self._party:
                values, held = yield from give_random(self._plan.compute, self._party, terms.value_bits, self._rng)
                own[terms.instance] = values
                if held is not None:
                    shared[terms.instance] = held
        for terms in joins:
            if self._me is not None and terms.data_party != self._party:
                shared[terms.instance] = yield from take_random(terms.data_party, terms.value_bits)
        return own, shared

    def _match(
        self,
        terms: JoinTerms,
        giver: ComputeParty | Outsider | None,
        owner: Outsider | OutsideOwner | str,
        values: Planes | None,
        secrets: RandomPlanes | None,
        path: Path,
    ) -> Role[Shares | None]:
        """Compare tags and unmask payloads, chunk by chunk: (2, 1 + payload bits, words) in the order of bins."""
        circuit = match_circuit(terms)
        found = np.empty((2, 1 + terms.payload_bits, terms.words), dtype=np.uint64) if self._me else None
        for chunk, (start, stop) in enumerate(chunks(terms.words, _frame_words(terms.value_bits))):
            if values is None:
                # Safe: a party that neither leads nor computes has left the turn.
                assert self._me is not None  # noqa: S101
                assert not isinstance(owner, Outsider)  # noqa: S101
                shares = yield from take_input(self._me, owner, terms.value_bits, stop - start, (*path, "in", chunk))
            else:
                assert giver is not None  # noqa: S101  # Safe: the leader gives as a compute party or as an outsider.
                given = yield from give_input(giver, np.ascontiguousarray(values[:, start:stop]), (*path, "in", chunk))
                if given is None:
                    continue
                shares = given
            assert self._me is not None  # noqa: S101  # Safe: only compute parties hold shares,
            assert secrets is not None  # noqa: S101  # and every compute party has the streams of every join,
            assert found is not None  # noqa: S101  # and room for what they yield.
            # Not in place: what was sent must stay as it is.
            shares = shares ^ secrets.read(stop - start)
            inputs = {"difference": shares[:, : terms.tag_bits], "payload": shares[:, terms.tag_bits :]}
            outputs = yield from evaluate(circuit, self._me, inputs, stop - start, (*path, "match", chunk))
            found[:, :1, start:stop] = outputs["found"]
            found[:, 1:, start:stop] = outputs["payload"]
        return found

    def _name_inputs(
        self, turn: Turn, step: JoinStep, matched: Shares, inputs: dict[str, Shares], path: Path
    ) -> Role[None]:
        """Bring a join's result from bins to rows, once per key column, and name its parts for the circuit."""
        # Safe: only compute parties hold shares.
        assert self._me is not None  # noqa: S101
        for position, key in enumerate(turn.keys):
            in_rows = matched
            if len(turn.keys) > 1:
                order = self._leader_table.orders[position] if self._leads(turn) and self._leader_table else None
                chooser = self._plan.compute.index(turn.leader)
                rows = self._terms.rows(turn)
                in_rows = yield from permute(self._me, chooser, matched, rows, order, (*path, "key", position))
            prefix = f"{step.data_party}/{key}"
            inputs[f"{prefix}/present"] = in_rows[:, :1]
            inputs[f"{prefix}/excluded"] = in_rows[:, 1 : 1 + EXCLUDED_BITS]
            first = 1 + EXCLUDED_BITS
            for column in step.columns:
                inputs[f"{prefix}/{column.name}"] = in_rows[:, first : first + column.bits]
                first += column.bits

    def _leader_inputs(
        self,
        turn: Turn,
        giver: ComputeParty | Outsider | None,
        owner: Outsider | OutsideOwner | str,
        inputs: dict[str, Shares],
        path: Path,
    ) -> Role[None]:
        """Share what the leader knows of each row: whether it is one, which keys it has, its columns."""
        fields = [("valid", 1), *((f"has_key/{key}", 1) for key in turn.keys[1:])]
        fields += [(f"leader/{column.name}", column.bits) for column in turn.columns]
        fields += [("leader/bsn", BSN_BITS)] if turn.with_bsn else []
        bits = sum(width for _, width in fields)
        words = words_for(self._terms.rows(turn))
        planes = self._row_planes(turn, bits, words) if self._leads(turn) else None
        shares = np.empty((2, bits, words), dtype=np.uint64)
        for chunk, (start, stop) in enumerate(chunks(words, _frame_words(bits))):
            where = (*path, "row-input", chunk)
            if planes is not None:
                assert giver is not None  # noqa: S101  # Safe: the leader gives as a compute party or as an outsider.
                given = yield from give_input(giver, np.ascontiguousarray(planes[:, start:stop]), where)
                if given is not None:
                    shares[:, :, start:stop] = given
            else:
                # Safe: as in ``_match``.
                assert self._me is not None  # noqa: S101
                assert not isinstance(owner, Outsider)  # noqa: S101
                shares[:, :, start:stop] = yield from take_input(self._me, owner, bits, stop - start, where)
        first = 0
        for name, width in fields:
            inputs[name] = shares[:, first : first + width]
            first += width

    def _keep(self, outputs: dict[str, Shares], number: int) -> Role[None]:
        """Keep what a turn yields as shares; rows that will only be counted are counted now."""
        # Safe: only compute parties hold shares.
        assert self._me is not None  # noqa: S101
        if self._plan.members:
            self._members = {name: outputs[name] for name in ("members", "label") if name in outputs}
        for index, signal in enumerate(self._plan.signals):
            self._signals.setdefault(index, []).append(outputs[signal.field])
        for index, statistics in enumerate(self._plan.statistics):
            cells = np.concatenate([outputs[name] for name in statistics.fields], axis=1)
            counts = yield from count_rows(self._me, cells, ("turn", number, "count", index))
            self._counts.setdefault(index, []).append(counts)

    # After the last turn.

    def _release(self, statistics: Statistics, number: int) -> Role[dict[str, Shares]]:
        """Round and suppress counts on shares."""
        sets: dict[str, Shares] = {}
        for party in statistics.set_parties:
            owner = yield from self._meet_outsider(party)
            where: Path = ("statistics", number, "set", party)
            if party == self._party:
                size = np.array([len(self._rows().led(1))], dtype=np.int64)
                giver = owner if isinstance(owner, Outsider) else self._me
                assert giver is not None  # noqa: S101  # Safe: a party is a compute party or an announced outsider.
                given = yield from give_input(giver, to_planes(size, SET_SIZE_BITS, 1), where)
                if given is not None:
                    sets[f"set/{party}"] = given
            elif self._me is not None:
                assert not isinstance(owner, Outsider)  # noqa: S101  # Safe: only the party itself is its outsider.
                sets[f"set/{party}"] = yield from take_input(self._me, owner, SET_SIZE_BITS, 1, where)
        if self._me is None:
            return {}
        inputs = dict(sets)
        for turn, counts in enumerate(self._counts[number]):
            for cell in range(len(statistics.fields)):
                inputs[f"{cell}@{turn}"] = np.ascontiguousarray(counts[:, :, cell : cell + 1])
        circuit = _release_circuit(statistics, [counts.shape[1] for counts in self._counts[number]])
        return (yield from evaluate(circuit, self._me, inputs, 1, ("statistics", number)))

    def _shuffled(self) -> Role[list[Shares]]:
        """Shuffle the rows of all turns together; every signal's rows stay beside each other in one shuffle."""
        if self._me is None:
            return []
        joined = [np.concatenate(self._signals[index], axis=2) for index in range(len(self._plan.signals))]
        shuffled = yield from shuffle(self._me, np.concatenate(joined, axis=1), self._rng, ("signals",))
        parts, first = [], 0
        for signal in self._plan.signals:
            parts.append(shuffled[:, first : first + signal.bits])
            first += signal.bits
        return parts

    def _all_ready(self) -> Role[None]:
        """Compare transcripts with everyone, then wait until all compute parties have done so."""
        yield from agree()
        if self._me is None:
            return
        word = hash_fields("ready", self._terms.digest())
        for peer in (self._me.next, self._me.previous):
            yield from send(peer, Ready(np.frombuffer(word, dtype=np.uint8).reshape(1, -1)))
        for peer in (self._me.next, self._me.previous):
            theirs = yield from recv(peer, Ready, (1, DIGEST_BYTES))
            if not hmac.compare_digest(theirs.rows.tobytes(), word):
                raise PeerError("The peer is ready for another session.", peer=peer, step=Ready.STEP)

    def _open(self, signals: list[Shares], released: list[dict[str, Shares]]) -> Role[Learned]:
        learned = Learned()
        plan = self._plan
        if plan.members:
            turn = plan.turns[0]
            shares = np.concatenate(list(self._members.values()), axis=1) if self._me else None
            bits, words = 1 + plan.label_bits, words_for(self._terms.rows(turn))
            opened = yield from self._open_one(turn.leader, shares, bits, words, ("open", "members"))
            if opened is not None:
                self._read_members(opened, learned)
        for index, signal in enumerate(plan.signals):
            words = sum(words_for(self._terms.rows(turn)) for turn in plan.turns)
            shares = signals[index] if self._me else None
            opened = yield from self._open_one(signal.recipient, shares, signal.bits, words, ("open", "signal", index))
            if opened is not None:
                learned.signals[index] = opened
        for index, statistics in enumerate(plan.statistics):
            circuit = _release_circuit(statistics, [self._count_bits(turn) for turn in plan.turns])
            names = list(circuit.output_bits())
            shares = (
                np.concatenate([released[index][name] for name in names], axis=1) & np.uint64(1) if self._me else None
            )
            bits = sum(circuit.output_bits().values())
            opened = yield from self._open_one(statistics.recipient, shares, bits, 1, ("open", "statistics", index))
            if opened is not None:
                learned.statistics[index] = _read_statistics(statistics, circuit.output_bits(), opened)
        return learned

    def _open_one(
        self, recipient: str, shares: Shares | None, bits: int, words: int, path: Path
    ) -> Role[Planes | None]:
        if self._me is not None and shares is not None:
            return (yield from open_to(self._me, recipient, shares, path))
        if self._party == recipient:
            return (yield from receive_opened(self._plan.compute, bits, words))
        return None

    # The leader's own rows.

    def _build_table(self, turn: Turn) -> _LeaderTable:
        own = self._rows()
        rows = own.led(len(turn.keys))
        keys = [column[rows] for column in own.keys[: len(turn.keys)]]
        size = self._terms.rows(turn)
        bins = self._terms.joins(turn)[0].bins
        if len(rows) > self._terms.row_sizes[turn.leader]:
            raise InternalError("There are more rows than their public size.")
        if len(keys) == 1:
            table = CuckooTable.build(self._terms.sid, keys[0], bins)
            return _LeaderTable(table, rows, table.row_of_bin, [])
        items = np.unique(np.concatenate(keys))
        items = items[items != NO_KEY]
        table = CuckooTable.build(self._terms.sid, items, bins)
        bin_of_item = np.empty(len(items), dtype=np.uint32)
        occupied = np.flatnonzero(table.row_of_bin != EMPTY)
        bin_of_item[table.row_of_bin[occupied]] = occupied
        unused = np.flatnonzero(table.row_of_bin == EMPTY).astype(np.uint32)
        orders = []
        for column in keys:
            # A row without this key takes a bin with a dummy, each another one, so that the order is injective.
            has_key = column != NO_KEY
            order = np.empty(size, dtype=np.uint32)
            padded = np.concatenate([has_key, np.zeros(size - len(rows), dtype=np.bool_)])
            order[padded] = bin_of_item[np.searchsorted(items, column[has_key])]
            order[~padded] = unused[: int((~padded).sum())]
            orders.append(order)
        row_of_output = np.full(size, EMPTY, dtype=np.uint32)
        row_of_output[: len(rows)] = np.arange(len(rows), dtype=np.uint32)
        return _LeaderTable(table, rows, row_of_output, orders)

    def _row_planes(self, turn: Turn, bits: int, words: int) -> Planes:
        """Return what the leader shares per output row, in the order of ``_leader_inputs``."""
        # Safe: the leader has built its table in this turn.
        assert self._leader_table is not None  # noqa: S101
        own, led = self._rows(), self._leader_table
        occupied = np.flatnonzero(led.row_of_output != EMPTY)
        source = led.rows[led.row_of_output[occupied]]
        values = [(np.ones(len(source), dtype=np.int64), 1)]
        values += [((own.keys[1 + i][source] != NO_KEY).astype(np.int64), 1) for i in range(len(turn.keys) - 1)]
        values += [(own.columns[column.name][source], column.bits) for column in turn.columns]
        values += [(own.keys[0][source].astype(np.int64), BSN_BITS)] if turn.with_bsn else []
        planes = np.empty((bits, words), dtype=np.uint64)
        first = 0
        for column, width in values:
            spread = np.zeros(self._terms.rows(turn), dtype=np.int64)
            spread[occupied] = column
            planes[first : first + width] = to_planes(spread, width, words)
            first += width
        return planes

    def _read_members(self, opened: Planes, learned: Learned) -> None:
        # Safe: members are opened to the leader, which has built its table.
        assert self._leader_table is not None  # noqa: S101
        led, own = self._leader_table, self._rows()
        occupied = np.flatnonzero(led.row_of_output != EMPTY)
        source = led.rows[led.row_of_output[occupied]]
        rows = len(led.row_of_output)
        learned.members = np.zeros(len(own.keys[0]), dtype=np.bool_)
        learned.members[source] = from_planes(opened[:1], rows)[occupied] == 1
        if self._plan.label_bits:
            learned.label = np.zeros(len(own.keys[0]), dtype=np.int64)
            learned.label[source] = from_planes(opened[1:], rows)[occupied]

    def _count_bits(self, turn: Turn) -> int:
        """Bits of a count of a turn's rows: one per folding, from one bit per row."""
        bits, words = 1, words_for(self._terms.rows(turn))
        while words > 1:
            words, bits = -(-words // 2), bits + 1
        return bits + WORD_ROWS.bit_length() - 1

    def _leads(self, turn: Turn) -> bool:
        return self._party == turn.leader

    def _rows(self) -> OwnRows:
        if self._own is None:
            raise InternalError("A party without rows was asked for them.")
        return self._own


def _release_circuit(statistics: Statistics, count_bits: list[int]) -> Circuit:
    names = [str(cell) for cell in range(len(statistics.fields))]
    partial = {f"{cell}@{turn}": bits for cell in names for turn, bits in enumerate(count_bits)}
    totals = [tuple(f"set/{party}" for party in pair) for pair in statistics.totals]
    return release_circuit(names, partial, totals, SET_SIZE_BITS, statistics.min_group)


def _read_statistics(statistics: Statistics, widths: Mapping[str, int], opened: Planes) -> list[int | None]:
    values, first = {}, 0
    for name, bits in widths.items():
        values[name] = int(from_planes(opened[first : first + bits], 1)[0])
        first += bits
    return [
        None if values[f"{cell}/suppressed"] else values[f"{cell}/quotient"] * statistics.min_group
        for cell in range(len(statistics.fields))
    ]


def _frame_words(bits: int) -> int:
    """Return the words per plane of which ``bits`` planes fit one frame."""
    return max(1, FRAME_PAYLOAD_BYTES // (8 * bits))
