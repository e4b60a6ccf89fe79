"""A picture in both forms that a report needs: letters as letters for HTML, as outlines for PDF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from psi_match.report.model import Figure, Number
from psi_match.report.pictures import Picture
from psi_match.scenario.model import Text


class Maker(Protocol):
    """Draws a picture."""

    def __call__(self, *, outlined: bool) -> Picture:
        """Draw it."""


def figure(draw: Maker, caption: Text, language: str, numbers: Sequence[Number] = ()) -> Figure:
    """Return a figure.

    Args:
        draw: makes the picture.
        caption: below it.
        language: ``nl`` or ``en``.
        numbers: what it draws that stands in no table beside it.
    """
    as_text = draw(outlined=False)
    return Figure(
        as_text.svg, draw(outlined=True).svg, as_text.alt, as_text.width, caption.in_language(language), tuple(numbers)
    )
