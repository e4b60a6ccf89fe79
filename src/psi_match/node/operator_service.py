"""The gRPC service for a node's own people: operators start runs and fetch results, auditors read records and log.

Observers read records, and have a service of their own for events.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc

from psi_match import __version__
from psi_match.base.errors import InternalError, PsiMatchError, SeedFailure, UsageError
from psi_match.governance.audit.files import log_files
from psi_match.governance.decision import Permit
from psi_match.node.audit_log import FOLDER_NAME
from psi_match.node.certificates import AUDITOR, OBSERVER, OPERATOR
from psi_match.node.context import NodeContext
from psi_match.node.coordinating import check_takes_part, coordinate_run
from psi_match.node.joint_choice import read_asked
from psi_match.node.leading import check_leads, lead_run
from psi_match.node.notice_files import amended_result, received_notices
from psi_match.node.notices import notify
from psi_match.node.own_people import OwnPeople, refuse
from psi_match.node.rehearsal import rehearse
from psi_match.node.retention import purge
from psi_match.node.sessions import Session
from psi_match.node.store import RUN_ID_BYTES, RunRecord
from psi_match.scenario.join_model import AnyScenario, JoinScenario
from psi_match.wire.v1 import operator_pb2 as pb
from psi_match.wire.v1 import operator_pb2_grpc

_PROGRESS_EVERY_S = 0.2
_PART_BYTES = 1 << 20
_MOST_RECORDS = 1000
"""In one answer: about 1.5 MB, below gRPC's cap of 4 MiB."""


class OperatorService(operator_pb2_grpc.OperatorServicer):  # type: ignore[misc]  # generated, without types
    """Answers operators, auditors and observers of this node's own party, and nobody else.

    Args:
        context: the node.
    """

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._people = OwnPeople(context)

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> Iterator[pb.RunEvent]:  # noqa: N802
        """Start a run and follow it. A run goes on when its operator stops following."""
        operator = self._people.admit(context, OPERATOR)
        try:
            wanted = self._plan(request, operator.name)
            if request.dry_run:
                checked = rehearse(self._context, wanted.scenario, wanted.permit)
                yield pb.RunEvent(finished=pb.Finished(record_json=json.dumps(checked)))
                return
            end = yield from self._follow(wanted)
            if isinstance(end, SeedFailure):
                # Once: a new session draws new seeds. A second failure in a row is no accident. It is another run, and
                # so it is asked anew whether it may take place.
                end = yield from self._follow(self._plan(request, operator.name))
        except PsiMatchError as error:
            self._context.refusals.note(error, scenario=request.scenario, operator=operator.name)
            yield pb.RunEvent(failed=_failed(error))
            return
        if isinstance(end, RunRecord):
            yield pb.RunEvent(finished=pb.Finished(record_json=end.as_json()))
        else:
            yield pb.RunEvent(failed=_failed(end))

    def _follow(self, wanted: _Wanted) -> Generator[pb.RunEvent, None, RunRecord | PsiMatchError]:
        """Lead one run in a thread of its own and report its progress; return how it ended."""
        role = "coordinator" if isinstance(wanted.scenario, JoinScenario) else "leader"
        session = Session(secrets.token_hex(RUN_ID_BYTES), wanted.scenario.name, role)
        yield pb.RunEvent(started=pb.Started(run_id=session.run_id))
        outcome: list[RunRecord | PsiMatchError] = []
        worker = threading.Thread(target=self._lead, args=(wanted, session, outcome), name="lead")
        worker.start()
        while worker.is_alive():
            worker.join(_PROGRESS_EVERY_S)
            for link in list(session.links.values()):
                progress = link.progress
                yield pb.RunEvent(
                    progress=pb.Progress(
                        peer=link.peer,
                        step=progress.step,
                        done=progress.done,
                        total=progress.total,
                        silent_s=link.silent_s,
                    )
                )
        return outcome[0]

    def Status(self, request: pb.StatusRequest, context: grpc.ServicerContext) -> pb.StatusReply:  # noqa: N802
        """Tell what this node has done, the newest runs of it, and is doing."""
        looks_on = self._people.admit(context, OPERATOR, AUDITOR, OBSERVER).role == OBSERVER
        live = [run for run in self._context.sessions.live() if not (looks_on and run.about_notices)]
        runs = [pb.RunStatus(run_id=run.run_id, scenario=run.scenario, role=run.role, state="running") for run in live]
        running = {run.run_id for run in live}
        wanted = [r for r in self._context.store.records() if request.run_id in {"", r["run_id"]}][-_MOST_RECORDS:]
        runs += [
            pb.RunStatus(
                run_id=record["run_id"],
                scenario=record["scenario"],
                role=record["role"],
                state=record["state"],
                record_json=json.dumps(record),
            )
            for record in wanted
            if record["run_id"] not in running and not (looks_on and record["notices_of"])
        ]
        if request.run_id:
            runs = [run for run in runs if run.run_id == request.run_id]
        return pb.StatusReply(
            party=self._context.party,
            software_version=__version__,
            live_sessions=len(live),
            max_sessions=self._context.sessions.limit,
            runs=runs,
        )

    def Result(self, request: pb.ResultRequest, context: grpc.ServicerContext) -> Iterator[pb.ResultPart]:  # noqa: N802
        """Hand a result of this node to its operator."""
        operator = self._people.admit(context, OPERATOR)
        try:
            purge(self._context.store, self._context.audit, self._context.clock.today())
            path = self._context.store.result_path(request.run_id)
            amended = amended_result(self._context.store, request.run_id)
            # Nothing is handed out that is not written down.
            self._context.audit.append("result-read", run=request.run_id, operator=operator.name)
        except PsiMatchError as error:
            refuse(context, grpc.StatusCode.NOT_FOUND, error)
        for part in _parts(path) if amended is None else _cut(amended):
            yield pb.ResultPart(content=part)

    def Notify(self, request: pb.NotifyRequest, context: grpc.ServicerContext) -> pb.NotifyReply:  # noqa: N802
        """Keep notices about an earlier run, and tell the recipients of its rows."""
        operator = self._people.admit(context, OPERATOR)
        try:
            told = notify(
                self._context, request.run_id, request.kind, request.reason, request.bsn, operator=operator.name
            )
        except PsiMatchError as error:
            self._context.refusals.note(error, run=request.run_id, operator=operator.name)
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, error)
        except Exception as error:  # the text could hold a value  # noqa: BLE001
            defect = InternalError(f"A defect of psi-match: {type(error).__name__}.", "Please report it.")
            refuse(context, grpc.StatusCode.INTERNAL, defect)
        return pb.NotifyReply(recipients=[pb.RecipientTold(**asdict(each)) for each in told])

    def Notices(self, request: pb.ResultRequest, context: grpc.ServicerContext) -> Iterator[pb.ResultPart]:  # noqa: N802
        """Hand the notices that came in about a result of this node to its operator."""
        operator = self._people.admit(context, OPERATOR)
        try:
            purge(self._context.store, self._context.audit, self._context.clock.today())
            content = received_notices(self._context.store, request.run_id)
            self._context.audit.append("result-read", run=request.run_id, operator=operator.name)
        except PsiMatchError as error:
            refuse(context, grpc.StatusCode.NOT_FOUND, error)
        for part in _cut(content):
            yield pb.ResultPart(content=part)

    def Log(self, _request: pb.LogRequest, context: grpc.ServicerContext) -> Iterator[pb.LogPart]:  # noqa: N802
        """Hand the audit log to an auditor."""
        auditor = self._people.admit(context, AUDITOR)
        try:
            # First, so that what is handed over tells of its own reading.
            self._context.audit.append("log-read", auditor=auditor.name)
        except PsiMatchError as error:
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, error)
        for path in log_files(self._context.config.state_dir / FOLDER_NAME):
            # Whole lines: another thread may be writing one.
            content = path.read_bytes()
            content = content[: content.rfind(b"\n") + 1]
            for start in range(0, len(content), _PART_BYTES):
                yield pb.LogPart(file=path.name, content=content[start : start + _PART_BYTES])

    def _plan(self, request: pb.RunRequest, operator: str) -> _Wanted:
        scenario = self._context.catalogue.get(request.scenario)
        engine = self._engine(scenario, request.engine)
        return _Wanted(scenario, engine, self._context.gate.propose(scenario, request.agreement), operator)

    def _engine(self, scenario: AnyScenario, asked: str) -> str:
        if isinstance(scenario, JoinScenario):
            check_takes_part(self._context, scenario)
            read_asked(scenario, asked)
            return asked
        check_leads(self._context, scenario)
        if asked and asked not in scenario.engines:
            raise UsageError("The scenario does not allow this engine.", f"It allows {', '.join(scenario.engines)}.")
        return asked

    def _lead(self, wanted: _Wanted, session: Session, outcome: list[RunRecord | PsiMatchError]) -> None:
        context, scenario, engine = self._context, wanted.scenario, wanted.engine
        try:
            if isinstance(scenario, JoinScenario):
                asked = read_asked(scenario, engine)
                outcome.append(coordinate_run(context, scenario, asked, session, wanted.permit, wanted.operator))
            else:
                outcome.append(lead_run(context, scenario, engine, session, wanted.permit, wanted.operator))
        except PsiMatchError as error:
            outcome.append(error)
            context.refusals.note(error, scenario=scenario.name, run=session.run_id, operator=wanted.operator)
        except Exception as error:  # the operator must get an answer; the text could hold a value  # noqa: BLE001
            outcome.append(InternalError(f"A defect of psi-match: {type(error).__name__}.", "Please report it."))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A run that an operator wants, and that is permitted."""

    scenario: AnyScenario
    engine: str
    """What was asked for; where it says nothing, whoever leads the run chooses."""
    permit: Permit
    operator: str


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            yield part


def _cut(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _PART_BYTES):
        yield content[start : start + _PART_BYTES]


def _failed(error: PsiMatchError) -> pb.Failed:
    return pb.Failed(
        error=type(error).__name__,
        sentence=error.sentence,
        hint=error.hint,
        peer=error.peer or "",
        step=error.step or "",
    )
