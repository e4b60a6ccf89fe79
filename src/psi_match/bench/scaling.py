"""A model of intersections in hash buckets: seconds, memory and bytes at any size, from constants that were measured.

*Bytes* are computed, not fitted: every message's size follows from public sizes. *Processor time* is a base plus a
constant per row, split into tasks, which a cluster shares, and the rest, which stays with the node. *Memory* is a base
plus a constant per row plus the window of buckets, whose size is known. *Wall time* is that of the slowest of three:
the link, a node's own work, a cluster's tasks, the latter two stretched as in the runs that were measured; plus one
round trip per bucket.

Source:
    The shape of the model is this project's; its constants come from a report of ``bench psi``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from psi_match.base.errors import UsageError
from psi_match.base.randomness import SystemRandomness
from psi_match.bench.model import OURS, Row
from psi_match.crypto.aes import KEY_BYTES
from psi_match.crypto.blake2s import ROW_BYTES
from psi_match.crypto.hashes import HASHES
from psi_match.crypto.ristretto import POINT_BYTES
from psi_match.population.numbers import draw_numbers
from psi_match.protocols import bucketed_psi
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.base_ot import TRANSFERS
from psi_match.protocols.buckets import BucketTerms, split
from psi_match.protocols.oprf import choice_bits

ENGINE = "kkrt-buckets"
_MASK_BYTES = ROW_BYTES
_NUMBER_BYTES = 4
_SMALLEST_FITTED = 1 << 18
"""Below, a run's fixed parts are nearly all of it."""
_KEPT_BYTES = 3.0 * _NUMBER_BYTES
"""What a row takes at least: the BSN as it was loaded, the same in its bucket, and where it came from."""
_FULL_BUFFERS = 1 << 20
"""From here on every queue of messages is filled once, and memory grows with rows and buckets alone."""


@dataclass(frozen=True, slots=True)
class SideConstants:
    """What one row costs at one end.

    Args:
        cpu_base_s: processor seconds of a run without rows.
        cpu_row_s: processor seconds per row, tasks included.
        task_row_s: of those, the tasks.
        memory_base_bytes: largest resident memory of a node that has run an intersection of no rows.
        memory_row_bytes: per row, the window apart.
    """

    cpu_base_s: float
    cpu_row_s: float
    task_row_s: float
    memory_base_bytes: float
    memory_row_bytes: float


@dataclass(frozen=True, slots=True)
class Constants:
    """What was measured on one machine.

    Args:
        leader: at the leader.
        data_party: at the data party.
        frame_bytes: of a message beside its payload.
        session_bytes: of a run beside the messages of the intersection.
        stretch: how many times longer runs took than their processor time spread over all cores: what does not
            overlap, and whatever else the machine did.
    """

    leader: SideConstants
    data_party: SideConstants
    frame_bytes: float
    session_bytes: float
    stretch: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a prediction is for.

    Args:
        cores: processors of each party's cluster, or of its node where it has none.
        rate_bytes_s: of the link between the parties.
        round_trip_s: of that link.
        shipping_row_s: processor seconds per row that a node spends to send tasks away and to fetch what they return; 0
            for threads.
    """

    cores: int = 2
    rate_bytes_s: float = 125e6
    round_trip_s: float = 0.001
    shipping_row_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a run will take.

    Args:
        rows: of each party, a public size.
        buckets: how many.
        bytes: in both directions.
        cpu_s: of both parties together.
        leader_memory_bytes: of the leader's node.
        data_memory_bytes: of the data party's node.
        wall_s: seconds, loading the rows included.
        bound_by: which part is the slowest: ``link``, ``node`` or ``tasks``.
    """

    rows: int
    buckets: int
    bytes: float
    cpu_s: float
    leader_memory_bytes: float
    data_memory_bytes: float
    wall_s: float
    bound_by: str


def _terms(rows: int) -> BucketTerms:
    return BucketTerms.of(PairTerms(bytes(32), "leader", "data", rows, rows, 0, 1))


def payload_bytes(rows: int) -> int:
    """Return the payload of all messages of an intersection, both ways, exactly."""
    terms = _terms(rows)
    lists = HASHES * terms.data_rows * terms.value_bytes
    return 3 * TRANSFERS * POINT_BYTES + terms.buckets * (terms.bins * _MASK_BYTES + lists)


def window_bytes(rows: int) -> tuple[int, int]:
    """Return what the buckets under way take at the leader and at the data party, at most.

    The leader holds masked rows of the buckets that it computes, its own values of those that are unanswered, and lists
    of those that it compares; the data party masked rows and lists of those that it evaluates.
    """
    terms = _terms(rows)
    masked = terms.bins * _MASK_BYTES
    lists = HASHES * terms.data_rows * terms.value_bytes
    own = terms.leader_rows * (terms.value_bytes + 1 + _NUMBER_BYTES)
    under_way = min(terms.buckets, bucketed_psi.WINDOW)
    return under_way * (masked + 2 * own + lists), (under_way + 1) * (masked + lists)


def predict(constants: Constants, rows: int, surroundings: Surroundings) -> Prediction:
    """Predict a run of two sets of equal public size.

    Args:
        constants: measured.
        rows: public size of each set.
        surroundings: processors and link.
    """
    terms = _terms(rows)
    sides = (constants.leader, constants.data_party)
    sent = payload_bytes(rows) + bucketed_psi.message_count(terms.pair) * constants.frame_bytes
    sent += constants.session_bytes
    shipping = rows * surroundings.shipping_row_s
    own = [side.cpu_base_s + rows * (side.cpu_row_s - side.task_row_s) + shipping for side in sides]
    tasks = [rows * side.task_row_s for side in sides]
    parts = {
        "link": sent / surroundings.rate_bytes_s,
        "node": constants.stretch * max(own),
        "tasks": constants.stretch * max(tasks) / surroundings.cores,
    }
    slowest = max(parts, key=lambda part: parts[part])
    memory = [
        side.memory_base_bytes + rows * side.memory_row_bytes + window
        for side, window in zip(sides, window_bytes(rows), strict=True)
    ]
    return Prediction(
        rows=rows,
        buckets=terms.buckets,
        bytes=sent,
        cpu_s=sum(own) + sum(tasks),
        leader_memory_bytes=memory[0],
        data_memory_bytes=memory[1],
        wall_s=parts[slowest] + terms.buckets * surroundings.round_trip_s,
        bound_by=slowest,
    )


def measure_tasks(rows: int, rounds: int = 3) -> tuple[float, float]:
    """Measure the tasks of one bucket on this machine: medians of processor seconds per row.

    Args:
        rows: of the bucket.
        rounds: how often, after one that does not count.

    Returns:
        Of the leader (mask, match), and of the data party (evaluate).
    """
    terms = BucketTerms(PairTerms(bytes(32), "leader", "data", 2 * rows, 2 * rows, 0, 1), 2)
    rng = SystemRandomness()
    own = split(terms.pair.sid, draw_numbers(2 * rows, np.random.default_rng(1)), 2, terms.leader_rows).of(0)
    pairs = [(rng.bytes(KEY_BYTES), rng.bytes(KEY_BYTES)) for _ in range(TRANSFERS)]
    choices = choice_bits(rng.bytes(TRANSFERS // 8))
    chosen = [pair[choice] for pair, choice in zip(pairs, choices, strict=True)]
    leader, data = [], []
    for _ in range(rounds + 1):
        began = time.process_time()
        masked, values = bucketed_psi.mask(terms, 0, own, pairs, rng.bytes(KEY_BYTES))
        masked_at = time.process_time()
        lists = bucketed_psi.evaluate(terms, 0, own, chosen, choices, masked, rng.bytes(KEY_BYTES))
        evaluated_at = time.process_time()
        bucketed_psi.match(values, lists)
        leader.append((masked_at - began + time.process_time() - evaluated_at) / len(own))
        data.append((evaluated_at - masked_at) / len(own))
    return float(np.median(leader[1:])), float(np.median(data[1:]))


def fitting_rows(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of a report that the model can be fitted to or compared with, smallest first."""
    fitting = [
        row
        for row in rows
        if (row.suite, row.system, row.variant) == ("psi", OURS, ENGINE)
        and row.parameters.get("rows") == row.parameters.get("data_rows")
        and int(row.parameters["rows"]) >= _SMALLEST_FITTED
    ]
    return sorted(fitting, key=rows_of)


def rows_of(row: Row) -> int:
    """Return the public size at which a row was measured."""
    return int(row.parameters["rows"])


def on_one_machine_s(constants: Constants, rows: int, cores: int) -> float:
    """Predict a run with both parties on one machine and no network between them: what a bench measures."""
    return constants.stretch * predict(constants, rows, Surroundings()).cpu_s / cores


def fit(rows: Sequence[Row], leader: str, data_party: str, tasks: tuple[float, float], cores: int) -> Constants:
    """Fit the constants to a report.

    Args:
        rows: of ``fitting_rows``.
        leader: party id of the leader in it.
        data_party: party id of the data party.
        tasks: of ``measure_tasks``, on the same machine.
        cores: of that machine.

    Raises:
        UsageError: there are not two sizes that are large enough.
    """
    sizes = [rows_of(row) for row in rows]
    if len({size for size in sizes if size >= _FULL_BUFFERS}) < 2:
        raise UsageError(
            f"The report has fewer than two sizes of engine {ENGINE} from 2^20 rows on.",
            f"Measure them: psi-match bench psi --engine {ENGINE} --size 2^18 --size 2^20 --size 2^22.",
        )
    full = [row for row in rows if rows_of(row) >= _FULL_BUFFERS]
    sides = []
    for side, (party, task_row_s) in enumerate(((leader, tasks[0]), (data_party, tasks[1]))):
        cpu = [row.median.cpu_s[party] for row in rows]
        memory = [row.median.peak_rss_bytes[party] - window_bytes(rows_of(row))[side] for row in full]
        cpu_base, cpu_row = _line(sizes, cpu)
        memory_base, memory_row = _line([rows_of(row) for row in full], memory, _KEPT_BYTES)
        sides.append(SideConstants(cpu_base, cpu_row, task_row_s, memory_base, memory_row))
    messages = [bucketed_psi.message_count(_terms(size).pair) for size in sizes]
    beside = [row.median.sent - payload_bytes(size) for row, size in zip(rows, sizes, strict=True)]
    session, frame = _line(messages, beside) if len(set(messages)) > 1 else (float(np.mean(beside)), 0.0)
    stretch = [row.median.wall_s * cores / sum(row.median.cpu_s.values()) for row in full]
    return Constants(sides[0], sides[1], frame, session, float(np.median(stretch)))


def _line(at: Sequence[float], values: Sequence[float], least: float = 0.0) -> tuple[float, float]:
    """Fit base + slope x at: base at least zero, slope at least ``least``; equal relative errors weigh the same."""
    x, y = np.array(at, dtype=float), np.array(values, dtype=float)
    weights = 1 / np.maximum(np.abs(y), 1e-9)
    slope, base = np.polyfit(x, y, 1, w=weights)
    if base < 0:
        return 0.0, float(np.average(y / x, weights=weights * x))
    if slope < least:
        return float(np.average(y - least * x, weights=weights)), least
    return float(base), float(slope)


def relative_error(predicted: float, measured: float) -> float:
    """Return by how much a prediction is off, as a part of what was measured."""
    return predicted / measured - 1 if measured else math.inf
