"""Models: fit, import, look."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from api.auth import Reader, TheDesk, Writer
from api.routes.answers import (
    Cursor,
    IdempotencyKey,
    Limit,
    Said,
    answered,
    as_json,
    problems,
)
from api.schemas import AliasIn, FitIn, ImportIn, ModelOut, Paged
from api.serving import models, rows
from api.serving.once import Deed
from api.serving.pointers import beneath
from api.store import tables

router = APIRouter(prefix="/v1/models", tags=["models"])

ModelId = Annotated[str, Path(max_length=80, description="an id, or `current`")]


@router.post("", status_code=202, response_model=dict[str, Any], responses=problems(400, 404, 409))
def fit_model(
    desk: TheDesk,
    caller: Writer,
    body: FitIn,
    said: Said,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Queue a fit; the job's result names the model."""
    deed = Deed(caller, "model.fit", idempotency_key, said)
    with beneath("", {"fit": body.fit}):
        return answered(models.fit(desk, deed, body))


@router.post("/import", status_code=201, response_model=ModelOut, responses=problems(400, 409, 413))
def import_model(
    desk: TheDesk,
    caller: Writer,
    body: ImportIn,
    said: Said,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Keep curves made elsewhere."""
    deed = Deed(caller, "model.import", idempotency_key, said)
    with beneath("/model", body.model, of="model"):
        return answered(models.bring_in(desk, deed, body))


@router.get("", response_model=Paged, responses=problems())
def list_models(
    desk: TheDesk, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Models, newest first."""
    with desk.database.read() as connection:
        page = rows.listed(connection, tables.models, caller.workspace, limit=limit, cursor=cursor)
    return as_json(page)


@router.get("/{model_id}", response_model=ModelOut, responses=problems(404))
def get_model(desk: TheDesk, caller: Reader, model_id: ModelId) -> Response:
    """One model, without its draws."""
    with desk.database.read() as connection:
        return as_json(rows.shown(rows.model_row(connection, caller.workspace, model_id)))


@router.get("/{model_id}/document", response_model=dict[str, Any], responses=problems(404))
def model_document(desk: TheDesk, caller: Reader, model_id: ModelId) -> Response:
    """The whole Model document, draws and all."""
    return as_json(models.document(desk, caller, model_id))


@router.get("/{model_id}/curves", response_model=dict[str, Any], responses=problems(404))
def model_curves(desk: TheDesk, caller: Reader, model_id: ModelId) -> Response:
    """Each curve with its 90 % band, per period."""
    return as_json(models.curves(desk, caller, model_id))


@router.get("/{model_id}/diagnostics", response_model=dict[str, Any], responses=problems(404))
def model_diagnostics(desk: TheDesk, caller: Reader, model_id: ModelId) -> Response:
    """What the fit says about itself."""
    return as_json(models.diagnostics(desk, caller, model_id))


@router.put("/aliases/{alias}", response_model=dict[str, Any], responses=problems(400, 404))
def point_alias(
    desk: TheDesk,
    caller: Writer,
    alias: Annotated[str, Path(pattern="^[a-z][a-z0-9_-]{0,39}$")],
    body: AliasIn,
) -> Response:
    """Let an alias such as `current` mean a model."""
    return answered(models.repoint(desk, Deed(caller, "model.alias"), alias, body.model))
