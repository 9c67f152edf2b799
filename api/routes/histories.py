"""Histories: upload, look, list."""

from __future__ import annotations

import difflib
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Path, Request, UploadFile
from fastapi.responses import Response

from api.auth import Reader, TheDesk, Writer
from api.problems import RequestError
from api.routes.answers import Cursor, IdempotencyKey, Limit, answered, as_json, problems
from api.schemas import HistoryOut, Name, Paged
from api.serving import histories, rows
from api.serving.names import checked_name
from api.serving.once import Deed
from api.serving.pointers import pointer
from api.store import tables

router = APIRouter(prefix="/v1/histories", tags=["histories"])

HistoryId = Annotated[str, Path(max_length=80)]
Files = Annotated[list[UploadFile], "CSV, XLSX or Parquet; several are joined"]
Layout = Annotated[Literal["attributed", "aggregate"] | None, Form()]
Columns = Annotated[
    str | None, Form(description="JSON, as `history.columns` of a scenario", max_length=100_000)
]
Currency = Annotated[str | None, Form(max_length=10)]

FORM = "multipart/form-data"
FIELDS = ("file", "name", "layout", "columns", "currency")


async def known_form(request: Request) -> None:
    """Refuse a body that is no form with files, and fields no history has."""
    if not request.headers.get("content-type", "").startswith(FORM):
        raise RequestError(
            422,
            "faulty_request",
            f"The body is no form with files. Send the history as {FORM}, in the field `file`.",
            errors=({"pointer": "/file", "detail": "is missing; add it"},),
        )
    strange = [name for name in await request.form() if name not in FIELDS]
    if strange:
        close = difflib.get_close_matches(strange[0].lower(), FIELDS, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"known: {', '.join(FIELDS)}."
        told = f'unknown form field "{strange[0][:60]}"; {hint}'
        raise RequestError(
            422,
            "faulty_request",
            f"The form has an {told} Mend it, then send it again.",
            errors=({"pointer": pointer(strange[0]), "detail": told},),
        )


AForm = Depends(known_form)


@router.post(
    "",
    status_code=201,
    response_model=HistoryOut,
    responses=problems(400, 409, 413),
    dependencies=[AForm],
)
def upload_history(  # noqa: PLR0913, PLR0917  (the form's fields)
    desk: TheDesk,
    caller: Writer,
    file: Files,
    name: Annotated[Name | None, Form()] = None,
    layout: Layout = None,
    columns: Columns = None,
    currency: Currency = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Keep a history; every finding comes with it."""
    options = _options(layout, columns, currency)
    with histories.laid_down(desk, _named(file)) as laid:
        said = histories.said_by(laid, {**options, "name": name})
        deed = Deed(caller, "history.upload", idempotency_key, said)
        called = name or checked_name(laid[0]["name"])
        return answered(histories.upload(desk, deed, laid, called, options))


@router.post(
    "/preview", response_model=dict[str, Any], responses=problems(400, 413), dependencies=[AForm]
)
def preview_upload(
    desk: TheDesk,
    _: Reader,
    file: Files,
    layout: Layout = None,
    columns: Columns = None,
    currency: Currency = None,
) -> Response:
    """What reading these files would give; nothing is kept."""
    options = _options(layout, columns, currency)
    with histories.laid_down(desk, _named(file)) as laid:
        return as_json(histories.look(desk, laid, options))


@router.get("", response_model=Paged, responses=problems())
def list_histories(
    desk: TheDesk, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Histories, newest first."""
    with desk.database.read() as connection:
        page = rows.listed(
            connection, tables.histories, caller.workspace, limit=limit, cursor=cursor
        )
    return as_json(page)


@router.get("/{history_id}", response_model=HistoryOut, responses=problems(404))
def get_history(desk: TheDesk, caller: Reader, history_id: HistoryId) -> Response:
    """One history."""
    return as_json(rows.shown(_found(desk, caller, history_id)))


@router.get("/{history_id}/preview", response_model=dict[str, Any], responses=problems(404))
def preview_history(desk: TheDesk, caller: Reader, history_id: HistoryId) -> Response:
    """Its first rows, as they were understood."""
    return as_json(histories.preview(desk, caller, history_id))


@router.get("/{history_id}/quality", response_model=dict[str, Any], responses=problems(404))
def history_quality(desk: TheDesk, caller: Reader, history_id: HistoryId) -> Response:
    """Everything noticed while it was read and checked."""
    return as_json({"findings": _found(desk, caller, history_id)["findings"]})


@router.delete("/{history_id}", status_code=204, responses=problems(404))
def delete_history(desk: TheDesk, caller: Writer, history_id: HistoryId) -> Response:
    """Take a history away; models fitted to it stay."""
    histories.remove(desk, Deed(caller, "history.delete"), history_id)
    return Response(status_code=204)


def _found(desk: TheDesk, caller: Reader, history_id: str) -> Any:
    with desk.database.read() as connection:
        return rows.found(connection, tables.histories, caller.workspace, history_id)


def _named(files: list[UploadFile]) -> list[tuple[str, Any]]:
    return [(file.filename or "upload.csv", file.file) for file in files]


def _options(layout: str | None, columns: str | None, currency: str | None) -> dict[str, Any]:
    """The form's options as the reader takes them."""
    if columns is None:
        return {"layout": layout, "columns": None, "currency": currency}
    try:
        named = json.loads(columns)
    except (ValueError, RecursionError):
        named = None
    if not isinstance(named, dict | list):
        raise RequestError(
            422,
            "faulty_columns",
            'The form field columns is no JSON object. Write such as {"date": "week"}.',
            errors=({"pointer": "/columns", "detail": "no JSON object"},),
        )
    return {"layout": layout, "columns": named, "currency": currency}
