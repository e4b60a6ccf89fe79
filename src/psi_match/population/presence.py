"""Who is in arrears where.

Arrears at the six bodies depend on each other: independence would put about 15 people at four bodies at once, where
over 60,000 are. Each adult has a latent vulnerability, a standard normal variable. The most vulnerable are the core:
in arrears at all four of the core bodies, as many as were published. Of the others a body has those with the highest
score, a mix of vulnerability and chance with the body's own loading, until its quota is full.

So every body's number of debtors and the core are exact by construction; all other overlaps follow from the loadings
(synthetic_data/README.md says how close they come). Without a core, one factor cannot fit: loadings that put 60,000
people at four bodies put almost half of all debtors at two or more, where a quarter is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.domain.parties import BODIES
from psi_match.population.calibration import RESIDENTS_TABLE, figure, scaled
from psi_match.population.streams import stream

TABLE = RESIDENTS_TABLE
CORE_BODIES = ("belastingdienst", "toeslagen", "cak", "cjib")
"""The four bodies of which the number of people in arrears at all of them is published."""


def quota(body: str, persons: int) -> int:
    """Return how many of ``persons`` residents are in arrears at a body."""
    return scaled(persons, TABLE, body, "persons")


def core(persons: int) -> int:
    """Return how many of ``persons`` residents are in arrears at all four core bodies, chance overlaps not counted."""
    return scaled(persons, TABLE, "nl", "core_persons")


def adults(persons: int) -> int:
    """Return how many of ``persons`` residents are adults: only they are in arrears."""
    return scaled(persons, TABLE, "nl", "adults")


def draw_presence(persons: int, seed: int) -> dict[str, NDArray[np.bool_]]:
    """Draw which adults are in arrears at each body.

    Args:
        persons: residents of the Netherlands.
        seed: equal seeds give equal draws.

    Returns:
        Party id to (adults,) true where in arrears, in the order of ``BODIES``.
    """
    count = adults(persons)
    vulnerability = stream(seed, "vulnerability").standard_normal(count)
    in_core = _highest(vulnerability, core(persons))
    present = {}
    for body in BODIES:
        loading = figure(TABLE, body.id, "loading")
        score = np.sqrt(1 - loading**2) * stream(seed, f"chance/{body.id}").standard_normal(count)
        score += loading * vulnerability
        if body.id in CORE_BODIES:
            score[in_core] = np.inf
        present[body.id] = _highest(score, quota(body.id, persons))
    return present


def _highest(score: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    chosen = np.zeros(len(score), dtype=np.bool_)
    if count:
        chosen[np.argpartition(score, len(score) - count)[-count:]] = True
    return chosen
