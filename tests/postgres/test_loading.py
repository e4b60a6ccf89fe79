"""``psi-match population load``: a body's files into its database, and back through its node's own code."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest
from support.postgres import SECRET, WAITS_FOR_A_LOCK, Server

from psi_match.base.errors import DataError, UsageError
from psi_match.bench.population_database import load_population
from psi_match.domain.dataset import DatasetSpec
from psi_match.node.source_config import DatabaseLogin
from psi_match.node.sources import ParquetSource, load
from psi_match.population.generate import generate

pytestmark = pytest.mark.postgres


def psi_match(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "psi_match", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def fails(code: int, *arguments: object) -> str:
    done = psi_match(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("population") / "people"
    generate(20_000, 1, folder, datetime.date(2026, 1, 1))
    return folder


def spec(name: str, **columns: str) -> DatasetSpec:
    given = [{"name": column, "type": kind} for column, kind in columns.items()]
    return DatasetSpec.model_validate(
        {"name": name, "bsn": "synthetic", "reference_date_column": "peildatum", "columns": given}
    )


ARREARS = spec("arrears", open_cents="cents", oldest_claim_months="integer", reminder_sent="boolean")
HOUSEHOLDS = spec("aow_households", partner_bsn="bsn", aow_cents="cents", has_partner="boolean", candidate="boolean")


@pytest.mark.parametrize(
    ("party", "declared"), [("cjib", ARREARS), ("svb", HOUSEHOLDS), ("gemeente-a", spec("opt_outs"))]
)
def test_what_is_loaded_is_read_as_from_the_file(
    server: Server, population: Path, party: str, declared: DatasetSpec
) -> None:
    # Any database will do: names of bodies and databases are matched by whoever deploys.
    loaded = load_population(population, party, server.login("cjib"))
    files = {path.stem: len(pd.read_parquet(path)) for path in (population / party).glob("*.parquet")}
    assert loaded == files
    theirs = load(declared, server.source(table=declared.name))
    ours = load(declared, ParquetSource(kind="parquet", path=population / party / f"{declared.name}.parquet"))
    assert np.array_equal(theirs.bsn, ours.bsn)
    assert theirs.reference_date == ours.reference_date
    for name, values in ours.columns.items():
        assert np.array_equal(theirs.columns[name], values), name
    assert ours.rows > 0


def test_the_tables_have_the_right_types(server: Server, population: Path) -> None:
    load_population(population, "svb", server.login("cjib"))
    found = server.admin(
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = 'aow_households' ORDER BY ordinal_position",
        "cjib",
    )
    assert found.splitlines() == [
        "bsn|character|NO",
        "partner_bsn|character|YES",
        "aow_cents|bigint|YES",
        "has_partner|boolean|YES",
        "lives_in_nl|boolean|YES",
        "receives_aio|boolean|YES",
        "candidate|boolean|YES",
        "peildatum|date|YES",
    ]
    alone = server.admin("SELECT count(*) FROM aow_households WHERE (partner_bsn IS NULL) = has_partner", "cjib")
    assert alone == "0"


def test_the_command_may_be_repeated(server: Server, population: Path, tmp_path: Path) -> None:
    more = ("--party", "cjib", "--url", server.url("cjib"), "--password-file", server.password_file("cjib"), "--json")
    first = psi_match("population", "load", population, *more)
    assert first.returncode == 0, first.stderr
    assert psi_match("population", "load", population, *more).stdout == first.stdout
    counts = json.loads(first.stdout)
    assert server.admin("SELECT count(*) FROM arrears", "cjib") == str(counts["arrears"])
    url = tmp_path / "url"
    url.write_text(server.url("belastingdienst").replace("@", f":{SECRET}-3@"))
    shown = psi_match("population", "load", population, "--party", "belastingdienst", "--url-file", url)
    assert shown.returncode == 0, shown.stderr
    assert "arrears" in shown.stdout
    assert SECRET not in shown.stdout + shown.stderr


def test_command_lines_that_are_wrong(server: Server, population: Path) -> None:
    start = ("population", "load", population, "--party")
    assert "on the command line" in fails(2, *start, "cjib", "--url", server.url("cjib").replace("@", ":x@"))
    assert "either --url or --url-file" in fails(2, *start, "cjib")
    assert "no files of rekennode" in fails(2, *start, "rekennode", "--url", server.url("cjib"))
    assert "Only a PostgreSQL database" in fails(2, *start, "cjib", "--url", "sqlite:///x")
    assert "asks for a password" in fails(4, *start, "cjib", "--url", server.url("cjib"))


def test_a_load_that_fails_changes_nothing(server: Server, population: Path, tmp_path: Path) -> None:
    load_population(population, "uwv", server.login("cjib"))
    before = server.admin("SELECT md5(string_agg(bsn, ',')) FROM arrears", "cjib")
    other = tmp_path / "people"
    shutil.copytree(population, other)
    (other / "uwv" / "arrears.parquet").write_bytes((population / "cjib" / "arrears.parquet").read_bytes())
    damaged = (other / "uwv" / "opt_outs.parquet").read_bytes()
    (other / "uwv" / "opt_outs.parquet").write_bytes(damaged[:4] + bytes(20) + damaged[24:])
    with pytest.raises(DataError, match="is damaged"):
        load_population(other, "uwv", server.login("cjib"))
    assert server.admin("SELECT md5(string_agg(bsn, ',')) FROM arrears", "cjib") == before
    server.owner("cjib", "CREATE VIEW built AS SELECT bsn FROM opt_outs")
    with pytest.raises(DataError, match="such as a view, is built on table opt_outs"):
        load_population(population, "uwv", server.login("cjib"))
    assert server.admin("SELECT md5(string_agg(bsn, ',')) FROM arrears", "cjib") == before


def test_a_reader_may_not_load(server: Server, population: Path) -> None:
    with pytest.raises(DataError, match="has no permission for table arrears") as raised:
        load_population(population, "cjib", server.login("cjib_reader"))
    assert raised.value.__context__ is None
    with pytest.raises(UsageError):
        load_population(population, "cjib", DatabaseLogin.model_validate({"url": "sqlite://"}))


def test_a_transaction_that_began_before_a_load_sees_all_of_it(server: Server, population: Path) -> None:
    """Not what snapshots are for, but better than the empty table that they would show."""
    counts = load_population(population, "cjib", server.login("cjib"))
    with psycopg.connect(
        server.url("cjib_reader").replace("+psycopg", ""),
        password=server.password_file("cjib_reader").read_text().strip(),
    ) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT count(*) FROM pg_class")
        load_population(population, "cjib", server.login("cjib"))
        assert reader.execute("SELECT count(*) FROM arrears").fetchone() == (counts["arrears"],)


def test_a_node_that_waits_for_a_load_reads_all_of_it(server: Server, population: Path) -> None:
    load_population(population, "cjib", server.login("cjib"))
    with ThreadPoolExecutor(1) as pool:
        with server.connect("cjib") as owner:
            owner.execute("LOCK TABLE arrears")
            found = pool.submit(load, ARREARS, server.source(table="arrears"))
            server.wait_for(WAITS_FOR_A_LOCK)
            owner.execute("CREATE TABLE other AS SELECT * FROM arrears LIMIT 5")
            owner.execute("DROP TABLE arrears; ALTER TABLE other RENAME TO arrears")
        assert found.result().rows == 5
