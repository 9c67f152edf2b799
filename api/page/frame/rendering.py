"""Templates into answers: a whole page, or the part of one that a script asked for."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from markupsafe import Markup

from api.page.frame import address, assets
from api.page.frame.forms import FORM_TOKEN
from api.page.frame.visitor import Visitor
from api.page.words.language import LANGUAGES
from api.page.words.templating import environment


def page(
    request: Request, visitor: Visitor, template: str, status: int = 200, **context: Any
) -> HTMLResponse:
    """A template for this visitor."""
    return HTMLResponse(rendered(request, visitor, template, **context), status)


def rendered(request: Request, visitor: Visitor, template: str, **context: Any) -> str:
    """A template's text for this visitor."""
    shared = {
        "visitor": visitor,
        "language": visitor.language,
        "languages": LANGUAGES,
        "path": request.url.path,
        "here": address.here(request),
        "form_token": _hidden(visitor),
        "may_write": visitor.caller is not None and visitor.caller.may("write"),
        "with_keys": request.app.state.settings.auth,
    }
    return _templates(visitor.language.code).get_template(template).render(shared | context)


@cache
def _templates(code: str) -> Environment:
    """The templates in one language, for pages whose assets this service serves."""
    made = environment(code)
    made.globals["asset"] = assets.address
    return made


def is_part(request: Request) -> bool:
    """Whether a script asks for a part of the page rather than the whole."""
    return "hx-request" in request.headers and "hx-boosted" not in request.headers


def _hidden(visitor: Visitor) -> Markup:
    """The field every form sends back."""
    field = Markup('<input type="hidden" name="{}" value="{}">')
    return field.format(FORM_TOKEN, visitor.form_token)
