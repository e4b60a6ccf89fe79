"""Who is in arrears where: the people of each cell of the membership table, drawn within age groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psi_match.population.ages import debtors_by_age
from psi_match.population.membership import CELLS, cell_counts
from psi_match.population.streams import stream


def draw_presence(persons: int, ages: NDArray[np.int8], as_one: bool, seed: int) -> NDArray[np.uint8]:
    """Draw which adults are in arrears at which bodies.

    Args:
        persons: residents of the Netherlands.
        ages: (adults,) age group of every adult.
        as_one: Belastingdienst and Toeslagen are one body where the figure "at two or more" is met.
        seed: equal seeds give equal draws.

    Returns:
        (adults,) cell of ``membership``: zero for who is in arrears nowhere.
    """
    rng = stream(seed, "presence")
    counts = cell_counts(persons, as_one)
    debtors = rng.permutation(np.repeat(np.arange(1, CELLS, dtype=np.uint8), counts[1:]))
    cells = np.zeros(len(ages), dtype=np.uint8)
    first = 0
    for group, count in enumerate(debtors_by_age(len(debtors), ages)):
        chosen = rng.choice(np.flatnonzero(ages == group), count, replace=False, shuffle=False)
        cells[chosen] = debtors[first : first + count]
        first += int(count)
    return cells
