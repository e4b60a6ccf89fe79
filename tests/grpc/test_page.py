"""The page beside real nodes: it follows runs and stopped nodes, starts runs, and shows what observers may read."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
import uvicorn
from support.nodes import DATA_PARTIES, LEADER, PARTIES, Bodies, serving, wait_until_idle

from psi_match.domain.parties import display_name
from psi_match.node import observer_client
from psi_match.node.local_nodes import free_ports
from psi_match.node.server import Node
from psi_match.page import board
from psi_match.page.app import create_app, make_context
from psi_match.page.board import SERVING, STOPPED
from psi_match.page.config import read_page_config
from psi_match.page.context import PageContext
from psi_match.page.report_making import is_final
from psi_match.report import html as report_html
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.digest import digest

WITHIN_S = 60.0
SCENARIO = "paren"


@dataclass
class Page:
    """A page that serves."""

    url: str
    context: PageContext
    client: httpx.Client

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, form_on: str) -> httpx.Response:
        found = re.search(r'name="token" value="(\w+)"', self.get(form_on).text)
        assert found
        return self.client.post(path, data={"token": found[1]}, headers={"origin": self.url})

    def ask(self) -> httpx.Response:
        """Ask for the scenario as a visitor does; return the answer when it has begun or failed."""
        response = self.post(f"/scenarios/{SCENARIO}/start", f"/scenarios/{SCENARIO}")
        deadline = time.monotonic() + WITHIN_S
        while "/starts/" in response.url.path and response.status_code == 200:
            assert time.monotonic() < deadline, "not started"
            time.sleep(0.05)
            response = self.get(response.url.path)
        return response

    def start(self) -> str:
        """Start the scenario as a visitor does; return the run's id when it has ended."""
        response = self.ask()
        assert response.status_code == 200, response.text
        run_id = response.url.path.rsplit("/", 1)[1]
        until(lambda: not self.get(f"/runs/{run_id}/state.json").json()["running"])
        return run_id


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not found():
        assert time.monotonic() < deadline, "not seen"
        time.sleep(0.05)


@contextmanager
def page_beside(
    bodies: Bodies, operators: bool = True, evaluation: dict[str, Any] | None = None, extra: str = ""
) -> Iterator[Page]:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    text = f'listen = "127.0.0.1:{port}"\npublic_url = "{url}"\nscenario_dir = "scenarios"\n'
    text += 'operators = "keys"\n' if operators else ""
    if evaluation is not None:
        (bodies.folder / "evaluation.json").write_text(json.dumps(evaluation))
        text += 'evaluation = "evaluation.json"\n'
    text += extra
    for party in PARTIES:
        text += f'\n[[nodes]]\nparty = "{party}"\naddress = "{bodies.nodes[party].address}"\nkeys = "keys/{party}"\n'
    path = bodies.folder / "page.toml"
    path.write_text(text)
    context = make_context(read_page_config(path))
    server = uvicorn.Server(uvicorn.Config(create_app(context), host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        with httpx.Client(base_url=url, follow_redirects=True, timeout=WITHIN_S) as client:
            yield Page(url, context, client)
    finally:
        context.streams.close()
        server.should_exit = True
        thread.join(WITHIN_S)
        assert not thread.is_alive(), "the page does not stop"


@pytest.fixture
def nodes(bodies: Bodies) -> Iterator[dict[str, Node]]:
    with serving(bodies) as found:
        yield found


@pytest.fixture
def page(bodies: Bodies, nodes: dict[str, Node]) -> Iterator[Page]:
    assert set(nodes) == set(PARTIES)
    evaluation = {
        "format": 1,
        "population": {"persons": 1000, "seed": 1},
        "scenarios": {
            SCENARIO: {
                "expected": bodies.expected(),
                "scenario_digest": digest(Catalogue(bodies.folder / "scenarios").get(SCENARIO)).hex(),
            }
        },
    }
    with page_beside(bodies, evaluation=evaluation) as found:
        until(lambda: len(found.context.board.serving()) == len(PARTIES))
        yield found


class Stream:
    """A browser's live stream, read in a thread."""

    def __init__(self, page: Page) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._url = page.url
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        until(lambda: bool(self.events))

    def _read(self) -> None:
        with httpx.stream("GET", f"{self._url}/events", timeout=5 * WITHIN_S) as response:
            name = ""
            for line in response.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self.events.append((name, json.loads(line.removeprefix("data: "))))

    def all(self, key: str) -> list[dict[str, Any]]:
        return [item for _, content in list(self.events) for item in content[key]]


def test_a_browser_sees_every_message_of_a_run_once(page: Page) -> None:
    stream = Stream(page)
    run_id = page.start()
    until(lambda: any(run["id"] == run_id and run["state"] == "finished" for run in stream.all("runs")))
    until(lambda: all(arrow["seen"] == "both" for arrow in page.context.board.snapshot()["arrows"]))
    dossier = page.context.archive.dossier(run_id)
    sent = sum(pair["bytes_out"] for record in dossier.records.values() for pair in record["pairs"].values())

    def arrows() -> list[dict[str, Any]]:
        return [arrow for arrow in stream.all("arrows") if arrow["run"] == run_id]

    # The browser is told a moment after the board.
    until(lambda: sum(arrow["newBytes"] for arrow in arrows()) >= sent)
    assert sum(arrow["newBytes"] for arrow in arrows()) == sent > 0
    assert {(arrow["from"], arrow["to"]) for arrow in arrows()} == {
        pair for other in DATA_PARTIES for pair in ((LEADER, other), (other, LEADER))
    }
    replayed = page.get(f"/runs/{run_id}/replay.json").json()["moments"]
    assert sum(arrow["newBytes"] for moment in replayed for arrow in moment["arrows"]) == sent


def test_a_stopped_node_is_shown_and_comes_back(bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    # Shown because its connection ends: its silence alone would take longer than this test waits.
    for module in (board, observer_client):
        monkeypatch.setattr(module, "SILENT_S", 10 * WITHIN_S)
    with serving(bodies, PARTIES[:2]), page_beside(bodies) as page:
        until(lambda: len(page.context.board.serving()) == 2)
        stream = Stream(page)
        assert page.context.board.states()[PARTIES[2]] == STOPPED
        with serving(bodies, PARTIES[2:]):
            until(lambda: {"party": PARTIES[2], "state": SERVING} in stream.all("nodes"))
        until(lambda: stream.all("nodes")[-1] == {"party": PARTIES[2], "state": STOPPED})
        text = page.get("/").text
        assert 'data-state="stopped"' in text
        assert "antwoordt niet" in text


def test_a_run_shows_counts_and_no_row(page: Page, bodies: Bodies, nodes: dict[str, Node]) -> None:
    run_id = page.start()
    wait_until_idle(nodes)
    response = page.get(f"/runs/{run_id}")
    text = response.text
    for party, number in bodies.expected().items():
        assert f"{number} eigen rijen ook bij {display_name(party)}" in text
    assert text.count("✓ aantal gelijk") == len(DATA_PARTIES)
    assert text.count("uit de uitkomst over geen mens iets") == len(DATA_PARTIES)
    assert response.headers["cache-control"] == "no-store"
    table = pq.read_table(bodies.nodes[LEADER].folder / "state" / "runs" / run_id / "result.parquet")
    rows = set(table.column("bsn").to_pylist())
    assert rows
    everything = [text, page.get(f"/runs/{run_id}/replay.json").text, page.get("/runs").text]
    assert not any(number in shown for shown in everything for number in rows)
    assert run_id in page.get("/runs").text


def test_runs_that_follow_each_other_are_shown_at_once(page: Page) -> None:
    for _ in range(3):
        # The list, which is kept for a moment, does not know the next run yet.
        page.get("/runs")
        assert page.get(f"/runs/{page.start()}").status_code == 200


def test_tables_are_filled_at_loading_for_who_has_no_script(page: Page) -> None:
    def rows(path: str) -> list[str]:
        return re.findall(r'<td data-label="van">([^<]+)</td>', page.get(path).text)

    assert rows("/") == []
    run_id = page.start()
    assert display_name(LEADER) in rows("/")
    assert set(rows(f"/runs/{run_id}")) == {display_name(party) for party in PARTIES}
    assert '<span class="got">Nog niets ontvangen' not in page.get(f"/runs/{run_id}").text


def test_a_browser_that_does_not_say_how_much_it_sends_is_stopped(page: Page) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 1000

    response = page.client.post("/attack/cancel", content=endless(), headers={"origin": page.url})
    assert response.status_code == 413
    assert "transfer-encoding" in response.request.headers


@pytest.mark.usefixtures("nodes")
def test_one_address_cannot_take_all_live_streams(bodies: Bodies) -> None:
    with page_beside(bodies, extra="[limits]\nbrowsers_per_address = 2\n") as page:
        streams = [Stream(page), Stream(page)]
        assert page.get("/events").status_code == 503
        assert all(stream.thread.is_alive() for stream in streams)


@pytest.mark.usefixtures("nodes")
def test_a_start_that_fails_early_does_not_block_the_next(bodies: Bodies) -> None:
    with page_beside(bodies) as page:
        until(lambda: len(page.context.board.serving()) == len(PARTIES))
        certificate = bodies.nodes[LEADER].keys / "operator.pem"
        good = certificate.read_text()
        certificate.write_text("no certificate")
        response = page.post(f"/scenarios/{SCENARIO}/start", f"/scenarios/{SCENARIO}")
        assert response.status_code == 403
        assert "operator.pem" not in response.text, "a visitor gets no path of a file"
        certificate.write_text(good)
        assert page.start()


@pytest.mark.usefixtures("nodes")
def test_a_visitor_of_a_page_that_only_looks_gets_no_details_of_a_failure(bodies: Bodies) -> None:
    policy = bodies.nodes[DATA_PARTIES[0]].folder / "policy.toml"
    policy.write_text(policy.read_text().replace(f'"{SCENARIO}"', '"another"'))
    with page_beside(bodies) as page:
        until(lambda: len(page.context.board.serving()) == len(PARTIES))
        response = page.post(f"/scenarios/{SCENARIO}/start", f"/scenarios/{SCENARIO}")
        until(lambda: not page.context.starter._starts or all(s.ended for s in page.context.starter._starts.values()))
        detailed = page.get(response.url.path).text
        run_id = next(run.run_id for run in page.context.archive.runs()[0])
        error = page.context.archive.dossier(run_id).records[LEADER]["error"]
        assert error
        assert unescape(page.get(f"/runs/{run_id}").text).count(error)
        assert "Wat u kunt doen" in detailed
    with page_beside(bodies, operators=False) as page:
        until(lambda: len(page.context.board.serving()) == len(PARTIES))
        text = unescape(page.get(f"/runs/{run_id}").text)
        assert error not in text
        assert f"{display_name(LEADER)} meldt: de reden staat in het log" in text


@pytest.mark.usefixtures("nodes")
def test_reports_are_made_few_at_a_time_and_once(bodies: Bodies, monkeypatch: pytest.MonkeyPatch) -> None:
    with page_beside(bodies) as page:
        until(lambda: len(page.context.board.serving()) == len(PARTIES))
        run_id = page.start()
        until(lambda: is_final(page.context.archive.dossier(run_id)))
        begun, go_on = threading.Semaphore(0), threading.Event()
        made: list[str] = []
        real = report_html.as_html

        def slow(report: Any) -> str:
            begun.release()
            assert go_on.wait(WITHIN_S)
            made.append(report.language)
            return real(report)

        monkeypatch.setattr(report_html, "as_html", slow)
        paths = [f"/runs/{run_id}/report-{language}.html" for language in ("nl", "en")]
        with ThreadPoolExecutor() as pool:
            answers = [pool.submit(httpx.get, page.url + path, timeout=60) for path in paths]
            for _ in paths:
                assert begun.acquire(timeout=WITHIN_S)
            refused = page.get(f"/runs/{run_id}/report-nl.pdf")
            assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
            go_on.set()
            assert [answer.result().status_code for answer in answers] == [200, 200]
        assert page.get(paths[0]).status_code == 200
        assert sorted(made) == ["en", "nl"], "what was made is kept"
        assert page.get(f"/runs/{run_id}/report-nl.pdf").status_code == 200, "places are given back"


@pytest.mark.usefixtures("nodes")
def test_the_report_of_a_run_can_be_fetched(bodies: Bodies) -> None:
    with page_beside(bodies) as page:
        until(lambda: len(page.context.board.serving()) == len(PARTIES))
        run_id = page.start()
        html = page.get(f"/runs/{run_id}/report-en.html")
        assert html.status_code == 200, html.text
        assert run_id in html.text
        assert "sandbox" in html.headers["content-security-policy"]
        pdf = page.get(f"/runs/{run_id}/report-nl.pdf")
        assert pdf.content.startswith(b"%PDF-")
        picture = page.get(f"/runs/{run_id}/picture/baselines-wide.svg")
        assert picture.headers["content-type"] == "image/svg+xml"
        assert page.get(f"/runs/{run_id}/picture/upset-wide.svg").status_code == 404


def test_a_run_that_cannot_be_is_told_with_a_hint(bodies: Bodies) -> None:
    with serving(bodies, PARTIES[:2]), page_beside(bodies) as page:
        until(lambda: len(page.context.board.serving()) == 2)
        assert "antwoorden nu niet" in page.get(f"/scenarios/{SCENARIO}").text
        response = page.post(f"/scenarios/{SCENARIO}/start", f"/scenarios/{SCENARIO}")
        until(lambda: "Wat u kunt doen" in page.get(response.url.path).text)


@pytest.mark.usefixtures("nodes")
def test_a_refusal_of_the_leader_is_told_with_its_rule(bodies: Bodies) -> None:
    (bodies.nodes[LEADER].folder / "policy.toml").write_text("")
    with page_beside(bodies) as page:
        response = page.ask()
        assert response.status_code == 409
        assert 'role="alert"' in response.text
        until(lambda: page.context.board.states()[LEADER] == "refused")
        assert "weigert de pagina" in page.get("/").text


def test_without_operators_the_page_only_looks(bodies: Bodies, nodes: dict[str, Node]) -> None:
    with page_beside(bodies, operators=False) as page:
        assert 'id="start-why-not"' in page.get(f"/scenarios/{SCENARIO}").text
        response = page.post(f"/scenarios/{SCENARIO}/start", "/attack")
        assert response.status_code == 403
        assert all(not node.context.store.records() for node in nodes.values())


def test_the_logs_of_the_page_hold_no_number_of_a_person(
    page: Page, bodies: Bodies, capfd: pytest.CaptureFixture[str]
) -> None:
    page.start()
    logged = capfd.readouterr().err
    assert not any(f"{number:09d}" in logged for number in bodies.rows[LEADER].tolist())
