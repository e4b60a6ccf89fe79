"""``a + b < bound`` on secret columns in SecretFlow SPU with ABY3 over 64-bit integers: three parties."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[Callable[[str], None]], None]
_INPUTS = ("a", "b", "bound")


def prepare(task: dict[str, Any]) -> Run:
    """Load the libraries, connect the parties, compile the predicate and run it once on zeros.

    Args:
        task: ``party``, ``addresses``, ``rows``, ``inputs`` (the ``.npy`` files that this party has), ``owners`` (per
            input the rank of its owner) and ``result`` (written by the first party).
    """
    import jax
    import numpy as np
    import spu
    from spu import libspu
    from spu.utils import frontend

    # Or columns of 64 bits would silently become columns of 32.
    jax.config.update("jax_enable_x64", True)
    link, rank = importlib.import_module("spu_link").connect(libspu, task)
    parties = len(task["addresses"])
    # What its example configuration for three parties sets; everything else, also what is experimental, as it comes.
    config = libspu.RuntimeConfig(protocol=libspu.ProtocolKind.ABY3, field=libspu.FieldType.FM64)
    executable, _ = frontend.compile(
        frontend.Kind.JAX,
        lambda a, b, bound: a + b < bound,
        [np.zeros(task["rows"], np.int64)] * len(_INPUTS),
        {},
        list(_INPUTS),
        [libspu.Visibility.VIS_SECRET] * len(_INPUTS),
        lambda outputs: [f"out{index}" for index in range(len(outputs))],
    )
    runtime, io = spu.Runtime(link, config), spu.Io(parties, config)

    def share_out(own: dict[str, Any]) -> None:
        for name in _INPUTS:
            runtime.set_var(name, _distribute(libspu, io, link, own.get(name), rank, task["owners"][name]))
        link.barrier()

    # The first run of a process takes up to half as long again.
    share_out({name: np.zeros(task["rows"], np.int64) for name in task["inputs"]})
    runtime.run(executable)
    link.barrier()

    def run(begin: Callable[[str], None]) -> None:
        begin("read")
        own = {name: np.load(path).astype(np.int64) for name, path in task["inputs"].items()}
        begin("share")
        share_out(own)
        begin("compute")
        runtime.run(executable)
        link.barrier()
        begin("open")
        share = runtime.get_var(executable.output_names[0])
        if rank:
            link.send(0, _packed(share))
        else:
            shares = [share, *(_unpacked(libspu, link.recv(other)) for other in range(1, parties))]
            answer = io.reconstruct(shares)
            begin("write")
            with Path(task["result"]).open("wb") as file:
                np.save(file, answer.astype(bool))

    return run


def _distribute(libspu: Any, io: Any, link: Any, column: Any, rank: int, owner: int) -> Any:  # noqa: ANN401
    """Share out a column if it is ours, or receive our share of it."""
    if rank != owner:
        return _unpacked(libspu, link.recv(owner))
    shares = io.make_shares(column, libspu.Visibility.VIS_SECRET)
    for other, share in enumerate(shares):
        if other != rank:
            link.send(other, _packed(share))
    return shares[rank]


def _packed(share: Any) -> bytes:  # noqa: ANN401 - a share of the library
    return pickle.dumps((share.meta, list(share.share_chunks)))


def _unpacked(libspu: Any, message: bytes) -> Any:  # noqa: ANN401 - the library
    share = libspu.Share()
    # Safe: from a process of the same bench.
    share.meta, share.share_chunks = pickle.loads(message)  # noqa: S301
    return share
