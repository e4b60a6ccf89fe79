"""What is said about each way to reach an outcome."""

from __future__ import annotations

from psi_match.scenario.model import Text

THIRD_PARTY = Text(nl="vertrouwde derde", en="trusted third party")

TITLES = {
    "file-exchange": Text(nl="hele bestanden uitwisselen", en="exchange of whole files"),
    "residents-only": Text(nl="bestanden van eigen inwoners", en="files of own residents"),
    "unkeyed-hashes": Text(nl="hashes zonder sleutel", en="hashes without a key"),
    "bloom-filter": Text(nl="Bloomfilter", en="Bloom filter"),
    "trusted-third-party": Text(nl="vertrouwde derde", en="trusted third party"),
    "psi-match": Text(nl="psi-match", en="psi-match"),
}

COUNTING = Text(
    nl="Geteld zijn rijen van anderen, na hetzelfde lokale filter en zonder wie bezwaar maakte: een keuze in het"
    " voordeel van de andere werkwijzen. Wie bij twee organisaties een rij heeft, telt twee keer; het zijn dus geen"
    " aantallen mensen.",
    en="Counted are rows of others, after the same local filter and without whoever opted out: a choice in favour of"
    " the other ways. Whoever has a row at two bodies counts twice, so these are not numbers of people.",
)
"""How to read all numbers of a comparison."""

_EXPLANATIONS = {
    "file-exchange": Text(
        nl="Elke organisatie geeft haar rijen, na haar lokale filter, aan elke ontvanger. Die leest ze allemaal, ook"
        " van wie niet aan de voorwaarde voldoet.",
        en="Each body gives its rows, after its local filter, to every recipient. The recipient reads all of them, also"
        " those of people who do not meet the condition.",
    ),
    "residents-only": Text(
        nl="Elke organisatie zoekt van haar rijen eerst de woonplaats op en geeft elke gemeente alleen haar eigen"
        " inwoners. De gemeente leest nog steeds iedereen met één schuldeiser. Dit aantal komt uit de synthetische"
        " bevolking: het verslag van een match kent de woonplaats niet.",
        en="Each body first looks up where the people in its rows live, and gives each municipality its own residents"
        " only. The municipality still reads everyone with a single creditor. This number comes from the synthetic"
        " population: the record of a match knows no places.",
    ),
    "unkeyed-hashes": Text(
        nl="Elke organisatie geeft hashes van haar BSN's. Er zijn maar 90.909.091 BSN's: wie ze allemaal hasht, leest"
        " elke hash in seconden terug. Er is dus evenveel leesbaar als bij hele bestanden; bedragen kan een hash niet"
        " vergelijken.",
        en="Each body gives hashes of its BSNs. There are only 90,909,091 BSNs: whoever hashes them all reads every"
        " hash back within seconds. So as much is readable as with whole files; amounts cannot be compared by a hash.",
    ),
    "bloom-filter": Text(
        nl="Elke organisatie geeft een Bloomfilter van haar BSN's. Wie elk mogelijk BSN aan het filter vraagt, vindt"
        " iedereen die erin zit terug, en een paar anderen bij toeval: die worden ten onrechte genoemd. Gerekend is met"
        " een kans van één op een miljard en onafhankelijke hashfuncties; bij een kans van 1 % zijn het er ruim 900.000"
        " per filter, en is er niet meer mee te matchen.",
        en="Each body gives a Bloom filter of its BSNs. Whoever asks the filter about every possible BSN finds everyone"
        " in it again, and a few others by chance: those are named wrongly. This is for a chance of one in a billion"
        " and independent hash functions; at a chance of 1 % they are over 900,000 per filter, and nothing can be"
        " matched with it any more.",
    ),
    "trusted-third-party": Text(
        nl="Elke organisatie geeft haar rijen aan een derde, die de uitkomst aan de ontvanger geeft. De ontvanger leert"
        " niet meer dan bij psi-match, maar de derde leest alles, ook de bedragen en wie nergens mee overeenkomt. Dit"
        " aantal geldt voor gewone bestanden. Met gepseudonimiseerde BSN's, sleutel niet bij de derde, leest die zonder"
        " hulp geen BSN, wel alle koppelingen en kolommen; met één deelnemer samen wel alles.",
        en="Each body gives its rows to a third party, which gives the outcome to the recipient. The recipient learns"
        " no more than with psi-match, but the third party reads everything, also amounts and people who match nothing."
        " This number is for plain files. With pseudonymised BSNs, the key not at the third party, it reads no BSN"
        " without help, but all links and columns; together with one participant everything.",
    ),
    "psi-match": Text(
        nl="Zolang allen het protocol volgen: alleen de ontvanger leert iets over mensen, en alleen de uitkomst uit het"
        " scenario. Iedereen ziet afgeronde omvangen en tijden.",
        en="While all follow the protocol: only the recipient learns anything about people, and only the outcome of the"
        " scenario. Everyone sees rounded sizes and times.",
    ),
}
OF_OWN_ROWS = Text(
    nl="Een ontvanger met eigen rijen weet na afloop ook van de rest van die rijen dat zij niet aan de voorwaarde"
    " voldoen of buiten de match zijn gehouden; die zijn hier niet meegeteld.",
    en="A recipient with rows of its own then also knows of the rest of those rows that they do not meet the condition"
    " or were kept out of the match; these are not counted here.",
)
_OF_COUNTS = Text(
    nl=" De uitkomst is een tabel met afgeronde aantallen. Bij één tabel zijn kleine groepen onderdrukt; tabellen van"
    " opeenvolgende dagen, of een partij die haar bestand opvult, kunnen iets over één mens verraden.",
    en=" The outcome is a table of rounded counts. In one table small groups are suppressed; tables of successive days,"
    " or a party that pads its set, can tell something of one person.",
)
_OF_PAIRS = Text(
    nl=" Leider en gegevenspartij samen weten alles: er is geen derde.",
    en=" Leader and data party together know everything: there is no third party.",
)


def explanation(name: str, *, statistics: bool, signal: bool, collusion: Text | None) -> Text:
    """Return what is said about a way.

    Args:
        name: of the way.
        statistics: whether the outcome is a table of counts.
        signal: whether the recipient has no rows that are decided on.
        collusion: what two compute parties together would see; None in a match of two.
    """
    parts = [_EXPLANATIONS[name]]
    if name == "psi-match":
        if statistics:
            parts.append(_OF_COUNTS)
        elif not signal:
            parts.append(Text(nl=f" {OF_OWN_ROWS.nl}", en=f" {OF_OWN_ROWS.en}"))
        parts.append(_OF_PAIRS if collusion is None else Text(nl=f" {collusion.nl}", en=f" {collusion.en}"))
    return Text(nl="".join(part.nl for part in parts), en="".join(part.en for part in parts))
