"""Agreements: in force only with all signatures, on exactly one text of a scenario, and only if they describe it."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from support.governance import COUNTS, PAIRS, SIGNAL, TODAY, Keys, agreement, conditions, scenario, signed

from psi_match.base.errors import ConfigError, PolicyRefusal, UsageError
from psi_match.governance.agreement import Agreement, Grondslag, OutputTerms, PartyTerms, Retention
from psi_match.governance.agreement_files import read_agreement, read_signed, sign_agreement, signature_path
from psi_match.governance.decision import check_in_force
from psi_match.governance.proposal import propose
from psi_match.governance.rules import Rule
from psi_match.governance.signing import Signers
from psi_match.scenario.catalogue import Catalogue, builtin_folder, read_scenario
from psi_match.scenario.model import Text


def refused(
    path: Path, signers: Signers, name: str = PAIRS, day: datetime.date = TODAY, text: Any = None
) -> PolicyRefusal:
    with pytest.raises(PolicyRefusal) as raised:
        check_in_force(read_signed(path), text or scenario(name), signers, day)
    return raised.value


@pytest.mark.parametrize("name", Catalogue().names())
def test_a_proposal_signed_by_all_is_in_force(tmp_path: Path, name: str) -> None:
    keys, text = Keys(), scenario(name)
    path = signed(tmp_path, agreement(text, keys), keys)
    check_in_force(read_signed(path), text, keys.known(text.party_ids), TODAY)
    assert read_agreement(path) == agreement(text, keys), "the file holds all of it"


def test_every_signature_is_needed(tmp_path: Path) -> None:
    keys, text = Keys(), scenario(SIGNAL)
    for missing in text.party_ids:
        path = signed(tmp_path / missing, agreement(text, keys), keys, without=(missing,))
        no = refused(path, keys.known(text.party_ids), SIGNAL)
        assert no.rule == Rule.SIGNATURES
        assert f"not signed by {missing}." in no.sentence


def test_changing_anything_in_the_text_makes_every_signature_wrong(tmp_path: Path) -> None:
    keys, text = Keys(), scenario()
    path = signed(tmp_path, agreement(text, keys), keys)
    before = path.read_text()
    for old, new in (
        ("max = 3", "max = 4"),
        ("result_days = 30", "result_days = 31"),
        ("min_group = 10", "min_group = 9"),
        ("artikel 1", "artikel 2"),
        ("end = 2026-12-24", "end = 2026-12-25"),
        ("max_set_size = 1048576", "max_set_size = 1048577"),
        ("aanbieden.", "aanbieden!"),
    ):
        assert old in before
        path.write_text(before.replace(old, new, 1))
        assert read_signed(path).wrong == tuple(text.party_ids)
        assert refused(path, keys.known(text.party_ids)).rule == Rule.SIGNATURES
    path.write_text("# a comment is not part of it\n" + before)
    assert not read_signed(path).missing


def test_a_signature_counts_for_its_own_party_text_and_key_only(tmp_path: Path) -> None:
    keys, text = Keys(), scenario()
    one = signed(tmp_path / "one", agreement(text, keys), keys)
    other = signed(tmp_path / "other", agreement(text, keys, end=TODAY), keys)
    ours = signature_path(one, "cjib")
    original = ours.read_text()
    for wrong in (
        signature_path(other, "cjib").read_text(),
        signature_path(one, "toeslagen").read_text(),
        original.replace('party = "cjib"', 'party = "toeslagen"'),
        original.replace(keys.signer("cjib").public_key.hex(), keys.signer("toeslagen").public_key.hex()),
    ):
        ours.write_text(wrong)
        assert read_signed(one).missing == ["cjib"]
    ours.write_text(original)
    assert not read_signed(one).missing


def test_a_signature_file_is_checked_in_each_of_its_parts(tmp_path: Path) -> None:
    keys, text = Keys(), scenario()
    terms = agreement(text, keys)
    path = signed(tmp_path, terms, keys)
    ours = signature_path(path, "cjib")
    fields = tomllib.loads(ours.read_text())
    stranger = Keys().signer("cjib")
    forged = stranger.sign("agreement-signature", terms.digest, b"cjib").hex()
    last = fields["signature"][-1]
    for wrong in (
        {"agreement": "0" * 64},
        {"signature": fields["signature"][:-1] + ("0" if last != "0" else "1")},
        # A good signature under this text, by a key that the text does not name.
        {"public_key": stranger.public_key.hex(), "signature": forged},
    ):
        ours.write_text(tomli_w.dumps(fields | wrong))
        assert read_signed(path).wrong == ("cjib",)


def test_a_key_that_is_not_known_as_the_partys_own_counts_for_nothing(tmp_path: Path) -> None:
    keys, text = Keys(), scenario()
    path = signed(tmp_path, agreement(text, keys), keys)
    strangers = Keys()
    strangers.of = {party: keys.signer(party) for party in text.party_ids if party != "toeslagen"}
    no = refused(path, strangers.known(text.party_ids))
    assert no.rule == Rule.SIGNATURES
    assert "toeslagen" in no.sentence
    assert "known" in no.sentence


def test_changing_one_character_of_the_scenario_breaks_it(tmp_path: Path) -> None:
    keys, text = Keys(), scenario()
    path = signed(tmp_path, agreement(text, keys), keys)
    file = tmp_path / f"{PAIRS}.toml"
    source = (builtin_folder() / f"{PAIRS}.toml").read_text()
    (tmp_path / "changed").mkdir()
    file = tmp_path / "changed" / f"{PAIRS}.toml"
    for old, new in (("value = 60000", "value = 60001"), ("at_least", "at_most"), ("semi-honest", "semi-honesT")):
        file.write_text(source.replace(old, new, 1))
        assert refused(path, keys.known(text.party_ids), text=read_scenario(file)).rule == Rule.DIGEST
    file.write_text("# only a comment\n" + source)
    check_in_force(read_signed(path), read_scenario(file), keys.known(text.party_ids), TODAY)


def _lied(terms: Agreement, what: str) -> Agreement:
    """The same agreement, saying something else than the scenario does."""
    first = terms.parties[0]

    def party(**changes: Any) -> tuple[PartyTerms, ...]:
        return (first.model_copy(update=changes), *terms.parties[1:])

    changes: dict[str, dict[str, Any]] = {
        "the purpose": {"purpose": Text(nl="Iets anders.", en="Something else.")},
        "the name of the scenario": {"scenario": "iets-anders"},
        "the parties": {"parties": terms.parties[1:]},
        f"the roles of {first.id}": {"parties": party(roles=("recipient",))},
        f"the dataset of {first.id}": {"parties": party(dataset="income")},
        f"the columns of {first.id}": {"parties": party(columns=first.columns[1:])},
        "the outputs": {"outputs": (*terms.outputs, OutputTerms(kind="statistics", recipient="cak"))},
    }
    return terms.model_copy(update=changes[what])


@pytest.mark.parametrize(
    "what",
    [
        "the purpose",
        "the name of the scenario",
        "the parties",
        "the roles of belastingdienst",
        "the dataset of belastingdienst",
        "the columns of belastingdienst",
        "the outputs",
    ],
)
def test_a_text_that_describes_another_scenario_is_refused_with_all_signatures(tmp_path: Path, what: str) -> None:
    keys, text = Keys(), scenario(SIGNAL)
    terms = _lied(agreement(text, keys), what)
    no = refused(signed(tmp_path, terms, keys), keys.known(text.party_ids), SIGNAL)
    assert no.rule == Rule.CONTENTS
    assert what in no.sentence


def test_outside_its_term_it_is_not_in_force(tmp_path: Path) -> None:
    keys, text = Keys(), scenario()
    path = signed(tmp_path, agreement(text, keys), keys)
    known, day = keys.known(text.party_ids), datetime.timedelta(days=1)
    end = TODAY + 30 * day
    check_in_force(read_signed(path), text, known, end)
    assert refused(path, known, day=TODAY - day).rule == Rule.TERM
    assert refused(path, known, day=end + day).rule == Rule.TERM


def test_without_a_valid_legal_basis_it_is_not_in_force(tmp_path: Path) -> None:
    keys, text = Keys(), scenario()
    day = datetime.timedelta(days=1)
    basis = Grondslag(
        reference=Text(nl="artikel 1", en="article 1"), valid_from=TODAY + day, valid_until=TODAY + 2 * day
    )
    path = signed(tmp_path, agreement(text, keys, grondslag=basis), keys)
    known = keys.known(text.party_ids)
    for good in (TODAY + day, TODAY + 2 * day):
        check_in_force(read_signed(path), text, known, good)
    for bad in (TODAY, TODAY + 3 * day):
        assert refused(path, known, day=bad).rule == Rule.GRONDSLAG


def test_signing_needs_the_key_that_the_text_names(tmp_path: Path) -> None:
    keys, text = Keys(), scenario()
    path = signed(tmp_path, agreement(text, keys), keys)
    with pytest.raises(ConfigError, match="another signing key"):
        sign_agreement(path, "cjib", Keys().signer("cjib"))
    with pytest.raises(ConfigError, match="no party"):
        sign_agreement(path, "svb", keys.signer("cjib"))
    with pytest.raises(ConfigError, match="exists already"):
        signed(tmp_path, agreement(text, keys), keys)


def test_a_proposal_needs_every_partys_key_and_takes_the_newest() -> None:
    keys, text = Keys(), scenario()
    known = keys.known(text.party_ids)
    with pytest.raises(UsageError, match="toeslagen"):
        propose(text, text.name, keys.known(text.party_ids[:-1]), conditions())
    newer = Keys().known(["cjib"])
    both = Signers(format=1, signers=(*known.signers, *newer.signers))
    assert propose(text, text.name, both, conditions()).party("cjib").signing_key == newer.signers[0].public_key


def test_statistics_take_their_smallest_group_along() -> None:
    text = scenario(COUNTS)
    assert agreement(text, Keys()).min_group == min(output.min_group for output in text.outputs)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "format"),
        ("max = 3", "max = 0", "runs.max"),
        ("end = 2026-12-24", "end = 2026-11-23", "ends before it starts"),
        ('id = "toeslagen"', 'id = "cjib"', "names a party twice"),
        ("record_days = 60", "record_days = 3", "shorter than what it is about"),
        ("max_set_size = 1048576", "", "or neither"),
        ("format = 1", "format = 1\nextra = 1", "not a known key"),
    ],
)
def test_a_file_that_is_no_agreement_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    keys, text = Keys(), scenario()
    path = signed(tmp_path, agreement(text, keys), keys)
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new, 1))
    with pytest.raises(ConfigError, match=said):
        read_agreement(path)


def test_a_file_is_named_after_its_agreement(tmp_path: Path) -> None:
    keys, text = Keys(), scenario()
    path = signed(tmp_path, agreement(text, keys), keys)
    other = path.rename(tmp_path / "anders.toml")
    with pytest.raises(ConfigError, match="named after"):
        read_signed(other)


@given(days=st.tuples(*[st.integers(0, 400)] * 3))
def test_a_record_never_goes_before_what_it_is_about(days: tuple[int, int, int]) -> None:
    result, secret, record = days
    if record >= max(result, secret):
        Retention(result_days=result, secret_days=secret, record_days=record)
    else:
        with pytest.raises(ValueError, match="shorter"):
            Retention(result_days=result, secret_days=secret, record_days=record)
