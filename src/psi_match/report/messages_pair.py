"""Messages by which a session begins and ends, and those of a two-party intersection.

Source:
    The sections *Reveals* of ``psi_match.protocols`` session_id, base_ot, oprf, psi and ecdh_psi; docs/protocols.
"""

from __future__ import annotations

from psi_match.report.messages_text import about

_DRAWN = (
    "Het is willekeurig gekozen, los van elk gegeven; uit het sessienummer dat eruit volgt, volgen alleen openbare"
    " waarden.",
    "It was drawn at random, apart from any data; only public values follow from the session number it leads to.",
)

PAIR = {
    "session-commitment": about(
        ("toezegging van toeval", "commitment to chance"),
        (
            "De leider of coördinator ziet een vingerafdruk van een willekeurig getal dat de ander later laat zien.",
            "The leader or coordinator sees a fingerprint of a random number that the other will show later.",
        ),
        _DRAWN,
    ),
    "session-commitments": about(
        ("alle toezeggingen", "all commitments"),
        (
            "Elke partij ziet de vingerafdrukken van ieders willekeurige getal.",
            "Each party sees the fingerprints of everyone's random number.",
        ),
        _DRAWN,
    ),
    "session-opening": about(
        ("toeval geopend", "chance opened"),
        (
            "De leider of coördinator ziet het willekeurige getal waarvan de ander de vingerafdruk gaf.",
            "The leader or coordinator sees the random number whose fingerprint the other gave.",
        ),
        _DRAWN,
    ),
    "session-openings": about(
        ("alle toeval geopend", "all chance opened"),
        (
            "Elke partij ziet de willekeurige getallen van alle partijen; samen geven die het sessienummer.",
            "Each party sees the random numbers of all parties; together they make the session number.",
        ),
        _DRAWN,
    ),
    "transcript": about(
        ("vergelijking van het verloop", "comparison of the transcript"),
        (
            "De ontvanger ziet een vingerafdruk van alle berichten die tussen deze twee partijen heen en weer gingen.",
            "The receiver sees a fingerprint of all messages that went between these two parties.",
        ),
        (
            "De ontvanger kent die berichten al: de vingerafdruk zegt alleen of beide hetzelfde zagen.",
            "The receiver knows those messages already: the fingerprint only says whether both saw the same.",
        ),
    ),
    "base-ot-sender": about(
        ("sleuteluitwisseling, van de leider", "key exchange, from the leader"),
        (
            "De gegevenspartij ziet punten op een kromme: de helft van een uitwisseling van verse sleutels.",
            "The data party sees points on a curve: half of an exchange of fresh keys.",
        ),
        (
            "De punten zijn voor elke match opnieuw getrokken en hangen van geen enkele rij af.",
            "The points are drawn anew for each match and depend on no row.",
        ),
    ),
    "base-ot-receiver": about(
        ("sleuteluitwisseling, naar de leider", "key exchange, to the leader"),
        (
            "De leider ziet paren punten op een kromme; welke van elke twee de ander koos, is er niet aan te zien.",
            "The leader sees pairs of points on a curve; which of each two the other chose does not show.",
        ),
        (
            "Beide punten zien er altijd even willekeurig uit, en de keuzes zelf zijn toeval en geen gegevens.",
            "Both points always look equally random, and the choices themselves are chance, not data.",
        ),
    ),
    "oprf-rows": about(
        ("gemaskeerde rijen", "masked rows"),
        (
            "De gegevenspartij ziet een vast aantal rijen van de leider onder een masker, aangevuld met willekeurige"
            " rijen.",
            "The data party sees a fixed number of the leader's rows under a mask, filled up with random rows.",
        ),
        (
            "Zonder de sleutel van het masker, die zij niet heeft, is elke rij willekeur. Het aantal volgt uit de"
            " afgeronde omvang; uit het tempo is de ware omvang te schatten.",
            "Without the mask's key, which it does not have, each row is random. Their number follows from the rounded"
            " size; from the pace one can estimate the true size.",
        ),
        "sizes",
    ),
    "psi-values": about(
        ("afgekapte waarden", "cut values"),
        (
            "De leider ziet geschudde lijsten met waarden en herkent daarin alleen die van eigen rijen die de ander ook"
            " heeft; de rest is willekeur en opvulling.",
            "The leader sees shuffled lists of values and recognises in them only those of its own rows that the other"
            " has too; the rest is random and filling.",
        ),
        (
            "Dit vertelt de leider wél iets: welke eigen rijen de ander heeft en welke niet, en dat is het doel. Van"
            " andere mensen kan hij geen waarde maken zolang hij het protocol volgt. De lijsten zijn zo lang als de"
            " afgeronde omvang.",
            "This does tell the leader something: which of its own rows the other has and which it has not, and that is"
            " the purpose. It can make no value of other people while it follows the protocol. The lists are as long as"
            " the rounded size.",
        ),
        "result",
    ),
    "ecdh-request": about(
        ("versleutelde rijen van de leider", "the leader's encrypted rows"),
        (
            "De gegevenspartij ziet de rijen van de leider versleuteld met een sleutel die alleen de leider heeft,"
            " aangevuld tot de afgeronde omvang.",
            "The data party sees the leader's rows encrypted under a key that only the leader has, filled up to the"
            " rounded size.",
        ),
        (
            "Zonder die sleutel is niet na te gaan om wie het gaat. De omvang is afgerond; uit het tempo is de ware te"
            " schatten.",
            "Without that key nobody can find out whom they are about. The size is rounded; from the pace one can"
            " estimate the true one.",
        ),
        "sizes",
    ),
    "ecdh-setup": about(
        ("versleuteld bestand", "encrypted set"),
        (
            "De leider ziet het bestand van de ander, geschud, versleuteld met diens sleutel en aangevuld tot de"
            " afgeronde omvang.",
            "The leader sees the other's set, shuffled, encrypted under the other's key and filled up to the rounded"
            " size.",
        ),
        (
            "De leider kan er alleen eigen rijen in herkennen waarvoor de ander ook antwoord geeft: dat is de uitkomst"
            " die hij mag kennen.",
            "The leader can recognise in it only own rows for which the other also answers: that is the outcome it is"
            " to have.",
        ),
        "result",
    ),
    "ecdh-response": about(
        ("antwoord op de rijen van de leider", "answer to the leader's rows"),
        (
            "De leider ziet zijn eigen rijen terug, nu ook versleuteld door de ander.",
            "The leader sees its own rows again, now encrypted by the other as well.",
        ),
        (
            "Dit vertelt de leider wél iets: samen met het versleutelde bestand welke eigen rijen de ander heeft, en"
            " dat is het doel. Over mensen buiten de eigen rijen zegt het niets.",
            "This does tell the leader something: with the encrypted set, which of its own rows the other has, and that"
            " is the purpose. It says nothing about people beyond its own rows.",
        ),
        "result",
    ),
    "vole-products": about(
        ("verse sleutels vermenigvuldigd", "fresh keys multiplied"),
        (
            "De gegevenspartij ziet willekeurige getallen van de leider onder een masker.",
            "The data party sees random numbers of the leader under a mask.",
        ),
        (
            "De getallen zijn toeval en geen gegevens; van de twee maskers kent zij er maar één.",
            "The numbers are chance, not data; of the two masks it knows only one.",
        ),
    ),
    "ot-extension": about(
        ("keuzes, gemaskeerd", "choices, masked"),
        (
            "De gegevenspartij ziet willekeurige keuzes van de leider onder een masker.",
            "The data party sees random choices of the leader under a mask.",
        ),
        (
            "Welke keuzes gemaakt zijn, is toeval; de helft van het masker die nodig is om ze te zien, heeft zij niet.",
            "Which choices were made is chance; it lacks the half of the mask that would show them.",
        ),
    ),
    "vole-levels": about(
        ("sommen van verse sleutels", "sums of fresh keys"),
        (
            "De leider ziet sommen van sleutels en kan er per paar één van openen.",
            "The leader sees sums of keys and can open one of each pair.",
        ),
        (
            "Deze sleutels zijn voor elke match opnieuw getrokken en hangen van geen enkele rij af.",
            "These keys are drawn anew for each match and depend on no row.",
        ),
    ),
    "vole-blocks": about(
        ("som per blok", "sum per block"),
        (
            "De leider ziet per blok één som, gemaskeerd.",
            "The leader sees one masked sum per block.",
        ),
        (
            "Ook deze sommen hangen van geen enkele rij af. Wat er in de som ontbreekt, verbergt het getal waarmee de"
            " gegevenspartij haar bestand afschermt.",
            "These sums depend on no row either. What is missing in the sum hides the number with which the data party"
            " shields its set.",
        ),
    ),
    "vole-store": about(
        ("tabel onder een masker", "table under a mask"),
        (
            "De gegevenspartij ziet een tabel waarin de rijen van de leider zijn verwerkt, onder een masker. De omvang"
            " volgt uit de afgeronde omvang.",
            "The data party sees a table into which the leader's rows are worked, under a mask. Its size follows from"
            " the rounded size.",
        ),
        (
            "Het masker ziet er willekeurig uit zolang leren met ruis (LPN) moeilijk is. Wie die aanname kan breken,"
            " ook later, vindt hierin het hele bestand van de leider. Uit het tempo is de ware omvang te schatten.",
            "The mask looks random as long as learning parity with noise (LPN) is hard. Whoever can break that"
            " assumption, also later, finds the leader's whole set in it. From the pace one can estimate the true"
            " size.",
        ),
        "sizes",
    ),
    "vole-items": about(
        ("rijen onder een masker", "rows under a mask"),
        (
            "De gegevenspartij ziet per vak van de tabel van de leider een waarde onder een masker, ook waar een vak"
            " leeg is.",
            "The data party sees a masked value per slot of the leader's table, also where a slot is empty.",
        ),
        (
            "Het masker ziet er willekeurig uit zolang leren met ruis (LPN) moeilijk is. Wie die aanname kan breken,"
            " ook later, vindt hierin het hele bestand van de leider. Hoeveel het er zijn, volgt uit de afgeronde"
            " omvang; uit het tempo is de ware te schatten.",
            "The mask looks random as long as learning parity with noise (LPN) is hard. Whoever can break that"
            " assumption, also later, finds the leader's whole set in it. How many there are follows from the rounded"
            " size; from the pace one can estimate the true one.",
        ),
        "sizes",
    ),
}
