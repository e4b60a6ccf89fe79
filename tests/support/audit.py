"""Audit logs of made-up parties for tests: small, with fixed keys and a clock that ticks."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from psi_match.base.randomness import SeededRandomness, SystemRandomness
from psi_match.governance.audit.heads import countersign
from psi_match.governance.signing import KeySigner, KnownSigner, Signers
from psi_match.node.audit_log import AuditLog

DIGEST = "d1" * 32
RUN = "ab" * 16
OTHER_RUN = "cd" * 16
PARTIES = ["belastingdienst", "cjib"]
START = datetime.datetime(2026, 11, 24, 13, 0, tzinfo=datetime.UTC)


def signer(name: str) -> KeySigner:
    """Return the key of a name: equal names, equal keys."""
    return KeySigner(Ed25519PrivateKey.from_private_bytes(SeededRandomness(name.encode()).bytes(32)))


def ticking(start: datetime.datetime = START) -> Callable[[], datetime.datetime]:
    """Return a clock that goes on by a second at each look."""
    moments = [start]

    def now() -> datetime.datetime:
        moments.append(moments[-1] + datetime.timedelta(seconds=1))
        return moments[-1]

    return now


def open_log(folder: Path, party: str = "cjib", key: str = "", start: datetime.datetime = START) -> AuditLog:
    return AuditLog(folder, party, signer(key or party), ticking(start), SystemRandomness())


def known(*parties: str) -> Signers:
    """Return the signers file that knows the keys of parties."""
    return Signers(
        format=1,
        signers=tuple(KnownSigner(party=party, public_key=signer(party).public_key.hex()) for party in parties),
    )


def start_run(log: AuditLog, run: str = RUN, **changed: Any) -> None:
    fields: dict[str, Any] = {
        "run": run,
        "role": "leader",
        "scenario": "betalingsregeling-rijk",
        "scenario_digest": DIGEST,
        "agreement": "betalingsregeling-2026",
        "agreement_digest": DIGEST,
        "parties": PARTIES,
        "coordinator": "cjib",
    }
    log.append("run-started", **(fields | changed))


def exchange_heads(one: AuditLog, other: AuditLog, run: str = RUN) -> None:
    """Let two parties see and countersign each other's head, as nodes do in a run."""
    heads = one.head(), other.head()
    for log, own, seen in ((one, heads[0], heads[1]), (other, heads[1], heads[0])):
        log.append("peer-head", run=run, peer=seen.party, **seen.as_fields())
        countersignature = countersign(own, seen.party, signer(seen.party)).hex()
        log.append("countersigned", run=run, peer=seen.party, **(own.as_fields() | {"signature": countersignature}))


def finish_run(log: AuditLog, peer: str, sent: int, received: int, run: str = RUN, **changed: Any) -> None:
    fields: dict[str, Any] = {
        "run": run,
        "rows": {"cjib": 256},
        "sets": {"belastingdienst": 1024},
        "bytes_out": {peer: sent},
        "bytes_in": {peer: received},
        "recipient": peer != "cjib",
    }
    log.append("run-finished", **(fields | changed))


def lines_of(folder: Path, number: int = 1) -> list[bytes]:
    """Return a file's lines, each with its newline."""
    return (folder / f"{number:06}.jsonl").read_bytes().splitlines(keepends=True)


def write_lines(folder: Path, lines: list[bytes], number: int = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:06}.jsonl").write_bytes(b"".join(lines))
