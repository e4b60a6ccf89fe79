"""Check an audit log against the heads of it that peers saw: what was cut off or rewritten, also with its own key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from psi_match.base.errors import ConfigError
from psi_match.governance.audit.chain import LogWalk, PlacedLine
from psi_match.governance.audit.events import COUNTERSIGNED, PEER_HEAD
from psi_match.governance.audit.findings import Finding
from psi_match.governance.audit.heads import LogHead, head_of_fields, is_countersigned, is_head_of, read_head
from psi_match.governance.signing import Signers


@dataclass(frozen=True, slots=True)
class SeenHead:
    """A head of a log, and who saw it.

    Args:
        by: a party id, or the name of a file with a head alone.
        where: that party and the line of its log, or the file.
        head: what was seen; its signature is checked where it is used.
    """

    by: str
    where: str
    head: LogHead


@dataclass(frozen=True, slots=True)
class Verification:
    """What is wrong with a log, and what was looked at.

    Args:
        walk: the pass over it, complete.
        findings: everything that is wrong.
        notes: what is worth knowing.
        heads: heads of it that were compared.
    """

    walk: LogWalk
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    heads: int


def verify_log(path: Path, signers: Signers | None = None, against: Iterable[Path] = ()) -> Verification:
    """Verify a log.

    Args:
        path: its folder, or one file of it.
        signers: whose key is whose; None: not checked.
        against: files with a head of it, and logs of peers.

    Raises:
        ConfigError: a file cannot be read, or a head is of another party.
    """
    walk = LogWalk(path, signers)
    heads = [placed for placed in walk if placed.line.event in {PEER_HEAD, COUNTERSIGNED}]
    findings, notes = list(walk.findings), list(walk.notes)
    findings += check_countersigned(walk, heads, signers)
    findings += _check_peer_heads(heads, signers)
    compared = 0
    for witness in against:
        seen = _seen_in(witness, walk.party, notes)
        findings += check_heads(walk, seen, signers)
        compared += len(seen)
    if not compared:
        notes.append(Finding("end-not-checked", path.name))
    return Verification(walk, tuple(findings), tuple(notes), compared)


def check_heads(walk: LogWalk, seen: Iterable[SeenHead], signers: Signers | None = None) -> Iterator[Finding]:
    """Check that every line of a log that somebody saw is in it, unchanged.

    Args:
        walk: a pass over the log, complete.
        seen: heads of its party.
        signers: whose key is whose; None: the log's own keys count alone.
    """
    keys = walk.keys + (signers.keys_of(walk.party) if signers else [])
    logs = {opening.log for opening in walk.openings.values()}
    for one in seen:
        head = one.head
        if not any(is_head_of(head, key) for key in keys):
            yield Finding("head-unsigned", one.where, (head.party,))
        elif head.log not in logs:
            yield Finding("log-gone", one.where, (one.by, head.log))
        elif (head.log, head.sequence) not in walk.digests:
            yield Finding("cut", one.where, (one.by, head.sequence))
        elif walk.digests[head.log, head.sequence] != head.digest:
            yield Finding("rewritten", one.where, (one.by, head.sequence))


def seen_heads(lines: Iterable[PlacedLine], by: str, party: str) -> Iterator[SeenHead]:
    """Yield the heads of a party that another party's log holds.

    Args:
        lines: lines of the other party's log.
        by: that party.
        party: whose heads.
    """
    for placed in lines:
        if placed.line.event == PEER_HEAD and placed.line.fields["peer"] == party:
            yield SeenHead(by, f"{by} {placed.where}", head_of_fields(party, placed.line.fields))


def check_countersigned(walk: LogWalk, lines: Iterable[PlacedLine], signers: Signers | None) -> Iterator[Finding]:
    """Check that the lines of a log that peers countersigned are in it, and that the peers did.

    Args:
        walk: a pass over the log, complete.
        lines: lines of it; other events are skipped.
        signers: whose key is whose; None: the countersignatures are not checked.
    """
    logs = {opening.log for opening in walk.openings.values()}
    for placed in lines:
        if placed.line.event != COUNTERSIGNED:
            continue
        peer = str(placed.line.fields["peer"])
        head = head_of_fields(walk.party, placed.line.fields)
        # A file alone does not hold the lines of the files before it.
        is_here = head.log in logs or walk.path.is_dir()
        if is_here and walk.digests.get((head.log, head.sequence)) != head.digest:
            yield Finding("not-the-countersigned", placed.where, (peer,))
        if signers and not any(is_countersigned(head, peer, head.signature, key) for key in signers.keys_of(peer)):
            yield Finding("bad-countersignature", placed.where, (peer,))


def _check_peer_heads(lines: Iterable[PlacedLine], signers: Signers | None) -> Iterator[Finding]:
    for placed in lines:
        if signers is None or placed.line.event != PEER_HEAD:
            continue
        peer = str(placed.line.fields["peer"])
        head = head_of_fields(peer, placed.line.fields)
        if not any(is_head_of(head, key) for key in signers.keys_of(peer)):
            yield Finding("bad-peer-head", placed.where, (peer,))


def _seen_in(witness: Path, party: str, notes: list[Finding]) -> list[SeenHead]:
    """Return the heads of a party in a file with a head, or in a peer's log."""
    if witness.is_file() and witness.suffix != ".jsonl":
        head = read_head(witness)
        if party and head.party != party:
            raise ConfigError(f"{witness} is a head of {head.party}, not of {party}.", "Give a head of this log.")
        return [SeenHead(witness.name, witness.name, head)]
    walk = LogWalk(witness)
    lines = [placed for placed in walk if placed.line.event == PEER_HEAD]
    seen = list(seen_heads(lines, walk.party, party))
    if not seen:
        notes.append(Finding("no-head", str(witness), (party,)))
    if walk.findings:
        notes.append(Finding("witness-unsound", str(witness), (len(walk.findings),)))
    return seen
