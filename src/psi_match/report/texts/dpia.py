"""The 17 paragraphs of the Model DPIA Rijksdienst v3.0: names, what a prototype can say, and who must say the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psi_match.scenario.model import Text

Status = Literal["partly", "not"]


@dataclass(frozen=True, slots=True)
class DpiaParagraph:
    """One paragraph of the model.

    Args:
        number: in the model.
        name: in the model, and in English.
        status: how far a prototype fills it. Never wholly: a DPIA is the controllers' own.
        says: what can be said whatever the run.
        gap: what is missing.
        who: who must fill that.
    """

    number: int
    name: Text
    status: Status
    says: tuple[Text, ...]
    gap: Text
    who: Text


_CONTROLLERS = Text(nl="de deelnemende organisaties samen", en="the participating bodies together")
_JURIST = Text(nl="een jurist van elke deelnemende organisatie, met de FG", en="a jurist of each body, with its DPO")

INTRODUCTION = Text(
    nl="Deze bijlage volgt nummers en namen van het model. Zij is gevuld uit het scenario, de overeenkomst, de"
    " verslagen van de nodes en de evaluatie. Het is geen DPIA: geen enkele paragraaf is af. Bij elke paragraaf staat"
    " wat ontbreekt en wie dat invult. Deel A omvat de paragrafen 1-10, B 11-15, C 16 en D 17 (die indeling is een"
    " aanname).",
    en="This annex follows numbers and names of the model. It is filled from scenario, agreement, records of the nodes"
    " and evaluation. It is no DPIA: no paragraph is complete. Each one says what is missing and who fills that. Part A"
    " covers paragraphs 1-10, B 11-15, C 16 and D 17 (that division is an assumption).",
)

PARAGRAPHS = (
    DpiaParagraph(
        1,
        Text(nl="Voorstel", en="Voorstel (proposal)"),
        "partly",
        (),
        Text(
            nl="Of, waar en hoe lang men dit in het echt wil doen, en het besluit daarover.",
            en="Whether, where and for how long this is wanted in earnest, and the decision on it.",
        ),
        Text(nl="het opdrachtgevende ministerie", en="the commissioning ministry"),
    ),
    DpiaParagraph(
        2,
        Text(nl="Persoonsgegevens", en="Persoonsgegevens (personal data)"),
        "partly",
        (
            Text(
                nl="Alle invoer, uitkomsten en geheime delen zijn persoonsgegevens.",
                en="All inputs, results and secret shares are personal data.",
            ),
        ),
        Text(
            nl="De herkomst en kwaliteit van de echte bronbestanden, en de gevoeligheid per kolom.",
            en="Origin and quality of the real source files, and how sensitive each column is.",
        ),
        Text(nl="elke gegevenspartij voor haar eigen bestand", en="each data party for its own file"),
    ),
    DpiaParagraph(
        3,
        Text(nl="Gegevensverwerking", en="Gegevensverwerking (processing)"),
        "partly",
        (
            Text(
                nl="Elke node leest zijn eigen bestand, past het eigen filter toe, laat weg wie zich heeft"
                " uitgezonderd, legt de invoer vast, vergelijkt versleuteld met de anderen, controleert dat elk paar"
                " hetzelfde zag, en levert alleen aan de ontvanger. Daarna wist hij op de afgesproken dagen. Hoofdstuk"
                " B telt elk bericht.",
                en="Each node reads its own file, applies its own filter, leaves out who opted out, commits to its"
                " input, compares under encryption, checks that each pair saw the same, and delivers to the recipient"
                " alone. After that it deletes on the agreed days. Chapter B counts each message.",
            ),
        ),
        Text(
            nl="Wat voor en na de run met de gegevens gebeurt: uitlevering uit bronsystemen, gebruik van de uitkomst.",
            en="What happens to the data before and after the run: extraction from source systems, use of the result.",
        ),
        _CONTROLLERS,
    ),
    DpiaParagraph(
        4,
        Text(nl="Technieken en methoden", en="Technieken en methoden (techniques and methods)"),
        "partly",
        (
            Text(
                nl="Het programma neemt geen besluit over een mens. Of de selectie profilering is (art. 4 AVG) en of"
                " art. 22 AVG speelt, moet een jurist beoordelen. Er wordt geen model getraind op gegevens; de regel is"
                " vast en staat in de ondertekende tekst.",
                en="The program takes no decision about a person. Whether the selection is profiling (art. 4 AVG/GDPR)"
                " and whether art. 22 applies, a jurist must judge. No model is trained on data; the rule is fixed and"
                " stands in the signed text.",
            ),
        ),
        Text(
            nl="Een beoordeling door deskundigen van buiten en de DPIA-vragen over algoritmen.",
            en="An assessment by outside experts, and the DPIA's questions on algorithms.",
        ),
        Text(nl="een externe cryptograaf en de CISO's", en="an outside cryptographer and the CISOs"),
    ),
    DpiaParagraph(
        5,
        Text(nl="Verwerkingsdoeleinden", en="Verwerkingsdoeleinden (purposes)"),
        "partly",
        (
            Text(
                nl="Eén doel per scenario. Het staat in de tekst die alle partijen ondertekenen en bindt elke sessie.",
                en="One purpose per scenario. It is part of the text that all parties sign, and bound into each"
                " session.",
            ),
        ),
        Text(
            nl="Of het doel voor elke partij welbepaald en gerechtvaardigd is.",
            en="Whether the purpose is specified and legitimate for each party.",
        ),
        _JURIST,
    ),
    DpiaParagraph(
        6,
        Text(nl="Betrokken partijen", en="Betrokken partijen (parties involved)"),
        "partly",
        (),
        Text(
            nl="Wie (gezamenlijk) verwerkingsverantwoordelijke is en wie verwerker, ook voor wie alleen meerekent; de"
            " onderlinge regeling.",
            en="Who is a (joint) controller and who a processor, also for those who only compute; the arrangement"
            " between them.",
        ),
        _JURIST,
    ),
    DpiaParagraph(
        7,
        Text(nl="Belangen", en="Belangen (interests)"),
        "partly",
        (
            Text(
                nl="Betrokkenen hebben belang bij hulp of bij wat hun toekomt, en bij rust: niet onnodig vergeleken of"
                " benaderd worden. Organisaties hebben belang bij hun taak en bij geheimhouding van de rest van hun"
                " bestand.",
                en="People have an interest in help or in what is due to them, and in being left in peace: not being"
                " matched or approached without need. Bodies have one in their task and in keeping the rest of their"
                " files to themselves.",
            ),
        ),
        Text(
            nl="Raadpleging van betrokkenen of hun vertegenwoordigers (art. 35 lid 9 AVG). Die heeft niet"
            " plaatsgevonden.",
            en="Consulting people or those who represent them (art. 35(9) AVG/GDPR). That has not taken place.",
        ),
        _CONTROLLERS,
    ),
    DpiaParagraph(
        8,
        Text(nl="Verwerkingslocaties", en="Verwerkingslocaties (places)"),
        "partly",
        (
            Text(
                nl="De opzet is een node bij elke organisatie zelf, zonder centrale opslag en zonder doorgifte buiten"
                " de partijen. Waar de nodes van deze run stonden, weet het verslag niet.",
                en="The design is a node at each body itself, without central storage and without transfer beyond the"
                " parties. Where the nodes of this run stood, the record does not know.",
            ),
        ),
        Text(
            nl="De werkelijke locaties, leveranciers en beheerders per node.",
            en="The real places, suppliers and administrators per node.",
        ),
        Text(nl="elke organisatie voor haar node", en="each body for its node"),
    ),
    DpiaParagraph(
        9,
        Text(nl="Juridisch en beleidsmatig kader", en="Juridisch en beleidsmatig kader (law and policy)"),
        "partly",
        (),
        Text(
            nl="De juridische beoordeling zelf. De tabel noemt vragen, geen conclusies.",
            en="The legal assessment itself. The table names questions, not conclusions.",
        ),
        _JURIST,
    ),
    DpiaParagraph(
        10,
        Text(nl="Bewaartermijnen", en="Bewaartermijnen (retention)"),
        "partly",
        (
            Text(
                nl="Sleutels van een run bestaan alleen in het geheugen (behalve in swap of een core dump). De node"
                " wist uitkomst, wat de vastlegging opent, en verslag op de dagen hieronder. Tijdlijnen gaan weg met"
                " het verslag; dossier en dit rapport wist geen node. Het logboek blijft; het noemt medewerkers, geen"
                " BSN's.",
                en="Keys of a run exist in memory only (but for swap or a core dump). The node deletes the result, what"
                " opens the commitment, and the record on the days below. Timelines go with the record; no node deletes"
                " the dossier or this report. The log stays; it names staff, no BSNs.",
            ),
        ),
        Text(
            nl="Termijnen die de selectielijsten en het doel verlangen; wat met opgehaalde uitkomsten gebeurt.",
            en="Terms that records law and purpose ask for; what happens to results that were fetched.",
        ),
        _CONTROLLERS,
    ),
    DpiaParagraph(
        11,
        Text(nl="Rechtsgrond", en="Rechtsgrond (legal basis)"),
        "not",
        (),
        Text(
            nl="De rechtsgrond (art. 6 AVG) per partij en per verwerking. Daarover gaat het gevraagde besluit.",
            en="The legal basis (art. 6 AVG/GDPR) per party and processing. That is what the decision asked is about.",
        ),
        _JURIST,
    ),
    DpiaParagraph(
        12,
        Text(
            nl="Bijzondere, strafrechtelijke gegevens en nationale id-nummers",
            en="Bijzondere, strafrechtelijke gegevens en nationale id-nummers (special and criminal data, national"
            " ids)",
        ),
        "partly",
        (
            Text(
                nl="Het BSN is een nationaal identificatienummer (art. 46 UAVG); het is de sleutel van de"
                " vergelijking.",
                en="The BSN is a national identification number (art. 46 UAVG); it is the key of the matching.",
            ),
        ),
        Text(
            nl="Of lid zijn van een bestand hier bijzonder of strafrechtelijk is, en welke uitzondering dan geldt.",
            en="Whether being in a set is special or criminal data here, and which exception then applies.",
        ),
        _JURIST,
    ),
    DpiaParagraph(
        13,
        Text(nl="Doelbinding", en="Doelbinding (purpose limitation)"),
        "partly",
        (
            Text(
                nl="Technisch: een run vergt een door allen ondertekende overeenkomst over precies deze tekst, en een"
                " eigen beleid van elke node dat haar noemt. Wat niet genoemd is, wordt geweigerd.",
                en="Technically: a run needs an agreement on exactly this text that all signed, and a policy of each"
                " node that names it. What is not named is refused.",
            ),
        ),
        Text(
            nl="Of verdere verwerking verenigbaar is met het doel van verzamelen (art. 6 lid 4 AVG), per bestand.",
            en="Whether further processing is compatible with why data were collected (art. 6(4) AVG/GDPR), per file.",
        ),
        _JURIST,
    ),
    DpiaParagraph(
        14,
        Text(nl="Noodzaak en evenredigheid", en="Noodzaak en evenredigheid (necessity and proportionality)"),
        "partly",
        (
            Text(
                nl="Hoofdstuk C telt over hoeveel rijen elke werkwijze iets leesbaars geeft, hoofdstuk D hoe raak de"
                " regel is op synthetische mensen, hoofdstuk E wat er aan minder ingrijpende middelen is.",
                en="Chapter C counts about how many rows each way gives something readable, chapter D how well the rule"
                " hits on synthetic people, chapter E which less intrusive means there are.",
            ),
        ),
        Text(
            nl="De weging: of dit doel deze verwerking waard is.", en="The weighing: whether this purpose is worth it."
        ),
        _JURIST,
    ),
    DpiaParagraph(
        15,
        Text(nl="Rechten van betrokkenen", en="Rechten van betrokkenen (rights of people)"),
        "partly",
        (
            Text(
                nl="Wie zich vooraf uitzondert bij een partij met een bestand, blijft buiten de uitkomst; uit één"
                " uitkomst blijkt niet waarom iemand ontbreekt. Een gezamenlijk register noemt hen aan elke partij, en"
                " twee runs kunnen laten zien wie verdween. Na een signaal kan een partij bericht geven van bezwaar of"
                " correctie.",
                en="Whoever opts out beforehand at a party with a set stays out of the result; one result does not tell"
                " why someone is missing. A joint register names them to every party, and two runs can show who"
                " vanished. After a signal a party can give notice of an objection or correction.",
            ),
        ),
        Text(
            nl="Informeren, inzage en bezwaar bij wie? Eén gezamenlijk register van uitzonderingen en wie dat beheert.",
            en="Informing, access and objection: where? One joint register of opt-outs, and who keeps it.",
        ),
        _CONTROLLERS,
    ),
    DpiaParagraph(
        16,
        Text(nl="Risico's", en="Risico's (risks)"),
        "partly",
        (
            Text(
                nl="Kans en gevolg zijn een voorstel van de makers, met de maatregelen van paragraaf 17 erbij gedacht.",
                en="Chance and impact are a proposal of the makers, with the measures of paragraph 17 in place.",
            ),
        ),
        Text(
            nl="Het eigen oordeel over kans en gevolg, en risico's buiten de techniek.",
            en="An own judgment of chance and impact, and risks beyond the technique.",
        ),
        Text(nl="de FG's met de verwerkingsverantwoordelijken", en="the DPOs with the controllers"),
    ),
    DpiaParagraph(
        17,
        Text(nl="Maatregelen", en="Maatregelen (measures)"),
        "partly",
        (),
        Text(
            nl="Organisatorische maatregelen, aanvaarding van restrisico's, en of voorafgaande raadpleging van de AP"
            " (art. 36 AVG) nodig is.",
            en="Organisational measures, acceptance of residual risks, and whether prior consultation of the AP (art."
            " 36 AVG/GDPR) is needed.",
        ),
        Text(
            nl="de bestuurders van de deelnemende organisaties, na advies van de FG",
            en="those who govern the participating bodies, after advice of the DPO",
        ),
    ),
)
