"""The words of the page on attacks, in Dutch and English."""

from __future__ import annotations

ATTACK_WORDS: dict[str, tuple[str, str]] = {
    "attack_title": ("Waarom niet gewoon hashen?", "Why not just hash?"),
    "attack_lead": (
        "Een veelgehoord voorstel: laat elke organisatie haar BSN's hashen en vergelijk de hashes. Maar er bestaan"
        " maar zo'n 91 miljoen BSN's. Wie een lijst met hashes heeft, hasht ze allemaal en zoekt op welke erin staan."
        " Hier gebeurt dat, live, met verzonnen nummers.",
        "A common proposal: let each body hash its BSNs and compare the hashes. But there are only some 91 million"
        " BSNs. Whoever has a list of hashes hashes them all and looks up which are in it. Here that happens, live,"
        " with made-up numbers.",
    ),
    "attack_hashed": ("Aanval op een lijst met hashes", "Attack on a list of hashes"),
    "attack_hashed_text": (
        "De pagina trekt {count} verzonnen nummers, hasht ze met SHA-256 zonder sleutel, vergeet de nummers en haalt"
        " ze uit de hashes terug door alle nummers te proberen.",
        "The page draws {count} made-up numbers, hashes them with SHA-256 without a key, forgets the numbers and gets"
        " them back from the hashes by trying every number.",
    ),
    "attack_filter": ("Aanval op een Bloomfilter", "Attack on a Bloom filter"),
    "attack_filter_text": (
        "Hetzelfde met {count} nummers in een Bloomfilter: een rij bits waarin elk nummer er enkele aanzet. Wie het"
        " filter heeft, vraagt het naar alle nummers. (Dit is niet het filter van PSI-software, waarin versleutelde"
        " waarden staan.)",
        "The same with {count} numbers in a Bloom filter: a row of bits of which each number sets a few. Whoever has"
        " the filter asks it about every number. (This is not the filter of PSI software, which holds encrypted"
        " values.)",
    ),
    "attack_start": ("Start de aanval", "Start the attack"),
    "attack_start_hashed": ("Haal de nummers uit de hashes", "Recover the numbers from the hashes"),
    "attack_start_filter": ("Haal de nummers uit het filter", "Recover the numbers from the filter"),
    "attack_cancel": ("Stop de aanval", "Stop the attack"),
    "attack_busy": (
        "Er loopt al een aanval, of er is er net een geweest.",
        "An attack is running already, or has just ended.",
    ),
    "attack_busy_hint": (
        "Wacht tot die klaar is en daarna enkele seconden.",
        "Wait until it is done, and some seconds after that.",
    ),
    "attack_off": ("Op deze pagina kan de aanval niet worden gestart.", "The attack cannot be started on this page."),
    "attack_off_hint": (
        "Zelf doen kan met psi-match attack, op een eigen computer.",
        "Do it yourself with psi-match attack, on a computer of your own.",
    ),
    "attack_progress": ("Geprobeerde nummers", "Numbers tried"),
    "attack_loading": (
        "Nummers trekken, hashen en rekenkern laden…",
        "Drawing numbers, hashing, and loading the kernel…",
    ),
    "attack_running": (
        "{done} van {total} nummers geprobeerd, {seconds} bezig.",
        "{done} of {total} numbers tried, {seconds} so far.",
    ),
    "attack_done": (
        "{recovered} van {count} nummers teruggevonden in {seconds}, op één processorkern.",
        "{recovered} of {count} numbers recovered in {seconds}, on one processor core.",
    ),
    "attack_false": (
        "Daarnaast pasten {extra} nummers toevallig in het filter.",
        "Besides, {extra} numbers fit the filter by chance.",
    ),
    "attack_cancelled": ("De aanval is gestopt.", "The attack was stopped."),
    "attack_failed": ("De aanval is mislukt.", "The attack failed."),
    "attack_timeout": (
        "De aanval duurde langer dan deze pagina toestaat en is gestopt.",
        "The attack took longer than this page allows and was stopped.",
    ),
    "attack_idle": ("Nog niet gestart.", "Not started yet."),
    "attack_what_title": ("Wat dit betekent", "What this means"),
    "attack_what_1": (
        "Een openbare salt helpt niet: de aanvaller kent hem ook. Een tragere hash kost aanvaller en gebruiker"
        " evenveel keer meer.",
        "A public salt does not help: the attacker knows it too. A slower hash costs attacker and user more by the"
        " same factor.",
    ),
    "attack_what_2": (
        "Een geheime sleutel houdt buitenstaanders tegen, maar niet de deelnemers die hem hebben. En ook de hash van"
        " een BSN is een persoonsgegeven.",
        "A secret key stops outsiders, but not the participants who hold it. And the hash of a BSN is personal data"
        " too.",
    ),
    "attack_what_3": (
        "In psi-match hebben beide kanten een sleutel die de ander niet heeft. Een partij die zich aan het protocol"
        " houdt, toetst alleen nummers die zij zelf inbrengt, niet meer dan haar afgesproken omvang, en alleen zolang"
        " de ander meedoet.",
        "In psi-match both sides have a key that the other lacks. A party that follows the protocol tests only numbers"
        " that it puts in itself, no more than its agreed size, and only as long as the other takes part.",
    ),
    "attack_space": (
        "Geprobeerd worden alle {total} verzonnen nummers: op één na evenveel als er nummers zijn die de 11-proef"
        " doorstaan. De teruggevonden nummers worden geteld, niet getoond.",
        "All {total} made-up numbers are tried: one fewer than there are numbers that pass the 11-proef. The recovered"
        " numbers are counted, not shown.",
    ),
}
