"""Text of others that every form of a report can show: what no font has, or turns the writing, is named instead."""

from __future__ import annotations

import re

# Latin with its accents, Greek, general punctuation without the marks that steer direction, currency, a few signs: what
# the fonts of the PDF have. A PDF/UA with a letter that no font has is refused.
_ILLEGIBLE = re.compile(
    "[^ -~\u00a0-\u00ac\u00ae-\u017f\u0391-\u03a9\u03b1-\u03c9\u2010-\u2015\u2018-\u2022\u2026\u20ac]"
)


def legible(text: str) -> str:
    """Return a text with each character that cannot be shown as its number: ``[U+0007]``."""
    return _ILLEGIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
