"""Keys and the audit log: for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from api.auth import Admin, TheDesk
from api.routes.answers import Cursor, Limit, answered, as_json, problems
from api.schemas import KeyIn, KeyOut, Paged, RotateIn
from api.serving import access, rows
from api.serving.once import Deed
from api.store import keys, tables

router = APIRouter(prefix="/v1", tags=["access"])

USUAL_GRACE = RotateIn()

KeyId = Annotated[str, Path(max_length=80)]


@router.post("/api-keys", status_code=201, response_model=KeyOut, responses=problems(400))
def make_key(desk: TheDesk, caller: Admin, body: KeyIn) -> Response:
    """A new key of this workspace, told once."""
    return answered(access.make(desk, Deed(caller, "key.make"), body))


@router.get("/api-keys", response_model=Paged, responses=problems())
def list_keys(desk: TheDesk, caller: Admin, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The workspace's keys, without their secrets."""
    with desk.database.read() as connection:
        page = rows.listed(
            connection,
            tables.api_keys,
            caller.workspace,
            limit=limit,
            cursor=cursor,
            leave_out=keys.INNER,
        )
    return as_json(page)


@router.post(
    "/api-keys/{key_id}:rotate",
    status_code=201,
    response_model=KeyOut,
    responses=problems(400, 404, 409),
)
def rotate_key(
    desk: TheDesk, caller: Admin, key_id: KeyId, body: RotateIn = USUAL_GRACE
) -> Response:
    """A successor; both keys live until the grace is over."""
    return answered(access.rotate(desk, Deed(caller, "key.rotate"), key_id, body))


@router.delete("/api-keys/{key_id}", status_code=204, responses=problems(404))
def revoke_key(desk: TheDesk, caller: Admin, key_id: KeyId) -> Response:
    """End a key at once."""
    access.revoke(desk, Deed(caller, "key.revoke"), key_id)
    return Response(status_code=204)


@router.get("/audit-events", response_model=Paged, responses=problems())
def list_audit_events(
    desk: TheDesk, caller: Admin, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Who did what in this workspace, newest first."""
    return as_json(access.audit_page(desk, caller, limit, cursor))
