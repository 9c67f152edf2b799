"""Kept plans on the page: the list, one to read, its files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response

from api.auth import TheDesk
from api.output import json_text
from api.page.frame.lists import Cursor, newest
from api.page.frame.rendering import is_part, page
from api.page.frame.visitor import Reader
from api.page.plans.again import requests
from api.page.plans.around import frontier_of, now_of
from api.page.plans.curves import curves_of
from api.page.plans.reading import reading
from api.page.plans.report import report_html
from api.problems import problem_of
from api.serving import kept_plans, plans
from api.serving.kept_plans import KeptPlan
from api.store import tables
from optimizer import OptimizerError, Plan

router = APIRouter(include_in_schema=False)

KINDS = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
}
Identity = Annotated[str, Path(max_length=80)]


@router.get("/plans")
def list_plans(
    request: Request, desk: TheDesk, visitor: Reader, cursor: Cursor = None
) -> HTMLResponse:
    """Every kept plan, newest first."""
    found = newest(desk, visitor, tables.plans, cursor=cursor, leave_out=("question",))
    return page(request, visitor, "plans.html", **found)


@router.get("/plans/{plan_id}")
def read_plan(request: Request, desk: TheDesk, visitor: Reader, plan_id: Identity) -> HTMLResponse:
    """One kept plan."""
    kept = kept_plans.opened(desk, visitor.known, plan_id)
    now = now_of(kept.plan, kept.model, kept.question)
    before = None if now is None else now.to_dict()
    context = reading(kept.plan.to_dict(), visitor.language, now=before)
    again = requests(
        str(request.base_url),
        kept.row["model"] or "current",
        kept.question.to_dict(),
        with_keys=desk.settings.auth,
    )
    more: dict[str, Any] = {
        "kept": kept.row,
        "again": again,
        "curves": _curves(kept, now),
        "with_frontier": kept.model is not None and _has_frontier(kept.plan),
        "permalink": str(request.url),
    }
    return page(request, visitor, "plan.html", **more, **context)


@router.get("/plans/{plan_id}/frontier")
def read_frontier(
    request: Request, desk: TheDesk, visitor: Reader, plan_id: Identity
) -> HTMLResponse:
    """What other budgets would bring: a part for scripts, a page without them."""
    kept = kept_plans.opened(desk, visitor.known, plan_id)
    try:
        frontier, problem = frontier_of(kept.plan, kept.model, kept.question), None
    except OptimizerError as error:
        frontier, problem = None, problem_of(error)
    found = None if frontier is None else frontier.to_dict()
    context = reading(kept.plan.to_dict(), visitor.language, frontier=found)
    template = "parts/other_budgets.html" if is_part(request) else "plan_frontier.html"
    return page(request, visitor, template, kept=kept.row, problem=problem, **context)


@router.get("/plans/{plan_id}/plan.{form}")
def download_plan(
    desk: TheDesk,
    visitor: Reader,
    plan_id: Identity,
    form: Literal["json", "csv", "xlsx", "html"],
) -> Response:
    """One kept plan as a file."""
    content = _content(desk, visitor, plan_id, form)
    named = {"Content-Disposition": f'attachment; filename="plan.{form}"'}
    return Response(content, media_type=KINDS[form], headers=named)


def _content(desk: Any, visitor: Any, identity: str, form: str) -> str | bytes:
    caller = visitor.known
    if form == "json":
        return json_text(plans.document(desk, caller, identity))
    if form == "csv":
        return plans.table(desk, caller, identity)
    if form == "xlsx":
        return plans.workbook(desk, caller, identity)
    kept = kept_plans.opened(desk, caller, identity)
    return report_html(kept.plan, kept.model, kept.question, visitor.language.code)


def _has_frontier(plan: Plan) -> bool:
    """Whether other budgets could be planned: not of a given split, nor where it is sought."""
    return plan.certificate is not None and plan.objective != "least_spend"


def _curves(kept: KeptPlan, now: Any) -> list[dict[str, Any]]:
    """The curves the plan was made from, where they are still kept."""
    if kept.model is None:
        return []
    return curves_of(kept.model, kept.plan, now, kept.question.to_dict())
