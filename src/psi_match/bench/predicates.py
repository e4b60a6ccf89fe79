"""The suite ``predicate``: ``a + b < c`` on secret columns of 62 bits, on shares of three compute parties.

Nodes have no run that is a predicate alone: it follows on a private join. So a whole run of the case ``pair`` gives two
rows: the whole of it, and its stage ``row-circuit``, which is the predicate alone with the columns shared before.
Other programs start from columns of the same length; theirs have two rows as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from psi_match.base.errors import InternalError, UsageError
from psi_match.bench.draws import predicate_inputs
from psi_match.bench.joins import CASES, joint
from psi_match.bench.measuring import Effort, Task, Watch, measure
from psi_match.bench.model import OURS, Contender, Row, RunFigures
from psi_match.bench.nodes import LOOPBACK
from psi_match.bench.other_programs import on_net
from psi_match.bench.ours import AUTO
from psi_match.bench.sizes import in_powers
from psi_match.protocols.sizes import SMALLEST_PUBLIC_SIZE, ladder_step, table_bins

SUITE = "predicate"
STAGE = "row-circuit"
PREDICATE, JOINT, COLUMNS = "predicate alone", "joint run", "columns to answer"
"""What a row is of: the predicate alone, a whole run of ours, a whole run of another program."""
STAGES = (STAGE, "compute")
"""The phase that is the predicate alone, here and at other programs."""
_ALONE = (
    "the predicate alone: from shared columns to a shared answer; what comes before it is not in it, nor is opening "
    "the answer"
)
_WHOLE = "a whole run: a private join of two sets, then the predicate on its rows, then opening the answer"


def bench_predicate(
    size: int,
    adders: Sequence[str],
    folder: Path,
    effort: Effort,
    watch: Watch,
    *,
    net: str = LOOPBACK,
    peers: Sequence[str] = (),
) -> list[Row]:
    """Measure the predicate, and other programs beside it.

    Args:
        size: comparisons, at most; a join pads its rows to a public number of bins, all of which are compared.
        adders: ``ripple``, ``prefix``, or ``auto``.
        folder: empty; receives rows, keys and node folders.
        effort: how often.
        watch: told what is being done.
        net: the network between the nodes.
        peers: other programs; they compare exactly as many rows.

    Returns:
        Two rows per adder and per program: the predicate alone, and the whole.

    Raises:
        UsageError: so few comparisons are no run of the nodes, or there is no program of that name.
        ResultMismatch: an answer differs from that of pandas.
        PsiMatchError: a run failed.
    """
    rows = rows_for(size)
    comparisons = table_bins(rows)
    text = f"a + b < c, {in_powers(comparisons)} comparisons"
    watch(f"{text}: make the rows")
    contenders: list[Contender] = []
    for adder in adders:
        ours = joint(CASES["pair"], rows, folder / adder, adder="" if adder == AUTO else adder, net=net)
        ours.variant, ours.remarks = adder, (_WHOLE,)
        contenders.append(ours)
    if peers:
        contenders += _others(peers, comparisons, folder, net)
    task = Task(SUITE, text, {"rows": comparisons, "net": net})
    whole = [_named(row) for row in measure(task, contenders, effort, watch)]
    return [part for row in whole for part in (alone(row), row)]


def alone(row: Row) -> Row:
    """Return what a row says of its predicate alone.

    Raises:
        InternalError: a run has no phase for it.
    """
    return replace(
        row,
        parameters=dict(row.parameters) | {"part": PREDICATE},
        runs=tuple(_alone(run) for run in row.runs),
        warm_up=_alone(row.warm_up) if row.warm_up else None,
        remarks=(_ALONE, *(remark for remark in row.remarks if remark != _WHOLE)),
    )


def _named(row: Row) -> Row:
    """Say what a whole run is: ours has a join in it, which other programs' have not, so it is another task."""
    return replace(row, parameters=dict(row.parameters) | {"part": JOINT if row.system == OURS else COLUMNS})


def _alone(run: RunFigures) -> RunFigures:
    stage = next((stage for stage in STAGES if stage in run.phases), None)
    if stage is None:
        raise InternalError("A run has no phase of the predicate.", "Please report it.")
    sent = run.phase_bytes.get(stage)
    return RunFigures(
        wall_s=run.phases[stage],
        phases={stage: run.phases[stage]},
        cpu_s={},
        peak_rss_bytes={},
        bytes={} if sent is None else {"all->all": sent},
        phase_bytes={} if sent is None else {stage: sent},
    )


def _others(peers: Sequence[str], rows: int, folder: Path, net: str) -> list[Contender]:
    from psi_match.bench.peers import predicate_contender
    from psi_match.bench.peers.predicate import PARTIES

    (folder / "columns").mkdir()
    inputs = predicate_inputs(rows, folder / "columns")
    return [on_net(predicate_contender(name, inputs, folder / name), net, PARTIES) for name in peers]


def rows_for(comparisons: int) -> int:
    """Return the largest public size whose table has at most so many bins.

    Raises:
        UsageError: the smallest has more.
    """
    size = SMALLEST_PUBLIC_SIZE
    if table_bins(size) > comparisons:
        least = table_bins(size)
        raise UsageError(f"The nodes compare at least {least} rows.", f"For example: --size {least}")
    while table_bins(following := ladder_step(size + 1)) <= comparisons:
        size = following
    return size
