"""What people read at an arrow: the steps on the wire, what their receiver sees, and the parts of a run."""

from __future__ import annotations

from psi_match.domain.parties import display_name
from psi_match.report.messages import MESSAGES
from psi_match.scenario.model import Text

_UNKNOWN_SEES = Text(
    nl="een bericht dat deze pagina niet kent (een nieuwere node?)",
    en="a message that this page does not know (a newer node?)",
)

_STAGES = {
    "run": ("de hele match", "the whole match"),
    "setup": ("voorbereiden", "preparing"),
    "load": ("rijen inlezen", "loading rows"),
    "agree": ("het eens worden over de sessie", "agreeing on the session"),
    "table": ("tabel bouwen", "building a table"),
    "base-ot": ("sleutels uitwisselen met {}", "exchanging keys with {}"),
    "oprf": ("gemaskeerde rijen, met {}", "masked rows, with {}"),
    "buckets": ("vakken vergelijken, met {}", "comparing buckets, with {}"),
    "encode": ("rijen in een tabel verwerken, met {}", "working rows into a table, with {}"),
    "vole": ("maskers maken, met {}", "making masks, with {}"),
    "request": ("rijen versleutelen, met {}", "encrypting rows, with {}"),
    "response": ("antwoord versleutelen, met {}", "encrypting the answer, with {}"),
    "values": ("waarden vergelijken, met {}", "comparing values, with {}"),
    "store": ("uitkomst bewaren", "storing the result"),
    "join": ("koppelen, beurt van {}", "joining, turn of {}"),
    "match": ("vergelijken van labels, beurt van {}", "comparing tags, turn of {}"),
    "row-inputs": ("invoer in delen splitsen", "splitting inputs into shares"),
    "row-circuit": ("de regel toepassen op delen", "applying the rule to shares"),
    "count": ("tellen, beurt van {}", "counting, turn of {}"),
    "finish": ("afronden van de berekening", "finishing the computation"),
    "compare": ("vergelijken van wat er is verstuurd", "comparing what was sent"),
    "open": ("uitkomst openen voor de ontvanger", "opening the result for the recipient"),
}
"""Kinds of parts; what follows the word in a part's name is whose turn it is."""


def step_name(step: str) -> Text:
    """Return a step in plain words; the wire name itself for a step of a newer node."""
    return MESSAGES[step].title if step in MESSAGES else Text(nl=step or "?", en=step or "?")


def step_texts(language: str) -> dict[str, dict[str, str]]:
    """Return for each step its name, what its receiver sees, and why that tells nothing, as a browser gets them."""
    texts = {
        step: {
            "name": message.title.in_language(language),
            "sees": message.sees.in_language(language),
            "why": message.why.in_language(language),
        }
        for step, message in MESSAGES.items()
    }
    return texts | {"": {"name": "?", "sees": _UNKNOWN_SEES.in_language(language), "why": ""}}


def stage_name(stage: str) -> Text:
    """Return a part of a run in plain words: a word of the program, and perhaps whose turn it is."""
    word, _, party = stage.partition("/")
    nl, en = _STAGES.get(word, (word + " {}" * bool(party), word + " {}" * bool(party)))
    who = display_name(party) if party else ""
    return Text(nl=nl.format(who) or "?", en=en.format(who) or "?")


def stage_texts(language: str) -> dict[str, str]:
    """Return for each part of a run its words, with ``{party}`` for whose turn it is, as a browser gets them."""
    english = language == "en"
    return {word: texts[english].replace("{}", "{party}") for word, texts in _STAGES.items()}
