"""Decisions of a policy: what it does not name is refused, and each refusal names its rule and tells peers little."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
from support.governance import COUNTS, NOON, PAIRS, Keys, agreement, limits, permit, policy, scenario, signed

from psi_match.base.errors import ConfigError, PolicyRefusal
from psi_match.governance import decision
from psi_match.governance.agreement_files import SignedAgreement, read_signed
from psi_match.governance.policy import Hours, Policy, read_policy
from psi_match.governance.rules import PUBLIC, Rule, refusal
from psi_match.wire.aborts import from_wire, to_wire


def decide(tmp_path: Path, name: str = PAIRS, now: datetime.datetime = NOON, **changes: Any) -> decision.Permit:
    text, keys = scenario(name), Keys()
    path = signed(tmp_path, agreement(text, keys), keys)

    def find() -> SignedAgreement:
        return read_signed(path)

    allowed = policy(text, **changes)
    return decision.permit(allowed, "cjib", text, find, keys.known(text.party_ids), now)


def refused(tmp_path: Path, **changes: Any) -> str:
    with pytest.raises(PolicyRefusal) as raised:
        decide(tmp_path, **changes)
    assert f"Rule {raised.value.rule}: " in raised.value.sentence
    return raised.value.rule


def test_what_the_policy_names_is_permitted(tmp_path: Path) -> None:
    assert decide(tmp_path).agreement.name == PAIRS


def test_a_party_that_the_policy_does_not_name_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, peers=("belastingdienst",)) == Rule.PEER


def test_no_hours_means_never(tmp_path: Path) -> None:
    assert refused(tmp_path, hours=()) == Rule.HOURS


def test_runs_start_in_the_hours_of_local_time_only(tmp_path: Path) -> None:
    office = (Hours(days=("mon", "tue"), start=datetime.time(8), until=datetime.time(12)),)
    text = scenario()
    for moment, open_ in (
        ("2026-11-24T06:59:59+00:00", False),
        ("2026-11-24T07:00:00+00:00", True),  # eight o'clock in winter
        ("2026-11-24T11:00:00+00:00", True),
        ("2026-11-24T11:00:01+00:00", False),
        ("2026-11-25T08:00:00+00:00", False),  # a Wednesday
        ("2026-06-23T06:00:00+00:00", True),  # eight o'clock in summer
    ):
        assert policy(text, hours=office).open_at(datetime.datetime.fromisoformat(moment)) is open_, moment
    assert refused(tmp_path, hours=office, now=NOON + datetime.timedelta(minutes=1)) == Rule.HOURS


def test_an_operator_an_auditor_and_an_observer_are_named() -> None:
    allowed = policy(scenario())
    decision.check_operator(allowed, "anna")
    decision.check_auditor(allowed, "bart")
    decision.check_observer(allowed, "cas")
    for check, name, rule in (
        (decision.check_operator, "bart", Rule.OPERATOR),
        (decision.check_operator, "", Rule.OPERATOR),
        (decision.check_auditor, "anna", Rule.AUDITOR),
        (decision.check_observer, "bart", Rule.OBSERVER),
        (decision.check_observer, "", Rule.OBSERVER),
    ):
        with pytest.raises(PolicyRefusal) as raised:
            check(allowed, name)
        assert raised.value.rule == rule


def test_groups_are_as_large_as_policy_and_agreement_ask(tmp_path: Path) -> None:
    least = scenario(COUNTS).outputs[0].min_group  # type: ignore[union-attr]
    decide(tmp_path / "fits", COUNTS, limits=limits(min_group=least))
    assert refused(tmp_path / "small", name=COUNTS, limits=limits(min_group=least + 1)) == Rule.MIN_GROUP
    text, keys = scenario(COUNTS), Keys()
    terms = agreement(text, keys).model_copy(update={"min_group": least + 1})
    path = signed(tmp_path, terms, keys)
    with pytest.raises(PolicyRefusal) as raised:
        decision.permit(policy(text), "cjib", text, lambda: read_signed(path), keys.known(text.party_ids), NOON)
    assert raised.value.rule == Rule.MIN_GROUP


def test_no_set_is_larger_than_policy_or_agreement_allow() -> None:
    narrow = permit(max_set_size=1 << 16)
    decision.check_sizes(narrow, {"cjib": 1 << 16})
    wide = permit(max_set_size=1 << 25, max_population_share=1.0)
    decision.check_sizes(wide, {"cjib": 1 << 20})
    for allowed, size in ((narrow, (1 << 16) + 1), (wide, (1 << 20) + 1)):
        with pytest.raises(PolicyRefusal) as raised:
            decision.check_sizes(allowed, {"cjib": size})
        assert raised.value.rule == Rule.SET_SIZE
        assert "the set of cjib" in raised.value.sentence


def test_nobody_feeds_in_everybody() -> None:
    allowed = permit(population=10_000, max_population_share=0.5)
    decision.check_sizes(allowed, {"cjib": 5000, "toeslagen": 256})
    with pytest.raises(PolicyRefusal) as raised:
        decision.check_sizes(allowed, {"toeslagen": 5120})
    assert raised.value.rule == Rule.POPULATION_SHARE


def test_a_party_without_data_brings_none() -> None:
    allowed = permit(COUNTS)
    decision.check_sizes(allowed, {"rekennode": 0, "cbs": 0})
    with pytest.raises(PolicyRefusal):
        decision.check_sizes(allowed, {"rekennode": 256})


def test_a_run_is_of_one_scenario_under_one_agreement() -> None:
    text, keys = scenario(), Keys()
    terms = agreement(text, keys)
    one = decision.run_digest(decision.Permit(terms, policy(text)), text)
    other = decision.Permit(terms.model_copy(update={"name": "tweede"}), policy(text))
    assert decision.run_digest(other, text) != one
    assert decision.run_digest(decision.Permit(terms, policy(text, operators=())), text) == one, "policies may differ"


def test_every_rule_has_a_public_sentence_without_numbers() -> None:
    assert set(PUBLIC) == set(Rule)
    for sentence in PUBLIC.values():
        assert not re.search(r"\d", sentence)


def test_a_peer_is_told_the_public_sentence_only() -> None:
    no = refusal(Rule.RUNS, "7 of 7 runs are used up.", "Wait.")
    abort = to_wire(no, "toeslagen").abort
    assert abort.sentence == PUBLIC[Rule.RUNS]
    assert "7" not in abort.sentence
    assert "runs" not in abort.sentence.split()[:2], "nor the rule"
    assert isinstance(from_wire(abort, "cjib"), PolicyRefusal)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_runs = 5", "max_runs = 0", "limits.max_runs"),
        ("max_population_share = 0.1", "max_population_share = 1.5", "max_population_share"),
        ("min_group = 10", "min_group = 1", "min_group"),
        ("min_group = 10", "", "limits.min_group is missing"),
        ('timezone = "Europe/Amsterdam"', 'timezone = "Europe/Atlantis"', "timezone"),
        ('timezone = "Europe/Amsterdam"', 'timezone = "../../etc/passwd"', "timezone"),
        ('"mon"', '"maandag"', "days"),
        ("start = 00:00:00", "start = 23:59:59.999999", "two for one over midnight"),
        ("format = 1", "format = 1\nallow_all = true", "not a known key"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    import tomli_w

    path = tmp_path / "policy.toml"
    text = tomli_w.dumps(policy(scenario()).model_dump())
    path.write_text(text)
    assert isinstance(read_policy(path), Policy)
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=said):
        read_policy(path)


def test_the_digest_of_a_policy_follows_its_content() -> None:
    text = scenario()
    same = policy(text)
    assert policy(text).digest == same.digest
    for changes in ({"limits": limits(max_population_share=0.2)}, {"operators": ()}, {"hours": ()}):
        assert policy(text, **changes).digest != same.digest  # type: ignore[arg-type]
