"""The dossier of a run: each node's own record and timeline in one file, for a report or a page.

Reveals:
    To who holds it: what the nodes' records and timelines say, side by side: true numbers of rows and of opt-outs at
    every body, matches, which messages crossed between whom, when and how large. That is more than any party of the
    run sees. Nothing of a row, and not who started the run. What a node did not tell is named, never left out silently.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from psi_match.base.errors import ConfigError, PolicyRefusal, PsiMatchError, UsageError
from psi_match.domain.parties import PartyId
from psi_match.governance.audit.events import NAME, RUN
from psi_match.node.events import NodeEvent
from psi_match.node.observer_client import ObserverClient
from psi_match.node.store import RunRecord

DOSSIER_NAME: Final = "dossier.json"
_FORMAT: Final = 1
_LARGEST_FILE_BYTES: Final = 1 << 30
_WAIT_S = 5.0
"""For a run to end at a node where it has not, while it has at another: all nodes end it within moments."""
_LOOK_EVERY_S = 0.05

RECORD: Final = "record"
TIMELINE: Final = "timeline"
Reason = Literal["not-asked", "unreachable", "refused", "unknown", "running", "unreadable"]
"""Why a part of a node is missing: no one asked it, it cannot be reached or refuses, it has none, its run has not
ended, or what it tells is of another run or no record."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What a dossier lacks.

    Args:
        party: whose node.
        part: ``record`` - and then it has no timeline either - or ``timeline``.
        reason: why.
    """

    party: str
    part: Literal["record", "timeline"]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is known of one run.

    Args:
        run_id: 32 hexadecimal digits.
        scenario: its name.
        collected: when it was put together, ISO 8601 with a time zone.
        records: per party the record, as its node gives it.
        timelines: per party the events at its node.
        evaluation: what a synthetic population's truth says of the scenario: ``population`` and ``scenario``.
        missing: what it lacks, of the parties that the records name and the nodes that were asked.
    """

    run_id: str
    scenario: str
    collected: str
    records: Mapping[str, dict[str, Any]]
    timelines: Mapping[str, tuple[NodeEvent, ...]]
    evaluation: dict[str, Any] | None = None
    missing: tuple[Missing, ...] = ()

    def with_evaluation(self, evaluation: dict[str, Any]) -> Dossier:
        """Return the same dossier with an evaluation."""
        return replace(self, evaluation=evaluation)

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in its file."""
        return {
            "format": _FORMAT,
            "run_id": self.run_id,
            "scenario": self.scenario,
            "collected": self.collected,
            "records": dict(self.records),
            "timelines": {party: [event.as_dict() for event in events] for party, events in self.timelines.items()},
            "evaluation": self.evaluation,
            "missing": [asdict(each) for each in self.missing],
        }

    def write(self, folder: Path) -> Path:
        """Write ``dossier.json`` into a folder, which is made if missing; mode 0600, complete or not at all.

        Returns:
            The file.

        Raises:
            UsageError: it cannot be written.
        """
        path = folder / DOSSIER_NAME
        part = folder / f".{secrets.token_hex(8)}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self.as_dict(), file, ensure_ascii=False, separators=(",", ":"))
            part.replace(path)
        except OSError as cause:
            with suppress(OSError):
                part.unlink()
            raise UsageError(f"Cannot write in {folder}: {cause.strerror}.", "Choose another folder.") from None
        return path

    @classmethod
    def read(cls, path: Path) -> Dossier:
        """Read a dossier: its folder, its file, or a bare record as ``psi-match run --out`` writes it.

        Raises:
            UsageError: there is none, or it is damaged or of another kind.
        """
        hint = "Give what `psi-match dossier` or `psi-match demo --out` wrote, or a record of `psi-match run --out`."
        file = path / DOSSIER_NAME if path.is_dir() else path
        try:
            if file.stat().st_size > _LARGEST_FILE_BYTES:
                raise UsageError(f"{file} is too large for a dossier.", hint)
            content = json.loads(file.read_text(encoding="utf-8"))
            modified = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC)
        except OSError as cause:
            raise UsageError(f"Cannot read {file}: {cause.strerror}.", hint) from None
        except (ValueError, RecursionError):
            raise UsageError(f"{file} is no JSON: damaged, or of another kind.", hint) from None
        try:
            if isinstance(content, dict) and "records" not in content and "party" in content:
                return _of_record(content, modified)
            return _File.model_validate(content).dossier()
        except ValidationError as error:
            # The library's own text could hold a value.
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(step) for step in first["loc"][:3]) or "the whole"
            raise UsageError(f"{file} is no dossier that this version can read: wrong at {where}.", hint) from None


def collect(clients: Mapping[str, ObserverClient], run_id: str, evaluation: dict[str, Any] | None = None) -> Dossier:
    """Ask nodes for their record and timeline of a run.

    Args:
        clients: an observer per party.
        run_id: the run.
        evaluation: see ``Dossier``.

    Raises:
        UsageError: that is no run id, or no node that was asked has a record of it.
    """
    if not RUN(run_id):
        raise UsageError("A run id is 32 hexadecimal digits.", "Copy it from the output of `psi-match run`.")
    records: dict[str, dict[str, Any]] = {}
    timelines: dict[str, tuple[NodeEvent, ...]] = {}
    missing: dict[str, Missing] = {}
    for party, client in clients.items():
        found = _record_at(client, run_id)
        if isinstance(found, dict) and not _belongs(found, party, run_id):
            found = "unreadable"
        if isinstance(found, dict):
            # Staff are nobody's business outside of their own body.
            records[party] = {**found, "operator": ""}
        else:
            missing[party] = Missing(party, RECORD, found)
    if not records:
        said = ", ".join(f"{party}: {each.reason}" for party, each in missing.items())
        raise UsageError(f"No node has a record of that run ({said}).", "See `psi-match status` for a node's runs.")
    scenario = next(iter(records.values()))["scenario"]
    for party in [party for party, record in records.items() if record["scenario"] != scenario]:
        del records[party]
        missing[party] = Missing(party, RECORD, "unreadable")
    for party in records:
        events = _timeline_at(clients[party], run_id)
        if isinstance(events, tuple):
            timelines[party] = events
        else:
            missing[party] = Missing(party, TIMELINE, events)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    lacking = _lacking(records, missing)
    return Dossier(run_id, scenario, now, records, timelines, evaluation, lacking)


def _record_at(client: ObserverClient, run_id: str) -> dict[str, Any] | Reason:
    """Return a node's record of a run that has ended, or why there is none; wait a moment where it has not."""
    deadline = time.monotonic() + _WAIT_S
    try:
        while True:
            runs = client.status(run_id).runs
            if not runs:
                return "unknown"
            if runs[0].record_json:
                break
            if time.monotonic() >= deadline:
                return "running"
            time.sleep(_LOOK_EVERY_S)
        record = json.loads(runs[0].record_json)
    except PolicyRefusal:
        return "refused"
    except PsiMatchError:
        return "unreachable"
    except ValueError:
        return "unreadable"
    # A node that stopped in the middle left a record that says so.
    return record if isinstance(record, dict) else "unreadable"


def _timeline_at(client: ObserverClient, run_id: str) -> tuple[NodeEvent, ...] | Reason:
    try:
        events = tuple(client.timeline(run_id))
    except UsageError:
        return "unknown"
    except PolicyRefusal:
        return "refused"
    except PsiMatchError:
        return "unreachable"
    return events if all(event.run_id == run_id for event in events) else "unreadable"


def _lacking(records: Mapping[str, dict[str, Any]], missing: Mapping[str, Missing]) -> tuple[Missing, ...]:
    """Return what is missing: nothing of a node that is up, knows no such run and is no party of it."""
    parties = {party for record in records.values() for party in record["parties"]}
    asked = [each for each in missing.values() if each.party in parties or each.reason != "unknown"]
    unasked = sorted(parties - set(records) - set(missing))
    return (*asked, *(Missing(party, RECORD, "not-asked") for party in unasked))


_RECORD: Final = TypeAdapter(RunRecord)


def _is_record(values: dict[str, Any]) -> dict[str, Any]:
    """Check a record's fields; return it as it came, for a newer version may have more."""
    # As JSON: from plain values the strict mode, which takes no text for a number, makes no dataclasses.
    _RECORD.validate_json(json.dumps(values), strict=True)
    return values


def _belongs(record: dict[str, Any], party: str, run_id: str) -> bool:
    try:
        _is_record(record)
    except ValidationError:
        return False
    return (record["party"], record["run_id"]) == (party, run_id)


def _of_record(content: dict[str, Any], modified: datetime.datetime) -> Dossier:
    record = _BareRecord.model_validate({"record": content}).record
    records = {record["party"]: record}
    missing = {record["party"]: Missing(record["party"], TIMELINE, "not-asked")}
    collected = modified.isoformat(timespec="seconds")
    return Dossier(record["run_id"], record["scenario"], collected, records, {}, None, _lacking(records, missing))


def _event(values: object) -> NodeEvent:
    if not isinstance(values, dict):
        raise ValueError("is no event")  # what a validator raises  # noqa: TRY004
    return NodeEvent.from_dict(values)


def _is_run(text: str) -> str:
    if not RUN(text):
        raise ValueError("is no run id")
    return text


def _is_name(text: str) -> str:
    if not NAME(text):
        raise ValueError("is no name")
    return text


_Record = Annotated[dict[str, Any], AfterValidator(_is_record)]
_Event = Annotated[NodeEvent, BeforeValidator(_event)]


class _BareRecord(BaseModel):
    """A record alone."""

    record: _Record


class _File(BaseModel):
    """A dossier's file, as it is checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    run_id: Annotated[str, AfterValidator(_is_run)]
    scenario: Annotated[str, AfterValidator(_is_name)]
    collected: datetime.datetime
    records: dict[PartyId, _Record] = Field(min_length=1)
    timelines: dict[PartyId, list[_Event]] = Field(default_factory=dict)
    evaluation: dict[str, Any] | None = None
    missing: list[Missing] = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_of_one_run(self) -> Self:
        for party, record in self.records.items():
            if (record["party"], record["run_id"], record["scenario"]) != (party, self.run_id, self.scenario):
                raise ValueError("holds a record of another run or party")
        return self

    def dossier(self) -> Dossier:
        """Return what the file says."""
        return Dossier(
            self.run_id,
            self.scenario,
            self.collected.isoformat(),
            self.records,
            {party: tuple(events) for party, events in self.timelines.items()},
            self.evaluation,
            tuple(self.missing),
        )


def read_evaluation(path: Path) -> dict[str, Any]:
    """Read the evaluation of a population, as ``psi-match population evaluate`` writes it.

    Raises:
        ConfigError: it cannot be read.
    """
    hint = "Make it with `psi-match population evaluate`."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise ConfigError(f"Cannot read {path}: {cause.strerror}.", hint) from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{path} is no JSON.", hint) from None
    whole = isinstance(content, dict) and "population" in content and isinstance(content.get("scenarios"), dict)
    if not whole:
        raise ConfigError(f"{path} is no evaluation of a population.", hint)
    evaluation: dict[str, Any] = content
    return evaluation
