"""Protocol messages to data frames and back, with every check before content reaches a role.

A frame holds rows of one width. Which step, how many rows and how wide is what the *recipient* expects by its role and
the public sizes; whatever differs is refused by its length, before an array is made of it.
"""

from __future__ import annotations

import numpy as np

from psi_match.base.errors import InternalError, PeerError
from psi_match.protocols import (
    base_ot,
    ecdh_psi,
    join,
    join_session,
    oprf,
    ot_extension,
    permutation,
    psi,
    session_id,
    sharing,
    vole,
    vole_oprf,
    vole_psi,
)
from psi_match.protocols.effects import Recv, Rows
from psi_match.wire import transcript
from psi_match.wire.v1 import peer_pb2 as pb

MAX_FRAME_BYTES = 2 * 1024 * 1024
"""Largest serialised message on a stream; gRPC's own cap of 4 MiB stays as it is."""

STEPS: dict[str, pb.Step] = {
    session_id.Commitment.STEP: pb.STEP_SESSION_COMMITMENT,
    session_id.Commitments.STEP: pb.STEP_SESSION_COMMITMENTS,
    session_id.Opening.STEP: pb.STEP_SESSION_OPENING,
    session_id.Openings.STEP: pb.STEP_SESSION_OPENINGS,
    transcript.TranscriptDigest.STEP: pb.STEP_TRANSCRIPT,
    base_ot.SenderPoints.STEP: pb.STEP_BASE_OT_SENDER,
    base_ot.ReceiverPoints.STEP: pb.STEP_BASE_OT_RECEIVER,
    oprf.MaskedRows.STEP: pb.STEP_OPRF_ROWS,
    psi.CutValues.STEP: pb.STEP_PSI_VALUES,
    ecdh_psi.Request.STEP: pb.STEP_ECDH_REQUEST,
    ecdh_psi.Setup.STEP: pb.STEP_ECDH_SETUP,
    ecdh_psi.Response.STEP: pb.STEP_ECDH_RESPONSE,
    join_session.TermsDigest.STEP: pb.STEP_SESSION_TERMS,
    sharing.PairKey.STEP: pb.STEP_PAIR_KEY,
    sharing.InputKeys.STEP: pb.STEP_INPUT_KEYS,
    sharing.RandomSeeds.STEP: pb.STEP_RANDOM_SEEDS,
    join.Store.STEP: pb.STEP_JOIN_STORE,
    sharing.InputShares.STEP: pb.STEP_INPUT_SHARES,
    sharing.AndShares.STEP: pb.STEP_AND_LEVEL,
    permutation.Factor.STEP: pb.STEP_PERMUTATION_FACTOR,
    permutation.MaskedByFirst.STEP: pb.STEP_PERMUTATION_FIRST,
    permutation.MaskedBySecond.STEP: pb.STEP_PERMUTATION_SECOND,
    permutation.MaskedByThird.STEP: pb.STEP_PERMUTATION_THIRD,
    join_session.Ready.STEP: pb.STEP_READY,
    sharing.OpenedShares.STEP: pb.STEP_OPENED_SHARES,
    vole.MaskedProducts.STEP: pb.STEP_VOLE_PRODUCTS,
    ot_extension.MaskedChoices.STEP: pb.STEP_OT_EXTENSION,
    vole.LevelSums.STEP: pb.STEP_VOLE_LEVELS,
    vole.BlockSums.STEP: pb.STEP_VOLE_BLOCKS,
    vole_psi.MaskedStore.STEP: pb.STEP_VOLE_STORE,
    vole_oprf.MaskedItems.STEP: pb.STEP_VOLE_ITEMS,
}
STEP_NAMES: dict[int, str] = {number: name for name, number in STEPS.items()}


class FrameWriter:
    """Numbers the frames of one direction of a stream.

    Args:
        session: 16-byte run id.
    """

    def __init__(self, session: bytes) -> None:
        self._session = session
        self._sequence = 0
        self._chunks: dict[tuple[int, int], int] = {}

    def frame(self, run: int, message: Rows) -> pb.SessionMessage:
        """Wrap one message.

        Raises:
            InternalError: the message would exceed the largest frame.
        """
        step = STEPS[message.STEP]
        chunk = self._chunks.get((run, step), 0)
        self._chunks[run, step] = chunk + 1
        payload = message.rows.tobytes()
        if len(payload) > MAX_FRAME_BYTES - 1024:
            raise InternalError("A message is larger than a frame.", step=message.STEP)
        # Built in place: a frame that is made first and then put into the message is copied.
        framed = pb.SessionMessage(
            frame={
                "session": self._session,
                "run": run,
                "step": step,
                "chunk": chunk,
                "sequence": self._sequence,
                "payload": payload,
            }
        )
        self._sequence += 1
        return framed


class FrameReader:
    """Checks the frames of one direction of a stream and unwraps them.

    Args:
        session: 16-byte run id.
        peer: who sends them; for errors.
    """

    def __init__(self, session: bytes, peer: str) -> None:
        self._session = session
        self._peer = peer
        self._sequence = 0
        self._chunks: dict[tuple[int, int], int] = {}

    def message(self, frame: pb.DataFrame, run: int, expected: Recv) -> Rows:
        """Unwrap the frame that a role waits for.

        Raises:
            PeerError: the frame is out of order, of another run or step, or of another length than expected.
        """
        step = STEPS[expected.kind.STEP]
        chunk = self._chunks.get((run, step), 0)

        def refuse(what: str) -> PeerError:
            return PeerError(what, peer=self._peer, step=expected.kind.STEP)

        if frame.session != self._session:
            raise refuse("A frame belongs to another session.")
        if frame.sequence != self._sequence:
            raise refuse(f"Frame {frame.sequence} came where frame {self._sequence} was due: lost, repeated or moved.")
        if (frame.run, frame.step) != (run, step):
            raise refuse(f"A frame of step {STEP_NAMES.get(frame.step, frame.step)} came out of turn.")
        if frame.chunk != chunk:
            raise refuse(f"Chunk {frame.chunk} came where chunk {chunk} was due.")
        count, width = expected.shape
        payload = frame.payload  # each look at it makes a copy
        if len(payload) != count * width:
            raise refuse(f"A frame holds {len(payload)} bytes where {count * width} were agreed.")
        self._sequence += 1
        self._chunks[run, step] = chunk + 1
        return expected.kind(np.frombuffer(payload, dtype=np.uint8).reshape(count, width))
