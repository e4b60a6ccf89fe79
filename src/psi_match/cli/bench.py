"""``psi-match bench``: one command per suite, each of which times real nodes and compares every answer."""

from __future__ import annotations

from typing import Annotated

import typer

from psi_match.cli import bench_load, bench_reports
from psi_match.cli.bench_options import (
    DEFAULT_SIZE,
    Adder,
    JoinEngines,
    Net,
    Out,
    Peers,
    Runs,
    WarmUp,
    check_adder,
    named,
)
from psi_match.cli.bench_output import Measuring, folder
from psi_match.cli.options import Json

app = typer.Typer(help="Timings, memory and exact bytes; every answer is compared with pandas.", no_args_is_help=True)
app.command("load")(bench_load.load_a_node)
app.command("compare")(bench_reports.compare_reports)
app.command("page")(bench_reports.page)

Sizes = Annotated[list[str] | None, typer.Option("--size", "--rows", help="Rows per party: 2^20 or 1000000; repeat.")]


@app.callback()
def _group() -> None:
    """Timings, memory and exact bytes; every answer is compared with pandas."""


@app.command("psi")
def psi(
    sizes: Annotated[
        list[str] | None,
        typer.Option("--size", "--rows", help="2^20, 1000000, or leader x data party: 2^14x2^22; repeat."),
    ] = None,
    engine: Annotated[
        list[str] | None, typer.Option("--engine", help="An engine of this program, or auto; repeat.")
    ] = None,
    runs: Runs = 3,
    warm_up: WarmUp = True,
    peers: Peers = "",
    net: Net = "loopback",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Time the two-party intersection."""
    from psi_match.bench.intersections import bench_psi, check_engines
    from psi_match.bench.measuring import Effort
    from psi_match.bench.nodes import check_net
    from psi_match.bench.other_programs import check_peers
    from psi_match.bench.sizes import parse_sizes

    engines, programs = engine or ["kkrt"], named(peers)
    wanted = parse_sizes(sizes or DEFAULT_SIZE)
    check_engines(engines)
    check_net(net)
    measuring = Measuring(out, as_json=as_json, versions=check_peers("psi", programs))
    for size in wanted:
        with folder() as place:
            effort = Effort(runs, warm_up)
            measuring.add(bench_psi(size, engines, place, effort, measuring.watch, net=net, peers=programs))
    measuring.finish()


@app.command("join")
def join(
    case: Annotated[
        list[str] | None, typer.Option("--case", help="pair, one-leader, full-coverage, aio; repeat.")
    ] = None,
    sizes: Sizes = None,
    runs: Runs = 3,
    engine: JoinEngines = None,
    adder: Adder = "",
    warm_up: WarmUp = True,
    net: Net = "loopback",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Time joint runs: private join and predicate on shares."""
    from psi_match.base.errors import UsageError
    from psi_match.bench.joins import CASES, bench_join, check_engines
    from psi_match.bench.measuring import Effort
    from psi_match.bench.nodes import check_net
    from psi_match.bench.sizes import parse_rows

    names = case or ["pair"]
    if unknown := [name for name in names if name not in CASES]:
        raise UsageError(f"There is no case named {unknown[0]}.", f"Choose from {', '.join(CASES)}.")
    engines = engine or ["kkrt"]
    check_engines(engines)
    check_adder(adder)
    check_net(net)
    wanted = parse_rows(sizes or DEFAULT_SIZE)
    measuring = Measuring(out, as_json=as_json)
    for name in names:
        for rows in wanted:
            with folder() as place:
                effort = Effort(runs, warm_up)
                measuring.add(
                    bench_join(CASES[name], rows, place, effort, measuring.watch, engines=engines, adder=adder, net=net)
                )
    measuring.finish()


@app.command("predicate")
def predicate(
    sizes: Annotated[
        list[str] | None, typer.Option("--size", "--rows", help="Comparisons at most: 2^20 or 1000000; repeat.")
    ] = None,
    adder: Annotated[list[str] | None, typer.Option("--adder", help="ripple, prefix or auto; repeat.")] = None,
    runs: Runs = 3,
    warm_up: WarmUp = True,
    peers: Peers = "",
    net: Net = "loopback",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Time a sum and a comparison of secret columns: alone, and at the end of a joint run."""
    from psi_match.bench.measuring import Effort
    from psi_match.bench.nodes import check_net
    from psi_match.bench.other_programs import check_peers
    from psi_match.bench.predicates import bench_predicate, rows_for
    from psi_match.bench.sizes import parse_rows

    adders, programs = adder or ["ripple"], named(peers)
    for name in adders:
        check_adder("" if name == "auto" else name)
    check_net(net)
    wanted = parse_rows(sizes or DEFAULT_SIZE)
    for size in wanted:
        rows_for(size)
    measuring = Measuring(out, as_json=as_json, versions=check_peers("predicate", programs))
    for size in wanted:
        with folder() as place:
            effort = Effort(runs, warm_up)
            measuring.add(bench_predicate(size, adders, place, effort, measuring.watch, net=net, peers=programs))
    measuring.finish()


@app.command("quorum")
def quorum(
    parties: Annotated[list[int] | None, typer.Option("--parties", help="How many parties: 3 to 6; repeat.")] = None,
    threshold: Annotated[
        list[int] | None, typer.Option("--threshold", help="How many of them must have a person; repeat.")
    ] = None,
    sizes: Sizes = None,
    engine: Annotated[str, typer.Option("--engine", help="kkrt, vole or auto.")] = "kkrt",
    adder: Adder = "",
    runs: Runs = 3,
    warm_up: WarmUp = True,
    peers: Peers = "",
    net: Net = "loopback",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Time who is with at least k of n parties, told to an outsider."""
    from psi_match.bench.measuring import Effort
    from psi_match.bench.nodes import check_net
    from psi_match.bench.other_programs import check_peers
    from psi_match.bench.quorums import bench_quorum, combinations
    from psi_match.bench.sizes import parse_rows

    wanted, programs = parse_rows(sizes or DEFAULT_SIZE), named(peers)
    quorums = combinations(parties or [5], threshold or [3])
    check_adder(adder)
    check_net(net)
    measuring = Measuring(out, as_json=as_json, versions=check_peers("quorum", programs))
    for n, k in quorums:
        for rows in wanted:
            with folder() as place:
                effort = Effort(runs, warm_up)
                found = bench_quorum(
                    n, k, rows, place, effort, measuring.watch, engine=engine, adder=adder, net=net, peers=programs
                )
            measuring.add(found)
    measuring.finish()


@app.command("scenario")
def scenario(
    name: Annotated[str, typer.Argument(help="A scenario of the catalogue.")],
    persons: Annotated[
        list[str] | None, typer.Option("--persons", help="Residents of the synthetic population; repeat.")
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="Engine, adder or both; else as the node chooses.")] = "",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the population.")] = 1,
    runs: Runs = 3,
    warm_up: WarmUp = True,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Time a scenario of the catalogue on a synthetic population."""
    from psi_match.bench.measuring import Effort
    from psi_match.bench.scenarios import bench_scenario
    from psi_match.bench.sizes import parse_rows
    from psi_match.scenario.catalogue import Catalogue

    Catalogue().get(name)
    wanted = parse_rows(persons or ["100000"])
    measuring = Measuring(out, as_json=as_json)
    for count in wanted:
        with folder() as place:
            effort = Effort(runs, warm_up)
            measuring.add([bench_scenario(name, count, place, effort, measuring.watch, engine=engine, seed=seed)])
    measuring.finish()


@app.command("population")
def population(
    persons: Annotated[list[str] | None, typer.Option("--persons", help="Residents; repeat.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the population.")] = 1,
    runs: Runs = 3,
    warm_up: WarmUp = True,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Time the generator of synthetic populations."""
    from psi_match.bench.measuring import Effort
    from psi_match.bench.populations import bench_population
    from psi_match.bench.sizes import parse_rows

    wanted = parse_rows(persons or ["100000"])
    measuring = Measuring(out, as_json=as_json)
    for count in wanted:
        with folder() as place:
            measuring.add([bench_population(count, place, Effort(runs, warm_up), measuring.watch, seed=seed)])
    measuring.finish()
