"""Keep a run's record from its first second to its last, whatever happens in between."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from psi_match import __version__
from psi_match.base.errors import ConfigError, InternalError, PsiMatchError
from psi_match.base.resources import peak_rss_bytes
from psi_match.governance.decision import Permit
from psi_match.node.audit_log import AuditLog
from psi_match.node.context import NodeContext
from psi_match.node.contribution import Contribution
from psi_match.node.event_log import RunEvents
from psi_match.node.joint_contribution import JointContribution
from psi_match.node.link import Link
from psi_match.node.sessions import Session
from psi_match.node.store import PairRecord, RunRecord
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import AnyScenario


def new_record(
    context: NodeContext,
    run_id: str,
    scenario: AnyScenario,
    engine: str,
    permit: Permit,
    coordinator: str = "",
    operator: str = "",
) -> RunRecord:
    """Return the record of a run that starts now."""
    party, agreement, now = context.party, permit.agreement, context.clock.now()
    kept = agreement.retention
    days = {"result": kept.result_days, "secrets": kept.secret_days, "record": kept.record_days}
    return RunRecord(
        run_id=run_id,
        agreement=agreement.name,
        agreement_digest=agreement.digest.hex(),
        operator=operator,
        keep_until={what: str(now.date() + datetime.timedelta(days=count)) for what, count in days.items()},
        scenario=scenario.name,
        scenario_digest=digest(scenario).hex(),
        engine=engine,
        party=party,
        role=", ".join(scenario.roles(party)),
        leader=", ".join(scenario.leaders),
        coordinator=coordinator or scenario.leaders[0],
        parties=scenario.party_ids,
        started=now.isoformat(timespec="milliseconds"),
        software_version=__version__,
    )


def fix_contribution(context: NodeContext, record: RunRecord, contribution: Contribution | JointContribution) -> None:
    """Write down, on disk and before the session id opens, what this node puts in: counts, a date, a commitment."""
    record.rows_loaded = contribution.rows_loaded
    record.rows_rejected = contribution.rows_rejected
    record.rows_in = contribution.rows_in
    record.opted_out = contribution.opted_out
    record.reference_date = str(contribution.reference_date or "")
    record.dataset_commitment = contribution.commitment.hex()
    # In this order: what opens a commitment is found, and deleted in time, by the record.
    context.store.write_record(record)
    context.store.write_nonce(record.run_id, contribution.nonce)
    context.audit.append(
        "contribution-fixed",
        run=record.run_id,
        commitment=record.dataset_commitment,
        row_size=contribution.row_size if isinstance(contribution, JointContribution) else contribution.size,
        set_size=contribution.set_size if isinstance(contribution, JointContribution) else contribution.size,
        opted_out=contribution.opted_out,
    )
    structlog.get_logger().info("contribution fixed", run=record.run_id, commitment=record.dataset_commitment)


def note_link(pair: PairRecord, link: Link) -> None:
    """Write down what crossed a link."""
    pair.bytes_out, pair.bytes_in, pair.rounds = link.bytes_out, link.bytes_in, link.flights


@contextmanager
def recorded(context: NodeContext, record: RunRecord, session: Session) -> Iterator[RunRecord]:
    """Hold a run: log and record its start and its end, and on failure abort every link before the error goes on.

    Raises:
        PsiMatchError: whatever happens inside; other exceptions become ``InternalError`` and lose their text, which
            could hold a value.
    """
    log = structlog.get_logger().bind(run=record.run_id, scenario=record.scenario, role=record.role)
    log.info("run started", engine=record.engine, peers=sorted(set(record.parties) - {record.party}))
    wall, cpu = time.monotonic(), time.process_time()
    failure: PsiMatchError | None = None
    events = _begin_events(context, record, session)
    try:
        _log_start(context.audit, record)
        yield record
    except PsiMatchError as error:
        # Whoever started the run has a stream to every party; its operator is to hear the cause, not its echo.
        failure = session.cause_of(error) if record.coordinator == context.party else error
    except OSError as error:
        failure = _unwritable(error)
    except Exception as error:  # whatever it is, peers must be told and no value may be logged  # noqa: BLE001
        failure = InternalError(f"A defect of psi-match: {type(error).__name__}.", "Please report it.")
        failure.__notes__ = [_where(error)]
    record.wall_s = round(time.monotonic() - wall, 4)
    record.cpu_s = round(time.process_time() - cpu, 4)
    record.peak_rss_bytes = peak_rss_bytes()
    failure = failure or _finish(context, record)
    if failure:
        session.fail(failure)
        try:
            # Whatever failed, and when: no result of a failed run stays.
            context.store.discard_result(record.run_id)
        finally:
            _note_failure(context, record, failure)
            _keep_timeline(context, record, events)
        where = getattr(failure, "__notes__", [None])[0]
        log.warning("run failed", error=type(failure).__name__, sentence=str(failure), where=where)
        raise failure
    _keep_timeline(context, record, events)
    log.info("run finished", wall_s=record.wall_s, rows_in=record.rows_in)


def _begin_events(context: NodeContext, record: RunRecord, session: Session) -> RunEvents | None:
    """Let those who look on follow a run; none about notices: when a body gives them is nobody else's business."""
    events = None
    if not record.notices_of:
        events = context.events.begin(record.run_id, record.scenario, record.role, session.first_message_at())
    session.report_to(events)
    return events


def _keep_timeline(context: NodeContext, record: RunRecord, events: RunEvents | None) -> None:
    """End a run for those who look on, and keep what they saw; a run does not fail for want of it."""
    if events is None:
        return
    try:
        context.store.write_timeline(record.run_id, context.events.end(events, record.state))
    except OSError as error:
        structlog.get_logger().error("timeline not written", run=record.run_id, error=type(error).__name__)


def _unwritable(error: OSError) -> ConfigError:
    return ConfigError(f"The node cannot keep its state: {error.strerror}.", "Check state_dir and its disk.")


def _finish(context: NodeContext, record: RunRecord) -> PsiMatchError | None:
    """Write down that a run has succeeded; its result is handed out only where the record says so.

    Returns:
        Why it could not be written down.
    """
    record.state = "finished"
    try:
        _log_finish(context.audit, record)
        context.store.write_record(record)
    except PsiMatchError as error:
        failure: PsiMatchError = error
    except OSError as error:
        failure = _unwritable(error)
    else:
        return None
    return failure


def _note_failure(context: NodeContext, record: RunRecord, failure: PsiMatchError) -> None:
    """Write down that a run has failed, as far as that can be done: the failure itself is what its people hear of."""
    record.state, record.error = "failed", str(failure)
    record.result_rows = None
    for pair in record.pairs.values():
        pair.matches = None
    about = {name: value for name, value in (("peer", failure.peer), ("step", failure.step)) if value}

    def write_record() -> None:
        context.store.write_record(record)

    def write_line() -> None:
        context.audit.append("run-failed", run=record.run_id, error=type(failure).__name__, **about)

    for write in (write_record, write_line):
        try:
            write()
        except (PsiMatchError, OSError) as error:
            structlog.get_logger().error("end of a run not written", run=record.run_id, error=type(error).__name__)


def _log_start(audit: AuditLog, record: RunRecord) -> None:
    audit.append(
        "run-started",
        run=record.run_id,
        role=record.role,
        scenario=record.scenario,
        scenario_digest=record.scenario_digest,
        agreement=record.agreement,
        agreement_digest=record.agreement_digest,
        parties=record.parties,
        coordinator=record.coordinator,
    )


def _log_finish(audit: AuditLog, record: RunRecord) -> None:
    audit.append(
        "run-finished",
        run=record.run_id,
        rows=record.sizes.get("rows", {}),
        sets=record.sizes.get("sets", {}),
        bytes_out={peer: pair.bytes_out for peer, pair in record.pairs.items()},
        bytes_in={peer: pair.bytes_in for peer, pair in record.pairs.items()},
        recipient=record.result_rows is not None,
    )


def _where(error: BaseException) -> str:
    """Return the place of a defect: files and lines, no values."""
    trace, places = error.__traceback__, []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(places[-6:])
