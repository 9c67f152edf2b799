"""Errors as a person reads them: the same problem, in words, with what to do."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.auth import COOKIE, visited
from api.page.frame.address import above
from api.page.frame.rendering import is_part, page
from api.page.frame.visitor import Visitor, language_of, sign_in_address
from api.serving.sessions import form_token

MACHINES = ("/v1/", "/livez", "/readyz", "/metrics", "/openapi.json", "/static/")


def is_read_by_a_person(request: Request) -> bool:
    """Whether the answer is looked at, not parsed."""
    return not request.url.path.startswith(MACHINES)


def told(request: Request, problem: dict[str, Any], headers: Any = None) -> HTMLResponse:
    """A problem as a page, or as the notice a script puts at the top of one."""
    visitor = _visitor(request)
    template = "parts/problem.html" if is_part(request) else "problem.html"
    answer = page(request, visitor, template, problem["status"], problem=problem)
    answer.headers.update(headers or {})
    return answer


def to_sign_in(request: Request, error: Any) -> Response:
    """Send whoever has no session to the form that gives one, and from there back to the view."""
    if is_part(request):
        address = sign_in_address(_seen(request, "hx-current-url") or error.then)
        return Response(status_code=401, headers={"HX-Redirect": address})
    then = error.then if request.method == "GET" else _seen(request, "referer") or error.then
    return RedirectResponse(sign_in_address(then), 303)


def _visitor(request: Request) -> Visitor:
    """Whoever is told; a stranger where the service cannot find out."""
    caller = getattr(request.state, "caller", None)
    token, desk = "", request.app.state.desk
    with suppress(Exception):
        caller = caller or visited(request, desk)
        token = form_token(desk, request.cookies.get(COOKIE, "") if desk.settings.auth else "")
    return Visitor(caller, language_of(request), token)


def _seen(request: Request, header: str) -> str | None:
    """The view a request was sent from; None where that is not said, or is of another site."""
    address = urlsplit(request.headers.get(header, ""))
    if not address.path or address.netloc != request.headers.get("host"):
        return None
    view = above(request, address.path)
    return view + (f"?{address.query}" if address.query and view == address.path else "")
