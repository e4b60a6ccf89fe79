"""What can be wrong with an audit log, in words for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psi_match.scenario.model import Text

MAX_FINDINGS = 1000
"""After so many a log is not read further: arbitrary bytes cannot fill the memory."""

PROBLEMS: Mapping[str, Text] = {
    # Of one line.
    "too-long": Text(nl="De regel is te lang voor een logboek.", en="The line is too long for an audit log."),
    "not-canonical": Text(
        nl="Dit is geen regel van een logboek: geen JSON in de vaste vorm.",
        en="This is no line of an audit log: not JSON in canonical form.",
    ),
    "not-declared": Text(
        nl="De gebeurtenis, of een veld of waarde erin, is niet een die een logboek kent.",
        en="The event, or a field or value of it, is none that an audit log may hold.",
    ),
    "changed": Text(
        nl="De handtekening past niet: de regel is veranderd, of hoort in een ander logboek.",
        en="The signature does not fit: the line was changed, or belongs to another log.",
    ),
    "foreign": Text(
        nl="De regel hoort in een ander bestand: {0}.", en="The line belongs to another file: that is {0}."
    ),
    "missing": Text(
        nl="Volgnummer {0} ontbreekt hier: verwijderd of verplaatst.",
        en="Sequence {0} is missing here: deleted or moved.",
    ),
    "moved": Text(
        nl="Volgnummer {0} staat waar {1} hoort: verplaatst of herhaald.",
        en="Sequence {0} stands where {1} is due: moved or repeated.",
    ),
    "forked": Text(
        nl="De regel ervoor is niet die waarop deze volgt: herschreven met de eigen sleutel.",
        en="The line before is not the one that this line follows: rewritten with the party's own key.",
    ),
    "clock": Text(nl="De tijd ligt voor die van de regel ervoor.", en="The time is before that of the line before."),
    "opened-again": Text(
        nl="Deze regel begint een logboek midden in een bestand.",
        en="This line opens a log in the middle of a file.",
    ),
    "bad-peer-head": Text(
        nl="De kop is niet getekend met een bekende sleutel van {0}.",
        en="The head is not signed with a known key of {0}.",
    ),
    "bad-countersignature": Text(
        nl="De medeondertekening is niet van een bekende sleutel van {0}.",
        en="The countersignature is not by a known key of {0}.",
    ),
    "not-the-countersigned": Text(
        nl="De regel die {0} medeondertekende staat niet in dit logboek: herschreven.",
        en="The line that {0} countersigned is not in this log: rewritten.",
    ),
    # Of a file.
    "no-opening": Text(
        nl="Het bestand begint niet met een geldige openingsregel; de rest ervan is niet nagekeken.",
        en="The file does not begin with a valid opening line; the rest of it was not checked.",
    ),
    "torn": Text(
        nl="De laatste regel is afgebroken, en geen volgend bestand vermeldt dat.",
        en="The last line is torn, and no next file says so.",
    ),
    "torn-otherwise": Text(
        nl="Wat achter de laatste hele regel staat, is niet wat het volgende bestand vermeldt.",
        en="What stands behind the last whole line is not what the next file says.",
    ),
    "unknown-key": Text(
        nl="De sleutel is volgens het bestand met ondertekenaars geen sleutel van {0}.",
        en="The signers file does not know this key as one of {0}.",
    ),
    "other-party": Text(nl="Het bestand is van {0}, niet van {1}.", en="The file is of {0}, not of {1}."),
    "beginning-missing": Text(
        nl="Hier begint het logboek niet: eerdere bestanden ontbreken.",
        en="The log does not begin here: files before it are missing.",
    ),
    "file-missing": Text(nl="Bestand {0} ontbreekt.", en="File {0} is missing."),
    "apart": Text(
        nl="Het bestand volgt niet op de laatste regel van {0}: daar is iets afgeknipt, toegevoegd of vervangen.",
        en="The file does not follow the last line of {0}: something was cut off, added or replaced there.",
    ),
    "too-many": Text(
        nl="Er zijn meer problemen; de rest is niet gelezen.", en="There are more problems; the rest was not read."
    ),
    # Against heads that peers saw.
    "head-unsigned": Text(
        nl="Deze kop is niet getekend met een bekende sleutel van {0}: vervalst, of het hele logboek is vervangen.",
        en="This head is not signed with a known key of {0}: forged, or the whole log was replaced.",
    ),
    "log-gone": Text(
        nl="Volgens {0} was er een logboek {1}, dat hier niet is: verwijderd of vervangen. Is dit de hele map?",
        en="According to {0} there was a log {1}, which is not here: removed or replaced. Is this the whole folder?",
    ),
    "cut": Text(
        nl="Volgens {0} was er een regel met volgnummer {1}, die er niet is: afgeknipt, verwijderd of veranderd.",
        en="According to {0} there was a line of sequence {1}, which is not there: cut off, deleted or changed.",
    ),
    "rewritten": Text(
        nl="Volgens {0} was volgnummer {1} een andere regel: herschreven.",
        en="According to {0} sequence {1} was another line: rewritten.",
    ),
    # Two logs side by side.
    "run-absent": Text(
        nl="Staat in het logboek van {0}, maar niet in dat van {1}.", en="In the log of {0}, but not in that of {1}."
    ),
    "run-twice": Text(nl="Staat tweemaal in het logboek van {0}.", en="Stands twice in the log of {0}."),
    "differs": Text(
        nl="Veld {0} is bij {1} iets anders dan bij {2}.", en="Field {0} is not the same in the logs of {1} and {2}."
    ),
    "size-differs": Text(
        nl="Openbare omvang {0} van {1}: {2} volgens {3}, {4} volgens {5}.",
        en="Public size {0} of {1}: {2} according to {3}, {4} according to {5}.",
    ),
    "bytes-differ": Text(
        nl="{0} verstuurde {1} bytes aan {2}, die er {3} ontving.",
        en="{0} sent {1} bytes to {2}, which received {3}.",
    ),
    "outcomes-differ": Text(
        nl="Bij {0} is de run klaar, hoewel hij bij coördinator {1} mislukte.",
        en="The run finished at {0}, although it failed at its coordinator {1}.",
    ),
    # Notes: nothing is wrong.
    "key-not-checked": Text(
        nl="Van wie de sleutels zijn, is niet nagekeken: geef --signers.",
        en="Whose keys these are was not checked: give --signers.",
    ),
    "end-not-checked": Text(
        nl="Of er regels aan het eind zijn afgeknipt, is niet nagekeken: geef --against.",
        en="Whether lines were cut off at the end was not checked: give --against.",
    ),
    "torn-recorded": Text(
        nl="De laatste regel is bij een storing afgebroken; het volgende bestand vermeldt het.",
        en="The last line was torn by a crash; the next file says so.",
    ),
    "part-only": Text(
        nl="Dit is niet het eerste bestand van het logboek; geef de map om alles na te kijken.",
        en="This is not the first file of the log; give the folder to check all of it.",
    ),
    "no-head": Text(nl="Het bestand bevat geen kop van {0}.", en="The file holds no head of {0}."),
    "witness-unsound": Text(
        nl="Dit logboek is zelf niet in orde ({0}): kijk het ook na.",
        en="This log is itself not in order ({0}): verify it too.",
    ),
    "last-word-lost": Text(
        nl="Klaar bij {0} en mislukt bij {1}: het laatste bericht kan verloren zijn gegaan.",
        en="Finished at {0} and failed at {1}: the last message may have been lost.",
    ),
    "no-outcome": Text(nl="Het logboek van {0} vermeldt geen afloop.", en="The log of {0} holds no outcome."),
    "not-reached": Text(
        nl="Mislukte bij {0}; {1} weigerde of hoorde er nooit van.",
        en="Failed at {0}; {1} refused or never heard of it.",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, or worth a note.

    Args:
        problem: key of ``PROBLEMS``.
        where: ``FILE:LINE``, a file, or a run; of a peer's log with the party in front.
        details: what the sentence names.
    """

    problem: str
    where: str
    details: tuple[str | int, ...] = ()

    def sentence(self, language: str) -> str:
        """Return what is wrong, in ``nl`` or ``en``."""
        return PROBLEMS[self.problem].in_language(language).format(*self.details)

    def as_text(self, language: str) -> str:
        """Return where and what."""
        return f"{self.where}: {self.sentence(language)}"

    def as_content(self) -> dict[str, str]:
        """Return it for a program."""
        return {"problem": self.problem, "where": self.where, "sentence": self.sentence("en")}
