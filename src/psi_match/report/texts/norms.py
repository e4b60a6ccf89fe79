"""Norms that matter here, and the question that each raises: for a jurist, not a conclusion."""

from __future__ import annotations

from dataclasses import dataclass

from psi_match.scenario.model import Text


@dataclass(frozen=True, slots=True)
class Norm:
    """A norm and the question that it raises here."""

    name: Text
    question: Text
    sources: tuple[str, ...]


NORM_HEADERS = Text(nl="Norm|Wat een jurist moet beoordelen|Bron", en="Norm|What a jurist must judge|Source")
NORM_CAPTION = Text(nl="Normen en open vragen", en="Norms and open questions")
NORMS = (
    Norm(
        Text(nl="AVG; EDPB 01/2025; HvJ EU C-413/23 P", en="AVG (GDPR); EDPB 01/2025; CJEU C-413/23 P"),
        Text(
            nl="Elke node kent BSN's en de uitkomst wijst mensen aan: wij gaan uit van persoonsgegevens. Staat een node"
            " die alleen meerekent er anders voor?",
            en="Every node knows BSNs and the result points people out: we take it as personal data. Does a node that"
            " only computes stand differently?",
        ),
        ("edpb", "srb"),
    ),
    Norm(
        Text(nl="AP over hashen en pseudonimiseren", en="AP on hashing and pseudonymising"),
        Text(
            nl="Is er voor het BSN een eigen norm? Een tekst daarover is niet gevonden.",
            en="Is there a norm for the BSN in particular? No text on that was found.",
        ),
        ("ap-hash",),
    ),
    Norm(
        Text(nl="Wabb; art. 46 UAVG", en="Wabb; art. 46 UAVG"),
        Text(
            nl="Gaan over het nummer. Geven zij ook een basis om gegevens te koppelen? Wij nemen aan van niet"
            " (aanname).",
            en="Are about the number. Do they also give a basis for linking data? We assume not (assumption).",
        ),
        ("bsn",),
    ),
    Norm(
        Text(
            nl="Art. 67 AWR; voor Toeslagen een tegenhanger in de Awir (aanname)",
            en="Art. 67 AWR; for Toeslagen a twin in the Awir (assumption)",
        ),
        Text(
            nl="Laat de fiscale geheimhouding deelname toe, of is een ontheffing nodig en langs welke weg (aanname:"
            " art. 67 lid 2 en 3, art. 43c Uitvoeringsregeling AWR)?",
            en="Does fiscal secrecy allow taking part, or is an exemption needed, and by which route (assumption: art."
            " 67(2) and (3), art. 43c Uitvoeringsregeling AWR)?",
        ),
        ("awr-kg", "seed"),
    ),
    Norm(
        Text(
            nl="Art. 8 en 10 Wgs; tijdelijke regeling signaal betalingsachterstanden",
            en="Arts. 8 and 10 Wgs; temporary regulation on arrears signals",
        ),
        Text(
            nl="Dekken zij alleen losse signalen, of ook een gezamenlijk? Volgens het knelpuntenoverzicht vergt dat"
            " laatste eerst een vergelijking en valt het erbuiten.",
            en="Do they cover single signals only, or a joint one too? By the overview of bottlenecks the latter needs"
            " a comparison first and falls outside.",
        ),
        ("stcrt-2024", "stcrt-2025", "seed"),
    ),
    Norm(
        Text(nl="Art. 34a Wet SUWI; pilotregeling AIO", en="Art. 34a Wet SUWI; pilot regulation AIO"),
        Text(
            nl="Kan zo'n tijdelijke taak opnieuw worden gegeven, en voor welke partijen? De regeling verviel op 21"
            " september 2025.",
            en="Can such a temporary task be given again, and for which parties? The regulation lapsed on 21 September"
            " 2025.",
        ),
        ("pilot-aio", "kst-29389"),
    ),
    Norm(
        Text(nl="Wet proactieve dienstverlening SZW", en="Wet proactieve dienstverlening SZW"),
        Text(
            nl="Gaat over UWV, SVB en gemeenten. Is zij van toepassing, en wat is de stand? Na januari 2026 niet"
            " gevonden.",
            en="Is about UWV, SVB and municipalities. Does it apply, and where does it stand? After January 2026 not"
            " found.",
        ),
        ("wpd",),
    ),
    Norm(
        Text(nl="Literatuur over MPC", en="Literature on MPC"),
        Text(
            nl="Wat volgt uit de analyse van Pels Rijcken voor deze vorm? De conclusies zijn door ons niet gelezen.",
            en="What follows from Pels Rijcken's analysis for this form? We have not read its conclusions.",
        ),
        ("pels",),
    ),
)
