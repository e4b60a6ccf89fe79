"""Compare the audit logs of two parties: of every run that both took part in, both must tell the same story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from psi_match.governance.audit.chain import LogWalk, PlacedLine
from psi_match.governance.audit.events import (
    CONTRIBUTION_FIXED,
    COUNTERSIGNED,
    PEER_HEAD,
    REFUSED,
    RUN_FAILED,
    RUN_FINISHED,
    RUN_STARTED,
    Fields,
)
from psi_match.governance.audit.findings import Finding
from psi_match.governance.audit.heads import head_of_fields, is_countersigned
from psi_match.governance.audit.witnesses import check_heads, seen_heads

_SAME = ("scenario", "scenario_digest", "agreement", "agreement_digest", "parties", "coordinator")
_OF_A_RUN = {RUN_STARTED, CONTRIBUTION_FIXED, RUN_FINISHED, RUN_FAILED, REFUSED}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two logs say of the runs that both parties took part in.

    Args:
        a: pass over the one, complete.
        b: pass over the other.
        runs: number of runs that were compared.
        differences: where they disagree.
        notes: where they differ as they may.
    """

    a: LogWalk
    b: LogWalk
    runs: int
    differences: tuple[Finding, ...]
    notes: tuple[Finding, ...]


@dataclass(slots=True)
class _Side:
    """What one log holds: per run the first line of each event, and the lines about heads."""

    walk: LogWalk
    runs: dict[str, dict[str, Fields]] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)
    heads: list[PlacedLine] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> _Side:
        side = cls(LogWalk(path))
        for placed in side.walk:
            line = placed.line
            if line.event in {PEER_HEAD, COUNTERSIGNED}:
                side.heads.append(placed)
            elif line.event in _OF_A_RUN and "run" in line.fields:
                run = str(line.fields["run"])
                if line.event in side.runs.setdefault(run, {}) and line.event != REFUSED:
                    side.twice.add(run)
                side.runs[run].setdefault(line.event, line.fields)
        return side

    @property
    def party(self) -> str:
        return self.walk.party

    def has_with(self, run: str, other: str) -> bool:
        """Tell whether this log holds the start of a run in which another party takes part."""
        return other in _list(self.runs.get(run, {}).get(RUN_STARTED, {}).get("parties"))


def compare_logs(path_a: Path, path_b: Path) -> Comparison:
    """Compare two logs. What is wrong with each by itself is in ``findings`` of its pass.

    Args:
        path_a: folder of a log, or a file of it.
        path_b: that of another party.

    Raises:
        ConfigError: a log cannot be read.
    """
    a, b = _Side.read(path_a), _Side.read(path_b)
    differences: list[Finding] = []
    notes: list[Finding] = []
    together = [run for run in a.runs | b.runs if a.has_with(run, b.party) or b.has_with(run, a.party)]
    for run in together:
        differences += [Finding("run-twice", run, (side.party,)) for side in (a, b) if run in side.twice]
        if a.has_with(run, b.party) and b.has_with(run, a.party):
            _compare_run(run, a, b, differences, notes)
        else:
            holds, lacks = (a, b) if a.has_with(run, b.party) else (b, a)
            # A run that failed at whoever proposed it may never have begun at the other, or was refused there.
            if RUN_FINISHED in holds.runs[run] or RUN_STARTED in lacks.runs.get(run, {}):
                differences.append(Finding("run-absent", run, (holds.party, lacks.party)))
            else:
                notes.append(Finding("not-reached", run, (holds.party, lacks.party)))
    for one, other in ((a, b), (b, a)):
        differences += check_heads(one.walk, seen_heads(other.heads, other.party, one.party))
        differences += _check_countersignatures(one, other)
    return Comparison(a.walk, b.walk, len(together), tuple(differences), tuple(notes))


def _compare_run(run: str, a: _Side, b: _Side, differences: list[Finding], notes: list[Finding]) -> None:
    of_a, of_b = a.runs[run], b.runs[run]
    differences += [
        Finding("differs", run, (name, a.party, b.party))
        for name in _SAME
        if of_a[RUN_STARTED][name] != of_b[RUN_STARTED][name]
    ]
    differences += _sizes(run, a, b)
    finished = [side.party for side in (a, b) if RUN_FINISHED in side.runs[run]]
    failed = [side.party for side in (a, b) if RUN_FAILED in side.runs[run]]
    notes += [
        Finding("no-outcome", run, (side.party,))
        for side in (a, b)
        if not {RUN_FINISHED, RUN_FAILED} & side.runs[run].keys()
    ]
    if len(finished) == 2:
        for sender, receiver in ((a, b), (b, a)):
            sent = _numbers(sender.runs[run][RUN_FINISHED]["bytes_out"]).get(receiver.party, 0)
            received = _numbers(receiver.runs[run][RUN_FINISHED]["bytes_in"]).get(sender.party, 0)
            if sent != received:
                differences.append(Finding("bytes-differ", run, (sender.party, sent, receiver.party, received)))
    elif finished and failed:
        # The coordinator has the last word: it fails only if the run did, the others also if its last word was lost.
        is_lost = failed[0] != of_a[RUN_STARTED]["coordinator"]
        (notes if is_lost else differences).append(
            Finding("last-word-lost" if is_lost else "outcomes-differ", run, (finished[0], failed[0]))
        )


def _sizes(run: str, a: _Side, b: _Side) -> Iterator[Finding]:
    """Compare the public sizes that both logs hold: at the end of the run, and as each party fixed its own."""
    for which, own in (("rows", "row_size"), ("sets", "set_size")):
        said = {side.party: _numbers(side.runs[run].get(RUN_FINISHED, {}).get(which)) for side in (a, b)}
        for party in said[a.party].keys() & said[b.party].keys():
            if said[a.party][party] != said[b.party][party]:
                told = (which, party, said[a.party][party], a.party, said[b.party][party], b.party)
                yield Finding("size-differs", run, told)
        for owner, other in ((a, b), (b, a)):
            fixed = owner.runs[run].get(CONTRIBUTION_FIXED, {}).get(own)
            heard = said[other.party].get(owner.party)
            if isinstance(fixed, int) and heard is not None and heard != fixed:
                yield Finding("size-differs", run, (which, owner.party, fixed, owner.party, heard, other.party))


def _check_countersignatures(owner: _Side, peer: _Side) -> Iterator[Finding]:
    """Check the peer's signatures under the owner's heads with the keys of the peer's log."""
    for placed in owner.heads:
        if placed.line.event == COUNTERSIGNED and placed.line.fields["peer"] == peer.party:
            head = head_of_fields(owner.party, placed.line.fields)
            if not any(is_countersigned(head, peer.party, head.signature, key) for key in peer.walk.keys):
                yield Finding("bad-countersignature", f"{owner.party} {placed.where}", (peer.party,))


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _numbers(value: object) -> Mapping[str, int]:
    return value if isinstance(value, dict) else {}
