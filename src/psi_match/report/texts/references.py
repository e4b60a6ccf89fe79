"""Published sources that a report leans on, numbered in this order, and how sure we are of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psi_match.scenario.model import Text

Mark = Literal["stated", "derived", "assumed", "not-found"]
MARKS: dict[Mark, Text] = {
    "stated": Text(nl="staat in de bron", en="stated by the source"),
    "derived": Text(nl="eigen afleiding uit bronnen", en="our derivation from sources"),
    "assumed": Text(nl="aanname, geen bron opgehaald", en="assumption, no source retrieved"),
    "not-found": Text(nl="gezocht, niet gevonden", en="looked for, not found"),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A published source.

    Args:
        id: by which texts name it.
        title: what it is.
        address: where it is, without scheme.
        remark: how it was read, where that matters.
    """

    id: str
    title: str
    address: str
    remark: Text | None = None


_MIRROR = Text(nl="gelezen via een spiegel", en="read through a mirror")
_OPENING = Text(
    nl="alleen het begin was beschikbaar: eerst lezen, dan aanhalen",
    en="only its opening was available: read before citing",
)

REFERENCES = (
    Reference("seed", "Overzicht knelpunten gegevensdeling uitvoeringsorganisaties (2024)", "voorjaar 2024, 78 rijen"),
    Reference(
        "model-dpia",
        "Model DPIA Rijksdienst v3.0",
        "github.com/MinBZK/par-dpia-form, sources/dpia.yaml",
        Text(
            nl="namen en nummers van de paragrafen; de indeling A-D over de nummers is een aanname",
            en="names and numbers of the paragraphs; which part A-D covers which numbers is an assumption",
        ),
    ),
    Reference(
        "stcrt-2024",
        "Stcrt. 2024, 10148 (tijdelijke regeling signaal betalingsachterstanden, CAK)",
        "zoek.officielebekendmakingen.nl/stcrt-2024-10148.html",
    ),
    Reference(
        "stcrt-2025",
        "Stcrt. 2025, 17636 (uitbreiding met Belastingdienst en Dienst Toeslagen)",
        "zoek.officielebekendmakingen.nl/stcrt-2025-17636.html",
    ),
    Reference(
        "pilot-aio",
        "Tijdelijke regeling pilot gerichte bevordering gebruik AIO (BWBR0047166; Stcrt. 2022, 24731)",
        "wetten.overheid.nl/BWBR0047166",
    ),
    Reference(
        "kst-29389",
        "Kamerstuk 29 389 nr. 121 (verslag SVB over de pilot)",
        "zoek.officielebekendmakingen.nl/kst-29389-121.html",
        _OPENING,
    ),
    Reference(
        "pilot-28",
        "Binnenlands Bestuur, 18 september 2023 (uitkomst pilot AIO)",
        "binnenlandsbestuur.nl/digitaal/mpc-technologie-laat-organisaties-gegevens-uitwisselen-zonder-inzicht",
    ),
    Reference(
        "novum",
        "Novum: secure multi-party computation (pilot AIO)",
        "novum.nu/experiment/secure-multi-party-computation",
    ),
    Reference(
        "ercim",
        "ERCIM News 126 (pilot SVB-UWV)",
        "ercim-news.ercim.eu/en126/special/increasing-access-to-social-welfare-programmes-with-proportional-data-usage",
        _OPENING,
    ),
    Reference(
        "wpd",
        "Wet proactieve dienstverlening SZW (Kamerstuk 36 799)",
        "tweedekamer.nl/kamerstukken/detail?did=2025D36778&id=2025Z15911",
        Text(nl="status na januari 2026 niet gevonden", en="status after January 2026 not found"),
    ),
    Reference(
        "ap-hash",
        "Autoriteit Persoonsgegevens, Gegevens pseudonimiseren",
        "autoriteitpersoonsgegevens.nl/themas/basis-avg/beveiliging-van-persoonsgegevens/gegevens-pseudonimiseren",
        _MIRROR,
    ),
    Reference(
        "edpb",
        "EDPB Guidelines 01/2025 on pseudonymisation (16 januari 2025)",
        "ppc.land/european-data-regulators-release-updated-pseudonymisation-guidelines-for-2025",
        Text(nl="consultatieversie; definitieve versie niet gevonden", en="consultation version; final one not found"),
    ),
    Reference(
        "srb",
        "HvJ EU C-413/23 P, EDPS/SRB (4 september 2025)",
        "natlawreview.com/article/eu-court-justice-clarifies-definition-personal-data-context-pseudonymization",
        Text(nl="bespreking, niet het arrest", en="a discussion, not the judgment"),
    ),
    Reference(
        "pels",
        "Pels Rijcken, juridische aspecten van MPC (18 september 2023)",
        "pelsrijcken.nl/kennis/juridische-aspecten-van-de-inzet-van-secure-multi-party-computation-mpc",
        _OPENING,
    ),
    Reference(
        "awr-kg",
        "Kennisgroep Belastingdienst KG:206:2024:3 (Woo en art. 67 AWR)",
        "kennisgroepen.belastingdienst.nl/publicaties/kg20620243-een-verzoek-in-het-kader-van-artikel-4-1-woo-en-artikel-67-awr/",
    ),
    Reference(
        "bsn",
        "Burgerservicenummer (Wabb, 11-proef)",
        "hoehetwerkt.nl/burgerservicenummer; kiesgoed.nl/Informatie/BSN.aspx",
    ),
    Reference(
        "vor",
        "IBDS-magazine, Digilab en de Blauwe Knop (Vorderingenoverzicht Rijk)",
        "magazines.interbestuurlijkedatastrategie.nl/ibds/2023/03/digilab-de-blauwe-knop",
    ),
    Reference(
        "bkr",
        "BKR over CBS-cijfers betalingsachterstanden",
        "bkr.nl/nl/inzichtelijk/cbs-maakt-schuldenproblematiek-bij-de-overheid-inzichtelijk",
    ),
    Reference(
        "divosa",
        "Metronieuws/Divosa, april 2025 (opbrengst vroegsignalering 2024)",
        "metronieuws.nl/geld-carriere/2025/04/betalingsachterstand-nederlanders-belastingen-zorgverzekering-xyz/",
    ),
    Reference(
        "brieven",
        "Tweede Kamer 2024D51655 (brieven zorgtoeslag 2024)",
        "tweedekamer.nl/kamerstukken/brieven_regering/detail?did=2024D51655&id=2024D51655",
    ),
    Reference(
        "ttp",
        "ODISSEI, pilot met een trusted third party",
        "odissei-data.nl/nl/2024/06/pilot-met-een-trusted-third-party-procedure-in-de-odissei-secure-supercomputer-ossc/",
    ),
    Reference("matcher", "Ma3tch (FIU.net, FCInet)", "fiu.net/fiunet-unlimited/match/match3; fcinet.org/how-it-works"),
    Reference(
        "register",
        "Algoritmeregister: AIO (SVB), Melding AOW'ers met AIO, Vroegsignalering Amsterdam",
        "algoritmes.overheid.nl/fy/algoritme/14748484; /en/algoritme/55638467; /nl/algoritme/66453169",
    ),
)
_NUMBERS = {reference.id: index for index, reference in enumerate(REFERENCES, 1)}


def cite(*ids: str) -> str:
    """Return how texts point to sources: ``[3], [5]``.

    Raises:
        KeyError: there is no such source.
    """
    return ", ".join(f"[{_NUMBERS[name]}]" for name in ids)
