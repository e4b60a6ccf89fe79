"""The suite ``psi``: a leader learns which of its rows a data party has too.

Half of the smaller set is common. Beside other programs every contender reads the same CSV files and writes a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psi_match.base.errors import UsageError
from psi_match.bench.draws import dataset_of, draw_pair, pair_answer, psi_inputs, write_table
from psi_match.bench.measuring import Effort, Task, Watch, measure
from psi_match.bench.model import Contender, Row
from psi_match.bench.nodes import LOOPBACK, Setting
from psi_match.bench.other_programs import on_net
from psi_match.bench.ours import AUTO, OurNodes
from psi_match.bench.sizes import Size
from psi_match.domain.bsn import format_bsn
from psi_match.scenario.model import ENGINES

LEADER, DATA_PARTY = "cjib", "belastingdienst"
SUITE, SCENARIO = "psi", "bench-psi"
_REVEALS = {
    "vole": "nothing beside the answer and public sizes; that the leader's set stays hidden also rests on learning "
    "parity with noise",
}
_CHOSEN_FROM = ("kkrt", "vole")
"""What a node chooses from by the bandwidth that it measures."""
_TOML = """\
format = 1
name = "{name}"
title = {{ nl = "Meting", en = "Bench" }}
source = {{ nl = "geen", en = "none" }}
purpose = {{ nl = "De duur van een doorsnede meten.", en = "Time an intersection of made-up numbers." }}
assumptions = {{ nl = "geen", en = "none" }}
protocol = "psi"
engines = [{engines}]
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


def bench_psi(
    size: Size,
    engines: Sequence[str],
    folder: Path,
    effort: Effort,
    watch: Watch,
    *,
    net: str = LOOPBACK,
    peers: Sequence[str] = (),
) -> list[Row]:
    """Measure engines, and other programs beside them, at one size.

    Args:
        size: rows of both parties.
        engines: of this program.
        folder: empty; receives rows, keys and node folders.
        effort: how often.
        watch: told what is being done.
        net: the network between the nodes.
        peers: other programs; then everybody starts from CSV files and ends with a file.

    Returns:
        One row per engine and program.

    Raises:
        UsageError: there is no engine or program of that name.
        ResultMismatch: an answer differs from that of pandas.
        PsiMatchError: a run failed.
    """
    check_engines(engines)
    watch(f"{size}: make the rows of two parties")
    others: list[Contender] = []
    data = folder / "data"
    data.mkdir()
    if peers:
        from psi_match.bench.peers import psi as peers_psi
        from psi_match.bench.peers import psi_contender

        inputs = psi_inputs(size, data)
        paths, expected = (inputs.leader_csv, inputs.data_csv), inputs.expected
        others += [
            on_net(psi_contender(name, inputs, folder / name), net, (peers_psi.LEADER, peers_psi.DATA_PARTY))
            for name in peers
        ]
    else:
        sides = draw_pair(size)
        paths, expected = (data / "leader.parquet", data / "data-party.parquet"), pair_answer(*sides)
        for path, numbers in zip(paths, sides, strict=True):
            write_table({"bsn": format_bsn(numbers)}, path)
    datasets = {party: dataset_of(path) for party, path in zip((LEADER, DATA_PARTY), paths, strict=True)}
    ours = [
        OurNodes(
            variant=engine,
            setting=Setting(SCENARIO, scenario_toml(engine), (LEADER, DATA_PARTY), datasets),
            expected=expected,
            folder=folder / engine,
            recipient=LEADER,
            engine="" if engine == AUTO else engine,
            net=net,
            to_file=bool(peers),
            # What a node chooses may be this engine.
            reveals=_REVEALS.get("vole" if engine == AUTO else engine, ""),
        )
        for engine in engines
    ]
    task = Task(
        SUITE,
        str(size),
        {"rows": size.rows, "data_rows": size.data_rows, "net": net, "from": "csv" if peers else "memory"},
    )
    return measure(task, [*ours, *others], effort, watch)


def check_engines(engines: Sequence[str]) -> None:
    """Refuse names that are none of an engine.

    Raises:
        UsageError: there is no engine of that name.
    """
    if unknown := [name for name in engines if name not in (*ENGINES, AUTO)]:
        raise UsageError(f"There is no engine named {unknown[0]}.", f"Choose from {', '.join((*ENGINES, AUTO))}.")


def scenario_toml(engine: str) -> str:
    """Return the scenario file in which one engine is allowed, or those that a node may choose from."""
    allowed = _CHOSEN_FROM if engine == AUTO else (engine,)
    engines = ", ".join(f'"{name}"' for name in allowed)
    return _TOML.format(name=SCENARIO, engines=engines, leader=LEADER, data_party=DATA_PARTY)
