"""What an audit log may say: a closed set of events, and of each the fields and what they may hold.

This is how no BSN and no value gets into a log: whatever does not fit is refused before it is written, and found where
it was written all the same. No field holds free text. Names hold fewer than nine digits, and fewer than seven in a row.

A new event is one more entry in ``EVENTS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from psi_match.base.errors import InternalError
from psi_match.domain.parties import PARTY_PATTERN
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE
from psi_match.scenario.model import Text

FieldValue = str | int | Sequence[str] | Mapping[str, int]
Fields = Mapping[str, FieldValue]
Fits = Callable[[object], bool]

LARGEST_INTEGER = 2**53
"""Up to here every reader of JSON has exact whole numbers."""
_MOST_PARTIES = 64
_DIGITS_IN_A_ROW = re.compile(r"[0-9]{7}")
_DIGITS_OF_A_BSN = 9


def _hexadecimal(digits: int) -> Fits:
    pattern = re.compile(rf"[0-9a-f]{{{digits}}}")
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _name(pattern: str) -> Fits:
    compiled = re.compile(pattern)

    def fits(value: object) -> bool:
        if not isinstance(value, str) or compiled.fullmatch(value) is None or _DIGITS_IN_A_ROW.search(value):
            return False
        return sum(character.isdigit() for character in value) < _DIGITS_OF_A_BSN

    return fits


def _integer(largest: int) -> Fits:
    # type() and not isinstance(): True is no number here.
    return lambda value: type(value) is int and 0 <= value <= largest


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


RUN = _hexadecimal(32)
LOG = _hexadecimal(32)
DIGEST = _hexadecimal(64)
PUBLIC_KEY = _hexadecimal(64)
SIGNATURE = _hexadecimal(128)
PARTY = _name(PARTY_PATTERN)
NAME = _name(r"[a-z][a-z0-9-]{1,79}")
"""Of a scenario or an agreement."""
PERSON = _name(r"[a-z][a-z0-9._@-]{0,79}")
"""An operator, auditor or observer, as the certificate says."""
WORD = _name(r"[a-z][a-z-]{0,39}")
"""Of a set that the program knows: a rule, a step, a kind."""
ERROR = _name(r"[A-Z][A-Za-z]{1,39}")
"""Name of an error's class."""
ROLES = _name(r"(leader|data party|compute party|recipient)(, (leader|data party|compute party|recipient)){0,3}")
VERSION = _name(r"[0-9][0-9a-z.+-]{0,39}")
COUNT = _integer(LARGEST_PUBLIC_SIZE)
SEQUENCE = _integer(LARGEST_INTEGER)
BYTES = _integer(LARGEST_INTEGER)
BOOLEAN: Fits = _is_boolean


def _parties(value: object) -> bool:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= _MOST_PARTIES:
        return False
    return all(PARTY(party) for party in value) and len(set(value)) == len(value)


def _per_party(fits: Fits) -> Fits:
    def all_fit(value: object) -> bool:
        if not isinstance(value, dict) or len(value) > _MOST_PARTIES:
            return False
        return all(PARTY(party) and fits(number) for party, number in value.items())

    return all_fit


PARTIES: Fits = _parties
COUNTS = _per_party(COUNT)
BYTE_COUNTS = _per_party(BYTES)


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of event.

    Args:
        title: for people.
        fields: those that each such line has.
        optional: those that it may have.
    """

    title: Text
    fields: Mapping[str, Fits] = field(default_factory=dict)
    optional: Mapping[str, Fits] = field(default_factory=dict)


OPENED = "opened"
RUN_STARTED = "run-started"
CONTRIBUTION_FIXED = "contribution-fixed"
PEER_HEAD = "peer-head"
COUNTERSIGNED = "countersigned"
RUN_FINISHED = "run-finished"
RUN_FAILED = "run-failed"
REFUSED = "refused"

_A_HEAD: Mapping[str, Fits] = {
    "run": RUN,
    "peer": PARTY,
    "log": LOG,
    "sequence": SEQUENCE,
    "digest": DIGEST,
    "signature": SIGNATURE,
}

EVENTS: Mapping[str, Event] = {
    # The first line of a file, and of nothing else.
    OPENED: Event(
        Text(nl="logboek begonnen", en="log opened"),
        {"party": PARTY, "log": LOG, "public_key": PUBLIC_KEY, "software_version": VERSION},
        {"before_log": LOG, "before_sequence": SEQUENCE, "before_digest": DIGEST, "torn": DIGEST},
    ),
    "node-started": Event(Text(nl="node gestart", en="node started")),
    "node-stopped": Event(Text(nl="node gestopt", en="node stopped")),
    # At the first decision of a node that runs, and whenever the file says something else.
    "policy-read": Event(Text(nl="beleid gelezen", en="policy read"), {"policy_digest": DIGEST}),
    RUN_STARTED: Event(
        Text(nl="run begonnen", en="run started"),
        {
            "run": RUN,
            "role": ROLES,
            "scenario": NAME,
            "scenario_digest": DIGEST,
            "agreement": NAME,
            "agreement_digest": DIGEST,
            "parties": PARTIES,
            "coordinator": PARTY,
        },
    ),
    # Public sizes only. The number of opt-outs is exact; that of the rows is not here.
    CONTRIBUTION_FIXED: Event(
        Text(nl="inbreng vastgelegd", en="contribution fixed"),
        {"run": RUN, "commitment": DIGEST, "row_size": COUNT, "set_size": COUNT, "opted_out": COUNT},
    ),
    # The head of the peer's log as the peer signed it.
    PEER_HEAD: Event(Text(nl="kop van tegenpartij gezien", en="head of a peer seen"), _A_HEAD),
    # A head of this log, and the peer's signature under it.
    COUNTERSIGNED: Event(Text(nl="kop medeondertekend door", en="head countersigned by"), _A_HEAD),
    RUN_FINISHED: Event(
        Text(nl="run klaar", en="run finished"),
        {
            "run": RUN,
            "rows": COUNTS,
            "sets": COUNTS,
            "bytes_out": BYTE_COUNTS,
            "bytes_in": BYTE_COUNTS,
            "recipient": BOOLEAN,
        },
    ),
    RUN_FAILED: Event(
        Text(nl="run mislukt", en="run failed"), {"run": RUN, "error": ERROR}, {"peer": PARTY, "step": WORD}
    ),
    # ``repeated``: further refusals of this caller by this rule that have no line of their own.
    REFUSED: Event(
        Text(nl="geweigerd", en="refused"),
        {"rule": WORD},
        {
            "peer": PARTY,
            "scenario": NAME,
            "agreement_digest": DIGEST,
            "run": RUN,
            "operator": PERSON,
            "repeated": COUNT,
        },
    ),
    "result-read": Event(Text(nl="uitkomst opgehaald", en="result read"), {"run": RUN}, {"operator": PERSON}),
    "log-read": Event(Text(nl="logboek gelezen", en="log read"), {"auditor": PERSON}),
    "watch-began": Event(Text(nl="meekijken begonnen", en="watch began"), {"observer": PERSON}),
    "timeline-read": Event(Text(nl="tijdlijn gelezen", en="timeline read"), {"run": RUN, "observer": PERSON}),
    "purged": Event(Text(nl="opgeruimd", en="purged"), {"run": RUN, "what": WORD}),
    # At the node whose operator gave notice; why is known there only.
    "signal-notice-given": Event(
        Text(nl="melding over signaal gedaan", en="notice about a signal given"),
        {"run": RUN, "kind": WORD, "reason": WORD, "people": COUNT},
        {"operator": PERSON},
    ),
    "signal-notice-sent": Event(
        Text(nl="melding over signaal verstuurd", en="notice about a signal sent"),
        {"run": RUN, "kind": WORD, "recipient": PARTY},
    ),
    "signal-notice-applied": Event(
        Text(nl="melding over signaal verwerkt", en="notice about a signal applied"),
        {"run": RUN, "kind": WORD, "peer": PARTY, "matched": COUNT},
    ),
}


def misfit(event: object, fields: object) -> str | None:
    """Return what does not fit the table, without any value; None if all does."""
    known = EVENTS.get(event) if isinstance(event, str) else None
    if known is None:
        return "the event is not declared"
    if not isinstance(fields, dict):
        return "the fields are no table"
    for name in known.fields:
        if name not in fields:
            return f"field {name} of {event} is missing"
    for name, value in fields.items():
        fits = known.fields.get(name) or known.optional.get(name)
        if fits is None:
            return f"a field of {event} is not declared"
        if not fits(value):
            return f"field {name} of {event} holds what it may not"
    return None


def check_event(event: str, fields: Fields) -> None:
    """Check an event before it is written.

    Raises:
        InternalError: it is not declared, or a field is missing, is not declared, or holds what it may not.
    """
    found = misfit(event, fields)
    if found is not None:
        raise InternalError(f"An event does not fit the audit log: {found}.", "Please report it.")


def fitting(event: str, **fields: FieldValue | None) -> dict[str, FieldValue]:
    """Return the fields that an event may hold, without the others: for what a peer chose, such as a scenario's name.

    Args:
        event: a declared event.
        fields: values; None and what does not fit are left out.
    """
    known = EVENTS[event]
    fits = {**known.fields, **known.optional}
    return {name: value for name, value in fields.items() if value is not None and fits[name](value)}
