"""Joint runs that are measured: which parties, which rule, which answer by pandas. The suite ``join``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from psi_match.base.errors import UsageError
from psi_match.bench.draws import dataset_of, write_table
from psi_match.bench.inputs import as_text
from psi_match.bench.measuring import Effort, Task, Watch, measure
from psi_match.bench.model import Row
from psi_match.bench.nodes import LOOPBACK, Setting
from psi_match.bench.ours import AUTO, OurNodes
from psi_match.bench.sizes import in_powers
from psi_match.domain.bsn import format_bsn
from psi_match.population.numbers import draw_numbers
from psi_match.protocols.join_terms import JOIN_ENGINES

SUITE, SCENARIO = "join", "bench-join"
DEFAULT_ENGINE = "kkrt"
REVEALS = (
    "nothing beside the answer and public sizes, as long as no two of the three compute parties collude and none "
    "deviates; two of them together see what is computed, and with a signal the BSNs of every leader"
)
"""Of every joint run; a leader that computes counts as one of the two."""
_ASSUMED = "; that the leaders' sets stay hidden also rests on learning parity with noise"
_AMOUNT = 10**12
_HEAD = """\
format = 1
name = "bench-join"
protocol = "join"
engines = [{engines}]
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

    @property
    def parties(self) -> tuple[str, ...]:
        """Everyone who takes part; the first leader, who starts the run, first."""
        return tuple(dict.fromkeys([*self.leaders[:1], *self.sizes, *self.compute, self.recipient]))


_CREDITORS = ("belastingdienst", "toeslagen", "cak", "cjib")
_COUNT = "count(" + ", ".join(f"{party}.present" for party in _CREDITORS) + ") >= 2"
_WIDE = 2**62 - 1


def _pair_answer(tables: Mapping[str, pd.DataFrame]) -> pd.Series[str]:
    both = tables["cjib"].merge(tables["belastingdienst"], on="bsn", suffixes=("", "_there"))
    return both["bsn"][both["amount"] + both["amount_there"] < both["bound"]]


def several(tables: Mapping[str, pd.DataFrame], threshold: int, leaders: tuple[str, ...] = ()) -> pd.Series[str]:
    """Return who is in the tables of at least so many parties, and of one of the leaders if any are named."""
    counts = pd.concat([table["bsn"] for table in tables.values()]).value_counts()
    found = pd.Series(counts.index[counts >= threshold].to_numpy())
    return found[found.isin(pd.concat([tables[leader]["bsn"] for leader in leaders or tables]))]


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
            lambda tables: several(tables, 2, ("belastingdienst",)),
        ),
        Case(
            "full-coverage",
            "four creditors, k = 2, three leaders, signal to a fourth kind of node",
            _CREDITORS[:3],
            ("belastingdienst", "toeslagen", "rekennode"),
            _COUNT,
            dict.fromkeys(_CREDITORS, 1),
            "gemeente-a",
            lambda tables: several(tables, 2, _CREDITORS[:3]),
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


def bench_join(
    case: Case,
    rows: int,
    folder: Path,
    effort: Effort,
    watch: Watch,
    *,
    engines: Sequence[str] = (DEFAULT_ENGINE,),
    adder: str = "",
    net: str = LOOPBACK,
) -> list[Row]:
    """Measure one case at one size: one row per engine.

    Args:
        case: what is measured.
        rows: rows per party with data.
        folder: empty; receives rows, keys and node folders.
        effort: how often.
        watch: told what is being done.
        engines: ``kkrt``, ``vole`` or ``auto``, in alternating runs.
        adder: ``ripple`` or ``prefix``; empty: as the node chooses.
        net: the network between the nodes.

    Raises:
        UsageError: there is no engine of that name.
        ResultMismatch: an answer differs from that of pandas.
        PsiMatchError: a run failed.
    """
    watch(f"{case.name}, {in_powers(rows)} rows: make the rows")
    check_engines(engines)
    contenders = [joint(case, rows, folder / name, engine=name, adder=adder, net=net) for name in engines]
    parameters: dict[str, int | float | str] = {
        "case": case.name,
        "rows": rows,
        "parties": len(case.parties),
        "net": net,
    }
    return measure(Task(SUITE, f"{case.name}, {in_powers(rows)} rows", parameters), contenders, effort, watch)


def check_engines(names: Sequence[str]) -> None:
    """Refuse names that are none of a join's engine.

    Raises:
        UsageError: there is no engine of that name.
    """
    if unknown := [name for name in names if name not in {*JOIN_ENGINES, AUTO}]:
        raise UsageError(
            f"A join has no engine named {unknown[0]}.", f"Choose from {', '.join((*JOIN_ENGINES, AUTO))}."
        )


def reveals(engine: str) -> str:
    """Return what a joint run by this engine, or by one that a node chooses, reveals."""
    return REVEALS + ("" if engine == DEFAULT_ENGINE else _ASSUMED)


def asked_for(engine: str, adder: str) -> str:
    """Return what an operator asks for, with what is left to the node left out."""
    return "+".join(word for word in (engine, adder) if word and word != AUTO)


def joint(
    case: Case, rows: int, folder: Path, *, engine: str = DEFAULT_ENGINE, adder: str = "", net: str = LOOPBACK
) -> OurNodes:
    """Draw the rows of a case, and return it as a contender whose variant is what the operator asks for."""
    tables = _tables(case, rows)
    datasets = {}
    for party, table in tables.items():
        path = folder / "data" / f"{party}.parquet"
        write_table({str(name): table[name].to_numpy() for name in table}, path)
        kinds = {"amount": "cents", "bound": "cents"}
        datasets[party] = dataset_of(path, kinds | ({"partner_bsn": "bsn"} if "partner_bsn" in table else {}))
    return OurNodes(
        variant=asked_for(engine, adder) or AUTO,
        setting=Setting(SCENARIO, scenario_toml(case, engine), case.parties, datasets),
        expected=as_text(case.expected(tables)),
        folder=folder / "nodes",
        recipient=case.recipient,
        engine=asked_for(engine, adder),
        net=net,
        reveals=reveals(engine),
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


def scenario_toml(case: Case, engine: str = DEFAULT_ENGINE) -> str:
    """Return a case as a scenario file in which one engine is allowed, or all that a node may choose from."""

    def listed(names: Sequence[str]) -> str:
        return ", ".join(f'"{name}"' for name in names)

    engines = JOIN_ENGINES if engine == AUTO else (engine,)
    text = _HEAD.format(
        engines=listed(engines), leaders=listed(case.leaders), compute=listed(case.compute), predicate=case.predicate
    )
    for name, value in case.constants.items():
        text += f'[constants.{name}]\nvalue = {value}\ntype = "cents"\nsource = {{ nl = "geen", en = "none" }}\n'
    for party in case.parties:
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
