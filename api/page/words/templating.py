"""Templates in one language: their filters, their words, data for their scripts."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.page.words.language import Language


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
        "typed": language.typed,
        "date": language.date,
        "moment": language.moment,
        "sentence": language.sentence,
        "data": as_data,
    }
    return made


def as_data(content: Any) -> Markup:
    """JSON that can stand inside a `<script type="application/json">`."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))
