"""The gRPC service for a node's own operator: start a run, follow it, fetch its result."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Generator, Iterator
from typing import NoReturn

import grpc

from psi_match import __version__
from psi_match.base.errors import InternalError, PsiMatchError, SeedFailure, UsageError
from psi_match.node.adder_choice import choose_adder
from psi_match.node.certificates import OPERATOR
from psi_match.node.channels import caller
from psi_match.node.context import NodeContext
from psi_match.node.coordinating import check_takes_part, coordinate_run
from psi_match.node.leading import check_leads, lead_run
from psi_match.node.rehearsal import rehearse
from psi_match.node.sessions import Session
from psi_match.node.store import RUN_ID_BYTES, RunRecord
from psi_match.protocols.integers import ADDERS, Adder
from psi_match.scenario.join_model import AnyScenario, JoinScenario
from psi_match.wire.v1 import operator_pb2 as pb
from psi_match.wire.v1 import operator_pb2_grpc

_PROGRESS_EVERY_S = 0.2
_PART_BYTES = 1 << 20
ERROR_KEY = "psi-match-error"
HINT_KEY = "psi-match-hint"
"""Trailing metadata of a refused call: the error's class and hint, for the exit code of the operator's program."""


class OperatorService(operator_pb2_grpc.OperatorServicer):  # type: ignore[misc]  # generated, without types
    """Answers operators of this node's own party, and nobody else.

    Args:
        context: the node.
    """

    def __init__(self, context: NodeContext) -> None:
        self._context = context

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> Iterator[pb.RunEvent]:  # noqa: N802
        """Start a run and follow it. A run goes on when its operator stops following."""
        self._own_operator(context)
        try:
            scenario, engine = self._plan(request)
            if request.dry_run:
                yield pb.RunEvent(finished=pb.Finished(record_json=json.dumps(rehearse(self._context, scenario))))
                return
        except PsiMatchError as error:
            yield pb.RunEvent(failed=_failed(error))
            return
        end = yield from self._follow(scenario, engine)
        if isinstance(end, SeedFailure):
            # Once: a new session draws new seeds. A second failure in a row is no accident.
            end = yield from self._follow(scenario, engine)
        if isinstance(end, RunRecord):
            yield pb.RunEvent(finished=pb.Finished(record_json=end.as_json()))
        else:
            yield pb.RunEvent(failed=_failed(end))

    def _follow(self, scenario: AnyScenario, engine: str) -> Generator[pb.RunEvent, None, RunRecord | PsiMatchError]:
        """Lead one run in a thread of its own and report its progress; return how it ended."""
        role = "coordinator" if isinstance(scenario, JoinScenario) else "leader"
        session = Session(secrets.token_hex(RUN_ID_BYTES), scenario.name, role)
        yield pb.RunEvent(started=pb.Started(run_id=session.run_id))
        outcome: list[RunRecord | PsiMatchError] = []
        worker = threading.Thread(target=self._lead, args=(scenario, engine, session, outcome), name="lead")
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
        """Tell what this node has done and is doing."""
        self._own_operator(context)
        live = self._context.sessions.live()
        runs = [pb.RunStatus(run_id=run.run_id, scenario=run.scenario, role=run.role, state="running") for run in live]
        running = {run.run_id for run in live}
        runs += [
            pb.RunStatus(
                run_id=record["run_id"],
                scenario=record["scenario"],
                role=record["role"],
                state=record["state"],
                record_json=json.dumps(record),
            )
            for record in self._context.store.records()
            if record["run_id"] not in running
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
        self._own_operator(context)
        try:
            path = self._context.store.result_path(request.run_id)
        except PsiMatchError as error:
            _refuse(context, grpc.StatusCode.NOT_FOUND, error)
        with path.open("rb") as file:
            while part := file.read(_PART_BYTES):
                yield pb.ResultPart(content=part)

    def _plan(self, request: pb.RunRequest) -> tuple[AnyScenario, str]:
        scenario = self._context.catalogue.get(request.scenario)
        if isinstance(scenario, JoinScenario):
            check_takes_part(self._context, scenario)
            if request.engine and request.engine not in ADDERS:
                raise UsageError(
                    "A joint scenario has no engine of that name.", f"Its circuits carry by {' or '.join(ADDERS)}."
                )
            return scenario, request.engine
        check_leads(self._context, scenario)
        engine = request.engine or scenario.engines[0]
        if engine not in scenario.engines:
            raise UsageError("The scenario does not allow this engine.", f"It allows {', '.join(scenario.engines)}.")
        return scenario, engine

    def _lead(
        self, scenario: AnyScenario, engine: str, session: Session, outcome: list[RunRecord | PsiMatchError]
    ) -> None:
        try:
            if isinstance(scenario, JoinScenario):
                adder: Adder = "prefix" if engine == "prefix" else "ripple"
                if not engine:
                    adder = choose_adder(self._context, scenario)
                outcome.append(coordinate_run(self._context, scenario, adder, session))
            else:
                outcome.append(lead_run(self._context, scenario, engine, session))
        except PsiMatchError as error:
            outcome.append(error)
        except Exception as error:  # the operator must get an answer; the text could hold a value  # noqa: BLE001
            outcome.append(InternalError(f"A defect of psi-match: {type(error).__name__}.", "Please report it."))

    def _own_operator(self, context: grpc.ServicerContext) -> None:
        identity = caller(context)
        if identity is None or identity.role != OPERATOR or identity.party != self._context.party:
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                f"The certificate is not that of an operator of {self._context.party}.",
            )


def _failed(error: PsiMatchError) -> pb.Failed:
    return pb.Failed(
        error=type(error).__name__,
        sentence=error.sentence,
        hint=error.hint,
        peer=error.peer or "",
        step=error.step or "",
    )


def _refuse(context: grpc.ServicerContext, code: grpc.StatusCode, error: PsiMatchError) -> NoReturn:
    context.set_trailing_metadata(((ERROR_KEY, type(error).__name__), (HINT_KEY, error.hint)))
    context.abort(code, error.sentence)
    raise AssertionError  # abort has raised
