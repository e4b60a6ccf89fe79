"""A draft entry for the Algoritmeregister, publication standard 1.0."""

from __future__ import annotations

from psi_match.scenario.model import Text

INTRODUCTION = Text(
    nl="Ontwerp; nergens gepubliceerd. De velden volgen publicatiestandaard 1.0. Een organisatie die het algoritme"
    " gebruikt, vult dit aan en publiceert zelf. Vergelijkbare inschrijvingen: {sources}.",
    en="A draft; published nowhere. The fields follow publication standard 1.0. A body that uses the algorithm"
    " completes and publishes it itself. Similar entries: {sources}.",
)
HEADERS = Text(nl="Veld|Voorstel", en="Field|Proposal")
CAPTION = Text(nl="Ontwerp-inschrijving", en="Draft entry")
FIELDS: tuple[tuple[Text, Text], ...] = (
    (Text(nl="Naam", en="Name"), Text(nl="{title}", en="{title}")),
    (
        Text(nl="Organisatie", en="Organisation"),
        Text(
            nl="{recipients} (ontvanger); nog te bepalen wie publiceert",
            en="{recipients} (recipient); who publishes is to be determined",
        ),
    ),
    (
        Text(nl="Status", en="Status"),
        Text(
            nl="In ontwikkeling (prototype)",
            en="In development (prototype)",
        ),
    ),
    (
        Text(nl="Categorie", en="Category"),
        Text(nl="{category}", en="{category}"),
    ),
    (
        Text(nl="Thema", en="Theme"),
        Text(nl="Sociale zekerheid; financiën (voorstel)", en="Social security; finance (proposal)"),
    ),
    (
        Text(nl="Impacttoetsen", en="Impact tests"),
        Text(
            nl="DPIA: niet gedaan, deze bijlage is materiaal ervoor. IAMA: niet gedaan.",
            en="DPIA: not done, this annex is material for it. IAMA: not done.",
        ),
    ),
    (
        Text(nl="Doel en impact", en="Goal and impact"),
        Text(nl="{purpose} {impact}", en="{purpose} {impact}"),
    ),
    (
        Text(nl="Afwegingen", en="Considerations"),
        Text(
            nl="Zie hoofdstuk C (minimalisatie), D (raakheid) en E (alternatieven). Restrisico's in hoofdstuk F.",
            en="See chapters C (minimisation), D (how well it hits) and E (alternatives). Residual risks in chapter F.",
        ),
    ),
    (Text(nl="Menselijke tussenkomst", en="Human intervention"), Text(nl="{follow_up}", en="{follow_up}")),
    (
        Text(nl="Risicobeheer", en="Risk management"),
        Text(
            nl="Overeenkomst en beleid per node, grenzen op omvang en aantal runs, ondertekend logboek zonder BSN,"
            " uitzondering vooraf, wissen op de afgesproken dag. Een beoordeling van buiten ontbreekt.",
            en="Agreement and policy per node, limits on size and number of runs, a signed log without BSNs, opting out"
            " beforehand, deletion on the agreed day. An outside assessment is lacking.",
        ),
    ),
    (
        Text(nl="Wettelijke basis", en="Legal basis"),
        Text(nl="Niet ingevuld: dat is het gevraagde besluit", en="Not filled in: that is the decision asked"),
    ),
    (Text(nl="Gegevens", en="Data"), Text(nl="{data}", en="{data}")),
    (Text(nl="Technische werking", en="How it works"), Text(nl="{method}", en="{method}")),
    (
        Text(nl="Leverancier, broncode", en="Supplier, source code"),
        Text(
            nl="psi-match, versie {version}; waar de broncode staat, meldt wie publiceert",
            en="psi-match, version {version}; where the source code is, whoever publishes says",
        ),
    ),
)
NOT_KNOWN = Text(nl="niet ingevuld: scenario niet bekend", en="not filled in: scenario not known")
STATISTICS_IMPACT = Text(nl="Er wordt niemand aangewezen.", en="Nobody is pointed out.")
IMPACT = Text(
    nl="Voor wie wordt aangewezen: een aanbod of contact. Wie niet wordt aangewezen: ook hun gegevens zijn verwerkt; de"
    " ontvanger kan uit het ontbreken afleiden dat zij er niet onder vallen.",
    en="For those who are selected: an offer or contact. Those who are not: their data are processed too; the recipient"
    " can infer from absence that they do not meet it.",
)
IMPACTFUL = Text(
    nl="Impactvol (voorstel): de uitkomst wijst mensen aan voor wie daarna iets gebeurt",
    en="Impactful (proposal): the result points out people for whom something happens afterwards",
)
OTHER = Text(
    nl="Overig (voorstel): de uitkomst zijn afgeronde aantallen", en="Other (proposal): the result is rounded counts"
)
JOINT = Text(
    nl="Vaste, openbare regel, gerekend op geheime delen over drie rekenpartijen; alleen de ontvanger krijgt de"
    " uitkomst",
    en="A fixed, public rule, computed on secret shares by three compute parties; only the recipient gets the result",
)
PAIRWISE = Text(
    nl="Paarsgewijze doorsnede van BSN's met geheime sleutels; alleen de leider krijgt de uitkomst",
    en="Pairwise intersection of BSNs with secret keys; only the leader gets the result",
)
