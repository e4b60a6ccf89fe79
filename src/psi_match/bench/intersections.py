"""Bench of the two-party intersection: two real node processes, loopback mTLS, counted bytes, checked answers.

What is timed is what an operator waits for: from ``run`` to the result in the leader's store, with the datasets loaded
and the kernels warm. Half of the leader's rows are in the data party's set.
"""

from __future__ import annotations

import datetime
import io
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from psi_match.base.errors import ResultMismatch
from psi_match.domain.bsn import format_bsn
from psi_match.node.certificates import NODE, OPERATOR, Authority, write_key_folder
from psi_match.node.local_nodes import LocalDataset, LocalNode, free_ports, running, write_node_folder
from psi_match.node.operator_client import finished_record
from psi_match.population.numbers import draw_numbers

LEADER, DATA_PARTY = "cjib", "belastingdienst"
SCENARIO = "bench-psi"
_SCENARIO_TOML = """\
format = 1
name = "{name}"
title = {{ nl = "Meting", en = "Bench" }}
source = {{ nl = "geen", en = "none" }}
purpose = {{ nl = "De duur van een doorsnede meten.", en = "Time an intersection of made-up numbers." }}
assumptions = {{ nl = "geen", en = "none" }}
protocol = "psi"
engines = ["kkrt", "ecdh"]
leader = "{leader}"
[[parties]]
id = "{leader}"
dataset = "rows"
max_age_days = 2
rows = {{ nl = "nummers", en = "numbers" }}
[[parties]]
id = "{data_party}"
dataset = "rows"
max_age_days = 2
rows = {{ nl = "nummers", en = "numbers" }}
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One engine's figures: the run of median wall time.

    Args:
        suite: ``psi``.
        engine: ``kkrt`` or ``ecdh``.
        rows: rows per party.
        wall_s: seconds from ``run`` to the stored result.
        cpu_s: CPU seconds of each node's process during the run, by party.
        peak_rss_bytes: largest resident memory of each node's process since its start, by party.
        bytes: serialised message bytes per directed pair, without heartbeats, gRPC and TLS.
        rounds: flights of messages in one direction.
        runs_wall_s: wall times of all timed runs.
    """

    suite: str
    engine: str
    rows: int
    wall_s: float
    cpu_s: dict[str, float]
    peak_rss_bytes: dict[str, int]
    bytes: dict[str, int]
    rounds: int
    runs_wall_s: list[float]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def bench_intersections(
    rows: int,
    engine: str,
    runs: int,
    folder: Path,
    *,
    warm_up: bool = True,
    on_stage: Callable[[str], None] = lambda _stage: None,
) -> Measurement:
    """Time one engine in an empty folder.

    Args:
        rows: rows per party.
        engine: which engine.
        runs: timed runs.
        folder: receives data, keys and node folders.
        warm_up: do one run first that does not count.
        on_stage: called with the name of each stage as it begins.

    Raises:
        ResultMismatch: a timed run's answer differs from that of pandas.
        PsiMatchError: a run failed.
    """
    on_stage(f"{engine}: make {rows} rows for each of two parties")
    expected = _write_rows(rows, folder)
    nodes = _prepare(folder)
    on_stage(f"{engine}: start two nodes and load their rows")
    timed: list[tuple[float, dict[str, Any], dict[str, Any]]] = []
    with running(nodes):
        for index in range(runs + warm_up):
            on_stage(f"{engine}: {'warm-up' if index < warm_up else f'run {index + 1 - warm_up} of {runs}'}")
            with nodes[0].operator() as leader, nodes[1].operator() as data_party:
                began = time.monotonic()
                record = leader.run(SCENARIO, engine)
                wall = time.monotonic() - began
                found = pd.read_parquet(io.BytesIO(leader.result(record["run_id"])))
                if not np.array_equal(found["bsn"].to_numpy(dtype=str), expected):
                    raise ResultMismatch(f"Engine {engine} gave another answer than pandas.", "Please report it.")
                if index >= warm_up:
                    timed.append((wall, record, finished_record(data_party, record["run_id"])))
    walls = [wall for wall, _, _ in timed]
    _, record, theirs = timed[walls.index(statistics.median_low(walls))]
    pair = record["pairs"][DATA_PARTY]
    return Measurement(
        suite="psi",
        engine=engine,
        rows=rows,
        wall_s=round(statistics.median_low(walls), 3),
        cpu_s={LEADER: record["cpu_s"], DATA_PARTY: theirs["cpu_s"]},
        peak_rss_bytes={LEADER: record["peak_rss_bytes"], DATA_PARTY: theirs["peak_rss_bytes"]},
        bytes={f"{LEADER}->{DATA_PARTY}": pair["bytes_out"], f"{DATA_PARTY}->{LEADER}": pair["bytes_in"]},
        rounds=pair["rounds"],
        runs_wall_s=[round(wall, 3) for wall in walls],
    )


def _write_rows(rows: int, folder: Path) -> np.ndarray[Any, np.dtype[Any]]:
    """Write both parties' rows; return the expected answer, by pandas, as sorted text."""
    numbers = draw_numbers(2 * rows - rows // 2, np.random.default_rng(7))
    sides = {LEADER: numbers[:rows], DATA_PARTY: numbers[rows - rows // 2 :]}
    today = datetime.datetime.now(datetime.UTC).date()
    for party, own in sides.items():
        (folder / "data" / party).mkdir(parents=True)
        table = pa.table({"bsn": pa.array(format_bsn(own)), "peildatum": pa.array([today] * len(own), pa.date32())})
        pq.write_table(table, folder / "data" / party / "rows.parquet")
    leader = pd.Series(format_bsn(sides[LEADER]))
    both = leader[leader.isin(pd.Series(format_bsn(sides[DATA_PARTY])))]
    return both.sort_values().to_numpy(dtype=str)


def _prepare(folder: Path) -> list[LocalNode]:
    now = datetime.datetime.now(datetime.UTC)
    authority = Authority.create(now)
    (folder / "scenarios").mkdir()
    text = _SCENARIO_TOML.format(name=SCENARIO, leader=LEADER, data_party=DATA_PARTY)
    (folder / "scenarios" / f"{SCENARIO}.toml").write_text(text)
    nodes = [
        LocalNode(party, folder / "nodes" / party, folder / "keys" / party, port)
        for party, port in zip((LEADER, DATA_PARTY), free_ports(2), strict=True)
    ]
    addresses = {node.party: node.address for node in nodes}
    for node in nodes:
        write_key_folder(node.keys, authority, node.party, (NODE, OPERATOR), now)
        rows = LocalDataset(folder / "data" / node.party / "rows.parquet", preload=True)
        extra = f'scenario_dir = "{folder / "scenarios"}"\n'
        write_node_folder(node.folder, node, addresses, {"rows": rows}, extra)
    return nodes
