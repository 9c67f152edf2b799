"""Curves: the list, importing some, one set of them with what it rests on, planning with it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as Part
from fastapi.responses import RedirectResponse, Response

from api.auth import TheDesk
from api.page.frame.forms import LONGEST_NAME, Filled, Sent, sent_files, text_of
from api.page.frame.lists import Cursor, newest
from api.page.frame.rendering import page
from api.page.frame.visitor import Reader, Visitor, Writer
from api.problems import problem_of
from api.schemas import ImportIn, ScenarioIn
from api.serving import fits, models, rows, scenarios
from api.serving.desk import Desk
from api.serving.once import Deed
from api.store import tables
from api.store.pages import row_of

router = APIRouter(include_in_schema=False, prefix="/models")

ModelId = Annotated[str, Part(max_length=80)]
CURRENT = "current"
PERIODS = {"week": 13, "month": 3, "day": 90}  # of a first plan: a quarter


@router.get("")
def list_models(
    request: Request, desk: TheDesk, visitor: Reader, cursor: Cursor = None
) -> Response:
    """Curves, newest first, and the form that imports some."""
    return _list(request, desk, visitor, Filled({"name": "", "make_current": ""}), cursor)


@router.post("")
def import_model(request: Request, desk: TheDesk, visitor: Writer, form: Sent) -> Response:
    """Keep curves made elsewhere."""
    from optimizer import OptimizerError, parse_document

    typed = {"name": text_of(form, "name"), "make_current": text_of(form, "make_current")}
    files = sent_files(form, "file")
    if not files:
        return _list(request, desk, visitor, Filled(typed, wrong="no_file"))
    called, file = files[0]
    name = typed["name"] or PurePath(called).stem
    try:
        document = parse_document(file.read(), f"{PurePath(called).stem}.json")
        wanted = ImportIn(
            model=document, name=name[:LONGEST_NAME], make_current=bool(typed["make_current"])
        )
        kept = models.bring_in(desk, Deed(visitor.known, "model.import"), wanted)
    except OptimizerError as error:
        return _list(request, desk, visitor, Filled(typed, problem=problem_of(error)))
    return RedirectResponse(f"/models/{kept.body['id']}", 303)


@router.get("/{model_id}")
def show_model(request: Request, desk: TheDesk, visitor: Reader, model_id: ModelId) -> Response:
    """One set of curves: the curves, what they return, what the fit says, how it forecasts."""
    caller = visitor.known
    with desk.database.read() as connection:
        row = rows.model_row(connection, caller.workspace, model_id)
        source = row_of(connection, tables.histories, caller.workspace, row["history"] or "")
    model = desk.model(row["blob"])
    return page(
        request,
        visitor,
        "model.html",
        row=rows.shown(row),
        history=None if source is None else {"id": source["id"], "name": source["name"]},
        model=model,
        current=models.current(desk, caller) == row["id"],
        curves=fits.curves_of(model),
        returns=fits.returns_of(model),
        quality=fits.quality_of(model),
        said=fits.said_of(model),
        forecast=fits.forecasts(desk, caller, row["id"]),
    )


@router.post("/{model_id}/current")
def make_current(desk: TheDesk, visitor: Writer, model_id: ModelId, form: Sent) -> Response:
    """Let new scenarios use these curves."""
    models.repoint(desk, Deed(visitor.known, "model.alias"), CURRENT, model_id)
    return RedirectResponse("/models" if text_of(form, "then") else f"/models/{model_id}", 303)


@router.post("/{model_id}/scenarios")
def plan_with(desk: TheDesk, visitor: Writer, model_id: ModelId, form: Sent) -> Response:
    """A first scenario: a quarter of the current budget, split for profit."""
    del form
    with desk.database.read() as connection:
        row = rows.model_row(connection, visitor.known.workspace, model_id)
    model = desk.model(row["blob"])
    document: dict[str, Any] = {"name": row["name"], "periods": PERIODS[model.period]}
    document["objective"] = "revenue" if model.counts else "profit"
    if model.currency:
        document["currency"] = model.currency
    wanted = ScenarioIn(scenario=document, name=row["name"], model=row["id"])
    kept = scenarios.create(desk, Deed(visitor.known, "scenario.create"), wanted)
    return RedirectResponse(f"/scenarios/{kept.body['id']}", 303)


def _list(
    request: Request, desk: Desk, visitor: Visitor, form: Filled, cursor: str | None = None
) -> Response:
    return page(
        request,
        visitor,
        "models.html",
        form.status,
        found=newest(desk, visitor, tables.models, cursor=cursor),
        current=models.current(desk, visitor.known),
        **form.context,
    )
