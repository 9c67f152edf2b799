"""Whether the process lives, whether it can serve, and its counters."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.auth import TheDesk
from api.routes.answers import as_json

router = APIRouter(tags=["health"])


@router.get("/livez", response_class=PlainTextResponse)
def livez() -> str:
    """The process answers."""
    return "ok"


@router.get(
    "/readyz",
    responses={
        503: {"description": "The database does not answer."},
        507: {"description": "The disk is full."},
    },
)
def readyz(desk: TheDesk) -> Response:
    """The database answers, and the folder is there with room to write in."""
    desk.check_room()
    desk.database.ping()
    return as_json({"ready": True})


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Counters and times in Prometheus' own words."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
