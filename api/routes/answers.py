"""How routes answer: kept answers, documents as they are, pages, and what can go wrong."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from api.store.idempotency import Kept
from api.store.pages import MOST_ROWS

PROBLEM = "#/components/schemas/Problem"  # put there by api.main

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="rows of the page")]
Cursor = Annotated[str | None, Query(max_length=80, description="`next_cursor` of the page before")]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=255, description="makes the request safe to send again"),
]

_DETAIL = {
    400: "The body cannot be parsed.",
    401: "No key, or one that does not live.",
    403: "The key does not reach this far.",
    404: "There is no such thing in this workspace.",
    409: "The request goes against one before: its Idempotency-Key, or the key, was used up.",
    412: "The resource was changed meanwhile.",
    413: "The body is too large.",
    422: "A document has faults, or nothing satisfies every constraint.",
    428: "If-Match is missing.",
    429: "Too many requests.",
    503: "The database, or the disk, does not answer.",
    507: "The disk is full.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors a route documents: its own and those any route has."""
    everywhere = (401, 403, 413, 422, 429, 503, 507)
    return {
        status: {
            "description": _DETAIL[status],
            "content": {"application/problem+json": {"schema": {"$ref": PROBLEM}}},
        }
        for status in sorted({*everywhere, *statuses})
    }


async def fingerprint(request: Request) -> bytes:
    """Everything a JSON request says."""
    return f"{request.method} {request.url.path}\0".encode() + await request.body()


Said = Annotated[bytes, Depends(fingerprint)]


def answered(kept: Kept) -> JSONResponse:
    """A kept answer as a response."""
    return JSONResponse(kept.body, kept.status, headers=kept.headers)


def document(text: str, headers: dict[str, str] | None = None) -> Response:
    """A document's JSON as it is."""
    return Response(text, media_type="application/json", headers=headers)


def as_json(content: Any) -> Response:
    """Plain data as JSON; never NaN."""
    return document(json.dumps(content, ensure_ascii=False, allow_nan=False))
