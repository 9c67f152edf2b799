"""Jobs: how they stand, what happened, and stopping them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sse_starlette.sse import EventSourceResponse

from api.auth import Reader, TheDesk, Writer
from api.routes.answers import Cursor, Limit, as_json, problems
from api.schemas import JobOut, Paged
from api.serving import jobs, rows
from api.serving.desk import Desk
from api.store import tables
from api.store.keys import Caller

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

LOOK_SECONDS = 0.25
LONGEST_POLL = 30.0

JobId = Annotated[str, Path(max_length=80)]


@router.get("", response_model=Paged, responses=problems())
def list_jobs(desk: TheDesk, caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Jobs, newest first."""
    with desk.database.read() as connection:
        page = rows.listed(
            connection,
            tables.jobs,
            caller.workspace,
            limit=limit,
            cursor=cursor,
            leave_out=jobs.INNER,
        )
    return as_json(page)


@router.get("/{job_id}", response_model=JobOut, responses=problems(404))
def get_job(desk: TheDesk, caller: Reader, job_id: JobId) -> Response:
    """How a job stands."""
    return as_json(jobs.job(desk, caller, job_id))


@router.post("/{job_id}:cancel", response_model=JobOut, responses=problems(404))
def cancel_job(desk: TheDesk, caller: Writer, job_id: JobId) -> Response:
    """Ask a job to stop: at once where it waits, within seconds where it runs."""
    return as_json(jobs.cancel(desk, caller, job_id))


@router.get("/{job_id}/events", response_model=Paged, responses=problems(404))
async def job_events(  # noqa: PLR0913, PLR0917  (path, query and header)
    request: Request,
    desk: TheDesk,
    caller: Reader,
    job_id: JobId,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="the last number seen")] = 0,
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Response:
    """What happened to a job: server-sent events from the last one seen, or a list of them."""
    if last_event_id is not None and last_event_id.isdecimal():
        after = min(int(last_event_id), 2**31 - 1)
    items, _ = await run_in_threadpool(jobs.events, desk, caller, job_id, after)
    if "text/event-stream" not in accept:
        return as_json({"items": items, "next_cursor": None})
    return EventSourceResponse(_stream(request, desk, caller, job_id, after))


async def _stream(
    request: Request, desk: Desk, caller: Caller, job_id: str, after: int
) -> AsyncIterator[dict[str, str]]:
    """Events as they come, until the job has ended or the reader is gone."""
    while not await request.is_disconnected():
        items, ended = await run_in_threadpool(jobs.events, desk, caller, job_id, after)
        for event in items:
            after = event["seq"]
            yield {"id": str(after), "event": event["kind"], "data": json.dumps(event)}
        if ended and not items:
            return
        if not items:
            await asyncio.sleep(LOOK_SECONDS)
