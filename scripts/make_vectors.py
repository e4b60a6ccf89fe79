"""Write tests/vectors/*.json. Run by hand; the origin of every vector stands in the file.

    .venv/bin/python scripts/make_vectors.py

Vectors from other implementations (hashlib, OpenSSL) are recomputed; published ones (FIPS, NIST, RFC) are copied from
their documents; the protocol's own are a fingerprint of a seeded run, so that an unintended change of a message shows.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from psi_match.base.randomness import SeededRandomness
from psi_match.protocols import engines, join
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.engines import LeaderRows
from psi_match.protocols.join import Payload
from psi_match.protocols.join_terms import JOIN_ENGINES, JoinTerms
from psi_match.protocols.sharing import RandomPlanes
from psi_match.protocols.sizes import table_bins
from psi_match.protocols.tables import CuckooTable
from psi_match.sim.simulator import Simulation, simulate

OWN = "this project, SeededRandomness(b'leader') and (b'data'): a fingerprint, not a proof"
FOLDER = Path(__file__).parents[1] / "tests" / "vectors"


def write(name: str, content: dict[str, object]) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


def blake2s() -> None:
    rng = np.random.default_rng(2026)
    cases = []
    for number in (0, 1, 2**32 - 1, 2**32, 2**64 - 1, *(int(n) for n in rng.integers(0, 2**63, 15))):
        row, person = rng.bytes(56), rng.bytes(8)
        digest = hashlib.blake2s(row + number.to_bytes(8, "little"), person=person).hexdigest()
        cases.append({"row": row.hex(), "bin": number, "person": person.hex(), "digest": digest})
    write("blake2s", {"origin": "hashlib.blake2s of CPython 3.11 (the BLAKE2 reference code)", "cases": cases})


def aes_streams() -> None:
    rng = np.random.default_rng(2027)
    cases = []
    for count in (8, 64, 1000):
        key = rng.bytes(16)
        stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(count))
        cases.append({"key": key.hex(), "stream": stream.hex()})
    write(
        "aes_streams",
        {
            "origin": "AES-128-CTR from counter zero, package cryptography (OpenSSL), one call per stream",
            "cases": cases,
            "published": {
                "origin": "FIPS 197, appendix B",
                "key": "2b7e151628aed2a6abf7158809cf4f3c",
                "plain": "3243f6a8885a308d313198a2e0370734",
                "cipher": "3925841d02dc09fbdc118597196a0b32",
            },
        },
    )


def fingerprints(outcome: Simulation) -> list[dict[str, object]]:
    """Return every message of a run: who sent it, its step, shape and hash."""
    return [
        {
            "from": sent.sender,
            "step": sent.message.STEP,
            "shape": list(sent.message.rows.shape),
            "sha256": hashlib.sha256(sent.message.rows.tobytes()).hexdigest(),
        }
        for sent in outcome.sent
    ]


def intersections() -> None:
    cases = []
    sizes = ((0, 0, 0, 1), (5, 300, 0, 1), (300, 257, 1, 2))
    for engine, (leader_rows, data_rows, instance, runs) in itertools.product(("kkrt", "vole"), sizes):
        leader = np.arange(1, 1 + leader_rows, dtype=np.uint32) * np.uint32(1_000_003)
        data = np.arange(2, 2 + 2 * data_rows, 2, dtype=np.uint32) * np.uint32(1_000_003)
        sid = hashlib.blake2s(bytes([instance])).digest()
        terms = PairTerms(sid, "leader", "data", 256 if leader_rows < 257 else 320, 320, instance, runs)
        outcome = simulate(
            {
                "leader": engines.lead(engine, terms, LeaderRows(leader), SeededRandomness(b"leader")),
                "data": engines.answer(engine, terms, data, SeededRandomness(b"data")),
            }
        )
        cases.append(
            {
                "engine": engine,
                "sid": sid.hex(),
                "leader": leader.tolist(),
                "data": data.tolist(),
                "sizes": [terms.leader_size, terms.data_size],
                "instance": instance,
                "runs": runs,
                "messages": fingerprints(outcome),
                "found": np.flatnonzero(outcome.results["leader"]).tolist(),
            }
        )
    write("intersections", {"origin": OWN, "cases": cases})


def joins() -> None:
    cases = []
    for engine in JOIN_ENGINES:
        leader = np.arange(1, 301, dtype=np.uint32) * np.uint32(1_000_003)
        data = np.arange(2, 516, 2, dtype=np.uint32) * np.uint32(1_000_003)
        sid = hashlib.blake2s(engine.encode()).digest()
        terms = JoinTerms(sid, "leader", "data", 320, 320, 0, table_bins(320), 9, engine)
        payload = Payload(data, (((data % 512).astype(np.int64), 9),))
        secrets = RandomPlanes([bytes([seed]) * 16 for seed in range(3)], terms.value_bits)
        outcome = simulate(
            {
                "leader": join.lead(terms, CuckooTable.build(sid, leader, terms.bins), SeededRandomness(b"leader")),
                "data": join.answer(terms, payload, secrets, SeededRandomness(b"data")),
            }
        )
        cases.append(
            {"engine": engine, "leader": leader.tolist(), "data": data.tolist(), "messages": fingerprints(outcome)}
        )
    write("joins", {"origin": OWN, "cases": cases})


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    blake2s()
    aes_streams()
    intersections()
    joins()
