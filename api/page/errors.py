"""Errors as a person reads them: the same problem, in words, with what to do."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.page.rendering import is_part, page
from api.page.visitor import Visitor, language_of, sign_in_address

MACHINES = ("/v1/", "/livez", "/readyz", "/metrics", "/openapi.json", "/static/")


def is_read_by_a_person(request: Request) -> bool:
    """Whether the answer is looked at, not parsed."""
    return not request.url.path.startswith(MACHINES)


def told(request: Request, problem: dict[str, Any], headers: Any = None) -> HTMLResponse:
    """A problem as a page, or as the notice a script puts at the top of one."""
    caller = getattr(request.state, "caller", None)
    visitor = Visitor(caller, language_of(request), "")
    template = "parts/problem.html" if is_part(request) else "problem.html"
    answer = page(request, visitor, template, problem["status"], problem=problem)
    answer.headers.update(headers or {})
    return answer


def to_sign_in(request: Request, error: Any) -> Response:
    """Send whoever has no session to the form that gives one."""
    address = sign_in_address(error.then)
    if is_part(request):
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)
