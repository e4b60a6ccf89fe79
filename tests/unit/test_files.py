"""Scenario and config files: valid ones are read, and an error names the key and the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from psi_match.base.errors import ConfigError, ScenarioError
from psi_match.base.toml_file import line_of
from psi_match.domain.parties import BODIES, OTHERS
from psi_match.domain.where import check
from psi_match.node.config import read_config
from psi_match.scenario.catalogue import Catalogue, builtin_folder, read_scenario
from psi_match.scenario.digest import digest, encode
from psi_match.scenario.join_model import AnyScenario
from psi_match.scenario.tables import all_disclosures

ROOT = Path(__file__).parents[2]
TEXT = (builtin_folder() / "betalingsregeling-rijk-paren.toml").read_text()


def broken(tmp_path: Path, old: str, new: str) -> str:
    assert old in TEXT
    path = tmp_path / "betalingsregeling-rijk-paren.toml"
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ScenarioError) as raised:
        read_scenario(path)
    return str(raised.value)


def _line(of: str, nth: int = 1) -> int:
    lines = [number for number, line in enumerate(TEXT.splitlines(), 1) if line.startswith(of)]
    return lines[nth - 1]


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [
        ('protocol = "psi"', 'protocol = "psi"\nsneller = true', "sneller is not a known key", _line("protocol") + 1),
        ('operator = "at_least"', 'operator = "above"', "parties.0.where.0.operator", _line("operator")),
        ("value = 60000", "value = 600.5", "parties.1.where.0.value", _line("value", 2)),
        ('id = "toeslagen"', 'id = "Toeslagen!"', "parties.2.id has characters", _line("id", 3)),
        ("max_age_days = 92", "max_age_days = 0", "parties.0.max_age_days", _line("max_age_days")),
        ('leader = "cjib"\n', "", "leader is missing", None),
        ("[title]", "[titel]", "titel is not a known key", _line("[title]")),
        ('engines = ["kkrt", "vole", "ecdh"]', 'engines = ["rsa"]', "engines.0", _line("engines")),
        ('id = "toeslagen"', 'id = "cjib"', "names a party twice", None),
        ('leader = "cjib"', 'leader = "svb"', "leader that is not among", None),
    ],
)
def test_an_error_names_the_key_and_the_line(tmp_path: Path, old: str, new: str, key: str, line: int | None) -> None:
    said = broken(tmp_path, old, new)
    assert key in said
    if line is not None:
        assert f" line {line}:" in said


def test_what_is_not_toml_names_the_line(tmp_path: Path) -> None:
    assert f"line {_line('leader')} is not valid TOML" in broken(tmp_path, 'leader = "cjib"', "leader = cjib")


def test_a_file_is_named_after_its_scenario(tmp_path: Path) -> None:
    path = tmp_path / "anders.toml"
    path.write_text(TEXT)
    with pytest.raises(ScenarioError, match="named after"):
        read_scenario(path)
    with pytest.raises(ScenarioError, match="No such file"):
        read_scenario(tmp_path / "absent.toml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        read_scenario(path)


def test_line_of_finds_nested_tables_and_lists() -> None:
    text = "a = 1\n[b]\nc = 2\n[[d]]\ne = 1\n[[d]]\ne = 2\n[d.f]\ng = 3\n[[d.h]]\ni = 4\n"
    assert line_of(text, ("a",)) == 1
    assert line_of(text, ("b", "c")) == 3
    assert line_of(text, ("d", 0, "e")) == 5
    assert line_of(text, ("d", 1, "e")) == 7
    assert line_of(text, ("d", 1, "f", "g")) == 9
    assert line_of(text, ("d", 1, "h", 0, "i")) == 11
    assert line_of(text, ("d", 1, "absent")) == 6
    assert line_of(text, ("absent",)) is None


def test_every_scenario_of_the_catalogue_is_valid_and_tells_who_learns_what() -> None:
    scenarios = Catalogue().all()
    assert "betalingsregeling-rijk-paren" in [scenario.name for scenario in scenarios]
    for scenario in scenarios:
        table = all_disclosures(scenario)
        assert sorted(line.party for line in table) == scenario.party_ids
        assert table[0].party == scenario.leaders[0]
    with pytest.raises(ScenarioError, match="no scenario"):
        Catalogue().get("../../README")


def test_changing_one_character_changes_the_digest(tmp_path: Path) -> None:
    base = digest(Catalogue().get("betalingsregeling-rijk-paren"))
    path = tmp_path / "betalingsregeling-rijk-paren.toml"
    path.write_text("# another comment\n" + TEXT)
    assert digest(read_scenario(path)) == base, "comments are not part of a scenario"
    for old, new in (("60000", "60001"), ("aanbieden.", "aanbieden"), ("at_least", "at_most"), ("= 92", "= 93")):
        path.write_text(TEXT.replace(old, new, 1))
        assert digest(read_scenario(path)) != base


def test_the_digest_is_pinned() -> None:
    # A known answer: whoever changes the scenario or the encoding must see that all bodies have to agree anew.
    assert digest(Catalogue().get("betalingsregeling-rijk-paren")).hex() == PINNED


PINNED = "01700662a250d953e2d2bafd23d2adba5ba27fd94c0bddff8cdb2c9926da381e"


def test_the_encoding_is_injective_on_lookalikes() -> None:
    values = [
        None,
        False,
        True,
        0,
        1,
        "",
        "0",
        "1",
        [],
        [[]],
        {},
        {"": ""},
        [""],
        ["", ""],
        [1, "1"],
        ["11"],
        ["1", "1"],
    ]
    values += [{"a": 1}, {"a": "1"}, {"a": {"b": 1}}, {"ab": 1}, ["a", 1], [["a"], 1], [["a", 1]]]
    assert len({encode(value) for value in values}) == len(values)
    with pytest.raises(TypeError):
        encode(1.5)


CONFIG = (ROOT / "services" / "cjib" / "node.toml").read_text()


def broken_config(tmp_path: Path, old: str, new: str) -> str:
    assert old in CONFIG
    path = tmp_path / "node.toml"
    path.write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(ConfigError) as raised:
        read_config(path)
    return str(raised.value)


PARTIES = [body.id for body in (*BODIES, *OTHERS)]


@pytest.mark.parametrize("party", PARTIES)
def test_the_configs_of_the_compose_demo_are_valid(party: str) -> None:
    config = read_config(ROOT / "services" / party / "node.toml")
    assert config.party == party
    # Only whom it must talk to, and both of a pair; which these are: tests/compose/test_networks.py.
    peers = {peer.party for peer in config.peers}
    assert peers <= set(PARTIES) - {party}
    for other in peers:
        assert party in {peer.party for peer in read_config(ROOT / "services" / other / "node.toml").peers}
    for scenario in Catalogue().all():
        if scenario.leaders[0] == party:
            assert set(scenario.party_ids) - {party} <= peers
    assert {dataset.spec.bsn for dataset in config.datasets} <= {"synthetic"}
    assert (config.opt_outs is None) == (party in {"rekennode", "cbs"})


@pytest.mark.parametrize("scenario", Catalogue().all(), ids=lambda scenario: scenario.name)
def test_the_compose_demo_has_every_column_that_a_scenario_uses(scenario: AnyScenario) -> None:
    for part in scenario.parties:
        config = read_config(ROOT / "services" / part.id / "node.toml")
        if part.dataset is None:
            continue
        spec = config.dataset(part.dataset).spec
        check(part.where, spec)
        used = [column.name for column in getattr(part, "columns", ())]
        used += [key.column for key in getattr(part, "keys", ())[1:]]
        assert set(used) <= {column.name for column in spec.columns}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('party = "cjib"', 'party = "cjib"\nparti = 1', "parti is not a known key"),
        ('listen = "0.0.0.0:50051"', 'listen = "hier"', "listen has characters"),
        ('bsn = "synthetic"', 'bsn = "verzonnen"', "datasets.0.spec.bsn"),
        ('kind = "sql"', 'kind = "excel"', "source"),
        ('type = "cents"', 'type = "dollars"', "columns.0.type"),
        ('reference_date_column = "peildatum"', "", "either reference_date or reference_date_column"),
        ('party = "uwv"', 'party = "cjib"', "the node's own party"),
        ('party = "uwv"', 'party = "cak"', "hold a name twice"),
        (
            "[keys]",
            "[limits]\npeer_silence_s = 1.0\n\n[keys]",
            "at least twice heartbeat_s",
        ),
    ],
)
def test_a_broken_config_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in broken_config(tmp_path, old, new)


def test_a_password_in_a_config_never_shows(tmp_path: Path) -> None:
    source = 'url = "postgresql+psycopg://cjib_reader@database/cjib"\npassword_file = "/password/database"\n'
    said = broken_config(tmp_path, f'{source}table = "arrears"', 'url = "x://a:geheim@b/c"')
    assert "geheim" not in said
    assert "either table or query" in said


def test_relative_paths_count_from_the_config(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text(CONFIG.replace('"/data"', '"state"').replace('"/password/database"', '"password"', 1))
    config = read_config(path)
    assert config.state_dir == tmp_path / "state"
    assert config.dataset("arrears").source.password_file == tmp_path / "password"
