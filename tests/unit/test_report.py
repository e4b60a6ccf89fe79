"""The evidence report: every number is the dossier's, nothing missing is passed over, and text stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import pytest
from support.report_dossiers import LINKS, RESULTS, dossier, record, with_record

from psi_match.base.errors import UsageError
from psi_match.domain.parties import display_name
from psi_match.governance.rules import PUBLIC, Rule
from psi_match.node.dossier import Dossier, Missing
from psi_match.report.build import build_report
from psi_match.report.facts import OutputKind
from psi_match.report.model import Callout, Figure, Number, Report, Section, Table, used_numbers
from psi_match.report.numbers import fill, grouped, number, plain, shown, wilson
from psi_match.report.texts.dpia import PARAGRAPHS
from psi_match.report.texts.summary import FOLLOW_UP, LEARNED_BY
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.digest import digest
from psi_match.scenario.model import Text

LANGUAGES = ("nl", "en")


def text_of(report: Report, sections: tuple[Section, ...] | None = None) -> str:
    """Return all words of a report, or of some of its sections."""
    out: list[str] = []
    for section in report.all_sections() if sections is None else sections:
        out.append(section.title)
        for block in section.blocks:
            match block:
                case Table():
                    out += [block.caption, *block.headers]
                    out += [plain(cell, report.language) for row in block.rows for cell in row]
                case Figure():
                    out += [block.caption, block.alt]
                case Callout():
                    out += [block.label, plain(block.parts, report.language)]
                case _:
                    items = getattr(block, "items", None) or (getattr(block, "parts", ()),)
                    out += [plain(item, report.language) for item in items]
    return "\n".join(out).replace("\u00a0", " ")


@cache
def complete(language: str) -> Report:
    """Return the report of a dossier in which nothing is missing."""
    return build_report(dossier(), language)


def section(report: Report, name: str) -> Section:
    return next(section for section in report.all_sections() if section.id == name)


def of_kind(kind: str) -> Dossier:
    """Return a dossier of any scenario, with one result and no evaluation."""
    scenario = Catalogue().get(kind)
    recipients = getattr(scenario, "recipients", scenario.leaders)
    records = {}
    for party in scenario.party_ids:
        fields: dict[str, Any] = {
            "scenario": kind,
            "scenario_digest": digest(scenario).hex(),
            "party": party,
            "parties": scenario.party_ids,
            "pairs": {},
            "result_rows": 314 if party == recipients[0] else None,
        }
        records[party] = record("cak") | fields
    return Dossier(dossier().run_id, kind, dossier().collected, records, {})


def values(report: Report) -> list[float]:
    return [used.number.value for used in used_numbers(report.all_sections(), report.words)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_17_paragraphs_are_there_by_number_and_name_and_say_who_must_fill_them(language: str) -> None:
    report = complete(language)
    assert [p.number for p in PARAGRAPHS] == list(range(1, 18))
    for paragraph in PARAGRAPHS:
        found = section(report, f"dpia-{paragraph.number}")
        assert found.title == f"{paragraph.number}. {paragraph.name.in_language(language)}"
        assert found.title.split(" (")[0].endswith(paragraph.name.nl.split(" (")[0])
        status = found.blocks[0]
        assert isinstance(status, Callout)
        assert status.kind == "open"
        said = plain(status.parts, language)
        assert paragraph.gap.in_language(language) in said
        assert paragraph.who.in_language(language) in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_have_the_same_numbers_in_the_same_places(language: str) -> None:
    other = "en" if language == "nl" else "nl"
    one, two = complete(language), complete(other)
    assert [s.id for s in one.all_sections()] == [s.id for s in two.all_sections()]
    # A sentence may put its numbers in another order.
    assert sorted(values(one)) == sorted(values(two))


@pytest.mark.parametrize(
    ("party", "field", "value", "seen"),
    [
        ("gemeente-a", "result_rows", 4_321, "4.321"),
        ("cak", "rows_in", 98_765, "98.765"),
        ("cjib", "wall_s", 77.25, "77,25 s"),
        ("toeslagen", "peak_rss_bytes", 987_650_000, "987,65 MB"),
        ("cak", "pairs", {"toeslagen": {"bytes_out": 7_654_321, "bytes_in": 0}}, "7.654.321"),
        ("belastingdienst", "opted_out", 4_447, "4.447"),
    ],
)
def test_a_changed_field_of_a_record_changes_the_report(party: str, field: str, value: Any, seen: str) -> None:
    before = text_of(complete("nl"))
    after = text_of(build_report(with_record(party, **{field: value}), "nl"))
    assert seen not in before
    assert seen in after


def test_every_number_of_the_report_is_in_the_table_of_origins() -> None:
    report = complete("nl")
    (table,) = (block for block in section(report, "numbers").blocks if isinstance(block, Table))
    shown_values = {value for row in table.rows for value in plain(row[1], "nl").split("; ")}
    used = list(used_numbers(report.all_sections(), report.words))
    assert len(used) > 150
    assert {shown(item.number, "nl") for item in used} <= shown_values
    assert all(item.number.source.field for item in used)


def test_places_in_the_table_of_origins_are_those_of_the_tables() -> None:
    report = complete("en")
    captions = [b for s in report.all_sections() for b in s.blocks if isinstance(b, Table)]
    index = next(i for i, block in enumerate(captions, 1) if "per node" in block.caption and "Time" in block.caption)
    (origins,) = (block for block in section(report, "numbers").blocks if isinstance(block, Table))
    peak = next(row for row in origins.rows if plain(row[0], "en") == "record CAK: peak_rss_bytes")
    assert plain(peak[2], "en") == f"Table {index}"


def test_numbers_are_written_as_the_language_has_them() -> None:
    assert (grouped(1234.5, 1, "nl"), grouped(1234.5, 1, "en")) == ("1.234,5", "1,234.5")
    assert shown(number(123_456, "cents", "scenario", "x"), "nl") == "€\u00a01.234,56"
    assert shown(number(0.931, "share", "evaluation", "x"), "en") == "93.1%"
    assert shown(number(950, "megabytes", "record", "x"), "en") == "950\u00a0bytes"


def test_intervals_are_wilsons() -> None:
    # Newcombe (1998), Statistics in Medicine 17:857, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 to 0.1611.
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 20)[0] == 0
    assert round(wilson(0, 20)[1], 4) == 0.1611


def test_a_value_is_never_read_as_a_template() -> None:
    text = Text(nl="{name} en {count}", en="{name} and {count}")
    count = number(3, "count", "record", "x")
    assert fill(text, "en", name="{count}{0}", count=count) == ("{count}{0}", " and ", count)


def test_results_are_compared_with_the_truth_and_a_difference_is_said() -> None:
    same = text_of(complete("en"))
    assert "equal to the rule on plain tables (1,234)" in same
    assert "does not say that the rule finds the right people" in same
    assert "Differs" not in same
    other = text_of(build_report(with_record("gemeente-a", result_rows=1_233), "en"))
    assert "Differs from the rule on plain tables (1,234)" in other


def test_every_result_has_a_human_follow_up_beside_it() -> None:
    report = complete("nl")
    (table,) = (block for block in section(report, "came-out").blocks if isinstance(block, Table))
    assert len(table.rows) == len(RESULTS)
    assert all("medewerker" in plain(row[-1], "nl") for row in table.rows)


def test_a_message_that_both_ends_noted_is_counted_once_and_one_end_is_enough() -> None:
    report = complete("en")
    flows = [b for b in section(report, "per-message").blocks if isinstance(b, Table)][1]
    rows = [[plain(cell, "en") for cell in row[1:]] for row in flows.rows]
    assert rows == [["Belastingdienst", "Dienst Toeslagen", "3", "60,958"], ["CAK", "Belastingdienst", "3", "24,446"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_evaluation_timelines_and_records_the_report_says_so(language: str) -> None:
    bare = dossier(records={"gemeente-a": record("gemeente-a")}, timelines={}, evaluation=None)
    report = build_report(bare, language)
    for name in ("quality", "per-message", "took-part"):
        assert any(isinstance(b, Callout) and b.kind == "warning" for b in section(report, name).blocks), name
    assert "CAK" in text_of(report, (section(report, "took-part"),))
    assert len(report.sections) == len(complete(language).sections)
    empty = build_report(dossier(records={}, timelines={}, evaluation=None), language)
    assert any(isinstance(b, Callout) for b in section(empty, "performance").blocks)


def test_why_a_part_is_missing_is_said() -> None:
    records = {party: record(party) for party in LINKS if party != "cak"}
    missing = (Missing("cak", "record", "refused"), Missing("cjib", "timeline", "unreachable"))
    report = build_report(dossier(records=records, missing=missing), "en")
    said = text_of(report, (section(report, "per-message"), section(report, "performance")))
    assert "CAK (the node refused), CJIB (the node could not be reached)" in said
    states = [b for b in section(report, "performance").blocks if isinstance(b, Table)][1]
    assert ("CAK", "not known", "the node refused") in [tuple(plain(c, "en") for c in row) for row in states.rows]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_failed_run_has_a_report_without_results(language: str) -> None:
    reason = "The peer was silent for longer than the deadline. (peer cak, step hello)"
    failed = {party: record(party, state="failed", result_rows=None, error=reason) for party in LINKS}
    report = build_report(dossier(records=failed), language)
    came_out = section(report, "came-out").blocks
    assert [type(block) for block in came_out] == [Callout]
    assert reason in text_of(report, (section(report, "came-out"),))
    assert not any(section.id == "spared" for section in report.summary)
    assert any(isinstance(b, Callout) and b.kind == "warning" for b in section(report, "minimisation").blocks)


def test_an_unknown_scenario_and_another_text_of_a_known_one_are_said() -> None:
    renamed = {party: record(party, scenario="iets-anders") for party in LINKS}
    unknown = build_report(dossier(scenario="iets-anders", records=renamed, evaluation=None), "nl")
    assert "niet bekend" in text_of(unknown, (section(unknown, "asked"),))
    other = {party: record(party, scenario_digest="00" * 32) for party in LINKS}
    changed = build_report(dossier(records=other, evaluation=None), "nl")
    assert "andere digest" in text_of(changed, (section(changed, "asked"),))


def test_a_damaged_evaluation_is_refused_with_its_place() -> None:
    broken = dossier().evaluation
    assert broken is not None
    broken["scenario"]["quality"]["hits"] = 9_999
    with pytest.raises(UsageError, match=r"wrong at scenario\.quality"):
        build_report(dossier(evaluation=broken), "nl")


@pytest.mark.parametrize("digest_of_evaluation", ["00" * 32, None])
def test_an_evaluation_of_another_text_of_the_scenario_is_refused(digest_of_evaluation: str | None) -> None:
    other = dossier().evaluation
    assert other is not None
    if digest_of_evaluation is None:
        del other["scenario"]["scenario_digest"]
    else:
        other["scenario"]["scenario_digest"] = digest_of_evaluation
    with pytest.raises(UsageError, match=r"another text of the scenario|wrong at scenario\.scenario_digest"):
        build_report(dossier(evaluation=other), "en")
    build_report(dossier(records={}, evaluation=dossier().evaluation), "en")


def test_a_run_that_failed_at_one_party_names_whoever_has_a_result() -> None:
    records = {party: record(party) for party in LINKS}
    records["cak"] = record("cak", state="failed", error="The peer is gone. (peer cjib, step hello)")
    records["gemeente-b"] = record("gemeente-b", state="failed", result_rows=None)
    report = build_report(dossier(records=records), "en")
    said = text_of(report, (section(report, "came-out"), section(report, "learned")))
    assert "It failed" not in said
    assert "did not end well everywhere. There is a result at: Gemeente A." in said
    assert "No node with a record kept a result" not in said
    assert "The peer is gone. (peer cjib, step hello)" in said
    assert "1,234 people" in said
    assert "Only Gemeente A: who in the own area" in said
    running = {party: record(party, state="running", result_rows=None) for party in LINKS}
    unfinished = build_report(dossier(records=running | {"gemeente-a": record("gemeente-a")}), "en")
    assert "There is a result already at: Gemeente A." in text_of(unfinished, (section(unfinished, "came-out"),))


def test_a_run_that_failed_everywhere_does_not_say_that_nobody_got_anything() -> None:
    failed = {party: record(party, state="failed", result_rows=None) for party in LINKS}
    report = build_report(dossier(records=failed), "en")
    said = text_of(report, (section(report, "came-out"), section(report, "learned")))
    assert said.count("it may have seen") == 2
    assert "nobody" not in said.lower()


@pytest.mark.parametrize(
    ("error", "shown", "hidden"),
    [
        (
            "Rule set-size: The set has 4711 rows, and the policy allows 4000.",
            PUBLIC[Rule.SET_SIZE],
            ("4711", "4000", "set-size"),
        ),
        (
            "Dataset arrears has 4711 rows for this scenario, more than the agreed cap.",
            "only in the record of that node",
            ("4711", "agreed cap"),
        ),
        ("Rule of-a-newer-version: 4711 rows.", "only in the record of that node", ("4711",)),
        ("Cannot read /srv/arrears.parquet: no such file.", "only in the record of that node", ("/srv",)),
    ],
)
def test_why_a_run_failed_is_told_without_what_only_the_node_may_know(
    error: str, shown: str, hidden: tuple[str, ...]
) -> None:
    failed = {party: record(party, state="failed", result_rows=None, error=error) for party in LINKS}
    report = build_report(dossier(records=failed), "en")
    for name in ("came-out", "performance"):
        assert shown in text_of(report, (section(report, name),))
    assert not any(secret in text_of(report) for secret in hidden)


@pytest.mark.parametrize(("language", "claim"), [("nl", "verzonnen"), ("en", "made up")])
def test_people_are_called_made_up_only_with_an_evaluation(language: str, claim: str) -> None:
    known, unknown = complete(language), build_report(dossier(evaluation=None), language)
    assert claim in known.notice
    assert claim in text_of(known, (section(known, "dpia-2"),))
    assert claim not in unknown.notice
    assert claim not in text_of(unknown)
    doubt = {"nl": "weet dit rapport niet", "en": "this report does not know"}[language]
    assert doubt in unknown.notice
    assert doubt in text_of(unknown, (section(unknown, "dpia-2"),))


def test_the_saving_is_counted_from_the_most_sparing_other_way() -> None:
    careful = dossier().evaluation
    assert careful is not None
    careful["scenario"] |= {
        "rows_of_residents": {"gemeente-a": {"cak": 700, "cjib": 600}, "gemeente-b": {"cak": 1, "cjib": 90}},
        "residents": {"gemeente-a": 1_290, "gemeente-b": 91},
    }
    report = build_report(dossier(evaluation=careful), "en")
    said = text_of(report, (section(report, "spared"),))
    assert f"With psi-match {700 + 600 - 1_234} rows of others stay unread" in said
    assert "(files of own residents)" in said
    assert "that number is not known here" not in said
    without = text_of(complete("en"), (section(complete("en"), "spared"),))
    assert "Files per municipality would disclose less; that number is not known here." in without
    assert "so these are not numbers of people" in said


def test_a_pairwise_leader_learned_of_each_party_apart() -> None:
    report = build_report(of_kind("betalingsregeling-rijk-paren"), "en")
    said = text_of(report, (section(report, "learned"), section(report, "spared")))
    assert "Only CJIB: of each own row, for each other party apart, whether it is there" in said
    assert "whether the rule holds" not in said
    assert "these are not counted here" in said
    joint = build_report(of_kind("betalingsregeling-rijk"), "en")
    assert "of each own row whether the rule holds" in text_of(joint, (section(joint, "learned"),))


def test_a_label_tells_more_than_that_the_rule_holds() -> None:
    assert "also the label" in LEARNED_BY["label"].en
    assert set(LEARNED_BY) == set(FOLLOW_UP) == set(get_args(OutputKind))


def test_chance_of_drawing_is_not_said_of_households() -> None:
    drawn = "Chance of drawing"
    assert drawn in text_of(complete("en"), (section(complete("en"), "came-out"),))
    about = dossier().evaluation
    assert about is not None
    about["scenario"] |= {
        "scenario_digest": digest(Catalogue().get("aio-niet-gebruik")).hex(),
        "expected": {"svb": 314},
    }
    households = build_report(replace(of_kind("aio-niet-gebruik"), evaluation=about), "en")
    said = text_of(households, (section(households, "came-out"),))
    assert "314 households" in said
    assert drawn not in said


def test_a_share_that_the_definition_makes_whole_has_no_interval() -> None:
    whole = dossier().evaluation
    assert whole is not None
    whole["scenario"]["quality"] |= {"selected": 1_200, "precision": 1.0}
    report = build_report(dossier(evaluation=whole), "en")
    (measures,) = (b for b in section(report, "quality").blocks if isinstance(b, Table) and b.headers[0] == "Measure")
    shown = {plain(row[0], "en").split(" ")[0]: plain(row[2], "en") for row in measures.rows}
    assert shown["Precision"] == "none: follows from the definition"
    assert " to " in shown["Recall"]


@pytest.mark.parametrize("kind", ["vroegsignaal-gezamenlijk", "aio-niet-gebruik", "betalingsregeling-rijk"])
def test_who_can_see_everything_together_is_named(kind: str) -> None:
    report = build_report(of_kind(kind), "en")
    said = text_of(report, (section(report, "wrong"),))
    compute = ", ".join(map(display_name, getattr(Catalogue().get(kind), "compute", ())))
    assert f"({compute}) that work together" in said
    assert "every BSN of the leaders too" in said
    assert "does not stop that and mostly does not notice" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_claims_no_anonymity_and_draws_no_legal_conclusion(language: str) -> None:
    report = complete(language)
    words = text_of(report).lower()
    assert not re.search(r"\b(is|zijn|are) (anoniem|anonymous|rechtmatig|lawful)\b", words)
    assert ("geen anonimiteit" if language == "nl" else "not anonymity") in report.notice
    law = text_of(report, (section(report, "dpia-9"),))
    assert law.count("?") >= 7


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["aio-niet-gebruik", "betalingsregeling-rijk-paren", "overlap-statistiek"])
def test_every_kind_of_scenario_has_a_report(kind: str, language: str) -> None:
    report = build_report(of_kind(kind), language)
    (results,) = (block for block in section(report, "came-out").blocks if isinstance(block, Table))
    assert "314" in plain(results.rows[0][1], language)
    assert isinstance(report.sections[-1].blocks[-1], Table)
    assert any(isinstance(part, Number) for row in results.rows for cell in row for part in cell)
