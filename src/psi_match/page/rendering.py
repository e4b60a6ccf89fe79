"""Templates, languages and form tokens: what every page of the application shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from psi_match.base.errors import PsiMatchError
from psi_match.page.config import PageConfig
from psi_match.page.fence import FormTokens
from psi_match.page.texts import LANGUAGES, Words, words

HERE = Path(__file__).parent
STATIC_URL = "/static"
LANGUAGE_COOKIE = "psi-match-language"
_YEAR_S = 365 * 24 * 3600
_PARTS = (("/", "nav_home"), ("/scenarios", "nav_scenarios"), ("/runs", "nav_runs"), ("/attack", "nav_attack"))


class Renderer:
    """Makes pages.

    Args:
        config: of the page.
    """

    def __init__(self, config: PageConfig) -> None:
        self._config = config
        self.tokens = FormTokens(config.public_url)
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )

    def language(self, request: Request) -> str:
        """Return the language that the browser chose, or that of the config."""
        chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE, "")
        return chosen if chosen in LANGUAGES else self._config.language

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
        """Return a page in the browser's language."""
        language = self.language(request)
        t = words(language)
        cookie = self.tokens.cookie(request.cookies.get(self.tokens.cookie_name))
        path = request.url.path
        other = "nl" if language == "en" else "en"
        nav = [
            {"href": href, "label": t(key), "exact": path == href, "here": _is_under(path, href)}
            for href, key in _PARTS
        ]
        at = path if request.method == "GET" else path.rsplit("/", 1)[0] or "/"
        html = self._environment.get_template(template).render(
            language=language,
            t=t,
            nav=nav,
            static_url=STATIC_URL,
            other_language_url=f"/language?{urlencode({'to': other, 'at': at})}",
            form_token=self.tokens.token(cookie),
            synthetic=self._config.evaluation is not None,
            operators=self._config.operators is not None,
            **values,
        )
        response = HTMLResponse(html, status_code=status, headers={"content-language": language})
        # Safe: not for scripts, and never sent along from another site.
        response.set_cookie(
            self.tokens.cookie_name,
            cookie,
            httponly=True,
            samesite="strict",
            secure=self._config.is_secure,
            path="/",
        )
        return response

    def problem(self, request: Request, status: int, error: PsiMatchError, back: str = "/") -> HTMLResponse:
        """Return an error as a page: a sentence and a hint."""
        t = words(self.language(request))
        return self.page(request, "error.html", status, heading=t("error_title"), problem=error, back=back)

    def switched(self, to: str, at: str) -> RedirectResponse:
        """Return to a page of ours in another language, which is remembered."""
        own = at if at.startswith("/") and not at.startswith(("//", "/\\")) and at.isprintable() else "/"
        response = RedirectResponse(own, status_code=303)
        if to in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, to, max_age=_YEAR_S, httponly=True, samesite="lax", secure=self._config.is_secure
            )
        return response

    def words(self, request: Request) -> Words:
        """Return the texts in the browser's language."""
        return words(self.language(request))


def _is_under(path: str, href: str) -> bool:
    return path == href or (href != "/" and path.startswith(href + "/"))
