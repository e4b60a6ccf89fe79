"""Amounts by chance: heavy tails, whole cents, and amounts close to a limit on purpose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.population.calibration import CENTS_PER_EURO


def lognormal(median: float, sigma: float, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw values of which half lie below the median."""
    return median * np.exp(sigma * rng.standard_normal(count))


def lognormal_cents(
    medians: NDArray[np.float64],
    sigma: float,
    most: float,
    shares: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw amounts that only some people have.

    Args:
        medians: (n,) EUR, of people like this one who have it.
        sigma: spread.
        most: EUR; larger draws become this.
        shares: (n,) the chance that this person has it.
        rng: generator.

    Returns:
        (n,) cents; zero for those who have none.
    """
    euros = np.minimum(medians * lognormal(1, sigma, len(medians), rng), most)
    has = rng.random(len(medians)) < shares
    return np.where(has, np.rint(euros * CENTS_PER_EURO), 0).astype(np.int64)


def close(width_cents: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw how far amounts lie from a limit: at most ``width_cents`` to either side, often a few cents, or none."""
    distance = np.floor(width_cents * rng.random(count) ** 3).astype(np.int64)
    return np.where(rng.random(count) < 0.5, distance, -distance)
