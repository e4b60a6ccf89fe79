"""Whatever somebody without the key does to an audit log is found, and nothing is found in a log that nobody touched.

Changes that are tried: every byte, every set of lines deleted, every two lines swapped, every line repeated, every line
of other logs put in, every end cut off. The one thing that the log alone cannot show is a cut at its end: that takes a
head that a peer saw.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.audit import DIGEST, exchange_heads, known, lines_of, open_log, start_run, write_lines

from psi_match.base.errors import InternalError
from psi_match.governance.audit.events import BYTES, EVENTS, LARGEST_INTEGER, check_event
from psi_match.governance.audit.lines import NotALineError, parse_line
from psi_match.governance.audit.witnesses import verify_log
from psi_match.node.audit_log import AuditLog
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE

HEX = st.binary(min_size=16, max_size=16).map(bytes.hex)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
NAMES = st.sampled_from(["cjib", "gemeente-a", "toeslagen", "cak"])
COUNTS = st.integers(0, LARGEST_PUBLIC_SIZE)
RANDOM_EVENTS: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.just(("node-stopped", {})),
    DIGESTS.map(lambda digest: ("policy-read", {"policy_digest": digest})),
    st.tuples(HEX, NAMES).map(lambda d: ("result-read", {"run": d[0], "operator": d[1]})),
    st.tuples(HEX, DIGESTS, COUNTS).map(
        lambda d: (
            "contribution-fixed",
            {"run": d[0], "commitment": d[1], "row_size": d[2], "set_size": 256, "opted_out": 0},
        )
    ),
    st.tuples(HEX, st.dictionaries(NAMES, COUNTS), st.dictionaries(NAMES, st.integers(0, LARGEST_INTEGER))).map(
        lambda d: (
            "run-finished",
            {"run": d[0], "rows": d[1], "sets": {}, "bytes_out": d[2], "bytes_in": {}, "recipient": True},
        )
    ),
    st.tuples(HEX, NAMES).map(lambda d: ("run-failed", {"run": d[0], "error": "PeerError", "peer": d[1]})),
)
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Return what names a folder that is not there yet."""
    numbers = itertools.count()
    return lambda: tmp_path / str(next(numbers))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log of six lines."""
    log = open_log(tmp_path / "audit")
    log.append("policy-read", policy_digest=DIGEST)
    start_run(log)
    log.append("run-failed", run="ab" * 16, error="PeerError", peer="belastingdienst", step="oprf-rows")
    log.append("refused", rule="hours", operator="jansen")
    log.append("node-stopped")
    return tmp_path / "audit"


def is_clean(folder: Path) -> bool:
    return not verify_log(folder).findings


def written(folder: Path, events: list[tuple[str, dict[str, Any]]], party: str = "cjib") -> AuditLog:
    log = open_log(folder, party)
    for event, fields in events:
        log.append(event, **fields)
    return log


@FEW
@given(events=st.lists(RANDOM_EVENTS, max_size=8), draw=st.data())
def test_random_logs_are_clean_and_no_longer_after_any_one_change(
    fresh: Callable[[], Path], events: list[tuple[str, dict[str, Any]]], draw: st.DataObject
) -> None:
    folder = fresh()
    written(folder, events)
    found = verify_log(folder, known("cjib"))
    assert not found.findings
    assert len(found.walk.digests) == len(events) + 1
    content = bytearray((folder / "000001.jsonl").read_bytes())
    place = draw.draw(st.integers(0, len(content) - 1))
    content[place] ^= draw.draw(st.integers(1, 255))
    (folder / "000001.jsonl").write_bytes(content)
    assert not is_clean(folder)


def test_every_single_byte_counts(folder: Path) -> None:
    path = folder / "000001.jsonl"
    content = path.read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        assert not is_clean(folder), place


def test_every_byte_deleted_or_put_in_is_found(folder: Path) -> None:
    path = folder / "000001.jsonl"
    content = path.read_bytes()
    for place in range(0, len(content), 3):
        path.write_bytes(content[:place] + content[place + 1 :])
        assert not is_clean(folder), place
        path.write_bytes(content[:place] + b" " + content[place:])
        assert not is_clean(folder), place


def test_every_deletion_is_found_and_those_at_the_end_by_a_head_that_a_peer_saw(folder: Path, tmp_path: Path) -> None:
    lines = lines_of(folder)
    head = tmp_path / "head.json"
    head.write_text(open_log(folder).head().as_json())
    count = len(lines)
    for kept in itertools.product([False, True], repeat=count):
        if all(kept):
            continue
        write_lines(folder, [line for line, keep in zip(lines, kept, strict=True) if keep])
        is_cut_at_the_end = kept[0] and list(kept) == sorted(kept, reverse=True)
        assert is_clean(folder) == is_cut_at_the_end, kept
        assert verify_log(folder, against=[head]).findings, kept


def test_a_cut_is_found_up_to_the_last_line_that_a_peer_saw_and_no_further(tmp_path: Path) -> None:
    one, peer = open_log(tmp_path / "a"), open_log(tmp_path / "b", "belastingdienst")
    start_run(one)
    start_run(peer)
    exchange_heads(one, peer)
    one.append("node-stopped")
    lines = lines_of(tmp_path / "a")
    seen = 2
    """Lines of the log at the moment when the peer saw its head."""
    for count in range(1, len(lines) + 1):
        write_lines(tmp_path / "a", lines[:count])
        found = verify_log(tmp_path / "a", against=[tmp_path / "b"])
        assert found.heads == 1
        assert [finding.problem for finding in found.findings] == (["cut"] if count < seen else []), count


def test_every_swap_and_every_repetition_is_found(folder: Path) -> None:
    lines = lines_of(folder)
    for one, other in itertools.combinations(range(len(lines)), 2):
        swapped = list(lines)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        write_lines(folder, swapped)
        assert not is_clean(folder), (one, other)
    for line, place in itertools.product(lines, range(len(lines) + 1)):
        write_lines(folder, [*lines[:place], line, *lines[place:]])
        assert not is_clean(folder), place


@pytest.mark.parametrize(
    ("party", "key"), [("cjib", "cjib"), ("cjib", "other"), ("belastingdienst", "belastingdienst")]
)
def test_every_splice_from_another_log_is_found(folder: Path, tmp_path: Path, party: str, key: str) -> None:
    other = open_log(tmp_path / "other", party, key)
    other.append("policy-read", policy_digest=DIGEST)
    start_run(other)
    lines, others = lines_of(folder), lines_of(tmp_path / "other")
    for line, place in itertools.product(others, range(len(lines))):
        write_lines(folder, [*lines[:place], line, *lines[place + 1 :]])
        assert not is_clean(folder), place
        write_lines(folder, [*lines[:place], line, *lines[place:]])
        assert not is_clean(folder), place
    for place in range(1, len(lines)):
        write_lines(folder, [*lines[:place], *others])
        assert not is_clean(folder), place
        write_lines(folder, [*others, *lines[place:]])
        assert not is_clean(folder), place


@FEW
@given(events=st.lists(RANDOM_EVENTS, min_size=1, max_size=6), cut=st.data())
def test_a_history_that_the_owner_rewrites_contradicts_what_a_peer_saw(
    fresh: Callable[[], Path],
    events: list[tuple[str, dict[str, Any]]],
    cut: st.DataObject,
) -> None:
    folder = fresh()
    head = written(folder, events).head()
    (folder / "seen.json").write_text(head.as_json())
    assert not verify_log(folder, against=[folder / "seen.json"]).findings
    write_lines(folder, lines_of(folder)[: cut.draw(st.integers(1, len(events)))])
    log = open_log(folder)
    for _ in range(head.sequence + 1):
        log.append("policy-read", policy_digest=DIGEST)
    assert is_clean(folder), "by itself it is in order: it is signed with the party's own key"
    found = [finding.problem for finding in verify_log(folder, against=[folder / "seen.json"]).findings]
    assert found == ["rewritten"]


@FEW
@given(content=st.binary(max_size=400) | st.lists(st.sampled_from(list(b'{}[]":,0a\\ "')), max_size=200).map(bytes))
def test_arbitrary_bytes_are_no_log_and_break_nothing(fresh: Callable[[], Path], content: bytes) -> None:
    folder = fresh()
    write_lines(folder, [content])
    assert verify_log(folder).findings
    with pytest.raises(NotALineError):
        parse_line(content)


@FEW
@given(digits=st.text("0123456789", min_size=9, max_size=9), draw=st.data())
def test_no_name_holds_nine_digits(digits: str, draw: st.DataObject) -> None:
    name = "a" + "".join(digit + draw.draw(st.sampled_from(["", "", "-"])) for digit in digits) + "a"
    for value in (digits, name, name + "-b"):
        for event, field in (("run-failed", "peer"), ("refused", "scenario"), ("refused", "operator")):
            fields: dict[str, Any] = (
                {"run": "ab" * 16, "error": "PeerError"} if event == "run-failed" else {"rule": "x"}
            )
            with pytest.raises(InternalError) as raised:
                check_event(event, fields | {field: value})
            assert digits not in str(raised.value)


def test_a_number_of_nine_digits_fits_no_field_but_a_count_of_bytes() -> None:
    for event in EVENTS.values():
        for name, fits in {**event.fields, **event.optional}.items():
            is_place = name in {"sequence", "before_sequence"}
            assert fits(123_456_789) == is_place, name
            assert fits({"cjib": 123_456_789}) == (name in {"bytes_out", "bytes_in"}), name
    assert BYTES(LARGEST_INTEGER)
    assert not BYTES(LARGEST_INTEGER + 1)
