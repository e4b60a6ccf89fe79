"""The main page in a real browser, beside real nodes that `psi-match page demo` started: by keyboard, at two widths.

No step sleeps and hopes: each waits for what a person would wait for.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

pytestmark = pytest.mark.browser
_CHROMIUM = os.environ.get("PSI_MATCH_CHROMIUM", "/usr/bin/chromium")
_WIDTHS = (1280, 390)
_SCENARIO = "betalingsregeling-rijk-paren"
_START_WAIT_S = 240
_RUN_WAIT_MS = 60_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Start the demo as a user does; give its address and folder; stop it as a service manager does."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    command = [sys.executable, "-m", "psi_match", "page", "demo", "--persons", "5000", "--port", "0"]
    log = folder.parent / "demo.log"
    with log.open("w") as errors:
        process = subprocess.Popen([*command, "--out", str(folder)], stdout=subprocess.PIPE, stderr=errors, text=True)
    watchdog = threading.Timer(_START_WAIT_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        found = next((m for line in lines if (m := re.search(r"Open (http://\S+?)/?$", line.strip()))), None)
        assert found, log.read_text()[-2000:]
        watchdog.cancel()
        yield found[1], folder
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        process.stdout.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert Path(_CHROMIUM).exists(), f"no Chromium at {_CHROMIUM}: set PSI_MATCH_CHROMIUM"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(params=_WIDTHS)
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(viewport={"width": request.param, "height": 900})
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    found = context.new_page()
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            problems.append(message.text)

    found.on("console", note)
    found.on("pageerror", lambda error: problems.append(str(error)))
    yield found
    assert not problems


def check(page: Page) -> None:
    """What axe-core finds, and no scrolling sideways."""
    # Its script is put in by the debugger, which the page's own policy does not forbid.
    found = Axe().run(page).response["violations"]
    serious = [problem for problem in found if problem["impact"] in {"serious", "critical", "moderate"}]
    assert not serious, [(problem["id"], problem["nodes"][0]["target"]) for problem in serious]
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]


def press_until_focused(page: Page, selector: str, most: int = 60) -> None:
    """Go with the tab key until an element has the focus, and see that the focus can be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def test_from_home_to_a_result_by_keyboard(demo: tuple[str, Path], page: Page, context: BrowserContext) -> None:
    url, _ = demo
    page.goto(url)
    expect(page.locator("#synthetic-note")).to_contain_text("verzonnen")
    expect(page.locator('.node[data-state="serving"]')).to_have_count(10, timeout=20_000)
    check(page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    press_until_focused(page, 'main a[href="/scenarios"]')
    page.keyboard.press("Enter")
    expect(page.locator("#scenario-list h2")).to_have_count(8)
    check(page)
    press_until_focused(page, f'a[href="/scenarios/{_SCENARIO}"]')
    page.keyboard.press("Enter")
    expect(page.locator("#who-learns-what tbody tr")).to_have_count(3)
    expect(page.locator("#start-who")).to_contain_text("certificaat van een operator van CJIB")
    check(page)
    watching = context.new_page()
    watching.goto(url)
    press_until_focused(page, "#start")
    page.keyboard.press("Enter")
    # Someone else sees the arrows, their step in words and their bytes, and what a receiver can read.
    expect(watching.locator(".arrow").first).to_be_attached(timeout=_RUN_WAIT_MS)
    expect(watching.locator(".label")).to_contain_text(re.compile(r"→.*\d+(,\d)? k?B"))
    expect(watching.locator("#traffic tbody tr")).not_to_have_count(1, timeout=10_000)
    expect(watching.locator('#sees li[data-party="cjib"]')).not_to_contain_text("Nog niets ontvangen", timeout=30_000)
    expect(page.locator("#result-table")).to_be_visible(timeout=_RUN_WAIT_MS)
    expect(page.locator("#compared tbody tr")).to_have_count(3)
    expect(page.locator("#compared")).not_to_contain_text("✗")
    expect(page.locator("#compared")).to_contain_text("✓ aantal gelijk")
    expect(page.locator("#result-table")).to_contain_text("over geen mens iets")
    expect(page.locator("#ways-table tbody tr").last).to_contain_text("psi-match")
    for picture in page.locator(".picture img").all():
        expect(picture).to_have_attribute("alt", re.compile(r".{40,}"))
        expect(picture).to_have_js_property("complete", value=True, timeout=_RUN_WAIT_MS)
        assert picture.evaluate("image => image.naturalWidth > 100")
    check(page)

    press_until_focused(page, "#scrub-at")
    page.keyboard.press("End")
    last = page.locator("#scrub-at").get_attribute("aria-valuetext")
    page.keyboard.press("Home")
    expect(page.locator("#scrub-text")).to_have_text("Begin van de run.")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#scrub-at")).to_have_attribute("aria-valuetext", re.compile(r"^Stap 3 van \d+.*→.* B"))
    assert last != page.locator("#scrub-at").get_attribute("aria-valuetext")
    expect(page.locator("#traffic tbody tr")).not_to_have_count(0)
    # The other language opens at the same moment, and a reload keeps it.
    page.locator("#language-switch").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#scrub-at")).to_have_attribute("aria-valuetext", re.compile(r"^Step 3 of"))
    page.reload()
    expect(page.locator("#scrub-at")).to_have_value("3")
    page.locator("#scrub-play").click()
    expect(page.locator("#scrub-play")).to_have_text("Pause")
    expect(page.locator("#scrub-at")).not_to_have_value("3")
    with page.expect_download() as download:
        page.locator('#reports a[href$="report-en.pdf"]').click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")


def test_the_attack_recovers_all_numbers_before_your_eyes(demo: tuple[str, Path], page: Page) -> None:
    page.goto(f"{demo[0]}/attack")
    # After the attack of somebody else there is a pause.
    expect(page.locator("#attack-hashed .attack-start")).to_be_enabled(timeout=30_000)
    check(page)
    press_until_focused(page, "#attack-hashed .attack-start")
    page.keyboard.press("Enter")
    expect(page.locator("#attack-hashed .attack-figures")).to_contain_text("nummers geprobeerd", timeout=30_000)
    expect(page.locator("#attack-filter .attack-start")).to_be_disabled()
    check(page)
    said = page.locator("#attack-hashed .attack-said")
    expect(said).to_contain_text(re.compile(r"100\s000 van 100\s000 nummers teruggevonden"), timeout=90_000)
    page.locator("#attack-filter .attack-start").click()
    page.locator("#attack-filter .attack-cancel button").click(timeout=10_000)
    expect(page.locator("#attack-filter .attack-said")).to_have_text("De aanval is gestopt.")


def test_nothing_moves_for_who_wants_it_still(demo: tuple[str, Path], browser: Browser) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(demo[0])
    starter = context.new_page()
    starter.goto(f"{demo[0]}/scenarios/{_SCENARIO}")
    starter.locator("#start").click()
    expect(page.locator(".arrow").first).to_be_attached(timeout=_RUN_WAIT_MS)
    assert page.locator(".arrow .dot").count() == 0
    expect(starter.locator("#result-table")).to_be_visible(timeout=_RUN_WAIT_MS)
    context.close()


def test_a_node_that_is_stopped_is_shown_within_seconds(demo: tuple[str, Path], browser: Browser) -> None:
    url, folder = demo
    page = browser.new_page()
    page.goto(url)
    node = page.locator('.node[data-party="uwv"]')
    expect(node).to_have_attribute("data-state", "serving", timeout=20_000)
    config = str(folder / "nodes" / "uwv" / "node.toml").encode()
    process = next(
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if config in path.read_bytes().split(b"\0")
    )
    os.kill(process, signal.SIGTERM)
    expect(node).to_have_attribute("data-state", "stopped", timeout=8_000)
    expect(node).to_contain_text("antwoordt niet")
    expect(page.locator("#live-status")).to_contain_text("UWV antwoordt niet", timeout=8_000)
    page.close()
