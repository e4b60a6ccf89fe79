"""Where each node stands in the picture: on an ellipse, in a fixed order, so that a party stays in its place."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psi_match.domain.parties import display_name
from psi_match.page.board import UNKNOWN

WIDTH, HEIGHT = 500, 424
_MIDDLE = (WIDTH / 2, HEIGHT / 2)
_RADII = (172, 150)


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """A node in the picture.

    Args:
        party: party id.
        name: name for people.
        x: of its centre.
        y: of its centre.
        state: as the board has it.
        label_y: of the name: above nodes of the upper half, below the others, so that no line runs through it.
        takes_part: whether it is in the run or scenario that is shown; None where none is.
    """

    party: str
    name: str
    x: float
    y: float
    state: str
    label_y: float
    takes_part: bool | None


def place(
    parties: Sequence[str], states: Mapping[str, str], taking_part: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the picture: its size, nodes, and the lines between all pairs.

    Args:
        parties: whose nodes.
        states: state of each.
        taking_part: parties of the run or scenario that is shown.
    """
    nodes = []
    for index, party in enumerate(parties):
        angle = 2 * math.pi * index / len(parties) - math.pi / 2
        y = round(_MIDDLE[1] + _RADII[1] * math.sin(angle), 1)
        nodes.append(
            PlacedNode(
                party,
                display_name(party),
                round(_MIDDLE[0] + _RADII[0] * math.cos(angle), 1),
                y,
                states.get(party, UNKNOWN),
                y - 41 if y < _MIDDLE[1] else y + 37,
                None if taking_part is None else party in taking_part,
            )
        )
    joined = [node for node in nodes if node.takes_part is not False]
    lines = [(one, other) for i, one in enumerate(joined) for other in joined[i + 1 :]]
    return {"width": WIDTH, "height": HEIGHT, "nodes": nodes, "lines": lines}
