"""A node process that also writes down its secrets, in a file outside of everything that is searched.

It is the program itself: the functions that draw, derive and share are wrapped before anything else is loaded. What is
written: all that the system's randomness handed out, base-OT scalars, derived AES keys, keys of streams, shares that
circuits put out, and pieces of what goes over the wire. Of what comes by the thousand one in ``_SAMPLE`` is kept, by
its own value.

Usage: python remembering_node.py SECRETS_FILE ARGUMENT... as for ``psi-match``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from psi_match.base.randomness import SystemRandomness
from psi_match.crypto import aes, derive, ristretto

_SAMPLE = 16
_PIECE_BYTES = 16
_DISTINCT = 12
"""A piece with fewer distinct bytes is no random one: padding, or zeros of a small table."""
_BULK = {"protocols/base_ot.py", "crypto/ristretto.py"}
_PUBLIC_STEPS = {"session-commitment", "session-commitments", "session-opening", "session-openings", "session-terms"}
_PUBLIC_STEPS |= {"transcript", "ready"}
"""Digests and contributions that all parties of a run get to see."""


class Memory:
    """A file with a line per secret: what it is, and its bytes in hexadecimal.

    Args:
        path: of the file; added to.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def keep(self, what: str, secret: bytes, *, sample: bool = False) -> None:
        """Write down a secret, or the begin of a long one; in one write, so a killed process leaves whole lines."""
        if len(secret) >= _PIECE_BYTES and not (sample and secret[0] % _SAMPLE):
            os.write(self._file, f"{what}\t{secret[:64].hex()}\n".encode())

    def keep_pieces(self, what: str, content: bytes) -> None:
        """Write down the first, the middle and the last piece of something long."""
        for start in (0, len(content) // 2, len(content) - _PIECE_BYTES):
            piece = content[max(0, start) : start + _PIECE_BYTES]
            if len(set(piece)) >= _DISTINCT:
                self.keep(what, piece, sample=True)


def remember(memory: Memory) -> None:
    """Wrap what makes secrets."""

    def keep_drawn(drawn: bytes, *_arguments: object) -> None:
        caller = _caller()
        memory.keep(f"drawn/{caller}", drawn, sample=caller in _BULK)

    _wrap(SystemRandomness, "bytes", keep_drawn)
    _wrap(ristretto, "random_scalar", lambda scalar, *_: memory.keep("scalar", scalar, sample=True))
    _wrap(derive, "secret_key", lambda key, *_: memory.keep("derived", key, sample=True))

    def keep_streams(_returned: object, _streams: object, keys: list[bytes]) -> None:
        for key in keys:
            memory.keep("stream", key, sample=True)

    _wrap(aes.KeyStreams, "__init__", keep_streams)
    from psi_match.protocols import sharing

    evaluate = sharing.evaluate

    def evaluate_and_keep(*arguments: Any) -> Any:  # a wrapper takes whatever the function takes
        shares = yield from evaluate(*arguments)
        for name, planes in shares.items():
            memory.keep_pieces(f"share/{name}", np.ascontiguousarray(planes).tobytes())
        return shares

    sharing.evaluate = evaluate_and_keep
    from psi_match.wire.frames import FrameWriter

    def keep_frame(_frame: object, _writer: object, _run: int, message: Any) -> None:
        if message.STEP not in _PUBLIC_STEPS:
            memory.keep_pieces(f"frame/{message.STEP}", message.rows.tobytes())

    _wrap(FrameWriter, "frame", keep_frame)


def _wrap(owner: Any, name: str, look: Callable[..., object]) -> None:
    """Let ``look`` see what a function returns, with its arguments."""
    function = getattr(owner, name)

    def wrapped(*arguments: Any) -> Any:
        returned = function(*arguments)
        look(returned, *arguments)
        return returned

    setattr(owner, name, wrapped)


def _caller() -> str:
    """The file that asked for randomness: the first frame outside of this file."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__ and frame.f_back:
        frame = frame.f_back
    return "/".join(Path(frame.f_code.co_filename).parts[-2:])


if __name__ == "__main__":
    remember(Memory(Path(sys.argv.pop(1))))
    from psi_match.cli.main import main

    main()
