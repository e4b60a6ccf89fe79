"""The one page for a minister."""

from __future__ import annotations

from psi_match.scenario.model import Text

ASKED = Text(nl="Wat is gevraagd", en="What was asked")
TOOK_PART = Text(nl="Wie deden mee", en="Who took part")
CAME_OUT = Text(nl="Wat kwam eruit", en="What came out")
LEARNED = Text(nl="Wie kwam wat te weten", en="Who learned what")
SPARED = Text(
    nl="Hoeveel rijen ongelezen blijven",
    en="How many rows stay unread",
)
COSTS = Text(nl="Wat kost het", en="What it costs")
WRONG = Text(nl="Wat kan er misgaan", en="What could go wrong")
DECISION = Text(nl="Welk besluit wordt gevraagd", en="What decision is asked")

PURPOSE = Text(nl="{title} Doel: {purpose}", en="{title} Purpose: {purpose}")
CONSTANT = Text(nl="In dit scenario is {name} = {value}.", en="In this scenario {name} = {value}.")
NO_SCENARIO = Text(
    nl="Het scenario {name} is in deze installatie niet bekend. Wat de run deed staat daarom niet in dit rapport;"
    " alleen wat de verslagen zeggen.",
    en="This installation does not know the scenario {name}. So the report does not say what the run did; only what the"
    " records say.",
)
OTHER_SCENARIO = Text(
    nl="De tekst van scenario {name} in deze installatie is niet die waarmee de run liep (een andere digest). Wat hier"
    " over doel, regels en partijen staat, kan van de run afwijken.",
    en="The text of scenario {name} in this installation is not the one that ran (another digest). What this report"
    " says about purpose, rules and parties may differ from the run.",
)
PARTIES = Text(
    nl="{count} partijen, elk met een eigen node: {names}. Samen brachten zij {rows} rijen in. Geen partij gaf een"
    " bestand af.",
    en="{count} parties, each with a node of its own: {names}. Together they put in {rows} rows. No party handed over a"
    " file.",
)
PARTIES_WITHOUT_ROWS = Text(
    nl="{count} partijen, elk met een eigen node: {names}. Hoeveel rijen zij inbrachten, staat niet in het dossier.",
    en="{count} parties, each with a node of its own: {names}. The dossier does not say how many rows they put in.",
)
MISSING_RECORDS = Text(
    nl="Het dossier heeft geen verslag van: {names}. Wat van hen afhangt, is in dit rapport niet ingevuld.",
    en="The dossier has no record of: {names}. What depends on them is not filled in here.",
)
RUN_FAILED = Text(
    nl="De run mislukte bij {names}. Geen node met een verslag bewaarde een uitkomst. Wat een ontvanger vóór het"
    " afbreken al had ontvangen, kan hij hebben gezien.",
    en="The run failed at {names}. No node with a record kept a result. What a recipient had received before it broke"
    " off, it may have seen.",
)
RUN_FAILED_PARTLY = Text(
    nl="De run mislukte bij {names}: hij liep niet overal goed af. Een uitkomst is er bij: {holders}.",
    en="The run failed at {names}: it did not end well everywhere. There is a result at: {holders}.",
)
REASONS = Text(nl="Reden volgens het verslag: {reasons}", en="Reason in the record: {reasons}")
NOT_FINISHED_PARTLY = Text(
    nl="Volgens de verslagen is de run niet overal klaar. Een uitkomst is er al bij: {holders}.",
    en="According to the records the run has not finished everywhere. There is a result already at: {holders}.",
)
NOT_FINISHED = Text(
    nl="Volgens de verslagen is de run niet overal klaar. Geen node met een verslag heeft al een uitkomst.",
    en="According to the records the run has not finished everywhere. No node with a record has a result yet.",
)
RESULT_HEADERS = Text(
    nl="Ontvanger|Uitkomst|Hoe zeker|Wat een mens daarna doet", en="Recipient|Result|How certain|What a human does next"
)
RESULT_CAPTION = Text(
    nl="Uitkomst per ontvanger, met de menselijke opvolging", en="Result per recipient, with the human follow-up"
)
RESULT_ROWS = {
    "persons": Text(nl="{rows} mensen", en="{rows} people"),
    "households": Text(nl="{rows} huishoudens", en="{rows} households"),
    "cells": Text(nl="een tabel van {rows} cellen", en="a table of {rows} cells"),
}
NO_RESULT = Text(nl="geen uitkomst in het dossier", en="no result in the dossier")
EQUAL_TRUTH = Text(
    nl="De berekening klopt: gelijk aan de regel op de gewone tabellen ({expected}).",
    en="The computation is right: equal to the rule on plain tables ({expected}).",
)
ONLY_COMPUTED = Text(
    nl="Dat een berekening klopt, zegt niet dat de regel de juiste mensen vindt.",
    en="That a computation is right does not say that the rule finds the right people.",
)
UNEQUAL_TRUTH = Text(
    nl="Wijkt af van de regel op de gewone tabellen ({expected}): eerst uitzoeken.",
    en="Differs from the rule on plain tables ({expected}): find out why first.",
)
RANGE = Text(
    nl="Het toeval van het trekken: bij dit aantal hoort voor het gemiddelde over zulke bevolkingen {low} tot {high}"
    " (95%).",
    en="Chance of drawing: with this count goes, for the mean over such populations, {low} to {high} (95%).",
)
RECALL = Text(
    nl="Van wie volgens de ruimere omschrijving in hoofdstuk D bedoeld is, vindt de regel {share} (95%: {low} tot"
    " {high}).",
    en="Of those meant by the wider description in chapter D the rule finds {share} (95%: {low} to {high}).",
)
PRECISION = Text(
    nl="Van wie hij aanwijst, is {share} terecht ({low} tot {high}).",
    en="Of those whom it selects {share} are right ({low} to {high}).",
)
SAYS_NOTHING = Text(
    nl="Regel en synthetische waarheid gebruiken dezelfde gegevens en vallen samen. Hoe raak de regel bij echte mensen"
    " is, blijkt daaruit niet (hoofdstuk D).",
    en="Rule and synthetic truth use the same data and coincide. How well the rule hits real people does not follow"
    " from that (chapter D).",
)
NO_TRUTH = Text(nl="Niet bekend: het dossier heeft geen evaluatie.", en="Not known: the dossier has no evaluation.")
_CHECKED = Text(
    nl="Een medewerker kijkt elke rij na voordat er iets gebeurt. De rij is geen besluit.",
    en="A caseworker checks each row before anything happens. The row is no decision.",
)
FOLLOW_UP = {
    "signal": Text(
        nl="Een medewerker kijkt elk signaal na en biedt hulp aan. Het signaal is geen besluit.",
        en="A caseworker checks each signal and offers help. The signal is no decision.",
    ),
    "members": _CHECKED,
    "label": _CHECKED,
    "pairs": _CHECKED,
    "unknown": _CHECKED,
    "statistics": Text(
        nl="Geen opvolging per mens: het zijn afgeronde aantallen.",
        en="No follow-up per person: these are rounded counts.",
    ),
}
FOLLOW_UP_IN = {
    "aio-niet-gebruik": Text(
        nl="De SVB wijst het huishouden op AIO. Pas uit een aanvraag blijkt het recht.",
        en="SVB points the household to AIO. Only an application shows the right.",
    ),
    "bestaansminimum-uwv": Text(
        nl="Een medewerker stelt met de klant een passende regeling vast.",
        en="A caseworker settles a fitting arrangement with the client.",
    ),
}
_OWN_ROWS = Text(
    nl="Alleen {recipients}: van elke eigen rij of de regel geldt, en dus ook van de rest dat die er niet onder valt.",
    en="Only {recipients}: of each own row whether the rule holds, and so of the rest that it does not.",
)
LEARNED_BY = {
    "members": _OWN_ROWS,
    "label": Text(
        nl="Alleen {recipients}: van elke eigen rij of de regel geldt, en dus ook van de rest dat die er niet onder"
        " valt; en van elke eigen rij waarvoor de regel geldt ook het label.",
        en="Only {recipients}: of each own row whether the rule holds, and so of the rest that it does not; and of each"
        " own row for which the rule holds also the label.",
    ),
    "pairs": Text(
        nl="Alleen {recipients}: van elke eigen rij, per andere partij apart, of die daar voorkomt, en dus ook waar"
        " niet.",
        en="Only {recipients}: of each own row, for each other party apart, whether it is there, and so also where it"
        " is not.",
    ),
    "unknown": Text(
        nl="{recipients}: een uitkomst. Wat die over mensen zegt, weet dit rapport niet zonder het scenario.",
        en="{recipients}: a result. What that says of people this report does not know without the scenario.",
    ),
    "signal": Text(
        nl="Alleen {recipients}: wie in het eigen gebied aan de regel voldoet, en van andere inwoners alleen dat zij er"
        " niet op staan (de reden niet).",
        en="Only {recipients}: who in the own area meets the rule, and of other residents only that they are not on it"
        " (not why).",
    ),
    "statistics": Text(
        nl="Alleen {recipients}: afgeronde aantallen. Bij één tabel zijn kleine groepen onderdrukt; tabellen van"
        " opeenvolgende dagen, of een partij die haar bestand opvult, kunnen iets over één mens verraden.",
        en="Only {recipients}: rounded counts. In one table small groups are suppressed; tables of successive days, or"
        " a party that pads its set, can tell something of one person.",
    ),
}
ALL_SEE = Text(
    nl="Alle partijen zien naar boven afgeronde omvangen, tijden en berichtgroottes; uit tijden is de ware omvang te"
    " schatten.",
    en="All parties see rounded-up sizes, times and message sizes; from times the true sizes can be estimated.",
)
WHO_LEARNED_FAILED = Text(
    nl="Geen node met een verslag bewaarde een uitkomst. Wat een ontvanger vóór het afbreken al had ontvangen, kan hij"
    " hebben gezien. De partijen zagen van elkaar afgeronde omvangen en waar de run afbrak.",
    en="No node with a record kept a result. What a recipient had received before it broke off, it may have seen. The"
    " parties saw each other's rounded sizes, and where the run ended.",
)
SPARED_CAPTION = Text(
    nl="Rijen van anderen die één partij kan lezen of herleiden; hoe minder, hoe beter",
    en="Rows of others that one party can read or recover; the fewer the better",
)
SPARED_HEADERS = Text(
    nl="Werkwijze|Rijen, hoogste|Verschillende mensen|Bij wie", en="Way|Rows, most|Different people|At whom"
)
SPARED_ROWS_HEADERS = Text(nl="Werkwijze|Rijen, hoogste|Bij wie", en="Way|Rows, most|At whom")
SPARED_ROWS = Text(
    nl="Bij psi-match blijven {count} rijen van anderen ongelezen die bij de zuinigste andere werkwijze hieronder"
    " ({way}) één partij zou lezen.",
    en="With psi-match {count} rows of others stay unread that one party would read in the most sparing other way below"
    " ({way}).",
)
RESIDENTS_UNKNOWN = Text(
    nl="Bestanden per gemeente zouden minder prijsgeven; dat aantal is hier niet bekend.",
    en="Files per municipality would disclose less; that number is not known here.",
)
ONE_OR_TWO = Text(nl="1 of 2 per rij", en="1 or 2 per row")
COST = Text(
    nl="In deze run {wall} en {bytes} tussen {nodes} nodes, met {cpu} rekentijd. Er is geen gezamenlijke database. Wat"
    " mensen, beheer en beoordeling kosten, is niet gemeten.",
    en="In this run {wall} and {bytes} between {nodes} nodes, with {cpu} of processor time. There is no shared"
    " database. What people, hosting and assessment cost was not measured.",
)
NO_COST = Text(nl="Het dossier zegt niet wat de run kostte.", en="The dossier does not say what the run took.")
DANGERS = (
    Text(
        nl="Een partij die over haar invoer liegt of het protocol breekt, kan meer leren of de uitkomst bederven. De"
        " techniek houdt dat niet tegen en merkt het meestal niet. Afspraken en een beperkt aantal runs beperken hoe"
        " vaak het kan.",
        en="A party that lies about its input or breaks the protocol can learn more or spoil the result. The technique"
        " does not stop that and mostly does not notice. Agreements and few runs bound how often it can happen.",
    ),
    Text(
        nl="De regel kan mensen ten onrechte aanwijzen of missen; over echte mensen zegt een synthetische meting"
        " niets.",
        en="The rule may select people wrongly or miss them; a synthetic measurement says nothing of real people.",
    ),
)
DANGER_JOINT = Text(
    nl="Twee van de drie rekenpartijen ({compute}) die samenwerken, of één beheerder of leverancier bij twee van hen,"
    " zien alles wat er gerekend wordt{numbers}. Eén die het protocol breekt, kan de uitkomst onopgemerkt bederven, of"
    " rijen openen voor een ontvanger die meewerkt. Een leider die het protocol breekt en van zijn rijen de uitkomst"
    " leert, kan het bestand van een ander bijna geheel lezen.",
    en="Two of the three compute parties ({compute}) that work together, or one administrator or supplier at two of"
    " them, see all that is computed{numbers}. One that breaks the protocol can spoil the result, or open rows to a"
    " recipient that helps it, unnoticed. A leader that breaks the protocol and learns the outcome of its rows can read"
    " nearly all of another's set.",
)
DANGER_NUMBERS = Text(nl=", ook elk BSN van de leiders", en=", every BSN of the leaders too")
"""Where two compute parties together see BSNs: with a signal, or where a leader computes."""
DANGER_PAIRWISE = Text(
    nl="Wie de lijst van de vrager samenstelt, bepaalt over wie gevraagd wordt; grenzen op omvang en aantal runs"
    " beperken dat, maar sluiten het niet uit. Met engine kkrt, kkrt-buckets of vole kan een leider die het protocol"
    " breekt het hele bestand van de ander lezen, onopgemerkt.",
    en="Whoever makes up the asking body's list decides who is asked about; limits on size and number of runs bound"
    " that, but do not rule it out. With engine kkrt, kkrt-buckets or vole a leader that breaks the protocol can read"
    " the other's whole set, unnoticed.",
)
