"""The recipient's page in a real browser: the way in, by keyboard alone, at two widths, and what axe-core finds."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from support.joint_nodes import (
    LEADER,
    RECIPIENT,
    JointBodies,
    expected_result,
    make_joint_bodies,
    serving_jointly,
    wait_idle,
)

from psi_match.node.local_nodes import free_ports
from psi_match.page.recipient_config import read_recipient_config
from psi_match.page.recipient_server import make_server

pytestmark = pytest.mark.browser
_CHROMIUM = os.environ.get("PSI_MATCH_CHROMIUM", "/usr/bin/chromium")
_WIDTHS = (1280, 390)


@dataclass
class Site:
    """A page that serves, and the runs whose results it shows."""

    bodies: JointBodies
    url: str
    runs: dict[str, str]

    def link(self, party: str = RECIPIENT) -> str:
        """Make a login link as a person would."""
        command = [sys.executable, "-m", "psi_match", "page", "login", "--keys", str(self.bodies.nodes[party].keys)]
        done = subprocess.run([*command, "--url", self.url], capture_output=True, text=True, check=True)
        return done.stdout.strip()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    bodies = make_joint_bodies(tmp_path_factory.mktemp("bodies"))
    (port,) = free_ports(1)
    url = f"http://localhost:{port}"
    path = bodies.folder / "page.toml"
    path.write_text(
        f'party = "{RECIPIENT}"\nlisten = "127.0.0.1:{port}"\npublic_url = "{url}"\nsynthetic = true\n'
        f'node = "{bodies.nodes[RECIPIENT].address}"\nscenario_dir = "scenarios"\n\n'
        f'[keys]\ndirectory = "keys/{RECIPIENT}"\n'
    )
    with serving_jointly(bodies) as nodes:
        runs = {name: str(bodies.run(name)["run_id"]) for name in ("signaal", "cijfers")}
        wait_idle(nodes)
        server = make_server(read_recipient_config(path))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield Site(bodies, url, runs)
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert Path(_CHROMIUM).exists(), f"no Chromium at {_CHROMIUM}: set PSI_MATCH_CHROMIUM"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": _WIDTHS[0], "height": 900}, locale="nl-NL")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    expected = "the server responded with a status of 403"
    assert [text for text in complaints if expected not in text] == [], "also what the content policy stopped"


def log_in(page: Page, site: Site) -> None:
    page.goto(site.link())
    page.wait_for_url(f"{site.url}/")


def test_a_link_works_once_and_leaves_neither_address_nor_history(page: Page, site: Site) -> None:
    link = site.link()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer', '')}"))
    page.goto(link)
    page.wait_for_url(f"{site.url}/")
    token = link.split("#login=")[1]
    # Playwright tells the fragment of the first navigation; what a server gets ends at "#".
    assert not any(token in line.split("#")[0] or token in line.split(" ")[1] for line in asked)
    assert page.locator("h1").inner_text() == "Ontvangen uitkomsten"
    page.go_back()
    assert token not in page.url
    page.goto("about:blank")
    page.goto(link)
    page.get_by_role("alert").wait_for()
    assert "Deze link is niet geldig" in page.get_by_role("alert").inner_text()
    assert page.url == f"{site.url}/login"
    assert token not in page.content()


def test_a_link_works_where_the_login_page_is_open_already(page: Page, site: Site) -> None:
    page.goto(site.url)
    assert page.url == f"{site.url}/login"
    log_in(page, site)


def test_without_a_script_the_code_can_be_pasted(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/login")
    page.get_by_label("Code").fill(site.link().split("#login=")[1])
    page.get_by_role("button", name="Inloggen").click()
    page.wait_for_url(f"{site.url}/")
    context.close()


def test_the_cookie_is_out_of_reach_of_scripts(page: Page, site: Site) -> None:
    log_in(page, site)
    assert page.evaluate("document.cookie") == ""
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Strict", -1)
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_rows_are_reached_and_shown_by_keyboard_alone(page: Page, site: Site) -> None:
    log_in(page, site)
    numbers = expected_result(site.bodies.people, "signaal")["bsn"].tolist()
    press_until(page, "a", site.runs["signaal"])
    press_until(page, "a", "/rows")
    assert not any(number in page.content() for number in numbers)
    press_until(page, "button", "Toon het BSN van rij 2")
    assert [number for number in numbers if number in page.content()] == [numbers[1]]
    press_until(page, "a", "?page=1")
    assert not any(number in page.content() for number in numbers)
    press_until(page, "button", "Uitloggen")
    page.wait_for_url(f"{site.url}/login?out=1")
    page.go_back()
    assert page.url.startswith(f"{site.url}/login"), "nothing is kept for going back"


def press_until(page: Page, tag: str, what: str) -> None:
    """Press Tab until something has the focus, and Enter."""
    script = (
        "([tag, what]) => { const e = document.activeElement; return e.localName === tag &&"
        " [e.getAttribute('href'), e.getAttribute('aria-label'), e.textContent].some(t => t && t.includes(what)); }"
    )
    for _ in range(100):
        page.keyboard.press("Tab")
        if page.evaluate(script, [tag, what]):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", "one sees where one is"
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    pytest.fail(f"{what} is not reached by keyboard")


@pytest.mark.parametrize("width", _WIDTHS)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_axe_finds_nothing_and_nothing_is_cut_off(page: Page, site: Site, width: int, language: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{site.url}/login?lang={language}")
    check(page)
    log_in(page, site)
    signal, table = (f"{site.url}/results/{site.runs[name]}" for name in ("signaal", "cijfers"))
    for address in (site.url, signal, f"{signal}/rows", f"{signal}/notices", table, f"{table}/rows"):
        page.goto(address)
        assert page.locator("html").get_attribute("lang") == language
        if page.locator("summary").count():
            page.locator("summary").click()
        check(page)


def check(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing makes the page scroll sideways"


def test_a_download_has_the_rows_and_a_name_without_a_number(page: Page, site: Site) -> None:
    log_in(page, site)
    page.goto(f"{site.url}/results/{site.runs['signaal']}/rows")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download als CSV").click()
    name = started.value.suggested_filename
    assert name.startswith("signaal-")
    content = Path(started.value.path()).read_text()
    numbers = expected_result(site.bodies.people, "signaal")["bsn"].tolist()
    assert all(f'"{number}"' in content for number in numbers)
    assert not any(number in name for number in numbers)


def test_another_partys_operator_gets_no_further_than_the_login(page: Page, site: Site) -> None:
    page.goto(site.link(LEADER))
    page.get_by_role("alert").wait_for()
    page.goto(site.url)
    assert page.url == f"{site.url}/login"
