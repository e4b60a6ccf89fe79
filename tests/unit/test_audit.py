"""The audit log of a node: what is written, what each kind of tampering is called, two logs side by side, commands."""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.audit import (
    DIGEST,
    OTHER_RUN,
    RUN,
    START,
    exchange_heads,
    finish_run,
    known,
    lines_of,
    open_log,
    signer,
    start_run,
    write_lines,
)
from typer.testing import CliRunner, Result

from psi_match.base.errors import AuditFailure, ConfigError, InternalError, UsageError
from psi_match.base.randomness import SystemRandomness
from psi_match.cli.audit import app
from psi_match.governance.audit.compare import Comparison, compare_logs
from psi_match.governance.audit.events import EVENTS, fitting
from psi_match.governance.audit.findings import MAX_FINDINGS, PROBLEMS
from psi_match.governance.audit.heads import LogHead, countersign, is_countersigned, is_head_of, parse_head, sign_head
from psi_match.governance.audit.lines import MAX_LINE_BYTES, NO_LINE_BEFORE, parse_line, sealed_line
from psi_match.governance.audit.witnesses import verify_log
from psi_match.node.audit_log import AuditLog

CJIB, TAX = "cjib", "belastingdienst"


def problems(folder: Path, **arguments: Any) -> list[str]:
    return [finding.problem for finding in verify_log(folder, **arguments).findings]


def notes(folder: Path, **arguments: Any) -> list[str]:
    return [note.problem for note in verify_log(folder, **arguments).notes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log of five lines."""
    log = open_log(tmp_path / "audit")
    log.append("policy-read", policy_digest=DIGEST)
    start_run(log)
    log.append("run-failed", run=RUN, error="PeerError", peer=TAX, step="oprf-rows")
    log.append("node-stopped")
    return tmp_path / "audit"


def two_logs(tmp_path: Path, **changed: Any) -> tuple[AuditLog, AuditLog]:
    """Return the logs of two parties of one run that has begun."""
    one, other = open_log(tmp_path / "a"), open_log(tmp_path / "b", TAX)
    start_run(one)
    start_run(other, role="data party", **changed)
    exchange_heads(one, other)
    return one, other


# What is written


def test_lines_are_canonical_private_and_in_order(folder: Path) -> None:
    path = folder / "000001.jsonl"
    for number, line in enumerate(lines_of(folder)):
        content = json.loads(line)
        assert list(content) == ["event", "fields", "previous", "sequence", "signature", "time"]
        assert content["sequence"] == number
        assert content["time"] == f"2026-11-24T13:00:0{number + 1}Z"
        assert json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n" == line
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not problems(folder, signers=known(CJIB))


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("matched", {}),
        ("opened", {"party": CJIB, "log": RUN, "public_key": DIGEST, "software_version": "0.1.0"}),
        ("node-stopped", {"bsn": "999990019"}),
        ("policy-read", {}),
        ("refused", {"rule": "too many rows"}),
        ("refused", {"rule": "hours", "peer": "999990019"}),
        ("refused", {"rule": "hours", "operator": "m999990019"}),
        ("refused", {"rule": "hours", "operator": "m9999900"}),
        ("refused", {"rule": "hours", "scenario": "999-990-019"}),
        ("purged", {"run": RUN, "what": "Result"}),
        ("result-read", {"run": RUN + "00", "operator": "jansen"}),
        ("run-failed", {"run": RUN, "error": "PeerError: row 3"}),
        ("signal-notice-applied", {"run": RUN, "kind": "opposition", "peer": TAX, "matched": 999_990_019}),
        ("signal-notice-applied", {"run": RUN, "kind": "opposition", "peer": TAX, "matched": True}),
        ("signal-notice-applied", {"run": RUN, "kind": "opposition", "peer": TAX, "matched": -1}),
    ],
)
def test_what_is_not_declared_is_never_written(folder: Path, event: str, fields: dict[str, Any]) -> None:
    before = lines_of(folder)
    with pytest.raises(InternalError) as raised:
        open_log(folder).append(event, **fields)
    assert "99999" not in str(raised.value)
    assert lines_of(folder) == before


def test_what_a_peer_chose_is_left_out_if_it_does_not_fit(folder: Path) -> None:
    fields = fitting("refused", rule="scenario", peer=TAX, scenario="999990019", run=None)
    assert fields == {"rule": "scenario", "peer": TAX}
    open_log(folder).append("refused", **fields)
    assert not problems(folder)


def test_every_event_and_problem_has_a_text_in_both_languages() -> None:
    for text in (*(event.title for event in EVENTS.values()), *PROBLEMS.values()):
        assert text.nl != text.en
        assert text.nl.count("{") == text.en.count("{")


def test_the_time_never_goes_back(folder: Path) -> None:
    open_log(folder, start=START - datetime.timedelta(days=1)).append("node-stopped")
    times = [json.loads(line)["time"] for line in lines_of(folder)]
    assert times == sorted(times)
    assert not problems(folder)


def test_a_line_is_on_disk_before_the_node_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(folder)
    sizes: list[int] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size))
    log.append("node-stopped")
    assert sizes == [(folder / "000001.jsonl").stat().st_size]


def test_a_log_of_another_party_or_a_damaged_one_is_not_continued(folder: Path) -> None:
    with pytest.raises(ConfigError, match="that of cjib"):
        open_log(folder, TAX)
    lines = lines_of(folder)
    for place in (0, -1):
        damaged = list(lines)
        damaged[place] = damaged[place].replace(b"T13:", b"T14:")
        write_lines(folder, damaged)
        with pytest.raises(AuditFailure, match="not in order"):
            open_log(folder)


def test_a_cut_under_a_running_node_is_noticed(folder: Path) -> None:
    log = open_log(folder)
    lines = lines_of(folder)
    write_lines(folder, lines[:-1])
    with pytest.raises(AuditFailure, match="was cut"):
        log.append("node-stopped")
    (folder / "000001.jsonl").unlink()
    with pytest.raises(AuditFailure, match="was cut"):
        log.head()


def test_a_folder_that_cannot_be_used_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Cannot use the audit log"):
        open_log(tmp_path / "file" / "audit")
    with pytest.raises(ConfigError, match="no audit log"):
        verify_log(tmp_path / "nothing")


# New files: another key, a torn line


def test_another_key_begins_a_new_file_that_follows_the_old_one(folder: Path) -> None:
    open_log(folder, key="new").append("node-stopped")
    assert [len(lines_of(folder, number)) for number in (1, 2)] == [5, 2]
    assert not problems(folder)
    assert problems(folder, signers=known(CJIB)) == ["unknown-key"]
    old, new = lines_of(folder, 1), lines_of(folder, 2)
    write_lines(folder, old[:-1])
    assert problems(folder) == ["apart"]
    write_lines(folder, [*old[:2], new[1], *old[3:]])
    assert problems(folder) == ["foreign"]
    write_lines(folder, old[:-1] + [new[1]])
    assert problems(folder) == ["foreign", "apart"]


def test_every_missing_file_is_found(folder: Path, tmp_path: Path) -> None:
    open_log(folder, key="second").append("node-stopped")
    head = open_log(folder, key="third").append("node-stopped")
    (tmp_path / "head.json").write_text(sign_head(head, signer("third")).as_json())
    contents = {path.name: path.read_bytes() for path in folder.glob("*.jsonl")}
    assert len(contents) == 3
    for gone, expected in (
        ("000001.jsonl", ["file-missing", "beginning-missing"]),
        ("000002.jsonl", ["file-missing", "apart"]),
        ("000003.jsonl", []),
    ):
        (folder / gone).unlink()
        assert problems(folder) == expected
        (folder / gone).write_bytes(contents[gone])
    (folder / "000003.jsonl").unlink()
    assert problems(folder, against=[tmp_path / "head.json"]) == ["head-unsigned"]
    assert problems(folder, against=[tmp_path / "head.json"], signers=known(CJIB))[-1] == "head-unsigned"
    assert "part-only" in notes(folder / "000002.jsonl")
    assert not problems(folder / "000002.jsonl")


@pytest.mark.parametrize("left", [1, 100, -1])
def test_a_torn_line_stays_and_the_next_file_says_so(folder: Path, left: int) -> None:
    lines = lines_of(folder)
    torn = lines[-1][:left]
    write_lines(folder, [*lines[:-1], torn])
    assert problems(folder) == ["torn"]
    open_log(folder).append("node-stopped")
    assert (folder / "000001.jsonl").read_bytes() == b"".join([*lines[:-1], torn])
    assert not problems(folder)
    assert "torn-recorded" in notes(folder)
    for other in (b"", torn[:-1] + b"x", torn + b"x"):
        write_lines(folder, [*lines[:-1], other])
        assert problems(folder) == ["torn-otherwise"]
    write_lines(folder, [*lines[:-2], torn])
    assert problems(folder) == ["apart"]


def test_a_torn_line_that_the_next_file_does_not_mention_is_found(folder: Path) -> None:
    open_log(folder, key="new")
    with (folder / "000001.jsonl").open("ab") as file:
        file.write(b"{")
    assert problems(folder) == ["torn"]


# Several at once


def _append_many(folder: Path, count: int) -> None:
    log = AuditLog(folder, CJIB, signer(CJIB), lambda: datetime.datetime.now(datetime.UTC), SystemRandomness())
    for _ in range(count):
        log.append("node-stopped")


def test_processes_and_threads_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_many, args=(tmp_path / "audit", 20)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    log = open_log(tmp_path / "audit")
    with ThreadPoolExecutor(4) as pool:
        positions = list(pool.map(lambda _: log.append("node-stopped").sequence, range(40)))
    assert sorted(positions) == list(range(41, 81))
    assert len(list((tmp_path / "audit").glob("*.jsonl"))) == 1
    found = verify_log(tmp_path / "audit")
    assert not found.findings
    assert len(found.walk.digests) == 81


# What is found


def test_each_kind_of_tampering_has_its_name_and_place(folder: Path) -> None:
    lines = lines_of(folder)

    def found(changed: list[bytes]) -> list[tuple[str, str]]:
        write_lines(folder, changed)
        findings = verify_log(folder).findings
        return [(finding.problem, finding.where.removeprefix("000001.jsonl")) for finding in findings]

    assert found([]) == [("no-opening", ":1")]
    assert found(lines[1:]) == [("no-opening", ":1")]
    assert found([*lines[:2], *lines[3:]]) == [("missing", ":3")]
    assert found([lines[0], lines[1], lines[3], lines[2], lines[4]]) == [
        ("missing", ":3"),
        ("moved", ":4"),
        ("missing", ":5"),
    ]
    assert found([*lines, lines[4]]) == [("moved", ":6")]
    assert found([*lines[:2], lines[2].replace(b"leader", b"recipient"), *lines[3:]]) == [("changed", ":3")]
    assert found([*lines[:2], lines[2].replace(b"leader", b"thinker"), *lines[3:]]) == [("not-declared", ":3")]
    assert found([*lines[:2], lines[2].replace(b":", b": ", 1), *lines[3:]]) == [("not-canonical", ":3")]
    assert found([*lines[:2], b"x" * (MAX_LINE_BYTES + 1) + b"\n", *lines[3:]]) == [("too-long", ":3")]
    assert found([*lines[:2], b"x" * (5 * MAX_LINE_BYTES) + b"\n", *lines[3:]]) == [("too-long", ":3")]
    assert found([*lines, b"x" * (5 * MAX_LINE_BYTES)]) == [("torn", "")]


def test_lines_that_the_owner_rewrote_do_not_fit_those_that_it_kept(folder: Path) -> None:
    lines = lines_of(folder)
    write_lines(folder, lines[:3])
    open_log(folder).append("policy-read", policy_digest=DIGEST)
    write_lines(folder, lines_of(folder) + lines[4:])
    assert problems(folder) == ["forked"]


def test_what_only_the_owner_could_write_is_found_too(folder: Path) -> None:
    lines = lines_of(folder)
    opened, last = json.loads(lines[0]), parse_line(lines[-1].removesuffix(b"\n"))

    def signed(event: str, time: str, fields: dict[str, Any]) -> bytes:
        log = opened["fields"]["log"]
        return sealed_line(log, last.sequence + 1, last.digest, time, event, fields, signer(CJIB)) + b"\n"

    for line, expected in (
        (signed("node-stopped", last.time, {}), []),
        (signed("node-stopped", opened["time"], {}), ["clock"]),
        (signed("opened", last.time, opened["fields"]), ["opened-again"]),
    ):
        write_lines(folder, [*lines, line])
        assert problems(folder) == expected


@pytest.mark.parametrize(
    ("sequence", "previous", "time", "more"),
    [
        (1, NO_LINE_BEFORE, "2026-11-24T13:00:00Z", {}),
        (0, DIGEST, "2026-11-24T13:00:00Z", {}),
        (0, NO_LINE_BEFORE, "2026-11-24T13:00:60Z", {}),
        (0, NO_LINE_BEFORE, "2026-11-24T13:00:00+00:00", {}),
        (0, NO_LINE_BEFORE, "2026-11-24", {}),
        (0, NO_LINE_BEFORE, "2026-11-24T13:00:00Z", {"before_log": RUN}),
        (0, NO_LINE_BEFORE, "2026-11-24T13:00:00Z", {"torn": DIGEST}),
    ],
)
def test_a_first_line_that_opens_no_log_is_found(
    tmp_path: Path, sequence: int, previous: str, time: str, more: dict[str, Any]
) -> None:
    opened = {"party": CJIB, "log": RUN, "public_key": signer(CJIB).public_key.hex(), "software_version": "0.1.0"}
    line = sealed_line(RUN, sequence, previous, time, "opened", opened | more, signer(CJIB)) + b"\n"
    write_lines(tmp_path / "audit", [line])
    assert problems(tmp_path / "audit") == ["no-opening"]


def test_files_of_two_parties_are_no_log(folder: Path, tmp_path: Path) -> None:
    open_log(tmp_path / "other", TAX)
    write_lines(folder, lines_of(tmp_path / "other"), 2)
    assert problems(folder) == ["other-party", "apart", "clock"]


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"9" * 60_000,
        b'{"event":"node-stopped","fields":{},"previous":"","sequence":1e999,"signature":"","time":""}',
        b'{"event":[],"fields":{},"previous":"","sequence":1,"signature":"","time":""}',
        b"\xff\xfe\x00",
        b'"\\ud800"',
    ],
)
def test_hostile_lines_are_findings(folder: Path, content: bytes) -> None:
    write_lines(folder, [*lines_of(folder), content + b"\n"])
    assert problems(folder) == ["not-canonical"]


def test_endless_rubbish_does_not_fill_the_memory(folder: Path) -> None:
    write_lines(folder, [*lines_of(folder), b"\n" * (3 * MAX_FINDINGS)])
    assert len(problems(folder)) == MAX_FINDINGS + 1
    assert problems(folder)[-1] == "too-many"


def test_signers_tell_whose_keys_sign_lines_heads_and_countersignatures(tmp_path: Path) -> None:
    two_logs(tmp_path)
    assert problems(tmp_path / "a", signers=known(CJIB, TAX)) == []
    assert "key-not-checked" not in notes(tmp_path / "a", signers=known(CJIB, TAX))
    assert "key-not-checked" in notes(tmp_path / "a")
    assert problems(tmp_path / "a", signers=known(TAX)) == ["unknown-key"]
    assert problems(tmp_path / "a", signers=known(CJIB)) == ["bad-countersignature", "bad-peer-head"]


def test_a_countersignature_under_a_line_that_is_not_there_is_found(tmp_path: Path) -> None:
    one = open_log(tmp_path / "a")
    head = one.head()
    other = LogHead(head.party, head.log, head.sequence, DIGEST, head.signature)
    fields = other.as_fields() | {"signature": countersign(other, TAX, signer(TAX)).hex()}
    one.append("countersigned", run=RUN, peer=TAX, **fields)
    assert problems(tmp_path / "a", signers=known(CJIB, TAX)) == ["not-the-countersigned"]


def test_a_log_that_was_replaced_as_a_whole_contradicts_its_peer(tmp_path: Path) -> None:
    two_logs(tmp_path)
    assert problems(tmp_path / "a", against=[tmp_path / "b", tmp_path / "b" / "000001.jsonl"]) == []
    for key, expected in ((CJIB, "log-gone"), ("new", "head-unsigned")):
        open_log(tmp_path / key, key=key)
        assert problems(tmp_path / key, against=[tmp_path / "b"]) == [expected]
    assert problems(tmp_path / "new", against=[tmp_path / "b"], signers=known(CJIB)) == ["unknown-key", "log-gone"]


def test_a_witness_without_heads_or_out_of_order_is_noted(tmp_path: Path) -> None:
    two_logs(tmp_path)
    open_log(tmp_path / "c", "cak")
    assert "no-head" in notes(tmp_path / "a", against=[tmp_path / "c"])
    write_lines(tmp_path / "b", lines_of(tmp_path / "b")[:-1] + [b"x\n"])
    assert notes(tmp_path / "a", against=[tmp_path / "b"]) == ["key-not-checked", "witness-unsound"]


# Heads


def test_a_head_is_its_owners_and_no_other_ones(folder: Path) -> None:
    head = open_log(folder).head()
    key, other = signer(CJIB).public_key, signer(TAX).public_key
    assert is_head_of(head, key)
    assert not is_head_of(head, other)
    assert parse_head(head.as_json().encode(), "head.json") == head
    for changed in (
        LogHead("cak", head.log, head.sequence, head.digest, head.signature),
        LogHead(CJIB, RUN, head.sequence, head.digest, head.signature),
        LogHead(CJIB, head.log, head.sequence + 1, head.digest, head.signature),
        LogHead(CJIB, head.log, head.sequence, DIGEST, head.signature),
        LogHead(CJIB, head.log, 2**64, head.digest, head.signature),
        LogHead(CJIB, head.log[:-2], head.sequence, head.digest, head.signature),
        LogHead(CJIB, head.log, head.sequence, head.digest, b""),
    ):
        assert not is_head_of(changed, key)
    signature = countersign(head, TAX, signer(TAX))
    assert is_countersigned(head, TAX, signature, other)
    assert not is_countersigned(head, "cak", signature, other)
    assert not is_countersigned(head, TAX, head.signature, key), "a head's signature is no countersignature"


def test_a_head_of_a_shape_that_no_line_may_hold_is_no_head() -> None:
    short = sign_head(LogHead(CJIB, "ab", 0, DIGEST, b""), signer(CJIB))
    assert not is_head_of(short, signer(CJIB).public_key)


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head | {"format": 2},
        lambda head: head | {"sequence": -1},
        lambda head: head | {"sequence": "1"},
        lambda head: head | {"sequence": 2**53 + 1},
        lambda head: head | {"digest": "x" * 64},
        lambda head: head | {"more": 1},
        lambda head: {key: value for key, value in head.items() if key != "log"},
        lambda head: head | {"party": "x" * 5000},
        lambda head: [head],
    ],
)
def test_what_is_no_head_is_refused(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(open_log(folder).head().as_json())
    with pytest.raises(ConfigError, match="no head of an audit log") as raised:
        parse_head(json.dumps(change(content)).encode(), "head.json")
    assert raised.value.__context__ is None


# Two logs side by side


def compared(tmp_path: Path) -> Comparison:
    return compare_logs(tmp_path / "a", tmp_path / "b")


def names(comparison: Comparison) -> tuple[list[str], list[str]]:
    return [one.problem for one in comparison.differences], [one.problem for one in comparison.notes]


def test_logs_of_a_run_that_went_well_agree(tmp_path: Path) -> None:
    one, other = two_logs(tmp_path)
    finish_run(one, TAX, 10, 20)
    finish_run(other, CJIB, 20, 10)
    start_run(one, OTHER_RUN, parties=["cak", CJIB])
    found = compared(tmp_path)
    assert names(found) == ([], [])
    assert found.runs == 1, "the run with a third party is none of theirs"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scenario_digest": "ee" * 32}, "scenario_digest"),
        ({"agreement_digest": "ee" * 32}, "agreement_digest"),
        ({"parties": ["belastingdienst", "cak", "cjib"]}, "parties"),
        ({"coordinator": TAX}, "coordinator"),
    ],
)
def test_another_start_is_a_difference(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    one, other = two_logs(tmp_path, **changed)
    finish_run(one, TAX, 10, 20)
    finish_run(other, CJIB, 20, 10)
    found = compared(tmp_path)
    assert names(found) == (["differs"], [])
    assert found.differences[0].details == (said, CJIB, TAX)
    assert found.differences[0].where == RUN


@pytest.mark.parametrize(
    ("sent", "received", "changed", "expected"),
    [
        (20, 11, {}, "bytes-differ"),
        (21, 10, {}, "bytes-differ"),
        (20, 10, {"rows": {CJIB: 512}}, "size-differs"),
        (20, 10, {"sets": {TAX: 2048}}, "size-differs"),
        (20, 10, {"bytes_in": {}}, "bytes-differ"),
    ],
)
def test_another_end_is_a_difference(
    tmp_path: Path, sent: int, received: int, changed: dict[str, Any], expected: str
) -> None:
    one, other = two_logs(tmp_path)
    finish_run(one, TAX, 10, 20)
    finish_run(other, CJIB, sent, received, **changed)
    assert names(compared(tmp_path)) == ([expected], [])


def test_a_contribution_of_another_size_than_the_peer_saw_is_a_difference(tmp_path: Path) -> None:
    one, other = two_logs(tmp_path)
    other.append("contribution-fixed", run=RUN, commitment=DIGEST, row_size=0, set_size=512, opted_out=0)
    finish_run(one, TAX, 10, 20)
    finish_run(other, CJIB, 20, 10)
    assert names(compared(tmp_path)) == (["size-differs"], [])
    assert compared(tmp_path).differences[0].details == ("sets", TAX, 512, TAX, 1024, CJIB)


def test_a_last_word_that_was_lost_is_a_note_but_the_coordinator_has_none_to_lose(tmp_path: Path) -> None:
    one, other = two_logs(tmp_path / "lost")
    finish_run(one, TAX, 10, 20)
    other.append("run-failed", run=RUN, error="TransportError", peer=CJIB)
    assert names(compared(tmp_path / "lost")) == ([], ["last-word-lost"])
    one, other = two_logs(tmp_path / "odd")
    one.append("run-failed", run=RUN, error="TransportError", peer=TAX)
    finish_run(other, CJIB, 20, 10)
    assert names(compared(tmp_path / "odd")) == (["outcomes-differ"], [])
    one, other = two_logs(tmp_path / "open")
    finish_run(one, TAX, 10, 20)
    assert names(compared(tmp_path / "open")) == ([], ["no-outcome"])


def test_a_run_that_one_log_lacks_is_a_difference_unless_it_never_got_there(tmp_path: Path) -> None:
    one, _ = open_log(tmp_path / "a"), open_log(tmp_path / "b", TAX)
    start_run(one)
    one.append("run-failed", run=RUN, error="PolicyRefusal", peer=TAX)
    assert names(compared(tmp_path)) == ([], ["not-reached"])
    start_run(one, OTHER_RUN)
    finish_run(one, TAX, 10, 20, OTHER_RUN)
    assert names(compared(tmp_path)) == (["run-absent"], ["not-reached"])


def test_a_run_that_a_party_took_part_in_without_the_other_knowing_is_a_difference(tmp_path: Path) -> None:
    one, other = open_log(tmp_path / "a"), open_log(tmp_path / "b", TAX)
    start_run(one)
    start_run(other, parties=["belastingdienst", "cak"])
    assert names(compared(tmp_path)) == (["run-absent"], [])


def test_a_run_that_stands_twice_and_heads_that_do_not_fit_are_differences(tmp_path: Path) -> None:
    one, other = two_logs(tmp_path)
    finish_run(one, TAX, 10, 20)
    finish_run(other, CJIB, 20, 10)
    start_run(other, role="data party")
    assert names(compared(tmp_path)) == (["run-twice"], [])
    # The owner writes another history with its own key, up to where its peer saw it and beyond.
    write_lines(tmp_path / "b", lines_of(tmp_path / "b")[:1])
    again = open_log(tmp_path / "b", TAX)
    start_run(again, role="data party", scenario_digest="ee" * 32)
    finish_run(again, CJIB, 20, 10)
    assert names(compared(tmp_path)) == (["differs", "rewritten"], [])


def test_a_countersignature_with_another_key_is_a_difference(tmp_path: Path) -> None:
    one, _ = open_log(tmp_path / "a"), open_log(tmp_path / "b", TAX)
    head = one.head()
    fields = head.as_fields() | {"signature": countersign(head, TAX, signer("other")).hex()}
    one.append("countersigned", run=RUN, peer=TAX, **fields)
    assert names(compared(tmp_path)) == (["bad-countersignature"], [])


# Commands


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_verify_says_what_it_checked_and_fails_on_findings(tmp_path: Path) -> None:
    two_logs(tmp_path)
    (tmp_path / "signers.toml").write_text(known(CJIB, TAX).as_toml())
    done = command("verify", tmp_path / "a", "--signers", tmp_path / "signers.toml", "--against", tmp_path / "b")
    assert done.exit_code == 0
    assert done.output == "cjib: in orde (regels 4, bestanden 1, koppen van anderen 1).\n"
    bare = command("verify", tmp_path / "a", "--lang", "en").output
    assert "Note: a: Whose keys these are was not checked: give --signers." in bare
    assert "cut off at the end was not checked: give --against." in bare
    write_lines(tmp_path / "a", lines_of(tmp_path / "a")[:1])
    done = command("verify", tmp_path / "a", "--against", tmp_path / "b", "--lang", "en")
    assert isinstance(done.exception, AuditFailure)
    assert "belastingdienst 000001.jsonl:3: According to belastingdienst there was a line of sequence 1," in done.output
    assert "cjib: not in order (lines 1, files 1, heads of peers 1)." in done.output
    done = command("verify", tmp_path / "a", "--against", tmp_path / "b", "--json")
    assert isinstance(done.exception, AuditFailure)
    assert [finding["problem"] for finding in json.loads(done.output)["findings"]] == ["cut"]


def test_an_exported_head_finds_the_cut_and_is_of_one_party(tmp_path: Path) -> None:
    two_logs(tmp_path)
    exported = command("head", tmp_path / "b", "--of", CJIB)
    (tmp_path / "head.json").write_text(exported.output)
    assert command("verify", tmp_path / "a", "--against", tmp_path / "head.json").exit_code == 0
    assert isinstance(command("verify", tmp_path / "b", "--against", tmp_path / "head.json").exception, ConfigError)
    write_lines(tmp_path / "a", lines_of(tmp_path / "a")[:1])
    done = command("verify", tmp_path / "a", "--against", tmp_path / "head.json")
    assert isinstance(done.exception, AuditFailure)
    assert "head.json: Volgens head.json was er een regel met volgnummer 1" in done.output
    assert isinstance(command("head", tmp_path / "b", "--of", "cak").exception, UsageError)


def test_show_is_for_people_and_for_programs(folder: Path) -> None:
    done = command("show", folder)
    assert done.exit_code == 0
    for word in ("logboek begonnen", "run mislukt", "error PeerError", "step oprf-rows", "2026-11-24T13:00:04Z"):
        assert word in done.output
    assert DIGEST not in done.output
    assert "run failed" in command("show", folder, "--lang", "en").output
    shown = json.loads(command("show", folder, "--run", RUN, "--json").output)
    assert [line["event"] for line in shown] == ["run-started", "run-failed"]
    write_lines(folder, [*lines_of(folder), b"\x1b[31mred\n"])
    done = command("show", folder)
    assert isinstance(done.exception, AuditFailure)
    assert "\x1b[31m" not in done.output


def test_compare_shows_differences_and_what_is_wrong_with_each_log(tmp_path: Path) -> None:
    one, other = two_logs(tmp_path)
    finish_run(one, TAX, 10, 20)
    finish_run(other, CJIB, 20, 10)
    done = command("compare", tmp_path / "a", tmp_path / "b")
    assert done.exit_code == 0
    assert done.output == "cjib, belastingdienst: runs 1, verschillen 0.\n"
    write_lines(tmp_path / "b", [line.replace(b'"cjib":20', b'"cjib":21') for line in lines_of(tmp_path / "b")])
    done = command("compare", tmp_path / "a", tmp_path / "b", "--lang", "en")
    assert isinstance(done.exception, AuditFailure)
    assert "belastingdienst 000001.jsonl:5: The signature does not fit" in done.output
    shown = json.loads(command("compare", tmp_path / "a", tmp_path / "b", "--json").output)
    assert [[one["problem"] for one in log["findings"]] for log in shown["logs"]] == [[], ["changed"]]
    assert isinstance(command("compare", tmp_path / "a", tmp_path / "a").exception, UsageError)
