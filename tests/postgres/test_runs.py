"""Whole runs between nodes whose rows are in PostgreSQL, also when the database goes away while they load."""

# ruff: noqa: S608 - the values are made here
from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import structlog
from support.nodes import LEADER, Bodies, make_bodies, records_of, results_of, serving, wait_until_idle
from support.postgres import PASSWORDS, SECRET, Server
from support.sets import numbers

from psi_match.base.errors import DataError, PsiMatchError
from psi_match.domain.bsn import format_bsn
from psi_match.node.config import NodeConfig
from psi_match.node.logs import configure_logs
from psi_match.node.operator_client import OperatorClient

pytestmark = pytest.mark.postgres

PARTIES = ("cjib", "belastingdienst")
QUERY = "SELECT bsn, peildatum FROM rows, pg_sleep((SELECT seconds FROM slowness))"
LOADING = "usename = '{}_reader' AND query LIKE 'COPY%' AND wait_event = 'PgSleep'"


@pytest.fixture
def bodies(tmp_path: Path, server: Server) -> Bodies:
    drawn = numbers(1000)
    rows = {"cjib": drawn[:400], "belastingdienst": drawn[300:700], "toeslagen": drawn[350:750]}
    for party in PARTIES:
        values = ", ".join(f"('{bsn}', CURRENT_DATE)" for bsn in format_bsn(rows[party]))
        server.owner(party, "CREATE TABLE rows (bsn char(9), peildatum date); CREATE TABLE slowness (seconds int)")
        server.owner(party, f"INSERT INTO rows VALUES {values}; INSERT INTO slowness VALUES (0)")
    made = make_bodies(tmp_path, rows)
    for path in (tmp_path / "data").glob("*/rows.parquet"):
        path.unlink()
    return made


def from_database(server: Server, party: str) -> Callable[[NodeConfig], NodeConfig]:
    """Let a node read its rows from its body's database."""

    def change(config: NodeConfig) -> NodeConfig:
        (dataset,) = config.datasets
        source = server.source(f"{party}_reader", query=QUERY)
        return config.model_copy(update={"datasets": (dataset.model_copy(update={"source": source, "preload": True}),)})

    return change


def expected(bodies: Bodies) -> list[str]:
    both = np.intersect1d(bodies.rows["cjib"], bodies.rows["belastingdienst"])
    return sorted(format_bsn(both).tolist())


def found(operator: OperatorClient, run_id: str) -> list[str]:
    table = pd.read_parquet(io.BytesIO(operator.result(run_id)))
    return sorted(table["bsn"].astype(str).tolist())


def test_a_run_gives_the_truth(bodies: Bodies, server: Server) -> None:
    change = {party: from_database(server, party) for party in PARTIES}
    with (
        serving(bodies, PARTIES, change) as nodes,
        OperatorClient(bodies.nodes[LEADER].address, bodies.operator_credentials(LEADER)) as operator,
    ):
        record = operator.run("paar")
        wait_until_idle(nodes)
        assert found(operator, record["run_id"]) == expected(bodies)
    assert len(expected(bodies)) == 100


@pytest.mark.parametrize("party", PARTIES)
def test_a_database_that_goes_away_while_a_run_loads(
    bodies: Bodies, server: Server, party: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    configure_logs(verbose=True)
    raised: list[PsiMatchError] = []
    try:
        with (
            serving(bodies, PARTIES, {name: from_database(server, name) for name in PARTIES}) as nodes,
            OperatorClient(bodies.nodes[LEADER].address, bodies.operator_credentials(LEADER)) as operator,
        ):
            server.owner(party, "UPDATE slowness SET seconds = 60")

            def run() -> None:
                try:
                    operator.run("paar")
                except PsiMatchError as error:
                    raised.append(error)

            runner = threading.Thread(target=run)
            runner.start()
            server.wait_for(f"SELECT count(*) = 1 FROM pg_stat_activity WHERE {LOADING.format(party)}")
            server.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {LOADING.format(party)}")
            runner.join(60)
            assert not runner.is_alive()
            wait_until_idle(nodes)
            if party == LEADER:
                assert isinstance(raised[0], DataError)
                assert "the connection broke off" in str(raised[0])
            else:
                assert "connection broke off" not in str(raised[0]), "the cause is the owner's business"
            record = records_of(nodes[party])[0]
            assert record["state"] == "failed"
            assert "the connection broke off" in record["error"]
            assert not results_of(bodies)
            server.owner(party, "UPDATE slowness SET seconds = 0")
            again = operator.run("paar")
            wait_until_idle(nodes)
            assert found(operator, again["run_id"]) == expected(bodies)
    finally:
        structlog.reset_defaults()
    shown = "".join(capfd.readouterr()) + caplog.text
    shown += "".join(path.read_text() for path in bodies.folder.glob("nodes/*/state/runs/*/record.json"))
    assert "run" in shown
    assert not [bsn for bsn in expected(bodies) if bsn in shown]
    assert SECRET in "".join(PASSWORDS.values())
    assert SECRET not in shown
