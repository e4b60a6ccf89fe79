"""The language of predicates: what is refused, where the error points, and what it advises."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenarios import PARTNER_KEYS, build, column, constant, members_values, party, pointed_at

from psi_match.base.errors import ScenarioError
from psi_match.protocols.circuits import CircuitBuilder
from psi_match.protocols.integers import ADDERS, Adder, Arithmetic, Number
from psi_match.protocols.planes import to_planes
from psi_match.scenario.expressions import checked
from psi_match.scenario.join_model import JoinScenario
from psi_match.scenario.plan import compile_plan
from psi_match.scenario.predicate.compiler import Compiler
from psi_match.scenario.predicate.parser import Source, parse
from psi_match.scenario.predicate.plain import evaluate
from psi_match.scenario.predicate.tree import Constant, Literal, Operation, Reference
from psi_match.scenario.predicate.types import BARE, MOST_BITS, NUMBER, Quantity, Scope, Typed, check, check_boolean

WIDE = 2**62 - 1
SCOPE = Scope(
    leader="aa",
    columns={
        "aa": {"income": Quantity("cents_per_month", 0, 1000), "kind": Quantity("code", 0, 9)},
        "bb": {
            "paid": Quantity("cents_per_month", 0, 1000),
            "assets": Quantity("cents", -50, 2000),
            "age": Quantity("days", 0, 400),
            "kind": Quantity("code", 0, 9),
            "late": Quantity("boolean", 0, 1),
            "wide": Quantity("cents", 0, WIDE),
            "debt": Quantity("cents", -WIDE, 0),
        },
        "gemeente-a": {},
    },
    keys=("self", "partner"),
    constants={"norm": (500, "cents_per_month"), "couple": (2, "code"), "limit": (700, "cents"), "yes": (1, "boolean")},
)


def refused(text: str, field: str = "predicate") -> ScenarioError:
    source = Source(field, text)
    with pytest.raises(ScenarioError) as caught:
        check_boolean(parse(source), SCOPE, source)
    assert caught.value.sentence.startswith(f"{field}: ")
    return caught.value


def typed(text: str) -> Typed:
    source = Source("value", text)
    return check(parse(source), SCOPE, source)


CASES = [
    # text with | before the character at which the error points, part of the sentence, part of the hint
    ("|cc.present", "there is no party cc with data", "Parties with data: aa, bb, gemeente-a; leader is"),
    ("|present", "there is no constant present", "Known constants: norm, couple"),
    ("|gemeente-b.present", "there is no party gemeente-b with data", ""),
    ("|bb.income < 5", "bb has no column income", "Its columns are paid, assets, age, kind, late, wide, debt"),
    ("|gemeente-a.since < 5", "gemeente-a has no column since", "Its columns are none, and present."),
    ("|leader.paid < 5", "aa has no column paid", "Its columns are income, kind"),
    ("|leader.paid < 5", "has no column paid", "and present."),
    ("|Bb.present", "this character does not belong in an expression", ""),
    ("bb.paid < |amount", "there is no constant amount", "A column is written party.column."),
    ("bb.paid < |norm-paid", "there is no constant norm-paid", "A minus needs white space around it."),
    ("|bb-cc.present", "there is no party bb-cc with data", ""),
    ("bb.present[|]", "the name of a key column is expected here, not `]`", ""),
    ("|bb.present[child]", "aa has no key column child", "The keys of aa are self, partner."),
    ("|aa.income[partner] < 5", "own columns have no key in brackets", ""),
    ("|leader.income[partner] < 5", "own columns have no key in brackets", ""),
    ("bb.paid |< bb.assets", "cents and cents_per_month do not go together", "Amounts, months and counts do not mix."),
    ("bb.paid |+ bb.assets < 5", "cents and cents_per_month do not go together", ""),
    ("bb.age |- limit < 5", "cents and days do not go together", ""),
    ("bb.paid |< limit", "cents and cents_per_month do not go together", ""),
    ("|sum(bb.paid, bb.assets) < 5", "cents and cents_per_month do not go together", ""),
    ("count(bb.present) |< bb.age", "days and number do not go together", ""),
    ("(|if bb.late then bb.paid else bb.age) < 5", "cents_per_month and days do not go together", ""),
    ("|if bb.late then bb.paid else true", "boolean and cents_per_month do not go together", ""),
    ("|if bb.late then 1 else true", "boolean and a number do not go together", ""),
    ("bb.late |== 1", "boolean and a number do not go together", ""),
    ("bb.kind |== norm", "cents_per_month and code do not go together", ""),
    ("|bb.late < 5", "this must be a number, but it is true or false", "Count it: count(...)."),
    ("bb.paid + |bb.late < 5", "this must be a number, but it is true or false", "count(...)"),
    ("sum(bb.paid, |bb.present) < 5", "this must be a number, but it is true or false", ""),
    ("- |yes < 5", "this must be a number, but it is true or false", ""),
    ("|bb.paid", "this must be true or false, but it is a number", "Compare it."),
    ("|5", "this must be true or false, but it is a number", ""),
    ("bb.paid |+ 5", "this must be true or false, but it is a number", ""),
    ("not |bb.paid", "this must be true or false, but it is a number", ""),
    ("bb.late and |bb.paid", "this must be true or false, but it is a number", ""),
    ("count(bb.late, |bb.paid) < 5", "this must be true or false, but it is a number", ""),
    ("if |bb.paid then true else false", "this must be true or false, but it is a number", ""),
    ("not bb.paid |+ 1", "this must be true or false, but it is a number", ""),
    ("1 < bb.paid |< 5", "comparisons cannot be chained", "Write `a < b and b < c`."),
    ("bb.late == yes |== bb.late", "comparisons cannot be chained", ""),
    ("|bb.kind < 5", "a code is a name, not a quantity", ""),
    ("bb.kind == 1 + |couple", "a code is a name, not a quantity", ""),
    ("sum(1, |bb.kind) == 5", "a code is a name, not a quantity", ""),
    ("- |bb.kind == 5", "a code is a name, not a quantity", ""),
    ("bb.present |bb.late", "an operator or the end is expected here, not `bb`", ""),
    ("bb.present|)", "an operator or the end is expected here, not `)`", ""),
    ("(bb.present|", "`)` is expected here, not the end", ""),
    ("count(bb.present|", "`)` is expected here, not the end", ""),
    ("count(|)", "a number, a name or an opening parenthesis is expected here, not `)`", ""),
    ("count|", "`(` is expected here, not the end", ""),
    ("bb.|", "`present` or a column is expected here, not the end", ""),
    ("bb.|5", "`present` or a column is expected here, not `5`", ""),
    ("bb.present[partner|", "`]` is expected here, not the end", ""),
    ("if bb.late then true|", "`else` is expected here, not the end", ""),
    ("if bb.late |else true", "`then` is expected here, not `else`", ""),
    ("not |if bb.late then true else false", "not `if`", ""),
    ("bb.present and|", "a number, a name or an opening parenthesis is expected here, not the end", ""),
    ("bb.paid |= 5", "this character does not belong in an expression", ""),
    ("bb.paid |* 2 < 5", "this character does not belong in an expression", ""),
    ('bb.kind == |"couple"', "this character does not belong in an expression", ""),
    ("bb.paid < 5|€", "this character does not belong in an expression", ""),
    ("bb.paid < 1|.5", "an operator or the end is expected here, not `.`", ""),
    ("bb.paid < |5cents", "this character does not belong in an expression", ""),
    ("bb.paid < |1__000", "this character does not belong in an expression", ""),
    ("bb.assets < |1234567890123456789", "the number is too large", ""),
    ("|", "a number, a name or an opening parenthesis is expected here, not the end", ""),
    ("|and", "a number, a name or an opening parenthesis is expected here, not `and`", ""),
    ("bb.wide + bb.wide |+ bb.wide < 5", "could need more than 63 bits", "Declare narrower columns."),
    ("bb.wide - bb.debt |- bb.debt < 5", "could need more than 63 bits", "Declare narrower columns."),
    ("|sum(bb.wide, bb.wide, bb.wide) < 5", "could need more than 63 bits", "Declare narrower columns."),
    ("bb.debt |+ bb.debt < 5", "could need more than 63 bits", "Declare narrower columns."),
]


@pytest.mark.parametrize(("marked", "sentence", "hint"), CASES, ids=[case[0] for case in CASES])
def test_an_error_names_the_field_points_at_the_character_and_advises(marked: str, sentence: str, hint: str) -> None:
    at, text = marked.index("|"), marked.replace("|", "", 1)
    error = refused(text, "outputs[0].when")
    assert sentence in error.sentence
    assert hint in error.hint
    assert pointed_at(error) == (text, at)


@pytest.mark.parametrize(
    ("text", "line", "at"),
    [
        ("\nbb.present\n  and cc.present\n", "  and cc.present", 6),
        ("bb.present and\nnorm\nor true", "norm", 0),
        ("\n  bb.paid\n  < bb.assets\nand true", "  < bb.assets", 2),
        ("\nbb.present and\n", "bb.present and", 14),
        ("\n\n", "", 0),
        ("bb.present\n\n)\n", ")", 0),
    ],
)
def test_an_error_shows_the_one_line_of_a_long_expression(text: str, line: str, at: int) -> None:
    assert pointed_at(refused(text)) == (line, at)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60 + "true" + ")" * 60,
        "not " * 60 + "true",
        "- " * 60 + "1 < 2",
        "if true then true else " * 60 + "true",
        "count(" * 60 + "true" + ") == 1" * 60,
    ],
)
def test_deep_nesting_is_refused_where_it_gets_too_deep(text: str) -> None:
    error = refused(text)
    assert "nested too deeply" in error.sentence
    assert 50 <= pointed_at(error)[1] < len(text)


@pytest.mark.parametrize("row", ["true and true", "1 < 2 + 3", "bb.late or bb.late"])
@pytest.mark.parametrize("length", [100, 5000])
def test_a_long_row_of_operators_is_refused_and_not_a_crash(row: str, length: int) -> None:
    left, operator, right = row.rsplit(" ", 2)
    error = refused(left + f" {operator} {right}" * length)
    assert "nested too deeply" in error.sentence
    assert "sum(...)" in error.hint


@pytest.mark.parametrize(
    "text",
    [
        "(" * 49 + "true" + ")" * 49,
        "not " * 48 + "bb.late",
        "if bb.late then true else " * 48 + "bb.late",
        "bb.late" + " and bb.late" * 98,
        "bb.paid" + " + bb.paid" * 97 + " < 5",
        "count(" + ", ".join(["bb.late"] * 3000) + ") < 5",
    ],
)
def test_what_is_just_within_the_limits_compiles_also_with_little_stack_left(text: str) -> None:
    parties = [party("aa"), party("bb", columns=[column("late", "boolean"), column("paid", "cents", 9)])]
    scenario = build(members_values(predicate=text, parties=[*parties, party("cc", data=False)]))

    def below(frames: int) -> int:
        return below(frames - 1) if frames else compile_plan(scenario).turns[0].circuit.depth

    assert below(250) >= 0


def test_precedence_and_association() -> None:
    assert parse(Source("p", "not a.b or c.d and e.f")) == Operation(
        "or",
        (
            Operation("not", (Reference("a", "b", None, 4),), 0),
            Operation("and", (Reference("c", "d", None, 11), Reference("e", "f", None, 19)), 15),
        ),
        8,
    )
    assert parse(Source("p", "9 - 4 - 3")) == Operation(
        "-", (Operation("-", (Literal(9, 0), Literal(4, 4)), 2), Literal(3, 8)), 6
    )
    assert parse(Source("p", "not 1 < 2")) == Operation("not", (Operation("<", (Literal(1, 4), Literal(2, 8)), 6),), 0)


def test_a_hyphen_in_a_name_and_a_minus() -> None:
    assert parse(Source("p", "norm-low")) == Constant("norm-low", 0)
    assert parse(Source("p", "norm - low")) == Operation("-", (Constant("norm", 0), Constant("low", 7)), 5)
    assert parse(Source("p", "norm -5")) == Operation("-", (Constant("norm", 0), Literal(5, 6)), 5)
    assert parse(Source("p", "9-5")) == Operation("-", (Literal(9, 0), Literal(5, 2)), 1)
    assert parse(Source("p", "gemeente-a.present")) == Reference("gemeente-a", "present", None, 0)
    assert parse(Source("p", "a.count[partner]")) == Reference("a", "count", "partner", 0)
    assert parse(Source("p", "1_000_000")) == Literal(1_000_000, 0)
    assert parse(Source("p", "0" * 17 + "7")) == Literal(7, 0)


def test_units_and_ranges() -> None:
    shown = {
        "bb.assets - limit": ("cents", -750, 1300),
        "- bb.assets": ("cents", -2000, 50),
        "bb.paid + 5": ("cents_per_month", 5, 1005),
        "sum(bb.paid, leader.income, 7)": ("cents_per_month", 7, 2007),
        "count(bb.late, bb.present, true)": (NUMBER, 0, 3),
        "1 + 2": (BARE, 3, 3),
        "if bb.late then 5 else bb.age": ("days", 0, 400),
        "if bb.late then couple else 3": ("code", 2, 3),
        "bb.paid >= 5": ("boolean", 0, 1),
        "bb.kind != couple": ("boolean", 0, 1),
        "bb.late == yes": ("boolean", 0, 1),
    }
    assert {text: (typed(text).unit, typed(text).low, typed(text).high) for text in shown} == shown


def test_the_leader_holds_its_own_rows() -> None:
    assert typed("aa.present") == typed("leader.present") == typed("leader.present[self]")
    assert typed("aa.present").name == "constant"
    assert typed("aa.income") == typed("leader.income") == typed("aa.income[self]")
    assert typed("bb.paid") == typed("bb.paid[self]") != typed("bb.paid[partner]")


def _of(low: int, high: int) -> Scope:
    return Scope("aa", {"aa": {"x": Quantity("cents", low, high)}}, ("self",), {})


def test_a_value_may_fill_63_bits_and_not_more() -> None:
    def total(text: str, low: int, high: int) -> Typed:
        source = Source("label", text)
        return check(parse(source), _of(low, high), source)

    assert MOST_BITS == 63
    assert total("aa.x + aa.x + 1", 0, WIDE).high == 2**63 - 1
    assert total("aa.x - 1", -WIDE, WIDE).low == -(2**62)
    for text, low, high in [
        ("aa.x + aa.x + 2", 0, WIDE),
        ("sum(aa.x, aa.x, 2)", 0, WIDE),
        ("aa.x - 2", -WIDE, 0),
        ("aa.x - (0 - aa.x)", 0, 2**62),
        ("0 - aa.x - 1", 0, 2**62),
        ("- aa.x", 0, 2**62 + 1),
    ]:
        with pytest.raises(ScenarioError, match="could need more than 63 bits") as caught:
            total(text, low, high)
        assert caught.value.hint == "Declare narrower columns."
        assert pointed_at(caught.value)[0] == text


@pytest.mark.parametrize("adder", ADDERS)
@pytest.mark.parametrize(
    "text",
    [
        "aa.x + aa.x + 1 < aa.y",
        "aa.x - aa.y < 0 - aa.y",
        "sum(aa.x, aa.x) < aa.y + aa.y",
        "- aa.x <= - aa.y",
        "(if aa.x < aa.y then aa.x else aa.y) == aa.x",
        "aa.x - aa.x == 0",
        "aa.x + 0 - 1 < aa.y",
    ],
)
def test_circuits_and_twin_at_the_widest_values(text: str, adder: Adder) -> None:
    scope = Scope("aa", {"aa": {"x": Quantity("cents", 0, WIDE), "y": Quantity("cents", 0, WIDE)}}, ("self",), {})
    values = [0, 1, 2, 2**31, 2**61, WIDE - 1, WIDE]
    x, y = (np.array(one, dtype=np.int64) for one in zip(*[(a, b) for a in values for b in values], strict=True))
    source = Source("p", text)
    tree = check_boolean(parse(source), scope, source)
    builder = CircuitBuilder()
    inputs = {name: Number(builder.input(name, 62), 0, WIDE) for name in ("x", "y")}
    compiler = Compiler(builder, Arithmetic(builder, adder), lambda part: inputs[part.column])
    builder.output("out", (compiler.boolean(tree),))
    planes = builder.build().evaluate({"x": to_planes(x, 62, 1), "y": to_planes(y, 62, 1)})["out"]
    shown = [int(planes[0, 0]) >> row & 1 == 1 for row in range(len(x))]
    twin = evaluate(tree, len(x), lambda part: {"x": x, "y": y}[part.column])
    # Python's own integers, with the names put in: the oracle is a different language on purpose.
    expected = {
        "aa.x + aa.x + 1 < aa.y": lambda a, b: 2 * a + 1 < b,
        "aa.x - aa.y < 0 - aa.y": lambda a, b: a - b < -b,
        "sum(aa.x, aa.x) < aa.y + aa.y": lambda a, b: a < b,
        "- aa.x <= - aa.y": lambda a, b: a >= b,
        "(if aa.x < aa.y then aa.x else aa.y) == aa.x": lambda a, b: min(a, b) == a,
        "aa.x - aa.x == 0": lambda _a, _b: True,
        "aa.x + 0 - 1 < aa.y": lambda a, b: a - 1 < b,
    }[text]
    answers = [expected(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    assert shown == answers
    assert twin.tolist() == answers


def _scenario(predicate: str) -> JoinScenario:
    parties = [
        party("aa", keys=PARTNER_KEYS, columns=[column("income", "cents_per_month", 1000)]),
        party("bb", columns=[column("paid", "cents_per_month", 1000, min=5, no_key=7)]),
        party("cc", data=False),
    ]
    constants = {"norm": constant(500, "cents_per_month")}
    return build(members_values(predicate=predicate, parties=parties, constants=constants))


def test_a_scenario_names_the_output_in_which_an_expression_is_wrong() -> None:
    for changes, field in [
        ({"predicate": "bb.x < 5"}, "predicate"),
        ({"outputs": [{"kind": "label", "name": "n", "value": "bb.x"}]}, "outputs[0].value"),
        (
            {"outputs": [{"kind": "members"}, {"kind": "signal", "recipient": "dd", "when": "bb.x < 5"}]},
            "outputs[1].when",
        ),
        (
            {"outputs": [{"kind": "signal", "recipient": "dd", "columns": {"n": "bb.x"}}]},
            "outputs[0].columns.n",
        ),
    ]:
        parties = [party("aa"), party("bb"), party("cc", data=False), party("dd", data=False)]
        with pytest.raises(ScenarioError) as caught:
            checked(build(members_values(**{"parties": parties} | changes)), "aa")
        assert caught.value.sentence.startswith(f"{field}: bb has no column x")


def test_a_column_reaches_down_to_zero_because_absence_is_zero() -> None:
    source = Source("p", "bb.paid < 5")
    scenario = _scenario("bb.paid[partner] < norm")
    part = next(part for part in checked(scenario, "aa").predicate.parts() if part.name == "column")
    assert (part.low, part.high, part.key) == (0, 1000, "partner")
    assert parse(source) == Operation("<", (Reference("bb", "paid", None, 0), Literal(5, 10)), 8)
