"""The process of an attack: draws synthetic numbers, forgets them, recovers them, and tells how far it is.

Started by ``psi_match.page.attacking`` as ``python -m psi_match.page.attack_worker KIND COUNT``. Counts only go out.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from psi_match.attack.bloom_filter import make_filter, parameters, recover_filtered
from psi_match.attack.candidates import GROUPS, Progress
from psi_match.attack.exhibit import draw_exhibit, hash_exhibit
from psi_match.attack.hashed_bsn import recover_hashed
from psi_match.attack.space import Space

_RATE = 1e-9
_EVERY_S = 0.15

Recover = Callable[[Sequence[int], Progress], NDArray[np.uint32]]


def attack(kind: str, count: int, tell: Callable[[dict[str, object]], None]) -> None:
    """Attack an exhibit.

    Args:
        kind: ``hashed`` or ``filter``.
        count: numbers in the exhibit.
        tell: told of each stage, of progress, and of the outcome.
    """
    tell({"state": "loading"})
    drawn = draw_exhibit(Space.SYNTHETIC, count, np.random.default_rng())
    digests = hash_exhibit(drawn)
    recover: Recover
    if kind == "hashed":
        recover = partial(recover_hashed, digests, Space.SYNTHETIC, b"")
        recover_hashed(digests[:1], Space.SYNTHETIC, b"", [0])
    else:
        bloom = make_filter(digests, *parameters(count, _RATE))
        recover = partial(recover_filtered, bloom, Space.SYNTHETIC, b"")
        recover_filtered(bloom, Space.SYNTHETIC, b"", [0])
    began = last = time.monotonic()

    def advanced(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_S or done == total:
            last = now
            tell({"state": "running", "done": done, "total": total, "seconds": round(now - began, 2)})

    numbers = recover(range(GROUPS), advanced)
    seconds = round(time.monotonic() - began, 2)
    hit = np.isin(drawn, numbers).sum() if kind == "filter" else (numbers == drawn).sum()
    extra = len(numbers) - int(hit) if kind == "filter" else 0
    tell({"state": "done", "recovered": int(hit), "count": count, "extra": extra, "seconds": seconds})


def main() -> None:
    """Attack as the arguments say."""

    def tell(what: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    attack(sys.argv[1], int(sys.argv[2]), tell)


if __name__ == "__main__":
    main()
