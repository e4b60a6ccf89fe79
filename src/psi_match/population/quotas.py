"""Quotas: whole people out of shares, and values that lie as a distribution says rather than as chance has it."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def largest_remainders(expected: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round so that the sum is the rounded sum: the largest remainders are rounded up.

    Args:
        expected: (n,) not negative.

    Returns:
        (n,) whole numbers, each off by less than one.
    """
    counts = np.floor(expected).astype(np.int64)
    short = round(float(expected.sum())) - int(counts.sum())
    order = np.argsort(counts - expected, kind="stable")
    counts[order[:short]] += 1
    return counts


def laid_out(values: NDArray[np.integer], shares: NDArray[np.float64], count: int) -> NDArray[np.integer]:
    """Return ``count`` values in order, each as often as its share says.

    Args:
        values: (n,) what is laid out.
        shares: (n,) shares that add up to one.
        count: how many.
    """
    return np.repeat(values, largest_remainders(shares * count))


def normal_scores(count: int) -> NDArray[np.float64]:
    """Return ``count`` values that lie as the standard normal distribution says, ascending.

    Each is the middle of its equal share of the distribution.
    """
    inverse = NormalDist().inv_cdf
    return np.fromiter(map(inverse, ((np.arange(count) + 0.5) / max(count, 1)).tolist()), np.float64, count)


def lognormal_amounts(median: float, sigma: float, count: int) -> NDArray[np.float64]:
    """Return ``count`` amounts that lie as the lognormal distribution says, ascending.

    Each is the mean of its equal share of the distribution. So the total is the distribution's at every size, where
    independent draws of a heavy tail would be off by several percent, and the median is right but for a handful.

    Args:
        median: of the amounts.
        sigma: standard deviation of their logarithms.
        count: how many.
    """
    if not count:
        return np.empty(0)
    inverse = NormalDist().inv_cdf
    inner = map(inverse, (np.arange(1, count) / count).tolist())
    # The part of the total that lies below z is the part of people below z - sigma.
    below = [0.5 * math.erfc((sigma - z) / math.sqrt(2)) for z in inner]
    parts: NDArray[np.float64] = np.diff(np.array([0.0, *below, 1.0]))
    return median * math.exp(sigma**2 / 2) * count * parts
