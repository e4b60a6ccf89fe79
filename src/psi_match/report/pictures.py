"""Pictures of a run and of what it is compared with: functions from numbers to SVG text, with words for the numbers.

Drawn with matplotlib, which comes with the extra ``report``. Every maker takes the language, whether letters are
outlines (for PDF) and whether it is for a narrow screen. Nothing is told by colour alone.

Source:
    Lex, Gehlenborg, Strobelt, Vuillemot, Pfister, UpSet: Visualization of Intersecting Sets (IEEE TVCG 2014).
"""

from psi_match.report.pictures_canvas import Picture
from psi_match.report.pictures_counts import baselines, upset
from psi_match.report.pictures_run import flows, stages
from psi_match.report.pictures_thresholds import thresholds

__all__ = ["Picture", "baselines", "flows", "stages", "thresholds", "upset"]
