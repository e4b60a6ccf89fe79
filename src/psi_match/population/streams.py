"""Seeded random streams, one for every purpose: a new column or body leaves what the others draw as it is."""

from __future__ import annotations

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose.

    The bit generator is named, because numpy may change which one ``default_rng`` gives.

    Args:
        seed: of the population.
        purpose: such as ``claims/cjib``; equal seeds and purposes give equal draws, others unrelated ones.

    Returns:
        A fresh generator.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=tuple(purpose.encode()))))
