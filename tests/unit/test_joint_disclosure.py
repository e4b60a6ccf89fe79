"""What parties that work together learn is told by who leads and who computes, not typed once for all."""

from __future__ import annotations

import pytest

from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import JoinScenario, SignalOutput
from psi_match.scenario.joint_disclosure import collusion, joint_disclosures, numbers_in_reach

JOINT = [name for name in Catalogue().names() if isinstance(Catalogue().get(name), JoinScenario)]


def joint(name: str) -> JoinScenario:
    scenario = Catalogue().get(name)
    assert isinstance(scenario, JoinScenario)
    return scenario


@pytest.mark.parametrize(
    ("name", "leader"),
    [("aio-niet-gebruik", "SVB"), ("betalingsregeling-rijk", "CJIB"), ("bestaansminimum-uwv", "UWV")],
)
def test_a_leader_that_computes_knows_the_number_of_each_of_its_rows(name: str, leader: str) -> None:
    told = collusion(joint(name))
    assert f"a leader itself ({leader}), it knows the BSN of each of its rows" in told.en
    assert f"zelf leider ({leader}), dan kent die het BSN van elke eigen rij" in told.nl
    assert "no BSN" not in told.en
    assert "the bin of the table" not in told.en


def test_where_no_leader_computes_a_row_is_at_a_bin_and_columns_can_point_someone_out() -> None:
    scenario = joint("aio-niet-gebruik")
    apart = scenario.model_copy(update={"compute": ("cak", "rekennode", "cjib")})
    told = collusion(apart)
    assert "no BSN, but the bin of the table" in told.en
    assert "with columns beside it a person can often be pointed out" in told.en
    assert "a leader itself" not in told.en
    assert not numbers_in_reach(apart)


def test_leaders_that_compute_and_leaders_that_do_not_are_told_apart() -> None:
    told = collusion(joint("overlap-statistiek")).en
    assert "(Belastingdienst or Dienst Toeslagen)" in told
    assert "Of a leader that does not compute no BSN" in told


@pytest.mark.parametrize("name", JOINT)
def test_a_signal_names_numbers_and_tells_of_other_residents_that_they_are_not_on_it(name: str) -> None:
    scenario = joint(name)
    signal = any(isinstance(output, SignalOutput) for output in scenario.outputs)
    assert ("the BSN of every row of every leader" in collusion(scenario).en) is signal
    learned = " ".join(each.learns.en for each in joint_disclosures(scenario))
    unlearned = " ".join(each.does_not_learn.en for each in joint_disclosures(scenario))
    assert ("of other residents only that they are not on it (not why)" in learned) is signal
    assert "anything about others" not in unlearned
