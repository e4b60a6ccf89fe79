"""The words of the page, in Dutch and English."""

from __future__ import annotations

from collections.abc import Callable

from psi_match.page.texts_attack import ATTACK_WORDS
from psi_match.page.texts_runs import RUN_WORDS

LANGUAGES = ("nl", "en")

_WORDS: dict[str, tuple[str, str]] = {
    "skip": ("Naar de inhoud", "Skip to content"),
    "other_language": ("English", "Nederlands"),
    "nav_label": ("Onderdelen", "Parts"),
    "nav_home": ("Nu", "Now"),
    "nav_scenarios": ("Scenario's", "Scenarios"),
    "nav_runs": ("Runs", "Runs"),
    "nav_attack": ("Waarom niet gewoon hashen?", "Why not just hash?"),
    "synthetic_label": ("Verzonnen mensen", "Made-up people"),
    "synthetic_note": (
        "Alle mensen op deze pagina zijn verzonnen. Hun nummers falen met opzet de 11-proef: geen ervan is iemands"
        " BSN.",
        "All people on this page are made up. Their numbers fail the 11-proef on purpose: none of them is anybody's"
        " BSN.",
    ),
    "unknown_label": ("Onbekend of deze mensen bestaan", "Unknown whether these people exist"),
    "unknown_note": (
        "Of de mensen in deze runs bestaan, weet deze pagina niet. Behandel alles als persoonsgegevens.",
        "Whether the people in these runs exist this page does not know. Treat everything as personal data.",
    ),
    "footer_operators": (
        "Voor deze demonstratie heeft de pagina ook sleutels van operators. Die zouden uitkomsten kunnen ophalen; de"
        " pagina doet dat niet.",
        "For this demonstration the page also holds operators' keys. They could fetch results; the page does not.",
    ),
    "footer": (
        "Dataminimalisatie, geen anonimiteit: een uitkomst wijst mensen aan aan wie haar krijgt, en daarvoor is een"
        " grondslag nodig. Door deze pagina gaan nooit rijen van een uitkomst.",
        "Data minimisation, not anonymity: a result names people to whoever receives it, and that needs a legal basis"
        " (grondslag). No rows of a result ever pass through this page.",
    ),
    "home_title": ("Matchen zonder bestanden te delen", "Matching without sharing files"),
    "home_lead": (
        "Overheidsorganisaties zoeken hier samen uit welke mensen bij meer organisaties bekend zijn. Elke organisatie"
        " houdt haar bestand bij zichzelf. De nodes sturen elkaar alleen versleutelde en gemaskeerde berichten; wie"
        " iets te weten komt, en wat, staat vooraf vast in een afspraak die alle deelnemers ondertekenden.",
        "Public bodies find out together which people are known to more than one of them. Each body keeps its file to"
        " itself. The nodes send each other only encrypted and masked messages; who learns anything, and what, is"
        " fixed beforehand in an agreement that all participants signed.",
    ),
    "happens_title": ("Wat er gebeurt", "What happens"),
    "happens_1": (
        "Elke organisatie draait een eigen node met haar eigen bestand en eigen sleutels.",
        "Each body runs a node of its own, with its own file and its own keys.",
    ),
    "happens_2": (
        "De nodes rekenen samen op gemaskeerde gegevens. Elk bericht dat u hieronder ziet, is echt verstuurd.",
        "The nodes compute together on masked data. Every message that you see below was really sent.",
    ),
    "happens_3": (
        "Alleen wie in de afspraak ontvanger is, krijgt een uitkomst; die blijft op de eigen node.",
        "Only whoever is the recipient in the agreement gets a result; it stays at its own node.",
    ),
    "not_title": ("Wat er niet gebeurt", "What does not happen"),
    "not_1": (
        "Er gaat geen bestand naar een ander, en ook geen lijst met gehashte BSN's.",
        "No file goes to anybody else, nor a list of hashed BSNs.",
    ),
    "not_2": (
        "Er is geen centrale plek waar rijen samenkomen. Deze demonstratiepagina ziet van alle nodes wel de verslagen:"
        " ware aantallen, uitzonderingen, aantallen overeenkomsten. In het echt kijkt niemand zo bij allen mee.",
        "There is no central place where rows come together. This demonstration page does see all nodes' records: true"
        " counts, opt-outs, numbers of matches. In earnest nobody looks on at all of them.",
    ),
    "not_3": (
        "Niets loopt zonder afspraak: een node weigert wat niet is ondertekend.",
        "Nothing runs without an agreement: a node refuses what has not been signed.",
    ),
    "still_title": ("Wat toch zichtbaar is", "What can still be seen"),
    "still_text": (
        "De deelnemers zien de naar boven afgeronde omvang van elkaars bestand, en uit de duur is de ware omvang te"
        " schatten. Twee rekenpartijen die tegen de afspraak in samenwerken, kunnen meer zien; per scenario staat"
        " erbij wat. Wie liegt over zijn eigen invoer, of het protocol breekt, wordt door de cryptografie niet"
        " tegengehouden en meestal niet opgemerkt. Uitkomsten van meer runs samen zeggen meer dan één.",
        "The participants see each other's set sizes, rounded up, and from the time it takes the true sizes can be"
        " estimated. Two compute parties that work together against the agreement can see more; each scenario says"
        " what. Cryptography does not stop a party that lies about its own input or breaks the protocol, and mostly"
        " does not notice. Results of several runs together tell more than one.",
    ),
    "go_scenarios": ("Kies een scenario en start het", "Choose a scenario and start it"),
    "go_attack": ("Waarom niet gewoon hashen?", "Why not just hash?"),
    "network_title": ("De nodes, nu", "The nodes, now"),
    "network_alt": (
        "Schema van de nodes met de berichten ertussen. Dezelfde gegevens staan in de tabellen op deze pagina.",
        "Diagram of the nodes and the messages between them. The tables on this page hold the same data.",
    ),
    "network_caption": (
        "Een pijl is een bericht van de ene node naar de andere, zoals de nodes het zelf melden. Bij de pijl: welke"
        " stap en hoeveel bytes. De inhoud ziet deze pagina niet.",
        "An arrow is a message from one node to another, as the nodes themselves report it. Beside it: which step and"
        " how many bytes. This page does not see the content.",
    ),
    "slowed": (
        "Een run duurt vaak korter dan een oogopslag: de pijlen lopen daarom vertraagd na.",
        "A run often takes less than the blink of an eye: the arrows therefore follow slowed down.",
    ),
    "legend_serving": ("vinkje: node draait", "tick: node serves"),
    "legend_stopped": (
        "kruis en onderbroken rand: node antwoordt niet",
        "cross and dashed edge: node does not answer",
    ),
    "legend_part": ("dikke rand: doet mee in de run", "thick edge: takes part in the run"),
    "sees_title": ("Wat elke node op dit moment kan zien", "What each node can see at this moment"),
    "sees_intro": (
        "Het laatste bericht dat elke node ontving, en wat daarin voor haar te lezen is.",
        "The last message that each node received, and what it can read in it.",
    ),
    "sees_nothing": ("Nog niets ontvangen.", "Nothing received yet."),
    "traffic_title": ("Berichten in tabelvorm", "Messages as a table"),
    "traffic_caption": (
        "Berichten tussen de nodes, laatste stap boven; ververst om de twee seconden",
        "Messages between the nodes, latest step on top; refreshed every two seconds",
    ),
    "traffic_none": ("Er is nu geen verkeer.", "There is no traffic now."),
    "col_from": ("van", "from"),
    "col_to": ("naar", "to"),
    "col_step": ("stap", "step"),
    "col_messages": ("berichten", "messages"),
    "col_bytes": ("bytes", "bytes"),
    "col_seen_by": ("gemeld door", "reported by"),
    "seen_both": ("beide", "both"),
    "seen_sender": ("de afzender", "the sender"),
    "seen_receiver": ("de ontvanger", "the receiver"),
    "state_serving": ("draait", "serves"),
    "state_stopped": ("antwoordt niet", "does not answer"),
    "state_unknown": ("nog geen contact", "no contact yet"),
    "state_refused": ("weigert de pagina", "refuses the page"),
    "nodes_caption": ("Stand van de nodes", "State of the nodes"),
    "col_node": ("node", "node"),
    "col_state": ("stand", "state"),
    "live_idle": ("Geen run bezig.", "No run is under way."),
    "live_running": ("Run bezig: {scenario}.", "Run under way: {scenario}."),
    "live_summary": (
        "{messages} berichten, {bytes}. Laatste stap: {step}.",
        "{messages} messages, {bytes}. Latest step: {step}.",
    ),
    "live_ended": ("Run afgelopen: {scenario}.", "Run ended: {scenario}."),
    "live_failed": ("Run afgebroken: {scenario}.", "Run stopped early: {scenario}."),
    "live_lost": (
        "De verbinding met de pagina is weg; opnieuw proberen.",
        "The connection to the page is lost; trying again.",
    ),
    "live_full": (
        "Er kijken al te veel browsers mee: hier staat de stand van het laden.",
        "Too many browsers are watching: this shows the state at loading.",
    ),
    "node_stopped_said": ("{node} antwoordt niet.", "{node} does not answer."),
    "node_serving_said": ("{node} draait weer.", "{node} serves again."),
    "view_run": ("Bekijk deze run", "View this run"),
    "noscript": (
        "Zonder JavaScript bewegen de pijlen niet; de tabellen tonen de stand van het laden van de pagina.",
        "Without JavaScript the arrows do not move; the tables show the state at loading of the page.",
    ),
    "noscript_replay": (
        "Zonder JavaScript is er geen schuif; de tabel toont alle berichten van de run.",
        "Without JavaScript there is no slider; the table shows all messages of the run.",
    ),
    "stage_now": ("Intussen bezig met: {stage}.", "Meanwhile busy with: {stage}."),
    "problem_a_node": ("een node", "a node"),
    "problem_refused": (
        "Dit is geweigerd door {node}: het mag niet, of niet nu.",
        "This was refused by {node}: it is not permitted, or not now.",
    ),
    "problem_refused_hint": ("De reden staat in het log van die node.", "The reason is in the log of that node."),
    "problem_away": ("Geen antwoord van {node}.", "No answer from {node}."),
    "problem_away_hint": ("Probeer het straks opnieuw.", "Try again later."),
    "problem_aborted": ("De run is gestopt door {node}.", "The run was stopped by {node}."),
    "problem_other": ("Dat lukt nu niet.", "That is not possible now."),
    "problem_other_hint": (
        "Wat eraan schort, staat in het log van deze pagina.",
        "What is wrong is in the log of this page.",
    ),
    "problem_record": ("de reden staat in het log van die node", "the reason is in the log of that node"),
    "bad_form": ("Dit formulier is niet te lezen.", "This form cannot be read."),
    "error_title": ("Dat ging niet", "That did not work"),
    "not_found": ("Deze pagina bestaat niet.", "This page does not exist."),
    "not_found_hint": ("Kies een onderdeel in de balk bovenaan.", "Choose a part from the bar on top."),
    "csrf": ("Dit formulier is verlopen of kwam van elders.", "This form has expired or came from elsewhere."),
    "csrf_hint": ("Laad de pagina opnieuw en probeer het nog eens.", "Load the page again and try once more."),
    "hint": ("Wat u kunt doen", "What you can do"),
    "back": ("Terug", "Back"),
}

WORDS = _WORDS | RUN_WORDS | ATTACK_WORDS

Words = Callable[..., str]


def words(language: str) -> Words:
    """Return the function that gives a text in a language, with its places filled in."""
    english = language == "en"

    def text(key: str, **values: object) -> str:
        found = WORDS[key][english]
        return found.format(**values) if values else found

    return text


def count(number: int) -> str:
    """Return a count with narrow groups that do not break, the same in both languages."""
    return f"{number:,}".replace(",", "\u202f")


def size(n_bytes: int, language: str) -> str:
    """Return bytes as people read them."""
    if n_bytes < 1000:
        return f"{n_bytes} B"
    unit, value = ("kB", n_bytes / 1e3) if n_bytes < 1e6 else ("MB", n_bytes / 1e6)
    shown = f"{value:.1f}" if value < 100 else f"{value:.0f}"
    return f"{shown if language == 'en' else shown.replace('.', ',')} {unit}"


def seconds(value: float, language: str) -> str:
    """Return a duration as people read it."""
    shown = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return f"{shown if language == 'en' else shown.replace('.', ',')} s"
