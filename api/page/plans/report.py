"""A plan as one HTML file: the page's own parts with styles, scripts and charts inside it.

The file asks nobody for anything: its policy forbids every request, and names its own scripts and
styles by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from api.page.plans.around import frontier_of, now_of
from api.page.plans.bundle import bundled
from api.page.plans.curves import curves_of
from api.page.plans.reading import reading
from api.page.words.language import Language
from api.page.words.templating import environment

if TYPE_CHECKING:
    from optimizer import Frontier, Model, Plan, Scenario

STATIC = Path(__file__).parents[1] / "static"
STYLES = ("css/base.css", "css/parts.css", "css/plan.css", "css/report.css")
CHARTS = ("allocation", "curve", "frontier", "schedule", "waterfall")
ECHARTS = "vendor/echarts-6.1.0.common.min.js"
SCREEN_ONLY = ":root {"  # how base.css begins the palette of light screens
ENDS_EARLY = re.compile(r"</(?=script|style)|<!(?=--)", re.IGNORECASE)


def report_html(
    plan: Plan,
    model: Model | None = None,
    scenario: Scenario | None = None,
    language: str = "en",
) -> str:
    """A plan as a report: one file that opens from disk and prints.

    Parameters
    ----------
    plan : Plan
    model : Model, optional
        The one the plan was made from: with the scenario, its curves are drawn, what every
        channel's change adds, and what other budgets would bring.
    scenario : Scenario, optional
        The one the plan was made from: it is told in the report.
    language : str
        ``en``, ``ru`` or ``zh``.
    """
    chosen = Language(language)
    document, now, found = plan.to_dict(), None, None
    drawn: list[dict[str, Any]] = []
    if model is not None and scenario is not None:
        now, found = now_of(plan, model, scenario), _frontier(plan, model, scenario)
        drawn = curves_of(model, plan, now, scenario.to_dict())
    shown = reading(
        document,
        chosen,
        now=None if now is None else now.to_dict(),
        frontier=None if found is None else found.to_dict(),
    )
    question = None if scenario is None else _pretty(scenario.facts())
    template = environment(language).get_template("report.html")
    return template.render(language=chosen, curves=drawn, question=question, **_inlined(), **shown)


def _frontier(plan: Plan, model: Model, scenario: Scenario) -> Frontier | None:
    """What other budgets would bring; None where there are none."""
    from optimizer import OptimizerError

    try:
        return frontier_of(plan, model, scenario)
    except OptimizerError:  # the plan stands: only a picture is missing
        return None


def _pretty(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


@cache
def _inlined() -> dict[str, Any]:
    """Styles, scripts, and the policy that lets nothing else in."""
    styles = "\n".join(map(_source, STYLES)) + _paper_palette(_source(STYLES[0]))
    names = [*(f"charts/{name}.js" for name in CHARTS), "report.js"]
    scripts = {
        "first": _source("js/first.js"),
        "echarts": _source(ECHARTS),
        "module": bundled(names, lambda name: _source(f"js/{name}")),
    }
    scripts = {name: ENDS_EARLY.sub(_masked, source) for name, source in scripts.items()}
    sources = " ".join(map(_hashed, scripts.values()))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hashed(styles)}; script-src {sources}; "
        "base-uri 'none'; form-action 'none'"
    )
    return {
        "policy": policy,
        "styles": Markup(styles),
        "scripts": {name: Markup(source) for name, source in scripts.items()},
    }


def _source(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _masked(found: re.Match[str]) -> str:
    """What would end a script too early, as JavaScript may write it instead."""
    return f"{found[0][0]}\\{found[0][1:]}"


def _hashed(source: str) -> str:
    """A source as a policy names it."""
    digest = hashlib.sha256(source.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _paper_palette(base: str) -> str:
    """The light palette once more, for paper whatever the screen's is."""
    start = base.index(SCREEN_ONLY) + len(SCREEN_ONLY)
    palette = base[start : base.index("}", start)]
    return f":root.on-paper {{{palette} color-scheme: light; }}\n"
