"""Headings and sentences of the chapters behind the DPIA annex."""

from __future__ import annotations

from psi_match.scenario.model import Text

# B. Who learns what
PER_PARTY = Text(nl="Per partij", en="Per party")
PER_PARTY_TEXT = Text(
    nl="Afgeleid uit het protocol van het scenario, niet met de hand ingevuld. Zo stond het er al voor de run.",
    en="Derived from the scenario's protocol, not filled in by hand. It said the same before the run.",
)
DISCLOSURE_HEADERS = Text(
    nl="Partij|Brengt in|Komt te weten|Komt niet te weten", en="Party|Puts in|Learns|Does not learn"
)
DISCLOSURE_CAPTION = Text(nl="Wie komt wat te weten, per partij", en="Who learns what, per party")
SIZES_CAPTION = Text(
    nl="Ware omvang, en de openbare omvang die de andere partijen ervan zien",
    en="True size, and the public size that the other parties see of it",
)
SIZES_HEADERS = Text(
    nl="Partij|Ware omvang (alleen eigen verslag)|Openbare omvang (voor de anderen)",
    en="Party|True size (own record only)|Public size (for the others)",
)
TRUE_SIZES = Text(
    nl="Wie dit rapport heeft, kent ware omvangen die partijen voor elkaar verborgen.",
    en="Whoever holds this report knows true sizes that parties hid from each other.",
)
PER_MESSAGE = Text(nl="Per bericht", en="Per message")
PER_MESSAGE_TEXT = Text(
    nl="Uit de tijdlijnen van de nodes: elk bericht met afzender, ontvanger, stap en omvang; nooit de inhoud. De"
    " berichten tellen samen {bytes}; de verslagen tellen {recorded} (zonder hartslagen).",
    en="From the nodes' timelines: each message with sender, receiver, step and size; never its content. The messages"
    " add up to {bytes}; the records count {recorded} (without heartbeats).",
)
NO_TIMELINES = Text(
    nl="Het dossier heeft geen tijdlijnen. Welk bericht wanneer ging, staat hier daarom niet; wel wat elke partij in"
    " totaal verstuurde (hoofdstuk G).",
    en="The dossier has no timelines. So which message went when is not shown; what each party sent in all is (chapter"
    " G).",
)
SILENT = Text(
    nl="Geen tijdlijn van: {names}. Berichten tussen twee van hen staan hieronder niet.",
    en="No timeline of: {names}. Messages between two of them are not shown below.",
)
STEP_HEADERS = Text(
    nl="Stap|Wat de ontvanger ziet|Wat dat over mensen zegt, of waarom niets|Berichten|Bytes",
    en="Step|What the receiver sees|What that tells about people, or why nothing|Messages|Bytes",
)
STEP_CAPTION = Text(
    nl="Wat de ontvanger van elk soort bericht ziet", en="What the receiver sees of each kind of message"
)
FLOW_HEADERS = Text(nl="Stap|Van|Naar|Berichten, elk|Bytes, elk", en="Step|From|To|Messages, each|Bytes, each")
FLOW_CAPTION = Text(nl="Wie stuurde wat naar wie", en="Who sent what to whom")

# C. Minimisation
BASELINE_TEXT = Text(
    nl="Hoeveel rijen van anderen krijgt een partij in een vorm die zij kan lezen of herleiden? Bij psi-match is dat"
    " bij de ontvanger de uitkomst, en bij de anderen niets, onder de aannames van hoofdstuk F.",
    en="How many rows of others does a party get in a form that it can read or recover? With psi-match that is the"
    " result at the recipient and nothing at the others, under the assumptions of chapter F.",
)
OF_PEOPLE = Text(nl=" (van {people} mensen)", en=" (of {people} people)")
WRONGLY = Text(nl=", en {wrong} anderen bij toeval", en=", and {wrong} others by chance")
BASELINE_MISSING = Text(
    nl="Zonder verslag of uitkomst van {names} zijn deze aantallen te laag.",
    en="Without a record or result of {names} these numbers are too low.",
)
BASELINE_HEADERS = Text(
    nl="Werkwijze|Rijen over de lijn|Leesbaar of herleidbaar, per partij|Toelichting",
    en="Way|Rows crossing the line|Readable or recoverable, per party|Explanation",
)
BASELINE_CAPTION = Text(nl="psi-match tegenover andere werkwijzen", en="psi-match against other ways")
NOBODY = Text(nl="niemand", en="nobody")
NO_BASELINES = Text(
    nl="Zonder verslagen van een geslaagde run is er niets te tellen.",
    en="Without records of a run that finished there is nothing to count.",
)

# D. Quality
QUALITY_NOTE = Text(
    nl="Dit zijn metingen op verzonnen mensen. Zij zeggen of de regel doet wat hij moet doen en hoe drempels uitwerken."
    " Zij zeggen niet hoe raak hij bij echte mensen is: dat hangt af van echte bestanden, fouten daarin en van wat"
    " mensen zelf vertellen. Onzekerheden hier komen alleen van het trekken van mensen, niet van verkeerde aannames.",
    en="These are measurements on made-up people. They tell whether the rule does what it should, and what thresholds"
    " do. They do not tell how well it hits real people: that depends on real files, errors in them and on what people"
    " tell themselves. Uncertainties here come from drawing people only, not from wrong assumptions.",
)
NO_EVALUATION = Text(
    nl="Het dossier heeft geen evaluatie. Precisie, dekking en drempels zijn daarom niet ingevuld. Wie de synthetische"
    " bevolking heeft, maakt haar met: psi-match population evaluate.",
    en="The dossier has no evaluation. So precision, recall and thresholds are not filled in. Whoever has the synthetic"
    " population makes it with: psi-match population evaluate.",
)
POPULATION = Text(
    nl="Bevolking van {persons} verzonnen inwoners, peildatum {date}, toevalsgetal {seed}.",
    en="Population of {persons} made-up residents, reference date {date}, seed {seed}.",
)
DISTINCT = Text(
    nl="Alle partijen samen brengen {count} verschillende mensen in.",
    en="All parties together put in {count} different people.",
)
DEFINITION = Text(nl="Wat als terecht telt.", en="What counts as right.")
NO_QUALITY = Text(
    nl="Voor dit scenario is precisie niet gedefinieerd: er is geen waarheid die los van de regel bestaat.",
    en="Precision is not defined for this scenario: there is no truth apart from the rule.",
)
QUALITY_HEADERS = Text(nl="Maat|Waarde|95%-interval", en="Measure|Value|95% interval")
QUALITY_CAPTION = Text(
    nl="Hoe raak de regel is op de synthetische bevolking", en="How well the rule hits on the synthetic population"
)
SELECTED = Text(nl="Door de regel aangewezen", en="Selected by the rule")
RELEVANT = Text(nl="Had aangewezen moeten zijn", en="Should have been selected")
HITS = Text(nl="Terecht aangewezen", en="Rightly selected")
PRECISION = Text(nl="Precisie (terecht van de aangewezenen)", en="Precision (rightly, of those selected)")
RECALL = Text(nl="Dekking (aangewezen van wie het had moeten zijn)", en="Recall (selected, of those who should be)")
BY_DEFINITION = Text(nl="geen: volgt uit de omschrijving", en="none: follows from the definition")
INTERVAL = Text(nl="{low} tot {high}", en="{low} to {high}")
THRESHOLD_HEADERS = Text(
    nl="Drempel|Waarde|Aangewezen|Terecht|Had moeten zijn|Precisie|Dekking",
    en="Threshold|Value|Selected|Rightly|Should have been|Precision|Recall",
)
THRESHOLD_HEADERS_COUNTS = Text(nl="Drempel|Waarde|Aangewezen", en="Threshold|Value|Selected")
THRESHOLD_CAPTION = Text(
    nl="Wat elke waarde van een drempel zou doen, de andere gelijk gehouden",
    en="What each value of a threshold would do, the others kept as they are",
)
NO_PRECISION = Text(nl="Geen precisie.", en="No precision.")
YES = Text(nl="ja", en="yes")
NO = Text(nl="nee", en="no")
CURRENT = Text(nl=" (nu)", en=" (now)")
OVERLAP_CAPTION = Text(
    nl="Overlap van de ingebrachte bestanden in de synthetische bevolking; geen partij kent de hele figuur",
    en="Overlap of the sets in the synthetic population; no party knows the whole picture",
)

# F. Risks: see risks.py
# G. Performance
PERFORMANCE_TEXT = Text(
    nl="Gemeten door elke node zelf, in deze ene run. Bytes zijn berichten zonder hartslagen en zonder de omhulsels van"
    " gRPC en TLS. De duur is van een netwerk waarvan het verslag de snelheid niet kent. Ook van de machines weet het"
    " verslag niets dan het gebruikte geheugen.",
    en="Measured by each node itself, in this one run. Bytes are messages without heartbeats and without gRPC's and"
    " TLS's wrapping. The time is that of a network whose speed the record does not know. Of the machines, too, the"
    " record knows nothing but the memory used.",
)
PERFORMANCE_HEADERS = Text(
    nl="Partij|Duur|Rekentijd|Piekgeheugen|Bytes uit|Bytes in|Begonnen (UTC)|Versie",
    en="Party|Wall|CPU|Peak memory|Bytes out|Bytes in|Started (UTC)|Version",
)
PERFORMANCE_CAPTION = Text(nl="Tijd, geheugen en bytes per node", en="Time, memory and bytes per node")
STATE_HEADERS = Text(nl="Partij|Afloop|Reden", en="Party|Outcome|Reason")
STATE_CAPTION = Text(nl="Hoe de run bij elke partij afliep", en="How the run ended at each party")
STAGE_HEADERS = Text(nl="Partij|Onderdeel|Duur|Bytes uit|Bytes in", en="Party|Stage|Wall|Bytes out|Bytes in")
STAGE_CAPTION = Text(
    nl="Onderdelen van de run per node, zonder wat korter duurde dan 5 ms en niets verstuurde",
    en="Stages of the run per node, without those that took less than 5 ms and sent nothing",
)
FLOWS_FIGURE = Text(nl="Bytes tussen de nodes, volgens de verslagen", en="Bytes between the nodes, by the records")
BASELINE_FIGURE = Text(
    nl="Rijen van anderen die leesbaar of herleidbaar zijn", en="Rows of others that can be read or recovered"
)
THRESHOLD_FIGURE = Text(
    nl="Wat andere drempels zouden doen; de getallen staan in de tabel hierna",
    en="What other thresholds would do; the numbers are in the table that follows",
)
STAGE_FIGURE = Text(nl="Duur van de onderdelen per node", en="Time of the stages per node")
REASON_KEPT = Text(nl="staat alleen in het verslag van die node", en="only in the record of that node")
"""Of a failure whose sentence may hold what only that node is to know."""
NO_RECORDS = Text(
    nl="Het dossier heeft geen verslagen: er is niets gemeten om te tonen.",
    en="The dossier has no records: there is nothing measured to show.",
)

# I. Sources and J. numbers
SOURCE_HEADERS = Text(nl="Nr.|Bron|Waar|Opmerking", en="No.|Source|Where|Remark")
SOURCE_CAPTION = Text(nl="Bronnen", en="Sources")
SOURCE_TEXT = Text(
    nl="Teksten in dit rapport noemen een bron bij nummer. Wat gezocht is en niet gevonden, staat er als zodanig; wat"
    " een aanname is ook.",
    en="Texts in this report name a source by number. What was looked for and not found is said to be so; so is what is"
    " an assumption.",
)
NUMBER_TEXT = Text(
    nl="Uitgelezen uit dit rapport zelf: elk getal uit het dossier met het veld waar het vandaan komt en de plaatsen"
    " waar het staat. 'sum', 'max' en 'count' gaan over de aanwezige verslagen of tijdlijnen; [] staat voor elk deel"
    " van een lijst. Getallen uit gepubliceerde bronnen in lopende tekst hebben een bronnummer.",
    en="Read off this report itself: each number from the dossier with the field where it comes from and the places"
    " where it stands. 'sum', 'max' and 'count' are over the records or timelines that are there; [] stands for each"
    " part of a list. Numbers from published sources in running text have a source number.",
)
NUMBER_HEADERS = Text(nl="Herkomst|Getal|Waar in dit rapport", en="Origin|Number|Where in this report")
NUMBER_CAPTION = Text(nl="Getallen en hun herkomst", en="Numbers and their origin")
