"""Templates into answers: a whole page, or the part of one that a script asked for."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.page import assets
from api.page.language import LANGUAGES, Language
from api.page.visitor import FORM_TOKEN, Visitor


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
        "here": str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
        "form_token": _hidden(visitor),
        "may_write": visitor.caller is not None and visitor.caller.may("write"),
        "with_keys": request.app.state.settings.auth,
    }
    return environment(visitor.language.code).get_template(template).render(shared | context)


def is_part(request: Request) -> bool:
    """Whether a script asks for a part of the page rather than the whole."""
    return "hx-request" in request.headers and "hx-boosted" not in request.headers


@cache
def environment(code: str) -> Environment:
    """The templates in one language."""
    language = Language(code)
    made = Environment(
        loader=PackageLoader("api.page"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.install_gettext_translations(language.words, newstyle=True)  # type: ignore[attr-defined]
    made.filters |= {
        "number": language.number,
        "percent": language.percent,
        "compact": language.compact,
        "date": language.date,
        "moment": language.moment,
        "sentence": language.sentence,
        "data": as_data,
    }
    made.globals |= {"asset": assets.address}
    return made


def as_data(content: Any) -> Markup:
    """JSON that can stand inside a `<script type="application/json">`."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))


def _hidden(visitor: Visitor) -> Markup:
    """The field every form sends back."""
    field = Markup('<input type="hidden" name="{}" value="{}">')
    return field.format(FORM_TOKEN, visitor.form_token)
