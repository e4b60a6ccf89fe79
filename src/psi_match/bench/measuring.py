"""Measure one task with all its contenders: warm-ups first, then runs in turn; one row per contender."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from psi_match.bench.model import Contender, Row, RunFigures, alternate

Watch = Callable[[str], None]
"""Told what is being done, for people."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done.

    Args:
        suite: as in ``Row``.
        text: as a row's ``task``.
        parameters: as in ``Row``.
    """

    suite: str
    text: str
    parameters: Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each contender does a task.

    Args:
        runs: timed runs.
        warm_up: whether one run that does not count comes first.
    """

    runs: int = 3
    warm_up: bool = True


def measure(task: Task, contenders: Sequence[Contender], effort: Effort, watch: Watch) -> list[Row]:
    """Measure a task.

    Returns:
        One row per contender, in their order.

    Raises:
        ResultMismatch: an answer is not that of the plaintext.
        PsiMatchError: a run failed.
    """
    with ExitStack() as stack:
        measures, warm_ups = {}, {}
        for contender in contenders:
            watch(f"{task.text}: start {_name(contender)}")
            measures[_name(contender)] = stack.enter_context(contender.ready())
        if effort.warm_up:
            for name, one in measures.items():
                watch(f"{task.text}: {name}: warm-up")
                warm_ups[name] = one()
        found: dict[str, list[RunFigures]] = {name: [] for name in measures}
        for name, figures in alternate(measures, effort.runs):
            found[name].append(figures)
            watch(f"{task.text}: {name}: run {len(found[name])} of {effort.runs}, {figures.wall_s:.2f} s")
    return [row(task, contender, found[_name(contender)], warm_ups.get(_name(contender))) for contender in contenders]


def row(task: Task, contender: Contender, runs: Sequence[RunFigures], warm_up: RunFigures | None) -> Row:
    """Return what a contender's runs are as a row."""
    return Row(
        suite=task.suite,
        task=task.text,
        parameters=dict(task.parameters),
        system=contender.system,
        variant=contender.variant,
        bytes_are=contender.bytes_are,
        runs=tuple(runs),
        reveals=contender.reveals,
        remarks=tuple(contender.remarks),
        warm_up=warm_up,
    )


def _name(contender: Contender) -> str:
    return f"{contender.system} {contender.variant}".strip()
