"""All numbers of a space, in ascending order, in pieces that stay in a processor's cache.

A number is its first four digits and its last five. The 11-proef adds up the digits, so which endings fit depends only
on the remainder of the first four: eleven lists of endings, made once, give the whole space without a division.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from psi_match.attack.space import Space
from psi_match.domain.bsn import LIMIT, SYNTHETIC_REMAINDER, remainders

GROUPS = 10_000
"""Groups of numbers with the same first four digits."""

_ENDINGS = LIMIT // GROUPS
_MODULUS = 11
_REMAINDERS = {Space.SYNTHETIC: SYNTHETIC_REMAINDER, Space.REAL: 0}
_REPORT_EVERY = 50

Progress = Callable[[int, int], None]
"""Called with the numbers tried and the numbers there are."""


def no_progress(_done: int, _total: int) -> None:
    """Tell nobody."""


def candidates(
    space: Space, groups: Sequence[int] = range(GROUPS), progress: Progress = no_progress
) -> Iterator[NDArray[np.uint32]]:
    """Yield the numbers of a space, one array per group.

    Args:
        space: which numbers.
        groups: the first four digits to go through; all of them by default.
        progress: told every few groups, when the caller asks for the next one, and at the end.
    """
    all_endings = np.arange(_ENDINGS, dtype=np.uint32)
    of_ending = remainders(all_endings)
    endings = [all_endings[of_ending == remainder] for remainder in range(_MODULUS)]
    firsts = np.asarray(groups, dtype=np.uint32) * np.uint32(_ENDINGS)
    wanted = (_REMAINDERS[space] - remainders(firsts).astype(np.int16)) % _MODULUS
    total = sum(len(endings[remainder]) for remainder in wanted)
    done = 0
    for index, (first, remainder) in enumerate(zip(firsts, wanted, strict=True)):
        if index % _REPORT_EVERY == 0:
            progress(done, total)
        yield first + endings[remainder]
        done += len(endings[remainder])
    progress(done, total)
