"""The expected answer of a scenario, from the population's truth, in plain pandas.

It shares no code with the nodes: not the readers, not the filter, not the language of predicates, not the protocol.
Each join scenario is written down here a second time, by name, in the words of its purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from psi_match.population.truth import Truth
from psi_match.scenario.model import Scenario

CREDITORS = ("belastingdienst", "toeslagen", "cak", "cjib")
MUNICIPALITY_CODES = {"gemeente-a": 363, "gemeente-b": 344}
STATISTICS_RECIPIENT = "cbs"


class Condition(Protocol):
    """One condition of a local filter."""

    @property
    def column(self) -> str:
        """Name of the column."""

    @property
    def operator(self) -> str:
        """One of ``at_least``, ``at_most``, ``equals``."""

    @property
    def value(self) -> Any:  # noqa: ANN401 - amounts, booleans, dates and texts alike
        """What the column is compared with."""


class Party(Protocol):
    """A party of a scenario."""

    @property
    def id(self) -> str:
        """Party id."""

    @property
    def where(self) -> Sequence[Condition]:
        """Local filter."""


class Constant(Protocol):
    """A public constant of a scenario."""

    @property
    def value(self) -> int:
        """Its value."""


class Output(Protocol):
    """Who learns what."""

    @property
    def kind(self) -> str:
        """Of a table of counts: ``statistics``."""


class JoinScenario(Protocol):
    """What the truth needs to know of a join scenario."""

    @property
    def name(self) -> str:
        """Name of the scenario."""

    @property
    def parties(self) -> Sequence[Party]:
        """Everyone who takes part, in the order of the file."""

    @property
    def constants(self) -> Mapping[str, Constant]:
        """Public constants by name."""

    @property
    def outputs(self) -> Sequence[Output]:
        """Who learns what; a table of counts says its ``min_group``."""


def expected_result(truth: Truth, scenario: Scenario) -> pd.DataFrame:
    """Return what the leader must learn; each party leaves out who opted out at it.

    Args:
        truth: of the population.
        scenario: a pairwise scenario.

    Returns:
        One row per person of the leader that at least one other party has too: ``bsn`` and one column per party.
    """
    people, lists = truth.people, truth.opt_outs
    takes_part = {
        party.id: people[f"{party.id}_present"]
        & _meets(people, party, f"{party.id}_")
        & ~people["bsn"].isin(lists["bsn"][lists["party"] == party.id])
        for party in scenario.parties
    }
    hits = pd.DataFrame({party: takes_part[scenario.leader] & takes_part[party] for party in scenario.data_parties})
    hits.insert(0, "bsn", people["bsn"])
    return hits[hits[scenario.data_parties].any(axis=1)].sort_values("bsn", ignore_index=True)


def same_result(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    """Tell whether two results hold the same rows and answers; what is missing in both is the same."""
    if list(left.columns) != list(right.columns) or len(left) != len(right):
        return False
    return all((_as_texts(left[name]) == _as_texts(right[name])).all() for name in left.columns)


def expected_join(scenario: JoinScenario, truth: Truth) -> dict[str, pd.DataFrame]:
    """Return what each recipient of a join scenario must learn.

    Args:
        scenario: one of those named in ``JOINS``; its local filters and constants count, its predicate does not.
        truth: of the population.

    Returns:
        Recipient to a table: ``bsn``, sorted, or ``group``, ``count`` (missing where suppressed) and ``suppressed``.

    Raises:
        KeyError: no truth is known for a scenario of this name, or a constant is missing.
    """
    return JOINS[scenario.name](scenario, truth)


def _early_signals(scenario: JoinScenario, truth: Truth) -> dict[str, pd.DataFrame]:
    """People in arrears at k creditors or more: each municipality learns its own residents."""
    people, owes = _debtors(scenario, truth)
    several = owes.sum(axis=1) >= scenario.constants["k"].value
    return {
        recipient: _members(people["bsn"][several & (people["municipality"] == code)])
        for recipient, code in MUNICIPALITY_CODES.items()
    }


def _new_early_signals(scenario: JoinScenario, truth: Truth) -> dict[str, pd.DataFrame]:
    """The same, without those whom that municipality's debt help knows."""
    signals = _early_signals(scenario, truth)
    known = truth.debt_help
    return {
        recipient: _members(table["bsn"][~table["bsn"].isin(known["bsn"][known["party"] == recipient])])
        for recipient, table in signals.items()
    }


def _joint_arrangement(scenario: JoinScenario, truth: Truth) -> dict[str, pd.DataFrame]:
    """Debtors of CJIB who are in arrears at Belastingdienst or Toeslagen too."""
    people, owes = _debtors(scenario, truth)
    return {"cjib": _members(people["bsn"][owes["cjib"] & (owes["belastingdienst"] | owes["toeslagen"])])}


def _unused_aio(scenario: JoinScenario, truth: Truth) -> dict[str, pd.DataFrame]:
    """Households without AIO whose income and assets are below the norm."""
    tests = aio_tests(scenario, truth)
    return {"svb": _members(truth.households["bsn"][tests.all(axis=1)])}


def creditor_counts(scenario: JoinScenario, truth: Truth) -> pd.Series[int]:
    """Return at how many creditors of an early signal each person in arrears takes part, opt-outs left out."""
    counts: pd.Series[int] = _debtors(scenario, truth)[1].sum(axis=1)
    return counts


def aio_tests(scenario: JoinScenario, truth: Truth) -> pd.DataFrame:
    """Return of each household with AOW whether SVB asks about it, and which parts of the rule it passes.

    Args:
        scenario: the one on unused AIO; its norms and limits count.
        truth: of the population.

    Returns:
        Booleans ``asked``, ``income`` and ``assets``, a row per household.
    """
    _no_filter(scenario, "uwv", "belastingdienst")
    homes = truth.households
    out = _opted_out(scenario, truth)
    amount = {name: constant.value for name, constant in scenario.constants.items()}
    income = homes["aow_cents"] + homes["income_cents"] + homes["partner_income_cents"]
    income += homes["other_income_cents"] + homes["partner_other_income_cents"]
    assets = homes["assets_cents"] + homes["partner_assets_cents"]
    couple = homes["has_partner"]
    asked = homes["lives_in_nl"] & ~homes["receives_aio"] & homes["candidate"] & _meets(homes, _party(scenario, "svb"))
    asked &= ~homes["bsn"].isin(out) & ~homes["partner_bsn"].isin(out)
    return pd.DataFrame(
        {
            "asked": asked,
            "income": income < couple.map({True: amount["norm_couple"], False: amount["norm_single"]}),
            "assets": assets < couple.map({True: amount["assets_couple"], False: amount["assets_single"]}),
        }
    )


def _below_minimum(scenario: JoinScenario, truth: Truth) -> dict[str, pd.DataFrame]:
    """Clients of UWV whose instalments leave less than a stated amount."""
    people, owes = _debtors(scenario, truth)
    paid = sum(people[f"{creditor}_instalment_cents"].where(owes[creditor], 0) for creditor in CREDITORS)
    clients = truth.clients.merge(pd.DataFrame({"bsn": people["bsn"], "paid": paid}), how="left", on="bsn")
    clients["paid"] = clients["paid"].fillna(0).astype("int64")
    left = clients["income_cents"] - clients["paid"]
    below = pd.Series(data=False, index=clients.index)
    for code, kind in enumerate(("single", "couple", "single_parent"), start=1):
        below |= (clients["household_type"] == code) & (left < scenario.constants[f"minimum_{kind}"].value)
    below &= (clients["paid"] > 0) & _meets(clients, _party(scenario, "uwv"))
    below &= ~clients["bsn"].isin(_opted_out(scenario, truth))
    return {"uwv": _members(clients["bsn"][below])}


def _overlaps(scenario: JoinScenario, truth: Truth) -> dict[str, pd.DataFrame]:
    """How many people are in arrears at exactly m creditors."""
    _, owes = _debtors(scenario, truth)
    at = owes.sum(axis=1)
    counts = {str(m): int((at == m).sum()) for m in range(1, len(CREDITORS) + 1)}
    total = sum(counts.values())
    return {STATISTICS_RECIPIENT: _cells(scenario, counts, dict.fromkeys(counts, (total,)))}


def _pairs(scenario: JoinScenario, truth: Truth) -> dict[str, pd.DataFrame]:
    """How many people are in arrears at both of two creditors."""
    _, owes = _debtors(scenario, truth)
    size = {}
    for creditor in CREDITORS:
        own = truth.opt_outs["bsn"][truth.opt_outs["party"] == creditor]
        size[creditor] = int((_takes_part(scenario, truth, creditor) & ~truth.people["bsn"].isin(own)).sum())
    in_order = [party.id for party in scenario.parties if party.id in CREDITORS]
    pairs = {f"{left}+{right}": (left, right) for left, right in combinations(in_order, 2)}
    counts = {group: int((owes[left] & owes[right]).sum()) for group, (left, right) in pairs.items()}
    totals = {group: (size[left], size[right]) for group, (left, right) in pairs.items()}
    return {STATISTICS_RECIPIENT: _cells(scenario, counts, totals)}


JOINS: dict[str, Callable[[JoinScenario, Truth], dict[str, pd.DataFrame]]] = {
    "vroegsignaal-gezamenlijk": _early_signals,
    "vroegsignaal-nieuw": _new_early_signals,
    "betalingsregeling-rijk": _joint_arrangement,
    "aio-niet-gebruik": _unused_aio,
    "bestaansminimum-uwv": _below_minimum,
    "overlap-statistiek": _overlaps,
    "overlap-statistiek-paren": _pairs,
}


def _debtors(scenario: JoinScenario, truth: Truth) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return everyone in arrears who did not opt out, and of each creditor whether they take part with it."""
    stays = ~truth.people["bsn"].isin(_opted_out(scenario, truth))
    parties = [party.id for party in scenario.parties]
    owes = {
        creditor: _takes_part(scenario, truth, creditor) if creditor in parties else stays & False
        for creditor in CREDITORS
    }
    return truth.people[stays], pd.DataFrame(owes)[stays]


def _takes_part(scenario: JoinScenario, truth: Truth, creditor: str) -> pd.Series[bool]:
    people = truth.people
    return people[f"{creditor}_present"] & _meets(people, _party(scenario, creditor), f"{creditor}_")


def _opted_out(scenario: JoinScenario, truth: Truth) -> pd.Series[str]:
    """Return who asked any party that brings data to the scenario to be left out."""
    with_data = [party.id for party in scenario.parties if getattr(party, "dataset", "")]
    return truth.opt_outs["bsn"][truth.opt_outs["party"].isin(with_data)]


def _party(scenario: JoinScenario, party_id: str) -> Party:
    return next(party for party in scenario.parties if party.id == party_id)


def _no_filter(scenario: JoinScenario, *party_ids: str) -> None:
    if any(_party(scenario, party_id).where for party_id in party_ids):
        raise NotImplementedError("the truth of this scenario knows no local filter of these parties")


def _meets(table: pd.DataFrame, party: Party, prefix: str = "") -> pd.Series[bool]:
    """Tell of each row whether it meets a party's local filter."""
    chosen = pd.Series(data=True, index=table.index)
    for condition in party.where:
        # Where people live is known once, not per creditor.
        shared = condition.column == "municipality"
        column = table[condition.column if shared else prefix + condition.column]
        meets = {
            "at_least": column >= condition.value,
            "at_most": column <= condition.value,
            "equals": column == condition.value,
        }[condition.operator]
        chosen &= meets.fillna(value=False).astype(bool)
    return chosen


def _as_texts(column: pd.Series[Any]) -> NDArray[np.object_]:
    # Which text a missing value becomes, or whether it becomes one, depends on pandas' version.
    return column.astype(str).where(column.notna(), "").to_numpy(dtype=object)


def _members(numbers: pd.Series[str]) -> pd.DataFrame:
    return pd.DataFrame({"bsn": numbers}).sort_values("bsn", ignore_index=True)


def _cells(scenario: JoinScenario, counts: Mapping[str, int], totals: Mapping[str, tuple[int, ...]]) -> pd.DataFrame:
    """Round down to whole groups, and suppress what is small or all but a few of a total."""
    least: int = next(output.min_group for output in scenario.outputs if output.kind == "statistics")  # type: ignore[attr-defined]
    rows = []
    for group, count in counts.items():
        small = count < least or any(total - count < least for total in totals[group])
        rows.append((group, pd.NA if small else count // least * least, small))
    table = pd.DataFrame(rows, columns=["group", "count", "suppressed"])
    return table.astype({"count": "Int64", "suppressed": "bool"})
