"""The recipient's page: the rows that its own node holds, for its own people, with what must be known beside them.

Rows live in memory as long as one request. They are in no log, no error page and no file of this program.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from psi_match.base.errors import PolicyRefusal, PsiMatchError, UsageError
from psi_match.domain.parties import display_name
from psi_match.page.fence import App, Fence, cookie_name
from psi_match.page.login import LoginCheck
from psi_match.page.login_sessions import AttemptLimit, Session, Sessions
from psi_match.page.recipient_config import RecipientConfig
from psi_match.page.recipient_meaning import meaning
from psi_match.page.recipient_results import HeldResult, OwnNode, Rows
from psi_match.page.recipient_texts import words
from psi_match.page.recipient_view import file_name, view_of
from psi_match.scenario.catalogue import Catalogue

_HERE = Path(__file__).parent
_STATIC = {
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    "recipient.css": "text/css",
    "recipient-login.js": "text/javascript",
}
HEALTH_PATH = "/health"
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_LANGUAGE_COOKIE = "psi-match-language"
_MOST_BODY_BYTES = 16_384
_MOST_FIELDS = 16


def create_app(config: RecipientConfig, node: OwnNode, check: LoginCheck, limit: AttemptLimit | None = None) -> App:
    """Return the page as an ASGI application.

    Args:
        config: the page's config.
        node: the party's own node.
        check: who may come in.
        limit: how often anybody may try.
    """
    pages = _Pages(config, node, check, limit or AttemptLimit())
    # No schema, no interactive documentation: nothing but the pages themselves.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_api_route(HEALTH_PATH, pages.health, methods=["GET"])
    app.add_api_route("/static/{name}", pages.static, methods=["GET"])
    # Browsers ask for it on their own.
    app.add_api_route("/favicon.ico", lambda: Response(status_code=204), methods=["GET"])
    app.add_api_route("/login", pages.login_form, methods=["GET"])
    app.add_api_route("/login", pages.login, methods=["POST"])
    app.add_api_route("/logout", pages.logout, methods=["POST"])
    app.add_api_route("/", pages.index, methods=["GET"])
    app.add_api_route("/results/{run_id}", pages.about, methods=["GET"])
    app.add_api_route("/results/{run_id}/csv", pages.download, methods=["POST"])
    app.add_api_route("/results/{run_id}/{what}", pages.rows, methods=["GET"])
    app.add_api_route("/results/{run_id}/{what}", pages.reveal, methods=["POST"])
    app.add_exception_handler(HTTPException, pages.failed)
    app.add_exception_handler(PsiMatchError, pages.failed)
    app.add_exception_handler(Exception, pages.failed)
    return Fence(app, config.public_url, health_path=HEALTH_PATH, most_body_bytes=_MOST_BODY_BYTES)


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a posted form; the first of each name. Its size is bounded by the fence."""
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise HTTPException(400) from None
    return {name: values[0] for name, values in fields.items()}


_Form = Annotated[dict[str, str], Depends(_form)]


class _LoginNeededError(HTTPException):
    """Whoever asks is not in."""


class _Pages:
    def __init__(self, config: RecipientConfig, node: OwnNode, check: LoginCheck, limit: AttemptLimit) -> None:
        self._config, self._node, self._check, self._limit = config, node, check, limit
        minutes = config.session
        self._sessions = Sessions(minutes.idle_minutes * 60, minutes.longest_minutes * 60, minutes.most)
        self._catalogue = Catalogue(config.scenario_dir)
        self._log = structlog.get_logger()
        # Ports do not keep cookies apart: pages of two parties on one machine need two names.
        self._cookie = cookie_name(f"psi-match-{config.party}", config.public_url)
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._templates.globals |= {
            "party": display_name(config.party),
            "display_name": display_name,
            "static_url": "/static",
            "synthetic": config.synthetic,
        }

    def health(self) -> Response:
        return PlainTextResponse("ok\n")

    def static(self, name: str) -> Response:
        if name not in _STATIC:
            raise HTTPException(404)
        return FileResponse(_HERE / "static" / name, media_type=_STATIC[name])

    # Login and logout.

    def login_form(self, request: Request) -> Response:
        said = "logged_out" if "out" in request.query_params else ""
        return self._shown(request, "recipient_login.html", said=said, refused="", origin=self._config.public_url)

    def login(self, request: Request, form: _Form) -> Response:
        address = request.client.host if request.client else ""
        refused, status = "", 200
        if not self._limit.allows(address):
            refused, status = "login_often", 429
        else:
            try:
                person = self._check.admit(form.get("token", "").strip())
            except PolicyRefusal as no:
                self._log.warning("login refused", reason=no.rule, address=address)
                refused, status = "login_refused", 403
        if refused:
            found = self._shown(
                request, "recipient_login.html", said="", refused=refused, origin=self._config.public_url
            )
            found.status_code = status
            return found
        # Whoever logs in gets a secret that nobody can have planted; an older session of this browser ends.
        self._sessions.end(request.cookies.get(self._cookie, ""))
        answer = RedirectResponse("/", status_code=303)
        self._set_cookie(answer, self._cookie, self._sessions.begin(person))
        self._log.info("logged in", operator=person.identity.name, serial=f"{person.serial:x}")
        return answer

    def logout(self, request: Request) -> Response:
        self._sessions.end(request.cookies.get(self._cookie, ""))
        answer = RedirectResponse("/login?out=1", status_code=303)
        answer.delete_cookie(self._cookie, path="/", secure=self._config.is_secure, httponly=True, samesite="strict")
        return answer

    # What the node holds.

    def index(self, request: Request) -> Response:
        session = self._session(request)
        language = self._language(request)
        held = [(each, meaning(self._catalogue, each, self._config.party, language)) for each in self._node.results()]
        return self._shown(request, "recipient_index.html", session, held=held)

    def about(self, request: Request, run_id: str) -> Response:
        session = self._session(request)
        held = self._held(run_id)
        about = meaning(self._catalogue, held, self._config.party, self._language(request))
        return self._shown(request, "recipient_about.html", session, held=held, about=about)

    def rows(self, request: Request, run_id: str, what: str) -> Response:
        """Show rows or notices, every BSN hidden."""
        session = self._session(request)
        return self._rows(request, session, run_id, what, _number(request.query_params.get("page", "1")), {})

    def reveal(self, request: Request, run_id: str, what: str, form: _Form) -> Response:
        """Show the same page with one BSN, or all of the page."""
        session = self._session(request)
        return self._rows(request, session, run_id, what, _number(form.get("page", "1")), form)

    def download(self, request: Request, run_id: str) -> Response:
        session = self._session(request)
        held = self._held(run_id)
        rows = self._node.rows(run_id, session.key)
        self._note(session, run_id, "csv")
        name = file_name(held)
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(rows.as_csv(), media_type="text/csv; charset=utf-8", headers=headers)

    def _rows(
        self, request: Request, session: Session, run_id: str, what: str, page: int, asked: dict[str, str]
    ) -> Response:
        held = self._held(run_id)
        about = meaning(self._catalogue, held, self._config.party, self._language(request))
        fetch: dict[str, Callable[[str, bytes], Rows]] = {"rows": self._node.rows}
        if about.kind != "statistics":
            fetch["notices"] = self._node.notices
        if what not in fetch:
            raise HTTPException(404)
        rows = fetch[what](run_id, session.key)
        view = view_of(rows, what, page, words(self._language(request)), asked)
        self._note(session, run_id, f"{what}, {view.shown} BSNs shown" if view.shown else what)
        return self._shown(request, "recipient_rows.html", session, held=held, about=about, view=view, what=what)

    def _held(self, run_id: str) -> HeldResult:
        held = self._node.result(run_id) if _RUN_ID.fullmatch(run_id) else None
        if held is None:
            raise HTTPException(404)
        return held

    def _note(self, session: Session, run_id: str, what: str) -> None:
        self._log.info("result fetched", operator=session.person.identity.name, run=run_id, what=what)

    # Who asks, in which language, and how the answer looks.

    def _session(self, request: Request) -> Session:
        secret = request.cookies.get(self._cookie, "")
        session = self._sessions.find(secret)
        if session is None:
            raise _LoginNeededError(401)
        reason = self._check.still_good(session.person)
        if reason:
            self._sessions.end(secret)
            self._log.warning("session ended", operator=session.person.identity.name, reason=reason)
            raise _LoginNeededError(401)
        return session

    def _language(self, request: Request) -> str:
        wanted = request.query_params.get("lang") or request.cookies.get(_LANGUAGE_COOKIE)
        return wanted if wanted in {"nl", "en"} else self._config.language

    def _shown(self, request: Request, template: str, session: Session | None = None, **values: Any) -> Response:  # noqa: ANN401
        language = self._language(request)
        # Of an address that we do not know nothing gets into a link: //HOST/ would lead elsewhere.
        path = "/" if template == "recipient_error.html" else request.url.path
        html = self._templates.get_template(template).render(
            t=words(language),
            language=language,
            other_language_url=f"{path}?lang={'nl' if language == 'en' else 'en'}",
            operator=session.person.identity.name or "operator" if session else "",
            **values,
        )
        answer = Response(html, media_type="text/html; charset=utf-8")
        if request.query_params.get("lang") == language:
            self._set_cookie(answer, _LANGUAGE_COOKIE, language)
        return answer

    def _set_cookie(self, answer: Response, name: str, value: str) -> None:
        answer.set_cookie(name, value, path="/", secure=self._config.is_secure, httponly=True, samesite="strict")

    def failed(self, request: Request, error: Exception) -> Response:
        """Answer with a page that says what kind of thing is wrong, and no more."""
        if isinstance(error, _LoginNeededError):
            return RedirectResponse("/login", status_code=303)
        status, said = 500, "error_defect"
        if isinstance(error, HTTPException):
            status, said = error.status_code, "error_unknown"
        elif isinstance(error, UsageError):
            # Deleted meanwhile, or never there: the node says which, in its log.
            status, said = 404, "error_unknown"
        elif isinstance(error, PsiMatchError):
            status, said = 502, "error_node"
        else:
            self._log.error("a defect of psi-match", error=type(error).__name__)
        if isinstance(error, PsiMatchError):
            self._log.warning("the node did not answer", problem=error.sentence, hint=error.hint)
        answer = self._shown(request, "recipient_error.html", said=said)
        answer.status_code = status
        return answer


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII) else 1
