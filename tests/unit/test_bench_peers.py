"""Other programs in a bench, with stand-in programs that are real processes on real connections."""

from __future__ import annotations

import ast
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from psi_match.base.errors import ConfigError, DeadlineExceeded, PeerAborted, ResultMismatch, UsageError
from psi_match.bench.inputs import PredicateInputs, PsiInputs, QuorumInputs
from psi_match.bench.peers import PEERS, environment, predicate_contender, psi_contender, quorum_contender
from psi_match.bench.peers.contender import PeerContender
from psi_match.bench.peers.figures import run_figures
from psi_match.bench.peers.predicate import OWNERS, make_predicate_contender
from psi_match.bench.peers.processes import Loopback, Mark, PartyRecord, Program, run_parties
from psi_match.bench.peers.psi import DATA_PARTY, LEADER, make_psi_contender
from psi_match.bench.peers.quorum import make_quorum_contender

RUNNERS = Path(environment.__file__).with_name("runners")
PYTHON = Path(sys.executable)

CONNECT = """
import socket, time
from pathlib import Path

def connections(task):
    # Every party listens, calls those after it and answers those before it, as the real ones do.
    names = list(task["addresses"])
    rank = names.index(task["party"])
    host, port = task["addresses"][task["party"]].split(":")
    listener = socket.create_server((host, int(port)))
    links = {}
    for name in names[rank + 1:]:
        there, at = task["addresses"][name].split(":")
        while name not in links:
            try:
                links[name] = socket.create_connection((there, int(at)))
            except ConnectionRefusedError:
                time.sleep(0.01)
        links[name].sendall(bytes([rank]))
    for _ in range(rank):
        link, _where = listener.accept()
        links[names[link.recv(1)[0]]] = link
    return links

def take(link, count):
    got = b""
    while len(got) < count:
        got += link.recv(count - len(got))
    return got
"""
SENDING = (
    CONNECT
    + """
def prepare(task):
    links = connections(task)
    def run(begin):
        print("what a library prints")
        begin("send")
        for name, count in task["sends"].items():
            links[name].sendall(bytes(count))
        begin("receive")
        for name, count in task["receives"].items():
            take(links[name], count)
    return run
"""
)
INTERSECTING = (
    CONNECT
    + """
def prepare(task):
    links = connections(task)
    def run(begin):
        begin("work")
        own = Path(task["csv"]).read_text().split()[1:]
        if task["party"] == "data-party":
            links["leader"].sendall("".join(own).encode())
            return
        theirs = take(links["data-party"], 27).decode()
        found = {theirs[at:at + 9] for at in range(0, len(theirs), 9)} & set(own)
        Path(task["result"]).write_text("\\n".join(["bsn", *sorted(found, reverse=True), ""]))
    return run
"""
)


def program(folder: Path, text: str, timeout_s: float = 30.0) -> Program:
    (folder / "runner.py").write_text(text)
    return Program("stand-in", PYTHON, folder / "runner.py", timeout_s)


def psi_inputs(folder: Path, expected: list[str]) -> PsiInputs:
    (folder / "a.csv").write_text("bsn\n000000012\n000000024\n123456782\n")
    (folder / "b.csv").write_text("bsn\n123456782\n000000012\n000000036\n")
    return PsiInputs(folder / "a.csv", folder / "b.csv", np.array(expected), 3, 3)


def intersecting(folder: Path, expected: list[str], text: str = INTERSECTING) -> PeerContender:
    contender = make_psi_contender("spu-rr22", psi_inputs(folder, expected), folder / "runs", PYTHON, 30.0, Loopback())
    contender.program = program(folder, text)
    return contender


def test_bytes_of_every_directed_pair_are_those_that_the_parties_sent(tmp_path: Path) -> None:
    sends = {"one": {"two": 100_000, "three": 5}, "two": {"one": 70_001, "three": 2_000_000}, "three": {"two": 3}}
    tasks = {
        party: {"sends": own, "receives": {other: sends[other][party] for other in sends if party in sends[other]}}
        for party, own in sends.items()
    }
    figures = run_figures(run_parties(program(tmp_path, SENDING), tasks, tmp_path / "run", Loopback()))
    expected = {f"{party}->{other}": count for party, own in sends.items() for other, count in own.items()}
    assert figures.bytes == expected | {"three->one": 0}
    assert sum(figures.phase_bytes.values()) == sum(expected.values())
    assert list(figures.phases) == ["send", "receive"]
    assert list(figures.cpu_s) == list(figures.peak_rss_bytes) == ["one", "two", "three"]
    assert all(count > 1 << 20 for count in figures.peak_rss_bytes.values())
    assert "what a library prints" in (tmp_path / "run" / "one" / "log").read_text()


def test_wall_time_is_until_the_first_party_has_its_result() -> None:
    first = PartyRecord((Mark("a", 10.0, 1.0, {}), Mark("b", 11.0, 1.5, {}), Mark("", 13.0, 2.0, {"x->y": 7})), None, 5)
    second = PartyRecord((Mark("c", 9.0, 4.0, {}), Mark("", 20.0, 4.25, {})), None, 6)
    figures = run_figures({"x": first, "y": second})
    assert figures.wall_s == 4.0
    assert figures.phases == {"a": 1.0, "b": 2.0}
    assert figures.cpu_s == {"x": 1.0, "y": 0.25}
    assert figures.bytes == {"x->y": 7}
    assert figures.phase_bytes == {"a": 0, "b": 7, "c": 0}


def test_what_was_sent_before_the_clock_started_does_not_count() -> None:
    record = PartyRecord((Mark("a", 0.0, 0.0, {"x->y": 40}), Mark("", 1.0, 0.0, {"x->y": 100, "y->x": 2})), None, 1)
    assert run_figures({"x": record}).bytes == {"x->y": 60, "y->x": 2}


def test_bytes_of_a_program_without_a_network_are_its_messages() -> None:
    marks = (Mark("a", 0.0, 0.0, {}), Mark("", 1.0, 0.0, {"x->y": 108, "y->x": 58}))
    records = {"x": PartyRecord(marks, {"x->y": 100}, 1), "y": PartyRecord(marks, {"y->x": 50}, 1)}
    assert run_figures(records).bytes == {"x->y": 100, "y->x": 50}
    assert run_figures(records).phase_bytes == {}


def test_the_right_answer_gives_figures_and_leaves_no_files(tmp_path: Path) -> None:
    contender = intersecting(tmp_path, ["000000012", "123456782"])
    with contender.ready() as run:
        first, second = run(), run()
    assert first.bytes == second.bytes == {f"{LEADER}->{DATA_PARTY}": 0, f"{DATA_PARTY}->{LEADER}": 27}
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("expected", "missing", "extra"),
    [(["000000012"], 0, 1), (["000000012", "123456789"], 1, 1), ([], 0, 2), (["000000012", "1", "123456782"], 1, 0)],
)
def test_a_wrong_answer_is_a_mismatch_in_counts(tmp_path: Path, expected: list[str], missing: int, extra: int) -> None:
    with intersecting(tmp_path, expected).ready() as run, pytest.raises(ResultMismatch) as told:
        run()
    assert str(told.value) == (
        f"stand-in gave another answer than the plaintext: of {len(expected)} numbers {missing} are missing, "
        f"and it has 2, {extra} of them others."
    )
    assert "123456782" not in str(told.value) + told.value.hint


def test_no_answer_is_a_mismatch(tmp_path: Path) -> None:
    silent = "def prepare(task):\n    return lambda begin: begin('work')\n"
    with intersecting(tmp_path, ["000000012", "123456782"], silent).ready() as run, pytest.raises(ResultMismatch):
        run()


def test_a_program_that_hangs_is_stopped_with_its_helpers(tmp_path: Path) -> None:
    hanging = f"""
import os, subprocess, time
from pathlib import Path
def prepare(task):
    def run(begin):
        begin("wait")
        if task["party"] == "two":
            helper = subprocess.Popen(["sleep", "1000"])
            Path({str(tmp_path)!r}, "pids").write_text(f"{{os.getpid()}} {{helper.pid}}")
            time.sleep(1000)
    return run
"""
    with pytest.raises(DeadlineExceeded, match=r"stand-in did not end within 1\.5 s") as told:
        run_parties(program(tmp_path, hanging, 1.5), {"one": {}, "two": {}}, tmp_path / "run", Loopback())
    assert "waiting: two." in told.value.hint
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        assert until(lambda pid=pid: ended(pid))


def test_a_program_that_never_gets_ready_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(DeadlineExceeded, match="stand-in"):
        run_parties(
            program(tmp_path, "import time\ndef prepare(task):\n    time.sleep(1000)\n", 0.8),
            {"one": {}, "two": {}},
            tmp_path / "run",
            Loopback(),
        )


def test_a_failure_names_party_and_phase_but_no_number_of_a_row(tmp_path: Path) -> None:
    failing = f"""
import os, time
from pathlib import Path
def prepare(task):
    def run(begin):
        begin("look up")
        if task["party"] == "two":
            raise ValueError("duplicate key 123456782 in column 3")
        Path({str(tmp_path)!r}, "pids").write_text(str(os.getpid()))
        time.sleep(1000)
    return run
"""
    with pytest.raises(PeerAborted) as told:
        run_parties(program(tmp_path, failing), {"one": {}, "two": {}}, tmp_path / "run", Loopback())
    assert str(told.value) == "stand-in failed at two in its phase look up: ValueError: duplicate key # in column 3."
    # The other party may have been ended before it wrote its number, or between opening the file and writing.
    pids = tmp_path / "pids"
    number = pids.read_text() if pids.exists() else ""
    assert not number or until(lambda: ended(int(number)))


def test_a_library_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = "def prepare(task):\n    import no_such_library\n"
    with pytest.raises(PeerAborted, match=r"phase preparation: ModuleNotFoundError: No module named 'no_such_library'"):
        run_parties(program(tmp_path, missing), {"one": {}}, tmp_path / "run", Loopback())


def test_a_party_that_ends_without_a_word_is_told(tmp_path: Path) -> None:
    dying = "import os\ndef prepare(task):\n    os._exit(3)\n"
    with pytest.raises(PeerAborted, match="stand-in ended at one without a word"):
        run_parties(program(tmp_path, dying), {"one": {}}, tmp_path / "run", Loopback())


def test_parties_are_where_the_network_puts_them(tmp_path: Path) -> None:
    class Elsewhere(Loopback):
        def address(self, party: str, port: int) -> str:
            return f"127.0.0.{7 if party == 'one' else 8}:{port}"

        def command(self, party: str) -> list[str]:
            return ["env", f"WHERE={party}"]

    telling = SENDING.replace(
        'begin("send")', 'begin("send"); import os; Path("where").write_text(os.environ["WHERE"])'
    )
    tasks = {"one": {"sends": {"two": 9}, "receives": {}}, "two": {"sends": {}, "receives": {"one": 9}}}
    figures = run_figures(run_parties(program(tmp_path, telling), tasks, tmp_path / "run", Elsewhere()))
    assert figures.bytes == {"one->two": 9, "two->one": 0}
    assert [(tmp_path / "run" / party / "where").read_text() for party in tasks] == ["one", "two"]


def test_without_their_environment_the_error_says_how_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ENVIRONMENT_NAME", ".venv-nowhere")
    with pytest.raises(ConfigError, match=r"no \.venv-nowhere") as told:
        psi_contender("spu-rr22", psi_inputs(tmp_path, []), tmp_path)
    assert "make peers" in told.value.hint


def test_an_environment_in_the_working_directory_is_found_and_its_gaps_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "ENVIRONMENT_NAME", ".venv-here")
    python = tmp_path / ".venv-here" / "bin" / "python"
    python.parent.mkdir(parents=True)
    # A script and no link: an interpreter that is linked to is not in its own environment.
    python.write_text(f'#!/bin/sh\nexec {PYTHON} "$@"\n')
    python.chmod(0o755)
    assert environment.peers_python() == python
    with pytest.raises(ConfigError, match="not complete"):
        environment.peer_versions()
    monkeypatch.setattr(environment, "PROGRAMS", ("numpy",))
    assert environment.peer_versions()["numpy"] == np.__version__


@pytest.mark.parametrize("make", [psi_contender, predicate_contender, quorum_contender])
def test_an_unknown_program_is_refused_with_those_that_there_are(make: Callable[..., object], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        make("emp", None, tmp_path)
    assert any(", ".join(names) in told.value.hint for names in PEERS.values())


def test_only_the_leader_of_an_intersection_gets_a_result(tmp_path: Path) -> None:
    inputs = psi_inputs(tmp_path, [])
    for name in PEERS["psi"]:
        contender = make_psi_contender(name, inputs, tmp_path, PYTHON, 1.0, Loopback())
        tasks = contender.tasks(tmp_path / "result")
        assert list(tasks) == [LEADER, DATA_PARTY]
        assert [task["csv"] for task in tasks.values()] == [str(inputs.leader_csv), str(inputs.data_csv)]
        assert tasks[LEADER]["result"] == str(tmp_path / "result") != tasks[DATA_PARTY]["result"]
    low = make_psi_contender("spu-rr22-low", inputs, tmp_path, PYTHON, 1.0, Loopback()).tasks(tmp_path / "result")
    assert {(task["protocol"], task["low_comm"]) for task in low.values()} == {("RR22", True)}


def test_a_party_of_the_predicate_gets_its_own_columns_only(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.npy" for name in (*OWNERS, "expected")}
    np.save(paths["expected"], np.array([True, False]))
    inputs = PredicateInputs(paths["a"], paths["b"], paths["bound"], paths["expected"], 2)
    for name in PEERS["predicate"]:
        contender = make_predicate_contender(name, inputs, tmp_path, PYTHON, 1.0, Loopback())
        tasks = list(contender.tasks(tmp_path / "result").values())
        assert [sorted(task["inputs"]) for task in tasks] == [["a", "bound"], ["b"], []]
        for answer, right in (([True, False], True), ([True, True], False), ([True], False)):
            with (tmp_path / "answer").open("wb") as file:
                np.save(file, np.array(answer))
            assert (contender.wrong(tmp_path / "answer") == "") is right


def test_a_quorum_of_all_is_what_the_program_answers_whatever_was_asked(tmp_path: Path) -> None:
    rows = {"one": ["000000012", "123456782", "5"], "two": ["123456782", "000000012"], "three": ["5", "123456782"]}
    csv = {party: tmp_path / f"{party}.csv" for party in rows}
    for party, path in csv.items():
        path.write_text("\n".join(["bsn", *rows[party], ""]))
    (tmp_path / "answer").write_text('"bsn"\n"123456782"\n')
    asked = QuorumInputs(csv, 2, np.array(["000000012", "123456782", "5"]), 3)
    contender = make_quorum_contender("spu-kkrt-npc", asked, tmp_path, PYTHON, 1.0, Loopback())
    assert contender.variant == "kkrt-npc 3 of 3"
    assert contender.wrong(tmp_path / "answer") == ""
    assert any("another question" in remark for remark in contender.remarks)
    assert "two parties" in contender.reveals
    same = make_quorum_contender(
        "spu-kkrt-npc", replace(asked, threshold=3, expected=np.array(["1"])), tmp_path, PYTHON, 1.0, Loopback()
    )
    assert same.wrong(tmp_path / "answer") == "of 1 numbers 1 are missing, and it has 1, 1 of them others"
    assert not any("another question" in remark for remark in same.remarks)


def test_every_contender_says_what_it_reveals_and_what_counts(tmp_path: Path) -> None:
    contenders = [
        make_psi_contender(n, psi_inputs(tmp_path, []), tmp_path, PYTHON, 1, Loopback()) for n in PEERS["psi"]
    ]
    assert len({(each.system, each.variant) for each in contenders}) == len(contenders)
    for each in contenders:
        assert each.program.runner.exists()
        assert "sizes" in each.reveals
        assert any("clock starts" in remark for remark in each.remarks)


def test_runners_import_nothing_of_ours() -> None:
    files = list(RUNNERS.glob("*.py"))
    assert len(files) > 5
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "psi_match"], file


def test_their_versions_are_exact() -> None:
    lines = [line.split("#")[0].strip() for line in environment.REQUIREMENTS.read_text().splitlines()]
    pins = [line for line in lines if line]
    assert {pin.split("==")[0] for pin in pins} >= {"spu", "openmined-psi", "mpyc", "gmpy2"}
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", pin) for pin in pins)


def ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A helper whose parent was ended is a zombie until init has seen to it.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
