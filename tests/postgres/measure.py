"""How long it takes to read millions of rows from PostgreSQL, and how much memory: python tests/postgres/measure.py.

Makes a server of its own with a table of arrears like that of the largest body, reads it in a process of its own as a
node does, and prints seconds and peak memory on top of an idle node's libraries.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.postgres import PASSWORDS, postgres

READ = """
import json, resource, sys, time
import psycopg, psi_match.node.sql_source
from psi_match.domain.dataset import DatasetSpec
from psi_match.node.sources import SqlSource, load
columns = [{"name": "open_cents", "type": "cents"}, {"name": "oldest_claim_months", "type": "integer"},
    {"name": "reminder_sent", "type": "boolean"}]
spec = DatasetSpec.model_validate({"name": "arrears", "bsn": "synthetic", "reference_date_column": "peildatum",
    "columns": columns})
source = SqlSource.model_validate(json.loads(sys.argv[1]))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
idle, began = peak(), time.perf_counter()
rows = load(spec, source).rows
print(json.dumps({"rows": rows, "seconds": round(time.perf_counter() - began, 1), "megabytes": peak() - idle}))
"""
TABLE = """
CREATE TABLE numbers AS SELECT n FROM generate_series(100000000, 999999999, {step}) AS n
    WHERE (9 * (n / 100000000) + 8 * (n / 10000000 % 10) + 7 * (n / 1000000 % 10) + 6 * (n / 100000 % 10)
        + 5 * (n / 10000 % 10) + 4 * (n / 1000 % 10) + 3 * (n / 100 % 10) + 2 * (n / 10 % 10) - n % 10) % 11 = 1;
CREATE TABLE arrears AS SELECT n::text::char(9) AS bsn, n::bigint % 1000000 AS open_cents,
    (n % 120)::smallint AS oldest_claim_months, n % 2 = 0 AS reminder_sent, DATE '2026-01-01' AS peildatum
    FROM numbers ORDER BY n % 9973 LIMIT {rows}
"""
"""Numbers that fail the 11-proef with remainder 1, as a synthetic population has them, in no order."""
_NUMBERS = 900_000_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=3_600_000)
    arguments.add_argument("--times", type=int, default=3)
    chosen = arguments.parse_args()
    with postgres(PASSWORDS) as server:
        # One number in eleven will do; a tenth more to be sure.
        step = max(1, int(_NUMBERS / (chosen.rows * 11 * 1.1)))
        for statement in TABLE.format(rows=chosen.rows, step=step).split(";"):
            server.owner("cjib", statement)
        source = server.source(table="arrears").model_dump(mode="json", exclude_none=True)
        source["url"] = server.url("cjib_reader")
        for _ in range(chosen.times):
            done = subprocess.run([sys.executable, "-c", READ, json.dumps(source)], check=True, capture_output=True)
            sys.stdout.write(done.stdout.decode())


if __name__ == "__main__":
    main()
