"""What decision is asked, per scenario: a temporary legal basis for a trial, and what a jurist must judge first."""

from __future__ import annotations

from psi_match.scenario.model import Text

_SIGNAL = Text(
    nl="Een tijdelijke grondslag laten voorbereiden voor een begrensde proef met enkele gemeenten. Volgens het"
    " knelpuntenoverzicht gaan experimenten op grond van art. 10 Wgs over signalen van één schuldeiser en valt een"
    " gezamenlijk signaal daarbuiten; een jurist moet dat beoordelen, en of een ministeriële regeling kan volstaan, ook"
    " gezien art. 67 AWR.",
    en="To have a temporary legal basis (grondslag) drafted for a bounded trial with a few municipalities. By the"
    " overview of bottlenecks experiments under art. 10 Wgs are about one creditor's signals and a joint signal falls"
    " outside; a jurist must judge that, and whether a ministerial regulation can suffice, also in view of art. 67"
    " AWR.",
)
_ARRANGEMENT = Text(
    nl="Een tijdelijke grondslag laten voorbereiden voor een begrensde proef bij de Betalingsregeling Rijk. Een jurist"
    " moet beoordelen of de geheimhoudingsplicht van art. 67 AWR een vergelijking met de Belastingdienst toelaat en in"
    " welke vorm.",
    en="To have a temporary legal basis (grondslag) drafted for a bounded trial within the Betalingsregeling Rijk. A"
    " jurist must judge whether the secrecy of art. 67 AWR allows a comparison with Belastingdienst, and in which"
    " form.",
)
DECISIONS = {
    "vroegsignaal-gezamenlijk": _SIGNAL,
    "vroegsignaal-nieuw": _SIGNAL,
    "betalingsregeling-rijk": _ARRANGEMENT,
    "betalingsregeling-rijk-paren": _ARRANGEMENT,
    "aio-niet-gebruik": Text(
        nl="Een nieuwe tijdelijke grondslag laten voorbereiden. De Tijdelijke regeling pilot gerichte bevordering"
        " gebruik AIO (art. 34a Wet SUWI; SVB en UWV) verviel op 21 september 2025; een verlenging is niet gevonden."
        " Een jurist moet beoordelen of een ministeriële regeling ook de Belastingdienst kan dekken (art. 67 AWR).",
        en="To have a new temporary legal basis (grondslag) drafted. The Tijdelijke regeling pilot gerichte bevordering"
        " gebruik AIO (art. 34a Wet SUWI; SVB and UWV) lapsed on 21 September 2025; no renewal was found. A jurist must"
        " judge whether a ministerial regulation can also cover Belastingdienst (art. 67 AWR).",
    ),
    "bestaansminimum-uwv": Text(
        nl="Een tijdelijke grondslag laten voorbereiden voor een begrensde proef waarin UWV bij terugvordering rekening"
        " houdt met regelingen elders. Een jurist moet beoordelen welke vorm die vraagt, ook gezien art. 67 AWR.",
        en="To have a temporary legal basis (grondslag) drafted for a bounded trial in which UWV takes arrangements"
        " elsewhere into account when it reclaims. A jurist must judge which form that needs, also in view of art. 67"
        " AWR.",
    ),
}
DEFAULT = Text(
    nl="Beslissen of een tijdelijke grondslag voor een begrensde proef wordt voorbereid. Een jurist moet beoordelen of"
    " die nodig is, voor welke partijen, en in welke vorm.",
    en="To decide whether a temporary legal basis (grondslag) for a bounded trial is drafted. A jurist must judge"
    " whether one is needed, for which parties, and in which form.",
)
