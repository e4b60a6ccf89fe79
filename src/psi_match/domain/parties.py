"""The public bodies that the scenarios name, and what a party id may look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import StringConstraints

PARTY_PATTERN = r"^[a-z][a-z0-9-]{1,39}$"
PartyId = Annotated[str, StringConstraints(pattern=PARTY_PATTERN)]
"""Lower case, digits and hyphens: also a host name, a folder name and a certificate name."""


@dataclass(frozen=True, slots=True)
class Body:
    """A public body.

    Args:
        id: party id.
        name: name as people know it.
    """

    id: str
    name: str


BODIES = (
    Body("cjib", "CJIB"),
    Body("belastingdienst", "Belastingdienst"),
    Body("toeslagen", "Dienst Toeslagen"),
    Body("cak", "CAK"),
    Body("svb", "SVB"),
    Body("uwv", "UWV"),
)

OTHERS = (
    Body("gemeente-a", "Gemeente A"),
    Body("gemeente-b", "Gemeente B"),
    Body("rekennode", "Rekennode"),
    Body("cbs", "CBS"),
)
"""Nodes beside the six bodies that the scenarios name: municipalities as examples, and nodes without data."""

_NAMES = {body.id: body.name for body in (*BODIES, *OTHERS)}


def is_party_id(text: str) -> bool:
    """Tell whether a text may be a party id."""
    return re.fullmatch(PARTY_PATTERN, text) is not None


def display_name(party: str) -> str:
    """Return a party's name for people; the id itself for parties that no scenario here names."""
    return _NAMES.get(party, party)
