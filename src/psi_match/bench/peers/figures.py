"""From what the parties of another program tell to the figures of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from psi_match.bench.model import RunFigures
from psi_match.bench.peers.processes import PartyRecord


def run_figures(records: Mapping[str, PartyRecord]) -> RunFigures:
    """Return the figures of a run.

    Everything counts from the start of the clock. Wall time ends when the first party has written the result; the
    phases are its own.

    Args:
        records: per party, the one who gets the result first.
    """
    first = next(iter(records.values()))
    total: Counter[str] = Counter()
    for record in records.values():
        total.update(_counted(record) if record.messages is None else record.messages)
    return RunFigures(
        wall_s=first.marks[-1].at - min(record.marks[0].at for record in records.values()),
        phases={mark.name: after.at - mark.at for mark, after in pairwise(first.marks)},
        cpu_s={party: record.marks[-1].cpu_s - record.marks[0].cpu_s for party, record in records.items()},
        peak_rss_bytes={party: record.peak_rss_bytes for party, record in records.items()},
        bytes=dict(sorted(total.items())),
        phase_bytes=_phase_bytes(records),
    )


def _counted(record: PartyRecord) -> dict[str, int]:
    before = record.marks[0].bytes
    return {pair: count - before.get(pair, 0) for pair, count in record.marks[-1].bytes.items()}


def _phase_bytes(records: Mapping[str, PartyRecord]) -> dict[str, int]:
    """Return what all parties sent in each phase, as far as the kernel counted it."""
    sent: Counter[str] = Counter()
    for record in records.values():
        if record.messages is None:
            for mark, after in pairwise(record.marks):
                sent[mark.name] += sum(after.bytes.values()) - sum(mark.bytes.values())
    return dict(sent)
