"""Other ways to the same goal, and why each falls short: for a jurist to weigh, not a conclusion."""

from __future__ import annotations

from dataclasses import dataclass

from psi_match.report.texts.references import Mark
from psi_match.scenario.model import Text


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way.

    Args:
        name: what it is.
        asks: what it asks of people and bodies.
        short: why it may not suffice.
        mark: how sure we are of the reason.
        sources: ids of references.
    """

    name: Text
    asks: Text
    short: Text
    mark: Mark
    sources: tuple[str, ...] = ()


ALTERNATIVES = (
    Alternative(
        Text(nl="Vorderingenoverzicht Rijk", en="Vorderingenoverzicht Rijk (own overview of debts)"),
        Text(nl="De burger kijkt zelf; geen vergelijking nodig.", en="People look themselves; no matching is needed."),
        Text(
            nl="Bereikt alleen wie gaat kijken. Datum van ingebruikname en bereik: niet gevonden. Voor AIO geldt dit"
            " overzicht niet.",
            en="Reaches only those who go and look. Date of launch and reach: not found. It does not apply to AIO.",
        ),
        "derived",
        ("vor",),
    ),
    Alternative(
        Text(nl="Toestemming vooraf", en="Consent beforehand"),
        Text(
            nl="Ieder mens zegt ja voordat er vergeleken wordt.", en="Each person says yes before anything is matched."
        ),
        Text(
            nl="Wie niet in beeld is, kan niet gevraagd worden. Of toestemming tegenover de overheid vrij is, moet een"
            " jurist beoordelen (normenkader AP, maart 2024, genoemd in het knelpuntenoverzicht; zelf niet gelezen).",
            en="Those whom nobody sees cannot be asked. Whether consent towards government is free, a jurist must judge"
            " (framework of the AP, March 2024, named in the overview of bottlenecks; not read by us).",
        ),
        "stated",
        ("seed",),
    ),
    Alternative(
        Text(nl="Campagnes en brieven", en="Campaigns and letters"),
        Text(nl="Iedereen krijgt hetzelfde bericht.", en="Everybody gets the same message."),
        Text(
            nl="Ruim 3 miljoen brieven om zo'n 50.000 mensen te bereiken werd bij AIO al buiten verhouding gevonden."
            " Van 150.000 gerichte brieven over zorgtoeslag leidde 37% tot een aanvraag: ook gericht schrijven bereikt"
            " een deel.",
            en="Over 3 million letters to reach some 50,000 people was found out of proportion for AIO. Of 150,000"
            " targeted letters on zorgtoeslag 37% led to an application: targeted letters too reach a part.",
        ),
        "stated",
        ("novum", "brieven"),
    ),
    Alternative(
        Text(nl="Losse signalen per schuldeiser", en="Single signals per creditor"),
        Text(
            nl="Elke schuldeiser meldt zelf aan de gemeente, zoals de experimenten van art. 10 Wgs.",
            en="Each creditor reports to the municipality itself, as in the experiments of art. 10 Wgs.",
        ),
        Text(
            nl="De cijfers over 2024 (1 miljoen signalen, 1 op 5 bereikt) gaan over alle vroegsignalering. De gemeente"
            " kan signalen zelf op BSN naast elkaar leggen, maar ziet dan ook iedereen met één schuld, en bij welke"
            " schuldeiser.",
            en="The 2024 figures (1 million signals, 1 in 5 reached) are of all early signalling. The municipality can"
            " put signals side by side by BSN itself, but then also sees everyone with a single debt, and at which"
            " creditor.",
        ),
        "derived",
        ("divosa", "stcrt-2024", "stcrt-2025"),
    ),
    Alternative(
        Text(nl="Vertrouwde derde (TTP)", en="Trusted third party (TTP)"),
        Text(nl="Alle bestanden gaan naar één partij, die vergelijkt.", en="All files go to one party, which matches."),
        Text(
            nl="Met gewone bestanden krijgt de derde alles leesbaar en is hij een nieuw doelwit. Met gepseudonimiseerde"
            " BSN's, sleutel niet bij de derde, leest die zonder hulp geen BSN, wel alle koppelingen en kolommen; met"
            " één deelnemer samen wel alles. Het vergt ook een grondslag, en een partij die iedereen vertrouwt.",
            en="With plain files the third party gets everything readable and is a new target. With pseudonymised BSNs,"
            " the key not at the third party, it reads no BSN without help, but all links and columns; together with"
            " one participant everything. It needs a legal basis too, and a party that all trust.",
        ),
        "derived",
        ("ttp",),
    ),
    Alternative(
        Text(nl="Hashes of een Bloomfilter zonder sleutel", en="Hashes or a Bloom filter without a key"),
        Text(nl="Partijen wisselen versluierde BSN's uit.", en="Parties exchange veiled BSNs."),
        Text(
            nl="Er zijn 90.909.091 nummers; alle hashes zijn in seconden terug te rekenen, ook met openbare salt. De AP"
            " ziet hashen als pseudonimiseren, zelf een verwerking. Over een filter kan de ontvanger elk nummer"
            " toetsen.",
            en="There are 90,909,091 numbers; all hashes can be reversed within seconds, also with a public salt. The"
            " AP regards hashing as pseudonymisation, itself a processing. The holder of a filter can test any number.",
        ),
        "derived",
        ("ap-hash", "edpb", "matcher", "bsn"),
    ),
    Alternative(
        Text(nl="Gewone bestandsuitwisseling", en="Plain exchange of files"),
        Text(nl="Eén partij krijgt het hele bestand van de andere.", en="One party gets the whole file of the other."),
        Text(
            nl="Gegevens van alle niet-doelpersonen gaan mee. Voor koppeling SVB-UWV vond een PIA dat op deze schaal"
            " niet proportioneel. De fiscale geheimhouding (art. 67 AWR) is bij de Belastingdienst het genoemde"
            " beletsel.",
            en="Data of everyone who is not meant go along. For linking SVB and UWV a PIA found that out of proportion"
            " at this scale. Fiscal secrecy (art. 67 AWR) is the obstacle that Belastingdienst names.",
        ),
        "stated",
        ("ercim", "seed"),
    ),
)
INTRODUCTION = Text(
    nl="Kan het doel met een minder ingrijpend middel worden bereikt? De tabel zet op een rij wat er is en waarom het"
    " vermoedelijk tekortschiet. De weging is aan een jurist en aan de bestuurder; dit is materiaal daarvoor.",
    en="Can the goal be reached by less intrusive means? The table lists what there is and why it probably falls short."
    " The weighing is for a jurist and for whoever governs; this is material for it.",
)
HEADERS = Text(
    nl="Alternatief|Wat het vraagt|Waarom het tekort kan schieten|Zekerheid|Bron",
    en="Alternative|What it asks|Why it may fall short|Certainty|Source",
)
CAPTION = Text(nl="Alternatieven en waarom zij tekort kunnen schieten", en="Alternatives and why they may fall short")
NOT_ALONE = Text(
    nl="psi-match zelf vervangt geen grondslag: ook de pilot van SVB en UWV met MPC had er een nodig. De uitkomst wijst"
    " mensen aan; dat is haar doel.",
    en="psi-match itself replaces no legal basis: the pilot of SVB and UWV with MPC needed one too. The result points"
    " people out; that is its purpose.",
)
