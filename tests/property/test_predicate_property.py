"""Random expressions: the circuit, its plaintext twin and an oracle of plain Python functions agree.

The oracle shares neither parser nor compiler: every part is drawn as a text and as a Python function at the same time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.scenarios import PARTNER_KEYS, build, column, constant, members_values, party

from psi_match.domain.bsn import NO_KEY
from psi_match.protocols.circuits import Circuit, words_for
from psi_match.protocols.integers import ADDERS
from psi_match.protocols.join_session import OwnRows
from psi_match.protocols.planes import from_planes, to_planes
from psi_match.scenario.join_model import JoinScenario
from psi_match.scenario.plain_scenario import plain_outcome
from psi_match.scenario.row_circuit import ResultField, compile_row_circuit, label_field, signal_fields

ROWS = 130
FIRST_BSN, FIRST_PARTNER = 100_000, 500_000
LEADER, ZERO_PARTY, UNKNOWN_PARTY = "aa", "bb", "gemeente-c"
KEYS = ("self", "partner")
MONTH = "cents_per_month"
WIDE = 2**40


@dataclass(frozen=True)
class Column:
    kind: str
    low: int
    high: int
    no_key: int = 0


COLUMNS: dict[str, dict[str, Column]] = {
    LEADER: {
        "income": Column(MONTH, 0, 1000),
        "delta": Column("cents", -500, 2000),
        "wide": Column("cents", -WIDE, WIDE),
        "has": Column("boolean", 0, 1),
        "kind": Column("code", 0, 9),
    },
    ZERO_PARTY: {
        "paid": Column(MONTH, 0, 1000, no_key=3),
        "assets": Column("cents", -50, WIDE, no_key=-7),
        "below": Column("cents", -90, -10, no_key=-90),
        "late": Column("boolean", 0, 1, no_key=1),
        "kind": Column("code", 0, 9, no_key=2),
        "small": Column("number", 5, 9, no_key=6),
    },
    UNKNOWN_PARTY: {"paid": Column(MONTH, 0, 255, no_key=255), "late": Column("boolean", 0, 1)},
}
CONSTANTS = {
    "norm": (500, MONTH),
    "limit": (-20, "cents"),
    "couple": (2, "code"),
    "most": (7, "number"),
    "yes": (1, "boolean"),
    "norm-low": (0, MONTH),
}

Row = dict[str, Any]
TERM, SUM, COMPARISON, NOT, AND, OR, ANY = range(6, -1, -1)


@dataclass(frozen=True)
class Part:
    """A part of an expression: its text, how tightly it binds, what it means, and whom it asks for a key."""

    text: str
    level: int
    value: Callable[[Row], int]
    asked: frozenset[tuple[str, str]] = frozenset()

    def at(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"


def _together(*parts: Part) -> frozenset[tuple[str, str]]:
    return frozenset().union(*(part.asked for part in parts))


def _cell(party_id: str, key: str, name: str) -> Callable[[Row], int]:
    def value(row: Row) -> int:
        if not row["keys"][key]:
            return COLUMNS[party_id][name].no_key
        return row[party_id, key]["columns"][name] if row[party_id, key]["present"] else 0

    return value


@st.composite
def columns(draw: st.DrawFn, kind: str) -> Part:
    places = [(p, name) for p, named in COLUMNS.items() for name, one in named.items() if one.kind == kind]
    party_id, name = draw(st.sampled_from(places))
    if party_id == LEADER:
        who, key = draw(st.sampled_from([LEADER, "leader"])), draw(st.sampled_from(["", "[self]"]))
        return Part(f"{who}.{name}{key}", TERM, lambda row: row["own"][name])
    key, shown = draw(st.sampled_from([("self", ""), ("self", "[self]"), ("partner", "[partner]")]))
    return Part(f"{party_id}.{name}{shown}", TERM, _cell(party_id, key, name), frozenset({(party_id, key)}))


@st.composite
def presences(draw: st.DrawFn) -> Part:
    party_id = draw(st.sampled_from([ZERO_PARTY, UNKNOWN_PARTY, "leader"]))
    if party_id == "leader":
        return Part("leader.present", TERM, lambda _row: 1)
    key, shown = draw(st.sampled_from([("self", ""), ("partner", "[partner]")]))
    return Part(
        f"{party_id}.present{shown}",
        TERM,
        lambda row: int(row["keys"][key] and row[party_id, key]["present"]),
        frozenset({(party_id, key)}),
    )


def _constants(kind: str) -> st.SearchStrategy[Part]:
    def part(name: str) -> Part:
        value = CONSTANTS[name][0]
        return Part(name, TERM, lambda _row: value)

    return st.sampled_from([name for name, (_, of) in CONSTANTS.items() if of == kind]).map(part)


def _literals() -> st.SearchStrategy[Part]:
    numbers = st.sampled_from([0, 1, 2, 255, 499, 500, 501, 1000, WIDE]) | st.integers(0, 2000)
    return st.tuples(numbers, st.booleans()).map(
        lambda drawn: Part(f"{drawn[0]:_}" if drawn[1] else f"{drawn[0]}", TERM, lambda _row: drawn[0])
    )


def _if(condition: Part, then: Part, otherwise: Part) -> Part:
    return Part(
        f"if {condition.text} then {then.text} else {otherwise.text}",
        ANY,
        lambda row: then.value(row) if condition.value(row) else otherwise.value(row),
        _together(condition, then, otherwise),
    )


@st.composite
def quantities(draw: st.DrawFn, kind: str, depth: int) -> Part:
    """A number of one unit; a code is only chosen, never computed."""
    operations = ["leaf"] if depth == 0 else ["leaf", "if"]
    if depth and kind != "code":
        operations += ["+", "-", "neg", "sum"] + (["count"] * 2 if kind == "number" else [])
    match draw(st.sampled_from(operations)):
        case "leaf":
            return draw(st.one_of(columns(kind), columns(kind), _constants(kind), _literals()))
        case "+":
            left, right = draw(quantities(kind, depth - 1)), draw(quantities(kind, depth - 1))
            text = f"{left.at(SUM)} + {right.at(TERM)}"
            return Part(text, SUM, lambda row: left.value(row) + right.value(row), _together(left, right))
        case "-":
            left, right = draw(quantities(kind, depth - 1)), draw(quantities(kind, depth - 1))
            text = f"{left.at(SUM)} - {right.at(TERM)}"
            return Part(text, SUM, lambda row: left.value(row) - right.value(row), _together(left, right))
        case "neg":
            one = draw(quantities(kind, depth - 1))
            return Part(f"-{one.at(TERM)}", TERM, lambda row: -one.value(row), one.asked)
        case "sum":
            parts = draw(st.lists(quantities(kind, depth - 1), min_size=1, max_size=4))
            text = f"sum({', '.join(part.text for part in parts)})"
            return Part(text, TERM, lambda row: sum(part.value(row) for part in parts), _together(*parts))
        case "count":
            parts = draw(st.lists(booleans(depth - 1), min_size=1, max_size=4))
            text = f"count({', '.join(part.text for part in parts)})"
            return Part(text, TERM, lambda row: sum(part.value(row) for part in parts), _together(*parts))
    condition = draw(booleans(depth - 1))
    return _if(condition, draw(quantities(kind, depth - 1)), draw(quantities(kind, depth - 1)))


@st.composite
def _comparisons(draw: st.DrawFn, depth: int) -> Part:
    kind = draw(st.sampled_from([MONTH, "cents", "number", "code", "boolean"]))
    named = kind in {"code", "boolean"}
    operator = draw(st.sampled_from(["==", "!="] if named else ["<", "<=", ">", ">=", "==", "!="]))
    draw_one = booleans(depth) if kind == "boolean" else quantities(kind, depth)
    left, right = draw(draw_one), draw(draw_one)
    compare: dict[str, Callable[[int, int], bool]] = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
    }
    holds = compare[operator]
    text = f"{left.at(SUM)} {operator} {right.at(SUM)}"
    return Part(text, COMPARISON, lambda row: int(holds(left.value(row), right.value(row))), _together(left, right))


@st.composite
def booleans(draw: st.DrawFn, depth: int) -> Part:
    operations = ["leaf"] if depth == 0 else ["compare", "compare", "and", "or", "not", "if", "leaf"]
    match draw(st.sampled_from(operations)):
        case "leaf":
            literal = st.booleans().map(lambda drawn: Part("true" if drawn else "false", TERM, lambda _row: int(drawn)))
            return draw(st.one_of(columns("boolean"), presences(), presences(), _constants("boolean"), literal))
        case "compare":
            return draw(_comparisons(depth - 1))
        case "and":
            left, right = draw(booleans(depth - 1)), draw(booleans(depth - 1))
            text = f"{left.at(AND)} and {right.at(NOT)}"
            return Part(text, AND, lambda row: left.value(row) & right.value(row), _together(left, right))
        case "or":
            left, right = draw(booleans(depth - 1)), draw(booleans(depth - 1))
            text = f"{left.at(OR)} or {right.at(AND)}"
            return Part(text, OR, lambda row: left.value(row) | right.value(row), _together(left, right))
        case "not":
            one = draw(booleans(depth - 1))
            return Part(f"not {one.at(NOT)}", NOT, lambda row: 1 - one.value(row), one.asked)
    return _if(draw(booleans(depth - 1)), draw(booleans(depth - 1)), draw(booleans(depth - 1)))


def _scenario(predicate: str, label: str, when: str) -> JoinScenario:
    def declared(party_id: str) -> list[dict[str, Any]]:
        return [
            column(name, one.kind, one.high, min=one.low, no_key=one.no_key) for name, one in COLUMNS[party_id].items()
        ]

    groups = [{"name": "in", "when": when}, {"name": "out", "when": f"not ({when})"}]
    return build(
        members_values(
            predicate=predicate,
            allow=["foreign-label"],
            compute=[LEADER, ZERO_PARTY, "rekennode"],
            constants={name: constant(*one) for name, one in CONSTANTS.items()},
            parties=[
                party(LEADER, keys=PARTNER_KEYS, columns=declared(LEADER)),
                party(ZERO_PARTY, columns=declared(ZERO_PARTY)),
                party(UNKNOWN_PARTY, absent="unknown", columns=declared(UNKNOWN_PARTY)),
                *(party(name, data=False) for name in ("rekennode", "dd", "ee")),
            ],
            outputs=[
                {"kind": "label", "name": "value", "value": label},
                {"kind": "signal", "recipient": "dd", "when": when, "columns": {"value": label, "so": when}},
                {"kind": "statistics", "recipient": "ee", "table": "cells", "min_group": 3, "groups": groups},
            ],
        )
    )


def _amount(one: Column, rng: random.Random) -> int:
    special = [one.low, one.high, one.low + 1, one.high - 1, 0, -1, 1, 2, 3, 499, 500, 501]
    value = rng.choice([*special, rng.randint(one.low, one.high)])
    return min(max(value, one.low), one.high)


def _world(rng: random.Random) -> list[Row]:
    """Rows of the leader with everything that the parties hold on the persons in it."""

    def amounts(party_id: str) -> dict[str, int]:
        return {name: _amount(one, rng) for name, one in COLUMNS[party_id].items()}

    rows = []
    for number in range(ROWS):
        row: Row = {"number": number, "valid": rng.random() < 0.9, "own": amounts(LEADER)}
        row["keys"] = {"self": True, "partner": rng.random() < 0.6}
        for party_id in (ZERO_PARTY, UNKNOWN_PARTY):
            for key in KEYS:
                place = {"present": rng.random() < 0.7, "excluded": rng.random() < 0.05, "columns": amounts(party_id)}
                if place["excluded"] and rng.random() < 0.5:
                    # Somebody whom the party does not hold but who opted out there is programmed with zeroes.
                    place |= {"present": True, "columns": dict.fromkeys(COLUMNS[party_id], 0)}
                elif not place["present"]:
                    place |= {"excluded": False, "columns": dict.fromkeys(COLUMNS[party_id], 0)}
                row[party_id, key] = place
        rows.append(row)
    return rows


def _circuit_inputs(circuit: Circuit, rows: list[Row], rng: random.Random) -> dict[str, np.ndarray]:
    """Planes of every input; what belongs to a missing key or to no row at all is noise."""
    inputs = {}
    for name, bits in circuit.input_bits().items():
        first, _, rest = name.partition("/")
        values = []
        for row in rows:
            key, _, what = rest.partition("/")
            if name == "valid":
                values.append(int(row["valid"]))
            elif first == "has_key":
                values.append(int(row["keys"][rest]))
            elif name == "leader/bsn":
                values.append(FIRST_BSN + row["number"])
            elif first == "leader":
                values.append(row["own"][rest])
            elif not row["valid"] or not row["keys"][key]:
                values.append(rng.getrandbits(bits))
            elif what in {"present", "excluded"}:
                values.append(int(row[first, key][what]))
            else:
                values.append(row[first, key]["columns"][what])
        inputs[name] = to_planes(np.array(values, dtype=np.int64), bits, words_for(len(rows)))
    return inputs


def _own_rows(rows: list[Row]) -> dict[str, OwnRows]:
    """The same world as the parties' own rows."""
    valid = [row for row in rows if row["valid"]]

    def table(numbers: list[list[int]], named: dict[str, list[int]], opted_out: list[int]) -> OwnRows:
        return OwnRows(
            tuple(np.array(one, dtype=np.uint32) for one in numbers),
            {name: np.array(values, dtype=np.int64) for name, values in named.items()},
            np.array(opted_out, dtype=np.uint32),
        )

    def number(row: Row, key: str) -> int:
        if not row["keys"][key]:
            return NO_KEY
        return (FIRST_BSN if key == "self" else FIRST_PARTNER) + row["number"]

    found = {
        LEADER: table(
            [[number(row, key) for row in valid] for key in KEYS],
            {name: [row["own"][name] for row in valid] for name in COLUMNS[LEADER]},
            [7],
        )
    }
    for party_id in (ZERO_PARTY, UNKNOWN_PARTY):
        places = [(number(row, key), row[party_id, key]) for row in rows for key in KEYS if row["keys"][key]]
        held = [(bsn, place) for bsn, place in places if place["present"]]
        found[party_id] = table(
            [[bsn for bsn, _ in held]],
            {name: [place["columns"][name] for _, place in held] for name in COLUMNS[party_id]},
            [bsn for bsn, place in places if place["excluded"]],
        )
    return found


def _read(planes: np.ndarray, field: ResultField) -> list[int]:
    return [int(value) for value in from_planes(planes, ROWS, signed=field.signed)]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    predicate=booleans(3),
    label=st.one_of([quantities(kind, 3) for kind in (MONTH, "cents", "number", "code")] + [booleans(2)]),
    when=booleans(2),
    seed=st.integers(0, 2**32),
)
def test_circuit_twin_and_oracle_agree(predicate: Part, label: Part, when: Part, seed: int) -> None:
    rng = random.Random(seed)
    rows = _world(rng)
    spaced = [part.text.replace(" ", rng.choice([" ", "\n  ", "  "])) for part in (predicate, label, when)]
    scenario = _scenario(*spaced)

    def known(part: Part, row: Row) -> bool:
        asked = [(key, row[party_id, key]) for party_id, key in part.asked if party_id == UNKNOWN_PARTY]
        return all(place["present"] or not row["keys"][key] for key, place in asked)

    def holds(part: Part, row: Row) -> bool:
        return known(part, row) and part.value(row) == 1

    decided = [
        row
        for row in rows
        if row["valid"]
        and not any(row[p, key]["excluded"] for p in (ZERO_PARTY, UNKNOWN_PARTY) for key in KEYS if row["keys"][key])
        and holds(predicate, row)
    ]
    labels = {FIRST_BSN + row["number"]: label.value(row) for row in decided if known(label, row)}
    inside = [row for row in decided if holds(when, row)]
    signal = [(FIRST_BSN + row["number"], label.value(row), 1) for row in inside if known(label, row)]
    counts = [len(inside), sum(known(when, row) and when.value(row) == 0 for row in decided)]

    twin = plain_outcome(scenario, _own_rows(rows))
    assert twin.label == labels
    assert twin.members == sorted(labels)
    assert twin.signals == {1: sorted(signal)}
    rest = counts[::-1]
    assert twin.statistics == {2: [None if min(c, r) < 3 else c - c % 3 for c, r in zip(counts, rest, strict=True)]}

    for adder in ADDERS:
        circuit = compile_row_circuit(scenario, LEADER, adder)
        planes = circuit.evaluate(_circuit_inputs(circuit, rows, random.Random(seed)))
        bits = {name: from_planes(planes[name][:1], ROWS).tolist() for name in planes}
        shown = [FIRST_BSN + row for row in range(ROWS) if bits["members"][row]]
        assert shown == sorted(labels)
        values = _read(planes["label"], label_field(scenario))
        assert values == [labels.get(FIRST_BSN + row, 0) for row in range(ROWS)]
        fields = [ResultField("bsn", 30, signed=False, boolean=False), *signal_fields(scenario, 1)]
        at, table = 1, []
        for field in fields:
            table.append(_read(planes["signal/1"][at : at + field.bits], field))
            at += field.bits
        assert at == len(planes["signal/1"])
        everything = list(zip(*table, strict=True))
        assert [everything[row] for row in range(ROWS) if bits["signal/1"][row]] == signal
        assert all(everything[row] == (0, 0, 0) for row in range(ROWS) if not bits["signal/1"][row])
        assert [sum(bits[f"group/2/{name}"]) for name in ("in", "out")] == counts


def test_every_row_is_false_where_there_is_no_row_whatever_the_expression_says() -> None:
    text = "not bb.present and not bb.late[partner] and bb.assets - leader.wide < 5 or true"
    scenario = _scenario(text, "bb.below - 9", "not bb.late")
    for adder in ADDERS:
        circuit = compile_row_circuit(scenario, LEADER, adder)
        for noise in (0, 1):
            fill = np.uint64(0) if noise == 0 else ~np.uint64(0)
            inputs = {name: np.full((bits, 1), fill) for name, bits in circuit.input_bits().items()}
            inputs["valid"] = np.zeros((1, 1), dtype=np.uint64)
            assert not any(planes.any() for planes in circuit.evaluate(inputs).values())
