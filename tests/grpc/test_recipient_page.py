"""The recipient's page over real nodes: who gets in, what is shown, what is written down, and what is nowhere."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import uvicorn
from httpx import Client, Response
from structlog.testing import capture_logs
from support.joint_nodes import (
    DATA_ONLY,
    LEADER,
    RECIPIENT,
    JointBodies,
    expected_result,
    make_joint_bodies,
    serving_jointly,
    wait_idle,
)

from psi_match.base.errors import ConfigError
from psi_match.base.randomness import SystemRandomness
from psi_match.domain.bsn import format_bsn
from psi_match.node.certificates import OPERATOR, Credentials, serial_of
from psi_match.node.local_nodes import free_ports
from psi_match.node.revocation import revoke
from psi_match.node.server import Node
from psi_match.page.login_token import make_token
from psi_match.page.recipient_config import read_recipient_config
from psi_match.page.recipient_results import ROWS_PER_PAGE, Rows
from psi_match.page.recipient_server import make_server
from psi_match.page.recipient_texts import words
from psi_match.page.recipient_view import view_of

ORIGIN = "http://localhost:8181"
_BSN = re.compile(r"(?<!\w)\d{9}(?!\w)")
"""Nine digits on their own: run ids and marks are hexadecimal and may hold nine digits in a row."""


@dataclass
class Served:
    """Nodes that serve, with a signal, a table and their run ids."""

    bodies: JointBodies
    nodes: dict[str, Node]
    runs: dict[str, str]
    open: ExitStack = field(default_factory=ExitStack)

    def config(self, party: str = RECIPIENT, extra: str = "", url: str = ORIGIN) -> Path:
        path = self.bodies.folder / f"page-{party}.toml"
        (port,) = free_ports(1)
        path.write_text(
            f'party = "{party}"\nlisten = "127.0.0.1:{port}"\npublic_url = "{url}"\n'
            f'node = "{self.bodies.nodes[party].address}"\nscenario_dir = "scenarios"\n{extra}\n'
            f'[keys]\ndirectory = "keys/{party}"\n'
        )
        return path

    def page(self, party: str = RECIPIENT, extra: str = "", url: str = ORIGIN) -> Client:
        return self.opened(self.config(party, extra, url))

    def opened(self, path: Path) -> Client:
        """Start a page; the client is one of a browser that was told its public address."""
        config = read_recipient_config(path)
        server = make_server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        client = Client(
            base_url=f"http://{config.listen}", headers={"host": config.host, "origin": config.public_url}, timeout=60
        )
        self.open.callback(_stop, server, thread, client)
        deadline = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return client

    def inside(self, party: str = RECIPIENT, extra: str = "") -> Client:
        page = self.page(party, extra)
        assert self.log_in(page, party).status_code == 303
        return page

    def log_in(self, page: Client, party: str = RECIPIENT, url: str = ORIGIN) -> Response:
        return page.post("/login", data={"token": self.token(party, url)})

    def token(self, party: str = RECIPIENT, url: str = ORIGIN) -> str:
        credentials = Credentials.read(self.bodies.nodes[party].keys, OPERATOR)
        now = datetime.datetime.now(datetime.UTC)
        return make_token(credentials, url, now, datetime.timedelta(minutes=1), SystemRandomness())

    def reads(self, party: str = RECIPIENT) -> int:
        """How often the node wrote down that a result was read."""
        folder = self.nodes[party].context.config.state_dir / "audit"
        lines = [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
        assert lines
        return sum("result-read" in json.dumps(line) for line in lines)

    @property
    def signalled(self) -> list[str]:
        return [str(bsn) for bsn in expected_result(self.bodies.people, "signaal")["bsn"]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    bodies = make_joint_bodies(tmp_path_factory.mktemp("bodies"))
    with serving_jointly(bodies) as nodes:
        runs = {name: str(bodies.run(name)["run_id"]) for name in ("signaal", "cijfers", "leden")}
        wait_idle(nodes)
        yield Served(bodies, nodes, runs)


def _stop(server: uvicorn.Server, thread: threading.Thread, client: Client) -> None:
    client.close()
    server.should_exit = True
    thread.join(60)
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _pages_end(served: Served) -> Iterator[None]:
    with served.open:
        yield


def shown_numbers(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return _BSN.findall(answer.text)


def fields(answer: Response) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))


def test_nobody_sees_anything_without_logging_in(served: Served) -> None:
    page, run = served.page(), served.runs["signaal"]
    before = served.reads()
    for path in ("/", f"/results/{run}", f"/results/{run}/rows", f"/results/{run}/notices"):
        assert (page.get(path).status_code, page.get(path).headers["location"]) == (303, "/login")
    for path in (f"/results/{run}/rows", f"/results/{run}/csv"):
        assert page.post(path, data={"show": "page"}).headers["location"] == "/login"
    page.cookies.set(f"psi-match-{RECIPIENT}-8181", "x" * 43)
    assert page.get("/").headers["location"] == "/login"
    assert served.reads() == before


def test_a_login_gives_a_cookie_that_scripts_and_other_sites_do_not_get(served: Served) -> None:
    page, text = served.page(), served.token()
    answer = page.post("/login", data={"token": text})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert re.match(rf"psi-match-{RECIPIENT}-8181=[A-Za-z0-9_-]{{43}}; HttpOnly; Path=/; SameSite=strict$", cookie)
    assert page.get("/").status_code == 200
    again = page.post("/login", data={"token": text})
    assert again.status_code == 403
    assert "Deze link is niet geldig" in again.text
    # The old secret is worth nothing after logging out, also for who kept a copy.
    kept = dict(page.cookies)
    assert page.post("/logout").headers["location"] == "/login?out=1"
    page.cookies.update(kept)
    assert page.get("/").status_code == 303


def test_over_tls_the_cookie_is_bound_to_the_host(served: Served) -> None:
    url = "https://signalen.example"
    answer = served.log_in(served.page(url=url), url=url)
    assert re.match(
        rf"__Host-psi-match-{RECIPIENT}=\S+; HttpOnly; Path=/; SameSite=strict; Secure$", answer.headers["set-cookie"]
    )
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_every_wrong_login_looks_the_same(served: Served) -> None:
    page = served.page()
    with capture_logs() as lines:
        wrong = [served.token(LEADER), served.token(url="http://localhost:9999"), "", "x" * 20, served.token()[:-4]]
        answers = [page.post("/login", data={"token": text}) for text in wrong]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.text for answer in answers}) == 1
    reasons = [line["reason"] for line in lines if line["event"] == "login refused"]
    assert reasons[:2] == ["for another party", "for another address"]
    assert not any(text and text in json.dumps(lines) for text in wrong)


def test_attempts_are_limited(served: Served) -> None:
    page = served.page()
    answers = [page.post("/login", data={"token": "x"}).status_code for _ in range(12)]
    assert answers == [403] * 10 + [429] * 2
    assert page.post("/login", data={"token": served.token()}).status_code == 429


def test_who_is_in_leaves_with_a_revoked_certificate(served: Served, tmp_path: Path) -> None:
    config = served.config(extra="")
    text = config.read_text() + f'revoked = "{tmp_path / "revoked.toml"}"\n'
    config.write_text(text)
    page = served.opened(config)
    served.log_in(page)
    assert page.get("/").status_code == 200
    certificate = Credentials.read(served.bodies.nodes[RECIPIENT].keys, OPERATOR).certificate
    revoke(tmp_path / "revoked.toml", serial_of(certificate), "laptop stolen", datetime.date(2026, 1, 1))
    assert page.get("/").status_code == 303
    assert served.log_in(page).status_code == 403


def test_only_people_in_the_config_get_in(served: Served) -> None:
    assert served.log_in(served.page(extra='people = ["somebody"]')).status_code == 403
    assert served.log_in(served.page(extra='people = ["somebody", "demo"]')).status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "localhost"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
    ],
)
def test_forms_of_other_sites_and_other_hosts_are_refused(served: Served, headers: dict[str, str], status: int) -> None:
    page = served.page()
    assert page.post("/login", data={"token": served.token()}, headers=headers).status_code == status


def test_a_form_without_origin_is_refused(served: Served) -> None:
    page = served.page()
    del page.headers["origin"]
    assert served.log_in(page).status_code == 403


def test_every_answer_is_fenced(served: Served) -> None:
    page = served.inside()
    run = served.runs["signaal"]
    paths = (
        "/",
        "/login",
        "/health",
        "/nothing",
        "/static/style.css",
        f"/results/{run}/rows",
        "/static/../recipient.py",
    )
    for answer in [page.get(path) for path in paths] + [page.put("/"), page.get("/", headers={"host": "evil"})]:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in paths[:2] + paths[5:6]:
        found = page.get(path).text
        assert not re.search(r"""(src|href|action)=["']?(https?:)?//""", found)
        assert not re.search(r"<script(?! src=)|\sstyle=|\son\w+=", found)


def test_what_is_too_large_or_no_form_is_refused(served: Served) -> None:
    page = served.page()
    assert page.post("/login", data={"token": "x" * 20_000}).status_code == 413
    pieces = (b"x" * 1000 for _ in range(20))
    assert page.post("/login", content=pieces).status_code == 413, "also when it does not say how much it sends"
    assert page.post("/login", content="&".join(f"a{n}=1" for n in range(50))).status_code == 400
    assert page.post("/login", content=b"token=\xff").status_code == 400


def test_the_list_shows_what_the_node_holds(served: Served) -> None:
    answer = served.inside().get("/")
    assert served.runs["signaal"] in answer.text
    assert served.runs["cijfers"] in answer.text
    assert served.runs["leden"] not in answer.text, "the leader's result, of which the recipient has nothing"
    until = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=7)
    assert str(until) in answer.text
    assert shown_numbers(answer) == []


def test_the_explanation_fetches_no_row(served: Served) -> None:
    page, before = served.inside(), served.reads()
    answer = page.get(f"/results/{served.runs['signaal']}")
    assert shown_numbers(answer) == []
    for text in ("Voordat u iets doet", "artikel 22 AVG", "Wat u niet weet", "Elke rij is één persoon"):
        assert text in answer.text
    english = page.get(f"/results/{served.runs['signaal']}?lang=en").text
    assert "Before you do anything" in english
    assert '<html lang="en">' in page.get("/").text, "the choice stays"
    assert served.reads() == before


def test_numbers_are_hidden_until_one_asks_for_one_row_or_a_page(served: Served) -> None:
    page, path = served.inside(), f"/results/{served.runs['signaal']}/rows"
    numbers = served.signalled
    assert len(numbers) > ROWS_PER_PAGE, "or paging is not tested"
    before = served.reads()
    hidden = page.get(path)
    assert shown_numbers(hidden) == []
    assert [found[-3:] for found in re.findall(r"••••••\d{3}", hidden.text)] == [
        n[-3:] for n in numbers[:ROWS_PER_PAGE]
    ]
    one = page.post(path, data=fields(hidden) | {"show": "3"})
    assert shown_numbers(one) == [numbers[2]]
    all_of_page = page.post(path, data=fields(hidden) | {"show": "page"})
    assert shown_numbers(all_of_page) == numbers[:ROWS_PER_PAGE]
    second = page.get(f"{path}?page=2")
    assert (
        shown_numbers(page.post(path, data=fields(second) | {"show": "page"}))
        == numbers[ROWS_PER_PAGE : 2 * ROWS_PER_PAGE]
    )
    assert shown_numbers(page.get(path)) == [], "nothing stays shown"
    assert served.reads() == before + 6, "each fetch is a line of the node's log"


@pytest.mark.parametrize("number", ["0", "-1", "x", "999999999", "1e9", "٣", "2147483648", ""])
def test_a_page_that_is_not_there_is_another_one(served: Served, number: str) -> None:
    answer = served.inside().get(f"/results/{served.runs['signaal']}/rows", params={"page": number})
    assert "••••••" in answer.text
    assert shown_numbers(answer) == []


def test_nothing_is_shown_of_a_result_that_is_not_the_one_that_was_seen(served: Served) -> None:
    page, path = served.inside(), f"/results/{served.runs['signaal']}/rows"
    mark = fields(page.get(path))["mark"]
    for wrong in ("", "0" * 32, fields(served.inside().get(path))["mark"]):
        answer = page.post(path, data={"page": "1", "mark": wrong, "show": "page"})
        assert shown_numbers(answer) == []
        assert "intussen veranderd" in answer.text
    assert shown_numbers(page.post(path, data={"page": "1", "mark": mark, "show": "1"}))


def test_the_file_has_all_rows_and_a_name_without_a_number(served: Served) -> None:
    answer = served.inside().post(f"/results/{served.runs['signaal']}/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = re.fullmatch(r'attachment; filename="(\S+)"', answer.headers["content-disposition"])
    assert name is not None
    assert re.fullmatch(r"signaal-\d{4}-\d\d-\d\d-[0-9a-f]{8}\.csv", name[1])
    table = pd.read_csv(io.BytesIO(answer.content), dtype={"bsn": str})
    pd.testing.assert_frame_equal(table, expected_result(served.bodies.people, "signaal"), check_dtype=False)


def test_a_table_shows_what_is_suppressed_and_has_no_notices(served: Served) -> None:
    page, run = served.inside(), served.runs["cijfers"]
    expected = expected_result(served.bodies.people, "cijfers")
    answer = page.get(f"/results/{run}/rows")
    assert answer.text.count(">onderdrukt<") == int(expected["suppressed"].sum())
    for count in expected["count"].dropna():
        assert f">{int(count)}<" in answer.text
    assert "Toon" not in answer.text
    assert page.get(f"/results/{run}/notices").status_code == 404
    rows = list(csv.reader(io.StringIO(page.post(f"/results/{run}/csv").text)))
    assert rows[0] == ["group", "count", "suppressed"]
    assert [row[1] for row in rows[1:]] == ["" if pd.isna(count) else str(int(count)) for count in expected["count"]]


def test_a_leader_sees_its_own_rows(served: Served) -> None:
    page = served.inside(LEADER)
    assert "Elke rij is één van uw eigen rijen" in page.get(f"/results/{served.runs['leden']}").text
    answer = page.post(f"/results/{served.runs['leden']}/csv")
    found = [row[0] for row in csv.reader(io.StringIO(answer.text))][1:]
    assert found == expected_result(served.bodies.people, "leden")["bsn"].tolist()


@pytest.mark.parametrize("run", ["0" * 32, "x", "%2e%2e%2fx", "0" * 31 + "A"])
def test_what_is_not_there_is_not_found(served: Served, run: str) -> None:
    page = served.inside()
    for path in (f"/results/{run}", f"/results/{run}/rows", f"/results/{served.runs['leden']}", "//evil.example/x"):
        answer = page.get(path)
        assert answer.status_code == 404
        assert "evil" not in answer.text
    assert page.post(f"/results/{run}/csv").status_code == 404


def test_a_node_that_is_gone_is_said_and_nothing_more(served: Served) -> None:
    config = served.config()
    config.write_text(config.read_text().replace(served.bodies.nodes[RECIPIENT].address, "127.0.0.1:1"))
    page = served.opened(config)
    served.log_in(page)
    answer = page.get("/")
    assert answer.status_code == 502
    assert "De eigen node antwoordt niet" in answer.text
    assert "127.0.0.1" not in answer.text


def test_a_defect_shows_its_kind_in_the_log_and_its_text_nowhere(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = served.inside()

    def broken(*_: object) -> object:
        raise ValueError("a row with 123456782")

    monkeypatch.setattr("psi_match.page.recipient.view_of", broken)
    with capture_logs() as lines:
        answer = page.get(f"/results/{served.runs['signaal']}/rows")
    assert answer.status_code == 500
    assert "123456782" not in answer.text + json.dumps(lines)
    assert {"event": "a defect of psi-match", "error": "ValueError", "log_level": "error"} in lines


def test_no_number_is_in_the_logs_whatever_is_looked_at(served: Served) -> None:
    run = served.runs["signaal"]
    with capture_logs() as lines:
        page = served.inside()
        seen = page.get(f"/results/{run}/rows")
        page.post(f"/results/{run}/rows", data=fields(seen) | {"show": "page"})
        page.post(f"/results/{run}/csv")
        page.get(f"/results/{run}/notices")
    text = json.dumps(lines, default=str)
    assert not any(number in text for number in served.bodies.people.everyone)
    fetched = [line["what"] for line in lines if line["event"] == "result fetched"]
    assert fetched == ["rows", f"rows, {ROWS_PER_PAGE} BSNs shown", "csv", "notices"]


def _rows(**columns: object) -> Rows:
    return Rows(pa.table(columns), "mark")


def test_a_file_holds_nothing_that_a_spreadsheet_takes_for_a_formula() -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", 'a"b', "a,b", "a\nb", "plain", ""]
    content = _rows(**{"=name": texts, "amount": [-5] * len(texts), "yes": [True] * len(texts)}).as_csv()
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert rows[0] == ["'=name", "amount", "yes"]
    assert [row[0] for row in rows[1:]] == [f"'{text}" if text in texts[:7] else text for text in texts]
    assert {(row[1], row[2]) for row in rows[1:]} == {("-5", "true")}, "numbers stay numbers"


def test_an_empty_result_is_a_page_and_a_file() -> None:
    empty = _rows(bsn=pa.array([], pa.string()), high=pa.array([], pa.bool_()))
    view = view_of(empty, "rows", 7, words("nl"), {})
    assert (view.rows, view.page, view.pages, view.count, view.headers) == ([], 1, 1, 0, ["BSN", "high"])
    assert empty.as_csv() == b'"bsn","high"\r\n'


def test_a_column_of_a_scenario_is_not_taken_for_a_notice() -> None:
    rows = _rows(bsn=["123456782"], notice_=["correct:cak correct:cjib"], note=["correct:cak"], amount=[-1234567])
    (_, cells) = view_of(rows, "rows", 1, words("en"), {}).rows[0]
    assert [cell.text for cell in cells] == [
        "782",
        "First check anew at CAK, CJIB",
        "correct:cak",
        "-1\u202f234\u202f567",
    ]
    assert cells[0].dots == "••••••"


def test_a_config_of_another_party_or_without_tls_is_refused(served: Served) -> None:
    path = served.config()
    path.write_text(path.read_text().replace(f'party = "{RECIPIENT}"', f'party = "{LEADER}"'))
    with pytest.raises(ConfigError, match=f"is one of {RECIPIENT}, not of {LEADER}"):
        read_recipient_config(path)
    for url in ("http://signalen.example", "signalen.example", "ftp://localhost"):
        with pytest.raises(ConfigError, match="public_url is not usable"):
            read_recipient_config(served.config(url=url))


def test_notices_leave_the_rows_at_once_and_are_shown(served: Served) -> None:
    """Last: it changes the result."""
    run, numbers = served.runs["signaal"], served.signalled
    own = set(format_bsn(np.asarray(served.bodies.people.rows[DATA_ONLY]["bsn"], dtype=np.uint32)).tolist())
    gone, doubtful = [number for number in numbers if number in own][:2]
    page, path = served.inside(), f"/results/{run}/rows"
    seen = page.get(path)
    with served.bodies.operator(DATA_ONLY) as operator:
        told = operator.notify(run, "withdraw", "objection", [gone])
        assert [each.party for each in told.recipients] == [RECIPIENT]
        operator.notify(run, "correct", "correction", [doubtful])
    wait_idle(served.nodes)
    changed = page.post(path, data=fields(seen) | {"show": "page"})
    assert shown_numbers(changed) == [], "it is not the result that was seen"
    assert "1 rij is na een melding uit de uitkomst gehaald" in changed.text
    rows = page.post(path, data=fields(changed) | {"show": "page"})
    assert gone not in rows.text
    assert "Eerst opnieuw nagaan bij Dienst Toeslagen" in rows.text + page.get(f"{path}?page=2").text
    file = page.post(f"/results/{run}/csv").text
    assert gone not in file
    assert [line for line in file.splitlines() if "correct:" in line] == [
        line for line in file.splitlines() if doubtful in line
    ]
    notices = page.get(f"/results/{run}/notices")
    assert shown_numbers(notices) == []
    assert "niet meer gebruiken" in notices.text
    assert "objection" not in notices.text
    shown = page.post(f"/results/{run}/notices", data=fields(notices) | {"show": "page"})
    assert sorted(shown_numbers(shown)) == sorted([gone, doubtful])
