"""The page as an application without nodes: its config, its fence, forms, languages, and the live attack."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from psi_match.base.errors import (
    ConfigError,
    InternalError,
    PeerAborted,
    PolicyRefusal,
    PsiMatchError,
    TransportError,
    UsageError,
)
from psi_match.node.certificates import OBSERVER, OPERATOR, Authority, write_key_folder
from psi_match.page import attack_worker
from psi_match.page.app import create_app, make_context
from psi_match.page.attacking import SPACE, Attacking
from psi_match.page.config import PageConfig, read_page_config
from psi_match.page.context import PageContext
from psi_match.page.fence import cookie_name
from psi_match.page.rendering import HERE
from psi_match.page.starting import Starter
from psi_match.page.telling import Telling, has_path
from psi_match.page.texts import words
from psi_match.scenario.catalogue import Catalogue
from psi_match.wire.v1 import operator_pb2 as pb

URL = "http://127.0.0.1:8080"
SCENARIO = "betalingsregeling-rijk-paren"
PATHS = ["/", "/scenarios", f"/scenarios/{SCENARIO}", "/runs", "/attack"]
CONFIG = """\
listen = "127.0.0.1:8080"
public_url = "http://127.0.0.1:8080"
{extra}

[[nodes]]
party = "cjib"
address = "127.0.0.1:1"
keys = "keys/cjib"
"""


class Client:
    """A browser without a network: keeps cookies. The application's lifespan is not run, so no node is watched."""

    def __init__(self, app: Any) -> None:
        self._transport = httpx.ASGITransport(app)
        self._cookies = httpx.Cookies()

    def request(self, method: str, path: str, follow_redirects: bool = True, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url=URL, cookies=self._cookies, follow_redirects=follow_redirects
            ) as client:
                response = await client.request(method, path, **options)
                self._cookies = client.cookies
                return response

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def put(self, path: str) -> httpx.Response:
        return self.request("PUT", path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    import datetime

    authority = Authority.create(datetime.datetime.now(datetime.UTC))
    for party in ("cjib", "toeslagen"):
        folder = tmp_path / "keys" / party
        write_key_folder(folder, authority, party, (OBSERVER, OPERATOR), datetime.datetime.now(datetime.UTC))

    def write(extra: str = "", text: str = CONFIG) -> Path:
        path = tmp_path / "page.toml"
        path.write_text(text.format(extra=extra))
        return path

    return write


@pytest.fixture
def context(write: Callable[..., Path]) -> PageContext:
    return make_context(read_page_config(write()))


@pytest.fixture
def client(context: PageContext) -> Client:
    return Client(create_app(context))


# ----------------------------------------------------------------------------------------------------------------------
# Config


def test_paths_of_the_config_count_from_its_folder(write: Callable[..., Path], tmp_path: Path) -> None:
    config = read_page_config(write('operators = "keys"\nallowed_hosts = ["LOCALHOST:8080"]'))
    assert config.nodes[0].keys == tmp_path / "keys" / "cjib"
    assert config.operator_keys("cjib") == tmp_path / "keys" / "cjib"
    assert config.operator_keys("toeslagen") is None, "a node that is not watched is not started"
    assert config.hosts == {"127.0.0.1:8080", "localhost:8080"}


def test_in_a_container_a_page_that_starts_runs_may_listen_anywhere(write: Callable[..., Path]) -> None:
    text = CONFIG.replace('listen = "127.0.0.1', 'listen = "0.0.0.0')
    hosts = 'allowed_hosts = ["localhost:8080", "[::1]:8080", "localhost"]'
    assert read_page_config(write(f'operators = "keys"\n{hosts}', text)).operators


def test_without_operators_nothing_can_be_started(write: Callable[..., Path]) -> None:
    assert read_page_config(write()).operator_keys("cjib") is None


@pytest.mark.parametrize(
    ("extra", "text", "said"),
    [
        ("", CONFIG.replace("keys/cjib", "keys/toeslagen"), "Dienst Toeslagen"),
        ("", CONFIG.replace("keys/cjib", "keys/nobody"), "nobody"),
        ("", CONFIG + '\n[[nodes]]\nparty = "cjib"\naddress = "h:1"\nkeys = "keys/cjib"\n', "twice"),
        ("", CONFIG.replace("http://127.0.0.1:8080", "http://example.org"), "public_url"),
        ('agreements = "nowhere"', CONFIG, "agreements"),
        ('recipient_urls = { cjib = "ftp://x" }', CONFIG, "recipient_urls"),
        ('operators = "keys"\nallowed_hosts = ["page.example:8080"]', CONFIG, "page.example:8080"),
        ('operators = "keys"', CONFIG.replace("http://127.0.0.1:8080", "https://localhost.example"), "whoever opens"),
        ("operator = 1", CONFIG, "not a known key"),
        ("", CONFIG.split("[[nodes]]", maxsplit=1)[0], "nodes"),
    ],
)
def test_a_wrong_config_is_refused(write: Callable[..., Path], extra: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_page_config(write(extra, text))


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', "no json"])
def test_a_wrong_evaluation_is_refused(write: Callable[..., Path], tmp_path: Path, content: str) -> None:
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(ConfigError, match="evaluation"):
        make_context(read_page_config(write('evaluation = "evaluation.json"')))


def test_the_documented_example_is_a_config() -> None:
    text = (Path(__file__).parents[2] / "docs" / "page.md").read_text()
    import tomllib

    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert examples
    config = PageConfig.model_validate(tomllib.loads(examples[0]))
    for name in PageConfig.model_fields:
        assert f"`{name}`" in text or name in examples[0], name
    assert config.nodes


# ----------------------------------------------------------------------------------------------------------------------
# Pages


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("evaluated", [True, False])
def test_every_page_says_whether_people_are_made_up_and_claims_no_anonymity(
    write: Callable[..., Path], tmp_path: Path, path: str, evaluated: bool
) -> None:
    (tmp_path / "evaluation.json").write_text('{"format": 1, "population": {}, "scenarios": {}}')
    extra = 'evaluation = "evaluation.json"' if evaluated else ""
    client = Client(create_app(make_context(read_page_config(write(extra)))))
    for language, made_up, unknown, minimal in (
        ("nl", "Alle mensen op deze pagina zijn verzonnen", "weet deze pagina niet", "geen anonimiteit"),
        ("en", "All people on this page are made up", "this page does not know", "not anonymity"),
    ):
        text = client.get(path, params={"lang": language}).text
        assert f'<html lang="{language}">' in text
        note = text[text.index('id="synthetic-note"') : text.index("</aside>")]
        assert (made_up in note) == evaluated
        assert (unknown in note) != evaluated
        assert minimal in text


@pytest.mark.parametrize("path", PATHS)
def test_no_page_holds_inline_script_style_or_another_host(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    scripts = re.findall(r"<script([^>]*)>", response.text)
    assert all('src="/static/' in tag or 'type="application/json"' in tag for tag in scripts)
    assert not re.search(r"\sstyle=|<style|\son\w+=", response.text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', response.text)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-frame-options"] == "DENY"


def test_the_static_files_ask_no_other_host() -> None:
    for path in (HERE / "static").iterdir():
        text = path.read_text()
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), path.name
        assert "@import" not in text


@pytest.mark.parametrize("name", Catalogue().names())
@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_scenario_shows_who_learns_what_before_anyone_starts_it(client: Client, name: str, language: str) -> None:
    scenario = Catalogue().get(name)
    response = client.get(f"/scenarios/{name}", params={"lang": language})
    assert response.status_code == 200
    text = response.text
    from html import unescape

    shown = unescape(text)
    for part in (scenario.title, scenario.purpose, scenario.assumptions):
        assert part.in_language(language) in shown
    assert shown.count('<th scope="row">') >= len(scenario.parties)
    assert 'id="start-why-not"' in text
    assert 'id="start"' not in text


def test_the_language_switch_keeps_the_place(client: Client) -> None:
    page = client.get(f"/scenarios/{SCENARIO}").text
    found = re.search(r'id="language-switch" href="([^"]+)"', page)
    assert found
    after = client.get(found[1].replace("&amp;", "&"))
    assert after.url.path == f"/scenarios/{SCENARIO}"
    assert '<html lang="en">' in after.text
    assert '<html lang="en">' in client.get("/").text, "it is remembered"


@pytest.mark.parametrize(
    "at", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\r\nset-cookie: x"]
)
def test_the_language_switch_leads_nowhere_else(client: Client, at: str) -> None:
    response = client.get("/language", params={"to": "en", "at": at}, follow_redirects=False)
    assert response.headers["location"] == "/"


@pytest.mark.parametrize(
    "path", ["/none", "/scenarios/none", "/runs/none", "/runs/" + "0" * 32, "/runs/x/report-nl.pdf"]
)
def test_what_is_not_there_is_a_page_with_a_hint(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert 'role="alert"' in response.text
    assert "Wat u kunt doen" in response.text


# ----------------------------------------------------------------------------------------------------------------------
# The fence


def test_only_known_hosts_are_answered(client: Client) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/healthz", headers={"host": "127.0.0.1"}).text == "ok\n"


def form_token(client: Client, path: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', client.get(path).text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ({}, True, 403),
        ({"origin": "https://evil.example"}, True, 403),
        ({"origin": URL, "sec-fetch-site": "cross-site"}, True, 403),
        ({"origin": "null"}, True, 403),
        ({"origin": URL}, False, 403),
        ({"origin": URL}, True, 303),
    ],
)
def test_only_own_forms_are_taken(client: Client, headers: dict[str, str], token: bool, status: int) -> None:
    data = {"token": form_token(client, "/attack") if token else "0" * 64}
    response = client.post("/attack/cancel", data=data, headers=headers, follow_redirects=False)
    assert response.status_code == status


def test_a_token_of_another_browser_does_not_fit(context: PageContext) -> None:
    app = create_app(context)
    one, other = Client(app), Client(app)
    token = form_token(one, "/attack")
    form_token(other, "/attack")
    response = other.post("/attack/cancel", data={"token": token}, headers={"origin": URL}, follow_redirects=False)
    assert response.status_code == 403


def test_cookies_stay_with_this_site(client: Client) -> None:
    cookie = client.get("/attack").headers["set-cookie"].lower()
    assert "samesite=strict" in cookie
    assert "httponly" in cookie


def test_a_cookie_is_of_this_page_alone(write: Callable[..., Path]) -> None:
    cookie = Client(create_app(make_context(read_page_config(write())))).get("/attack").headers["set-cookie"]
    assert cookie.startswith("psi-match-form-8080="), "ports do not keep cookies apart"
    assert cookie_name("psi-match-form", "https://page.example") == "__Host-psi-match-form"
    assert cookie_name("a", "https://page.example:8443") == "__Host-a-8443"
    assert cookie_name("a", "http://[::1]") == "a"


def test_a_form_with_too_many_fields_is_none(client: Client) -> None:
    data = {f"field{number}": "1" for number in range(9)} | {"token": form_token(client, "/attack")}
    response = client.post("/attack/cancel", data=data, headers={"origin": URL})
    assert response.status_code == 400
    assert 'role="alert"' in response.text


def test_large_bodies_are_refused(client: Client) -> None:
    large = client.post("/attack/cancel", content=b"x" * 9000, headers={"origin": URL})
    assert large.status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000

    assert client.post("/attack/cancel", content=pieces(), headers={"origin": URL}).status_code == 413


def test_methods_that_nothing_needs_are_refused(client: Client) -> None:
    assert client.put("/").status_code == 405
    assert client.get("/docs").status_code == 404
    assert client.get("/openapi.json").status_code == 404


def test_a_page_without_operators_starts_nothing(client: Client) -> None:
    data = {"token": form_token(client, "/attack")}
    response = client.post(f"/scenarios/{SCENARIO}/start", data=data, headers={"origin": URL})
    assert response.status_code == 403
    assert "psi-match run" in response.text


def test_browsers_beyond_the_limit_are_refused(context: PageContext, client: Client) -> None:
    context.streams.close()
    assert client.get("/events").status_code == 503


# ----------------------------------------------------------------------------------------------------------------------
# What visitors are told


@pytest.mark.parametrize(
    "text",
    ["Cannot read /keys/cjib/operator.pem.", "See 'keys/cjib.pem'.", "See ~/keys.", "In ./state now.", r"C:\keys"],
)
def test_a_path_is_never_told(text: str) -> None:
    assert has_path(text)
    for detailed in (True, False):
        told = Telling(detailed).of(ConfigError(text, "Hint."), words("nl"))
        assert text not in (told.sentence, told.hint)


@pytest.mark.parametrize(
    "text",
    [
        "Rule snapshot-runs: 4 of 4 runs led by cjib on this snapshot of the data are used up.",
        "No agreement and/or policy.",
        "127.0.0.1:50051 does not answer (peer cjib, step join/toeslagen). Later perhaps.",
        "See https://example.org/page.",
    ],
)
def test_what_is_no_path_is_told_to_who_runs_the_demonstration(text: str) -> None:
    error = PolicyRefusal(text, "Hint.")
    assert not has_path(text)
    assert Telling(True).of(error, words("nl")) is error
    assert Telling(True).of_record(text, words("nl")) == text
    general = Telling(False).of(error, words("nl"))
    assert isinstance(general, PolicyRefusal)
    assert text not in general.sentence
    assert text not in Telling(False).of_record(text, words("nl"))


@pytest.mark.parametrize(
    "error",
    [
        PolicyRefusal("r-17", peer="cjib"),
        TransportError("r-17", peer="cjib"),
        PeerAborted("r-17", peer="cjib"),
        UsageError("r-17"),
        InternalError("r-17"),
    ],
)
def test_everybody_is_told_which_node_it_is_about(error: PsiMatchError) -> None:
    told = Telling(False).of(error, words("en"))
    assert "r-17" not in told.sentence
    assert told.sentence
    assert told.hint
    assert not error.peer or "CJIB" in told.sentence


# ----------------------------------------------------------------------------------------------------------------------
# Starting, and the list of runs


def test_a_thread_that_cannot_start_does_not_block_the_next(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    starter = Starter(read_page_config(write('operators = "keys"')))
    scenario = Catalogue().get(SCENARIO)

    def none(_thread: threading.Thread) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none)
        with pytest.raises(InternalError):
            starter.start(scenario)
    start = starter.start(scenario)
    until(lambda: start.ended)
    assert isinstance(start.error, TransportError), "nobody listens at port 1"


def test_a_run_without_a_time_is_listed(context: PageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    run = pb.RunStatus(run_id="0" * 32, scenario=SCENARIO, state="failed", record_json='{"started": "", "wall_s": 0}')
    monkeypatch.setattr(context.archive, "_ask", lambda _question: {"cjib": [run]})
    assert [found.started for found in context.archive.runs()[0]] == [""]


# ----------------------------------------------------------------------------------------------------------------------
# The attack


def until(found: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["hashed", "filter"])
def test_an_attack_recovers_all_and_tells_only_counts(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    # A thousandth of the space, and numbers drawn from it, so that the test is short; the searching is the real one.
    import numpy as np

    from psi_match.attack.candidates import candidates
    from psi_match.attack.space import Space

    inside = np.concatenate(list(candidates(Space.SYNTHETIC, range(10))))
    monkeypatch.setattr(attack_worker, "GROUPS", 10)
    monkeypatch.setattr(attack_worker, "draw_exhibit", lambda _space, n, rng: rng.permutation(inside)[:n])
    told: list[dict[str, Any]] = []
    attack_worker.attack(kind, 500, told.append)
    assert told[0] == {"state": "loading"}
    assert told[-1]["state"] == "done"
    assert (told[-1]["recovered"], told[-1]["count"]) == (500, 500)
    assert {key for line in told for key in line} <= {
        *("state", "done", "total", "seconds", "recovered", "count", "extra")
    }


def test_the_space_is_as_large_as_the_page_says() -> None:
    from psi_match.attack.candidates import candidates
    from psi_match.attack.space import Space

    synthetic: list[int] = []
    next(candidates(Space.SYNTHETIC, progress=lambda _done, total: synthetic.append(total)))
    real: list[int] = []
    next(candidates(Space.REAL, progress=lambda _done, total: real.append(total)))
    assert (synthetic[0], real[0]) == (SPACE, SPACE + 1)


def test_one_attack_at_a_time_which_can_be_stopped() -> None:
    attacking = Attacking(60.0, count=1000)
    attacking.start("hashed")
    with pytest.raises(PolicyRefusal):
        attacking.start("filter")
    process = attacking._process
    assert process is not None
    attacking.cancel()
    assert attacking.state()["state"] == "cancelled"
    assert process.poll() is not None, "no process is left behind"
    attacking.start("filter")
    assert attacking.is_running
    attacking.cancel()


def test_between_attacks_there_is_a_pause() -> None:
    attacking = Attacking(60.0, count=1000, pause_s=0.6)
    attacking.start("hashed")
    attacking.cancel()
    with pytest.raises(PolicyRefusal):
        attacking.start("hashed")
    assert attacking.state()["paused"], "the page keeps its buttons disabled meanwhile"
    until(lambda: not attacking.state()["paused"])
    attacking.start("hashed")
    attacking.cancel()


def test_the_attack_can_be_switched_off(write: Callable[..., Path]) -> None:
    context = make_context(read_page_config(write("attack = false")))
    client = Client(create_app(context))
    text = client.get("/attack").text
    assert 'id="attack-off"' in text
    assert text.count(" disabled") == 2
    response = client.post("/attack/hashed", data={"token": form_token(client, "/attack")}, headers={"origin": URL})
    assert response.status_code == 403
    assert not context.attacking.is_running


def test_an_attack_that_takes_too_long_is_stopped() -> None:
    attacking = Attacking(0.2, count=1000)
    attacking.start("hashed")
    until(lambda: attacking.state()["state"] == "timeout")
    process = attacking._process
    assert process is not None
    until(lambda: process.poll() is not None)


def test_an_attack_that_dies_is_told(client: Client, context: PageContext) -> None:
    data = {"token": form_token(client, "/attack")}
    response = client.post("/attack/hashed", data=data, headers={"origin": URL})
    assert response.status_code == 200
    assert "attack-cancel" in response.text
    process = context.attacking._process
    assert process is not None
    process.kill()
    until(lambda: context.attacking.state()["state"] == "failed")
    assert "mislukt" in client.get("/attack").text
