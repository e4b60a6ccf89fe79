"""Joint scenarios: every rule of the file, the shipped ones, and the plans that they compile to."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from support.scenarios import PARTNER_KEYS, TEXT, build, column, constant, members_values, party, pointed_at

from psi_match.base.errors import ScenarioError
from psi_match.crypto.derive import hash_fields
from psi_match.protocols.integers import ADDERS, Adder
from psi_match.protocols.planes import from_planes, to_planes
from psi_match.scenario.catalogue import Catalogue, builtin_folder, read_scenario
from psi_match.scenario.digest import digest, encode
from psi_match.scenario.expressions import check_expressions
from psi_match.scenario.join_model import JoinScenario
from psi_match.scenario.plan import compile_plan
from psi_match.scenario.row_circuit import label_field, signal_fields

AMOUNT = column("amount", "cents", 500)
PARTIES = [party("aa"), party("bb"), party("cc", data=False)]
MORE = [*PARTIES, party("dd", data=False), party("ee", data=False)]
SIGNAL = {"kind": "signal", "recipient": "dd"}
MEMBERS = {"kind": "members"}
LABEL = {"kind": "label", "name": "value", "value": "1"}


def cells(*whens: str, **changes: Any) -> dict[str, Any]:
    groups = [{"name": str(number), "when": when} for number, when in enumerate(whens)]
    return {"kind": "statistics", "recipient": "ee", "table": "cells", "min_group": 10, "groups": groups} | changes


def pairs(*parties: tuple[str, str], **changes: Any) -> dict[str, Any]:
    groups = [{"name": f"{one}+{other}", "parties": [one, other]} for one, other in parties]
    return cells() | {"table": "pairs", "groups": groups} | changes


def with_column(**changes: Any) -> dict[str, Any]:
    return {"parties": [party("aa"), party("bb", columns=[{"name": "amount", "type": "cents", "max": 5} | changes])]}


REFUSED = [
    # what differs from a scenario that is right; part of the sentence
    ({"leaders": ["xx"]}, "has xx as a leader or compute party, which is not among its parties"),
    ({"compute": ["aa", "bb", "xx"]}, "has xx as a leader or compute party, which is not among its parties"),
    ({"compute": ["aa", "bb", "bb"]}, "needs three different compute parties"),
    ({"compute": ["aa", "bb"]}, "Field required"),
    ({"compute": ["aa", "bb", "cc", "dd"]}, "3 items"),
    ({"leaders": []}, "at least 1 item"),
    ({"leaders": ["aa", "aa"]}, "names a leader twice"),
    ({"leaders": ["cc"]}, "has cc as a leader, which has no dataset"),
    ({"parties": [*PARTIES, party("aa")]}, "names a party twice"),
    ({"parties": [*PARTIES, party("leader")]}, "names a party leader, which is how expressions call whoever leads"),
    ({"parties": [party("aa"), *(party(p, data=False) for p in ("bb", "cc"))]}, "needs two parties with data"),
    ({"parties": PARTIES[:2], "compute": ["aa", "bb", "aa"]}, "at least 3 items"),
    ({"outputs": []}, "at least 1 item"),
    ({"outputs": [{"kind": "everything"}]}, "kind"),
    ({"outputs": [MEMBERS, LABEL]}, "has more than one members or label output"),
    ({"outputs": [MEMBERS, MEMBERS]}, "has more than one members or label output"),
    ({"outputs": [MEMBERS], "leaders": ["aa", "bb"]}, "opens rows to a leader, so it must have one leader"),
    ({"outputs": [LABEL], "leaders": ["aa", "bb"]}, "opens rows to a leader, so it must have one leader"),
    ({"outputs": [SIGNAL, SIGNAL], "parties": MORE}, "has two outputs for one recipient"),
    (
        {"outputs": [MEMBERS, cells("true", recipient="aa")], "parties": MORE},
        "has two outputs for one recipient",
    ),
    ({"outputs": [SIGNAL, cells("true", recipient="dd")], "parties": MORE}, "has two outputs for one recipient"),
    ({"outputs": [SIGNAL]}, "has dd as a recipient, which is not among its parties"),
    ({"outputs": [cells("true")]}, "has ee as a recipient, which is not among its parties"),
    ({"outputs": [SIGNAL | {"recipient": "aa"}]}, "signals to aa, which leads or computes"),
    ({"outputs": [SIGNAL | {"recipient": "cc"}]}, "signals to cc, which leads or computes"),
    (
        {"outputs": [SIGNAL | {"recipient": "bb"}], "leaders": ["aa", "bb"], "compute": ["aa", "cc", "dd"]}
        | {"parties": MORE},
        "signals to bb, which leads or computes",
    ),
    (
        {"outputs": [cells("true"), pairs(("aa", "bb"), recipient="dd")], "parties": MORE},
        "releases cells and pairs of one snapshot, from which exact cells could be recomputed",
    ),
    ({"outputs": [cells("true", min_group=1)], "parties": MORE}, "greater than or equal to 2"),
    ({"outputs": [cells("true", min_group=0)], "parties": MORE}, "greater than or equal to 2"),
    ({"outputs": [cells()], "parties": MORE}, "at least 1 item"),
    ({"outputs": [cells("true", groups=[{"name": "x"}, {"name": "x"}])], "parties": MORE}, "names a group twice"),
    ({"outputs": [cells(groups=[{"name": "x", "parties": ["aa", "bb"]}])], "parties": MORE}, "only a table of pairs"),
    ({"outputs": [pairs(("aa", "aa"))], "parties": MORE}, "must name two parties for each group"),
    ({"outputs": [pairs(groups=[{"name": "x"}])], "parties": MORE}, "must name two parties for each group"),
    (
        {"outputs": [pairs(groups=[{"name": "x", "parties": ["aa", "bb"], "when": "true"}])], "parties": MORE},
        "gives a condition for a group of a table of pairs",
    ),
    (
        {"outputs": [pairs(("bb", "aa"))], "parties": MORE},
        "counts group bb+aa in the turn of a party that is no leader",
    ),
    (
        {"parties": [party("aa", keys=PARTNER_KEYS), *PARTIES[1:], party("dd", data=False)]}
        | {"compute": ["bb", "cc", "dd"]},
        "gives aa several key columns: then it must be a compute party",
    ),
    (
        {"parties": [party("aa"), party("bb", keys=PARTNER_KEYS), PARTIES[2]]},
        "gives several key columns to a party that is no leader",
    ),
    (
        {"parties": [party("aa", keys=PARTNER_KEYS), *PARTIES[1:]], "leaders": ["aa", "bb"]}
        | {"outputs": [cells("true", recipient="cc")]},
        "has leaders with different keys",
    ),
    (
        {"parties": [party("aa", keys=[{"name": "self", "column": "nummer"}]), *PARTIES[1:]]},
        "must have bsn as the first key column of aa",
    ),
    ({"parties": [party("aa", keys=PARTNER_KEYS[::-1]), *PARTIES[1:]]}, "must have bsn as the first key column of aa"),
    (
        {"parties": [party("aa", keys=[PARTNER_KEYS[0], {"name": "x", "column": "bsn"}]), *PARTIES[1:]]},
        "must have bsn as the first key column of aa, and only there",
    ),
    (
        {"parties": [party("aa", keys=[*PARTNER_KEYS, {"name": "partner", "column": "x"}]), *PARTIES[1:]]},
        "names a key of aa twice",
    ),
    ({"parties": [party("aa", keys=[]), *PARTIES[1:]]}, "at least 1 item"),
    ({"parties": [party("aa"), party("bb", columns=[AMOUNT, AMOUNT]), PARTIES[2]]}, "names a column of bb twice"),
    (with_column(name="present"), "has a column of bb named present, which means something else"),
    (with_column(name="bsn"), "has a column of bb named bsn, which means something else"),
    (with_column(name="excluded"), "has a column of bb named excluded, which means something else"),
    (with_column(name="Amount"), "should match pattern"),
    (with_column(type="euro"), "'cents'"),
    (with_column(min=6), "has a column whose min exceeds its max"),
    (with_column(no_key=6), "has a column whose no_key lies outside its range"),
    (with_column(no_key=-1), "has a column whose no_key lies outside its range"),
    (with_column(type="boolean"), "has a boolean column with a range of its own"),
    (with_column(max=2**62), "less than or equal to"),
    (with_column(min=-(2**62)), "greater than or equal to"),
    (
        {"parties": [party("aa"), party("bb", columns=[{"name": "amount", "type": "cents"}]), PARTIES[2]]},
        "says not how large the values of a column may be: max",
    ),
    ({"parties": [party("aa"), {"id": "bb", "rows": TEXT, "dataset": "rows"}]}, "says not how old the dataset of bb"),
    (
        {"parties": [*PARTIES[:2], party("cc", data=False, max_age_days=1)]},
        "gives cc columns, a filter, a cap or an age",
    ),
    ({"parties": [*PARTIES[:2], party("cc", data=False, columns=[AMOUNT])]}, "but no dataset"),
    ({"parties": [*PARTIES[:2], party("cc", data=False, cap=300)]}, "but no dataset"),
    ({"parties": [party("aa", cap=255), *PARTIES[1:]]}, "greater than or equal to 256"),
    ({"parties": [party("aa", absent="zeroes"), *PARTIES[1:]]}, "'zero' or 'unknown'"),
    ({"allow": ["anything"]}, "foreign-label"),
    ({"coverage": "all"}, "'full' or 'leaders'"),
    ({"constants": {"k": constant(2, "boolean")}}, "is a boolean constant that is neither 0 nor 1"),
    ({"constants": {"k": {"value": 2, "type": "number"}}}, "source"),
    ({"constants": {"k": constant(2**62, "number")}}, "less than or equal to"),
    ({"name": "Proef"}, "should match pattern"),
    ({"protocol": "joint"}, "'join'"),
    ({"format": 2}, "Input should be 1"),
    ({"leader": "aa"}, "Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED, ids=[f"{n}-{s[:50]}" for n, (_, s) in enumerate(REFUSED)])
def test_a_wrong_file_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        build(members_values(**changes))
    assert sentence in str(caught.value)


ACCEPTED = [
    {},
    {"outputs": [SIGNAL], "parties": MORE},
    {"outputs": [MEMBERS, SIGNAL, cells("true")], "parties": MORE},
    {"outputs": [LABEL, cells("true")], "parties": MORE},
    {"outputs": [cells("true", recipient="cc")]},
    {"outputs": [cells("true", recipient="bb"), SIGNAL], "parties": MORE},
    {"outputs": [SIGNAL | {"recipient": "bb"}], "compute": ["aa", "cc", "dd"], "parties": MORE},
    {"outputs": [pairs(("aa", "bb"))], "parties": MORE},
    {"parties": [party("aa", keys=PARTNER_KEYS), *PARTIES[1:]]},
    {"compute": ["cc", "dd", "ee"], "parties": MORE},
    {"outputs": [cells("true", min_group=2)], "parties": MORE},
]


@pytest.mark.parametrize("changes", ACCEPTED)
def test_what_is_right_is_accepted_and_compiles(changes: dict[str, Any]) -> None:
    scenario = build(members_values(**changes))
    check_expressions(scenario)
    for adder in ADDERS:
        compile_plan(scenario, adder)


def refused_expressions(**changes: Any) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        check_expressions(build(members_values(**changes)))
    return caught.value


# Labels.


def _labelled(value: str, **changes: Any) -> dict[str, Any]:
    columns = [AMOUNT, column("late", "boolean")]
    parties = [party("aa", columns=[column("own", "cents", 9)]), party("bb", columns=columns), PARTIES[2]]
    return {"parties": parties, "outputs": [{"kind": "label", "name": "value", "value": value}]} | changes


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("bb.amount", "bb.amount"),
        ("aa.own + bb.amount", "bb.amount"),
        ("- bb.amount", "bb.amount"),
        ("sum(1, bb.amount)", "bb.amount"),
        ("bb.amount - bb.amount", "bb.amount"),
        ("if bb.late then 1 else bb.amount", "bb.amount"),
        ("if bb.present then bb.amount + 1 else 0", "bb.amount"),
        ("bb.late", "bb.late"),
        ("if bb.amount < 5 then bb.late else true", "bb.late"),
    ],
)
def test_a_label_that_tells_a_foreign_column_must_be_allowed_by_name(value: str, name: str) -> None:
    error = refused_expressions(**_labelled(value))
    assert error.sentence.startswith(f"outputs[0].value: the leader would learn {name} itself.")
    assert error.hint == 'Compare it with something, or say allow = ["foreign-label"].'
    assert pointed_at(error) == (value, value.index(name))
    check_expressions(build(members_values(**_labelled(value, allow=["foreign-label"]))))


@pytest.mark.parametrize(
    "value",
    ["1", "aa.own", "aa.own + 1", "bb.present", "count(bb.present, bb.late)", "bb.amount < 5"]
    + ["if bb.amount < 5 then 1 else 2", "if bb.amount < 5 then aa.own else 2"],
)
def test_a_label_that_compares_is_fine(value: str) -> None:
    check_expressions(build(members_values(**_labelled(value))))


# Coverage.

THREE = [*(party(p) for p in ("aa", "bb", "ee")), party("cc", data=False), party("dd", data=False)]
TWO_OF_THREE = "count(aa.present, bb.present, ee.present) >= 2"


def _covered(predicate: str, leaders: list[str], **changes: Any) -> dict[str, Any]:
    values = {"coverage": "full", "predicate": predicate, "leaders": leaders, "parties": THREE, "outputs": [SIGNAL]}
    return values | changes


@pytest.mark.parametrize(
    ("predicate", "leaders"),
    [
        (TWO_OF_THREE, ["aa", "bb"]),
        (TWO_OF_THREE, ["aa", "ee"]),
        (TWO_OF_THREE, ["aa", "bb", "ee"]),
        ("aa.present and (bb.present or ee.present)", ["aa"]),
        ("not bb.present and aa.present", ["aa"]),
        ("false", ["aa"]),
        ("follower and aa.present", ["aa"]),
    ],
)
def test_full_coverage_is_proved(predicate: str, leaders: list[str]) -> None:
    constants = {"follower": constant(1, "boolean")}
    check_expressions(build(members_values(**_covered(predicate, leaders, constants=constants))))


@pytest.mark.parametrize(
    ("predicate", "leaders", "sentence", "at"),
    [
        (TWO_OF_THREE, ["aa"], "a person who is at none of the leaders can meet it", 0),
        ("true", ["aa"], "a person who is at none of the leaders can meet it", 0),
        ("not aa.present", ["aa"], "a person who is at none of the leaders can meet it", 0),
        ("aa.present == bb.present", ["aa", "bb", "ee"], "a person who is at none of the leaders can meet it", 0),
        ("aa.present and bb.amount < 5", ["aa"], "only for a predicate on presences", 0),
        ("bb.present and leader.present", ["aa"], "cannot be shown for a predicate on a leader's column", 15),
        ("bb.present and 1 < (-leader.amount)", ["bb"], "cannot be shown for a predicate on a leader's column", 21),
    ],
)
def test_full_coverage_that_cannot_be_shown_is_refused(
    predicate: str, leaders: list[str], sentence: str, at: int
) -> None:
    parties = [party("aa"), party("bb", columns=[AMOUNT]), *THREE[2:]]
    error = refused_expressions(**_covered(predicate, leaders, parties=parties))
    assert sentence in error.sentence
    assert 'coverage = "leaders"' in error.hint
    assert pointed_at(error) == (predicate, at)
    check_expressions(build(members_values(**_covered(predicate, leaders, parties=parties, coverage="leaders"))))


def test_coverage_tells_a_person_from_its_partner() -> None:
    parties = [party("aa", keys=PARTNER_KEYS), *THREE[1:]]
    values = _covered("bb.present[partner] and not bb.present", ["aa"], parties=parties)
    assert "at none of the leaders" in refused_expressions(**values).sentence
    check_expressions(build(members_values(**values | {"predicate": "aa.present and bb.present[partner]"})))


# Cells.


def _cells(*whens: str, **changes: Any) -> dict[str, Any]:
    return {"predicate": "true", "parties": THREE, "outputs": [cells(*whens, recipient="dd")]} | changes


@pytest.mark.parametrize(
    "values",
    [
        _cells("true", "bb.present"),
        _cells("bb.present", "ee.present"),
        _cells("bb.present", "not ee.present"),
        # Disjoint in the first leader's turn, not in the second's.
        _cells("not aa.present", "not aa.present and bb.present", leaders=["aa", "bb"]),
        _cells("count(aa.present, bb.present, ee.present) >= 1", "not aa.present", leaders=["aa", "ee"]),
        # The partner's presence is not one's own.
        _cells(
            "bb.present[partner] and not bb.present",
            "bb.present[partner]",
            parties=[party("aa", keys=PARTNER_KEYS), *THREE[1:]],
        ),
    ],
)
def test_groups_that_overlap_are_refused(values: dict[str, Any]) -> None:
    error = refused_expressions(**values)
    assert error.sentence.startswith("outputs[0].groups: a person can be in two groups of one table")


@pytest.mark.parametrize(
    "values",
    [
        _cells("bb.present", "not bb.present"),
        _cells(*(f"count(aa.present, bb.present, ee.present) == {m}" for m in (1, 2, 3)), leaders=["aa", "bb", "ee"]),
        # Whom the first leader holds is not counted in the second one's turn.
        _cells("aa.present", "bb.present and not aa.present", leaders=["aa", "bb"]),
        _cells("leader.present and false", "true"),
        _cells("bb.present[partner]", "not bb.present[partner]", parties=[party("aa", keys=PARTNER_KEYS), *THREE[1:]]),
    ],
)
def test_groups_that_exclude_each_other_are_fine(values: dict[str, Any]) -> None:
    check_expressions(build(members_values(**values)))


def test_a_pair_must_be_of_parties_with_data() -> None:
    error = refused_expressions(parties=MORE, outputs=[pairs(("aa", "cc"))])
    assert error.sentence.startswith("outputs[0].groups.aa+cc: there is no party cc with data")


# Files.

FILE = """\
format = 1
name = "proef"
protocol = "join"
leaders = ["aa"]
compute = ["aa", "bb", "cc"]
predicate = "bb.present"
title = { nl = "Proef", en = "Test" }
source = { nl = "geen", en = "none" }
purpose = { nl = "proef", en = "test" }
assumptions = { nl = "geen", en = "none" }

[[parties]]
id = "aa"
dataset = "rows"
max_age_days = 1
rows = { nl = "rijen", en = "rows" }

[[parties]]
id = "bb"
dataset = "rows"
max_age_days = 1
rows = { nl = "rijen", en = "rows" }

[[parties.columns]]
name = "amount"
type = "cents"
max = 500

[[parties]]
id = "cc"
rows = { nl = "geen", en = "none" }

[[outputs]]
kind = "members"
"""


def _line(text: str, start: str, nth: int = 1) -> int:
    return [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start)][nth - 1]


@pytest.mark.parametrize(
    ("old", "new", "sentence", "start", "nth"),
    [
        ("max = 500", "max = 500\nminimum = 3", "parties.1.columns.0.minimum is not a known key", "minimum", 1),
        ("max = 500", 'max = "500"', "parties.1.columns.0.max must be a whole number", "max =", 1),
        ("max = 500\n", "", "says not how large the values of a column may be", "[[parties.columns]]", 1),
        ('type = "cents"', 'type = "euro"', "parties.1.columns.0.type", "type", 1),
        ('name = "amount"', 'name = "excluded"', "parties.1 has a column of bb named excluded", "[[parties]]", 2),
        ('id = "bb"\ndataset = "rows"\nmax_age_days = 1', 'id = "bb"\ndataset = "rows"', "max_age_days", "[[par", 2),
        ('kind = "members"', 'kind = "members"\nrecipient = "aa"', "outputs.0.recipient", "recipient", 1),
        ('compute = ["aa", "bb", "cc"]', 'compute = ["aa", "bb"]', "compute.2 is missing", "compute", 1),
        ("format = 1", "format = 2", "format", "format", 1),
    ],
)
def test_an_error_names_file_key_and_line(
    tmp_path: Path, old: str, new: str, sentence: str, start: str, nth: int
) -> None:
    text = FILE.replace(old, new, 1)
    path = tmp_path / "proef.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path)
    assert caught.value.sentence.startswith(f"{path} line {_line(text, start, nth)}: ")
    assert sentence in caught.value.sentence


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('leaders = ["aa"]', 'leaders = ["xx"]', "has xx as a leader"),
        ("bb.present", "bb.amount < 5 and cc.present", "predicate: there is no party cc with data"),
        ('kind = "members"', 'kind = "label"\nname = "x"\nvalue = "bb.amount"', "outputs[0].value: the leader would"),
        ('predicate = "bb.present"', 'predicate = "true"\ncoverage = "full"', "predicate: a person who is at none"),
    ],
)
def test_an_error_of_the_whole_names_the_file(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "proef.toml"
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path)
    assert caught.value.sentence.startswith(f"{path}")
    assert sentence in caught.value.sentence


def test_a_file_is_named_after_its_scenario(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(FILE)
    with pytest.raises(ScenarioError, match="a file is named after its scenario"):
        read_scenario(path)
    path = path.rename(tmp_path / "proef.toml")
    assert read_scenario(path) == build(members_values_of_file(FILE))


def members_values_of_file(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


# The shipped scenarios.

JOINT = {
    "aio-niet-gebruik",
    "bestaansminimum-uwv",
    "betalingsregeling-rijk",
    "overlap-statistiek",
    "overlap-statistiek-paren",
    "vroegsignaal-gezamenlijk",
    "vroegsignaal-nieuw",
}


def shipped(name: str) -> JoinScenario:
    scenario = Catalogue().get(name)
    assert isinstance(scenario, JoinScenario)
    return scenario


def test_the_shipped_joint_scenarios_are_these() -> None:
    assert {scenario.name for scenario in Catalogue().all() if isinstance(scenario, JoinScenario)} == JOINT


@pytest.mark.parametrize("adder", ADDERS)
@pytest.mark.parametrize("name", sorted(JOINT))
def test_a_shipped_scenario_compiles(name: str, adder: Adder) -> None:
    scenario = shipped(name)
    plan = compile_plan(scenario, adder)
    assert plan.digest == digest(scenario) == digest(shipped(name))
    assert plan.recipients == tuple(scenario.recipients)
    assert [turn.leader for turn in plan.turns] == list(scenario.leaders)
    assert set(plan.with_rows) == set(scenario.with_data)
    for turn in plan.turns:
        # Everyone with data is asked, also who adds nothing but opt-outs.
        assert {join.data_party for join in turn.joins} == set(scenario.with_data) - {turn.leader}


def test_no_adder_changes_what_is_joined_or_opened() -> None:
    for name in JOINT:
        ripple, prefix = (compile_plan(shipped(name), adder) for adder in ADDERS)
        assert ripple.links() == prefix.links()
        assert (ripple.signals, ripple.statistics, ripple.label_bits) == (
            prefix.signals,
            prefix.statistics,
            prefix.label_bits,
        )
        for one, other in zip(ripple.turns, prefix.turns, strict=True):
            assert (one.joins, one.columns, one.with_bsn) == (other.joins, other.columns, other.with_bsn)
            assert one.circuit.output_bits() == other.circuit.output_bits()


def _changed(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield copies of nested values in which one leaf differs."""
    match value:
        case dict():
            for key, item in value.items():
                for where, new in _changed(item, f"{path}.{key}"):
                    yield where, value | {key: new}
        case tuple() | list():
            for number, item in enumerate(value):
                for where, new in _changed(item, f"{path}.{number}"):
                    yield where, (*value[:number], new, *value[number + 1 :])
            yield f"{path}.end", value[:-1] if value else ("x",)
        case bool():
            yield path, not value
        case int():
            yield path, value + 1
        case str():
            yield path, value + "x"
            yield path, value.upper() if value.upper() != value else value.lower() + "y"
        case None:
            yield path, 1


@pytest.mark.parametrize("name", sorted(JOINT))
def test_the_digest_changes_with_every_leaf_of_the_file(name: str) -> None:
    scenario = shipped(name)
    fields = scenario.model_dump(mode="python")
    seen = {digest(scenario)}
    count = 1
    for _, changed in _changed(fields):
        # Most are not valid as a scenario; what counts is that nobody can change a text unseen.
        seen.add(hash_fields("scenario", encode(changed)))
        count += 1
    assert count > 100
    assert len(seen) == count


def test_layout_and_comments_do_not_change_the_digest(tmp_path: Path) -> None:
    text = (builtin_folder() / "overlap-statistiek.toml").read_text()
    path = tmp_path / "overlap-statistiek.toml"
    path.write_text("# another comment\n\n" + text.replace(" = ", "  =  "))
    assert digest(read_scenario(path)) == digest(shipped("overlap-statistiek"))


def test_a_filter_on_a_date_has_a_digest(tmp_path: Path) -> None:
    found = set()
    for value in ("2025-01-01", "2025-01-02", '"2025-01-01"', "20250101"):
        text = FILE.replace('rows = { nl = "rijen", en = "rows" }\n', "%s", 1)
        where = (
            f'rows = {{ nl = "x", en = "x" }}\nwhere = [{{ column = "d", operator = "at_least", value = {value} }}]\n'
        )
        path = tmp_path / "proef.toml"
        path.write_text(text % where)
        found.add(digest(read_scenario(path)))
    assert len(found) == 4


ROLES = {
    "aio-niet-gebruik": {
        "svb": ["leader", "compute party", "recipient"],
        "uwv": ["data party", "compute party"],
        "belastingdienst": ["data party", "compute party"],
    },
    "bestaansminimum-uwv": {
        "uwv": ["leader", "compute party", "recipient"],
        "belastingdienst": ["data party", "compute party"],
        "rekennode": ["compute party"],
        **{name: ["data party"] for name in ("cjib", "toeslagen", "cak")},
    },
    "betalingsregeling-rijk": {
        "cjib": ["leader", "compute party", "recipient"],
        "belastingdienst": ["data party", "compute party"],
        "toeslagen": ["data party", "compute party"],
    },
    "overlap-statistiek": {
        **{name: ["leader", "data party", "compute party"] for name in ("belastingdienst", "toeslagen")},
        **{name: ["leader", "data party"] for name in ("cak", "cjib")},
        "rekennode": ["compute party"],
        "cbs": ["recipient"],
    },
    "overlap-statistiek-paren": {
        **{name: ["leader", "data party", "compute party"] for name in ("belastingdienst", "toeslagen")},
        "cak": ["leader", "data party"],
        "cjib": ["data party"],
        "rekennode": ["compute party"],
        "cbs": ["recipient"],
    },
    "vroegsignaal-gezamenlijk": {
        **{name: ["leader", "data party", "compute party"] for name in ("belastingdienst", "toeslagen")},
        "cak": ["leader", "data party"],
        "cjib": ["data party"],
        "rekennode": ["compute party"],
        **{name: ["recipient"] for name in ("gemeente-a", "gemeente-b")},
    },
    "vroegsignaal-nieuw": {
        **{name: ["leader", "data party", "compute party"] for name in ("belastingdienst", "toeslagen")},
        "cak": ["leader", "data party"],
        "cjib": ["data party"],
        "rekennode": ["compute party"],
        **{name: ["data party", "recipient"] for name in ("gemeente-a", "gemeente-b")},
    },
}


@pytest.mark.parametrize("name", sorted(JOINT))
def test_roles_and_recipients_of_shipped_scenarios(name: str) -> None:
    scenario = shipped(name)
    assert {party_id: scenario.roles(party_id) for party_id in scenario.party_ids} == ROLES[name]
    assert scenario.recipients == sorted(p for p, roles in ROLES[name].items() if "recipient" in roles)
    with pytest.raises(KeyError):
        scenario.party("nobody")


@pytest.mark.parametrize("name", sorted(JOINT))
def test_links_of_shipped_scenarios(name: str) -> None:
    scenario, roles = shipped(name), ROLES[name]
    plan = compile_plan(scenario)
    computing = [p for p, found in roles.items() if "compute party" in found]
    leading = [p for p, found in roles.items() if "leader" in found]
    joining = [p for p, found in roles.items() if {"leader", "data party"} & set(found)]
    expected = {frozenset((a, b)) for a in computing for b in roles} | {
        frozenset((a, b)) for a in leading for b in joining
    }
    assert {frozenset(pair) for pair in plan.links()} == {pair for pair in expected if len(pair) == 2}
    assert all(a < b for a, b in plan.links())
    for party_id in roles:
        assert plan.peers(party_id) == sorted({*roles} & {b for p in expected if party_id in p for b in p} - {party_id})


def test_a_recipient_without_data_talks_to_the_compute_parties_only() -> None:
    assert compile_plan(shipped("overlap-statistiek")).peers("cbs") == ["belastingdienst", "rekennode", "toeslagen"]
    assert len(compile_plan(shipped("vroegsignaal-gezamenlijk")).peers("gemeente-a")) == 3


def test_only_columns_that_expressions_use_enter_the_circuit() -> None:
    columns = [AMOUNT, column("unused", "cents", 500), column("late", "boolean")]
    parties = [party("aa", columns=columns), party("bb", columns=columns), *MORE[2:]]
    signal = SIGNAL | {"when": "aa.late", "columns": {"why": "bb.amount + 1"}}
    plan = compile_plan(build(members_values(parties=parties, outputs=[signal])))
    turn = plan.turns[0]
    assert [join.payload_bits for join in turn.joins] == [1 + 9]
    assert [one.name for one in turn.columns] == ["late"]
    assert turn.with_bsn
    assert plan.signals[0].bits == 1 + 30 + 9


def test_a_signal_of_several_leaders_has_room_for_the_widest() -> None:
    parties = [
        party("aa", columns=[column("x", "cents", 500)]),
        party("bb", columns=[column("x", "cents", 5, min=-4)]),
        *MORE[2:],
    ]
    signal = SIGNAL | {"columns": {"x": "leader.x"}}
    scenario = build(members_values(leaders=["aa", "bb"], parties=parties, predicate="true", outputs=[signal]))
    (field,) = signal_fields(scenario, 0)
    assert (field.name, field.bits, field.signed, field.boolean) == ("x", 10, True, False)
    for adder in ADDERS:
        plan = compile_plan(scenario, adder)
        assert {turn.circuit.output_bits()["signal/0"] for turn in plan.turns} == {41} == {plan.signals[0].bits}
        inputs = {name: np.zeros((bits, 1), np.uint64) for name, bits in plan.turns[1].circuit.input_bits().items()}
        inputs |= {"valid": ~inputs["valid"], "leader/x": to_planes(np.array([-4, 5, 0, -1]), 4, 1)}
        shown = plan.turns[1].circuit.evaluate(inputs)["signal/0"]
        assert from_planes(shown[31:], 4, signed=field.signed).tolist() == [-4, 5, 0, -1]


@pytest.mark.parametrize(
    ("value", "bits", "signed", "boolean"),
    [("bb.amount", 9, False, False), ("-bb.amount", 10, True, False), ("bb.late", 1, False, True)]
    + [("0", 1, False, False), ("aa.own - 3", 4, True, False), ("3 - 5", 2, True, False), ("true", 1, False, True)],
)
def test_how_a_label_is_read(value: str, bits: int, signed: bool, boolean: bool) -> None:
    scenario = build(members_values(**_labelled(value, allow=["foreign-label"])))
    field = label_field(scenario)
    assert (field.name, field.bits, field.signed, field.boolean) == ("value", bits, signed, boolean)
    assert compile_plan(scenario).label_bits == bits


def test_statistics_of_a_plan() -> None:
    (found,) = compile_plan(shipped("overlap-statistiek")).statistics
    assert found.fields == tuple(f"group/0/{m}" for m in (1, 2, 3, 4))
    assert (found.recipient, found.min_group, found.totals, found.set_parties) == ("cbs", 10, ((),) * 4, ())
    (found,) = compile_plan(shipped("overlap-statistiek-paren")).statistics
    assert found.fields[0] == "group/0/belastingdienst+toeslagen"
    assert found.totals[0] == ("belastingdienst", "toeslagen")
    assert found.set_parties == ("belastingdienst", "cak", "cjib", "toeslagen")
