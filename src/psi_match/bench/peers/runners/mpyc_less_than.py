"""``a + b < bound`` on secret columns in MPyC: Shamir sharing among three parties, NumPy arrays of secret integers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[Callable[[str], None]], None]
_BITS = 64
"""The columns have 62 bits, so that the sum has 63; one more for the sign of the difference."""
_INPUTS = ("a", "b", "bound")


def prepare(task: dict[str, Any]) -> Run:
    """Load the library and connect the parties.

    Args:
        task: as of ``spu_less_than``.
    """
    rank = list(task["addresses"]).index(task["party"])
    # It takes its configuration from the command line while it is imported.
    sys.argv[1:] = [word for address in task["addresses"].values() for word in ("-P", address)]
    sys.argv += ["-I", str(rank), "--no-log"]
    import numpy as np
    from mpyc.runtime import mpc

    secint = mpc.SecInt(_BITS)
    mpc.run(mpc.start())

    async def work(begin: Callable[[str], None]) -> None:
        begin("read")
        own = {name: np.load(path).astype(object) for name, path in task["inputs"].items()}
        begin("share")
        blank = np.zeros(task["rows"], dtype=object)
        a, b, bound = (mpc.input(secint.array(own.get(name, blank)), senders=task["owners"][name]) for name in _INPUTS)
        await mpc.gather(a, b, bound)
        await mpc.transfer(b"")
        begin("compute")
        below = a + b < bound
        await mpc.gather(below)
        await mpc.transfer(b"")
        begin("open")
        answer = await mpc.output(below, receivers=[0])
        if rank == 0:
            begin("write")
            with Path(task["result"]).open("wb") as file:
                np.save(file, np.asarray(answer).astype(bool))

    def run(begin: Callable[[str], None]) -> None:
        mpc.run(work(begin))

    return run
