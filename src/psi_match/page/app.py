"""The page as an application: home, scenarios, the live attack and the live stream. Pages of runs: ``run_pages``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from psi_match.base.errors import PolicyRefusal, PsiMatchError, UsageError
from psi_match.domain.parties import display_name
from psi_match.page import scenario_view, tables
from psi_match.page.archive import Archive
from psi_match.page.attacking import KINDS, SPACE, Attacking
from psi_match.page.board import SERVING, Board
from psi_match.page.browser_data import attack_data, live_data
from psi_match.page.config import PageConfig
from psi_match.page.context import PageContext
from psi_match.page.fence import LIVE_CONTENT_POLICY, App, Fence
from psi_match.page.network import place
from psi_match.page.rendering import HERE, STATIC_URL, Renderer
from psi_match.page.run_pages import RunPages
from psi_match.page.starting import Starter
from psi_match.page.streaming import LiveResponse, Streams
from psi_match.page.telling import Telling
from psi_match.page.texts import Words, count, seconds
from psi_match.page.watching import Watching
from psi_match.scenario.catalogue import Catalogue

HEALTH_PATH = "/healthz"
_MOST_FIELDS = 8
_START_WAIT_S = 3.0
"""A start is refused or under way within this time, else the browser waits on a page of its own."""


def make_context(config: PageConfig) -> PageContext:
    """Put the parts together.

    Raises:
        PsiMatchError: a scenario or the evaluation is not usable.
    """
    board = Board(config.parties)
    catalogue = Catalogue(config.scenario_dir)
    catalogue.all()
    return PageContext(
        config=config,
        board=board,
        archive=Archive(config, board),
        starter=Starter(config),
        attacking=Attacking(config.limits.attack_s, pause_s=config.limits.attack_pause_s),
        streams=Streams(board, config.limits.browsers, config.limits.browsers_per_address),
        render=Renderer(config),
        catalogue=catalogue,
        telling=Telling(detailed=config.operators is not None),
    )


def create_app(context: PageContext) -> App:
    """Return the application."""
    watching = Watching(context.config.nodes, context.board)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        watching.start()
        context.streams.start()
        try:
            yield
        finally:
            await context.streams.stop()
            context.attacking.cancel()
            await run_in_threadpool(watching.stop)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    pages = _Pages(context)
    get: dict[str, Any] = {
        "/": pages.home,
        HEALTH_PATH: pages.health,
        "/language": pages.switch,
        "/scenarios": pages.scenarios,
        "/scenarios/{name}": pages.scenario,
        "/starts/{key}": pages.starting,
        "/attack": pages.attack,
        "/attack/state.json": pages.attack_state,
        "/events": pages.events,
    }
    for path, handler in get.items():
        app.add_api_route(path, handler, methods=["GET"], response_model=None)
    app.add_api_route("/scenarios/{name}/start", pages.start, methods=["POST"], response_model=None)
    app.add_api_route("/attack/{kind}", pages.attack_start, methods=["POST"], response_model=None)
    app.include_router(RunPages(context).router)
    app.mount(STATIC_URL, StaticFiles(directory=HERE / "static"))
    app.add_exception_handler(HTTPException, pages.not_found)
    return Fence(
        app,
        context.config.public_url,
        health_path=HEALTH_PATH,
        most_body_bytes=context.config.limits.request_bytes,
        hosts=context.config.hosts,
        content_policy=LIVE_CONTENT_POLICY,
        # Reports and pictures bring their own.
        own_headers=("content-security-policy",),
    )


class _Pages:
    """Handlers."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def home(self, request: Request) -> Response:
        """Show the nodes, now."""
        context = self._context
        language = context.render.language(request)
        data = live_data(language, context.config.parties, context.scenarios())
        network = place(context.config.parties, context.board.states())
        now = context.board.snapshot()
        stages: dict[str, str] = next((run["stages"] for run in reversed(now["runs"]) if run["state"] == "running"), {})
        return context.render.page(
            request,
            "home.html",
            network=network,
            page_data=data,
            traffic=tables.traffic(now["arrows"], context.render.words(request), language),
            received=tables.received(now["received"], language),
            stages=tables.stages(stages, language),
        )

    async def health(self) -> Response:
        """Tell that the page serves."""
        return PlainTextResponse("ok\n")

    async def switch(self, to: str = "", at: str = "/") -> Response:
        """Change the language and stay in place."""
        return self._context.render.switched(to, at)

    def scenarios(self, request: Request) -> Response:
        """List the scenarios."""
        language = self._context.render.language(request)
        cards = [scenario_view.card(scenario, language) for scenario in self._context.scenarios()]
        return self._context.render.page(request, "scenarios.html", scenarios=cards)

    def scenario(self, request: Request, name: str) -> Response:
        """Show a scenario."""
        context = self._context
        t, language = context.render.words(request), context.render.language(request)
        scenario = context.scenario(name)
        if scenario is None:
            return context.render.problem(request, 404, UsageError(t("not_found"), t("not_found_hint")), "/scenarios")
        today, folder = context.today(), context.config.agreements
        found = scenario_view.agreements_on(scenario, folder, today)
        leader = scenario.leaders[0]
        states = context.board.states()
        return context.render.page(
            request,
            "scenario.html",
            scenario=scenario_view.details(scenario, language),
            agreements=scenario_view.agreement_lines(found, scenario, language, t, today),
            agreement_absent=t("agreement_none" if folder else "agreement_unknown"),
            can_start=context.config.operator_keys(leader) is not None,
            why_not=self._why_not(leader, t),
            stopped=[display_name(p) for p in scenario.party_ids if p in states and states[p] != SERVING],
        )

    def _why_not(self, leader: str, t: Words) -> str:
        key = "start_no_party" if self._context.config.operators else "start_no_keys"
        return t(key, party=display_name(leader))

    async def start(self, request: Request, name: str) -> Response:
        """Start a scenario and go to its run."""
        return await self._posted(request, lambda: self._start(request, name), f"/scenarios/{name}")

    def _start(self, request: Request, name: str) -> Response:
        context = self._context
        t = context.render.words(request)
        scenario = context.scenario(name)
        if scenario is None:
            return context.render.problem(request, 404, UsageError(t("not_found"), t("not_found_hint")), "/scenarios")
        leader = scenario.leaders[0]
        if context.config.operator_keys(leader) is None:
            error = UsageError(self._why_not(leader, t))
            return context.render.problem(request, 403, error, f"/scenarios/{name}")
        try:
            start = context.starter.start(scenario)
        except PolicyRefusal:
            return context.render.problem(request, 409, PolicyRefusal(t("busy"), t("busy_hint")), f"/scenarios/{name}")
        except PsiMatchError as error:
            return context.render.problem(request, 403, context.telling.of(error, t), f"/scenarios/{name}")
        start.changed.wait(_START_WAIT_S)
        return self._started(request, start.key)

    def starting(self, request: Request, key: str) -> Response:
        """Show a run that has no id yet, or go to it."""
        return self._started(request, key)

    def _started(self, request: Request, key: str) -> Response:
        context = self._context
        t, language = context.render.words(request), context.render.language(request)
        start = context.starter.by_key(key)
        if start is None:
            return context.render.problem(request, 404, UsageError(t("run_unknown"), t("run_unknown_hint")), "/runs")
        if start.run_id:
            return RedirectResponse(f"/runs/{start.run_id}", status_code=303)
        if start.error:
            status = 409 if isinstance(start.error, PolicyRefusal) else 502
            told = context.telling.of(start.error, t)
            return context.render.problem(request, status, told, f"/scenarios/{start.scenario}")
        if request.method == "POST":
            return RedirectResponse(f"/starts/{key}", status_code=303)
        return context.render.page(request, "starting.html", title=context.title(start.scenario, language))

    def attack(self, request: Request) -> Response:
        """Show the live attack."""
        return self._attack_page(request, None, 200)

    def _attack_page(self, request: Request, problem: PsiMatchError | None, status: int) -> Response:
        context = self._context
        state, language = context.attacking.state(), context.render.language(request)
        return context.render.page(
            request,
            "attack.html",
            status,
            count=count(context.attacking.count),
            space=count(SPACE),
            total=SPACE,
            state={"done": 0} | state,
            running=context.attacking.is_running,
            allowed=context.config.attack,
            said=self._said(state, request),
            problem=problem,
            page_data=attack_data(language),
        )

    def _said(self, state: dict[str, Any], request: Request) -> str:
        t, language = self._context.render.words(request), self._context.render.language(request)
        if state["state"] == "idle":
            return ""
        shown = {
            key: seconds(value, language) if key == "seconds" else count(int(value))
            for key, value in state.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        said = t(f"attack_{state['state']}", **shown)
        return said + (" " + t("attack_false", extra=shown["extra"]) if state.get("extra") else "")

    async def attack_state(self) -> Response:
        """Tell how far the attack is."""
        return JSONResponse(self._context.attacking.state())

    async def attack_start(self, request: Request, kind: str) -> Response:
        """Start an attack, or stop it."""
        return await self._posted(request, lambda: self._attack(request, kind), "/attack")

    def _attack(self, request: Request, kind: str) -> Response:
        context = self._context
        t = context.render.words(request)
        if not context.config.attack:
            return self._attack_page(request, PolicyRefusal(t("attack_off"), t("attack_off_hint")), 403)
        if kind == "cancel":
            context.attacking.cancel()
            return RedirectResponse("/attack", status_code=303)
        for known in KINDS:
            if kind == known:
                try:
                    context.attacking.start(known)
                except PolicyRefusal:
                    return self._attack_page(request, PolicyRefusal(t("attack_busy"), t("attack_busy_hint")), 409)
                return RedirectResponse(f"/attack#attack-{kind}", status_code=303)
        return context.render.problem(request, 404, UsageError(t("not_found"), t("not_found_hint")), "/attack")

    async def events(self, request: Request) -> Response:
        """Follow the nodes: server-sent events."""
        streams = self._context.streams
        browser = streams.reserve(request.client.host if request.client else "")
        if browser is None:
            return PlainTextResponse(self._context.render.words(request)("live_full"), status_code=503)
        return LiveResponse(streams, browser)

    async def not_found(self, request: Request, error: Exception) -> Response:
        """Show what is not there as a page."""
        t = self._context.render.words(request)
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self._context.render.problem(request, status, UsageError(t("not_found"), t("not_found_hint")))

    async def _posted(self, request: Request, handle: Any, back: str) -> Response:  # noqa: ANN401
        """Check a form's token, then handle it in a thread."""
        t, tokens = self._context.render.words(request), self._context.render.tokens
        try:
            fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
        except ValueError:
            return self._context.render.problem(request, 400, UsageError(t("bad_form"), t("csrf_hint")), back)
        token = fields.get("token", [""])[0]
        if not tokens.fits(request.cookies.get(tokens.cookie_name), token):
            return self._context.render.problem(request, 403, UsageError(t("csrf"), t("csrf_hint")), back)
        response: Response = await run_in_threadpool(handle)
        return response
