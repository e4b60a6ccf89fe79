"""Risks, what stops each and what remains. A draft for whoever makes the DPIA; the scores are proposals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psi_match.scenario.model import Text

Level = Literal["low", "middle", "high"]
LEVELS: dict[Level, Text] = {
    "low": Text(nl="laag", en="low"),
    "middle": Text(nl="midden", en="medium"),
    "high": Text(nl="hoog", en="high"),
}


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk for the people whom the data are about.

    Args:
        id: R1 and on.
        what: what could happen.
        stops: what stops or bounds it in the prototype.
        remains: what is left after that.
        chance: proposal, with what stops it in place.
        impact: proposal.
        only: ``joint`` or ``pairwise`` if it is one of such scenarios alone.
    """

    id: str
    what: Text
    stops: Text
    remains: Text
    chance: Level
    impact: Level
    only: Literal["joint", "pairwise", ""] = ""


RISKS = (
    Risk(
        "R1",
        Text(
            nl="Een partij brengt mensen in die zij niet kent, of liegt over bedragen.",
            en="A party puts in people whom it does not know, or lies about amounts.",
        ),
        Text(
            nl="Grenzen op omvang en aandeel van de bevolking bij beide kanten; vastlegging van de invoer in het"
            " logboek.",
            en="Limits on size and share of the population at both ends; a commitment to the input in the log.",
        ),
        Text(
            nl="Binnen een toegestane run kiest een partij haar eigen rijen. Alleen toezicht en steekproeven vinden"
            " dat.",
            en="Within a permitted run a party chooses its own rows. Only supervision and samples find that.",
        ),
        "middle",
        "high",
    ),
    Risk(
        "R2",
        Text(
            nl="Een partij wijzigt haar programma en breekt het protocol.",
            en="A party changes its program and breaks the protocol.",
        ),
        Text(
            nl="Niets in de cryptografie: zij houdt het niet tegen en merkt het niet. Overeenkomst en een beperkt"
            " aantal runs beperken hoe vaak het kan.",
            en="Nothing in the cryptography: it does not stop it and does not notice. An agreement and few runs bound"
            " how often it can happen.",
        ),
        Text(
            nl="In paarsgewijze runs met een eigen engine (kkrt, kkrt-buckets, vole) kan een leider van wie zo'n dertig"
            " eigen rijen in het andere bestand staan (met vole acht of minder; hij hoeft niet te weten welke), dat"
            " hele bestand lezen; hetzelfde kan tegen de lijst van wie berichten geeft. In gezamenlijke runs kan een"
            " leider met een uitkomst per eigen rij lege vakken als rij merken en zo meer nummers toetsen dan hij"
            " inbrengt; staan er enkele honderden van zijn mensen in een ander bestand (met vole zo'n honderd), dan kan"
            " hij dat bijna geheel lezen als het niet veel kleiner is dan het zijne, en hoe hun kolommen verschillen."
            " Een ontvanger die het hem vertelt, telt als zo'n uitkomst. Een rekenpartij kan uitkomsten bederven of"
            " openen. Niet opgemerkt.",
            en="In pairwise runs with an own engine (kkrt, kkrt-buckets, vole) a leader of whose own rows some thirty"
            " are in the other set (with vole eight or fewer; it need not know which) can read that whole set; the same"
            " goes against the list of whoever gives notices. In joint runs a leader with an output per own row can"
            " mark empty bins as rows and so test more numbers than it puts in; if some hundreds of its people are in"
            " another set (with vole about a hundred), it can read nearly all of it where that is not much smaller than"
            " its own, and how their columns differ. A recipient that tells it counts as such an output. A compute"
            " party can spoil or open results. Not detected.",
        ),
        "low",
        "high",
    ),
    Risk(
        "R3",
        Text(nl="Twee van de drie rekenpartijen werken samen.", en="Two of the three compute parties work together."),
        Text(
            nl="Niets technisch: de keuze van de drie, en de afspraak dat zij hun waarnemingen niet delen.",
            en="Nothing technical: the choice of the three, and the agreement not to share what they see.",
        ),
        Text(
            nl="Zij zien dan alles wat gerekend wordt. Eén van hen zonder eigen gegevens kiezen helpt. Twee nodes onder"
            " één beheerder, leverancier of ministerie tellen als samenwerkend, tot het tegendeel is aangetoond.",
            en="They then see all that is computed. Choosing one without data of its own helps. Two nodes under one"
            " administrator, supplier or ministry count as working together until shown otherwise.",
        ),
        "middle",
        "high",
        "joint",
    ),
    Risk(
        "R4",
        Text(
            nl="Herhaalde runs verraden een verschil: wie er bijkwam of wegviel.",
            en="Repeated runs give a difference away: who came or went.",
        ),
        Text(
            nl="Het aantal runs per momentopname van de gegevens en per periode wordt geteld, over alle"
            " overeenkomsten.",
            en="Runs per snapshot of the data and per period are counted, over all agreements.",
        ),
        Text(
            nl="Elke nieuwe uitlevering is een nieuwe momentopname. Hoe vaak is een afspraak van mensen.",
            en="Each new extract is a new snapshot. How often is for people to agree.",
        ),
        "middle",
        "middle",
    ),
    Risk(
        "R5",
        Text(
            nl="Tijden, berichtgroottes en afgeronde omvangen verraden iets over een bestand.",
            en="Times, message sizes and rounded sizes tell something about a set.",
        ),
        Text(
            nl="Berichtgroottes hangen alleen van afgeronde omvangen af; die zijn ten minste 256.",
            en="Message sizes depend on rounded sizes only; these are 256 at least.",
        ),
        Text(
            nl="Uit de duur is de ware omvang te schatten. Het netwerk ziet wie met wie een run doet.",
            en="From the time it takes the true size can be estimated. The network sees who runs with whom.",
        ),
        "high",
        "low",
    ),
    Risk(
        "R6",
        Text(
            nl="De uitkomst wordt voor iets anders gebruikt, of blijft te lang liggen.",
            en="The result is used for something else, or stays too long.",
        ),
        Text(
            nl="Het doel staat in het scenario en is medeondertekend; de node wist de uitkomst op de afgesproken dag.",
            en="The purpose is in the scenario and signed by all; the node deletes the result on the agreed day.",
        ),
        Text(
            nl="Wat een medewerker heeft opgehaald, kan geen node wissen of volgen.",
            en="What a member of staff has fetched no node can delete or follow.",
        ),
        "middle",
        "high",
    ),
    Risk(
        "R7",
        Text(nl="Mensen worden ten onrechte aangewezen, of gemist.", en="People are selected wrongly, or missed."),
        Text(
            nl="Menselijke controle voor elke stap; de uitkomst is een vermoeden en geen besluit.",
            en="A human check before each step; the result is a presumption and no decision.",
        ),
        Text(
            nl="Verouderde of foute brongegevens. Hoe vaak, is op echte gegevens nooit gemeten.",
            en="Outdated or wrong source data. How often was never measured on real data.",
        ),
        "high",
        "middle",
    ),
    Risk(
        "R8",
        Text(
            nl="Mensen weten niet dat zij vergeleken zijn, of kunnen zich niet verzetten.",
            en="People do not know that they were matched, or cannot object.",
        ),
        Text(
            nl="Uitzonderingslijst vooraf; bericht van bezwaar achteraf. Een bericht verraadt dat de gever de persoon"
            " kende.",
            en="A list of opt-outs beforehand; notice of an objection afterwards. A notice tells that its giver knew"
            " the person.",
        ),
        Text(
            nl="Informeren is een taak van de organisaties; het prototype doet dat niet.",
            en="Informing is a duty of the bodies; the prototype does not do it.",
        ),
        "middle",
        "middle",
    ),
    Risk(
        "R9",
        Text(
            nl="Een sleutel of beheerder van een node is niet te vertrouwen.",
            en="A key or an administrator of a node is not to be trusted.",
        ),
        Text(
            nl="Certificaten met rollen, intrekking zonder herstart, ondertekend logboek, sleutel desgewenst in een"
            " beveiligde module.",
            en="Certificates with roles, revocation without restart, a signed log, a key in a secure module if wanted.",
        ),
        Text(
            nl="Wie beheerder is van een node, kan alles van die ene organisatie zien. Bij een rekenpartij is dat de"
            " helft van R3: dan is er nog één andere nodig.",
            en="Whoever administers a node can see everything of that one body. At a compute party that is half of R3:"
            " one other is then enough.",
        ),
        "low",
        "high",
    ),
    Risk(
        "R10",
        Text(
            nl="De software heeft een fout; niemand van buiten heeft haar beoordeeld.",
            en="The software has a defect; nobody from outside has assessed it.",
        ),
        Text(
            nl="In de testreeks worden uitkomsten op synthetische gegevens met een berekening in gewone tabellen"
            " vergeleken; tegen een deel van de aanvallen is er een test.",
            en="The test suite compares results on synthetic data with a computation in plain tables; for some of the"
            " attacks there is a test.",
        ),
        Text(
            nl="Geen externe beoordeling, geen certificering, geen formeel bewijs van de code.",
            en="No outside audit, no certification, no formal proof of the code.",
        ),
        "middle",
        "high",
    ),
)


def of(*, joint: bool) -> list[Risk]:
    """Return the risks of joint or of pairwise scenarios."""
    other = "pairwise" if joint else "joint"
    return [risk for risk in RISKS if risk.only != other]


INTRODUCTION = Text(
    nl="Alle uitspraken in dit rapport gelden onder de aannames hieronder. Per risico staat wat het tegenhoudt en wat"
    " daarna overblijft.",
    en="Everything this report claims holds under the assumptions below. Per risk it says what stops it and what"
    " remains.",
)
ASSUMPTIONS = Text(nl="Aannames van het scenario.", en="Assumptions of the scenario.")
LIMITS = Text(nl="Grenzen van de regel.", en="Limits of the rule.")
COLLUSION = Text(nl="Als partijen samenspannen.", en="If parties collude.")
PAIRWISE_COLLUSION = Text(
    nl="Leider en gegevenspartij hebben samen alles van beide: er is geen derde. Over de bestanden van andere"
    " gegevenspartijen leren zij niets dan wat de uitkomst van de leider zegt.",
    en="Leader and data party together have everything of both: there is no third party. About the sets of other data"
    " parties they learn nothing but what the leader's result says.",
)
HEADERS = Text(
    nl="Nr.|Wat kan er gebeuren|Wat het tegenhoudt|Wat overblijft", en="No.|What can happen|What stops it|What remains"
)
CAPTION = Text(nl="Risico's, tegenmaatregelen en wat overblijft", en="Risks, what stops them and what remains")
SCORE_HEADERS = Text(
    nl="Nr.|Risico voor betrokkenen|Kans (voorstel)|Gevolg (voorstel)",
    en="No.|Risk for the people|Chance (proposal)|Impact (proposal)",
)
SCORE_CAPTION = Text(
    nl="Voorstel voor kans en gevolg, te beoordelen door de FG",
    en="Proposal for chance and impact, for the DPO to judge",
)
MEASURE_HEADERS = Text(nl="Risico|Maatregel|Restrisico", en="Risk|Measure|Residual risk")
MEASURE_CAPTION = Text(nl="Maatregelen en restrisico's", en="Measures and residual risks")
