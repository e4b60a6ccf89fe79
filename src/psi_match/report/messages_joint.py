"""Messages of a joint session: keys and seeds, the private join, computing on shares, orders, opening.

"Alone" matters in what follows: two of the three compute parties together see everything that the leaders put in and
what matches it. The disclosure table says so too.

Source:
    The sections *Reveals* of ``psi_match.protocols`` join, sharing, permutation and join_session; docs/protocols.
"""

from __future__ import annotations

from psi_match.report.messages_text import about

_TOGETHER_NL = " Twee rekenpartijen samen zouden het wel kunnen lezen."
_TOGETHER_EN = " Two compute parties together could read it."

JOINT = {
    "session-terms": about(
        ("vergelijking van de afspraken", "comparison of the terms"),
        (
            "De ontvanger ziet een vingerafdruk van sessienummer, plan, engine, rekenwijze en afgeronde"
            " omvang van de bestanden.",
            "The receiver sees a fingerprint of session number, plan, engine, adder and rounded sizes of the sets.",
        ),
        (
            "De ontvanger kent al die waarden al: de vingerafdruk zegt alleen of iedereen dezelfde heeft.",
            "The receiver knows all those values already: the fingerprint only says whether everyone has the same.",
        ),
    ),
    "pair-key": about(
        ("sleutel van een paar", "key of a pair"),
        (
            "Een rekenpartij ziet een verse sleutel die zij deelt met één andere rekenpartij.",
            "A compute party sees a fresh key that it shares with one other compute party.",
        ),
        (
            "De sleutel is willekeurig en hangt van geen enkel gegeven af.",
            "The key is random and depends on no data.",
        ),
    ),
    "input-keys": about(
        ("sleutels voor invoer", "keys for inputs"),
        (
            "Een rekenpartij ziet één of beide van de twee sleutels waaruit twee van de drie delen van een invoer"
            " volgen.",
            "A compute party sees one or both of the two keys from which two of the three shares of an input follow.",
        ),
        (
            "De sleutels zijn willekeurig; wie beide heeft, krijgt het derde deel niet." + _TOGETHER_NL,
            "The keys are random; who has both does not get the third share." + _TOGETHER_EN,
        ),
    ),
    "random-seeds": about(
        ("zaden van toeval", "seeds of chance"),
        (
            "Een rekenpartij ziet twee van de drie zaden van de willekeurige waarden die een gegevenspartij gebruikt.",
            "A compute party sees two of the three seeds of the random values that a data party uses.",
        ),
        (
            "Zaden zijn toeval en geen gegevens; de waarden zelf zijn zonder het derde zaad niet te maken."
            + _TOGETHER_NL,
            "Seeds are chance, not data; without the third the values themselves cannot be made." + _TOGETHER_EN,
        ),
    ),
    "join-store": about(
        ("gemaskeerde tabel", "masked table"),
        (
            "De leider ziet een tabel die bij elk vak van zijn eigen rijen een waarde geeft; of die echt is of"
            " willekeur, kan hij niet zien.",
            "The leader sees a table that gives a value at each slot of its own rows; whether that is real or random it"
            " cannot see.",
        ),
        (
            "Of een rij overeenkomt, blijkt pas uit een vergelijking op geheime delen, die de leider alleen niet kan"
            " maken. De tabel is zo groot als de afgeronde omvang; uit het tempo is de ware te schatten.",
            "Whether a row matches only follows from a comparison on secret shares, which the leader cannot make alone."
            " The table is as large as the rounded size; from the pace one can estimate the true one.",
        ),
        "sizes",
    ),
    "input-shares": about(
        ("geheime delen van invoer", "secret shares of an input"),
        (
            "Een rekenpartij ziet een geheim deel van wat een ander inbrengt; zij heeft er hooguit twee van de drie.",
            "A compute party sees a secret share of what another puts in; it has two of the three at most.",
        ),
        (
            "Twee van de drie delen zijn samen nog willekeur. Hoeveel het er zijn, volgt uit de afgeronde omvang."
            + _TOGETHER_NL,
            "Two of the three shares are still random. How many there are follows from the rounded size."
            + _TOGETHER_EN,
        ),
        "sizes",
    ),
    "and-level": about(
        ("tussenresultaten in delen", "intermediate results in shares"),
        (
            "Een rekenpartij ziet geheime delen van tussenresultaten, elk onder een masker dat zij niet kent.",
            "A compute party sees secret shares of intermediate results, each under a mask that it does not know.",
        ),
        (
            "Onder het masker is elk deel willekeur; hoeveel het er zijn, volgt uit de openbare regel en de afgeronde"
            " omvang." + _TOGETHER_NL,
            "Under the mask each share is random; how many there are follows from the public rule and the rounded size."
            + _TOGETHER_EN,
        ),
    ),
    "permutation-factor": about(
        ("helft van een volgorde", "half of an order"),
        (
            "Een rekenpartij ziet de ene helft van een nieuwe volgorde van de rijen.",
            "A compute party sees one half of a new order of the rows.",
        ),
        (
            "Zonder de andere helft, die zij niet krijgt, is die willekeur." + _TOGETHER_NL,
            "Without the other half, which it does not get, it is random." + _TOGETHER_EN,
        ),
    ),
    "permutation-first": about(
        ("gemaskeerde delen in nieuwe volgorde", "masked shares in a new order"),
        (
            "Een rekenpartij ziet delen van de rijen in een nieuwe volgorde, onder een masker.",
            "A compute party sees shares of the rows in a new order, under a mask.",
        ),
        (
            "Het masker is nieuw en haar onbekend: aan de delen is niets te zien, ook niet welke rij waar kwam."
            + _TOGETHER_NL,
            "The mask is new and unknown to it: the shares show nothing, not even which row went where." + _TOGETHER_EN,
        ),
    ),
    "permutation-second": about(
        ("gemaskeerd derde deel", "masked third share"),
        (
            "Een rekenpartij ziet het derde deel van de rijen, in de volgorde van de helft die zij niet kent, onder een"
            " masker.",
            "A compute party sees the third share of the rows, in the order of the half that it does not know, under a"
            " mask.",
        ),
        (
            "Het masker is nieuw en haar onbekend: aan de delen is niets te zien." + _TOGETHER_NL,
            "The mask is new and unknown to it: the shares show nothing." + _TOGETHER_EN,
        ),
    ),
    "permutation-third": about(
        ("opnieuw gemaskeerde delen", "shares masked anew"),
        (
            "De rekenpartij die de volgorde koos, ziet delen in die volgorde, onder een nieuw masker.",
            "The compute party that chose the order sees shares in that order, under a new mask.",
        ),
        (
            "Zij kent de volgorde al, en het masker kent zij niet: de delen zijn willekeur." + _TOGETHER_NL,
            "It knows the order already and does not know the mask: the shares are random." + _TOGETHER_EN,
        ),
    ),
    "ready": about(
        ("klaar om te openen", "ready to open"),
        (
            "Een rekenpartij ziet dat een andere alles heeft nagekeken en klaar is om de uitkomst te openen.",
            "A compute party sees that another has checked everything and is ready to open the outcome.",
        ),
        (
            "Het zegt alleen dat de controles slaagden.",
            "It only says that the checks passed.",
        ),
    ),
    "opened-shares": about(
        ("delen van de uitkomst", "shares of the outcome"),
        (
            "De ontvanger ziet delen van precies de afgesproken uitkomst en voegt die samen.",
            "The recipient sees shares of exactly the agreed outcome and puts them together.",
        ),
        (
            "Dit vertelt de ontvanger wél iets: de uitkomst uit het scenario, en dat is het doel. De delen zijn"
            " ververst, zodat er buiten die uitkomst niets aan te zien is; het aantal rijen is het openbare, niet het"
            " aantal gevonden mensen.",
            "This does tell the recipient something: the scenario's outcome, and that is the purpose. The shares are"
            " refreshed, so that nothing beside that outcome shows; the number of rows is the public one, not the"
            " number of people found.",
        ),
        "result",
    ),
}
