"""Attacks on unkeyed hashes and plain filters: kernels against the standard library, no number of a space missed."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from psi_match.attack import bloom_filter, files
from psi_match.attack.candidates import GROUPS, candidates
from psi_match.attack.exhibit import TEST_NUMBERS, draw_exhibit, hash_exhibit
from psi_match.attack.hashed_bsn import NOT_FOUND, recover_hashed
from psi_match.attack.sha256 import MAX_SALT_BYTES, sha256_numbers
from psi_match.attack.space import Space
from psi_match.base.errors import DataError, PsiMatchError, ResultMismatch, UsageError
from psi_match.cli import attack
from psi_match.domain.bsn import BsnKind, is_of_kind, remainders

SALT = b"openbaar:"
REMAINDERS = {Space.SYNTHETIC: 1, Space.REAL: 0}
SIZES = {Space.SYNTHETIC: 90_909_090, Space.REAL: 90_909_091}


def digest(number: int, salt: bytes = b"") -> bytes:
    return hashlib.sha256(salt + f"{number:09d}".encode()).digest()


def rows(digests: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32)


def remainder(number: int) -> int:
    """The 11-proef in plain Python."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(int(digit) * weight for digit, weight in zip(f"{number:09d}", weights, strict=True)) % 11


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 10**9 - 1), max_size=40), st.binary(max_size=MAX_SALT_BYTES))
def test_sha256_equals_hashlib(people: list[int], salt: bytes) -> None:
    hashed = sha256_numbers(np.array(people, dtype=np.uint32), salt)
    assert hashed.astype(">u4").tobytes() == b"".join(digest(number, salt) for number in people)


def test_sha256_at_the_longest_salt_and_beyond() -> None:
    number = np.array([1], dtype=np.uint32)
    salt = b"s" * MAX_SALT_BYTES
    assert sha256_numbers(number, salt).astype(">u4").tobytes() == digest(1, salt)
    with pytest.raises(ValueError, match="at most 46 bytes"):
        sha256_numbers(number, salt + b"s")
    with pytest.raises(ValueError, match="uint32"):
        sha256_numbers(number.astype(np.int64))


@pytest.mark.parametrize("space", Space)
@pytest.mark.parametrize("group", [0, 17, 9999])
def test_a_group_has_exactly_the_numbers_of_its_space(space: Space, group: int) -> None:
    (numbers,) = candidates(space, [group])
    first = group * 100_000
    wanted = [number for number in range(first, first + 100_000) if remainder(number) == REMAINDERS[space]]
    assert numbers.tolist() == wanted


@pytest.mark.parametrize("space", Space)
def test_the_groups_are_the_whole_space(space: Space) -> None:
    last, count = -1, 0
    for numbers in candidates(space):
        assert last < int(numbers[0])
        assert (numbers[1:] > numbers[:-1]).all()
        last, count = int(numbers[-1]), count + len(numbers)
        if numbers[0] // 100_000 % 97 == 0:
            assert (remainders(numbers) == REMAINDERS[space]).all()
    assert last < 10**9
    assert count == SIZES[space]


def test_progress_ends_at_the_total() -> None:
    told: list[tuple[int, int]] = []
    tried = sum(map(len, candidates(Space.REAL, range(120), lambda done, total: told.append((done, total)))))
    assert [total for _, total in told] == [tried] * 4
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[0][0] == 0
    assert told[-1][0] == tried


@pytest.mark.parametrize("space", Space)
@pytest.mark.parametrize("salt", [b"", SALT])
def test_every_number_of_the_first_and_last_groups_is_recovered(space: Space, salt: bytes) -> None:
    groups = [0, 1, 4321, GROUPS - 1]
    numbers = np.random.default_rng(1).permutation(np.concatenate(list(candidates(space, groups))))
    assert np.array_equal(recover_hashed(hash_exhibit(numbers, salt), space, salt, groups), numbers)


def test_only_a_digest_that_is_equal_in_all_its_bytes_is_recovered() -> None:
    number, other = (int(numbers[5]) for numbers in candidates(Space.SYNTHETIC, [3, 4]))
    whole = digest(number)
    changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(32)]
    salted, of_real_space = digest(number, SALT), digest(number - 1)
    targets = rows([*changed, salted, of_real_space, whole, digest(other), whole])
    found = recover_hashed(targets, Space.SYNTHETIC, groups=[3])
    assert found.tolist() == [NOT_FOUND] * 34 + [number, NOT_FOUND, number]


def test_one_digest_and_none() -> None:
    (numbers,) = candidates(Space.SYNTHETIC, [0])
    assert recover_hashed(rows([digest(11)]), Space.SYNTHETIC, groups=[0]).tolist() == [11] == numbers[:1].tolist()
    assert len(recover_hashed(rows([]), Space.SYNTHETIC, groups=[0])) == 0
    with pytest.raises(ValueError, match="32"):
        recover_hashed(np.zeros((2, 20), dtype=np.uint8), Space.SYNTHETIC, groups=[0])


def positions(number: int, size: int, count: int, salt: bytes = b"") -> list[int]:
    hashed = digest(number, salt)
    first, step = int.from_bytes(hashed[:8], "big"), int.from_bytes(hashed[8:16], "big")
    return [(first + i * step) % size for i in range(count)]


def test_a_filter_has_the_bits_of_its_items_and_its_kernel_finds_what_fits() -> None:
    size, count = 4001, 7
    (numbers,) = candidates(Space.SYNTHETIC, [8765])
    items = np.random.default_rng(2).choice(numbers, 400, replace=False)
    bloom = bloom_filter.make_filter(hash_exhibit(items, SALT), size, count)
    bits = {position for item in items.tolist() for position in positions(item, size, count, SALT)}
    assert int.from_bytes(bloom.content.tobytes(), "little") == sum(1 << position for position in bits)
    assert bloom.filled == len(bits) / size
    fitting = [number for number in numbers.tolist() if bits.issuperset(positions(number, size, count, SALT))]
    assert bloom_filter.recover_filtered(bloom, Space.SYNTHETIC, SALT, [8765]).tolist() == fitting
    assert 400 < len(fitting) < 600


def test_a_filter_gives_its_items_and_as_many_others_as_expected() -> None:
    assert bloom_filter.parameters(100_000, 1e-9) == (4_328_086, 30)
    assert bloom_filter.parameters(1000, 0.01) == (10_099, 7)
    groups = range(2000, 2100)
    space = np.concatenate(list(candidates(Space.SYNTHETIC, groups)))
    # By chance alone there would be 0.001, 500 and 7,000 others; steps that repeat and positions shared with an item
    # bring 20, 1,170 and 7,100.
    for count, rate in ((1000, 1e-9), (100, 2**-11), (1000, 0.01)):
        items = np.random.default_rng(3).choice(space, count, replace=False)
        bloom = bloom_filter.make_filter(hash_exhibit(items), *bloom_filter.parameters(count, rate))
        found = bloom_filter.recover_filtered(bloom, Space.SYNTHETIC, groups=groups)
        assert set(items.tolist()) <= set(found.tolist())
        expected = bloom.false_positive_rate * (len(space) - count)
        assert abs(len(found) - count - expected) < 4 * math.sqrt(expected)
        assert bloom.estimated_items == pytest.approx(count, rel=0.05)


def test_a_filter_that_is_full_empty_or_misfit() -> None:
    full = bloom_filter.BloomFilter(np.full(2, 255, dtype=np.uint8), 16, 3)
    empty = bloom_filter.BloomFilter(np.zeros(2, dtype=np.uint8), 16, 3)
    (numbers,) = candidates(Space.REAL, [5])
    assert bloom_filter.recover_filtered(full, Space.REAL, groups=[5]).tolist() == numbers.tolist()
    assert len(bloom_filter.recover_filtered(empty, Space.REAL, groups=[5])) == 0
    assert (full.false_positive_rate, full.estimated_items) == (1, math.inf)
    assert (empty.false_positive_rate, empty.estimated_items) == (0, 0)
    assert "255" not in repr(full)
    for size, count in ((17, 3), (8, 3), (16, 0)):
        with pytest.raises(ValueError, match="do not fit"):
            bloom_filter.BloomFilter(np.zeros(2, dtype=np.uint8), size, count)


def test_exhibits_have_nobodys_number() -> None:
    rng = np.random.default_rng(4)
    synthetic = draw_exhibit(Space.SYNTHETIC, 1000, rng)
    assert is_of_kind(synthetic, BsnKind.SYNTHETIC).all()
    tests = draw_exhibit(Space.REAL, TEST_NUMBERS, rng)
    assert is_of_kind(tests, BsnKind.TEST).all()
    assert len(set(tests.tolist())) == TEST_NUMBERS
    assert len(set(synthetic.tolist())) == 1000
    assert not np.array_equal(tests, np.sort(tests))
    for space, count in ((Space.REAL, TEST_NUMBERS + 1), (Space.SYNTHETIC, 10_000_001), (Space.REAL, -1)):
        with pytest.raises(ValueError, match="out of range"):
            draw_exhibit(space, count, rng)


def test_digests_are_read_and_a_bad_line_is_named_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / "hashes.txt"
    path.write_bytes(f"\r\n{digest(11).hex()}\r\n\n  {digest(22).hex().upper()}  ".encode())
    assert files.read_digests(path).tobytes() == digest(11) + digest(22)
    for bad in ("123456782", digest(11).hex()[:62], digest(11).hex()[:63] + "g", digest(11).hex()[:62] + "é"):
        path.write_text(f"{digest(22).hex()}\n\n{bad}\n")
        with pytest.raises(DataError, match="Line 3") as raised:
            files.read_digests(path)
        assert bad not in str(raised.value) + raised.value.hint
        assert raised.value.__context__ is None
    path.write_text("\n")
    with pytest.raises(DataError, match="no hash"):
        files.read_digests(path)
    with pytest.raises(DataError, match="Cannot read"):
        files.read_digests(tmp_path / "absent")
    with pytest.raises(DataError, match="1 bytes; 9 bits need 2"):
        files.read_filter(path, 9, 3)


def run(*arguments: object) -> str:
    """Run a command as the program does; return what it prints, or raise what it raises."""
    done = CliRunner().invoke(attack.app, [str(argument) for argument in arguments])
    if isinstance(done.exception, PsiMatchError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_recovers_the_first_the_last_and_all_between(tmp_path: Path) -> None:
    edge_numbers = [*range(100), *range(10**9 - 100, 10**9)]
    ends = [number for number in edge_numbers if remainder(number) == 1]
    numbers = [*draw_exhibit(Space.SYNTHETIC, 3000, np.random.default_rng(5)).tolist(), ends[0], ends[-1]]
    path, out = tmp_path / "hashes.txt", tmp_path / "numbers.csv"
    path.write_text("\n".join(digest(number, SALT).hex() for number in [*numbers, 12]))
    found = json.loads(run("hashed-bsn", "--file", path, "--salt", SALT.decode(), "--out", out, "--json"))
    assert (found["hashes"], found["recovered"], found["tried"]) == (3003, 3002, SIZES[Space.SYNTHETIC])
    lines = [f"{digest(number, SALT).hex()},{number:09d}" for number in numbers]
    assert out.read_text().splitlines() == ["sha256,bsn", *lines]
    assert out.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def few_groups(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Let commands try no more than 30 groups; return those numbers of the real space."""
    monkeypatch.setattr("psi_match.attack.candidates.GROUPS", 30)
    return np.concatenate(list(candidates(Space.REAL, range(30))))


def test_numbers_that_may_be_real_are_counted_not_printed(few_groups: np.ndarray, tmp_path: Path) -> None:
    items = np.random.default_rng(6).choice(few_groups, 1000, replace=False)
    digests = hash_exhibit(items)
    hashes, filled = tmp_path / "hashes.txt", tmp_path / "filter.bin"
    hashes.write_text("\n".join(row.tobytes().hex() for row in digests))
    size, count = bloom_filter.parameters(1000, 1e-9)
    filled.write_bytes(bloom_filter.make_filter(digests, size, count).content.tobytes())
    real = ("--space", "real", "--lang", "en")
    commands = (("hashed-bsn", "--file", hashes), ("filter", "--file", filled, "--bits", size, "--hashes", count))
    for command in commands:
        for form in ((), ("--json",)):
            printed = run(*command, *real, *form)
            assert not [number for number in items.tolist() if f"{number:09d}" in printed]
        assert "processes personal data" in run(*command, *real)
        out = tmp_path / f"{command[0]}.csv"
        run(*command, *real, "--out", out)
        listed = [line.rsplit(",")[-1] for line in out.read_text().splitlines()[1:]]
        assert {f"{number:09d}" for number in items.tolist()} <= set(listed)
        assert len(listed) < 1100
        assert out.stat().st_mode & 0o777 == 0o600
        before = out.read_bytes()
        with pytest.raises(UsageError, match="exists already"):
            run(*command, *real, "--out", out)
        assert out.read_bytes() == before


@pytest.mark.usefixtures("few_groups")
@pytest.mark.parametrize("command", ["hashed-bsn", "filter"])
def test_an_exhibit_that_is_not_recovered_whole_ends_with_9(command: str) -> None:
    with pytest.raises(ResultMismatch, match="missed a number"):
        run(command, "--count", 500)


@pytest.mark.usefixtures("few_groups")
def test_an_exhibit_is_reported_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    # Drawn from the groups that are searched, so that a short search recovers the whole exhibit.
    few = np.concatenate(list(candidates(Space.SYNTHETIC, range(30))))
    monkeypatch.setattr("psi_match.attack.exhibit.draw_numbers", lambda count, rng: rng.choice(few, count, False))
    found = json.loads(run("hashed-bsn", "--count", 500, "--json"))
    assert (found["hashes"], found["recovered"], found["tried"]) == (500, 500, len(few))
    filtered = json.loads(run("filter", "--count", 500, "--salt", "x", "--json"))
    assert (filtered["items"], filtered["recovered"], filtered["salt_bytes"]) == (500, 500, 1)
    assert filtered["fitting"] == 500 + filtered["false_positives"]
    for command in ("hashed-bsn", "filter"):
        dutch = " ".join(run(command, "--count", 500).split())
        english = " ".join(run(command, "--count", 500, "--lang", "en").split())
        assert "Een hash zonder sleutel" in dutch
        assert "A hash without a key" in english
        assert ("openmined-psi" in english) == (command == "filter")
        assert "500" in english


def test_commands_refuse_what_cannot_be(tmp_path: Path) -> None:
    hashes, out = tmp_path / "hashes.txt", tmp_path / "absent" / "out.csv"
    hashes.write_text(digest(11).hex())
    for sentence, arguments in (
        ("at most 46 bytes", ("hashed-bsn", "--salt", "é" * 24)),
        ("at most 9091 numbers", ("hashed-bsn", "--space", "real", "--count", 9092)),
        ("at most 10000000 numbers", ("filter", "--count", 10_000_001)),
        ("--count does not go with --file", ("hashed-bsn", "--file", hashes, "--count", 3)),
        ("--rate does not go with --file", ("filter", "--file", hashes, "--rate", 0.1)),
        ("without its parameters", ("filter", "--file", hashes, "--bits", 3)),
        ("--hashes goes with --file only", ("filter", "--hashes", 3)),
        ("no such language", ("filter", "--lang", "fr")),
        ("is no folder", ("hashed-bsn", "--out", out)),
    ):
        with pytest.raises(UsageError, match=sentence):
            run(*arguments)


def test_the_command_line_loads_no_kernels() -> None:
    code = "import sys; import psi_match.cli.attack; assert not {'numba', 'numpy'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
