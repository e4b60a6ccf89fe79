"""The suite ``quorum``: people whom at least k of n parties have, told to a recipient that is none of them.

Whoever is at k of n parties is at one of any n - k + 1 of them: so many leaders take their turn, and each joins the
rows of the n - 1 others. Three compute parties, two of them with rows, find the answer on shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from psi_match.base.errors import UsageError
from psi_match.bench.draws import dataset_of, draw_many, quorum_answer, quorum_inputs, write_table
from psi_match.bench.joins import (
    DEFAULT_ENGINE,
    SCENARIO,
    Case,
    asked_for,
    check_engines,
    reveals,
    scenario_toml,
    several,
)
from psi_match.bench.measuring import Effort, Task, Watch, measure
from psi_match.bench.model import Contender, Row
from psi_match.bench.nodes import LOOPBACK, Setting
from psi_match.bench.other_programs import on_net
from psi_match.bench.ours import AUTO, OurNodes
from psi_match.bench.sizes import in_powers
from psi_match.domain.bsn import format_bsn
from psi_match.domain.parties import BODIES

SUITE = "quorum"
RECIPIENT, COMPUTE_ONLY = "gemeente-a", "rekennode"
FEWEST, MOST = 3, len(BODIES)


def bench_quorum(
    parties: int,
    threshold: int,
    rows: int,
    folder: Path,
    effort: Effort,
    watch: Watch,
    *,
    engine: str = DEFAULT_ENGINE,
    adder: str = "",
    net: str = LOOPBACK,
    peers: Sequence[str] = (),
) -> list[Row]:
    """Measure one quorum at one size.

    Args:
        parties: n, from 3 to 6.
        threshold: k, from 2 to n.
        rows: of each party.
        folder: empty; receives rows, keys and node folders.
        effort: how often.
        watch: told what is being done.
        engine: ``kkrt``, ``vole`` or ``auto``.
        adder: ``ripple`` or ``prefix``; empty: as the node chooses.
        net: the network between the nodes.
        peers: other programs; then everybody starts from CSV files and ends with a file.

    Returns:
        One row for this program, and one per other program.

    Raises:
        UsageError: there is no such quorum, or no program of that name.
        ResultMismatch: an answer differs from that of pandas.
        PsiMatchError: a run failed.
    """
    check_engines([engine])
    case = quorum_case(parties, threshold)
    text = f"{threshold} of {parties}, {in_powers(rows)} rows each"
    watch(f"{text}: make the rows")
    bodies = tuple(case.sizes)
    sets = draw_many(bodies, rows)
    others: list[Contender] = []
    if peers:
        from psi_match.bench.peers import quorum_contender

        inputs = quorum_inputs(sets, threshold, folder / "data")
        paths: Mapping[str, Path] = inputs.csv
        others += [on_net(quorum_contender(name, inputs, folder / name), net, bodies) for name in peers]
    else:
        paths = {party: folder / "data" / f"{party}.parquet" for party in bodies}
        for party, path in paths.items():
            write_table({"bsn": format_bsn(sets[party])}, path)
    ours = OurNodes(
        variant=asked_for(engine, adder) or AUTO,
        setting=Setting(
            SCENARIO,
            scenario_toml(case, engine),
            case.parties,
            {party: dataset_of(path) for party, path in paths.items()},
        ),
        expected=quorum_answer(sets, threshold),
        folder=folder / "nodes",
        recipient=RECIPIENT,
        engine=asked_for(engine, adder),
        net=net,
        to_file=bool(peers),
        reveals=reveals(engine),
    )
    task = Task(
        SUITE,
        text,
        {
            "parties": parties,
            "threshold": threshold,
            "rows": rows,
            "net": net,
            "from": "csv" if peers else "memory",
        },
    )
    return measure(task, [ours, *others], effort, watch)


def combinations(parties: Sequence[int], thresholds: Sequence[int]) -> list[tuple[int, int]]:
    """Return all quorums of these numbers that exist.

    Raises:
        UsageError: a number fits none.
    """
    found = [(n, k) for n in dict.fromkeys(parties) for k in dict.fromkeys(thresholds) if 2 <= k <= n]
    lonely = [k for k in thresholds if k not in {k for _, k in found}]
    for n in parties:
        quorum_case(n, min(n, 2))
    if lonely:
        quorum_case(max(parties), lonely[0])
    return found


def quorum_case(parties: int, threshold: int) -> Case:
    """Return a quorum as a joint run.

    Raises:
        UsageError: there is no such quorum.
    """
    if not FEWEST <= parties <= MOST:
        raise UsageError(f"A quorum is of {FEWEST} to {MOST} parties here.", "For example: --parties 5 --threshold 3")
    if not 2 <= threshold <= parties:
        raise UsageError(f"A quorum of {parties} parties needs 2 to {parties} of them.", "Choose another --threshold.")
    bodies = tuple(body.id for body in BODIES)[:parties]
    leaders = bodies[: parties - threshold + 1]
    counted = ", ".join(f"{body}.present" for body in bodies)
    return Case(
        name="quorum",
        what=f"{threshold} of {parties} parties, {len(leaders)} leaders in turn",
        leaders=leaders,
        compute=(bodies[0], bodies[1], COMPUTE_ONLY),
        predicate=f"count({counted}) >= {threshold}",
        sizes=dict.fromkeys(bodies, 1.0),
        recipient=RECIPIENT,
        expected=lambda tables: several(tables, threshold),
    )
