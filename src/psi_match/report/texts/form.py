"""Words of the form: headings, labels, what is said on every page."""

from __future__ import annotations

from psi_match.scenario.model import Text

TITLE = Text(nl="Bewijsrapport: {title}", en="Evidence report: {title}")
UNKNOWN_TITLE = Text(nl="scenario {name}", en="scenario {name}")
SUBTITLE = Text(
    nl="Run {run}, scenario {scenario}, verzameld op {collected}. Gemaakt door psi-match uit het dossier van de run.",
    en="Run {run}, scenario {scenario}, collected on {collected}. Made by psi-match from the dossier of the run.",
)
SYNTHETIC = Text(
    nl="Synthetische gegevens: alle mensen in dit rapport zijn verzonnen. Prototype; dataminimalisatie, geen"
    " anonimiteit.",
    en="Synthetic data: all people in this report are made up. Prototype; data minimisation, not anonymity.",
)
PEOPLE_UNKNOWN = Text(
    nl="Of de mensen in deze run bestaan, weet dit rapport niet. Behandel alles als persoonsgegevens. Prototype;"
    " dataminimalisatie, geen anonimiteit.",
    en="Whether the people in this run exist this report does not know. Treat everything as personal data. Prototype;"
    " data minimisation, not anonymity.",
)
"""The notice without an evaluation: only that tells that the population was made up."""
WORDS = {
    "contents": Text(nl="Inhoud", en="Contents"),
    "table": Text(nl="Tabel", en="Table"),
    "figure": Text(nl="Figuur", en="Figure"),
    "page": Text(nl="Bladzijde", en="Page"),
    "beware": Text(nl="Let op", en="Note"),
    "skip": Text(nl="Naar de inhoud", en="Skip to content"),
}
CHAPTERS = {
    "dpia": Text(
        nl="A. Bijlage volgens het Model DPIA Rijksdienst v3.0", en="A. Annex after the Model DPIA Rijksdienst v3.0"
    ),
    "disclosure": Text(nl="B. Wie komt wat te weten", en="B. Who learns what"),
    "minimisation": Text(
        nl="C. Dataminimalisatie tegenover andere werkwijzen", en="C. Data minimisation against other ways"
    ),
    "quality": Text(nl="D. Precisie, dekking en drempels", en="D. Precision, recall and thresholds"),
    "subsidiarity": Text(nl="E. Subsidiariteit: kan het met minder?", en="E. Subsidiarity: would less do?"),
    "risks": Text(
        nl="F. Aannames, wat ze draagt en wat overblijft", en="F. Assumptions, what holds them and what remains"
    ),
    "performance": Text(nl="G. Gemeten in deze run", en="G. Measured in this run"),
    "register": Text(nl="H. Ontwerp voor het Algoritmeregister", en="H. Draft entry for the Algoritmeregister"),
    "sources": Text(nl="I. Bronnen", en="I. Sources"),
    "numbers": Text(nl="J. Waar elk getal vandaan komt", en="J. Where each number comes from"),
}
OPEN_POINT = Text(nl="Er ontbreekt: ", en="What is missing: ")
PARTLY = Text(nl="Deels ingevuld.", en="Partly filled in.")
NOT_FILLED = Text(nl="Niet ingevuld.", en="Not filled in.")
MISSING = Text(nl="Ontbreekt.", en="Missing.")
FAILED = Text(nl="De run is mislukt.", en="The run failed.")
READ = Text(nl="Hoe dit te lezen.", en="How to read this.")
UNKNOWN = Text(nl="niet bekend", en="not known")
NONE = Text(nl="geen", en="none")
FILLED_BY = Text(nl="Door: {who}", en="By: {who}")

ROLES = {
    "leader": Text(nl="leider", en="leader"),
    "data party": Text(nl="gegevenspartij", en="data party"),
    "compute party": Text(nl="rekenpartij", en="compute party"),
    "recipient": Text(nl="ontvanger", en="recipient"),
}
STATES = {
    "finished": Text(nl="klaar", en="finished"),
    "failed": Text(nl="mislukt", en="failed"),
    "running": Text(nl="nog bezig", en="still running"),
    "unknown": Text(nl="niet bekend", en="not known"),
}
SIGNS = {
    "at_least": Text(nl="ten minste", en="at least"),
    "at_most": Text(nl="ten hoogste", en="at most"),
    "equals": Text(nl="gelijk aan", en="equal to"),
}
ABSENT = {
    "not-asked": Text(nl="niet gevraagd", en="not asked"),
    "unreachable": Text(nl="de node was niet te bereiken", en="the node could not be reached"),
    "refused": Text(nl="de node weigerde", en="the node refused"),
    "unknown": Text(nl="de node kent deze run niet", en="the node does not know this run"),
    "running": Text(nl="de run was daar nog niet klaar", en="the run had not ended there"),
    "unreadable": Text(nl="wat de node gaf, was niet te lezen", en="what the node gave could not be read"),
}
"""Why a part of a dossier is missing."""
