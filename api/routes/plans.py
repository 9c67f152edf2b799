"""Kept plans: list, read, download."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from api.auth import Reader, TheDesk
from api.page.plans.report import report_html
from api.routes.answers import Cursor, Limit, as_json, problems
from api.schemas import Paged
from api.serving import kept_plans, plans, rows
from api.store import tables
from optimizer import Plan

router = APIRouter(prefix="/v1/plans", tags=["plans"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("", response_model=Paged, responses=problems())
def list_plans(desk: TheDesk, caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Plans, newest first, without their contents."""
    with desk.database.read() as connection:
        page = rows.listed(
            connection,
            tables.plans,
            caller.workspace,
            limit=limit,
            cursor=cursor,
            leave_out=("document", "question"),
        )
    return as_json(page)


@router.get(
    "/{plan_id}",
    response_model=Plan,
    responses={200: {"content": {"text/csv": {}, XLSX: {}, "text/html": {}}}, **problems(404)},
)
def get_plan(
    desk: TheDesk,
    caller: Reader,
    plan_id: Annotated[str, Path(max_length=80)],
    form: Annotated[Literal["json", "csv", "xlsx", "html"], Query(alias="format")] = "json",
    language: Annotated[Literal["en", "ru", "zh"], Query(description="of the HTML report")] = "en",
) -> Response:
    """A plan: the document, its split as CSV, a workbook, or a report in one HTML file."""
    if form == "json":
        return as_json(plans.document(desk, caller, plan_id))
    content: str | bytes
    if form == "csv":
        content, kind = plans.table(desk, caller, plan_id), "text/csv; charset=utf-8"
    elif form == "xlsx":
        content, kind = plans.workbook(desk, caller, plan_id), XLSX
    else:
        kept = kept_plans.opened(desk, caller, plan_id)
        content = report_html(kept.plan, kept.model, kept.question, language)
        kind = "text/html; charset=utf-8"
    named = {"Content-Disposition": f'attachment; filename="plan.{form}"'}
    return Response(content, media_type=kind, headers=named)
