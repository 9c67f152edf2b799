"""The first view: what there is, or how to begin."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.auth import TheDesk
from api.page.frame.forms import Sent
from api.page.frame.rendering import page
from api.page.frame.visitor import Reader, Writer
from api.serving import example, rows
from api.store import tables

router = APIRouter(include_in_schema=False)

SHOWN = 5


@router.get("/")
def overview(request: Request, desk: TheDesk, visitor: Reader) -> HTMLResponse:
    """The newest of everything; an empty workspace is told how to begin."""
    workspace = visitor.known.workspace
    kinds = {
        "scenarios": (tables.scenarios, ("document",)),
        "histories": (tables.histories, ("findings",)),
        "models": (tables.models, ()),
        "jobs": (tables.jobs, ("payload", "checkpoint", "result", "problem")),
    }
    with desk.database.read() as connection:
        newest = {
            name: rows.listed(
                connection, table, workspace, limit=SHOWN, cursor=None, leave_out=left_out
            )["items"]
            for name, (table, left_out) in kinds.items()
        }
    return page(request, visitor, "home.html", **newest)


@router.post("/example")
def load_example(desk: TheDesk, visitor: Writer, form: Sent) -> Response:
    """Keep the shipped example and have it fitted; its scenario opens when the curves are there."""
    del form
    job, scenario = example.begin(desk, visitor.known)
    return RedirectResponse(f"/scenarios/{scenario}" if scenario else f"/jobs/{job}", 303)
