"""Frames: what goes in comes out, and whatever is not exactly what the role waits for is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.protocol import intersect
from support.sets import two_sets

from psi_match.base.errors import InternalError, PeerError, VersionMismatch
from psi_match.protocols import oprf, psi
from psi_match.protocols.effects import Recv, Rows
from psi_match.wire import version
from psi_match.wire.frames import MAX_FRAME_BYTES, STEPS, FrameReader, FrameWriter
from psi_match.wire.v1 import peer_pb2 as pb

SESSION = bytes(range(16))


def through_the_codec() -> tuple[object, list[int]]:
    """A carrier for the simulator that sends every message through its frame."""
    writers: dict[tuple[str, str], FrameWriter] = {}
    readers: dict[tuple[str, str], FrameReader] = {}
    sizes: list[int] = []

    def carry(sender: str, recipient: str, message: Rows, expected: Recv) -> Rows:
        writer = writers.setdefault((sender, recipient), FrameWriter(SESSION))
        reader = readers.setdefault((sender, recipient), FrameReader(SESSION, sender))
        serialised = writer.frame(0, message).SerializeToString()
        sizes.append(len(serialised))
        return reader.message(pb.SessionMessage.FromString(serialised).frame, 0, expected)

    return carry, sizes


@pytest.mark.parametrize("engine", ["kkrt", "vole", pytest.param("ecdh", marks=pytest.mark.openmined)])
def test_a_run_through_the_codec_gives_the_same_answer(engine: str) -> None:
    leader, data_party = two_sets(300, 400 if engine == "ecdh" else 70_000, 123)
    carry, sizes = through_the_codec()
    run = intersect(engine, leader, data_party, carry=carry)
    assert np.array_equal(run.results["leader"], np.isin(leader, data_party))
    assert len(sizes) == len(run.sent)
    assert max(sizes) <= MAX_FRAME_BYTES


def test_a_set_one_larger_than_a_frame_takes_two() -> None:
    from psi_match.protocols.sizes import FRAME_PAYLOAD_BYTES, chunks

    rows = FRAME_PAYLOAD_BYTES // 10
    assert [stop - start for start, stop in chunks(rows + 1, rows)] == [rows, 1]
    full = psi.CutValues(np.zeros((rows, 10), dtype=np.uint8))
    assert len(FrameWriter(SESSION).frame(0, full).SerializeToString()) < MAX_FRAME_BYTES
    with pytest.raises(InternalError, match="larger than a frame"):
        FrameWriter(SESSION).frame(0, psi.CutValues(np.zeros((MAX_FRAME_BYTES, 1), dtype=np.uint8)))


EXPECTED = Recv("uwv", oprf.MaskedRows, (3, 56))


def frame(**changes: object) -> pb.DataFrame:
    fields = {"session": SESSION, "run": 1, "step": pb.STEP_OPRF_ROWS, "payload": bytes(168)} | changes
    return pb.DataFrame(**fields)


def test_the_expected_frame_is_unwrapped_in_order() -> None:
    reader = FrameReader(SESSION, "uwv")
    assert reader.message(frame(), 1, EXPECTED).rows.shape == (3, 56)
    assert reader.message(frame(sequence=1, chunk=1), 1, EXPECTED).rows.shape == (3, 56)
    with pytest.raises(PeerError, match="frame 2 was due"):
        reader.message(frame(sequence=1, chunk=1), 1, EXPECTED)


@pytest.mark.parametrize(
    "changes",
    [
        {"session": bytes(16)},
        {"session": b""},
        {"run": 2},
        {"step": pb.STEP_PSI_VALUES},
        {"step": 99},
        {"chunk": 1},
        {"sequence": 1},
        {"sequence": 2**64 - 1},
        {"payload": b""},
        {"payload": bytes(167)},
        {"payload": bytes(169)},
        {"payload": bytes(168 * 2)},
    ],
)
def test_any_other_frame_is_refused_with_peer_and_step(changes: dict[str, object]) -> None:
    with pytest.raises(PeerError) as raised:
        FrameReader(SESSION, "uwv").message(frame(**changes), 1, EXPECTED)
    assert (raised.value.peer, raised.value.step) == ("uwv", "oprf-rows")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_typed_error(content: bytes) -> None:
    from google.protobuf.message import DecodeError

    try:
        message = pb.SessionMessage.FromString(content)
    except DecodeError:
        return
    with pytest.raises(PeerError):
        FrameReader(SESSION, "uwv").message(message.frame, 1, EXPECTED)


def test_every_step_has_a_number_of_its_own() -> None:
    assert len(set(STEPS.values())) == len(STEPS)
    assert pb.STEP_UNSPECIFIED not in STEPS.values()
    assert set(pb.Step.values()) == {*STEPS.values(), pb.STEP_UNSPECIFIED}


def test_versions_and_parameters_must_be_equal() -> None:
    version.check(version.WIRE_VERSION, version.parameters(), "uwv")
    with pytest.raises(VersionMismatch, match=f"wire version {version.WIRE_VERSION + 1}"):
        version.check(version.WIRE_VERSION + 1, version.parameters(), "uwv")
    for field in ("code_bits", "hash_functions", "chunk_bins", "statistical_security_bits"):
        theirs = version.parameters()
        setattr(theirs, field, getattr(theirs, field) + 1)
        with pytest.raises(VersionMismatch, match="other protocol parameters"):
            version.check(version.WIRE_VERSION, theirs, "uwv")
