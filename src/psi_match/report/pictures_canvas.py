"""A canvas for pictures as SVG text: equal numbers give equal bytes, and threads do not see each other's settings.

What comes out fits into a page with a strict content policy: no style element or attribute, no script, nothing fetched.
The picture has no size of its own, only proportions, so it fills whatever width it is given.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from psi_match.base.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PALE = "#1b1b1b", "#595959", "#d9d9d9", "#e8e8e8"
BLUE, ORANGE, GREEN = "#0072b2", "#b34f00", "#00734f"
"""Told apart by everyone, and at least 4.5 to 1 against white; shapes and words tell apart what colours do too."""
FONT = "DejaVu Sans"
WIDE, NARROW = 7.2, 3.9
"""Widths in inches of 72 units: for a page of paper or a desk, and for a screen of 390 pixels."""

_LOCK = threading.RLock()
_Args = ParamSpec("_Args")
_STYLE = re.compile(r'\sstyle="([^"]*)"')
_SIZE = re.compile(r'(<svg\b[^>]*?)\swidth="[^"]*"\sheight="[^"]*"')
_FONT = re.compile(r"^(?:(bold|\d{3})\s+)?([\d.]+)px\s+(.+)$")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in one language.

    Args:
        svg: an ``svg`` element, from ``<svg`` on; it has a ``viewBox`` and no width or height.
        alt: what it shows, with its numbers, for whoever does not see it.
        width: natural width in CSS pixels; shown much wider than that, letters get large.
        height: natural height in CSS pixels.
    """

    svg: str
    alt: str
    width: int
    height: int


def alone(make: Callable[_Args, Picture]) -> Callable[_Args, Picture]:
    """Return a maker of pictures that draws with our settings, one picture at a time.

    Settings of matplotlib are global and are read all through drawing: two threads would see each other's.

    Raises:
        UsageError: matplotlib is missing; when the maker is called.
    """

    @wraps(make)
    def drawn(*args: _Args.args, **kwargs: _Args.kwargs) -> Picture:
        try:
            import matplotlib as mpl
        except ImportError:
            raise UsageError("Pictures need matplotlib.", "Install psi-match[report].") from None
        with _LOCK, mpl.rc_context({"svg.hashsalt": "psi-match", "font.family": FONT}):
            return make(*args, **kwargs)

    return drawn


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="none")
    FigureCanvasSVG(figure)
    return figure


def bare(axes: Axes, *, grid: str = "") -> None:
    """Take away what carries no number: frame, ticks; with a grid along one axis if asked."""
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=9, labelcolor=INK)
    axes.set_facecolor("none")
    if grid:
        axes.set_axisbelow(True)
        axes.grid(axis="x" if grid == "x" else "y", color=GRID, linewidth=0.8)


def as_picture(figure: Figure, alt: str, *, outlined: bool) -> Picture:
    """Return a figure as SVG.

    Args:
        figure: what was drawn.
        alt: see ``Picture``.
        outlined: letters as outlines, for PDF; else as text in ``DejaVu Sans`` or whatever stands in for it.
    """
    import matplotlib as mpl

    content = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "path" if outlined else "none"}):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    width, height = figure.get_size_inches()
    return Picture(_plain(content.getvalue()), alt, round(width * 96), round(height * 96))


def _plain(text: str) -> str:
    svg = text[text.index("<svg") :].rstrip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # A style element would hold for the whole page around the picture.
    svg = re.sub(r"\s*<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = _SIZE.sub(r"\1", svg, count=1)
    svg = svg.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
    return _STYLE.sub(_attributes, svg)


def _attributes(found: re.Match[str]) -> str:
    """Return a style as attributes of its element: a page may forbid the one and allows the other."""
    pairs = (part.split(":", 1) for part in found[1].split(";") if part.strip())
    out = []
    for name, value in ((name.strip(), value.strip().replace("&quot;", "'")) for name, value in pairs):
        font = _FONT.match(value) if name == "font" else None
        if font:
            out.append(f'font-size="{font[2]}px" font-family="{font[3]}"')
            out += [f'font-weight="{font[1]}"'] if font[1] else []
        else:
            out.append(f'{name}="{value}"')
    return "".join(f" {text}" for text in out)
