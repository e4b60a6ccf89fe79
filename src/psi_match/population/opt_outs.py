"""People who asked one body to be left out: some whom it holds data of, and some whom it does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.population.calibration import figure
from psi_match.population.streams import stream

TABLE = "opt_outs"


def draw_opt_outs(party: str, own: NDArray[np.bool_], others: NDArray[np.bool_], seed: int) -> NDArray[np.int32]:
    """Draw the opt-outs of one party.

    The same share of its own people and of the others; of its own at least one, so that small populations have some.

    Args:
        party: party id.
        own: (n,) of each person, whether the party holds data of them.
        others: (n,) whether only other parties do.
        seed: equal seeds give equal draws.

    Returns:
        Indices of people, ascending.
    """
    rng = stream(seed, f"opt-outs/{party}")
    share = figure(TABLE, "nl", "share")
    inside, outside = np.flatnonzero(own), np.flatnonzero(others)
    at_least = min(1, len(inside))
    return np.sort(
        np.concatenate(
            [
                rng.choice(inside, max(at_least, round(len(inside) * share)), replace=False, shuffle=False),
                rng.choice(outside, round(len(outside) * share), replace=False, shuffle=False),
            ]
        )
    ).astype(np.int32)
