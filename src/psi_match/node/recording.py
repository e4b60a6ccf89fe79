"""Keep a run's record from its first second to its last, whatever happens in between."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from psi_match import __version__
from psi_match.base.errors import InternalError, PsiMatchError
from psi_match.base.resources import peak_rss_bytes
from psi_match.node.context import NodeContext
from psi_match.node.contribution import Contribution
from psi_match.node.joint_contribution import JointContribution
from psi_match.node.link import Link
from psi_match.node.sessions import Session
from psi_match.node.store import PairRecord, RunRecord
from psi_match.scenario.digest import digest
from psi_match.scenario.join_model import AnyScenario


def new_record(run_id: str, scenario: AnyScenario, engine: str, party: str, coordinator: str = "") -> RunRecord:
    """Return the record of a run that starts now."""
    return RunRecord(
        run_id=run_id,
        scenario=scenario.name,
        scenario_digest=digest(scenario).hex(),
        engine=engine,
        party=party,
        role=", ".join(scenario.roles(party)),
        leader=", ".join(scenario.leaders),
        coordinator=coordinator or scenario.leaders[0],
        parties=scenario.party_ids,
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        software_version=__version__,
    )


def fix_contribution(context: NodeContext, record: RunRecord, contribution: Contribution | JointContribution) -> None:
    """Write down, on disk and before the session id opens, what this node puts in: counts, a date, a commitment."""
    record.rows_loaded = contribution.rows_loaded
    record.rows_rejected = contribution.rows_rejected
    record.rows_in = contribution.rows_in
    record.reference_date = str(contribution.reference_date or "")
    record.dataset_commitment = contribution.commitment.hex()
    context.store.write_nonce(record.run_id, contribution.nonce)
    context.store.write_record(record)
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
    try:
        yield record
    except PsiMatchError as error:
        failure = error
    except Exception as error:  # whatever it is, peers must be told and no value may be logged  # noqa: BLE001
        failure = InternalError(f"A defect of psi-match: {type(error).__name__}.", "Please report it.")
        failure.__notes__ = [_where(error)]
    record.wall_s = round(time.monotonic() - wall, 4)
    record.cpu_s = round(time.process_time() - cpu, 4)
    record.peak_rss_bytes = peak_rss_bytes()
    record.state = "failed" if failure else "finished"
    record.error = str(failure) if failure else ""
    if failure:
        session.fail(failure)
        record.result_rows = None
        for pair in record.pairs.values():
            pair.matches = None
    try:
        context.store.write_record(record)
    except OSError as error:
        log.error("record not written", error=error.strerror)  # noqa: TRY400  # a traceback is not for logs
    if failure:
        where = getattr(failure, "__notes__", [None])[0]
        log.warning("run failed", error=type(failure).__name__, sentence=str(failure), where=where)
        raise failure
    log.info("run finished", wall_s=record.wall_s, rows_in=record.rows_in)


def _where(error: BaseException) -> str:
    """Return the place of a defect: files and lines, no values."""
    trace, places = error.__traceback__, []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(places[-6:])
