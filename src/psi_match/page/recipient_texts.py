"""The words of a recipient's page, in Dutch and English."""

from __future__ import annotations

from psi_match.scenario.model import Text

_WORDS = {
    "page_name": ("Ontvangen uitkomsten", "Results received"),
    "synthetic_label": ("Over de gegevens", "About the data"),
    "synthetic": (
        "Demonstratie: de mensen bestaan niet, en hun nummers zijn van niemand het BSN.",
        "Demonstration: the people do not exist, and their numbers are nobody's BSN.",
    ),
    "skip": ("Naar de inhoud", "Skip to content"),
    "other_language": ("English", "Nederlands"),
    "signed_in": ("Ingelogd als", "Signed in as"),
    "log_out": ("Uitloggen", "Log out"),
    "all_results": ("Alle uitkomsten", "All results"),
    "login_title": ("Inloggen", "Log in"),
    "login_intro": (
        "Alleen wie de sleutel van een operator van deze organisatie heeft, komt hier binnen. De sleutel blijft op uw"
        " eigen machine.",
        "Only who holds the key of an operator of this body gets in. The key stays on your own machine.",
    ),
    "login_command": (
        "Maak daar een eenmalige link met deze opdracht:",
        "Make a one-time link there with this command:",
    ),
    "login_use": (
        "Open de link die verschijnt. Gaat dat niet, plak dan de code erachter (alles na #login=) hier:",
        "Open the link that it prints. If that does not work, paste its code (all after #login=) here:",
    ),
    "login_code": ("Code", "Code"),
    "login_submit": ("Inloggen", "Log in"),
    "login_busy": ("De link wordt gecontroleerd…", "The link is being checked…"),
    "login_refused": (
        "Deze link is niet geldig. Maak een nieuwe en gebruik die meteen: een link werkt één keer en enkele minuten.",
        "This link is not valid. Make a new one and use it at once: a link works once, and for a few minutes.",
    ),
    "login_often": (
        "Te veel pogingen. Wacht een minuut en probeer het opnieuw.",
        "Too many attempts. Wait a minute and try again.",
    ),
    "logged_out": ("U bent uitgelogd.", "You have logged out."),
    "list_intro": (
        "De eigen node bewaart deze uitkomsten. Niemand anders heeft ze, ook de organisaties niet die gegevens"
        " inbrachten.",
        "Your own node keeps these results. Nobody else has them, nor do the bodies that put in data.",
    ),
    "list_caption": ("Uitkomsten op de eigen node, nieuwste eerst", "Results at your own node, newest first"),
    "none_yet": (
        "De node heeft nog geen uitkomsten. Een uitkomst verschijnt hier nadat een uitwisseling is geslaagd.",
        "The node has no results yet. A result appears here after an exchange has succeeded.",
    ),
    "what": ("Uitkomst", "Result"),
    "when": ("Gemaakt", "Made"),
    "rows": ("Rijen", "Rows"),
    "until": ("Bewaard tot en met", "Kept until"),
    "deleted": ("verwijderd op", "deleted on"),
    "deleted_text": (
        "De rijen zijn verwijderd: de bewaartermijn van de afspraak is voorbij.",
        "The rows have been deleted: the retention of the agreement is over.",
    ),
    "purpose": ("Doel", "Purpose"),
    "where": ("Hierin is", "Here"),
    "only_for": (
        "Alleen voor dit doel mag de uitkomst worden gebruikt.",
        "The result may be used for this purpose only.",
    ),
    "meaning": ("Wat een rij betekent", "What a row means"),
    "meaning_table": ("Wat de aantallen betekenen", "What the counts mean"),
    "signal": (
        "Elke rij is één persoon die aan de voorwaarde van deze uitwisseling voldeed toen zij plaatsvond.",
        "Each row is one person who met the condition of this exchange when it took place.",
    ),
    "own_rows": (
        "Elke rij is één van uw eigen rijen die aan de voorwaarde van deze uitwisseling voldeed toen zij plaatsvond.",
        "Each row is one of your own rows that met the condition of this exchange when it took place.",
    ),
    "pairs": (
        "Elke rij is één van uw eigen rijen. Per andere partij staat er of die persoon daar ook voorkwam.",
        "Each row is one of your own rows. For each other party it says whether that person was also there.",
    ),
    "statistics": (
        "Elke rij is een groep mensen en een aantal, naar beneden afgerond. Wie het zijn staat er niet in.",
        "Each row is a group of people and a count, rounded down. Who they are is not in it.",
    ),
    "exact": ("De voorwaarde, zoals de afspraak die noemt", "The condition, as the agreement states it"),
    "constant": ("Naam", "Name"),
    "value": ("Waarde", "Value"),
    "comes_from": ("Herkomst", "Where it comes from"),
    "assumed": ("aanname", "assumption"),
    "unknown": ("Wat u niet weet", "What you do not know"),
    "unknown_how_much": (
        "Hoe hoog bedragen zijn, en bij welke organisatie: dat staat niet in de uitkomst, tenzij een kolom het noemt.",
        "How large amounts are, and at which body: the result does not say so, unless a column does.",
    ),
    "unknown_others": (
        "Of mensen die niet in de lijst staan er buiten vallen omdat er niets aan de hand is, omdat zij bezwaar"
        " maakten, of omdat gegevens ontbraken.",
        "Whether people who are not on the list are not there because nothing is wrong, because they opted out, or"
        " because data were missing.",
    ),
    "before": ("Voordat u iets doet", "Before you do anything"),
    "before_hint": (
        "Een rij is een aanwijzing, geen vaststelling. Zij kan onjuist zijn.",
        "A row is an indication, not a finding. It can be wrong.",
    ),
    "before_1": (
        "De gegevens zijn van de peildatum van de bronnen. Sindsdien kan iemand hebben betaald, verhuisd of overleden"
        " zijn. Ga dat eerst na in uw eigen gegevens.",
        "The data are of the sources' reference date. Since then somebody may have paid, moved or died. Check your own"
        " records first.",
    ),
    "before_2": (
        "Het programma kan niet controleren of een partij juiste gegevens inbracht.",
        "The program cannot check that a party put in correct data.",
    ),
    "before_3": (
        "Een medewerker bekijkt elke rij en beslist. Neem geen besluit dat iemand treft op grond van deze rij alleen"
        " (artikel 22 AVG).",
        "A member of staff looks at each row and decides. Take no decision that affects somebody on this row alone"
        " (article 22 GDPR).",
    ),
    "before_4": (
        "Zeg bij het eerste contact waarom u belt of schrijft en waar de gegevens vandaan komen (artikel 14 AVG), en"
        " dat bezwaar en correctie kunnen.",
        "At the first contact say why you call or write and where the data come from (article 14 GDPR), and that"
        " objection and correction are possible.",
    ),
    "before_5": (
        "Kijk bij de meldingen of iemand bezwaar heeft gemaakt of moet worden nagegaan, ook in kopieën die u eerder"
        " opsloeg.",
        "Look at the notices for who objected or must be checked anew, also in copies that you saved earlier.",
    ),
    "before_counts": (
        "Aantallen zijn afgerond en kunnen per meting anders uitvallen. Leid er niets uit af over één mens of een"
        " kleine groep, ook niet door tabellen van elkaar af te trekken.",
        "Counts are rounded and may differ between measurements. Infer nothing from them about one person or a small"
        " group, nor by subtracting tables.",
    ),
    "other_text": (
        "Let op: deze uitkomst is gemaakt met een andere tekst van het scenario dan deze pagina heeft. De uitleg kan"
        " afwijken; lees de ondertekende afspraak.",
        "Note: this result was made with another text of the scenario than this page has. The explanation may differ;"
        " read the signed agreement.",
    ),
    "no_text": (
        "Deze pagina kent het scenario niet. Lees in de ondertekende afspraak wat de rijen betekenen.",
        "This page does not know the scenario. The signed agreement says what the rows mean.",
    ),
    "show_rows": ("Rijen bekijken", "Look at the rows"),
    "show_notices": ("Meldingen bekijken", "Look at the notices"),
    "logged_note": (
        "Elke keer dat u rijen of meldingen opvraagt, schrijft de node dat in het auditlog, op naam van het"
        " certificaat van deze pagina; wie van u het was, staat in het gewone log van de pagina.",
        "Each time that you ask for rows or notices, the node writes that into its audit log, in the name of this"
        " page's certificate; which of you it was is in the page's ordinary log.",
    ),
    "back_to_run": ("Terug naar de uitleg", "Back to the explanation"),
    "rows_caption": ("Rijen van deze uitkomst", "Rows of this result"),
    "rows_now": ("rijen", "rows"),
    "row_now": ("rij", "row"),
    "page_of": ("bladzijde", "page"),
    "of": ("van", "of"),
    "previous": ("Vorige", "Previous"),
    "next": ("Volgende", "Next"),
    "pages": ("Bladzijden", "Pages"),
    "withdrawn": (
        "rijen zijn na een melding uit de uitkomst gehaald. Gebruik ze ook in eerdere kopieën niet meer.",
        "rows were taken out of the result after a notice. Do not use them in earlier copies either.",
    ),
    "withdrawn_one": (
        "rij is na een melding uit de uitkomst gehaald. Gebruik die ook in eerdere kopieën niet meer.",
        "row was taken out of the result after a notice. Do not use it in earlier copies either.",
    ),
    "empty": (
        "De uitkomst is leeg: niemand voldeed aan de voorwaarde, of alle rijen zijn ingetrokken.",
        "The result is empty: nobody met the condition, or all rows were withdrawn.",
    ),
    "show": ("Toon", "Show"),
    "show_bsn_of": ("Toon het BSN van rij", "Show the BSN of row"),
    "show_page": ("Toon alle BSN's van deze bladzijde", "Show all BSNs of this page"),
    "hide": ("Verberg BSN's", "Hide BSNs"),
    "hidden_ends": ("afgeschermd BSN, eindigt op", "hidden BSN, ends with"),
    "mask_note": (
        "BSN's zijn afgeschermd zolang u ze niet nodig hebt. Tonen geldt voor één keer en komt in het gewone log van"
        " deze pagina.",
        "BSNs are hidden until you need them. Showing is for this once, and is noted in this page's ordinary log.",
    ),
    "changed": (
        "De uitkomst is intussen veranderd, bijvoorbeeld door een melding. Er is niets getoond; kies opnieuw.",
        "The result has changed meanwhile, for example by a notice. Nothing is shown; choose again.",
    ),
    "number": ("Nr.", "No."),
    "notice": ("Melding", "Notice"),
    "check_at": ("Eerst opnieuw nagaan bij", "First check anew at"),
    "yes": ("ja", "yes"),
    "no": ("nee", "no"),
    "download": ("Download als CSV", "Download as CSV"),
    "download_note": (
        "Het bestand bevat volledige BSN's. Geen node kan het later wissen: bewaar het kort en waar alleen bevoegden"
        " erbij kunnen. Een spreadsheet kan voorloopnullen weglaten: importeer de kolom bsn als tekst.",
        "The file holds full BSNs. No node can delete it later: keep it briefly, where only those allowed can reach"
        " it. A spreadsheet may drop leading zeros: import the column bsn as text.",
    ),
    "download_table_note": (
        "Het bestand bevat de tabel zoals hij hier staat.",
        "The file holds the table as shown here.",
    ),
    "group": ("Groep", "Group"),
    "count": ("Aantal", "Count"),
    "suppressed": ("onderdrukt", "suppressed"),
    "suppressed_note": (
        "Onderdrukt betekent niet nul: het aantal, of de rest van het totaal, is te klein om te tonen.",
        "Suppressed does not mean zero: the count, or the rest of its total, is too small to show.",
    ),
    "notices_title": ("Meldingen over deze uitkomst", "Notices about this result"),
    "notices_intro": (
        "Een partij meldde dat iemand bezwaar maakte, of dat gegevens niet klopten of gewist zijn. De node heeft dit"
        " verwerkt: ingetrokken rijen staan niet meer in de uitkomst.",
        "A party told that somebody objected, or that data were wrong or deleted. The node has dealt with it:"
        " withdrawn rows are not in the result any more.",
    ),
    "notices_reveal": (
        "Een melding verraadt dat die partij de persoon kende. Gebruik dat nergens voor.",
        "A notice gives away that this party knew the person. Do not use that for anything.",
    ),
    "no_notices": ("Er zijn geen meldingen over deze uitkomst.", "There are no notices about this result."),
    "kind": ("Wat te doen", "What to do"),
    "withdraw": ("niet meer gebruiken, ook geen kopie", "do not use any more, nor a copy"),
    "correct": ("eerst opnieuw nagaan bij de bron", "first check anew at the source"),
    "party": ("Gemeld door", "Told by"),
    "date": ("Datum", "Date"),
    "error_title": ("Dat gaat niet", "That is not possible"),
    "error_node": (
        "De eigen node antwoordt niet, of weigert. Meer staat in het log van deze pagina.",
        "Your own node does not answer, or refuses. The log of this page says more.",
    ),
    "error_unknown": ("Deze pagina of uitkomst is er niet.", "There is no such page or result."),
    "error_defect": ("Er ging iets mis in deze pagina.", "Something went wrong in this page."),
    "footer": (
        "Dit is dataminimalisatie, geen anonimiteit: ga met elke uitkomst om als met persoonsgegevens.",
        "This is data minimisation, not anonymity: treat every result as personal data.",
    ),
    "run": ("Uitwisseling", "Exchange"),
    "parties": ("Deelnemers", "Parties"),
}

WORDS = {key: Text(nl=nl, en=en) for key, (nl, en) in _WORDS.items()}


class Words(dict[str, str]):
    """Words in one language; templates ask for one by name, or call it as those of other pages do."""

    def __call__(self, key: str) -> str:
        """Return a word."""
        return self[key]


def words(language: str) -> Words:
    """Return all words in ``nl`` or ``en``."""
    return Words({key: text.in_language(language) for key, text in WORDS.items()})
