"""Headings and sentences of the annex beside the 17 paragraphs themselves."""

from __future__ import annotations

from psi_match.scenario.model import Text

DATA_HEADERS = Text(
    nl="Partij|Rijen staan voor|Kolommen|Eigen filter|Ingebracht|Uitgezonderd",
    en="Party|Rows stand for|Columns|Own filter|Put in|Opted out",
)
DATA_CAPTION = Text(nl="Persoonsgegevens per partij", en="Personal data per party")
PEOPLE_MADE_UP = Text(
    nl="De mensen in deze run waren verzonnen: het dossier heeft een evaluatie van een synthetische bevolking.",
    en="The people in this run were made up: the dossier has an evaluation of a synthetic population.",
)
PEOPLE_UNKNOWN = Text(
    nl="Of de mensen in deze run bestaan, weet dit rapport niet. Behandel alles als persoonsgegevens.",
    en="Whether the people in this run exist this report does not know. Treat everything as personal data.",
)
PARTY_HEADERS = Text(
    nl="Partij|Wat zij in deze run doet|Rol onder de AVG", en="Party|What it does in this run|Role under the AVG (GDPR)"
)
PARTY_CAPTION = Text(nl="Betrokken partijen", en="Parties involved")
AVG_ROLE = Text(nl="nog te bepalen", en="to be determined")
KEEP_HEADERS = Text(
    nl="Partij|Uitkomst tot en met|Opening vastlegging tot en met|Verslag tot en met",
    en="Party|Result until|Opening of commitment until|Record until",
)
KEEP_CAPTION = Text(
    nl="Laatste dag waarop een node iets bewaart, volgens zijn verslag",
    en="Last day on which a node keeps something, by its record",
)
PURPOSE = Text(nl="Doel: {purpose}", en="Purpose: {purpose}")
SOURCE = Text(nl="Aanleiding: {source}.", en="Occasion: {source}.")
ALTERNATIVES = Text(nl="Alternatieven staan in hoofdstuk E.", en="Alternatives are in chapter E.")
STEPS_JOINT = Text(
    nl="Protocol: gezamenlijke vergelijking op geheime delen (join). Leiders om de beurt: {leaders}. Rekenpartijen:"
    " {compute}. Engine en rekenwijze: {engine}. Regel: {predicate}",
    en="Protocol: joint matching on secret shares (join). Leaders in turn: {leaders}. Compute parties: {compute}."
    " Engine and way of computing: {engine}. Rule: {predicate}",
)
STEPS_PAIRWISE = Text(
    nl="Protocol: paarsgewijze doorsnede (private set intersection), engine {engine}. Leider: {leaders}.",
    en="Protocol: pairwise private set intersection, engine {engine}. Leader: {leaders}.",
)
CONSTANT = Text(nl="Constante {name}: {value} ({source}).", en="Constant {name}: {value} ({source}).")
CONSTANT_ASSUMED = Text(
    nl="Constante {name}: {value}, aangenomen ({source}).", en="Constant {name}: {value}, assumed ({source})."
)
DIGESTS = Text(
    nl="Digest van het scenario: {scenario}. Overeenkomst {agreement}, digest: {digest}.",
    en="Digest of the scenario: {scenario}. Agreement {agreement}, digest: {digest}.",
)
TERMS = Text(
    nl="De overeenkomst loopt van {start} tot en met {end}, met ten hoogste {runs} runs per {days} dagen.",
    en="The agreement runs from {start} to {end}, with at most {runs} runs in {days} days.",
)
BASIS_GIVEN = Text(
    nl="De overeenkomst noemt als grondslag: {basis}. Of dat zo is, moet een jurist beoordelen.",
    en="The agreement names as legal basis: {basis}. Whether that holds, a jurist must judge.",
)
BASIS_UNKNOWN = Text(
    nl="De tekst van de overeenkomst zit niet in het dossier; wat zij als grondslag noemt, staat hier niet.",
    en="The text of the agreement is not in the dossier; what it names as legal basis is not shown here.",
)
CJIB = Text(
    nl="Voorkomen in een bestand van het CJIB kan strafrechtelijke gegevens verraden (eigen afleiding).",
    en="Being in a set of CJIB can reveal criminal data (our derivation).",
)
CAK = Text(
    nl="Een achterstand voor Wlz of Wmo kan iets over gezondheid zeggen (aanname).",
    en="Arrears for Wlz or Wmo may hint at health (assumption).",
)
OPTED_OUT = Text(
    nl="In deze run lieten de partijen samen {count} rijen weg om een uitzondering.",
    en="In this run the parties together left out {count} rows for an opt-out.",
)
