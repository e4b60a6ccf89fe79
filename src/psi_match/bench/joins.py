"""Bench of joint runs: real node processes, loopback mTLS, counted bytes per stage, checked answers.

What is timed is what an operator waits for: from ``run`` to the result in the recipient's store, with the datasets
loaded and the kernels warm. Every answer is compared with pandas.
"""

from __future__ import annotations

import datetime
import io
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
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

SCENARIO = "bench-join"
_AMOUNT = 10**12
_HEAD = """\
format = 1
name = "bench-join"
protocol = "join"
title = {{ nl = "Meting", en = "Bench" }}
source = {{ nl = "geen", en = "none" }}
purpose = {{ nl = "De duur van een gezamenlijke sessie meten.", en = "Time a joint session on made-up numbers." }}
assumptions = {{ nl = "geen", en = "none" }}
leaders = [{leaders}]
compute = [{compute}]
predicate = "{predicate}"
"""


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured.

    Args:
        name: as the command line knows it.
        what: for people.
        leaders: party ids.
        compute: party ids.
        predicate: expression.
        sizes: rows per party with data, as a factor of the rows that were asked for.
        columns: per party its computed columns with the largest value that is declared.
        keys: whether the leader's rows have a partner.
        output: TOML of the output.
        recipient: who learns the result.
        constants: named numbers.
        expected: the BSNs in the answer, from the parties' tables, by pandas.
    """

    name: str
    what: str
    leaders: tuple[str, ...]
    compute: tuple[str, str, str]
    predicate: str
    sizes: Mapping[str, float]
    recipient: str
    expected: Callable[[Mapping[str, pd.DataFrame]], pd.Series[str]]
    columns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    keys: bool = False
    constants: Mapping[str, int] = field(default_factory=dict)


_CREDITORS = ("belastingdienst", "toeslagen", "cak", "cjib")
_COUNT = "count(" + ", ".join(f"{party}.present" for party in _CREDITORS) + ") >= 2"
_WIDE = 2**62 - 1


def _pair_answer(tables: Mapping[str, pd.DataFrame]) -> pd.Series[str]:
    both = tables["cjib"].merge(tables["belastingdienst"], on="bsn", suffixes=("", "_there"))
    return both["bsn"][both["amount"] + both["amount_there"] < both["bound"]]


def _several_answer(tables: Mapping[str, pd.DataFrame], leaders: tuple[str, ...]) -> pd.Series[str]:
    counts = pd.concat([tables[party]["bsn"] for party in _CREDITORS]).value_counts()
    several = pd.Series(counts.index[counts >= 2].to_numpy())
    held = pd.concat([tables[leader]["bsn"] for leader in leaders])
    return several[several.isin(held)]


def _aio_answer(tables: Mapping[str, pd.DataFrame]) -> pd.Series[str]:
    rows = tables["svb"].copy()
    total = rows["amount"].copy()
    for party in ("uwv", "belastingdienst"):
        amounts = tables[party].set_index("bsn")["amount"]
        for key in ("bsn", "partner_bsn"):
            total += rows[key].map(amounts).fillna(0).astype("int64")
    return rows["bsn"][total < _AMOUNT]


CASES = {
    case.name: case
    for case in (
        Case(
            "pair",
            "one leader, one data party, 63-bit payload, a + b < c with a, b and c of 62 bits",
            ("cjib",),
            ("cjib", "belastingdienst", "rekennode"),
            "belastingdienst.present and cjib.amount + belastingdienst.amount < cjib.bound",
            {"cjib": 1, "belastingdienst": 1},
            "cjib",
            _pair_answer,
            {"cjib": {"amount": _WIDE, "bound": _WIDE}, "belastingdienst": {"amount": _WIDE}},
        ),
        Case(
            "one-leader",
            "four creditors, k = 2, one leader",
            ("belastingdienst",),
            ("belastingdienst", "toeslagen", "rekennode"),
            _COUNT,
            dict.fromkeys(_CREDITORS, 1),
            "belastingdienst",
            lambda tables: _several_answer(tables, ("belastingdienst",)),
        ),
        Case(
            "full-coverage",
            "four creditors, k = 2, three leaders, signal to a fourth kind of node",
            _CREDITORS[:3],
            ("belastingdienst", "toeslagen", "rekennode"),
            _COUNT,
            dict.fromkeys(_CREDITORS, 1),
            "gemeente-a",
            lambda tables: _several_answer(tables, _CREDITORS[:3]),
        ),
        Case(
            "aio",
            "households with two keys, income and means elsewhere (rows: those of UWV and Belastingdienst)",
            ("svb",),
            ("svb", "uwv", "belastingdienst"),
            "svb.amount + uwv.amount + uwv.amount[partner]"
            " + belastingdienst.amount + belastingdienst.amount[partner] < limit",
            {"svb": 420_000 / 3_600_000, "uwv": 1, "belastingdienst": 1},
            "svb",
            _aio_answer,
            {party: {"amount": 2 * _AMOUNT} for party in ("svb", "uwv", "belastingdienst")},
            keys=True,
            constants={"limit": _AMOUNT},
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One case's figures: the run of median wall time.

    Args:
        case: name.
        rows: rows that were asked for.
        wall_s: seconds from ``run`` to the stored result.
        cpu_s: CPU seconds of each node's process during the run, by party.
        peak_rss_bytes: largest resident memory of each node's process since its start, by party.
        bytes: serialised message bytes per directed pair, without heartbeats, gRPC and TLS.
        stages: per party the parts of its role with seconds and bytes.
        runs_wall_s: wall times of all timed runs.
    """

    case: str
    rows: int
    wall_s: float
    cpu_s: dict[str, float]
    peak_rss_bytes: dict[str, int]
    bytes: dict[str, int]
    stages: dict[str, list[dict[str, Any]]]
    runs_wall_s: list[float]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def bench_join(
    case: Case,
    rows: int,
    runs: int,
    folder: Path,
    *,
    adder: str = "",
    warm_up: bool = True,
    on_stage: Callable[[str], None] = lambda _stage: None,
) -> Measurement:
    """Time one case in an empty folder.

    Args:
        case: what is measured.
        rows: rows per party with data.
        runs: timed runs.
        folder: receives data, keys and node folders.
        adder: ``ripple`` or ``prefix``.
        warm_up: do one run first that does not count.
        on_stage: called with the name of each stage as it begins.

    Raises:
        ResultMismatch: a timed run's answer differs from that of pandas.
        PsiMatchError: a run failed.
    """
    on_stage(f"{case.name}: make {rows} rows for each party")
    tables = _tables(case, rows)
    expected = np.sort(case.expected(tables).to_numpy(dtype=str))
    nodes = _prepare(case, tables, folder)
    on_stage(f"{case.name}: start {len(nodes)} nodes and load their rows")
    timed: list[tuple[float, dict[str, dict[str, Any]]]] = []
    with running(list(nodes.values())):
        for index in range(runs + warm_up):
            on_stage(f"{case.name}: {'warm-up' if index < warm_up else f'run {index + 1 - warm_up} of {runs}'}")
            with nodes[case.leaders[0]].operator() as operator:
                began = time.monotonic()
                record = operator.run(SCENARIO, adder)
                wall = time.monotonic() - began
            records = {}
            for party, node in nodes.items():
                with node.operator() as own:
                    records[party] = finished_record(own, record["run_id"])
                    if party == case.recipient:
                        found = pd.read_parquet(io.BytesIO(own.result(record["run_id"])))
            if not np.array_equal(found["bsn"].to_numpy(dtype=str), expected):
                raise ResultMismatch(f"Case {case.name} gave another answer than pandas.", "Please report it.")
            if index >= warm_up:
                timed.append((wall, records))
    walls = [wall for wall, _ in timed]
    _, records = timed[walls.index(statistics.median_low(walls))]
    return Measurement(
        case=case.name,
        rows=rows,
        wall_s=round(statistics.median_low(walls), 3),
        cpu_s={party: record["cpu_s"] for party, record in records.items()},
        peak_rss_bytes={party: record["peak_rss_bytes"] for party, record in records.items()},
        bytes={
            f"{party}->{peer}": pair["bytes_out"]
            for party, record in records.items()
            for peer, pair in record["pairs"].items()
        },
        stages={party: record["stages"] for party, record in records.items()},
        runs_wall_s=[round(wall, 3) for wall in walls],
    )


def _tables(case: Case, rows: int) -> dict[str, pd.DataFrame]:
    """Draw every party's rows: about half of the people of any two parties are the same."""
    rng = np.random.default_rng(7)
    everyone = draw_numbers(2 * rows, rng)
    tables = {}
    for party, factor in case.sizes.items():
        count = max(1, round(rows * factor))
        own = everyone[rng.permutation(len(everyone))[: 2 * count if case.keys and party in case.leaders else count]]
        table: dict[str, Any] = {"bsn": format_bsn(own[:count])}
        if case.keys and party in case.leaders:
            partners = format_bsn(own[count:])
            table["partner_bsn"] = np.where(rng.random(count) < 0.5, partners, "")
        table["amount"] = rng.integers(0, _AMOUNT, count)
        table["bound"] = rng.integers(0, 2 * _AMOUNT, count)
        tables[party] = pd.DataFrame(table)
    return tables


def _prepare(case: Case, tables: Mapping[str, pd.DataFrame], folder: Path) -> dict[str, LocalNode]:
    now = datetime.datetime.now(datetime.UTC)
    authority = Authority.create(now)
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / f"{SCENARIO}.toml").write_text(_scenario(case))
    parties = list(dict.fromkeys([*case.sizes, *case.compute, case.recipient]))
    nodes = {
        party: LocalNode(party, folder / "nodes" / party, folder / "keys" / party, port)
        for party, port in zip(parties, free_ports(len(parties)), strict=True)
    }
    addresses = {party: node.address for party, node in nodes.items()}
    for party, node in nodes.items():
        write_key_folder(node.keys, authority, party, (NODE, OPERATOR), now)
        datasets = {}
        if party in tables:
            path = folder / "data" / party / "rows.parquet"
            _write(tables[party], path, now.date())
            kinds = {"amount": "cents", "bound": "cents"} | (
                {"partner_bsn": "bsn"} if "partner_bsn" in tables[party] else {}
            )
            datasets["rows"] = LocalDataset(path, kinds, preload=True)
        extra = f'scenario_dir = "{folder / "scenarios"}"\n'
        write_node_folder(node.folder, node, addresses, datasets, extra)
    return nodes


def _write(table: pd.DataFrame, path: Path, day: datetime.date) -> None:
    path.parent.mkdir(parents=True)
    columns = {name: pa.array(table[name].to_numpy()) for name in table}
    columns["peildatum"] = pa.repeat(pa.scalar(day, pa.date32()), len(table))
    pq.write_table(pa.table(columns), path)


def _scenario(case: Case) -> str:
    def listed(names: tuple[str, ...]) -> str:
        return ", ".join(f'"{name}"' for name in names)

    text = _HEAD.format(leaders=listed(case.leaders), compute=listed(case.compute), predicate=case.predicate)
    for name, value in case.constants.items():
        text += f'[constants.{name}]\nvalue = {value}\ntype = "cents"\nsource = {{ nl = "geen", en = "none" }}\n'
    for party in dict.fromkeys([*case.sizes, *case.compute, case.recipient]):
        text += f'[[parties]]\nid = "{party}"\nrows = {{ nl = "rijen", en = "rows" }}\n'
        if party in case.sizes:
            text += 'dataset = "rows"\nmax_age_days = 2\n'
        if case.keys and party in case.leaders:
            text += 'keys = [{ name = "self", column = "bsn" }, { name = "partner", column = "partner_bsn" }]\n'
        for name, largest in case.columns.get(party, {}).items():
            text += f'[[parties.columns]]\nname = "{name}"\ntype = "cents"\nmax = {largest}\n'
    if case.recipient in case.leaders:
        return text + '[[outputs]]\nkind = "members"\n'
    return text + f'[[outputs]]\nkind = "signal"\nrecipient = "{case.recipient}"\n'
