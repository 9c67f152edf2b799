"""Addresses of views: where a reader is, as something that can be opened again."""

from __future__ import annotations

from fastapi import Request
from starlette.routing import Match

LONGEST = 100_000  # characters


def here(request: Request) -> str:
    """The view a request asks for; after a form was sent, the nearest one above that opens."""
    if request.method == "GET":
        return request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return above(request, request.url.path)


def above(request: Request, path: str) -> str:
    """A path if it can be opened, else the nearest above it that can."""
    while path and not _opens(request, path):
        path = path.rpartition("/")[0]
    return path or "/"


def _opens(request: Request, path: str) -> bool:
    asked = {**request.scope, "path": path, "raw_path": path.encode(), "method": "GET"}
    return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)
