"""How many people are readable in which way: numbers follow from records, and what is missing is not called zero."""

from __future__ import annotations

import pytest
from support.few_records import PAIRS, SIGNAL, SomeDossier, record

from psi_match.base.errors import ScenarioError
from psi_match.report.minimisation import (
    TRUSTED_THIRD_PARTY,
    Baseline,
    baselines,
    false_positives,
    party_name,
)
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import JoinScenario

WAYS = ["file-exchange", "unkeyed-hashes", "bloom-filter", "trusted-third-party", "psi-match"]


def ways(dossier: SomeDossier) -> dict[str, Baseline]:
    return {way.name: way for way in baselines(dossier)}


def test_ways_come_in_order_and_psi_match_is_last() -> None:
    assert [way.name for way in baselines(PAIRS)] == WAYS


def test_pairwise_numbers_follow_from_records() -> None:
    found = ways(PAIRS)
    # Who opted out is not in rows_in of a pairwise run.
    for name in ("file-exchange", "unkeyed-hashes", "bloom-filter"):
        assert found[name].readable == {"cjib": 137 + 206, "belastingdienst": 0, "toeslagen": 0}
        assert found[name].rows_crossing == 343
        assert found[name].sources["cjib"] == "record of belastingdienst: rows_in + record of toeslagen: rows_in"
    third = found["trusted-third-party"]
    assert third.readable[TRUSTED_THIRD_PARTY] == 69 + 137 + 206
    assert third.readable["cjib"] == 35
    assert third.rows_crossing == 412 + 35
    own = found["psi-match"]
    assert own.readable == {"cjib": 35, "belastingdienst": 0, "toeslagen": 0}
    assert own.sources["cjib"] == "record of cjib: result_rows"
    assert own.rows_crossing == 19 + 28
    assert "pairs.toeslagen.matches" in own.crossing_source


def test_joint_numbers_leave_out_who_opted_out() -> None:
    found = ways(SIGNAL)
    creditors = (137 - 2) + 206 + (35 - 1) + 70
    files = found["file-exchange"]
    # Whom one municipality's debt help knows goes to no other municipality.
    assert files.readable["gemeente-a"] == files.readable["gemeente-b"] == creditors
    assert files.rows_crossing == 2 * creditors
    assert files.crossing_source.startswith("2 x (")
    assert "rows_in - opted_out" in files.sources["gemeente-a"]
    assert found["trusted-third-party"].readable[TRUSTED_THIRD_PARTY] == creditors + 5 + 3
    assert found["psi-match"].readable["gemeente-a"] == 3
    assert found["psi-match"].rows_crossing == 4
    assert found["psi-match"].readable["toeslagen"] == 0


def test_a_table_of_counts_names_nobody() -> None:
    records = {party: record(100) for party in ("belastingdienst", "toeslagen", "cak", "cjib")}
    dossier = SomeDossier("overlap-statistiek", records | {"rekennode": record(), "cbs": record(result_rows=4)})
    found = ways(dossier)
    assert found["psi-match"].readable["cbs"] == 0
    assert found["psi-match"].rows_crossing == 0
    assert found["file-exchange"].readable["cbs"] == 400


def test_what_a_missing_record_would_say_is_not_called_zero() -> None:
    rest = {party: own for party, own in SIGNAL.records.items() if party not in {"cak", "gemeente-b"}}
    found = ways(SomeDossier(SIGNAL.scenario, rest))
    assert "gemeente-b" not in found["psi-match"].readable
    assert found["psi-match"].missing == ("gemeente-b",)
    assert found["psi-match"].rows_crossing == 3
    assert set(found["file-exchange"].missing) == {"cak", "gemeente-b"}
    assert found["file-exchange"].readable["gemeente-a"] == 135 + 206 + 70


def test_a_failed_run_has_no_outcome() -> None:
    records = PAIRS.records | {"cjib": record(69)}
    own = ways(SomeDossier(PAIRS.scenario, records))["psi-match"]
    assert "cjib" not in own.readable
    assert own.missing == ("cjib",)


def test_people_behind_rows_come_from_the_truth() -> None:
    cells = [
        {"in": ["cjib"], "count": 20},
        {"in": ["belastingdienst", "toeslagen"], "count": 60},
        {"in": ["toeslagen"], "count": 100},
        {"in": ["cjib", "belastingdienst"], "count": 35},
    ]
    evaluation = {"scenario": {"overlap": {"parties": [], "cells": cells}}}
    found = ways(SomeDossier(PAIRS.scenario, PAIRS.records, evaluation))
    assert found["file-exchange"].persons["cjib"] == 60 + 100 + 35
    assert found["trusted-third-party"].persons[TRUSTED_THIRD_PARTY] == 215
    assert not ways(PAIRS)["file-exchange"].persons


def test_a_careful_exchange_is_shown_where_the_truth_knows_residents() -> None:
    rows = {"gemeente-a": {"cak": 2, "cjib": 9}, "gemeente-b": {"cak": 1, "cjib": 4}}
    evaluation = {"scenario": {"rows_of_residents": rows, "residents": {"gemeente-a": 10, "gemeente-b": 5}}}
    found = ways(SomeDossier(SIGNAL.scenario, SIGNAL.records, evaluation))
    careful = found["residents-only"]
    assert careful.readable["gemeente-a"] == 11
    assert careful.persons["gemeente-a"] == 10
    assert careful.rows_crossing == 16
    assert "residents-only" not in ways(SIGNAL)


def test_a_row_for_a_couple_is_not_called_a_person() -> None:
    records = {"svb": record(80, 0, 7), "uwv": record(900, 2), "belastingdienst": record(800)}
    own = ways(SomeDossier("aio-niet-gebruik", records))["psi-match"]
    assert own.readable["svb"] == 7
    assert "svb" not in own.persons


def test_a_filter_names_others_by_chance() -> None:
    assert false_positives(0) == 0
    assert false_positives(1_000_000) == pytest.approx(0.0899, abs=0.0001)
    assert ways(PAIRS)["bloom-filter"].wrongly["cjib"] == pytest.approx(2 * 0.0909, abs=0.0001)


@pytest.mark.parametrize("name", Catalogue().names())
def test_every_scenario_and_every_number_has_a_source(name: str) -> None:
    scenario = Catalogue().get(name)
    parties = [party.id for party in scenario.parties]
    found = baselines(SomeDossier(name, {party: record(10, 1, 2) for party in parties}))
    for way in found:
        assert set(way.readable) >= set(parties)
        assert set(way.sources) == set(way.readable)
        assert way.crossing_source
        assert way.title.nl
        assert way.explanation.nl != way.explanation.en
        assert not way.missing
    own = found[-1].explanation.en
    collusion = "Two of the three compute parties" if isinstance(scenario, JoinScenario) else "no third party"
    assert collusion in own


def test_a_third_party_with_pseudonyms_is_told_of_and_its_number_is_that_of_plain_files() -> None:
    told = ways(PAIRS)["trusted-third-party"].explanation.en
    assert "This number is for plain files." in told
    assert "it reads no BSN without help, but all links and columns" in told


def test_what_holds_only_while_all_follow_the_protocol_says_so() -> None:
    assert ways(PAIRS)["psi-match"].explanation.en.startswith("While all follow the protocol:")


def test_names_for_people_and_an_unknown_scenario() -> None:
    assert party_name(TRUSTED_THIRD_PARTY, "nl") == "vertrouwde derde"
    assert party_name("cak", "en") == "CAK"
    with pytest.raises(ScenarioError):
        baselines(SomeDossier("no-such-scenario", {}))
