"""Control messages of a session: who proposes what, sizes, signs of life, endings.

Source:
    proto/psi_match/wire/v1/peer.proto, docs/protocols/session.md and joint-session.md.
"""

from __future__ import annotations

from psi_match.report.messages_text import about

CONTROL = {
    "hello": about(
        ("voorstel voor een match", "proposal of a match"),
        (
            "De gegevenspartij ziet welke match de leider voorstelt: het scenario, de overeenkomst, wie er meedoen, de"
            " naar boven afgeronde omvang van het bestand van de leider, en hoe ver diens logboek is, ondertekend.",
            "The data party sees which match the leader proposes: the scenario, the agreement, who takes part, the"
            " rounded-up size of the leader's set, and how far the leader's log has come, signed.",
        ),
        (
            "Er staat geen gegeven van een mens in. Het vertelt wel dát deze match loopt, ongeveer hoe groot het"
            " bestand is en hoeveel regels het logboek telt; gaat de match over bezwaren, dan ook bij welke eerdere"
            " match.",
            "It holds no data of any person. It does tell that this match takes place, roughly how large the set is,"
            " and how many lines the log has; if the match is about objections, also of which earlier match.",
        ),
        "sizes",
    ),
    "proposal": about(
        ("voorstel voor een gezamenlijke match", "proposal of a joint match"),
        (
            "Elke partij ziet welke gezamenlijke match de coördinator voorstelt: het scenario, de overeenkomst, wie er"
            " meedoen, hoe er wordt opgeteld, en hoe ver het logboek van de coördinator is, ondertekend.",
            "Each party sees which joint match the coordinator proposes: the scenario, the agreement, who takes part,"
            " how sums are carried, and how far the coordinator's log has come, signed.",
        ),
        (
            "Er staat geen gegeven van een mens in, ook geen omvang. Het vertelt wel dát deze match loopt en hoeveel"
            " regels het logboek telt.",
            "It holds no data of any person, nor any size. It does tell that this match takes place and how many lines"
            " the log has.",
        ),
        "sizes",
    ),
    "acceptance": about(
        ("instemming", "acceptance"),
        (
            "De leider of coördinator ziet dat de andere partij meedoet en haar bestand heeft vastgelegd, de naar boven"
            " afgeronde omvang ervan, en hoe ver haar logboek is, ondertekend.",
            "The leader or coordinator sees that the other party takes part and has fixed its set, the rounded-up size"
            " of that set, and how far the party's log has come, signed.",
        ),
        (
            "Er staat geen gegeven van een mens in. De omvang is afgerond; hoe lang het antwoord op zich laat wachten,"
            " hangt mede af van de ware omvang.",
            "It holds no data of any person. The size is rounded; how long the answer takes depends in part on the true"
            " size.",
        ),
        "sizes",
    ),
    "countersigned": about(
        ("tegentekening", "countersignature"),
        (
            "De ontvanger ziet de handtekening van de ander onder de stand van zijn eigen logboek.",
            "The receiver sees the other's signature under the state of the receiver's own log.",
        ),
        (
            "De handtekening gaat alleen over het logboek, en daarin staat geen BSN.",
            "The signature is about the log only, and that holds no BSN.",
        ),
    ),
    "sizes": about(
        ("omvang van alle bestanden", "sizes of all sets"),
        (
            "Elke partij ziet de naar boven afgeronde omvang van alle bestanden in de match, en hoe ver ieders logboek"
            " is.",
            "Each party sees the rounded-up sizes of all sets in the match, and how far everyone's log has come.",
        ),
        (
            "Er staat geen gegeven van een mens in. Het vertelt wel ongeveer hoeveel rijen elke partij inbrengt.",
            "It holds no data of any person. It does tell roughly how many rows each party puts in.",
        ),
        "sizes",
    ),
    "attachment": about(
        ("aansluiting", "attachment"),
        (
            "De ontvanger ziet bij welke lopende match de verbinding hoort: het toevallige nummer van de match.",
            "The receiver sees to which match under way the connection belongs: the match's random number.",
        ),
        (
            "Het nummer is willekeurig gekozen, los van elk gegeven.",
            "The number was drawn at random, apart from any data.",
        ),
    ),
    "heartbeat": about(
        ("teken van leven", "sign of life"),
        (
            "De ontvanger ziet dat de ander bezig is, in welke stap, en hoeveel berichten er zijn gedaan en nog komen.",
            "The receiver sees that the other is at work, in which step, and how many messages are done and still to"
            " come.",
        ),
        (
            "Er staat geen gegeven van een mens in; aantallen volgen uit de afgeronde omvang. Uit het tempo is wel te"
            " schatten hoeveel rijen de ander werkelijk heeft.",
            "It holds no data of any person; the numbers follow from rounded sizes. From the pace one can estimate how"
            " many rows the other really has.",
        ),
        "sizes",
    ),
    "abort": about(
        ("afbreking", "abort"),
        (
            "De ontvanger ziet dat de ander stopt, in welke stap, en een van negen vaste redenen; bij een weigering ook"
            " een zin over de regel die haar verbiedt.",
            "The receiver sees that the other stops, in which step, and one of nine fixed reasons; for a refusal also a"
            " sentence about the rule that forbids it.",
        ),
        (
            "De zin bevat nooit een gegeven van een mens. Het vertelt wel dát en waarom de match stopt, bijvoorbeeld"
            " dat het bestand van de ander niet bruikbaar is.",
            "The sentence never holds data of a person. It does tell that and why the match stops, for instance that"
            " the other's dataset is not usable.",
        ),
        "sizes",
    ),
    "done": about(
        ("klaar", "done"),
        (
            "De coördinator ziet dat deze partij haar deel heeft afgerond.",
            "The coordinator sees that this party has finished its part.",
        ),
        ("Het bericht is leeg.", "The message is empty."),
    ),
    "concluded": about(
        ("afgesloten", "concluded"),
        (
            "De ontvanger ziet dat de match bij alle partijen is gelukt.",
            "The receiver sees that the match has succeeded at all parties.",
        ),
        (
            "Het bericht is leeg; het zegt niet wie of hoeveel er overeenkomen.",
            "The message is empty; it does not say who matches, or how many.",
        ),
    ),
}
