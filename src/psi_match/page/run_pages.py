"""The pages of runs: the list, one run, its replay, pictures and reports."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from markupsafe import Markup, escape

from psi_match.base.errors import PolicyRefusal, PsiMatchError, UsageError
from psi_match.domain.parties import display_name
from psi_match.node.dossier import Dossier
from psi_match.page import replay, run_view, scenario_view, tables
from psi_match.page.archive import is_run_id
from psi_match.page.browser_data import live_data
from psi_match.page.context import PageContext
from psi_match.page.network import place
from psi_match.page.report_making import RETRY_AFTER_S, BusyError, ReportShelf
from psi_match.page.texts import seconds
from psi_match.report import pictures
from psi_match.report.minimisation import baselines

_SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
"""The report is one file with its own style sheet and no script."""
_MOST_PICTURES = 64


class RunPages:
    """Pages of runs.

    Args:
        context: what the application shares.
    """

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._pictures: OrderedDict[tuple[str, str, str, bool, str], pictures.Picture] = OrderedDict()
        self._lock = threading.Lock()
        self._reports = ReportShelf()
        self.router = APIRouter()
        self.router.add_api_route("/runs", self.list_runs, methods=["GET"])
        self.router.add_api_route("/runs/{run_id}", self.show, methods=["GET"])
        self.router.add_api_route("/runs/{run_id}/state.json", self.state, methods=["GET"])
        self.router.add_api_route("/runs/{run_id}/replay.json", self.replay, methods=["GET"])
        self.router.add_api_route("/runs/{run_id}/picture/{name}-{form}.svg", self.picture, methods=["GET"])
        self.router.add_api_route("/runs/{run_id}/report-{language}.{form}", self.report, methods=["GET"])

    def list_runs(self, request: Request) -> Response:
        """Show all runs that the nodes keep."""
        context = self._context
        runs, parties = context.archive.runs()
        language = context.render.language(request)
        lines = [
            {
                "id": run.run_id,
                "title": context.title(run.scenario, language),
                "started": run.started[:19].replace("T", " "),
                "state": run.state,
                "wall": seconds(run.wall_s, language) if run.wall_s else "-",
            }
            for run in runs
        ]
        return context.render.page(request, "runs.html", runs=lines, parties=[display_name(party) for party in parties])

    def show(self, request: Request, run_id: str) -> Response:
        """Show one run: live, or what came out of it."""
        context = self._context
        t = context.render.words(request)
        language = context.render.language(request)
        unknown = UsageError(t("run_unknown"), t("run_unknown_hint"))
        if not is_run_id(run_id):
            return context.render.problem(request, 404, unknown, "/runs")
        start = context.starter.by_run(run_id)
        live = context.board.run(run_id)
        running = bool((live and live.state == "running") or (start and not start.ended))
        summary = None if running else context.archive.summary(run_id)
        name = start.scenario if start else live.scenario if live else summary.scenario if summary else ""
        if not name:
            return context.render.problem(request, 404, unknown, "/runs")
        scenario = context.scenario(name)
        values: dict[str, Any] = {
            "run_id": run_id,
            "scenario_name": name,
            "title": context.title(name, language),
            "running": running,
            "problem": context.telling.of(start.error, t) if start and start.error else None,
            "disclosure": scenario_view.disclosure_rows(scenario, language) if scenario else [],
            "network": place(context.config.parties, context.board.states(), scenario.party_ids if scenario else None),
            "page_data": live_data(language, context.config.parties, context.scenarios()),
        }
        if running:
            flows = context.board.flows(run_id)
            values["traffic"] = tables.traffic(flows, t, language)
            last = {flow["to"]: {"party": flow["to"], "step": flow["step"]} for flow in flows}
            values["received"] = tables.received(last.values(), language)
            values["stages"] = tables.stages(live.stages if live else {}, language)
        else:
            try:
                dossier = context.archive.dossier(run_id)
            except PsiMatchError as error:
                told = context.telling.of(start.error if start and start.error else error, t)
                return context.render.problem(request, 503, told, "/runs")
            if scenario is None:
                return context.render.problem(request, 404, unknown, "/runs")
            values |= self._ended(dossier, language, run_id)
        return context.render.page(request, "run.html", **values)

    def _ended(self, dossier: Dossier, language: str, run_id: str) -> dict[str, Any]:
        context = self._context
        scenario = context.catalogue.get(dossier.scenario)
        t = context.words(language)
        outcome = run_view.outcome(dossier, scenario, t, language)
        for line in outcome["errors"]:
            line["error"] = context.telling.of_record(line["error"], t)
        traffic, received = tables.replayed(replay.moments(dossier.timelines), t, language)
        urls = context.config.recipient_urls
        shown: dict[str, Any] = {"baselines": "", "upset": ""}
        ways: dict[str, Any] | None = None
        if not outcome["failed"]:
            ways = run_view.ways(dossier, scenario, language)
            shown["baselines"] = self._img(dossier, "baselines", language, run_id)
            if ((dossier.evaluation or {}).get("scenario") or {}).get("overlap"):
                shown["upset"] = self._img(dossier, "upset", language, run_id)
        return {
            "outcome": outcome,
            "traffic": traffic,
            "received": received,
            "stages": {},
            "statistics": run_view.is_statistics(scenario),
            "ways": ways,
            "pictures": shown,
            "without": [
                display_name(party)
                for party in replay.without_timeline(dossier.records, scenario.party_ids, dossier.timelines)
            ],
            "recipient_links": [
                {"name": display_name(party), "url": urls.get(party, "")}
                for party in scenario_view.recipients(scenario)
            ],
        }

    def state(self, run_id: str) -> Response:
        """Tell how far a run is."""
        context = self._context
        start, live = context.starter.by_run(run_id), context.board.run(run_id)
        running = bool((live and live.state == "running") or (start and not start.ended))
        lines = [
            {key: line[key] for key in ("peer", "step", "done", "total")}
            for line in list(start.progress.values() if start else [])
        ]
        return JSONResponse({"running": running, "failed": bool(start and start.error), "progress": lines})

    def replay(self, run_id: str) -> Response:
        """Return the moments of a run."""
        if not is_run_id(run_id):
            return JSONResponse({"moments": []}, status_code=404)
        try:
            dossier = self._context.archive.dossier(run_id)
        except PsiMatchError:
            return JSONResponse({"moments": []}, status_code=404)
        return JSONResponse({"moments": replay.as_json(replay.moments(dossier.timelines))})

    def picture(self, request: Request, run_id: str, name: str, form: str) -> Response:
        """Return a picture."""
        if not is_run_id(run_id) or name not in {"upset", "baselines"} or form not in {"wide", "narrow"}:
            return Response(status_code=404)
        try:
            dossier = self._context.archive.dossier(run_id)
            drawn = self._drawn(dossier, name, self._context.render.language(request), narrow=form == "narrow")
        except PsiMatchError:
            return Response(status_code=404)
        headers = {"content-security-policy": _SVG_POLICY}
        return Response(drawn.svg, media_type="image/svg+xml", headers=headers)

    def report(self, request: Request, run_id: str, language: str, form: str) -> Response:
        """Return the report of a run."""
        context = self._context
        t = context.render.words(request)
        if not is_run_id(run_id) or language not in {"nl", "en"} or form not in {"html", "pdf"}:
            return context.render.problem(request, 404, UsageError(t("not_found"), t("not_found_hint")))
        from psi_match.report.build import build_report
        from psi_match.report.html import as_html
        from psi_match.report.pdf import as_pdf

        try:
            dossier = context.archive.dossier(run_id)
            agreement = context.agreement_of(dossier)

            def make() -> bytes:
                report = build_report(dossier, language, scenarios=context.config.scenario_dir, agreement=agreement)
                structlog.get_logger().info("report made", run=run_id, form=form, language=language)
                return as_pdf(report) if form == "pdf" else as_html(report).encode()

            content = self._reports.get(dossier, language, form, make)
        except BusyError:
            busy = PolicyRefusal(t("reports_busy"), t("reports_busy_hint"))
            response: Response = context.render.problem(request, 503, busy, f"/runs/{run_id}")
            response.headers["retry-after"] = str(RETRY_AFTER_S)
            return response
        except PsiMatchError as error:
            return context.render.problem(request, 503, context.telling.of(error, t), f"/runs/{run_id}")
        name = f"psi-match-{dossier.scenario}-{run_id[:8]}-{language}.{form}"
        if form == "pdf":
            headers = {"content-disposition": f'attachment; filename="{name}"'}
            return Response(content, media_type="application/pdf", headers=headers)
        headers = {"content-security-policy": _REPORT_POLICY, "content-disposition": f'inline; filename="{name}"'}
        return Response(content, media_type="text/html; charset=utf-8", headers=headers)

    def _img(self, dossier: Dossier, name: str, language: str, run_id: str) -> Markup:
        drawn = self._drawn(dossier, name, language, narrow=False)
        source = f"/runs/{run_id}/picture/{name}"
        return Markup(
            '<figure class="picture"><picture>'
            '<source media="(max-width: 40rem)" srcset="{0}-narrow.svg?lang={1}">'
            '<img src="{0}-wide.svg?lang={1}" alt="{2}"></picture></figure>'
        ).format(source, language, escape(drawn.alt))

    def _drawn(self, dossier: Dossier, name: str, language: str, *, narrow: bool) -> pictures.Picture:
        """Draw a picture, or return the one that was drawn before.

        Raises:
            UsageError: there is nothing to draw it from.
        """
        # A dossier that was collected anew may know more.
        key = (dossier.run_id, name, language, narrow, dossier.collected)
        with self._lock:
            if key in self._pictures:
                return self._pictures[key]
        scenario = self._context.catalogue.get(dossier.scenario)
        if name == "baselines":
            drawn = pictures.baselines(baselines(dossier, scenario), language, narrow=narrow)
        else:
            overlap = ((dossier.evaluation or {}).get("scenario") or {}).get("overlap")
            if not overlap:
                raise UsageError("There is no synthetic truth of this run.", "Set `evaluation`.")
            drawn = pictures.upset(overlap, language, narrow=narrow)
        with self._lock:
            self._pictures[key] = drawn
            while len(self._pictures) > _MOST_PICTURES:
                self._pictures.popitem(last=False)
        return drawn
