"""Where a number comes from, in words."""

from __future__ import annotations

from psi_match.domain.parties import display_name
from psi_match.report.model import Source
from psi_match.scenario.model import Text

_KINDS = {
    "record": Text(nl="verslag", en="record"),
    "timeline": Text(nl="tijdlijn", en="timeline"),
    "evaluation": Text(nl="evaluatie op de synthetische bevolking", en="evaluation on the synthetic population"),
    "scenario": Text(nl="scenario", en="scenario"),
    "agreement": Text(nl="overeenkomst", en="agreement"),
    "literature": Text(nl="bron", en="source"),
    "baseline": Text(nl="vergelijking van werkwijzen", en="comparison of ways"),
}
_OF_ALL = Text(nl="van alle partijen", en="of all parties")


def origin(source: Source, language: str) -> str:
    """Return a source as people read it: which file, of whom, which field."""
    kind = _KINDS[source.kind].in_language(language)
    if source.kind in {"record", "timeline"}:
        kind += " " + (display_name(source.party) if source.party else _OF_ALL.in_language(language))
    return f"{kind}: {source.field}"
