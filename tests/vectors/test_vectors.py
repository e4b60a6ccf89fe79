"""Known answers; where each one comes from stands in its file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from psi_match.base.randomness import SeededRandomness
from psi_match.crypto import aes, blake2s, ristretto
from psi_match.protocols import engines, join
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.engines import LeaderRows
from psi_match.protocols.join import Payload
from psi_match.protocols.join_terms import JoinTerms
from psi_match.protocols.sharing import RandomPlanes
from psi_match.protocols.sizes import table_bins
from psi_match.protocols.tables import CuckooTable
from psi_match.sim.simulator import Simulation, simulate


def vectors(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text())
    assert content["origin"]
    return content


def test_blake2s() -> None:
    for case in vectors("blake2s")["cases"]:
        row = np.frombuffer(bytes.fromhex(case["row"]), dtype=np.uint8).reshape(1, -1)
        bins = np.array([case["bin"]], dtype=np.uint64)
        digest = blake2s.blake2s_rows(row, bins, bytes.fromhex(case["person"]))
        assert digest.tobytes().hex() == case["digest"]


def test_aes() -> None:
    content = vectors("aes_streams")
    for case in content["cases"]:
        expected = bytes.fromhex(case["stream"])
        assert aes.KeyStreams([bytes.fromhex(case["key"])]).read(len(expected)).tobytes() == expected
    published = {name: bytes.fromhex(value) for name, value in content["published"].items() if name != "origin"}
    plain = np.frombuffer(published["plain"], dtype=np.uint8).reshape(1, 16)
    assert aes.encrypt_blocks(published["key"], plain).tobytes() == published["cipher"]


def test_ristretto255() -> None:
    content = vectors("ristretto255")
    multiples = [bytes.fromhex(point) for point in content["multiples"]]
    for scalar, point in enumerate(multiples, 1):
        assert ristretto.base_times(scalar.to_bytes(32, "little")) == point
        assert ristretto.times(scalar.to_bytes(32, "little"), multiples[0]) == point
        assert ristretto.is_valid(point)
    assert ristretto.add(multiples[0], multiples[2]) == multiples[3]
    assert ristretto.subtract(multiples[3], multiples[2]) == multiples[0]
    for encoding in content["invalid"]:
        assert not ristretto.is_valid(bytes.fromhex(encoding)), encoding
    assert not ristretto.is_valid(bytes(32)), "the identity is valid in the group and refused here"
    assert not ristretto.is_valid(multiples[0][:-1])


def fingerprints(outcome: Simulation) -> list[dict[str, Any]]:
    return [
        {
            "from": sent.sender,
            "step": sent.message.STEP,
            "shape": list(sent.message.rows.shape),
            "sha256": hashlib.sha256(sent.message.rows.tobytes()).hexdigest(),
        }
        for sent in outcome.sent
    ]


@pytest.mark.parametrize("case", vectors("intersections")["cases"])
def test_every_message_of_a_seeded_run(case: dict[str, Any]) -> None:
    sid = bytes.fromhex(case["sid"])
    leader, data = (np.array(case[name], dtype=np.uint32) for name in ("leader", "data"))
    terms = PairTerms(sid, "leader", "data", *case["sizes"], case["instance"], case["runs"])
    outcome = simulate(
        {
            "leader": engines.lead(case["engine"], terms, LeaderRows(leader), SeededRandomness(b"leader")),
            "data": engines.answer(case["engine"], terms, data, SeededRandomness(b"data")),
        }
    )
    assert np.flatnonzero(outcome.results["leader"]).tolist() == case["found"]
    assert np.flatnonzero(np.isin(leader, data)).tolist() == case["found"]
    assert fingerprints(outcome) == case["messages"]


@pytest.mark.parametrize("case", vectors("joins")["cases"])
def test_every_message_of_a_seeded_join(case: dict[str, Any]) -> None:
    leader, data = (np.array(case[name], dtype=np.uint32) for name in ("leader", "data"))
    sid = hashlib.blake2s(case["engine"].encode()).digest()
    terms = JoinTerms(sid, "leader", "data", 320, 320, 0, table_bins(320), 9, case["engine"])
    secrets = RandomPlanes([bytes([seed]) * 16 for seed in range(3)], terms.value_bits)
    payload = Payload(data, (((data % 512).astype(np.int64), 9),))
    table = CuckooTable.build(sid, leader, terms.bins)
    outcome = simulate(
        {
            "leader": join.lead(terms, table, SeededRandomness(b"leader")),
            "data": join.answer(terms, payload, secrets, SeededRandomness(b"data")),
        }
    )
    assert fingerprints(outcome) == case["messages"]
